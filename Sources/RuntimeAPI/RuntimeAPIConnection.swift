// SPDX-License-Identifier: Apache-2.0
import EventLoops
import InvocationCore
import LambdaModel
import NIOCore
import NIOHTTP1

/// One connection of a runtime: requests in, answers out in the same order, one call of the handler at a time.
///
/// Nothing is read while a call waits for its answer, so a client can make the server hold one read's worth of
/// requests beyond that. The end of a client's input is seen all the same (the event loop watches for it): it ends
/// a wait, never a call that says something. A streamed response is asked when its head has come: while it arrives,
/// the connection is read as fast as the stream's reader takes it, and no faster than streams may pass: one read, of 64 KiB
/// at the most, may come ahead of its time.
final class RuntimeAPIConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    /// Requests that came in one write, behind the one that is being answered.
    static let pipelinedMax = 16

    private struct Pending {
        var step: RuntimeAPICall.Step
        var isPoll: Bool
        var closes: Bool
        /// Bytes of the body, as counted in `RuntimeAPIConnections`.
        var heldBytes: Int
    }

    private struct Answering {
        /// It says how an invocation ended.
        var isResponse: Bool
        var isPoll: Bool
        var closes: Bool
        var heldBytes: Int
        var task: Task<Void, Never>
        /// Waits until the rest of the request's body has been thrown away, so that the client comes to read it.
        var early: RuntimeAPIAnswer?
    }

    private let handler: any RuntimeAPIHandler
    private let connections: RuntimeAPIConnections
    private let channel: any Channel
    private let executor: EventLoopExecutor
    private let streamRate: StreamRate?
    private var context: ChannelHandlerContext?
    private var receiving: RuntimeAPICall?
    /// Of the response that is streamed, from its head on.
    private var pace: TokenBucket?
    /// Reads on when the pace allows it.
    private var pacing: Scheduled<Void>?
    private var pending = CircularBuffer<Pending>()
    private var answering: Answering?
    /// An answer that the client has not taken yet.
    private var isWriting = false
    /// The answer to a response of who has asked for the next event already: it goes out with that, and wakes the client once, if it is there within a
    /// turn of the loop.
    private var held: ByteBuffer?
    private var isReading = false
    /// Of the body, or of what counts as much, since the last read began.
    private var arrivedBytes = 0
    /// The client sends nothing more, or nothing more is wanted of it.
    private var inputEnded = false
    /// The end of its input was seen, or the connection is gone.
    private var clientEnded = false
    private var isClosed = false
    private var isClosing = false

    /// `streamRate` is that of streamed responses; nil for as fast as they are read.
    init(
        handler: any RuntimeAPIHandler,
        connections: RuntimeAPIConnections,
        channel: any Channel,
        streamRate: StreamRate? = nil
    ) {
        self.handler = handler
        self.connections = connections
        self.channel = channel
        executor = EventLoopExecutor.of(channel.eventLoop)
        self.streamRate = streamRate
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        readIfWanted()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        let isSmall = arrivedBytes < RuntimeAPIConnections.smallReadBytes
        arrivedBytes = 0
        if isSmall { connections.noteIdleBytes(RuntimeAPIConnections.smallReadBytes, at: now) }
        readIfWanted()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !inputEnded else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            arrivedBytes += RuntimeAPIConnections.smallReadBytes
            receive(head)
        case .body(let bytes):
            arrivedBytes += bytes.readableBytes
            receive(bytes)
        case .end(let trailers):
            arrivedBytes += RuntimeAPIConnections.smallReadBytes
            received(trailers)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .some(.inputClosed) = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        clientEnded = true
        endInput(malformed: false)
        endWait()
        if answering == nil, pending.isEmpty, !isWriting { close() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.invalidEOFState: endInput(malformed: false)
        case is HTTPParserError, is ByteToMessageDecoderError: endInput(malformed: true)
        default: close()
        }
    }

    /// The connection is gone; a call that was asked keeps its place until it is answered.
    func closed() {
        isClosed = true
        clientEnded = true
        pacing?.cancel()
        endInput(malformed: false)
        endStream()
        endWait()
        advance()
    }

    // MARK: In

    private func receive(_ head: HTTPRequestHead) {
        guard pending.count < Self.pipelinedMax else { return endInput(malformed: true) }
        let call = RuntimeAPICall(head)
        receiving = call
        guard let request = call.streamedResponse else { return continueIfAwaited() }
        pace = streamRate.map { TokenBucket($0, at: now) }
        pending.append(Pending(step: .ask(request), isPoll: false, closes: true, heldBytes: 0))
        advance()
    }

    private func receive(_ bytes: ByteBuffer) {
        guard let before = receiving?.body.count, let discardedBefore = receiving?.discardedBytes else { return }
        pace?.spend(bytes.readableBytes, at: now)
        let goesOn = receiving?.receive(bytes) ?? false
        let isStreamUnwanted = receiving?.stream != nil && answering?.early != nil
        let discarded = (receiving?.discardedBytes ?? 0) - discardedBefore
        connections.noteIdleBytes(isStreamUnwanted ? bytes.readableBytes : discarded, at: now)
        let held = (receiving?.body.count ?? 0) - before
        if held >= 0 { connections.hold(held) } else { connections.release(-held) }
        if !goesOn {
            receiving?.closes = true
            received(nil)
        }
    }

    private func received(_ trailers: HTTPHeaders?) {
        guard let call = receiving.take() else { return }
        if call.closes { inputEnded = true }
        if call.stream != nil {
            call.endStream(trailers: trailers)
            if let early = answering?.early { answered(early) }
            return
        }
        let entry = (isPoll: call.route.isPoll, closes: call.closes, heldBytes: call.body.count)
        pending.append(
            Pending(
                step: call.step(),
                isPoll: entry.isPoll,
                closes: entry.closes,
                heldBytes: entry.heldBytes
            )
        )
        advance()
    }

    /// What had come of a request is told as truncated; bytes that are no request are answered.
    private func endInput(malformed: Bool) {
        guard !inputEnded else { return }
        if receiving != nil {
            receiving?.isTruncated = true
            receiving?.closes = true
            received(nil)
        } else if malformed {
            receiving = RuntimeAPICall(malformed: .malformed)
            received(nil)
        }
        inputEnded = true
    }

    /// A stream whose connection was closed from this side has its end too.
    private func endStream() {
        guard receiving?.stream != nil else { return }
        receiving?.isTruncated = true
        received(nil)
    }

    private func continueIfAwaited() {
        guard receiving?.awaitsContinue == true, pending.isEmpty, !isWriting, !isClosed else { return }
        guard answering == nil || receiving?.stream != nil else { return }
        receiving?.awaitsContinue = false
        context?.writeAndFlush(NIOAny(HTTPAnswer.continue), promise: nil)
    }

    private func readIfWanted() {
        guard let context, !isReading, !inputEnded, !isClosed, !isClosing else { return }
        guard pending.isEmpty, !isWriting else { return }
        if let stream = receiving?.stream {
            let (loop, bound) = (channel.eventLoop, NIOLoopBound(self, eventLoop: channel.eventLoop))
            let delay = pace?.wait(at: now) ?? .zero
            let mayGoOn = stream.whenRoom(isHeldBack: delay > .zero) { loop.execute { bound.value.readIfWanted() } }
            guard mayGoOn else { return goOn(after: delay) }
        } else if answering != nil {
            return
        }
        let pause = connections.pause(at: now)
        guard pause == .zero else { return goOn(after: pause) }
        guard connections.mayRead(channel, resume: { [weak self] in self?.readIfWanted() }) else { return }
        isReading = true
        context.read()
    }

    /// Nothing for what is in its pace: a stream's reader says when.
    private func goOn(after delay: Duration) {
        guard delay > .zero, pacing == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        pacing = channel.eventLoop.scheduleTask(in: .nanoseconds(delay.wholeNanoseconds)) {
            bound.value.pacing = nil
            bound.value.advance()
        }
    }

    private var now: MonotonicTime { .now(of: channel.eventLoop) }

    // MARK: Out

    /// Starts what is next in line; answers that need nobody are written at once.
    private func advance() {
        while answering == nil, !isWriting, !pending.isEmpty {
            let pause = clientEnded ? .zero : connections.pause(at: now)
            guard pause == .zero else { return goOn(after: pause) }
            let next = pending.removeFirst()
            if next.isPoll, clientEnded {
                // Nobody is there any more to take an event.
                connections.release(next.heldBytes)
                close()
                continue
            }
            switch next.step {
            case .ask(let request): ask(request, next)
            case .answer(let answer):
                connections.release(next.heldBytes)
                connections.noteIdleTalk(bytes: next.heldBytes, at: now)
                write(answer, closing: next.closes || answer.closes || clientEnded && pending.isEmpty)
            }
        }
        continueIfAwaited()
        readIfWanted()
        if isClosed, answering == nil, pending.isEmpty { connections.remove(channel) }
    }

    private func ask(_ request: RuntimeAPIRequest, _ next: Pending) {
        let loop = channel.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let task = Task(executorPreference: request.isBrief ? executor : nil) { [handler] in
            let answer = await handler.answer(request)
            guard !loop.inEventLoop else { return bound.value.answered(answer) }
            loop.execute { bound.value.answered(answer) }
        }
        answering = Answering(
            isResponse: request.isResponse,
            isPoll: next.isPoll,
            closes: next.closes,
            heldBytes: next.heldBytes,
            task: task
        )
        if held != nil { loop.execute { bound.value.flushHeld() } }
    }

    private func answered(_ answer: RuntimeAPIAnswer) {
        if receiving?.stream != nil, pending.isEmpty, !inputEnded {
            answering?.early = answer
            receiving?.stream?.abandon()
            return readIfWanted()
        }
        guard let done = answering.take() else { return }
        connections.release(done.heldBytes)
        connections.note(answer, isResponse: done.isResponse, heldBytes: done.heldBytes, at: now)
        if answer == .accepted, !done.closes, !clientEnded, pending.first?.isPoll == true,
            connections.pause(at: now) == .zero
        {
            held = HTTPAnswer(answer).serialized(closing: false, allocator: channel.allocator)
            return advance()
        }
        write(HTTPAnswer(answer), closing: done.closes || clientEnded && pending.isEmpty)
        advance()
    }

    private func write(_ answer: HTTPAnswer, closing: Bool) {
        guard let context, !isClosed, !isClosing else { return }
        let bytes = answer.body.count
        guard connections.holdOutbound(bytes) else { return close() }
        isWriting = true
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in
            connections.releaseOutbound(bytes)
            isWriting = false
            if closing { close() }
            advance()
        }
        writeHeld(context)
        let buffer = answer.serialized(closing: closing, allocator: context.channel.allocator)
        context.writeAndFlush(NIOAny(buffer), promise: promise)
    }

    /// Cancels a wait whose client has gone.
    private func endWait() {
        guard let answering, answering.isPoll else { return }
        answering.task.cancel()
        close()
    }

    private func close() {
        guard let context, !isClosed, !isClosing else { return }
        isClosing = true
        inputEnded = true
        writeHeld(context)
        context.flush()
        context.close(promise: nil)
    }

    private func flushHeld() {
        guard let context, held != nil, !isClosed, !isClosing else { return }
        writeHeld(context)
        context.flush()
    }

    private func writeHeld(_ context: ChannelHandlerContext) {
        if let held = held.take() { context.write(NIOAny(held), promise: nil) }
    }
}
