// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix

/// One question to one name server of the host: over UDP from a port of its own, over TCP if the answer is cut.
///
/// The id is random, and an answer counts only if it comes from the server asked and repeats id and question. All
/// on one event loop.
struct DNSExchange {
    struct NoAnswer: Error {}

    private static let answerBytesMax = 65_535

    let server: SocketAddress
    let timeout: TimeAmount
    let loop: any EventLoop

    /// The answer as the server gave it, under the client's id.
    func ask(_ query: DNSQuery, _ bytes: [UInt8]) -> EventLoopFuture<[UInt8]> {
        let id = UInt16.random(in: .min ... .max)
        let question = Self.message(bytes, id: id)
        let deadline = NIODeadline.now() + timeout
        let answer = overUDP(question, query, id, until: deadline).flatMap { answer -> EventLoopFuture<[UInt8]> in
            guard answer[2] & 0x02 != 0 else { return loop.makeSucceededFuture(answer) }
            // Cut is better than nothing: the client may try TCP itself.
            return overTCP(question, query, id, until: deadline).flatMapErrorThrowing { _ in answer }
        }
        return answer.map { Self.message($0, id: query.id) }
    }

    private static func message(_ bytes: [UInt8], id: UInt16) -> [UInt8] {
        var message = bytes
        message[0] = UInt8(id >> 8)
        message[1] = UInt8(id & 0xFF)
        return message
    }

    private func overUDP(
        _ question: [UInt8],
        _ query: DNSQuery,
        _ id: UInt16,
        until deadline: NIODeadline
    ) -> EventLoopFuture<[UInt8]> {
        let promise = loop.makePromise(of: [UInt8].self)
        let server = server
        let channel = DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.answerBytesMax))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let wait = DatagramWait(server: server, query: query, id: id, promise: promise)
                    try channel.pipeline.syncOperations.addHandler(wait)
                }
            }
            // Connected: the kernel drops what comes from elsewhere, and tells of a port that nobody listens on.
            .connect(to: server)
        channel.whenSuccess { channel in
            channel.writeAndFlush(AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: question)))
                .cascadeFailure(to: promise)
        }
        return finish(channel, promise, until: deadline)
    }

    private func overTCP(
        _ question: [UInt8],
        _ query: DNSQuery,
        _ id: UInt16,
        until deadline: NIODeadline
    ) -> EventLoopFuture<[UInt8]> {
        let promise = loop.makePromise(of: [UInt8].self)
        let channel = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let wait = StreamWait(query: query, id: id, promise: promise)
                    try channel.pipeline.syncOperations.addHandlers(ByteToMessageHandler(DNSFrameDecoder()), wait)
                }
            }
            .connect(to: server)
        channel.whenSuccess { channel in
            channel.writeAndFlush(DNSFrameDecoder.frame(question)).cascadeFailure(to: promise)
        }
        return finish(channel, promise, until: deadline)
    }

    /// Ends the wait at the deadline, and closes the channel whatever came.
    private func finish(
        _ channel: EventLoopFuture<any Channel>,
        _ promise: EventLoopPromise<[UInt8]>,
        until deadline: NIODeadline
    ) -> EventLoopFuture<[UInt8]> {
        let timer = loop.scheduleTask(deadline: deadline) { promise.fail(NoAnswer()) }
        channel.cascadeFailure(to: promise)
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            channel.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }

    /// An answer to this question, whatever it says.
    static func answers(_ bytes: [UInt8], _ query: DNSQuery, _ id: UInt16) -> Bool {
        let start = DNSQuery.headerBytes
        guard bytes.count >= start + query.question.count, bytes[2] & 0x80 != 0 else { return false }
        guard bytes[0] == UInt8(id >> 8), bytes[1] == UInt8(id & 0xFF), bytes[4] == 0, bytes[5] == 1 else {
            return false
        }
        return bytes[start..<(start + query.question.count)].elementsEqual(query.question)
    }

    private final class DatagramWait: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        private let server: SocketAddress
        private let query: DNSQuery
        private let id: UInt16
        private let promise: EventLoopPromise<[UInt8]>

        init(server: SocketAddress, query: DNSQuery, id: UInt16, promise: EventLoopPromise<[UInt8]>) {
            self.server = server
            self.query = query
            self.id = id
            self.promise = promise
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            let bytes = Array(envelope.data.readableBytesView)
            guard envelope.remoteAddress == server, DNSExchange.answers(bytes, query, id) else { return }
            promise.succeed(bytes)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(NoAnswer())
        }
    }

    private final class StreamWait: ChannelInboundHandler {
        typealias InboundIn = [UInt8]

        private let query: DNSQuery
        private let id: UInt16
        private let promise: EventLoopPromise<[UInt8]>

        init(query: DNSQuery, id: UInt16, promise: EventLoopPromise<[UInt8]>) {
            self.query = query
            self.id = id
            self.promise = promise
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if DNSExchange.answers(bytes, query, id) { promise.succeed(bytes) } else { promise.fail(NoAnswer()) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(NoAnswer())
        }
    }
}

/// DNS over TCP: each message behind its length in two bytes (RFC 1035, 4.2.2), so at most 64 KiB are held.
struct DNSFrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = [UInt8]

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) -> DecodingState {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt16.self) else { return .needMoreData }
        guard let bytes = buffer.getBytes(at: buffer.readerIndex + 2, length: Int(length)) else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 2 + Int(length))
        context.fireChannelRead(NIOAny(bytes))
        return .continue
    }

    mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) -> DecodingState {
        decode(context: context, buffer: &buffer)
    }

    /// `message` has at most 65,535 bytes.
    static func frame(_ message: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt16(message.count))
        buffer.writeBytes(message)
        return buffer
    }
}
