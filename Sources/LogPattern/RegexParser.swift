// SPDX-License-Identifier: Apache-2.0

/// Takes the text of a limited regular expression apart.
struct RegexParser {
    private var rest: ArraySlice<UInt8>
    private let text: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) {
        self.text = text
        rest = text
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: byte) else { return false }
        rest.removeFirst()
        return true
    }

    func failure(_ reason: String) -> LogPatternFailure {
        LogPatternFailure(
            "Invalid regular expression '%\(String(decoding: text, as: UTF8.self))%': \(reason) at position "
                + "\(rest.startIndex - text.startIndex)"
        )
    }

    /// What one position takes; nil before an alternative's end.
    mutating func atom() throws(LogPatternFailure) -> ByteSet? {
        guard let byte = rest.first, byte != UInt8(ascii: "|"), byte != UInt8(ascii: "$") else { return nil }
        rest.removeFirst()
        switch byte {
        case UInt8(ascii: "."): return .all
        case UInt8(ascii: "["): return try listed()
        case UInt8(ascii: "\\"): return try escaped()
        default:
            guard Self.isPlain(byte) else {
                throw failure("'\(Unicode.Scalar(byte))' is not supported without a backslash")
            }
            return ByteSet(byte...byte)
        }
    }

    /// What stands for itself outside of brackets.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || " :_#=@/;,-".utf8.contains(byte)
    }

    private mutating func escaped() throws(LogPatternFailure) -> ByteSet {
        guard let byte = rest.popFirst() else { throw failure("nothing is behind the backslash") }
        switch byte {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "D"): return ByteSet.digits.inverted
        case UInt8(ascii: "w"): return .word
        case UInt8(ascii: "W"): return ByteSet.word.inverted
        case UInt8(ascii: "s"): return .space
        case UInt8(ascii: "S"): return ByteSet.space.inverted
        case UInt8(ascii: "x"):
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16),
                digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") })
            else { throw failure("two hexadecimal digits expected") }
            rest = rest.dropFirst(2)
            return ByteSet(value...value)
        case 0x21..<0x7F where !PatternScanner.isWord(byte) || byte == UInt8(ascii: "_"): return ByteSet(byte...byte)
        default: throw failure("that escape is not supported")
        }
    }

    /// Behind an opening bracket.
    private mutating func listed() throws(LogPatternFailure) -> ByteSet {
        let isInverted = take("^")
        var set = ByteSet()
        var isEmpty = true
        while let byte = rest.first, byte != UInt8(ascii: "]") {
            rest.removeFirst()
            isEmpty = false
            if byte == UInt8(ascii: "\\") {
                set.formUnion(try escaped())
                continue
            }
            guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "[") else {
                throw failure("only ASCII is supported in brackets, and '[' with a backslash")
            }
            // A hyphen at the end is one.
            if rest.first == UInt8(ascii: "-"), let last = rest.dropFirst().first, last != UInt8(ascii: "]") {
                guard byte <= last, last < 0x7F, last != UInt8(ascii: "\\") else { throw failure("that is no range") }
                rest = rest.dropFirst(2)
                set.formUnion(ByteSet(byte...last))
            } else {
                set.insert(byte)
            }
        }
        guard !isEmpty, take("]") else { throw failure("the bracket has no end") }
        return isInverted ? set.inverted : set
    }

    /// How often: once where nothing is said; no `most` for any number.
    mutating func repetition() throws(LogPatternFailure) -> (least: Int, most: Int?) {
        if take("?") { return (0, 1) }
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        guard take("{") else { return (1, 1) }
        guard let least = number() else { throw failure("a number expected") }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}"), most.map({ $0 >= least }) ?? true else { throw failure("that is no number of repetitions") }
        // Of nothing at all there is nothing to be.
        guard most != 0 else { throw failure("that is no number of repetitions") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { (48...57).contains($0) }
        guard (1...4).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
