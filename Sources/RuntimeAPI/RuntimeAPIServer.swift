// SPDX-License-Identifier: Apache-2.0
import Glibc
package import LambdaModel
package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix

/// Why a socket that was handed in can't be served.
package struct SocketRefused: Error, Equatable, CustomStringConvertible {
    package var description: String
}

/// Lambda's Runtime API on one listening socket, which belongs to one execution environment.
///
/// Everything runs on one event loop. What may be called when is the handler's business, not this type's.
package final class RuntimeAPIServer: Sendable {
    private static let backlog: CInt = 128
    /// More than the kernel's queue holds.
    private static let refusedMax = 4 * Int(backlog)
    /// Bytes of all headers of a request.
    private static let headerBytesMax = 64 * 1_024
    /// What the kernel may hold of a connection that is not read.
    private static let receiveBufferBytes: Int = 128 * 1_024

    private let channel: any Channel
    /// Open as long as `channel` is active.
    private let listener: CInt
    private let connections: NIOLoopBound<RuntimeAPIConnections>

    private init(channel: any Channel, listener: CInt, connections: NIOLoopBound<RuntimeAPIConnections>) {
        self.channel = channel
        self.listener = listener
        self.connections = connections
    }

    /// Serves `listener`, a bound TCP socket of any network namespace; it belongs to the server from here on.
    ///
    /// `streamRate` is that of streamed responses; nil for as fast as they are read.
    /// Throws `SocketRefused` if it is not a stream socket (it is still the caller's then), else what the kernel
    /// says against it.
    package static func start(
        listener: CInt,
        handler: any RuntimeAPIHandler,
        group: any EventLoopGroup,
        streamRate: StreamRate? = nil,
        logger: Logger
    ) async throws -> RuntimeAPIServer {
        try checkStreamSocket(listener)
        let loop = group.next()
        let connections = try await loop.submit {
            NIOLoopBound(RuntimeAPIConnections(at: .now(of: loop)), eventLoop: loop)
        }.get()
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RuntimeAPIAcceptPace(connections.value))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_rcvbuf), value: receiveBufferBytes)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connections = connections.value
                    guard connections.add(channel, at: .now(of: channel.eventLoop)) else {
                        logger.debug("Runtime API connection refused: too many")
                        throw SocketRefused(description: "too many connections")
                    }
                    var limits = NIOHTTPDecoderLimitConfiguration()
                    limits.maxHeaderFieldSize = headerBytesMax
                    limits.maxHeaderListSize = headerBytesMax
                    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
                    let connection = RuntimeAPIConnection(
                        handler: handler,
                        connections: connections,
                        channel: channel,
                        streamRate: streamRate
                    )
                    let bound = NIOLoopBound(connection, eventLoop: channel.eventLoop)
                    channel.closeFuture.whenComplete { _ in bound.value.closed() }
                    try channel.pipeline.syncOperations.addHandlers(ByteToMessageHandler(decoder), connection)
                }
            }
            .withBoundSocket(listener).get()
        return RuntimeAPIServer(channel: channel, listener: listener, connections: connections)
    }

    /// Closes every connection, those that wait to be accepted too; the socket goes on listening.
    ///
    /// For the moment between the death of a sandbox's processes and the start of new ones: what the dead had sent
    /// but nobody had read must not count as a call of the living. When it returns, all that was asked of the handler
    /// has been answered.
    package func closeConnections() async {
        let loop = channel.eventLoop
        let closing = loop.flatSubmit { [self] in
            if channel.isActive { refuseWaiting() }
            let connections = connections.value
            for channel in connections.channels { channel.close(promise: nil) }
            return connections.emptied(on: loop)
        }
        await finished(closing)
    }

    /// Accepts and closes all that is in the kernel's queue; the listener does not block.
    private func refuseWaiting() {
        for _ in 0..<Self.refusedMax {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            close(descriptor)
        }
    }

    private func finished(_ closing: EventLoopFuture<Void>) async {
        do {
            try await closing.get()
        } catch {
            // Only an event loop that was shut down fails here, and it has closed everything itself.
        }
    }

    /// Closes the socket and every connection; waiting calls are cancelled.
    ///
    /// May be called more than once.
    package func stop() async {
        let loop = channel.eventLoop
        let closing = loop.flatSubmit { [channel, connections] in
            let channels = [channel] + connections.value.channels
            for channel in channels { channel.close(promise: nil) }
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: loop)
        }
        await finished(closing)
    }

    private static func checkStreamSocket(_ descriptor: CInt) throws(SocketRefused) {
        var type: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else {
            throw SocketRefused(description: "descriptor \(descriptor) is not a socket: errno \(errno)")
        }
        guard type == CInt(SOCK_STREAM.rawValue) else {
            throw SocketRefused(description: "descriptor \(descriptor) is not a stream socket")
        }
    }
}
