// SPDX-License-Identifier: Apache-2.0

/// What functions may connect to over TCP (`--egress`).
///
/// A value: it looks nothing up.
/// Without rules: every address of the public and of private networks. Port 25 is refused always. Some addresses
/// are refused unless an allow rule names them: the host's loopback, unspecified, link-local, multicast, broadcast
/// and reserved ones, Martlet's own inside the sandbox, and the addresses of the host itself. An IPv6 address that
/// wraps an IPv4 address is refused if that is.
package struct EgressPolicy: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// Dial this; it is not the destination asked for if that was the host's alias.
        case dial(IPAddress, port: UInt16)
        case refused(Reason)
    }

    package enum Reason: String, Sendable, Equatable {
        case smtp = "port 25 is closed"
        case none = "egress is off"
        case denied = "a deny rule matches"
        case reserved = "the address is reserved, and no allow rule names it"
        case ownPort = "the server's own port"
    }

    package struct Rule: Sendable, Equatable {
        package var network: IPNetwork
        package var ports: ClosedRange<UInt16>

        func matches(_ address: IPAddress, _ port: UInt16) -> Bool {
            ports.contains(port) && network.contains(address)
        }
    }

    /// The name that stands for the host's loopback.
    package static let hostName = "host.martlet.internal"
    /// What that name resolves to inside a sandbox.
    package static let hostAliases: [IPAddress] = [.v4(0xA9FE_6403), .v6(0xFD00_6D61_7274_0000, 3)]
    static let hostLoopback = IPAddress.v4(0x7F00_0001)

    package internal(set) var allowed: [Rule] = []
    package internal(set) var denied: [Rule] = []
    /// Only what an allow rule matches.
    package internal(set) var isClosed = false

    /// No rules.
    package init() {}

    /// True if no connection at all is possible.
    package var refusesEverything: Bool { isClosed && allowed.isEmpty }

    /// True if some port of the host's loopback is open.
    var opensHost: Bool {
        allowed.contains { $0.network.contains(Self.hostLoopback) && Self.loopback.contains($0.network) }
    }

    /// Decides about one connection.
    ///
    /// `hostAddresses` are those of the host's interfaces now; `ownPort` is where the server itself listens.
    package func verdict(
        on destination: IPAddress,
        port: UInt16,
        hostAddresses: Set<IPAddress>,
        ownPort: UInt16?
    ) -> Verdict {
        guard port != 25 else { return .refused(.smtp) }
        guard !refusesEverything else { return .refused(.none) }
        let isHost = Self.hostAliases.contains(destination)
        let address = isHost ? Self.hostLoopback : destination.unmapped
        // A loopback destination is the sandbox's own: the host's is reached by its alias only.
        if !isHost, Self.isLoopback(address) { return .refused(.reserved) }
        let targets = [address] + address.embeddedIPv4
        if denied.contains(where: { rule in (targets + [destination]).contains { rule.matches($0, port) } }) {
            return .refused(.denied)
        }
        let isHosts = { Self.isLoopback($0) || hostAddresses.contains($0) }
        if port == ownPort, targets.contains(where: isHosts), !targets.allSatisfy({ names($0, onlyPort: port) }) {
            return .refused(.ownPort)
        }
        for target in targets where !isNamed(target, port, hostAddresses) { return .refused(.reserved) }
        if isClosed, !allowed.contains(where: { $0.matches(address, port) }) { return .refused(.none) }
        return .dial(address, port: port)
    }

    /// False for a reserved address that no allow rule names: one within the reserved range, or the very address of
    /// the host.
    ///
    /// So `allow=0.0.0.0/0` opens no loopback.
    private func isNamed(_ address: IPAddress, _ port: UInt16, _ hostAddresses: Set<IPAddress>) -> Bool {
        for range in Self.reserved where range.contains(address) {
            return allowed.contains { $0.matches(address, port) && range.contains($0.network) }
        }
        guard hostAddresses.contains(address) else { return true }
        return allowed.contains { $0.matches(address, port) && $0.network.isSingleAddress }
    }

    private func names(_ address: IPAddress, onlyPort port: UInt16) -> Bool {
        allowed.contains { $0.network == .single(address) && $0.ports == port...port }
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let value): value >> 24 == 127 || value >> 24 == 0
        case .v6(let high, let low): high == 0 && low <= 1
        }
    }

    private static let loopback = network(.v4(0x7F00_0000), 8)

    /// Each range is open only to rules within it.
    private static let reserved: [IPNetwork] = [
        loopback,
        network(.v4(0), 8),
        network(.v4(0xA9FE_0000), 16),  // link-local, where clouds keep their metadata service
        network(.v4(0xE000_0000), 4),  // multicast
        network(.v4(0xF000_0000), 4),  // reserved, broadcast
        network(.v6(0, 0), 127),  // unspecified and loopback
        network(.v6(0xFE80_0000_0000_0000, 0), 10),
        network(.v6(0xFF00_0000_0000_0000, 0), 8),
        network(.v6(0xFD00_6D61_7274_0000, 0), 48),  // the sandbox's own
    ]

    private static func network(_ address: IPAddress, _ prefixLength: Int) -> IPNetwork {
        guard let network = IPNetwork(address, prefixLength: prefixLength) else {
            preconditionFailure("bits beyond the prefix in a constant")
        }
        return network
    }
}
