// SPDX-License-Identifier: Apache-2.0

/// Whether bytes are JSON (RFC 8259) in valid UTF-8, without building anything from them.
///
/// One pass, no recursion and no allocation: the depth is kept as one bit a level.
package struct JSONSyntax: ~Copyable {
    /// Arrays and objects inside one another; the limit that AWS's own parser has.
    package static let depthMax = 1_000

    package struct Failure: Error, Equatable, CustomStringConvertible {
        package var reason: String
        /// Index of the byte that can't be there; the count of bytes where the text ended too early.
        package var offset: Int

        package var description: String { "\(reason) at byte \(offset)" }
    }

    /// The first fault in `bytes`, nil when there is none; an empty text is a fault.
    package static func failure(in bytes: [UInt8]) -> Failure? { failure(in: bytes.span) }

    package static func failure(in bytes: Span<UInt8>) -> Failure? {
        do {
            var scanner = JSONSyntax()
            try scanner.scanDocument(bytes)
            return nil
        } catch {
            return error
        }
    }

    private var offset = 0
    private var depth = 0
    /// Bit n is set when the level n + 1 is an object.
    private var levels = InlineArray<16, UInt64>(repeating: 0)

    private init() {}

    private var isInObject: Bool { levels[(depth - 1) >> 6] >> UInt64((depth - 1) & 63) & 1 == 1 }

    private mutating func enter(object: Bool) throws(Failure) {
        guard depth < Self.depthMax else {
            throw Failure(
                reason: "Document nesting depth exceeds the maximum allowed (\(Self.depthMax))",
                offset: offset
            )
        }
        let bit: UInt64 = 1 << UInt64(depth & 63)
        if object { levels[depth >> 6] |= bit } else { levels[depth >> 6] &= ~bit }
        depth += 1
        offset += 1
    }

    private mutating func scanDocument(_ bytes: Span<UInt8>) throws(Failure) {
        var wantsValue = true
        skipSpace(bytes)
        while true {
            if wantsValue {
                wantsValue = try scanValue(bytes)
            }
            // A value has ended, or a container has just been opened and something has to follow.
            skipSpace(bytes)
            if wantsValue { continue }
            if depth == 0 { break }
            wantsValue = try scanSeparator(bytes)
        }
        if offset < bytes.count { throw unexpected(bytes, "expected the end of the text") }
    }

    /// - Returns: true when another value has to follow at once, because a container was opened and isn't empty.
    private mutating func scanValue(_ bytes: Span<UInt8>) throws(Failure) -> Bool {
        guard offset < bytes.count else { throw ended }
        switch bytes[offset] {
        case UInt8(ascii: "{"):
            try enter(object: true)
            skipSpace(bytes)
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "}") {
                close()
                return false
            }
            try scanName(bytes)
            return true
        case UInt8(ascii: "["):
            try enter(object: false)
            skipSpace(bytes)
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "]") {
                close()
                return false
            }
            return true
        case UInt8(ascii: "\""): try scanString(bytes)
        case UInt8(ascii: "t"): try scanWord("true", bytes)
        case UInt8(ascii: "f"): try scanWord("false", bytes)
        case UInt8(ascii: "n"): try scanWord("null", bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber(bytes)
        default:
            throw unexpected(
                bytes,
                "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            )
        }
        return false
    }

    /// - Returns: true when another value follows, false when a container was closed.
    private mutating func scanSeparator(_ bytes: Span<UInt8>) throws(Failure) -> Bool {
        guard offset < bytes.count else { throw ended }
        let object = isInObject
        switch bytes[offset] {
        case UInt8(ascii: ","):
            offset += 1
            skipSpace(bytes)
            if object { try scanName(bytes) }
            return true
        case UInt8(ascii: "}") where object, UInt8(ascii: "]") where !object:
            close()
            return false
        default: throw unexpected(bytes, "was expecting comma to separate \(object ? "Object" : "Array") entries")
        }
    }

    private mutating func close() {
        depth -= 1
        offset += 1
    }

    private mutating func scanName(_ bytes: Span<UInt8>) throws(Failure) {
        guard offset < bytes.count else { throw ended }
        guard bytes[offset] == UInt8(ascii: "\"") else {
            throw unexpected(bytes, "was expecting double-quote to start field name")
        }
        try scanString(bytes)
        skipSpace(bytes)
        guard offset < bytes.count else { throw ended }
        guard bytes[offset] == UInt8(ascii: ":") else {
            throw unexpected(bytes, "was expecting a colon to separate field name and value")
        }
        offset += 1
        skipSpace(bytes)
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func scanWord(_ word: StaticString, _ bytes: Span<UInt8>) throws(Failure) {
        let start = offset
        for letter in word.description.utf8 {
            guard offset < bytes.count else { throw ended }
            guard bytes[offset] == letter else {
                throw Failure(reason: "Unrecognized token: was expecting '\(word)'", offset: start)
            }
            offset += 1
        }
    }

    private mutating func scanDigits(_ bytes: Span<UInt8>) throws(Failure) {
        guard offset < bytes.count else { throw ended }
        guard Self.isDigit(bytes[offset]) else { throw unexpected(bytes, "expected a digit of a number") }
        while offset < bytes.count, Self.isDigit(bytes[offset]) { offset += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private mutating func scanNumber(_ bytes: Span<UInt8>) throws(Failure) {
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
            offset += 1
            if offset < bytes.count, Self.isDigit(bytes[offset]) {
                throw Failure(reason: "Invalid numeric value: Leading zeroes not allowed", offset: offset)
            }
        } else {
            try scanDigits(bytes)
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try scanDigits(bytes)
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            try scanDigits(bytes)
        }
    }

    private mutating func scanString(_ bytes: Span<UInt8>) throws(Failure) {
        offset += 1
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"): try scanEscape(bytes)
            case 0..<0x20:
                throw Failure(
                    reason:
                        "Illegal unquoted character ((CTRL-CHAR, code \(byte))): has to be escaped using backslash to "
                        + "be included in string value",
                    offset: offset
                )
            case 0x20..<0x80: skipPlain(bytes)
            default: try scanMultibyte(bytes)
            }
        }
        throw ended
    }

    /// Goes over what stands for itself in a string, all of it ASCII.
    private mutating func skipPlain(_ bytes: Span<UInt8>) {
        var end = offset
        while end < bytes.count, bytes[end] &- 0x20 < 0x60, bytes[end] != UInt8(ascii: "\""),
            bytes[end] != UInt8(ascii: "\\")
        {
            end += 1
        }
        offset = end
    }

    private mutating func scanEscape(_ bytes: Span<UInt8>) throws(Failure) {
        offset += 1
        guard offset < bytes.count else { throw ended }
        switch bytes[offset] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        case UInt8(ascii: "u"):
            offset += 1
            for _ in 0..<4 {
                guard offset < bytes.count else { throw ended }
                guard Hexadecimal.value(of: bytes[offset]) != nil else {
                    throw unexpected(bytes, "expected a hex-digit for character escape sequence")
                }
                offset += 1
            }
        default: throw unexpected(bytes, "unrecognized character escape")
        }
    }

    /// One character of two to four bytes, by table 3-7 of the Unicode Standard: no surrogates, no overlong forms.
    private mutating func scanMultibyte(_ bytes: Span<UInt8>) throws(Failure) {
        let start = offset
        let first = bytes[start]
        let second: ClosedRange<UInt8>
        let length: Int
        switch first {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: throw Failure(reason: "Invalid UTF-8 start byte 0x\(String(first, radix: 16))", offset: start)
        }
        for index in 1..<length {
            guard start + index < bytes.count else {
                offset = bytes.count
                throw ended
            }
            let byte = bytes[start + index]
            guard index == 1 ? second.contains(byte) : (0x80...0xBF).contains(byte) else {
                throw Failure(reason: "Invalid UTF-8 middle byte 0x\(String(byte, radix: 16))", offset: start + index)
            }
        }
        offset += length
    }

    private var ended: Failure { Failure(reason: "Unexpected end-of-input", offset: offset) }

    private func unexpected(_ bytes: Span<UInt8>, _ expectation: String) -> Failure {
        guard offset < bytes.count else { return ended }
        let byte = bytes[offset]
        let shown =
            (0x21..<0x7F).contains(byte) ? "'\(Character(UnicodeScalar(byte)))' (code \(byte))" : "(code \(byte))"
        return Failure(reason: "Unexpected character (\(shown)): \(expectation)", offset: offset)
    }
}
