// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// ISO 8601's basic form in UTC to the second, `20250131T235959Z`: the only form that Signature Version 4 knows.
package enum BasicTime {
    package static func text(_ time: Timestamp) -> String {
        // 2025-01-31T23:59:59.000 without its separators and fraction.
        let digits = time.iso8601(suffix: "").utf8.prefix(19).filter {
            $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":")
        }
        return String(decoding: digits, as: UTF8.self) + "Z"
    }

    /// Nil for any other form, and for dates that don't exist.
    package static func parse(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].reduce(0) { value, digit in
                guard let value, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                return value * 10 + Int(digit - UInt8(ascii: "0"))
            }
        }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8),
            let hour = number(9..<11), let minute = number(11..<13), let second = number(13..<15),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        let seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
        let time = Timestamp(millisecondsSinceEpoch: Int64(seconds) * 1_000)
        // February the 30th comes back as another day.
        guard time.civilDate.day == day || second == 60 else { return nil }
        return time
    }

    /// Days since 1970-01-01, by Howard Hinnant's `days_from_civil`.
    private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
