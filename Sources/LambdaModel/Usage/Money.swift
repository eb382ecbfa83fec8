// SPDX-License-Identifier: Apache-2.0

/// A price of one unit, not negative, exact to fifteen decimals.
package struct Price: Equatable, Comparable, Sendable {
    package static let decimalsMax = 15
    /// Larger ones are mistakes, and sums would not be exact.
    package static let wholeMax: Int64 = 1_000

    /// Of a currency's unit.
    let quadrillionths: Int64

    static let zero = Price(quadrillionths: 0)

    private init(quadrillionths: Int64) { self.quadrillionths = quadrillionths }

    /// `0.0000166667`, `1.66667e-05` or `3`; nil for anything else, and for what is over the limits.
    package init?(_ text: String) {
        var mantissa = Substring(text)
        var exponent = 0
        if let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) {
            guard let given = Int(text[text.index(after: mark)...]), (-30...30).contains(given) else { return nil }
            (mantissa, exponent) = (text[..<mark], given)
        }
        let parts = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        let digits = parts.joined()
        guard digits.utf8.count <= 36, digits.utf8.allSatisfy({ (48...57).contains($0) }),
            var value = Int128(digits)
        else { return nil }
        var shift = Self.decimalsMax + exponent - (parts.count == 2 ? parts[1].utf8.count : 0)
        while shift > 0, value != 0 {
            guard value <= Int128.max / 10 else { return nil }
            (value, shift) = (value * 10, shift - 1)
        }
        while shift < 0 {
            guard value % 10 == 0 else { return nil }
            (value, shift) = (value / 10, shift + 1)
        }
        guard value <= Int128(Self.wholeMax) * 1_000_000_000_000_000 else { return nil }
        quadrillionths = Int64(value)
    }

    package static func < (left: Price, right: Price) -> Bool { left.quadrillionths < right.quadrillionths }
}

/// An amount of money, exact: it is rounded where it is shown, and nowhere before.
package struct Money: Equatable, Comparable, Sendable {
    /// A multiple of everything that a price may be of so many units: 1,024,000 MiB-milliseconds, a million requests, 2^30 bytes.
    private static let portions: Int128 = (1 << 30) * 1_953_125
    private static let whole = portions * 1_000_000_000_000_000

    /// Of a currency's unit, `whole` make one.
    private var parts: Int128

    package static let zero = Money(parts: 0)

    private init(parts: Int128) { self.parts = parts }

    /// What `quantity` costs where `unit` of it cost `price`; as much as there can be where that is too much to be exact.
    package init(_ quantity: Int64, per unit: Int64, at price: Price) {
        precondition(Self.portions % Int128(unit) == 0, "prices are of units that divide exactly")
        let cost = Int128(quantity) * Int128(price.quadrillionths)
        let (parts, isTooMuch) = cost.multipliedReportingOverflow(by: Self.portions / Int128(unit))
        self.parts = isTooMuch ? .max : parts
    }

    /// Of a currency's unit.
    package init(millionths: Int64) {
        let (parts, isTooMuch) = Int128(millionths).multipliedReportingOverflow(by: Self.whole / 1_000_000)
        self.parts = isTooMuch ? .max : parts
    }

    package static func + (left: Money, right: Money) -> Money {
        let (parts, isTooMuch) = left.parts.addingReportingOverflow(right.parts)
        return Money(parts: isTooMuch ? .max : parts)
    }

    package static func < (left: Money, right: Money) -> Bool { left.parts < right.parts }

    /// Rounded half up: `0.00000020`.
    package func text(decimals: Int) -> String {
        precondition((1...15).contains(decimals), "an amount has one to fifteen decimals")
        let scale = (0..<decimals).reduce(Int128(1)) { scale, _ in scale * 10 }
        let unit = Self.whole / scale
        let (quotient, rest) = parts.quotientAndRemainder(dividingBy: unit)
        let rounded = rest >= unit - unit / 2 ? quotient + 1 : quotient
        return Self.text(rounded, scale: scale, decimals: decimals)
    }

    fileprivate static func text(_ value: Int128, scale: Int128, decimals: Int) -> String {
        let digits = String(value % scale)
        return "\(value / scale).\(String(repeating: "0", count: max(0, decimals - digits.utf8.count)))\(digits)"
    }
}

/// A time that is counted in microseconds.
package enum Milliseconds {
    /// All of it: `250.999`.
    package static func text(ofMicroseconds microseconds: Int64) -> String {
        Money.text(Int128(microseconds), scale: 1_000, decimals: 3)
    }
}

/// Memory times time, the quantity that Lambda prices as GB-seconds; a GB is 1,024 MiB here, as on AWS's bill.
package enum GigabyteSeconds {
    /// So many MiB-milliseconds are one.
    package static let unit: Int64 = 1_024_000

    /// Rounded half up: `0.012500`.
    package static func text(_ mebibyteMilliseconds: Int64, decimals: Int) -> String {
        precondition((1...15).contains(decimals), "an amount has one to fifteen decimals")
        let scale = (0..<decimals).reduce(Int128(1)) { scale, _ in scale * 10 }
        let value = (Int128(mebibyteMilliseconds) * scale + Int128(unit) / 2) / Int128(unit)
        return Money.text(value, scale: scale, decimals: decimals)
    }
}
