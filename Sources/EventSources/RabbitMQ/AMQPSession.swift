// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CRabbitMQ
import Glibc
import LambdaModel

/// A connection to a broker with one consumer, by librabbitmq: every call may block, for as long as its limit says.
///
/// Belongs to one thread. Its errors name no secret.
final class AMQPSession {
    /// Whom to consume, and as whom.
    struct Target: Sendable {
        var broker: RabbitMQBroker
        var virtualHost: String
        var queue: String
        var user: String
        var password: String
        /// Messages that may be with the consumer and not acknowledged.
        var prefetch: Int
    }

    /// In seconds; after twice that without a frame the other side is taken for dead.
    static let heartbeat = 20
    /// In seconds: for a connection, for the handshake, and for an answer, each.
    private static let patience: Int32 = 20
    /// For the other side's consent to the end.
    private static let closingSeconds = 5
    /// What RabbitMQ has; a header fits in one frame.
    private static let frameBytesMax: Int32 = 131_072
    /// A byte that is sent and not acknowledged for so long ends the connection (tcp(7)), so that no write blocks for ever.
    private static let unacknowledgedMilliseconds: UInt32 = 40_000
    private static let consumer = "martlet"
    private static let channel: amqp_channel_t = 1

    private let connection: amqp_connection_state_t
    private var assembly: AMQPAssembly
    private var queue = ""

    /// - Throws: `AMQPFailure` where memory is short.
    init(bodyBytesMax: Int) throws(AMQPFailure) {
        guard let connection = amqp_new_connection() else { throw Self.unavailable("no memory") }
        self.connection = connection
        assembly = AMQPAssembly(bodyBytesMax: bodyBytesMax)
    }

    deinit { amqp_destroy_connection(connection) }

    var descriptor: Int32 { amqp_get_sockfd(connection) }

    // MARK: Opening

    /// Connects, signs in and begins to consume.
    func open(_ target: Target) throws(AMQPFailure) {
        try connect(target.broker)
        try signIn(target)
        _ = amqp_channel_open(connection, Self.channel)
        try answered(target)
        _ = amqp_basic_qos(connection, Self.channel, 0, UInt16(clamping: target.prefetch), 0)
        try answered(target)
        queue = target.queue
        // What it points to outlives the call, which sends it.
        target.queue.withBytes { queue in
            Self.consumer.withBytes { tag in
                _ = amqp_basic_consume(connection, Self.channel, queue, tag, 0, 0, 0, amqp_empty_table)
            }
        }
        try answered(target)
    }

    private func connect(_ broker: RabbitMQBroker) throws(AMQPFailure) {
        let socket: OpaquePointer?
        if let authorities = broker.authorities {
            socket = amqp_ssl_socket_new(connection)
            guard let socket else { throw Self.unavailable("no TLS") }
            // Both are the default, and not to be left to it.
            amqp_ssl_socket_set_verify_peer(socket, 1)
            amqp_ssl_socket_set_verify_hostname(socket, 1)
            try check(amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST), "TLS 1.2")
            try check(amqp_ssl_socket_set_cacert(socket, authorities), "the authorities of \(authorities)")
        } else {
            socket = amqp_tcp_socket_new(connection)
        }
        guard let socket else { throw Self.unavailable("no memory") }
        try check(crabbitmq_set_patience(connection, Self.patience), "times")
        let status = crabbitmq_open(socket, broker.host, Int32(broker.port), Self.patience)
        switch amqp_status_enum(status) {
        case AMQP_STATUS_OK: break
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED,
            AMQP_STATUS_SSL_CONNECTION_FAILED, AMQP_STATUS_SSL_ERROR:
            throw AMQPFailure(
                problem: "EVENT_SOURCE_AUTHN_ERROR: The broker's certificate is not accepted.",
                cause: Self.text(status)
            )
        default: throw Self.unavailable(Self.text(status))
        }
        var milliseconds = Self.unacknowledgedMilliseconds
        setsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_USER_TIMEOUT,
            &milliseconds,
            socklen_t(MemoryLayout.size(ofValue: milliseconds))
        )
    }

    private func signIn(_ target: Target) throws(AMQPFailure) {
        let reply = crabbitmq_login(
            connection,
            target.virtualHost,
            Self.frameBytesMax,
            Int32(Self.heartbeat),
            target.user,
            target.password
        )
        guard reply.reply_type != AMQP_RESPONSE_NORMAL else { return }
        let (code, text) = refusal(reply)
        switch code {
        case 403:
            throw AMQPFailure(
                problem: "EVENT_SOURCE_AUTHN_ERROR: The broker does not accept the secret's user and password.",
                cause: text
            )
        case 530: throw Self.refused("EVENT_SOURCE_AUTHZ_ERROR", text)
        default: throw Self.unavailable(text)
        }
    }

    /// Looks at the answer to the last call.
    private func answered(_ target: Target) throws(AMQPFailure) {
        let reply = amqp_get_rpc_reply(connection)
        guard reply.reply_type != AMQP_RESPONSE_NORMAL else { return }
        let (code, text) = refusal(reply)
        switch code {
        case 404: throw Self.refused("ESM_CONFIG_NOT_VALID", text)
        case 403: throw Self.refused("EVENT_SOURCE_AUTHZ_ERROR", text)
        case 1...: throw Self.refused("ESM_CONFIG_NOT_VALID", text)
        default: throw Self.unavailable(text)
        }
    }

    /// The broker's code and text, or zero and the library's text.
    private func refusal(_ reply: amqp_rpc_reply_t) -> (UInt16, String) {
        guard reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION else {
            return (0, Self.text(reply.library_error))
        }
        guard case .closed(let code, let text) = Self.method(reply.reply) else {
            return (0, "method \(String(reply.reply.id, radix: 16))")
        }
        return (code, text)
    }

    // MARK: Consuming

    enum Arrival {
        case message(RabbitMQRecord)
        /// So many are ready in the queue.
        case count(Int)
        /// Part of one, or nothing that matters.
        case frame
    }

    /// What is there, without waiting; nil when nothing more is there.
    ///
    /// - Throws: when the connection is no more, or should not be.
    func next() throws(AMQPFailure) -> Arrival? {
        var frame = amqp_frame_t()
        let status = crabbitmq_wait_frame(connection, &frame, 0)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard status == AMQP_STATUS_OK.rawValue else { throw Self.lost(Self.text(status)) }
        let read = Self.read(frame)
        // What is read was copied.
        amqp_maybe_release_buffers(connection)
        switch read {
        case .cancelled:
            throw Self.refused("ESM_CONFIG_NOT_VALID", "The queue was deleted.")
        case .closed(let code, let text): throw Self.lost("\(code) \(text)")
        case .counted(let ready): return .count(ready)
        default: return try assembly.take(read).map(Arrival.message) ?? .frame
        }
    }

    /// So that the broker knows that we are there, when nothing else is said and nothing is read.
    func beat() throws(AMQPFailure) {
        var frame = amqp_frame_t()
        frame.frame_type = UInt8(AMQP_FRAME_HEARTBEAT)
        try sent(amqp_send_frame(connection, &frame))
    }

    func acknowledge(_ tag: UInt64) throws(AMQPFailure) {
        try sent(amqp_basic_ack(connection, Self.channel, tag, 0))
    }

    func reject(_ tag: UInt64, requeues: Bool) throws(AMQPFailure) {
        try sent(amqp_basic_reject(connection, Self.channel, tag, requeues ? 1 : 0))
    }

    /// Asks how many messages are ready in the queue, and declares nothing; the answer is not waited for.
    func count() throws(AMQPFailure) {
        let status = queue.withBytes { queue in
            var method = amqp_queue_declare_t()
            method.queue = queue
            method.passive = 1
            return amqp_send_method(connection, Self.channel, CRABBITMQ_QUEUE_DECLARE, &method)
        }
        try sent(status)
    }

    /// Messages that are on their way still come: an answer is not waited for, since they would be kept before it.
    func cancel() throws(AMQPFailure) {
        let status = Self.consumer.withBytes { tag in
            var method = amqp_basic_cancel_t(consumer_tag: tag, nowait: 1)
            return amqp_send_method(connection, Self.channel, CRABBITMQ_CANCEL, &method)
        }
        try sent(status)
    }

    /// Ends the connection when the broker has read what was sent, or after a few seconds.
    func close() {
        var method = amqp_connection_close_t()
        method.reply_code = UInt16(AMQP_REPLY_SUCCESS)
        guard amqp_send_method(connection, 0, CRABBITMQ_CONNECTION_CLOSE, &method) == AMQP_STATUS_OK.rawValue else {
            return
        }
        let begun = ContinuousClock.now
        while ContinuousClock.now - begun < .seconds(Self.closingSeconds) {
            var frame = amqp_frame_t()
            let status = crabbitmq_wait_frame(connection, &frame, 1)
            if status == AMQP_STATUS_TIMEOUT.rawValue { continue }
            guard status == AMQP_STATUS_OK.rawValue else { return }
            let isEnd =
                frame.frame_type == UInt8(AMQP_FRAME_METHOD)
                && frame.payload.method.id == CRABBITMQ_CONNECTION_CLOSE_OK
            amqp_maybe_release_buffers(connection)
            if isEnd { return }
        }
    }

    // MARK: Frames

    private static func read(_ frame: amqp_frame_t) -> AMQPFrame {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: return method(frame.payload.method)
        case AMQP_FRAME_HEADER where frame.channel == channel:
            let header = frame.payload.properties
            guard let decoded = header.decoded else { return .other }
            return .header(
                properties: AMQPProperties.members(
                    decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
                ),
                bodySize: header.body_size
            )
        case AMQP_FRAME_BODY where frame.channel == channel:
            return .body(Array(AMQPProperties.bytes(frame.payload.body_fragment)))
        default: return .other
        }
    }

    private static func method(_ method: amqp_method_t) -> AMQPFrame {
        guard let decoded = method.decoded else { return .other }
        switch method.id {
        case CRABBITMQ_DELIVER:
            let deliver = decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            return .deliver(tag: deliver.delivery_tag, isRedelivered: deliver.redelivered != 0)
        case CRABBITMQ_CANCEL: return .cancelled
        case CRABBITMQ_QUEUE_DECLARE_OK:
            return .counted(Int(decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee.message_count))
        case CRABBITMQ_CHANNEL_CLOSE:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            return .closed(code: close.reply_code, text: shown(AMQPProperties.string(close.reply_text)))
        case CRABBITMQ_CONNECTION_CLOSE:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return .closed(code: close.reply_code, text: shown(AMQPProperties.string(close.reply_text)))
        case CRABBITMQ_CONNECTION_CLOSE_OK: return .closeAgreed
        default: return .other
        }
    }

    /// On one line.
    private static func shown(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }

    // MARK: Failures

    private func check(_ status: Int32, _ what: String) throws(AMQPFailure) {
        guard status == AMQP_STATUS_OK.rawValue else { throw Self.unavailable("\(what): \(Self.text(status))") }
    }

    private func sent(_ status: Int32) throws(AMQPFailure) {
        guard status == AMQP_STATUS_OK.rawValue else { throw Self.lost(Self.text(status)) }
    }

    private static func text(_ status: Int32) -> String { String(cString: amqp_error_string2(status)) }

    private static func unavailable(_ cause: String) -> AMQPFailure {
        AMQPFailure(problem: "The broker does not answer.", cause: cause)
    }

    private static func lost(_ cause: String) -> AMQPFailure {
        AMQPFailure(problem: "The connection to the broker was lost.", cause: cause)
    }

    /// The broker's own text says which queue or virtual host it is about.
    private static func refused(_ code: String, _ text: String) -> AMQPFailure {
        AMQPFailure(problem: "\(code): \(text)", cause: text)
    }
}

extension String {
    /// Valid while `body` runs.
    fileprivate func withBytes<T>(_ body: (amqp_bytes_t) -> T) -> T {
        var text = self
        return text.withUTF8 { buffer in
            body(amqp_bytes_t(len: buffer.count, bytes: UnsafeMutableRawPointer(mutating: buffer.baseAddress)))
        }
    }
}
