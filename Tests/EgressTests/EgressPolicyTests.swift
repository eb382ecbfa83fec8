// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Egress

struct EgressPolicyTests {
    private static let own: Set<IPAddress> = Set(["10.1.2.3", "2a00::5"].compactMap { IPAddress($0) })

    private static func verdict(_ policy: String, _ address: String, _ port: UInt16) throws -> String {
        let policy = try EgressPolicy(parsing: policy.isEmpty ? [] : [policy])
        let destination = try #require(IPAddress(address))
        switch policy.verdict(on: destination, port: port, hostAddresses: own, ownPort: 4_566) {
        case .dial(let address, let port): return "\(address) \(port)"
        case .refused(let reason): return "\(reason)"
        }
    }

    @Test(
        arguments: [
            // Without rules.
            ("", "93.184.216.34", 443, "93.184.216.34 443"), ("", "10.0.0.1", 5_432, "10.0.0.1 5432"),
            ("", "2a00::1", 80, "2a00::1 80"), ("", "fd00::1", 80, "fd00::1 80"), ("", "93.184.216.34", 25, "smtp"),
            ("", "::ffff:93.184.216.34", 443, "93.184.216.34 443"),
            // Reserved.
            ("", "127.0.0.1", 80, "reserved"), ("", "127.9.9.9", 80, "reserved"), ("", "0.0.0.0", 80, "reserved"),
            ("", "::1", 80, "reserved"), ("", "::", 80, "reserved"), ("", "::ffff:127.0.0.1", 80, "reserved"),
            ("", "::127.0.0.1", 80, "reserved"), ("", "64:ff9b::7f00:1", 80, "reserved"),
            ("", "64:ff9b::a9fe:a9fe", 80, "reserved"), ("", "2002:7f00:1::", 80, "reserved"),
            ("", "2001:0:7f00:1::", 80, "reserved"), ("", "2001:0:102:304:0:0:80ff:fffe", 80, "reserved"),
            ("", "::ffff:0:127.0.0.1", 80, "reserved"), ("", "2a00::5efe:7f00:1", 80, "reserved"),
            ("", "64:ff9b:1::7f00:1", 80, "reserved"), ("", "64:ff9b::808:808", 80, "64:ff9b::808:808 80"),
            ("", "169.254.169.254", 80, "reserved"), ("", "fe80::1", 80, "reserved"), ("", "febf::1", 80, "reserved"),
            ("", "224.0.0.1", 80, "reserved"), ("", "255.255.255.255", 80, "reserved"), ("", "ff02::1", 80, "reserved"),
            ("", "169.254.100.1", 9_001, "reserved"), ("", "fd00:6d61:7274::1", 80, "reserved"),
            ("", "10.1.2.3", 80, "reserved"), ("", "2a00::5", 80, "reserved"), ("", "10.1.2.3", 4_566, "ownPort"),
            ("", "64:ff9b::a01:203", 80, "reserved"),
            // Opened, by a rule that names them.
            ("allow=0.0.0.0/0,::/0", "127.0.0.1", 80, "reserved"),
            ("allow=0.0.0.0/0", "169.254.169.254", 80, "reserved"),
            ("allow=169.254.169.254:80", "169.254.169.254", 80, "169.254.169.254 80"),
            ("allow=169.254.169.254:80", "169.254.169.254", 81, "reserved"),
            ("allow=169.254.0.0/16", "169.254.1.1", 81, "169.254.1.1 81"),
            ("allow=[fe80::/10]:80-90", "fe80::1", 90, "fe80::1 90"), ("allow=10.0.0.0/8", "10.1.2.3", 80, "reserved"),
            ("allow=10.1.2.3", "10.1.2.3", 80, "10.1.2.3 80"), ("allow=10.1.2.3", "10.1.2.3", 4_566, "ownPort"),
            ("allow=10.1.2.3:4566", "10.1.2.3", 4_566, "10.1.2.3 4566"),
            // The host's loopback, by its alias only.
            ("", "169.254.100.3", 5_432, "reserved"), ("allow=127.0.0.1:5432", "127.0.0.1", 5_432, "reserved"),
            ("allow=127.0.0.1:5432", "169.254.100.3", 5_432, "127.0.0.1 5432"),
            ("allow=host.martlet.internal:5432", "fd00:6d61:7274::3", 5_432, "127.0.0.1 5432"),
            ("allow=host.martlet.internal:5432", "169.254.100.3", 5_433, "reserved"),
            ("allow=host.martlet.internal", "169.254.100.3", 80, "127.0.0.1 80"),
            ("allow=host.martlet.internal", "169.254.100.3", 25, "smtp"),
            ("allow=host.martlet.internal", "169.254.100.3", 4_566, "ownPort"),
            ("allow=host.martlet.internal:4000-5000", "169.254.100.3", 4_566, "ownPort"),
            ("allow=host.martlet.internal:4566", "169.254.100.3", 4_566, "127.0.0.1 4566"),
            ("allow=0.0.0.0/0", "169.254.100.3", 80, "reserved"),
            ("allow=host.martlet.internal;deny=127.0.0.0/8:80", "169.254.100.3", 80, "denied"),
            ("allow=host.martlet.internal;deny=169.254.100.3", "169.254.100.3", 80, "denied"),
            // Deny wins, and none closes.
            ("allow=1.2.3.4;deny=1.0.0.0/8", "1.2.3.4", 80, "denied"),
            ("deny=1.0.0.0/8:443", "1.2.3.4", 80, "1.2.3.4 80"),
            ("deny=1.0.0.0/8", "::ffff:1.2.3.4", 80, "denied"), ("deny=1.0.0.0/8", "64:ff9b::102:304", 80, "denied"),
            ("none", "1.2.3.4", 80, "none"), ("none", "169.254.100.3", 80, "none"),
            ("none; allow=1.2.3.0/24:443", "1.2.3.4", 443, "1.2.3.4 443"),
            ("none; allow=1.2.3.0/24:443", "1.2.3.4", 80, "none"), ("none;allow=1.2.3.4", "1.2.3.5", 443, "none"),
            ("allow=1.2.3.4:25", "1.2.3.4", 25, "smtp"),
        ] as [(String, String, UInt16, String)]
    )
    func `verdicts`(policy: String, address: String, port: UInt16, verdict: String) throws {
        #expect(try Self.verdict(policy, address, port) == verdict)
    }

    @Test func `an address is the whole text, also behind a NUL`() {
        #expect(IPAddress("10.0.0.1\0") == nil && IPAddress("::1\0x") == nil)
        #expect(throws: EgressPolicyError.self) { try EgressPolicy(parsing: ["allow=10.0.0.1\0.2"]) }
    }

    @Test func `rules are read from several texts`() throws {
        let policy = try EgressPolicy(parsing: ["allow=10.0.0.0/8:1-2 , [fd00::/8]:443", " deny=fe80::/10; none "])
        #expect(policy.allowed.map(\.network.description) == ["10.0.0.0/8", "fd00::/8"])
        #expect(policy.allowed.map(\.ports) == [1...2, 443...443])
        #expect(policy.denied.map(\.ports) == [1...65_535])
        #expect(policy.isClosed && !policy.refusesEverything)
        #expect(try EgressPolicy(parsing: []) == EgressPolicy())
        #expect(try EgressPolicy(parsing: ["none"]).refusesEverything)
    }

    @Test(arguments: [
        "", "all", "allow", "allow=", "allow=,", "deny=1.2.3.4,", "allow=1.2.3", "allow=example.com:80",
        "allow=1.2.3.4/33", "allow=1.2.3.4/8", "allow=10.0.0.0/", "allow=10.0.0.0/+8", "allow=1.2.3.4:0",
        "allow=1.2.3.4:65536", "allow=1.2.3.4:9-8", "allow=1.2.3.4:-1", "allow=1.2.3.4:", "allow=[fd00::/8",
        "allow=[fd00::/8]443", "allow=[1.2.3.4]:80", "allow=[]", "none;", "allow=fd00::/129", "allow=[fe80::1%eth0]:80",
        "allow=1.2.3.4/8/8", "allow=\u{0}", "allow=" + String(repeating: "1.2.3.4,", count: 1_024) + "1.2.3.4",
    ])
    func `what is no policy is refused in words`(text: String) {
        let error = #expect(throws: EgressPolicyError.self) { try EgressPolicy(parsing: [text]) }
        #expect(error?.description.hasPrefix("--egress: ") == true)
    }

    /// Every address survives its text, and lies in the networks that its bits say: 64 seeds.
    @Test(arguments: UInt64(0)..<64)
    func `networks contain what shares their prefix`(seed: UInt64) throws {
        var random = SeededBytes(state: seed)
        for _ in 0..<100 {
            let wide = random.next() % 2 == 0
            let address: IPAddress =
                wide ? .v6(random.next(), random.next()) : .v4(UInt32(truncatingIfNeeded: random.next()))
            #expect(IPAddress(address.description) == address, "seed \(seed)")
            let bits = wide ? 128 : 32
            let length = Int(random.next() % UInt64(bits + 1))
            let network = try #require(IPNetwork(IPNetwork.masked(address, length), prefixLength: length))
            #expect(network.contains(address), "seed \(seed)")
            var bytes = address.bytes
            let flipped = Int(random.next() % UInt64(bits))
            bytes[flipped / 8] ^= 0x80 >> UInt8(flipped % 8)
            let other = try #require(IPAddress(text(bytes)))
            #expect(network.contains(other) == (flipped >= length), "seed \(seed)")
        }
    }

    private func text(_ bytes: [UInt8]) -> String {
        guard bytes.count == 16 else { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
    }
}
