// SPDX-License-Identifier: Apache-2.0

/// A cron expression of AWS's: minutes, hours, day of the month, month, day of the week, year.
///
/// Source: EventBridge Scheduler's User Guide, "Schedule types", and EventBridge's, "Cron expressions reference".
package struct CronExpression: Equatable, Sendable {
    package static let years = 1970...2199

    /// Which days of a month count: by their number or by their weekday, never both.
    enum Days: Equatable, Sendable {
        case ofMonth(NumberSet)
        case lastOfMonth
        /// `15W`: the weekday (Monday to Friday) of the month that is nearest to the 15th.
        case weekdayNearest(Int)
        /// `LW`: the month's last weekday.
        case lastWeekday
        case ofWeek(NumberSet)
        /// `6L`: the last Friday of the month.
        case lastOfWeek(Int)
        /// `6#2`: the second Friday.
        case nthOfWeek(Int, nth: Int)
    }

    var minutes: NumberSet
    var hours: NumberSet
    var days: Days
    var months: NumberSet
    var calendarYears: NumberSet

    /// The first minute from `start` on that the expression names, both in minutes of a wall clock since 1970; nil where there is none.
    func firstMinute(from start: Int64) -> Int64? {
        let (startDay, startMinute) = Self.split(start)
        let from = CivilDate(number: startDay)
        var year = from.year
        while let next = calendarYears.first(from: year) {
            let isFirstYear = next == from.year
            var month = isFirstYear ? from.month : 1
            while let nextMonth = months.first(from: month) {
                let isFirstMonth = isFirstYear && nextMonth == from.month
                let length = CivilDate.length(ofMonth: nextMonth, year: next)
                let firstDay = CivilDate(year: next, month: nextMonth, day: 1).number
                for day in (isFirstMonth ? from.day : 1)...length where names(day, length, firstDay) {
                    let number = firstDay + day - 1
                    if let minute = firstOfDay(from: number == startDay ? startMinute : 0) {
                        return Int64(number) * 1_440 + Int64(minute)
                    }
                }
                month = nextMonth + 1
            }
            year = next + 1
        }
        return nil
    }

    private func firstOfDay(from minute: Int) -> Int? {
        guard let hour = hours.first(from: minute / 60) else { return nil }
        if hour == minute / 60 {
            if let found = minutes.first(from: minute % 60) { return hour * 60 + found }
            guard let later = hours.first(from: hour + 1) else { return nil }
            return minutes.first(from: 0).map { later * 60 + $0 }
        }
        return minutes.first(from: 0).map { hour * 60 + $0 }
    }

    /// Whether a day of a month counts, of which the length and the number of the first day are known.
    private func names(_ day: Int, _ length: Int, _ firstDay: Int) -> Bool {
        func weekday(_ day: Int) -> Int { CivilDate.weekday(ofNumber: firstDay + day - 1) }
        switch days {
        case .ofMonth(let set): return set.contains(day)
        case .lastOfMonth: return day == length
        case .weekdayNearest(let wanted): return wanted <= length && day == Self.nearest(wanted, length, weekday)
        case .lastWeekday: return day == Self.nearest(length, length, weekday)
        case .ofWeek(let set): return set.contains(weekday(day))
        case .lastOfWeek(let wanted): return weekday(day) == wanted && day + 7 > length
        case .nthOfWeek(let wanted, let nth): return weekday(day) == wanted && (day - 1) / 7 + 1 == nth
        }
    }

    /// The nearest weekday within the month.
    private static func nearest(_ day: Int, _ length: Int, _ weekday: (Int) -> Int) -> Int {
        switch weekday(day) {
        case 7: day > 1 ? day - 1 : day + 2
        case 1: day < length ? day + 1 : day - 2
        default: day
        }
    }

    private static func split(_ minute: Int64) -> (day: Int, minute: Int) {
        let day = Int((minute >= 0 ? minute : minute - 1_439) / 1_440)
        return (day, Int(minute) - day * 1_440)
    }
}
