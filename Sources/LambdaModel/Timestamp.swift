// SPDX-License-Identifier: Apache-2.0

/// A point in wall-clock time: milliseconds since 1970-01-01T00:00:00Z.
///
/// For what is shown and stored. Elapsed time is measured on a monotonic clock, never by subtracting these.
package struct Timestamp: Hashable, Comparable, Sendable, Codable {
    package var millisecondsSinceEpoch: Int64

    package init(millisecondsSinceEpoch: Int64) {
        self.millisecondsSinceEpoch = millisecondsSinceEpoch
    }

    /// Of the years 1 to 9999.
    private static let stored: Range<Int64> = -62_135_596_800_000..<253_402_300_800_000

    /// A time that was stored, which may have been changed since.
    ///
    /// - Throws: `DecodingError` for a number that none has written, and with which no code is to reckon.
    package init(stored milliseconds: Int64) throws {
        guard Self.stored.contains(milliseconds) else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "\(milliseconds) is no time"))
        }
        millisecondsSinceEpoch = milliseconds
    }

    package init(from decoder: any Decoder) throws {
        millisecondsSinceEpoch = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millisecondsSinceEpoch)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.millisecondsSinceEpoch < right.millisecondsSinceEpoch
    }

    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(
            millisecondsSinceEpoch: millisecondsSinceEpoch + seconds * 1_000 + attoseconds / 1_000_000_000_000_000
        )
    }

    /// Seconds since 1970, with milliseconds: `1764025947.000`.
    package var epochSeconds: String {
        let (whole, rest) = (millisecondsSinceEpoch / 1_000, abs(millisecondsSinceEpoch % 1_000))
        let digits = String(rest)
        return "\(whole).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
    }

    /// UTC, with milliseconds: `2025-11-24T23:12:27.000` and the suffix given.
    ///
    /// Lambda's LastModified ends in `+0000`, log lines in `Z`.
    package func iso8601(suffix: String = "Z") -> String {
        let (year, month, day) = civilDate
        // Exact also where the day begins before the smallest number.
        let milliseconds = Int(millisecondsSinceEpoch &- dayNumber &* 86_400_000)
        func pad(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let time =
            "\(pad(milliseconds / 3_600_000, 2)):\(pad(milliseconds / 60_000 % 60, 2)):\(pad(milliseconds / 1_000 % 60, 2))"
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(time).\(pad(milliseconds % 1_000, 3))\(suffix)"
    }

    /// Days since the epoch, rounded down.
    private var dayNumber: Int64 {
        let (quotient, remainder) = millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 86_400_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Year, month and day in UTC, by Howard Hinnant's `civil_from_days`.
    package var civilDate: (year: Int, month: Int, day: Int) {
        let shifted = Int(dayNumber) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }
}
