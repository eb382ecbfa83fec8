// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Egress
@testable import ServerConfiguration

/// One text, read as each of the grammars for addresses: what functions may reach, name servers, where to listen.
func fuzz(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    address(text)
    policy(text)
    listening(text)
    let resolvers = ResolverConfiguration(parsing: text)
    expect(resolvers.servers.count <= 3, "name servers have their bounds")
    expect((1...30).contains(resolvers.timeoutSeconds) && (1...5).contains(resolvers.attempts), "so has patience")
}

/// The C library's reading of the whole text; a NUL would be its end.
private func reference(_ text: String) -> [UInt8]? {
    guard !text.utf8.contains(0) else { return nil }
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
    return nil
}

private func address(_ text: String) {
    let address = IPAddress(text)
    expect(address?.bytes == reference(text), "inet_pton says otherwise: \(text.debugDescription)")
    guard let address else { return }
    expect(IPAddress(address.description) == address, "an address comes back: \(address)")
    for length in 0...(address.bytes.count * 8) {
        let masked = IPNetwork.masked(address, length)
        let network = IPNetwork(masked, prefixLength: length)
        expect(network?.contains(address) == true, "a network has its address: \(address)/\(length)")
    }
    expect(address.embeddedIPv4.allSatisfy { $0.bytes.count == 4 }, "what is inside is IPv4")
}

private func policy(_ text: String) {
    guard let policy = try? EgressPolicy(parsing: text.split(separator: "\n").map(String.init)) else { return }
    expect(policy.allowed.count + policy.denied.count <= EgressPolicy.rulesMax, "rules have their bounds")
    let samples: [IPAddress] = [
        .v4(0x0A00_0001), .v4(0x7F00_0001), .v4(0x0808_0808), .v6(0, 1), .v6(0x2002_7F00_0001_0000, 0),
    ]
    let named = (policy.allowed + policy.denied).prefix(32).map(\.network.address)
    let targets = samples + EgressPolicy.hostAliases + named
    for target in targets {
        for port: UInt16 in [25, 80, 443] { check(policy, target, port) }
    }
}

private func check(_ policy: EgressPolicy, _ target: IPAddress, _ port: UInt16) {
    let verdict = policy.verdict(on: target, port: port, hostAddresses: [.v4(0x0808_0808)], ownPort: 443)
    guard case .dial(let address, let dialled) = verdict else { return }
    expect(port != 25 && dialled == port, "port 25 is closed")
    expect(!policy.refusesEverything, "none means none")
    expect(!policy.denied.contains { $0.matches(address, port) }, "deny wins")
    let isAllowed = policy.allowed.contains { $0.matches(address, port) }
    expect(!policy.isClosed || isAllowed, "only what is allowed is dialled")
    let isHosts = address == .v4(0x7F00_0001) || address == .v4(0x0808_0808)
    expect(!isHosts || isAllowed, "the host is reached only where a rule names it")
}

private func listening(_ text: String) {
    guard let address = ListenAddress(text) else { return }
    expect(reference(address.host) != nil, "a host is an address: \(text.debugDescription)")
    expect((0...65_535).contains(address.port), "a port is a port")
    expect(ListenAddress(address.description) == address, "an address to listen on comes back: \(address)")
    if address.isLoopback, let bytes = reference(address.host) {
        expect(bytes.count == 16 || bytes[0] == 127, "loopback is loopback")
    }
}
