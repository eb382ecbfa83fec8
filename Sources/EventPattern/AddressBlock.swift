// SPDX-License-Identifier: Apache-2.0

/// The addresses that `cidr` asks for, of IPv4 or IPv6.
///
/// The rules are event-ruler's (`CIDR`), which has them from Java: a block has more than one address, numbers of IPv4
/// are decimal also with zeros before them, IPv6 is written without dots, and an IPv4 address in IPv6's form is the
/// IPv4 address.
struct AddressBlock: Equatable, Sendable {
    /// Four or sixteen.
    private let bytes: [UInt8]
    /// Bits from the left that count.
    private let bits: Int

    init(_ text: String) throws(ComparisonFailure) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw ComparisonFailure("Malformed CIDR, one '/' required") }
        guard let bits = Int(parts[1]) else { throw ComparisonFailure("Malformed CIDR, mask bits must be an integer") }
        guard bits >= 0 else { throw ComparisonFailure("Malformed CIDR, mask bits must not be negative") }
        guard let bytes = Self.address(parts[0]) else { throw ComparisonFailure("Nonstandard IP address: \(parts[0])") }
        guard bits < bytes.count * 8 else {
            throw ComparisonFailure("IPv\(bytes.count == 4 ? 4 : 6) mask bits must be < \(bytes.count * 8)")
        }
        self.bits = bits
        self.bytes = bytes.enumerated().map { index, byte in
            let kept = min(max(bits - index * 8, 0), 8)
            return byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
    }

    /// False for what is no address.
    func contains(_ text: String) -> Bool {
        guard let address = Self.address(text[...]), address.count == bytes.count else { return false }
        return zip(address, bytes).enumerated().allSatisfy { index, pair in
            let kept = min(max(bits - index * 8, 0), 8)
            return pair.0 & ~UInt8(truncatingIfNeeded: 0xFF >> kept) == pair.1
        }
    }

    /// The longest address that this looks at; zeros before a number might go on for ever.
    private static let lengthMax = 64

    private static func address(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count <= lengthMax else { return nil }
        guard text.utf8.contains(UInt8(ascii: ":")) else { return ipv4(text) }
        guard let bytes = ipv6(text) else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        return isMapped ? Array(bytes[12...]) : bytes
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { part in
            part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt8(part) : nil
        }
        return parts.count == 4 && bytes.count == 4 ? bytes : nil
    }

    /// RFC 4291, 2.2, without an IPv4 address at the end.
    private static func ipv6(_ text: Substring) -> [UInt8]? {
        let all = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        guard let gap = zip(all, all.dropFirst()).enumerated().first(where: { $0.element == (colon, colon) })?.offset
        else {
            guard let groups = groups(all[...]), groups.count == 16 else { return nil }
            return groups
        }
        guard let head = groups(all[..<gap]), let tail = groups(all[(gap + 2)...]), head.count + tail.count <= 14 else {
            return nil
        }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        for group in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard (1...4).contains(group.count), !group.contains(UInt8(ascii: "+")), !group.contains(UInt8(ascii: "-")),
                let value = UInt16(String(decoding: group, as: UTF8.self), radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)]
        }
        return bytes
    }
}
