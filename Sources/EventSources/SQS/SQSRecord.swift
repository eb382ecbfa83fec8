// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// A message of a queue, and what a function gets of it.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
struct SQSRecord: Equatable, Sendable {
    let messageID: String
    let receiptHandle: String
    let body: String
    /// What EventBridge's patterns are compared with.
    let value: JSONValue
    /// `value` as it is in an event.
    let bytes: [UInt8]

    /// A message as ReceiveMessage has it; nil for what is none.
    init?(_ message: JSONValue, queueARN: String, region: String) {
        guard let messageID = message["MessageId"]?.string, let handle = message["ReceiptHandle"]?.string,
            let body = message["Body"]?.string
        else { return nil }
        self.messageID = messageID
        receiptHandle = handle
        self.body = body
        var record: [String: JSONValue] = [
            "messageId": .string(messageID), "receiptHandle": .string(handle), "body": .string(body),
            "attributes": message["Attributes"] ?? .object([:]), "eventSource": .string("aws:sqs"),
            "eventSourceARN": .string(queueARN), "awsRegion": .string(region),
            "messageAttributes": .object((message["MessageAttributes"]?.object ?? [:]).mapValues(Self.attribute)),
        ]
        record["md5OfBody"] = message["MD5OfBody"]
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        value = .object(record)
        bytes = value.bytes
    }

    /// The trace that the message is part of.
    var traceHeader: String? { value["attributes"]?["AWSTraceHeader"]?.string }

    private static func attribute(_ attribute: JSONValue) -> JSONValue {
        var members: [String: JSONValue] = [
            "dataType": attribute["DataType"] ?? .string("String"), "stringListValues": .array([]),
            "binaryListValues": .array([]),
        ]
        members["stringValue"] = attribute["StringValue"]
        members["binaryValue"] = attribute["BinaryValue"]
        return .object(members)
    }

    /// The event of an invocation.
    static func event(_ records: [SQSRecord]) -> [UInt8] {
        var bytes = Array(#"{"Records":["#.utf8)
        bytes.reserveCapacity(records.reduce(bytes.count + 2) { $0 + $1.bytes.count + 1 })
        for (index, record) in records.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += record.bytes
        }
        bytes += "]}".utf8
        return bytes
    }
}
