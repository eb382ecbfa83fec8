// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// A message of a RabbitMQ queue, and what a function gets of it.
///
/// https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html has an example.
struct RabbitMQRecord: Equatable, Sendable {
    /// By which its connection's broker knows it.
    let tag: UInt64
    /// What EventBridge's patterns are compared with; nothing where the body was too large to be read.
    let value: JSONValue
    let body: [UInt8]
    /// `value` as it is in an event; for a body that was not read, one of that many bytes.
    let size: Int
    let bytes: [UInt8]

    /// `properties` are those of `AMQPProperties`, without the body's size.
    init(tag: UInt64, isRedelivered: Bool, properties: [String: JSONValue], body: [UInt8]) {
        var properties = properties
        properties["bodySize"] = .integer(body.count)
        self.tag = tag
        self.body = body
        value = .object([
            "basicProperties": .object(properties), "redelivered": .bool(isRedelivered),
            "data": .string(Base64.encode(body)),
        ])
        bytes = value.bytes
        size = bytes.count
    }

    /// A message whose body has more bytes than any function gets.
    init(tag: UInt64, size: Int) {
        self.tag = tag
        self.size = size
        value = .null
        body = []
        bytes = []
    }

    /// Before and after the records of an event.
    struct Envelope: Equatable, Sendable {
        let start: [UInt8]
        let end = Array("]}}".utf8)

        /// Records are under the queue's name and the virtual host's.
        init(arn: String, queue: String, virtualHost: String) {
            let (arn, key) = (JSONValue.string(arn).text, JSONValue.string("\(queue)::\(virtualHost)").text)
            start = Array(#"{"eventSource":"aws:rmq","eventSourceArn":\#(arn),"rmqMessagesByQueue":{\#(key):["#.utf8)
        }

        var count: Int { start.count + end.count }

        /// `records` are their bytes.
        func event(_ records: [[UInt8]]) -> [UInt8] {
            var bytes = start
            bytes.reserveCapacity(records.reduce(count) { $0 + $1.count + 1 })
            for (index, record) in records.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += record
            }
            bytes += end
            return bytes
        }
    }
}
