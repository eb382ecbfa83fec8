// SPDX-License-Identifier: Apache-2.0

/// A JSON text as a value, for requests and answers of the API.
///
/// Numbers keep the text they were written with.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number's own digits, valid by RFC 8259.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Of two members with one name the later one counts.
    case object([String: JSONValue])

    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    package var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// Nil for fractions and for what doesn't fit 64 bits.
    package var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }

    package var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    package var object: [String: JSONValue]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// Nil also where this is no object.
    package subscript(member: String) -> JSONValue? {
        object?[member]
    }
}

// MARK: - Writing

extension JSONValue {
    /// Compact, names in ascending order.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Compact UTF-8, names in ascending order.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let text): bytes += text.utf8
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A string, as `bytes` has it.
    package static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        writeContent(text, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A string without its quotes; what needs no escape goes over in one piece.
    package static func writeContent(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { units in
            let raw = UnsafeRawBufferPointer(units)
            var (begin, index) = (0, 0)
            while index < units.count {
                if index + 8 <= units.count, isPlain(raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
                    index += 8
                    continue
                }
                let unit = units[index]
                if unit == UInt8(ascii: "\"") || unit == UInt8(ascii: "\\") {
                    bytes += units[begin..<index]
                    bytes.append(UInt8(ascii: "\\"))
                    begin = index
                } else if unit < 0x20 {
                    bytes += units[begin..<index]
                    bytes += escaped(unit).utf8
                    begin = index + 1
                }
                index += 1
            }
            bytes += units[begin...]
        }
    }

    /// Whether none of eight bytes needs an escape: a byte is less than n where taking n from it sets its highest bit, which it did not have.
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ ones &* UInt64(UInt8(ascii: "\""))
        let backslashes = word ^ ones &* UInt64(UInt8(ascii: "\\"))
        let found =
            (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
        return found & (ones &* 0x80) == 0
    }

    /// Of a control character.
    private static func escaped(_ unit: UInt8) -> String {
        switch unit {
        case 0x0A: "\\n"
        case 0x0D: "\\r"
        case 0x09: "\\t"
        default: "\\u00\(Hexadecimal.encode(CollectionOfOne(unit)))"
        }
    }
}
