// SPDX-License-Identifier: Apache-2.0

/// When something is to run: `rate(5 minutes)`, `cron(0 10 * * ? *)` or `at(2027-01-31T08:00:00)`.
package enum ScheduleExpression: Equatable, Sendable {
    /// Of the two services that have such expressions, each with its own rules.
    package enum Dialect: Sendable {
        /// EventBridge's rules: `rate(1 minute)`, but `rate(5 minutes)`; no `at`.
        case rules
        /// EventBridge Scheduler: units in either number.
        case scheduler
    }

    /// In milliseconds, above zero.
    case rate(interval: Int64)
    case cron(CronExpression)
    /// Seconds of a wall clock since 1970.
    case at(local: Int64)

    /// nil for what AWS would not take.
    package init?(_ text: String, _ dialect: Dialect) {
        guard text.utf8.count <= Self.bytesMax, text.hasSuffix(")"), let open = text.firstIndex(of: "(") else {
            return nil
        }
        let content = text[text.index(after: open)...].dropLast()
        switch text[..<open] {
        case "rate": self.init(rate: content, dialect)
        case "cron":
            guard let cron = CronExpression(fields: content) else { return nil }
            self = .cron(cron)
        case "at" where dialect == .scheduler: self.init(at: content)
        default: return nil
        }
    }

    package static let bytesMax = 256

    private init?(rate text: Substring, _ dialect: Dialect) {
        let parts = text.split(separator: " ")
        guard parts.count == 2, (1...8).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (48...57).contains($0) }), let value = Int64(parts[0]), value > 0
        else { return nil }
        let isPlural = parts[1].hasSuffix("s")
        guard dialect == .scheduler || isPlural == (value != 1) else { return nil }
        switch isPlural ? parts[1].dropLast() : parts[1] {
        case "minute": self = .rate(interval: value * 60_000)
        case "hour": self = .rate(interval: value * 3_600_000)
        case "day": self = .rate(interval: value * 86_400_000)
        default: return nil
        }
    }

    private init?(at text: Substring) {
        // yyyy-mm-ddThh:mm:ss
        let bytes = Array(text.utf8)
        let shape = Array("0000-00-00T00:00:00".utf8)
        guard bytes.count == shape.count,
            zip(bytes, shape).allSatisfy({ $1 == UInt8(ascii: "0") ? (48...57).contains($0) : $0 == $1 })
        else { return nil }
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - 48) } }
        let date = CivilDate(year: number(0..<4), month: number(5..<7), day: number(8..<10))
        let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
        guard CronExpression.years.contains(date.year), (1...12).contains(date.month), date.day >= 1,
            date.day <= CivilDate.length(ofMonth: date.month, year: date.year), hour < 24, minute < 60, second < 60
        else { return nil }
        self = .at(local: Int64(date.number) * 86_400 + Int64((hour * 60 + minute) * 60 + second))
    }
}
