// SPDX-License-Identifier: Apache-2.0
import Glibc
package import NIOCore
import NIOHTTP1
import NIOPosix

/// Sends one subscriber's batches to its listener inside the sandbox, one after the other, over one connection while it lasts.
///
/// Lives on one event loop. Everything that comes back is the function's and hostile: only the status of a response counts, its
/// size is bounded, and how long an attempt may take is the caller's business, who ends it with `abandon`.
package final class TelemetryClient {
    package struct Target: Sendable, Equatable {
        package struct HTTP: Sendable, Equatable {
            package var method: String
            /// With the port.
            package var host: String
            package var path: String

            package init(method: String, host: String, path: String) {
                self.method = method
                self.host = host
                self.path = path
            }
        }

        package var port: UInt16
        /// nil where the bytes are sent as they are.
        package var http: HTTP?

        package init(port: UInt16, http: HTTP? = nil) {
            self.port = port
            self.http = http
        }
    }

    /// Read after one batch was sent; more of it ends the connection.
    static let responseBytesMax = 64 * 1_024

    private struct Attempt {
        var body: ByteBuffer
        /// Over a connection that had been used before, which its other end may have closed meanwhile.
        var isReused: Bool
        /// The response's, once its head is there.
        var isAccepted: Bool?
        var completion: (Bool) -> Void
    }

    private let target: Target
    private let loop: any EventLoop
    private let openSocket: () -> EventLoopFuture<CInt>
    private var channel: (any Channel)?
    private var attempt: Attempt?
    /// Counts the connections, so that what an earlier one does is no news.
    private var generation = 0
    private var received = 0
    private var keepsAlive = false

    /// `openSocket` gives a TCP socket of the sandbox's network namespace that is not connected and does not block.
    package init(_ target: Target, loop: any EventLoop, openSocket: @escaping () -> EventLoopFuture<CInt>) {
        self.target = target
        self.loop = loop
        self.openSocket = openSocket
    }

    /// Sends a batch; `completion` is told once whether it was accepted.
    package func send(_ body: ByteBuffer, completion: @escaping (Bool) -> Void) {
        precondition(attempt == nil, "one batch at a time")
        attempt = Attempt(body: body, isReused: channel != nil, isAccepted: nil, completion: completion)
        if let channel { write(to: channel) } else { dial() }
    }

    /// Ends the attempt, with its connection.
    package func abandon() {
        let isAccepted = attempt?.isAccepted ?? false
        disconnect()
        finish(isAccepted)
    }

    /// Ends the connection; nobody is told anything any more.
    package func close() {
        attempt = nil
        disconnect()
    }

    private func disconnect() {
        generation += 1
        channel?.close(promise: nil)
        channel = nil
    }

    private func finish(_ isAccepted: Bool) {
        attempt.take()?.completion(isAccepted)
    }

    // MARK: - Connection

    private func dial() {
        generation += 1
        let generation = generation
        let (loop, port) = (loop, target.port)
        let bound = NIOLoopBound(self, eventLoop: loop)
        openSocket().hop(to: loop).whenComplete { result in
            switch result {
            case .success(let socket):
                LoopbackConnection.connect(socket, to: port, on: loop).whenComplete { connected in
                    bound.value.connected(socket, connected, generation)
                }
            case .failure: bound.value.failed(generation)
            }
        }
    }

    private func connected(_ socket: CInt, _ result: Result<Void, any Error>, _ generation: Int) {
        guard case .success = result, generation == self.generation else {
            Glibc.close(socket)
            return failed(generation)
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let isHTTP = target.http != nil
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.initialize(channel, bound.value, isHTTP: isHTTP, generation: generation)
                }
            }
            .withConnectedSocket(socket)
            .whenComplete { bound.value.opened($0, generation) }
    }

    private static func initialize(
        _ channel: any Channel,
        _ client: TelemetryClient,
        isHTTP: Bool,
        generation: Int
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(TelemetryInbound(client: client, generation: generation, passesOn: isHTTP))
        guard isHTTP else { return }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = responseBytesMax
        limits.maxHeaderListSize = responseBytesMax
        let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
        try pipeline.addHandlers(HTTPRequestEncoder(), ByteToMessageHandler(decoder))
        try pipeline.addHandler(TelemetryResponses(client: client, generation: generation))
    }

    private func opened(_ result: Result<any Channel, any Error>, _ generation: Int) {
        switch result {
        case .success(let channel):
            guard generation == self.generation, attempt != nil else { return channel.close(promise: nil) }
            guard channel.isActive else { return failed(generation) }
            self.channel = channel
            write(to: channel)
        case .failure: failed(generation)
        }
    }

    private func failed(_ generation: Int) {
        guard generation == self.generation else { return }
        finish(false)
    }

    private func write(to channel: any Channel) {
        guard let body = attempt?.body else { return }
        received = 0
        guard let http = target.http else {
            let bound = NIOLoopBound(self, eventLoop: loop)
            let generation = generation
            return channel.writeAndFlush(body).whenComplete { bound.value.written($0, generation) }
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: http.method),
            uri: http.path,
            headers: [
                "Host": http.host, "Content-Type": "application/json", "Content-Length": "\(body.readableBytes)",
            ]
        )
        let parts = channel.pipeline.syncOperations
        parts.write(NIOAny(HTTPClientRequestPart.head(head)), promise: nil)
        parts.write(NIOAny(HTTPClientRequestPart.body(.byteBuffer(body))), promise: nil)
        parts.writeAndFlush(NIOAny(HTTPClientRequestPart.end(nil)), promise: nil)
    }

    // MARK: - What comes back

    /// Of plain TCP nothing more is known than that the kernel took it.
    private func written(_ result: Result<Void, any Error>, _ generation: Int) {
        guard generation == self.generation, attempt != nil else { return }
        if case .success = result { finish(true) } else { lost(generation) }
    }

    /// False when the connection has to go.
    func received(_ bytes: Int, _ generation: Int) -> Bool {
        guard generation == self.generation else { return false }
        received += bytes
        if received <= Self.responseBytesMax, attempt != nil || target.http == nil { return true }
        // Its status may have been there before all the rest.
        abandon()
        return false
    }

    func received(_ part: HTTPClientResponsePart, _ generation: Int) {
        guard generation == self.generation, attempt != nil else { return }
        switch part {
        case .head(let head):
            attempt?.isAccepted = (200..<400).contains(head.status.code)
            keepsAlive = head.isKeepAlive
        case .body: break
        case .end:
            let isAccepted = attempt?.isAccepted ?? false
            if !keepsAlive { disconnect() }
            finish(isAccepted)
        }
    }

    /// The connection is gone, or what came over it is no response.
    func lost(_ generation: Int) {
        guard generation == self.generation else { return }
        disconnect()
        guard let attempt else { return }
        if attempt.isReused, received == 0 {
            self.attempt?.isReused = false
            return dial()
        }
        finish(attempt.isAccepted ?? false)
    }
}

/// Counts what a subscriber sends, before anything looks at it.
private final class TelemetryInbound: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let client: TelemetryClient
    private let generation: Int
    private let passesOn: Bool

    init(client: TelemetryClient, generation: Int, passesOn: Bool) {
        self.client = client
        self.generation = generation
        self.passesOn = passesOn
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard client.received(unwrapInboundIn(data).readableBytes, generation) else {
            return context.close(promise: nil)
        }
        if passesOn { context.fireChannelRead(data) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // First what the decoder makes of the end: a response may have no other.
        context.fireChannelInactive()
        client.lost(generation)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        client.lost(generation)
        context.close(promise: nil)
    }
}

private final class TelemetryResponses: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let client: TelemetryClient
    private let generation: Int

    init(client: TelemetryClient, generation: Int) {
        self.client = client
        self.generation = generation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.received(unwrapInboundIn(data), generation)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        client.lost(generation)
        context.close(promise: nil)
    }
}
