// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An IP address and a TCP port to serve on.
package struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    /// In numbers, without brackets.
    package let host: String
    /// 0: the kernel picks a free one.
    package let port: Int
    /// In network order: four bytes or sixteen.
    private let bytes: [UInt8]

    /// `127.0.0.1:4566`, `[::1]:4566`, `localhost:4566` (127.0.0.1); nil for anything else, names and zones included.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            let port = Int(digits), port <= 65_535
        else { return nil }
        var host = String(text[..<colon])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        if host == "localhost", !isBracketed { host = "127.0.0.1" }
        guard let bytes = Self.bytes(of: host), isBracketed == (bytes.count == 16) else { return nil }
        self.host = host
        self.port = port
        self.bytes = bytes
    }

    private init(ipv4 bytes: [UInt8], port: Int) {
        self.host = bytes.map(String.init).joined(separator: ".")
        self.port = port
        self.bytes = bytes
    }

    /// 127.0.0.1:4566, the port that is in the scripts of LocalStack's users.
    package static let standard = ListenAddress(ipv4: [127, 0, 0, 1], port: 4_566)

    package var isIPv6: Bool { bytes.count == 16 }

    /// Only this machine can reach it.
    package var isLoopback: Bool {
        guard isIPv6 else { return bytes[0] == 127 }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF { return bytes[12] == 127 }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private static func bytes(of host: String) -> [UInt8]? {
        // inet_pton(3) would read no further than a NUL.
        guard !host.utf8.contains(0) else { return nil }
        var ipv4 = in_addr()
        if inet_pton(AF_INET, host, &ipv4) == 1 { return withUnsafeBytes(of: ipv4) { Array($0) } }
        var ipv6 = in6_addr()
        if inet_pton(AF_INET6, host, &ipv6) == 1 { return withUnsafeBytes(of: ipv6) { Array($0) } }
        return nil
    }
}
