// SPDX-License-Identifier: Apache-2.0

/// A number as patterns compare it: exact, from -5e9 to 5e9, with up to six decimals.
///
/// The bounds are EventBridge's; numbers beyond them, or with more decimals, have no such value (event-ruler,
/// `ComparableNumber`).
struct ComparableNumber: Comparable, Sendable {
    static let magnitudeMax: Int64 = 5_000_000_000
    static let decimals = 6

    /// The number times 10^6.
    let millionths: Int64

    static func < (left: ComparableNumber, right: ComparableNumber) -> Bool { left.millionths < right.millionths }

    /// Nil for what is no JSON number, or none that can be compared.
    init?(_ text: String) {
        let parts = text.utf8.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 | 0x20 == UInt8(ascii: "e") }
        var mantissa = parts[0]
        let isNegative = mantissa.first == UInt8(ascii: "-")
        if isNegative { mantissa.removeFirst() }
        let halves = mantissa.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = halves.count == 2 ? Array(halves[1]) : []
        var digits = (halves[0] + fraction)[...]
        guard !halves[0].isEmpty, digits.allSatisfy(Self.isDigit) else { return nil }
        var power = 0
        if parts.count == 2 {
            guard let written = Self.power(parts[1]) else { return nil }
            power = written
        }
        power += Self.decimals - fraction.count
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            power += 1
        }
        digits = digits.drop { $0 == UInt8(ascii: "0") }
        // The bound has sixteen digits in millionths.
        guard !digits.isEmpty else {
            millionths = 0
            return
        }
        guard power >= 0, digits.count + power <= 16 else { return nil }
        var value: Int64 = 0
        for digit in digits { value = value * 10 + Int64(digit - UInt8(ascii: "0")) }
        for _ in 0..<power { value *= 10 }
        guard value <= Self.magnitudeMax * 1_000_000 else { return nil }
        millionths = isNegative ? -value : value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// What is beyond a thousand million is taken for that: no text has so many digits.
    private static func power(_ text: Substring.UTF8View) -> Int? {
        var rest = text
        let sign = rest.first
        let isNegative = sign == UInt8(ascii: "-")
        if isNegative || sign == UInt8(ascii: "+") { rest.removeFirst() }
        guard !rest.isEmpty else { return nil }
        var value = 0
        for byte in rest {
            guard isDigit(byte) else { return nil }
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000_000)
        }
        return isNegative ? -value : value
    }
}

/// What `numeric` asks for.
struct NumericRange: Equatable, Sendable {
    struct Bound: Equatable, Sendable {
        var number: ComparableNumber
        var isIncluded: Bool
    }

    var lower: Bound?
    var upper: Bound?

    func contains(_ number: ComparableNumber) -> Bool {
        if let lower, number < lower.number || number == lower.number && !lower.isIncluded { return false }
        if let upper, number > upper.number || number == upper.number && !upper.isIncluded { return false }
        return true
    }
}
