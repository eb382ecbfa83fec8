// SPDX-License-Identifier: Apache-2.0
package import Logging
package import NIOCore

/// What every sandbox of this server may reach, and how: the policy, and the host's network as it is.
package struct SandboxEgress: Sendable {
    /// The sockets of one sandbox, bound inside its network namespace.
    package struct Listeners: Sendable {
        /// TCP sockets that outbound connections are redirected to.
        package var redirected: [CInt]
        package var resolverDatagrams: [CInt]
        package var resolverStreams: [CInt]

        package init(redirected: [CInt], resolverDatagrams: [CInt], resolverStreams: [CInt]) {
            self.redirected = redirected
            self.resolverDatagrams = resolverDatagrams
            self.resolverStreams = resolverStreams
        }
    }

    /// What serves one sandbox.
    package struct Service: Sendable {
        private let proxies: [EgressProxy]
        private let forwarder: DNSForwarder

        fileprivate init(proxies: [EgressProxy], forwarder: DNSForwarder) {
            self.proxies = proxies
            self.forwarder = forwarder
        }

        /// Closes all sockets and connections.
        ///
        /// May be called more than once.
        package func stop() async {
            await forwarder.stop()
            for proxy in proxies { await proxy.stop() }
        }
    }

    package let policy: EgressPolicy
    private let ownPort: UInt16?
    private let host: HostNetwork
    private let budget: EgressBudget

    /// `ownPort` is where the server's API really listens, so never 0.
    package init(policy: EgressPolicy, ownPort: Int, host: HostNetwork, budget: EgressBudget) {
        self.policy = policy
        self.ownPort = UInt16(exactly: ownPort)
        self.host = host
        self.budget = budget
    }

    /// Serves one sandbox.
    ///
    /// The descriptors belong to the service from here on, except when it throws `SocketRefused`.
    package func serve(
        _ listeners: Listeners,
        group: any EventLoopGroup,
        meter: EgressMeter,
        logger: Logger
    ) async throws -> Service {
        for descriptor in listeners.redirected + listeners.resolverStreams {
            try SocketRefused.unless(descriptor, isOf: .stream)
        }
        let (host, share) = (host, budget.share())
        let forwarder = try await DNSForwarder.start(
            datagrams: listeners.resolverDatagrams,
            streams: listeners.resolverStreams,
            group: group,
            policy: policy,
            resolvers: { host.resolvers },
            share: share,
            logger: logger
        )
        var proxies: [EgressProxy] = []
        for listener in listeners.redirected {
            do {
                proxies.append(
                    try await EgressProxy.start(
                        listener: listener,
                        group: group,
                        policy: policy,
                        hostAddresses: { host.addresses },
                        ownPort: ownPort,
                        share: share,
                        meter: meter,
                        logger: logger
                    )
                )
            } catch {
                await Service(proxies: proxies, forwarder: forwarder).stop()
                throw error
            }
        }
        return Service(proxies: proxies, forwarder: forwarder)
    }
}
