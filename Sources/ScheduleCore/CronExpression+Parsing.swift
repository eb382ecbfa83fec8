// SPDX-License-Identifier: Apache-2.0

extension CronExpression {
    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let weekdayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    /// From what is between the brackets of `cron(…)`; nil where AWS would not take it.
    ///
    /// Exactly one of the two day fields is `?`. `L`, `W` and `#` stand alone in their field.
    init?(fields text: Substring) {
        let fields = text.split(separator: " ")
        guard fields.count == 6, let minutes = Field(0...59).set(fields[0]), let hours = Field(0...23).set(fields[1]),
            let months = Field(1...12, names: Self.monthNames).set(fields[3]),
            let years = Field(Self.years).set(fields[5])
        else { return nil }
        switch (fields[2] == "?", fields[4] == "?") {
        case (false, true):
            guard let days = Self.daysOfMonth(fields[2]) else { return nil }
            self.days = days
        case (true, false):
            guard let days = Self.daysOfWeek(fields[4]) else { return nil }
            self.days = days
        default: return nil
        }
        self.minutes = minutes
        self.hours = hours
        self.months = months
        calendarYears = years
    }

    private static func daysOfMonth(_ text: Substring) -> Days? {
        let field = Field(1...31)
        switch text.uppercased() {
        case "L": return .lastOfMonth
        case "LW", "WL": return .lastWeekday
        case let text where text.hasSuffix("W"): return field.number(text.dropLast()).map(Days.weekdayNearest)
        default: return field.set(text).map(Days.ofMonth)
        }
    }

    private static func daysOfWeek(_ text: Substring) -> Days? {
        let field = Field(1...7, names: weekdayNames)
        let upper = text.uppercased()
        if upper == "L" { return field.set("7").map(Days.ofWeek) }
        if upper.hasSuffix("L") { return field.number(upper.dropLast()).map(Days.lastOfWeek) }
        let parts = upper.split(separator: "#", omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard let day = field.number(parts[0]), let nth = Field(1...5).number(parts[1]) else { return nil }
            return .nthOfWeek(day, nth: nth)
        }
        return field.set(text).map(Days.ofWeek)
    }

    /// What the numbers of a field may be.
    private struct Field {
        let range: ClosedRange<Int>
        let names: [String]

        /// `names` are those of the numbers from the range's first on.
        init(_ range: ClosedRange<Int>, names: [String] = []) {
            self.range = range
            self.names = names
        }

        func number(_ text: Substring) -> Int? {
            if let index = names.firstIndex(of: text.uppercased()) { return range.lowerBound + index }
            guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = Int(text), range.contains(number)
            else { return nil }
            return number
        }

        /// Values, ranges and steps, separated by commas.
        func set(_ text: Substring) -> NumberSet? {
            var set = NumberSet(in: range)
            for item in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let numbers = numbers(item) else { return nil }
                for number in numbers { set.insert(number) }
            }
            return set
        }

        private func numbers(_ item: Substring) -> StrideThrough<Int>? {
            let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var step = 1
            if parts.count == 2 {
                guard let number = Field(1...range.upperBound).number(parts[1]) else { return nil }
                step = number
            }
            if parts[0] == "*" { return stride(from: range.lowerBound, through: range.upperBound, by: step) }
            let ends = parts[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = number(ends[0]) else { return nil }
            guard ends.count == 2 else {
                return stride(from: first, through: parts.count == 2 ? range.upperBound : first, by: step)
            }
            guard let last = number(ends[1]), first <= last else { return nil }
            return stride(from: first, through: last, by: step)
        }
    }
}
