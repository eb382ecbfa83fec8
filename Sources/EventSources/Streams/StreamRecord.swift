// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// A record of a stream, and what a function gets of it.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html and with-ddb.html have examples.
struct StreamRecord: Equatable, Sendable {
    let sequence: String
    /// When it came to the stream; when it was read, where nobody says so.
    let arrival: Timestamp
    /// What EventBridge's patterns are compared with.
    let value: JSONValue
    /// The data of a record of Kinesis, decoded; a record of DynamoDB is its own data.
    let data: [UInt8]?

    /// What its order is kept by: the partition key, or the item's key.
    var partition: [UInt8] {
        if let key = value["kinesis"]?["partitionKey"]?.string { return Array(key.utf8) }
        return value["dynamodb"]?["Keys"]?.bytes ?? []
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

    /// A record as GetRecords has it, read at `now`; nil for what is none.
    init?(
        _ record: JSONValue,
        of source: EventSourcePlan.StreamSource,
        shard: String,
        region: String,
        now: Timestamp
    ) {
        switch source.kind {
        case .kinesis: self.init(kinesis: record, source, shard, region, now)
        case .dynamoDB: self.init(dynamoDB: record, source, region, now)
        }
    }

    /// Without a time that can be, a record is as old as its reading: it is not to be discarded for its age.
    private static func arrival(_ seconds: JSONValue?, _ now: Timestamp) -> Timestamp {
        let latest = now.millisecondsSinceEpoch + 86_400_000
        guard let time = Timestamp(seconds: seconds), (1...latest).contains(time.millisecondsSinceEpoch) else {
            return now
        }
        return time
    }

    private init?(
        kinesis record: JSONValue,
        _ source: EventSourcePlan.StreamSource,
        _ shard: String,
        _ region: String,
        _ now: Timestamp
    ) {
        guard let sequence = record["SequenceNumber"]?.string, !sequence.isEmpty, let data = record["Data"]?.string
        else { return nil }
        self.sequence = sequence
        arrival = Self.arrival(record["ApproximateArrivalTimestamp"], now)
        self.data = Base64.decode(data)
        value = .object([
            "kinesis": .object([
                "kinesisSchemaVersion": .string("1.0"), "partitionKey": record["PartitionKey"] ?? .string(""),
                "sequenceNumber": .string(sequence), "data": .string(data),
                "approximateArrivalTimestamp": .number(arrival.epochSeconds),
            ]),
            "eventSource": .string("aws:kinesis"), "eventVersion": .string("1.0"),
            "eventID": .string("\(shard):\(sequence)"), "eventName": .string("aws:kinesis:record"),
            "invokeIdentityArn": .string(source.role), "awsRegion": .string(region),
            "eventSourceARN": .string(source.arn),
        ])
    }

    private init?(
        dynamoDB record: JSONValue,
        _ source: EventSourcePlan.StreamSource,
        _ region: String,
        _ now: Timestamp
    ) {
        guard var members = record.object, let sequence = record["dynamodb"]?["SequenceNumber"]?.string,
            !sequence.isEmpty
        else { return nil }
        self.sequence = sequence
        arrival = Self.arrival(record["dynamodb"]?["ApproximateCreationDateTime"], now)
        data = nil
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
        value = .object(members)
    }
}
