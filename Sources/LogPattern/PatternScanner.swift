// SPDX-License-Identifier: Apache-2.0

/// Reads a pattern's text from left to right.
struct PatternScanner {
    /// What an unquoted value ends before, beside spaces.
    struct Ends: Sendable {
        var bytes: [UInt8]

        static let object = Ends(bytes: Array(")}".utf8))
        static let fields = Ends(bytes: Array(",]".utf8))
    }

    /// AWS's, for patterns of objects and of fields.
    static let regexesMax = 2

    private let bytes: [UInt8]
    private(set) var offset = 0
    private var regexes = 0
    private var positions = 0
    /// About how many nanoseconds a byte of a message takes for what was read.
    private(set) var cost = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Of letters, digits and underscores; all that is beyond ASCII counts as letters.
    static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    mutating func skipSpace() {
        while let byte = next, Self.isSpace(byte) { offset += 1 }
    }

    mutating func run(while condition: (UInt8) -> Bool) -> [UInt8] {
        let start = offset
        while let byte = next, condition(byte) { offset += 1 }
        return Array(bytes[start..<offset])
    }

    /// Goes over `text` where it is next.
    mutating func take(_ text: String) -> Bool {
        guard bytes[offset...].starts(with: text.utf8) else { return false }
        offset += text.utf8.count
        return true
    }

    /// Goes over a word where it is next, in letters of either case, and none follows it.
    mutating func takeWord(_ word: String) -> Bool {
        let end = offset + word.utf8.count
        guard end <= bytes.count, zip(bytes[offset..<end], word.utf8).allSatisfy({ $0 & 0xDF == $1 }),
            end == bytes.count || !Self.isWord(bytes[end])
        else { return false }
        offset = end
        return true
    }

    mutating func expect(_ text: String) throws(LogPatternFailure) {
        skipSpace()
        guard take(text) else { throw failure("'\(text)' expected") }
    }

    func failure(_ reason: String) -> LogPatternFailure {
        LogPatternFailure("Invalid filter pattern: \(reason) at position \(offset)")
    }

    /// A text in quotation marks, in which a backslash stands before what has no meaning of its own.
    mutating func quoted() throws(LogPatternFailure) -> [UInt8] { try quotedParts().map(\.byte) }

    /// Counts one more text that messages are searched for.
    mutating func countText() { cost += 1 }

    /// Counts one more place that names, elements and values of messages may be at.
    mutating func countPlace() { cost += 1 }

    private struct Quoted {
        var byte: UInt8
        var isEscaped: Bool
    }

    private mutating func quotedParts() throws(LogPatternFailure) -> [Quoted] {
        offset += 1
        var parts: [Quoted] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            offset += 1
            if byte == UInt8(ascii: "\\"), let escaped = next {
                offset += 1
                // Of any other byte the backslash is one.
                if !"\"\\*".utf8.contains(escaped) { parts.append(Quoted(byte: byte, isEscaped: true)) }
                parts.append(Quoted(byte: escaped, isEscaped: true))
            } else {
                parts.append(Quoted(byte: byte, isEscaped: false))
            }
        }
        guard next != nil else { throw failure("the quotation mark has no end") }
        offset += 1
        return parts
    }

    /// A regular expression between percent signs; all of a pattern share their limit.
    mutating func regex() throws(LogPatternFailure) -> LimitedRegex {
        offset += 1
        let start = offset
        while let byte = next, byte != UInt8(ascii: "%") { offset += byte == UInt8(ascii: "\\") ? 2 : 1 }
        guard offset < bytes.count else { throw failure("the percent sign has no end") }
        let regex = try LimitedRegex(bytes[start..<offset])
        offset += 1
        positions += regex.countedPositions
        cost += regex.cost
        guard positions <= LimitedRegex.positionsMax else {
            throw LogPatternFailure("Filter pattern has regular expressions that are too many or too long")
        }
        return regex
    }

    /// What a value is compared with: quoted, unquoted up to `ends`, or a regular expression.
    mutating func value(_ ends: Ends) throws(LogPatternFailure) -> ComparedText {
        skipSpace()
        countText()
        switch next {
        case UInt8(ascii: "%"):
            regexes += 1
            guard regexes <= Self.regexesMax else {
                throw LogPatternFailure("Filter pattern has more than \(Self.regexesMax) regular expressions")
            }
            return .regex(try regex())
        case UInt8(ascii: "\""):
            let parts = try quotedParts()
            let star = UInt8(ascii: "*")
            return ComparedText(
                parts.map(\.byte),
                opensAtStart: parts.first.map { $0.byte == star && !$0.isEscaped } ?? false,
                opensAtEnd: parts.last.map { $0.byte == star && !$0.isEscaped } ?? false
            )
        default:
            let start = offset
            while let byte = next, !Self.isSpace(byte), !ends.bytes.contains(byte), !isOperator { offset += 1 }
            let word = Array(bytes[start..<offset])
            guard !word.isEmpty else { throw failure("a value expected") }
            let star = UInt8(ascii: "*")
            return ComparedText(word, opensAtStart: word.first == star, opensAtEnd: word.last == star)
        }
    }

    private var isOperator: Bool {
        bytes[offset...].starts(with: "&&".utf8) || bytes[offset...].starts(with: "||".utf8)
    }
}
