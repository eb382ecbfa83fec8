// SPDX-License-Identifier: Apache-2.0

/// Base64 of RFC 4648, strict: no white space, no missing or surplus padding, no stray bits at the end.
package enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlDigits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values = table(digits)
    private static let urlValues = table(urlDigits)
    private static let padding = UInt8(ascii: "=")
    private static let none: UInt8 = 0xFF

    private static func table(_ digits: [UInt8]) -> [UInt8] {
        var table = [UInt8](repeating: none, count: 256)
        for (value, digit) in digits.enumerated() { table[Int(digit)] = UInt8(value) }
        return table
    }

    package static func encode(_ bytes: [UInt8]) -> String {
        encode(bytes, digits: digits, padded: true)
    }

    /// The alphabet for URLs, without padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes, digits: urlDigits, padded: false)
    }

    private static func encode(_ bytes: [UInt8], digits: [UInt8], padded: Bool) -> String {
        let rest = bytes.count % 3
        let whole = bytes.count - rest
        let count = whole / 3 * 4 + (rest == 0 ? 0 : padded ? 4 : rest + 1)
        return String(unsafeUninitializedCapacity: count) { text in
            var position = 0
            func put(_ group: UInt32, _ count: Int) {
                for digit in 0..<count {
                    text[position] = digits[Int(group >> UInt32(18 - 6 * digit) & 63)]
                    position += 1
                }
            }
            for index in stride(from: 0, to: whole, by: 3) {
                put(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]), 4)
            }
            if rest > 0 {
                put(UInt32(bytes[whole]) << 16 | (rest == 2 ? UInt32(bytes[whole + 1]) << 8 : 0), rest + 1)
            }
            while position < count {
                text[position] = padding
                position += 1
            }
            return count
        }
    }

    /// Nil for anything that `encode` wouldn't have written.
    package static func decode(_ text: String) -> [UInt8]? {
        let bytes = Array(text.utf8)
        guard bytes.count.isMultiple(of: 4) else { return nil }
        var end = bytes.count
        for _ in 0..<2 where end > 0 && bytes[end - 1] == padding { end -= 1 }
        return decode(bytes[..<end], values: values)
    }

    /// Nil for anything that `encodeURL` wouldn't have written.
    package static func decodeURL(_ text: String) -> [UInt8]? {
        decode(Array(text.utf8)[...], values: urlValues)
    }

    private static func decode(_ digits: ArraySlice<UInt8>, values: [UInt8]) -> [UInt8]? {
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 3 / 4)
        var group: UInt32 = 0
        var bits = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value != none else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        guard group & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        return bytes
    }
}
