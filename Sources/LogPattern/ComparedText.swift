// SPDX-License-Identifier: Apache-2.0

/// What a value must be: a text, with `*` for anything before or behind it, or a regular expression that it has a match of.
enum ComparedText: Equatable, Sendable {
    case exactly([UInt8])
    case beginning([UInt8])
    case ending([UInt8])
    case containing([UInt8])
    case regex(LimitedRegex)

    /// A `*` in the middle is one; what opens is cut off.
    init(_ bytes: [UInt8], opensAtStart: Bool, opensAtEnd: Bool) {
        guard bytes.count > 1 || !(opensAtStart || opensAtEnd) else {
            self = .containing([])
            return
        }
        self =
            switch (opensAtStart, opensAtEnd) {
            case (false, false): .exactly(bytes)
            case (true, false): .ending(Array(bytes.dropFirst()))
            case (false, true): .beginning(Array(bytes.dropLast()))
            case (true, true): .containing(Array(bytes.dropFirst().dropLast()))
            }
    }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .exactly(let bytes): text.elementsEqual(bytes)
        case .beginning(let bytes): text.starts(with: bytes)
        case .ending(let bytes): text.count >= bytes.count && text.suffix(bytes.count).elementsEqual(bytes)
        case .containing(let bytes): ByteText.contains(text, bytes)
        case .regex(let regex): regex.isFound(in: text)
        }
    }

    /// What every text that matches has in it; nil for none.
    var requiredText: [UInt8]? {
        switch self {
        case .exactly(let bytes), .beginning(let bytes), .ending(let bytes), .containing(let bytes):
            bytes.isEmpty ? nil : bytes
        case .regex: nil
        }
    }

    /// Nil also for what opens.
    var number: ComparedNumber? {
        if case .exactly(let bytes) = self { bytes.withUnsafeBytes(ComparedNumber.init) } else { nil }
    }
}

/// A number as comparisons see it: exact where it is an integer of 64 bits.
enum ComparedNumber: Equatable, Sendable {
    private static let bytesMax = 64

    case integer(Int64)
    case fraction(Double)

    /// 10 to the power of 0 to 22, which binary64 has exactly.
    private static let powers: [Double] = (0...22).map { Double("1e\($0)") ?? .nan }

    /// Nil for what is no number: digits with a sign, a fraction and an exponent, if any.
    init?(_ text: UnsafeRawBufferPointer) {
        guard (1...Self.bytesMax).contains(text.count) else { return nil }
        var offset = 0
        // Of all digits before the exponent, while they fit.
        var (value, count) = (UInt64(0), 0)
        func digits() -> Int {
            let start = offset
            while offset < text.count, text[offset] &- UInt8(ascii: "0") < 10 {
                value = value &* 10 &+ UInt64(text[offset] &- UInt8(ascii: "0"))
                offset += 1
            }
            count += offset - start
            return offset - start
        }
        func skip(_ byte: UInt8) -> Bool {
            guard offset < text.count, text[offset] == byte else { return false }
            offset += 1
            return true
        }
        func isNegative() -> Bool {
            if skip(UInt8(ascii: "-")) { return true }
            _ = skip(UInt8(ascii: "+"))
            return false
        }
        let isBelowZero = isNegative()
        let whole = digits()
        let isFraction = skip(UInt8(ascii: "."))
        let fraction = isFraction ? digits() : 0
        guard whole + fraction > 0 else { return nil }
        let (digitsAll, countAll) = (value, count)
        let hasExponent = skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E"))
        var exponent = -fraction
        if hasExponent {
            let isSmall = isNegative()
            value = 0
            guard digits() > 0 else { return nil }
            // Of more digits it says nothing, and is not used.
            exponent += count - countAll > 4 ? 10_000 : Int(value) * (isSmall ? -1 : 1)
        }
        guard offset == text.count else { return nil }
        if !isFraction, !hasExponent, countAll <= 18 {
            self = .integer(isBelowZero ? -Int64(digitsAll) : Int64(digitsAll))
        } else if whole > 0, isFraction == (fraction > 0), countAll <= 15, Self.powers.indices.contains(abs(exponent)),
            isFraction || hasExponent
        {
            // Both are exact, so that one operation rounds once.
            let (left, right) = (Double(digitsAll), Self.powers[abs(exponent)])
            let value = exponent < 0 ? left / right : left * right
            self = .fraction(isBelowZero ? -value : value)
        } else {
            self.init(long: String(decoding: text, as: UTF8.self), isInteger: !isFraction && !hasExponent)
        }
    }

    private init?(long text: String, isInteger: Bool) {
        if isInteger, let integer = Int64(text) {
            self = .integer(integer)
        } else {
            // What strtod(3) takes has no bare point at its end.
            guard let value = Double(text.hasSuffix(".") ? text + "0" : text) else { return nil }
            self = .fraction(value)
        }
    }

    private var value: Double {
        switch self {
        case .integer(let value): Double(value)
        case .fraction(let value): value
        }
    }

    func isEqual(to other: ComparedNumber) -> Bool {
        if case .integer(let left) = self, case .integer(let right) = other { return left == right }
        return value == other.value
    }

    func isLess(than other: ComparedNumber) -> Bool {
        if case .integer(let left) = self, case .integer(let right) = other { return left < right }
        return value < other.value
    }
}

/// A comparison of one value.
struct ScalarTest: Equatable, Sendable {
    enum Operator: String, CaseIterable, Sendable {
        case lessOrEqual = "<="
        case greaterOrEqual = ">="
        case notEqual = "!="
        case less = "<"
        case greater = ">"
        case equal = "="
    }

    private let comparison: Operator
    private let text: ComparedText
    private let number: ComparedNumber?

    /// An operator, and what it compares with.
    init(_ scanner: inout PatternScanner, _ ends: PatternScanner.Ends) throws(LogPatternFailure) {
        scanner.skipSpace()
        guard var comparison = Operator.allCases.first(where: { scanner.take($0.rawValue) }) else {
            throw scanner.failure("an operator expected")
        }
        // As older patterns have it: `name=!value`.
        if comparison == .equal, scanner.take("!") { comparison = .notEqual }
        text = try scanner.value(ends)
        number = text.number
        self.comparison = comparison
        guard comparison == .equal || comparison == .notEqual || number != nil else {
            throw scanner.failure("a number expected")
        }
    }

    /// What every value that it holds of has in it; nil where that can't be said, as of numbers, which may be written otherwise.
    var requiredText: [UInt8]? { comparison == .equal && number == nil ? text.requiredText : nil }

    func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        switch comparison {
        case .equal: return isEqual(value)
        case .notEqual: return !isEqual(value)
        default: break
        }
        guard let number, let other = ComparedNumber(value) else { return false }
        return switch comparison {
        case .less: other.isLess(than: number)
        case .lessOrEqual: other.isLess(than: number) || other.isEqual(to: number)
        case .greater: number.isLess(than: other)
        case .greaterOrEqual: number.isLess(than: other) || other.isEqual(to: number)
        case .equal, .notEqual: preconditionFailure("compared as texts before")
        }
    }

    private func isEqual(_ value: UnsafeRawBufferPointer) -> Bool {
        if text.matches(value) { return true }
        guard let number, let other = ComparedNumber(value) else { return false }
        return number.isEqual(to: other)
    }
}
