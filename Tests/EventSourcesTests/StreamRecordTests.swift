// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import LambdaModel
import TestSupport
import Testing

@testable import EventSources

struct StreamRecordTests {
    private static let everything = try? EventFilter(patterns: [], source: .kinesis)
    private static let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_007)

    private static func source(arn: String, role: String) -> EventSourcePlan.StreamSource {
        EventSourcePlan.StreamSource(
            kind: .kinesis,
            arn: arn,
            start: .latest,
            settings: .init(batchSize: 1),
            role: role
        )
    }

    /// A text of letters, of what JSON escapes, and of more than a byte.
    private static func text(_ random: inout SplitMix64) -> String {
        let odd = ["\"", "\\", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "€", "🐝", "/"]
        return (0..<Int.random(in: 0...40, using: &random)).map { _ in
            Bool.random(using: &random) ? "x" : odd.randomElement(using: &random) ?? ""
        }.joined()
    }

    /// Compared with the same members as a value of JSON, whatever the texts are.
    @Test(arguments: UInt64(0)..<32) func `a record of Kinesis is the JSON of its members`(seed: UInt64) throws {
        let filter = try #require(Self.everything)
        var random = SplitMix64(seed: seed)
        for _ in 0..<50 {
            let texts = (0..<7).map { _ in Self.text(&random) }
            let (sequence, partitionKey, data, shard) = (texts[0], texts[1], texts[2], texts[3])
            let source = Self.source(arn: texts[4], role: texts[5])
            let arrival = Timestamp(millisecondsSinceEpoch: Int64.random(in: 1...1 << 42, using: &random))
            let record = StreamRecord(sequence: sequence, time: arrival, partitionKey: partitionKey, data: data)
            let event = record.event(
                StreamRecord.Frame(source, shard: shard, region: texts[6]),
                arrival: arrival,
                passing: filter
            )
            let expected = JSONValue.object([
                "kinesis": .object([
                    "kinesisSchemaVersion": .string("1.0"), "partitionKey": .string(partitionKey),
                    "sequenceNumber": .string(sequence), "data": .string(data),
                    "approximateArrivalTimestamp": .number(arrival.epochSeconds),
                ]),
                "eventSource": .string("aws:kinesis"), "eventVersion": .string("1.0"),
                "eventID": .string("\(shard):\(sequence)"), "eventName": .string("aws:kinesis:record"),
                "invokeIdentityArn": .string(source.role), "awsRegion": .string(texts[6]),
                "eventSourceARN": .string(source.arn),
            ])
            #expect(event == expected.bytes, "seed \(seed)")
        }
    }

    @Test func `patterns look at the record and at its data`() throws {
        let frame = StreamRecord.Frame(Self.source(arn: "a", role: "r"), shard: "s", region: "us-east-1")
        let data = Base64.encode(Array(#"{"temperature": 21}"#.utf8))
        let record = StreamRecord(sequence: "1", time: nil, partitionKey: "room", data: data)
        func passes(_ pattern: String) throws -> Bool {
            let filter = try EventFilter(patterns: [pattern], source: .kinesis)
            return record.event(frame, arrival: Self.time, passing: filter) != nil
        }
        #expect(try passes(#"{"data": {"temperature": [21]}, "partitionKey": ["room"]}"#))
        #expect(try passes(#"{"eventID": ["s:1"], "kinesis": {"sequenceNumber": ["1"]}}"#))
        #expect(try passes(#"{"approximateArrivalTimestamp": [{"numeric": ["=", 1700000000.007]}]}"#))
        #expect(try !passes(#"{"data": {"temperature": [22]}}"#))
        #expect(try !passes(#"{"partitionKey": ["hall"]}"#))
    }

    @Test func `records of the API are read, and what is none is not`() {
        var members: [String: JSONValue] = [
            "SequenceNumber": .string("7"), "Data": .string("AA=="), "PartitionKey": .string("k"),
            "ApproximateArrivalTimestamp": .number("1700000000.007"),
        ]
        let record = StreamRecord(kinesis: .object(members))
        #expect(record?.sequence == "7" && record?.partition == Array("k".utf8))
        #expect(record?.arrival(Self.time.advanced(by: .seconds(9))) == Self.time)
        members["PartitionKey"] = nil
        #expect(StreamRecord(kinesis: .object(members))?.partition == [])
        members["Data"] = nil
        #expect(StreamRecord(kinesis: .object(members)) == nil)
        let change = JSONValue.object(["SequenceNumber": .string("8"), "Keys": .object(["id": .integer(1)])])
        let item = StreamRecord(dynamoDB: .object(["dynamodb": change]))
        #expect(item?.sequence == "8" && item?.partition == Array(#"{"id":1}"#.utf8))
        #expect(item?.arrival(Self.time) == Self.time)
        #expect(StreamRecord(dynamoDB: .object(["dynamodb": .object([:])])) == nil)
    }
}
