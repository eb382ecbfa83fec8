// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import TestSupport
import Testing

@testable import ScheduleCore

func time(_ text: String) -> Timestamp {
    guard let time = Timestamp(rfc3339: text) else { preconditionFailure("\(text) is a time") }
    return time
}

func timed(
    _ expression: String,
    _ zone: String = "UTC",
    _ dialect: ScheduleExpression.Dialect = .scheduler
) -> ScheduleTiming {
    guard let parsed = ScheduleExpression(expression, dialect), let rules = ZoneRules(zone) else {
        preconditionFailure("\(expression) in \(zone)")
    }
    return ScheduleTiming(expression: parsed, zone: rules, anchor: time("2026-01-01T00:00:00Z"))
}

/// The next few occurrences, without their milliseconds.
func occurrences(_ timing: ScheduleTiming, after start: String, _ count: Int) -> [String] {
    var found: [String] = []
    var after = time(start)
    while found.count < count, let next = timing.next(after: after) {
        found.append(String(next.iso8601().prefix(16)))
        after = next
    }
    return found
}

struct CronExpressionTests {
    @Test(arguments: [
        "cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)",
        "cron(0/15 * * * ? *)", "cron(0/5 8-17 ? * mon-fri *)", "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)",
        "cron(0 9 ? * 2#1 *)", "cron(0 9 L * ? *)", "cron(0 9 ? * L *)", "cron(0 9 ? * 6L *)", "cron(0 9 15W * ? *)",
        "cron(0 9 LW * ? *)", "cron(0 9 ? JAN,JUL FRI#2 2026-2030/2)", "cron(*/10 * ? * * *)",
        "cron(0 0 1 1 ? 1970,2199)", "rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(7 days)",
    ])
    func `what AWS takes is taken`(text: String) {
        #expect(ScheduleExpression(text, .scheduler) != nil)
        #expect(ScheduleExpression(text, .rules) != nil)
    }

    @Test(arguments: [
        "", "cron()", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(0 10 * * ?)", "cron(0 10 * * ? * *)",
        "cron(60 10 * * ? *)", "cron(0 24 * * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? * 0 *)",
        "cron(0 0 ? * 8 *)", "cron(0 0 * 13 ? *)", "cron(0 0 * * ? 1969)", "cron(0 0 * * ? 2200)",
        "cron(0/0 0 * * ? *)", "cron(5-1 0 * * ? *)", "cron(0, 0 * * ? *)", "cron(0 0 ? * MON#6 *)",
        "cron(0 0 ? * 3#1,6#3 *)", "cron(0 0 1,L * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 ? * FRIDAY *)",
        "cron(? 0 * * ? *)", "cron(-1 0 * * ? *)", "cron(0 0 ? * MON *", "CRON(0 0 ? * MON *)", "cron (0 0 ? * MON *)",
        "rate(0 minutes)", "rate(-1 minutes)", "rate(5)", "rate(5 seconds)", "rate(1.5 hours)", "rate(5 minutes )x",
        "rate(999999999 days)", "at(2027-02-29T00:00:00)", "at(2027-01-01)", "at(2027-01-01 00:00:00)",
        "at(2027-01-01T24:00:00)", "at(2027-01-01T00:00:00Z)", "at(0001-01-01T00:00:00)", "every day",
        "cron(０ 10 * * ? *)", "cron(0 10 * * ? *)\u{301}",
    ])
    func `what AWS refuses is refused`(text: String) {
        #expect(ScheduleExpression(text, .scheduler) == nil)
        #expect(ScheduleExpression(text, .rules) == nil)
    }

    @Test func `rules want the unit's number right, and know no at`() {
        for text in ["rate(1 minutes)", "rate(5 minute)", "rate(1 days)", "at(2027-01-01T00:00:00)"] {
            #expect(ScheduleExpression(text, .rules) == nil)
            #expect(ScheduleExpression(text, .scheduler) != nil)
        }
    }

    @Test func `days by number, by weekday, and the letters`() {
        func days(_ expression: String, _ count: Int = 4) -> [String] {
            occurrences(timed(expression), after: "2026-11-26T10:00:00Z", count).map { String($0.prefix(10)) }
        }
        #expect(days("cron(0 9 L * ? *)") == ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"])
        // Saturdays.
        #expect(days("cron(0 9 ? * L *)", 2) == ["2026-11-28", "2026-12-05"])
        #expect(days("cron(0 9 ? * 6L *)") == ["2026-11-27", "2026-12-25", "2027-01-29", "2027-02-26"])
        #expect(days("cron(0 9 ? * TUE#2 *)") == ["2026-12-08", "2027-01-12", "2027-02-09", "2027-03-09"])
        // The first of a month on a Saturday is moved to the third, not into the month before.
        #expect(days("cron(0 9 1W * ? *)") == ["2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01"])
        #expect(occurrences(timed("cron(0 9 1W * ? *)"), after: "2027-04-30T00:00:00Z", 1) == ["2027-05-03T09:00"])
        #expect(days("cron(0 9 15W * ? *)") == ["2026-12-15", "2027-01-15", "2027-02-15", "2027-03-15"])
        #expect(
            occurrences(timed("cron(0 9 31W * ? *)"), after: "2027-01-01T00:00:00Z", 2).map { $0.prefix(10) } == [
                "2027-01-29", "2027-03-31",
            ]
        )
        #expect(days("cron(0 9 LW * ? *)") == ["2026-11-30", "2026-12-31", "2027-01-29", "2027-02-26"])
        #expect(days("cron(0 0 29 2 ? *)", 2) == ["2028-02-29", "2032-02-29"])
        #expect(days("cron(0 0 30 2 ? *)", 1) == [])
        #expect(
            days("cron(0 9 ? * MON 2026)", 9) == ["2026-11-30", "2026-12-07", "2026-12-14", "2026-12-21", "2026-12-28"]
        )
    }

    /// An expression's fields as sets, kept beside its text.
    private struct Drawn {
        var text: String
        var values: Set<Int>
    }

    private func draw(_ range: ClosedRange<Int>, _ random: inout SplitMix64) -> Drawn {
        let low = range.lowerBound + random.below(range.count)
        let high = low + random.below(range.upperBound - low + 1)
        let step = 1 + random.below(range.upperBound)
        switch random.below(5) {
        case 0: return Drawn(text: "*", values: Set(range))
        case 1: return Drawn(text: "\(low)", values: [low])
        case 2: return Drawn(text: "\(low)-\(high)", values: Set(low...high))
        case 3:
            return Drawn(text: "\(low)/\(step)", values: Set(stride(from: low, through: range.upperBound, by: step)))
        default: return Drawn(text: "\(low),\(high)", values: [low, high])
        }
    }

    /// Against a look at every minute.
    @Test(arguments: UInt64(0)..<40)
    func `the next occurrence is the first minute that the fields name`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<25 {
            let (minutes, hours) = (draw(0...59, &random), draw(0...23, &random))
            let (days, months) = (draw(1...31, &random), draw(1...12, &random))
            let weekdays = draw(1...7, &random)
            let byWeekday = random.oneIn(2)
            let fields = [
                minutes.text, hours.text, byWeekday ? "?" : days.text, months.text, byWeekday ? weekdays.text : "?",
                "*",
            ]
            let text = "cron(\(fields.joined(separator: " ")))"
            let timing = timed(text)
            let start = time("2026-02-27T22:58:00Z").advanced(by: .seconds(random.below(40_000_000)))
            let next = timing.next(after: start)
            let minute = start.millisecondsSinceEpoch / 60_000 + 1
            let found = (minute..<minute + 60 * 24 * 40).first { minute in
                let date = CivilDate(number: Int(minute / 1_440))
                let day =
                    byWeekday
                    ? weekdays.values.contains(CivilDate.weekday(ofNumber: Int(minute / 1_440)))
                    : days.values.contains(date.day)
                return day && months.values.contains(date.month) && hours.values.contains(Int(minute / 60 % 24))
                    && minutes.values.contains(Int(minute % 60))
            }
            if let found {
                #expect(next?.millisecondsSinceEpoch == found * 60_000, "seed \(seed): \(text)")
            } else if let next {
                #expect(next.millisecondsSinceEpoch >= (minute + 60 * 24 * 40) * 60_000, "seed \(seed): \(text)")
            }
        }
    }
}
