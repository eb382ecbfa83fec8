// SPDX-License-Identifier: Apache-2.0
import Logging
import NIOCore
import NIOPosix

/// The name server of one execution environment, on sockets that were opened inside its network namespace.
///
/// Forwards to the host's resolvers and passes their answers on. `host.martlet.internal` and `localhost` are
/// answered here; the host's /etc/hosts is never looked at (a resolver of the host that does so itself can't be
/// kept from it).
final class DNSForwarder: Sendable {
    /// Queries of an environment that wait for a resolver; further ones fail (TCP) or are dropped (UDP).
    static let queriesMax = 256
    /// Connections of an environment over TCP.
    static let connectionsMax = 32

    private let channels: [any Channel]
    private let resolver: NIOLoopBound<DNSResolver>

    private init(channels: [any Channel], resolver: NIOLoopBound<DNSResolver>) {
        self.channels = channels
        self.resolver = resolver
    }

    /// Serves bound sockets, datagram and stream ones in any number; they belong to the forwarder from here on.
    ///
    /// `resolvers` is asked at each query, on an event loop. Throws `SocketRefused` if a descriptor is not of its kind
    /// (all are still the caller's then).
    static func start(
        datagrams: [CInt],
        streams: [CInt],
        group: any EventLoopGroup,
        policy: EgressPolicy,
        resolvers: @escaping @Sendable () -> ResolverConfiguration,
        share: EgressShare,
        logger: Logger
    ) async throws -> DNSForwarder {
        for descriptor in datagrams {
            try SocketRefused.unless(descriptor, isOf: .datagram)
            try SocketRefused.setNonBlocking(descriptor)
        }
        for descriptor in streams { try SocketRefused.unless(descriptor, isOf: .stream) }
        let loop = group.next()
        let resolver = try await loop.submit {
            NIOLoopBound(
                DNSResolver(loop: loop, policy: policy, resolvers: resolvers, share: share),
                eventLoop: loop
            )
        }.get()
        var channels: [any Channel] = []
        for descriptor in datagrams {
            channels.append(
                try await DatagramBootstrap(group: loop)
                    .channelOption(
                        .recvAllocator,
                        value: FixedSizeRecvByteBufferAllocator(capacity: DNSQuery.bytesMax + 1)
                    )
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(DNSDatagrams(resolver: resolver.value))
                        }
                    }
                    .withBoundSocket(descriptor).get()
            )
        }
        for descriptor in streams {
            channels.append(
                try await ServerBootstrap(group: loop)
                    .childChannelOption(.autoRead, value: false)
                    .childChannelOption(.maxMessagesPerRead, value: 1)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture { try accept(channel, resolver.value) }
                    }
                    .withBoundSocket(descriptor).get()
            )
        }
        return DNSForwarder(channels: channels, resolver: resolver)
    }

    /// Closes the sockets and every connection.
    ///
    /// May be called more than once.
    func stop() async {
        guard let loop = channels.first?.eventLoop else { return }
        let closing = loop.flatSubmit { [channels, resolver] in
            let channels = channels + Array(resolver.value.connections.values)
            for channel in channels { channel.close(promise: nil) }
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: loop)
        }
        do {
            try await closing.get()
        } catch {
            // Only an event loop that was shut down fails here, and it has closed everything itself.
        }
    }

    private static func accept(_ channel: any Channel, _ resolver: DNSResolver) throws {
        guard resolver.connections.count < connectionsMax else {
            channel.close(promise: nil)
            return
        }
        let id = ObjectIdentifier(channel)
        let bound = NIOLoopBound(resolver, eventLoop: channel.eventLoop)
        resolver.connections[id] = channel
        channel.closeFuture.whenComplete { _ in bound.value.connections[id] = nil }
        try channel.pipeline.syncOperations.addHandlers(
            ByteToMessageHandler(DNSFrameDecoder()),
            DNSConnection(resolver: resolver)
        )
    }
}

/// Finds the answer to one query at a time and to many at once.
///
/// Lives on one event loop.
final class DNSResolver {
    private static let localhost = [EgressPolicy.hostLoopback, IPAddress.v6(0, 1)]
    /// All tries of one query together.
    private static let patience = TimeAmount.seconds(30)

    let loop: any EventLoop
    var connections: [ObjectIdentifier: any Channel] = [:]
    private let policy: EgressPolicy
    private let resolvers: @Sendable () -> ResolverConfiguration
    private let share: EgressShare
    private var queriesInFlight = 0

    init(
        loop: any EventLoop,
        policy: EgressPolicy,
        resolvers: @escaping @Sendable () -> ResolverConfiguration,
        share: EgressShare
    ) {
        self.loop = loop
        self.policy = policy
        self.resolvers = resolvers
        self.share = share
    }

    var isBusy: Bool { queriesInFlight >= DNSForwarder.queriesMax }

    /// The answer to `bytes`, whatever they are; nil if they get none.
    func answer(_ bytes: [UInt8]) -> EventLoopFuture<(answer: [UInt8], query: DNSQuery?)?> {
        let query: DNSQuery
        do throws(DNSQuery.Refusal) {
            query = try DNSQuery(bytes)
        } catch {
            switch error {
            case .ignored: return loop.makeSucceededFuture(nil)
            case .code(let code, let id): return loop.makeSucceededFuture((DNSAnswer.of(code, id: id), nil))
            }
        }
        if let local = local(query) { return loop.makeSucceededFuture((local, query)) }
        let configuration = resolvers()
        guard !isBusy, !configuration.servers.isEmpty, share.take(1) else {
            return loop.makeSucceededFuture((DNSAnswer.of(.serverFailure, to: query), query))
        }
        queriesInFlight += 1
        let tries = (0..<configuration.attempts).flatMap { _ in configuration.servers }
        let asked = ask(
            tries[...],
            query,
            bytes,
            timeout: .seconds(Int64(configuration.timeoutSeconds)),
            until: .now() + Self.patience
        )
        let bound = NIOLoopBound(self, eventLoop: loop)
        return asked.map { answer in
            bound.value.queriesInFlight -= 1
            bound.value.share.give(1)
            return (answer, query)
        }
    }

    /// What is answered without asking anybody.
    private func local(_ query: DNSQuery) -> [UInt8]? {
        guard query.class == DNSRecordType.internet, !DNSRecordType.transfers.contains(query.type) else {
            return DNSAnswer.of(.refused, to: query)
        }
        if query.isNamed("localhost") || query.isBelow("localhost") {
            return DNSAnswer.addresses(Self.localhost, to: query)
        }
        guard !policy.refusesEverything else { return DNSAnswer.of(.refused, to: query) }
        if query.isNamed(EgressPolicy.hostName) { return DNSAnswer.addresses(EgressPolicy.hostAliases, to: query) }
        let zone = "martlet.internal"
        if query.isNamed(zone) || query.isBelow(zone) { return DNSAnswer.of(.nameError, to: query) }
        return nil
    }

    /// One server after the other, until one answers.
    private func ask(
        _ servers: ArraySlice<ResolverConfiguration.Server>,
        _ query: DNSQuery,
        _ bytes: [UInt8],
        timeout: TimeAmount,
        until deadline: NIODeadline
    ) -> EventLoopFuture<[UInt8]> {
        let left = deadline - .now()
        guard let server = servers.first, left > .zero else {
            return loop.makeSucceededFuture(DNSAnswer.of(.serverFailure, to: query))
        }
        let exchange = DNSExchange(
            server: server.address.socketAddress(port: server.port),
            timeout: min(timeout, left),
            loop: loop
        )
        let bound = NIOLoopBound(self, eventLoop: loop)
        return exchange.ask(query, bytes).flatMapError { _ in
            bound.value.ask(servers.dropFirst(), query, bytes, timeout: timeout, until: deadline)
        }
    }
}

/// Queries over UDP.
private final class DNSDatagrams: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let resolver: DNSResolver

    init(resolver: DNSResolver) {
        self.resolver = resolver
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard !resolver.isBusy else { return }
        let channel = context.channel
        resolver.answer(Array(envelope.data.readableBytesView)).whenSuccess { found in
            guard var answer = found?.answer, channel.isWritable else { return }
            if let query = found?.query, answer.count > query.datagramBytesMax {
                answer = DNSAnswer.truncated(answer, to: query)
            }
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer)),
                promise: nil
            )
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A datagram that could not be read or sent is lost, as datagrams are; the socket stays.
    }
}

/// Queries over one TCP connection, one at a time.
private final class DNSConnection: ChannelInboundHandler {
    typealias InboundIn = [UInt8]
    typealias OutboundOut = ByteBuffer

    /// Queries that one read may bring behind the one in hand.
    private static let waitingMax = 64

    private let resolver: DNSResolver
    private var waiting = CircularBuffer<[UInt8]>()
    private var isAnswering = false

    init(resolver: DNSResolver) {
        self.resolver = resolver
    }

    func channelActive(context: ChannelHandlerContext) {
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard waiting.count < Self.waitingMax else { return context.close(promise: nil) }
        waiting.append(unwrapInboundIn(data))
        advance(context.channel)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !isAnswering { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        waiting = []
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func advance(_ channel: any Channel) {
        guard !isAnswering else { return }
        guard let next = waiting.popFirst() else { return channel.read() }
        isAnswering = true
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        resolver.answer(next).whenComplete { result in
            guard case .success(let found?) = result else { return channel.close(promise: nil) }
            // The next query waits until the client has taken this answer.
            channel.writeAndFlush(DNSFrameDecoder.frame(found.answer)).whenComplete { _ in
                bound.value.isAnswering = false
                bound.value.advance(channel)
            }
        }
    }
}
