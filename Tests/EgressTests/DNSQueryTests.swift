// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Egress

struct DNSQueryTests {
    @Test func `a question is read`() throws {
        let query = try DNSQuery(DNSForwarderTests.query("Www.Example.com", type: 28, options: 100))
        #expect(query.isNamed("www.example.com") && query.isBelow("com") && !query.isBelow("www.example.com"))
        #expect(query.type == 28 && query.class == 1 && query.id == 0x1234 && query.recursionDesired)
        #expect(query.datagramBytesMax == 512)
        #expect(try DNSQuery(DNSForwarderTests.query("a", options: 60_000)).datagramBytesMax == 4_096)
        #expect(try DNSQuery(DNSForwarderTests.query("")).labels.isEmpty)
    }

    @Test func `what is no question of one name is refused`() {
        let good = DNSForwarderTests.query("a.example")
        func changed(_ at: Int, _ byte: UInt8) -> [UInt8] {
            var bytes = good
            bytes[at] = byte
            return bytes
        }
        let malformed = DNSQuery.Refusal.code(.formatError, id: 0x1234)
        for bytes in [
            changed(5, 0), changed(5, 2), changed(7, 1), changed(9, 1), changed(11, 1), changed(11, 2),
            changed(12, 0xC0),
            changed(12, 64), changed(12, 63), good + [0], good.dropLast(), Array(good.prefix(12)),
            DNSForwarderTests.query("a", options: 512) + [0],
            DNSForwarderTests.query(String(repeating: "a.", count: 128)),
            good + [UInt8](repeating: 0, count: 5_000),
        ] as [[UInt8]] {
            #expect(throws: malformed) { _ = try DNSQuery(bytes) }
        }
        #expect(throws: DNSQuery.Refusal.code(.notImplemented, id: 0x1234)) { _ = try DNSQuery(changed(2, 0x28)) }
        #expect(throws: DNSQuery.Refusal.ignored) { _ = try DNSQuery(changed(2, 0x81)) }
        #expect(throws: DNSQuery.Refusal.ignored) { _ = try DNSQuery(Array(good.prefix(11))) }
        #expect(throws: DNSQuery.Refusal.ignored) { _ = try DNSQuery([]) }
    }

    @Test func `resolv conf is read as the C library reads it`() {
        let text = """
            # comment
            nameserver 10.0.0.1
            nameserver\t fd00::53
            nameserver fe80::1%eth0
            nameserver 10.0.0.2
            nameserver 10.0.0.3
            search example.com
            options ndots:5 timeout:99 attempts:0 rotate timeout:x
            """
        let configuration = ResolverConfiguration(parsing: text)
        #expect(configuration.servers.map(\.address.description) == ["10.0.0.1", "fd00::53", "10.0.0.2"])
        #expect(configuration.timeoutSeconds == 30 && configuration.attempts == 1)
        #expect(ResolverConfiguration(parsing: "\u{0}\n\n \nnameserver") == ResolverConfiguration())
    }

    @Test func `the host's network is seen`() throws {
        let host = HostNetwork(resolverFile: "/nonexistent")
        #expect(host.addresses?.contains(.v4(0x7F00_0001)) == true)
        #expect(host.resolvers.servers.isEmpty)
    }
}
