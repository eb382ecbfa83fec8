// SPDX-License-Identifier: Apache-2.0
import Glibc
package import NIOCore

/// An IPv4 or IPv6 address as a number, without a port or a scope.
package enum IPAddress: Hashable, Sendable, CustomStringConvertible {
    case v4(UInt32)
    case v6(UInt64, UInt64)

    /// `127.0.0.1`, `fe80::1`: the whole text, nothing else.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        // inet_pton(3) would read no further than a NUL.
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        var four: UInt32 = 0
        var six: (UInt64, UInt64) = (0, 0)
        // inet_pton(3) writes the four or sixteen bytes of an in_addr or in6_addr, in network order.
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .v4(UInt32(bigEndian: four))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self = .v6(UInt64(bigEndian: six.0), UInt64(bigEndian: six.1))
        } else {
            return nil
        }
    }

    /// nil for a Unix socket.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(text)
    }

    func socketAddress(port: UInt16) -> SocketAddress {
        do {
            return try SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(port))
        } catch {
            preconditionFailure("four or sixteen bytes are always an address: \(error)")
        }
    }

    /// The bytes in network order: four or sixteen.
    var bytes: [UInt8] {
        switch self {
        case .v4(let value): Self.bytes(of: value)
        case .v6(let high, let low): Self.bytes(of: high) + Self.bytes(of: low)
        }
    }

    private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    package var description: String {
        socketAddress(port: 0).ipAddress ?? "\(bytes)"
    }

    /// IPv4 addresses that a packet to this one may end up at, once a gateway or a tunnel has unpacked it.
    ///
    /// Mapped and compatible (RFC 4291, 2.5.5), SIIT (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056),
    /// Teredo's server and client (RFC 4380), ISATAP (RFC 5214).
    var embeddedIPv4: [IPAddress] {
        guard case .v6(let high, let low) = self else { return [] }
        let last = UInt32(truncatingIfNeeded: low)
        let upperLow = low >> 32
        var found: [UInt32] = []
        if high == 0, upperLow == 0 || upperLow == 0xFFFF { found.append(last) }
        if high == 0, low >> 48 == 0xFFFF { found.append(last) }
        if high == 0x0064_FF9B_0000_0000, upperLow == 0 { found.append(last) }
        if high >> 16 == 0x0064_FF9B_0001 { found.append(last) }
        if high >> 48 == 0x2002 { found.append(UInt32(truncatingIfNeeded: high >> 16)) }
        if high >> 32 == 0x2001_0000 { found += [UInt32(truncatingIfNeeded: high), ~last] }
        if upperLow == 0x0000_5EFE || upperLow == 0x0200_5EFE { found.append(last) }
        return found.map(IPAddress.v4)
    }

    /// An IPv4-mapped address as the IPv4 address that it is.
    var unmapped: IPAddress {
        guard case .v6(0, let low) = self, low >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: low))
    }
}

/// All addresses with the same first bits.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    package let address: IPAddress
    package let prefixLength: Int

    /// nil if the prefix is longer than the address, or the address has bits beyond it.
    package init?(_ address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
        guard prefixLength >= 0, prefixLength <= address.bytes.count * 8 else { return nil }
        guard Self.masked(address, prefixLength) == address else { return nil }
    }

    private init(of address: IPAddress) {
        self.address = address
        prefixLength = address.bytes.count * 8
    }

    static func single(_ address: IPAddress) -> IPNetwork { IPNetwork(of: address) }

    package var description: String { "\(address)/\(prefixLength)" }

    var isSingleAddress: Bool { prefixLength == address.bytes.count * 8 }

    func contains(_ other: IPAddress) -> Bool {
        Self.masked(other, prefixLength) == address
    }

    func contains(_ other: IPNetwork) -> Bool {
        other.prefixLength >= prefixLength && contains(other.address)
    }

    /// An address of the other family than `length` was meant for is never equal to this network's.
    static func masked(_ address: IPAddress, _ length: Int) -> IPAddress {
        switch address {
        case .v4(let value):
            // Swift's shift by 32 or more gives zero.
            .v4(length >= 32 ? value : value & ~(UInt32.max >> UInt32(length)))
        case .v6(let high, let low):
            .v6(
                length >= 64 ? high : high & ~(UInt64.max >> UInt64(length)),
                length >= 128 ? low : length <= 64 ? 0 : low & ~(UInt64.max >> UInt64(length - 64))
            )
        }
    }
}
