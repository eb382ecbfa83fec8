// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import LambdaModel
import Testing

@testable import EventSources

struct KafkaRecordTests {
    private static let now = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)

    private static func record(
        _ value: String?,
        timestamp: Int64 = 1_699_999_999_999,
        headers: [KafkaRecord.Header] = []
    ) -> KafkaRecord {
        KafkaRecord(
            offset: 7,
            timestamp: timestamp,
            clock: .append,
            key: value == nil ? nil : [0xFF],
            value: value.map { Array($0.utf8) },
            headers: headers
        )
    }

    @Test func `a record is as AWS has it`() {
        let json = Self.record(
            "v",
            headers: [.init(name: "h", value: [0, 127, 128, 255]), .init(name: "h", value: nil)]
        ).json(topic: "t", partition: 3)
        let headers: [JSONValue] = [
            .object(["h": .array([.integer(0), .integer(127), .integer(-128), .integer(-1)])]), .object(["h": .null]),
        ]
        let expected: JSONValue = .object([
            "topic": .string("t"), "partition": .integer(3), "offset": .integer(7),
            "timestamp": .integer(1_699_999_999_999), "timestampType": .string("LOG_APPEND_TIME"),
            "key": .string("/w=="), "value": .string("dg=="), "headers": .array(headers),
        ])
        #expect(json == expected)
        let tombstone = Self.record(nil).json(topic: "t", partition: 3)
        #expect(tombstone["value"] == nil && tombstone["key"] == nil && tombstone["headers"] == .array([]))
    }

    @Test func `a time that can not be is that of the reading`() {
        #expect(Self.record("v").arrival(Self.now).millisecondsSinceEpoch == 1_699_999_999_999)
        for timestamp: Int64 in [-1, 0, .max, .min, 1_700_086_400_001] {
            #expect(Self.record("v", timestamp: timestamp).arrival(Self.now) == Self.now)
        }
    }

    @Test func `headers take memory though nothing is in them, and no JSON is smaller than it is held to be`() {
        let empty = Self.record("v", headers: Array(repeating: .init(name: "", value: nil), count: 1_000))
        #expect(empty.bytes >= 64_000)
        for record in [
            Self.record(nil), Self.record("value"), empty, Self.record("v", headers: [.init(name: "n", value: [])]),
            Self.record("v", headers: [.init(name: "h", value: Array(repeating: 0, count: 500))]),
        ] {
            #expect(record.jsonBytesMin <= record.json(topic: "t", partition: 0).bytes.count)
        }
        let large = Self.record("v", headers: [.init(name: "h", value: Array(repeating: 9, count: 4 << 20))])
        #expect(large.jsonBytesMin > 8 << 20)
    }

    @Test func `an event has the size that is reckoned with`() throws {
        let servers = ["a:1", "b:2"]
        let records = [Self.record("v").json(topic: "t\"", partition: 2_147_483_647).bytes, Array("{}".utf8)]
        let event = KafkaEvent(servers: servers, topic: "t\"", partition: 2_147_483_647).bytes(records)
        let envelope = KafkaEvent.envelopeBytes(servers: servers, topic: "t\"")
        #expect(event.count == envelope + records[0].count + 1 + records[1].count)
        let json = try JSONValue(parsing: event)
        #expect(json["eventSource"] == .string("SelfManagedKafka") && json["bootstrapServers"] == .string("a:1,b:2"))
        #expect(json["records"]?["t\"-2147483647"]?.array?.count == 2)
    }

    @Test func `a filter looks into the value, and a tombstone is filtered by the rest`() throws {
        let filter = try EventFilter(patterns: [#"{"value":{"a":[1]},"partition":[3]}"#], source: .kafka)
        func matches(_ value: String?, partition: Int = 3) -> Bool {
            let record = Self.record(value)
            return filter.matches(record: record.json(topic: "t", partition: partition), data: record.value)
        }
        #expect(matches(#"{"a":1}"#) && !matches(#"{"a":2}"#) && !matches(#"{"a":1}"#, partition: 4))
        #expect(matches("plain") && matches(nil) && !matches(nil, partition: 4))
    }

    @Test func `what failed is named by partition and offset`() {
        func failures(_ text: String) -> ItemFailures {
            ItemFailures(parsing: Array(text.utf8), identifiers: ["1", "2"]) { identifier in
                guard identifier["partition"]?.string == "t-0", case .number(let offset) = identifier["offset"] else {
                    return nil
                }
                return offset
            }
        }
        func item(_ text: String) -> String { #"{"batchItemFailures":[{"itemIdentifier":\#(text)}]}"# }
        #expect(failures(item(#"{"partition":"t-0","offset":2}"#)) == .some(["2"]))
        for unknown in [#"{"partition":"t-1","offset":2}"#, #"{"partition":"t-0","offset":3}"#, #""2""#, "{}", "null"] {
            #expect(failures(item(unknown)) == .all)
        }
    }
}
