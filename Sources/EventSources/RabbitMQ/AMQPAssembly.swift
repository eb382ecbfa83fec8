// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// What a broker sends, as far as a consumer on one channel is concerned.
enum AMQPFrame: Equatable, Sendable {
    /// A message begins.
    case deliver(tag: UInt64, isRedelivered: Bool)
    /// Its properties, and how many bytes of body follow.
    case header(properties: [String: JSONValue], bodySize: UInt64)
    case body([UInt8])
    /// So many messages are ready in the queue.
    case counted(Int)
    /// The consumer's queue is gone.
    case cancelled
    /// The broker ends the channel or the connection.
    case closed(code: UInt16, text: String)
    /// The broker has agreed to end the connection.
    case closeAgreed
    /// Nothing that matters here.
    case other
}

/// Why a broker is not read.
struct AMQPFailure: Error, Equatable {
    /// For the mapping's owner.
    var problem: String
    /// For the operator; no secret.
    var cause: String
}

/// Puts messages together from their frames.
///
/// Of a body that is larger than any function gets nothing is kept.
struct AMQPAssembly: Sendable {
    private struct Message {
        var tag: UInt64
        var isRedelivered: Bool
        var properties: [String: JSONValue]?
        var isTooLarge = false
        var body: [UInt8] = []
        /// Bytes of the body that are still to come.
        var rest: UInt64 = 0
        var size: UInt64 = 0
    }

    private let bodyBytesMax: Int
    private var message: Message?

    init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }

    /// The message that this frame completes, if it does.
    ///
    /// - Throws: for what the protocol doesn't allow.
    mutating func take(_ frame: AMQPFrame) throws(AMQPFailure) -> RabbitMQRecord? {
        switch frame {
        case .deliver(let tag, let isRedelivered):
            guard message == nil else { throw Self.disorder }
            message = Message(tag: tag, isRedelivered: isRedelivered)
            return nil
        case .header(let properties, let size):
            guard var message, message.properties == nil else { throw Self.disorder }
            message.properties = properties
            message.size = size
            message.rest = size
            message.isTooLarge = size > UInt64(bodyBytesMax)
            if !message.isTooLarge { message.body.reserveCapacity(Int(size)) }
            self.message = message
        case .body(let bytes):
            guard let properties = message?.properties, let rest = message?.rest, !properties.isEmpty,
                UInt64(bytes.count) <= rest
            else { throw Self.disorder }
            message?.rest = rest - UInt64(bytes.count)
            if message?.isTooLarge == false { message?.body += bytes }
        case .counted, .cancelled, .closed, .closeAgreed, .other: return nil
        }
        guard let message, message.rest == 0, let properties = message.properties else { return nil }
        self.message = nil
        guard !message.isTooLarge else {
            return RabbitMQRecord(tag: message.tag, size: Int(clamping: message.size))
        }
        return RabbitMQRecord(
            tag: message.tag,
            isRedelivered: message.isRedelivered,
            properties: properties,
            body: message.body
        )
    }

    private static let disorder = AMQPFailure(
        problem: "The broker does not keep to AMQP.",
        cause: "frames that don't follow each other"
    )
}
