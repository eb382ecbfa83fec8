// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOPosix

/// The way out of one execution environment: takes the connections that its network namespace redirects, asks the
/// policy, dials from the host, and relays.
///
/// A refused or failed connection is reset: the function sees ECONNRESET at its first read or write. Bytes are
/// counted in the meter as they are read from either end.
final class EgressProxy: Sendable {
    /// Connections of an environment at one time; a further one is reset.
    static let connectionsMax = 1_024
    static let dialTimeout = TimeAmount.seconds(30)
    private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 * 1_024, high: 256 * 1_024)
    /// Of the sandbox's end; the far end's is left to the kernel, for long ways.
    private static let receiveBufferBytes = 256 * 1_024

    /// The connections, both ends.
    ///
    /// Lives on one event loop.
    private final class Open {
        var accepted: [ObjectIdentifier: any Channel] = [:]
        var dialled: [ObjectIdentifier: any Channel] = [:]
        let held = EgressHeldBytes()
        let share: EgressShare
        var isStopped = false

        init(_ share: EgressShare) { self.share = share }
    }

    private struct Rules: Sendable {
        var policy: EgressPolicy
        var hostAddresses: @Sendable () -> Set<IPAddress>?
        var ownPort: UInt16?
        var destination: @Sendable (any Channel) -> EventLoopFuture<SocketAddress>
    }

    private let channel: any Channel
    private let open: NIOLoopBound<Open>

    private init(channel: any Channel, open: NIOLoopBound<Open>) {
        self.channel = channel
        self.open = open
    }

    /// Serves `listener`, a bound TCP socket that a sandbox's outbound connections are redirected to; it belongs to
    /// the proxy from here on.
    ///
    /// `hostAddresses` is asked for each connection, on an event loop, and nil refuses it; `ownPort` is the port of
    /// the server's API. Throws `SocketRefused` if the descriptor is not a stream socket (it is still the caller's
    /// then).
    static func start(
        listener: CInt,
        group: any EventLoopGroup,
        policy: EgressPolicy,
        hostAddresses: @escaping @Sendable () -> Set<IPAddress>?,
        ownPort: UInt16?,
        share: EgressShare,
        meter: EgressMeter,
        logger: Logger
    ) async throws -> EgressProxy {
        try await start(
            listener: listener,
            group: group,
            policy: policy,
            hostAddresses: hostAddresses,
            ownPort: ownPort,
            share: share,
            meter: meter,
            logger: logger,
            destination: OriginalDestination.look(up:)
        )
    }

    /// As above; `destination` tells where an accepted connection was going.
    static func start(
        listener: CInt,
        group: any EventLoopGroup,
        policy: EgressPolicy,
        hostAddresses: @escaping @Sendable () -> Set<IPAddress>?,
        ownPort: UInt16?,
        share: EgressShare,
        meter: EgressMeter,
        logger: Logger,
        destination: @escaping @Sendable (any Channel) -> EventLoopFuture<SocketAddress>
    ) async throws -> EgressProxy {
        try SocketRefused.unless(listener, isOf: .stream)
        let loop = group.next()
        let rules = Rules(policy: policy, hostAddresses: hostAddresses, ownPort: ownPort, destination: destination)
        let open = try await loop.submit { NIOLoopBound(Open(share), eventLoop: loop) }.get()
        let channel = try await ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_rcvbuf), value: .init(receiveBufferBytes))
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(channel, open: open.value, rules: rules, meter: meter, logger: logger)
                }
            }
            .withBoundSocket(listener).get()
        return EgressProxy(channel: channel, open: open)
    }

    /// Closes the socket and resets every connection.
    ///
    /// May be called more than once.
    func stop() async {
        let loop = channel.eventLoop
        let closing = loop.flatSubmit { [channel, open] in
            let open = open.value
            open.isStopped = true
            let channels = Array(open.accepted.values) + Array(open.dialled.values)
            channel.close(promise: nil)
            for channel in channels { channel.reset() }
            return EventLoopFuture.andAllComplete((channels + [channel]).map(\.closeFuture), on: loop)
        }
        do {
            try await closing.get()
        } catch {
            // Only an event loop that was shut down fails here, and it has closed everything itself.
        }
    }

    private static func accept(
        _ channel: any Channel,
        open: Open,
        rules: Rules,
        meter: EgressMeter,
        logger: Logger
    ) throws {
        // One descriptor for each end.
        guard open.accepted.count < connectionsMax, !open.isStopped, open.share.take(2) else {
            logger.debug("egress connection refused: too many")
            channel.reset()
            return
        }
        let id = ObjectIdentifier(channel)
        let bound = NIOLoopBound(open, eventLoop: channel.eventLoop)
        open.accepted[id] = channel
        channel.closeFuture.whenComplete { _ in
            bound.value.accepted[id] = nil
            bound.value.share.give(2)
        }
        let near = EgressRelay(held: open.held) { meter.add(sent: $0) }
        try channel.pipeline.syncOperations.addHandler(near)
        let nearBound = NIOLoopBound(near, eventLoop: channel.eventLoop)
        rules.destination(channel).whenComplete { result in
            guard case .success(let asked) = result, let target = target(asked, rules, logger) else {
                channel.reset()
                return
            }
            dial(target, for: channel, near: nearBound, open: bound, meter: meter)
        }
    }

    private static func target(_ asked: SocketAddress, _ rules: Rules, _ logger: Logger) -> SocketAddress? {
        guard let address = IPAddress(asked), let port = asked.port.flatMap(UInt16.init(exactly:)) else { return nil }
        guard let hostAddresses = rules.hostAddresses() else {
            logger.error("the host's own addresses are unknown: egress connection refused")
            return nil
        }
        let verdict = rules.policy.verdict(
            on: address,
            port: port,
            hostAddresses: hostAddresses,
            ownPort: rules.ownPort
        )
        switch verdict {
        case .dial(let address, let port): return address.socketAddress(port: port)
        case .refused(let reason):
            logger.debug(
                "egress connection refused",
                metadata: ["address": "\(address)", "port": "\(port)", "reason": "\(reason.rawValue)"]
            )
            return nil
        }
    }

    private static func dial(
        _ target: SocketAddress,
        for channel: any Channel,
        near: NIOLoopBound<EgressRelay>,
        open: NIOLoopBound<Open>,
        meter: EgressMeter
    ) {
        let dialled = ClientBootstrap(group: channel.eventLoop)
            .connectTimeout(dialTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.writeBufferWaterMark, value: waterMark)
            .channelInitializer { far in
                far.eventLoop.makeCompletedFuture {
                    let id = ObjectIdentifier(far)
                    open.value.dialled[id] = far
                    far.closeFuture.whenComplete { _ in open.value.dialled[id] = nil }
                    let relay = EgressRelay(held: open.value.held) { meter.add(received: $0) }
                    try far.pipeline.syncOperations.addHandler(relay)
                    // The sandbox's end is gone: nobody waits for this dial any more.
                    channel.closeFuture.whenComplete { _ in if !far.isActive { far.close(promise: nil) } }
                }
            }
            .connect(to: target)
        dialled.whenComplete { result in
            switch result {
            case .success(let far):
                do {
                    let relay = try far.pipeline.syncOperations.handler(type: EgressRelay.self)
                    EgressRelay.join(near.value, relay)
                } catch {
                    far.reset()
                    channel.reset()
                }
            case .failure: channel.reset()
            }
        }
    }
}
