// SPDX-License-Identifier: Apache-2.0
import Crypto
package import QueueCore

/// The MD5 digests by which an SDK sees that a message arrived as it was sent.
package enum MessageDigest {
    private static let digits = Array("0123456789abcdef".utf8)

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package static func body(_ text: String) -> String {
        hexadecimal(Insecure.MD5.hash(data: Array(text.utf8)))
    }

    /// Nil where there are none.
    ///
    /// In the order of their names: name, type and value, each with its length before it in four bytes, big-endian, and before the value a
    /// byte that says whether it is text (1) or binary (2).
    package static func attributes(_ attributes: [String: MessageContent.Attribute]) -> String? {
        guard !attributes.isEmpty else { return nil }
        var bytes: [UInt8] = []
        func part(_ part: some Collection<UInt8>) {
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
            bytes += part
        }
        for (name, attribute) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            part(name.utf8)
            part(attribute.type.utf8)
            switch attribute.value {
            case .string(let text):
                bytes.append(1)
                part(text.utf8)
            case .binary(let value):
                bytes.append(2)
                part(value)
            }
        }
        return hexadecimal(Insecure.MD5.hash(data: bytes))
    }

    /// By which a FIFO queue knows a message again that has no id of its own.
    static func identity(_ body: String) -> String { hexadecimal(SHA256.hash(data: Array(body.utf8))) }
}
