// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 network in CIDR form, such as `203.0.113.0/24`; an address alone is a network of one.
struct NetworkPrefix: Equatable, Sendable {
    /// Four or sixteen.
    let bytes: [UInt8]
    /// Bits from the left that count.
    let length: Int

    /// An IPv4 address in IPv6's form (`::ffff:203.0.113.7`) is the IPv4 address.
    init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = Self.ipv4(parts[0]) ?? Self.ipv6(parts[0]) else { return nil }
        var length = address.count * 8
        if parts.count == 2 {
            guard let number = Self.decimal(parts[1]), number <= length else { return nil }
            length = number
        }
        if address.count == 16, length >= 96, address.prefix(10).allSatisfy({ $0 == 0 }), address[10] == 0xFF,
            address[11] == 0xFF
        {
            bytes = Array(address[12...])
            self.length = length - 96
        } else {
            bytes = address
            self.length = length
        }
    }

    func contains(_ other: NetworkPrefix) -> Bool {
        guard bytes.count == other.bytes.count, length <= other.length else { return false }
        let whole = length / 8
        guard bytes[..<whole] == other.bytes[..<whole] else { return false }
        let rest = length % 8
        return rest == 0 || (bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0
    }

    /// At most three digits.
    private static func decimal(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private static func ipv4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard let number = decimal(part), let byte = UInt8(exactly: number) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// RFC 4291, 2.2.
    private static func ipv6(_ text: Substring) -> [UInt8]? {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let halves = splitOnce(text)
        guard let head = groups(halves.head, mayEndInIPv4: halves.tail == nil) else { return nil }
        guard let tail = halves.tail else { return head.count == 16 ? head : nil }
        guard let tail = groups(tail, mayEndInIPv4: true), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// What is before and after the first `::`; nil where there is none.
    private static func splitOnce(_ text: Substring) -> (head: Substring, tail: Substring?) {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                return (text[..<index], text[text.index(after: next)...])
            }
            index = next
        }
        return (text, nil)
    }

    private static func groups(_ text: Substring, mayEndInIPv4: Bool) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, let address = ipv4(part) {
                bytes += address
                continue
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal),
                let group = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 0x20)
    }
}
