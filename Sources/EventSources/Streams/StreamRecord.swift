// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
package import LambdaModel

/// A record of a stream, and what a function gets of it.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html and with-ddb.html have examples.
package struct StreamRecord: Sendable {
    private enum Content: Sendable {
        /// `data` in Base64.
        case kinesis(partitionKey: String, data: String)
        /// As GetRecords has it.
        case dynamoDB([String: JSONValue])
    }

    let sequence: String
    /// When it came to the stream; nil where nobody says so.
    private let time: Timestamp?
    private let content: Content

    /// A record of Kinesis; `data` in Base64.
    package init(sequence: String, time: Timestamp?, partitionKey: String, data: String) {
        self.sequence = sequence
        self.time = time
        content = .kinesis(partitionKey: partitionKey, data: data)
    }

    /// A record as Kinesis' GetRecords has it; nil for what is none.
    init?(kinesis record: JSONValue) {
        guard let sequence = record["SequenceNumber"]?.string, !sequence.isEmpty, let data = record["Data"]?.string
        else { return nil }
        self.init(
            sequence: sequence,
            time: Timestamp(seconds: record["ApproximateArrivalTimestamp"]),
            partitionKey: record["PartitionKey"]?.string ?? "",
            data: data
        )
    }

    /// A record as DynamoDB Streams' GetRecords has it; nil for what is none.
    init?(dynamoDB record: JSONValue) {
        guard let members = record.object, let change = record["dynamodb"],
            let sequence = change["SequenceNumber"]?.string, !sequence.isEmpty
        else { return nil }
        self.sequence = sequence
        time = Timestamp(seconds: change["ApproximateCreationDateTime"])
        content = .dynamoDB(members)
    }

    /// Without a time that can be, a record is as old as its reading at `now`: it is not to be discarded for its age.
    func arrival(_ now: Timestamp) -> Timestamp {
        let latest = now.millisecondsSinceEpoch + 86_400_000
        guard let time, (1...latest).contains(time.millisecondsSinceEpoch) else { return now }
        return time
    }

    /// What its order is kept by: the partition key, or the item's key.
    var partition: [UInt8] {
        switch content {
        case .kinesis(let key, _): Array(key.utf8)
        case .dynamoDB(let members): members["dynamodb"]?["Keys"]?.bytes ?? []
        }
    }

    /// The record in its function's event; nil for one that the filter does not let through.
    func event(_ frame: Frame, arrival: Timestamp, passing filter: EventFilter) -> [UInt8]? {
        switch content {
        case .kinesis(let partitionKey, let data):
            let bytes = frame.kinesis(sequence, arrival, partitionKey, data)
            // Patterns are compared with what the function gets.
            let passes = filter.matches(
                record: (try? JSONValue(parsing: bytes)) ?? .null,
                data: Base64.decode(data)
            )
            return passes ? bytes : nil
        case .dynamoDB(let members):
            let record = frame.dynamoDB(members)
            return filter.matches(record: record, data: nil) ? record.bytes : nil
        }
    }

    /// The event of an invocation with those records, and `members`, which begins with a comma where there are any.
    static func event(_ records: [[UInt8]], members: [UInt8] = []) -> [UInt8] {
        var bytes = Array(#"{"Records":["#.utf8)
        bytes.reserveCapacity(records.reduce(bytes.count + 2 + members.count) { $0 + $1.count + 1 })
        for (index, record) in records.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += record
        }
        bytes.append(UInt8(ascii: "]"))
        bytes += members
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}

extension StreamRecord {
    /// What the events of all records of a shard have in common.
    struct Frame {
        private let source: EventSourcePlan.StreamSource
        private let region: String
        /// Of a record of Kinesis, whose members are in ascending order like those of a `JSONValue`: what is before its sequence number,
        /// and what is between that and its time.
        private var head: [UInt8] = []
        private var middle: [UInt8] = []

        init(_ source: EventSourcePlan.StreamSource, shard: String, region: String) {
            self.source = source
            self.region = region
            guard source.kind == .kinesis else { return }
            head += #"{"awsRegion":"#.utf8
            JSONValue.write(region, to: &head)
            head += #","eventID":"#.utf8
            JSONValue.write("\(shard):", to: &head)
            // The sequence number goes on with the text.
            head.removeLast()
            middle += #"","eventName":"aws:kinesis:record","eventSource":"aws:kinesis","eventSourceARN":"#.utf8
            JSONValue.write(source.arn, to: &middle)
            middle += #","eventVersion":"1.0","invokeIdentityArn":"#.utf8
            JSONValue.write(source.role, to: &middle)
            middle += #","kinesis":{"approximateArrivalTimestamp":"#.utf8
        }

        fileprivate func kinesis(
            _ sequence: String,
            _ arrival: Timestamp,
            _ partitionKey: String,
            _ data: String
        ) -> [UInt8] {
            var bytes: [UInt8] = []
            let known = head.count + middle.count + 2 * sequence.utf8.count + partitionKey.utf8.count + data.utf8.count
            bytes.reserveCapacity(known + 128)
            bytes += head
            JSONValue.writeContent(sequence, to: &bytes)
            bytes += middle
            bytes += arrival.epochSeconds.utf8
            bytes += #","data":"#.utf8
            JSONValue.write(data, to: &bytes)
            bytes += #","kinesisSchemaVersion":"1.0","partitionKey":"#.utf8
            JSONValue.write(partitionKey, to: &bytes)
            bytes += #","sequenceNumber":"#.utf8
            JSONValue.write(sequence, to: &bytes)
            bytes += "}}".utf8
            return bytes
        }

        fileprivate func dynamoDB(_ record: [String: JSONValue]) -> JSONValue {
            var members = record
            members["eventSource"] = .string("aws:dynamodb")
            members["awsRegion"] = .string(region)
            members["eventSourceARN"] = .string(source.arn)
            // The service's own deletions: other spelling, same content.
            if let identity = record["userIdentity"]?.object {
                members["userIdentity"] = .object([
                    "type": identity["Type"] ?? .string("Service"),
                    "principalId": identity["PrincipalId"] ?? .string("dynamodb.amazonaws.com"),
                ])
            }
            return .object(members)
        }
    }
}
