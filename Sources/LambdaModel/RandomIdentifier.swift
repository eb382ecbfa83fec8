// SPDX-License-Identifier: Apache-2.0

/// Identifiers by chance.
package enum RandomIdentifier {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Thirty-two of a to z and 2 to 7, as function URLs begin with.
    package static func urlID() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var generator = SystemRandomNumberGenerator()
        return String(decoding: (0..<32).map { _ in letters[Int(generator.next() & 31)] }, as: UTF8.self)
    }

    /// A random UUID (RFC 9562, version 4) in lower case, as revision and request ids are.
    package static func uuid() -> String {
        var generator = SystemRandomNumberGenerator()
        let high: UInt64 = generator.next() & ~0xF000 | 0x4000
        let low: UInt64 = generator.next() >> 2 | 1 << 63
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for position in 0..<32 {
            if [8, 12, 16, 20].contains(position) { text.append(UInt8(ascii: "-")) }
            let word = position < 16 ? high : low
            text.append(digits[Int(word >> UInt64(60 - position % 16 * 4) & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
