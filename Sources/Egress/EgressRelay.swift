// SPDX-License-Identifier: Apache-2.0
import NIOCore

/// One end of a relayed connection: what it reads, its partner writes.
///
/// Both live on one event loop.
///
/// Reads only while the partner takes what was read before, so that a slow end slows the other one down. The end of
/// one direction is passed on by itself; a reset resets the partner.
final class EgressRelay: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let held: EgressHeldBytes
    private let count: (Int) -> Void
    private var context: ChannelHandlerContext?
    private var partner: EgressRelay?
    /// Read before there was a partner.
    private var early: [ByteBuffer] = []
    private var isReading = false
    private var inputEnded = false
    /// The partner has nothing more for this end; it is told so once all before that is written.
    private var outputEnded = false
    private var outputClosed = false
    private var isClosed = false

    /// `count` is told how many bytes were read from this end.
    init(held: EgressHeldBytes, count: @escaping (Int) -> Void) {
        self.held = held
        self.count = count
    }

    /// Joins the two ends and begins to read from both.
    static func join(_ one: EgressRelay, _ other: EgressRelay) {
        one.partner = other
        other.partner = one
        for end in [one, other] {
            guard !end.isClosed else {
                end.partner?.reset()
                continue
            }
            for bytes in end.early { end.partner?.write(bytes) }
            end.early = []
            end.partner?.context?.flush()
            if end.inputEnded { end.partner?.endOutput() }
        }
        one.readIfWanted()
        other.readIfWanted()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        count(bytes.readableBytes)
        guard held.hold(bytes.readableBytes) else { return resetBoth() }
        if let partner { partner.write(bytes) } else { early.append(bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        partner?.context?.flush()
        readIfWanted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        partner?.readIfWanted()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event as? ChannelEvent {
        case .inputClosed:
            inputEnded = true
            partner?.endOutput()
            closeIfDone()
        case .outputClosed:
            outputClosed = true
            closeIfDone()
        case nil: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        resetBoth()
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosed = true
        for bytes in early { held.release(bytes.readableBytes) }
        early = []
        let partner = partner.take()
        if outputEnded {
            // NIO closes a channel whose output is closed when its input ends, without saying that it did.
            partner?.endOutput()
        } else {
            partner?.reset()
        }
    }

    private func write(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        guard let context, !isClosed else { return held.release(count) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [held] _ in held.release(count) }
        context.write(NIOAny(bytes), promise: promise)
    }

    private func endOutput() {
        guard let context, !isClosed, !outputEnded else { return }
        outputEnded = true
        context.flush()
        // NIO writes what came before, and closes the channel itself if its input has ended.
        context.close(mode: .output, promise: nil)
    }

    private func readIfWanted() {
        guard let context, let partner, !isReading, !inputEnded, !isClosed else { return }
        guard partner.context?.channel.isWritable == true else { return }
        isReading = true
        context.read()
    }

    private func closeIfDone() {
        guard inputEnded, outputClosed, !isClosed else { return }
        context?.close(promise: nil)
    }

    private func resetBoth() {
        partner?.reset()
        reset()
    }

    private func reset() {
        guard let context, !isClosed else { return }
        isClosed = true
        context.channel.reset()
    }
}

/// Bytes read but not yet taken by the other end, of all connections of one environment.
///
/// Lives on one event loop.
///
/// The end of a connection's input makes NIO read all that the kernel holds of it, whatever the other end takes;
/// hence a limit beyond that of reading slowly.
final class EgressHeldBytes {
    static let max = 64 * 1_024 * 1_024
    private var bytes = 0

    /// Always counts; false if there is too much.
    func hold(_ count: Int) -> Bool {
        bytes += count
        return bytes <= Self.max
    }

    func release(_ count: Int) {
        bytes -= count
    }
}
