// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import TestSupport
import Testing

@testable import ScheduleCore

struct ScheduleTimingTests {
    @Test func `a cron time that clocks skip is no occurrence`() {
        // Central Europe, 2027-03-28: 02:00 becomes 03:00.
        let daily = timed("cron(30 2 * * ? *)", "Europe/Berlin")
        #expect(
            occurrences(daily, after: "2027-03-26T12:00:00Z", 3)
                == ["2027-03-27T01:30", "2027-03-29T00:30", "2027-03-30T00:30"]
        )
        let hourly = timed("cron(0 * * * ? *)", "Europe/Berlin")
        #expect(
            occurrences(hourly, after: "2027-03-27T23:30:00Z", 3)
                == ["2027-03-28T00:00", "2027-03-28T01:00", "2027-03-28T02:00"]
        )
    }

    @Test func `a cron time that clocks show twice is one occurrence`() {
        // Central Europe, 2026-10-25: 03:00 becomes 02:00.
        let daily = timed("cron(30 2 * * ? *)", "Europe/Berlin")
        #expect(occurrences(daily, after: "2026-10-24T12:00:00Z", 2) == ["2026-10-25T00:30", "2026-10-26T01:30"])
        let quarters = timed("cron(0/30 2 * * ? *)", "Europe/Berlin")
        #expect(
            occurrences(quarters, after: "2026-10-24T23:00:00Z", 3)
                == ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-26T01:00"]
        )
        // From within the second showing.
        #expect(occurrences(daily, after: "2026-10-25T01:10:00Z", 1) == ["2026-10-26T01:30"])
        let hourly = timed("cron(0 * * * ? *)", "Europe/Berlin")
        #expect(
            occurrences(hourly, after: "2026-10-24T23:30:00Z", 3)
                == ["2026-10-25T00:00", "2026-10-25T02:00", "2026-10-25T03:00"]
        )
    }

    @Test func `zones of half hours, of half an hour's change and of none`() {
        #expect(
            occurrences(timed("cron(0 9 * * ? *)", "Asia/Kolkata"), after: "2026-11-26T00:00:00Z", 1) == [
                "2026-11-26T03:30"
            ]
        )
        // Lord Howe, 2026-10-04: 02:00 becomes 02:30.
        let lordHowe = timed("cron(15 2 * * ? *)", "Australia/Lord_Howe")
        #expect(occurrences(lordHowe, after: "2026-10-02T16:00:00Z", 2) == ["2026-10-04T15:15", "2026-10-05T15:15"])
        for name in ["GMT+3", "UTC-1", "Mars/Olympus", "", "../etc/passwd", "europe/berlin"] {
            #expect(ZoneRules(name) == nil)
        }
        for name in ["UTC", "Etc/GMT+3", "US/Pacific", "America/Argentina/Ushuaia", "GMT"] {
            #expect(ZoneRules(name) != nil)
        }
    }

    @Test func `at is once, in its zone`() {
        let once = timed("at(2027-01-31T08:00:30)", "America/New_York")
        #expect(once.next(after: time("2026-11-26T00:00:00Z")) == time("2027-01-31T13:00:30Z"))
        #expect(once.next(after: time("2027-01-31T13:00:30Z")) == nil)
        // Where clocks skip it: as if they had not been changed.
        let skipped = timed("at(2027-03-28T02:30:00)", "Europe/Berlin")
        #expect(skipped.next(after: time("2026-11-26T00:00:00Z")) == time("2027-03-28T01:30:00Z"))
        let twice = timed("at(2026-10-25T02:30:00)", "Europe/Berlin")
        #expect(twice.next(after: time("2026-01-01T00:00:00Z")) == time("2026-10-25T00:30:00Z"))
    }

    @Test func `a rate counts from its start, or from when it was made`() {
        var rate = timed("rate(5 minutes)")
        rate.anchor = time("2026-11-26T10:03:20Z")
        let before = rate.anchor.advanced(by: .milliseconds(-1))
        #expect(rate.next(after: before) == rate.anchor)
        #expect(rate.next(after: rate.anchor) == time("2026-11-26T10:08:20Z"))
        rate.occursAtAnchor = false
        #expect(rate.next(after: before) == time("2026-11-26T10:08:20Z"))
        rate.start = time("2026-11-27T00:00:00Z")
        rate.end = time("2026-11-27T00:06:00Z")
        #expect(occurrences(rate, after: "2026-11-26T00:00:00Z", 9) == ["2026-11-27T00:00", "2026-11-27T00:05"])
        // A day is 24 hours, whatever clocks show.
        var days = timed("rate(1 day)", "Europe/Berlin")
        days.anchor = time("2027-03-27T10:00:00Z")
        #expect(occurrences(days, after: "2027-03-27T10:00:00Z", 2) == ["2027-03-28T10:00", "2027-03-29T10:00"])
    }

    @Test func `start and end bound a cron expression`() {
        var daily = timed("cron(0 12 * * ? *)")
        daily.start = time("2026-12-01T12:00:00Z")
        daily.end = time("2026-12-03T11:59:59Z")
        #expect(occurrences(daily, after: "2026-11-01T00:00:00Z", 9) == ["2026-12-01T12:00", "2026-12-02T12:00"])
    }

    @Test func `within a window it is always the same time, and before the next occurrence`() {
        var times: Set<Timestamp> = []
        for seed in UInt64(0)..<64 {
            var hourly = timed("cron(0 * * * ? *)")
            hourly.windowMinutes = 15
            hourly.seed = seed
            let occurrence = time("2026-11-26T11:00:00Z")
            let run = hourly.run(of: occurrence)
            #expect(run >= occurrence && run < occurrence.advanced(by: .seconds(900)))
            #expect(hourly.run(of: occurrence) == run)
            times.insert(run)
            var often = timed("rate(1 minute)")
            often.windowMinutes = 60
            often.seed = seed
            #expect(often.run(of: often.anchor) < often.anchor.advanced(by: .seconds(60)))
        }
        #expect(times.count > 32)
    }

    @Test func `a whole day that clocks skip is passed over, and what names nothing else ends`() {
        let samoa = timed("cron(* * * * ? *)", "Pacific/Apia")
        #expect(samoa.next(after: time("2011-12-30T09:59:00Z")) == time("2011-12-30T10:00:00Z"))
        let skipped = timed("cron(* 2 ? 3 1#2 *)", "America/New_York")
        #expect(skipped.next(after: time("2026-11-26T10:00:00Z")) == nil)
    }

    @Test func `retries wait longer and longer, and end by their number or by age`() {
        let policy = DeliveryPolicy(ageMax: 600, retriesMax: 3)
        let occurred = time("2026-11-26T10:00:00Z")
        var now = occurred
        for retries in 0..<3 {
            guard
                case .retry(let next) = policy.decide(.failed, retries: retries, occurred: occurred, now: now, seed: 7)
            else {
                Issue.record("retry \(retries)")
                return
            }
            #expect(next > now.advanced(by: .milliseconds(499 << retries)))
            #expect(next <= now.advanced(by: .seconds(1 << retries)))
            now = next
        }
        #expect(policy.decide(.failed, retries: 3, occurred: occurred, now: now, seed: 7) == .giveUp(.retries))
        let late = occurred.advanced(by: .seconds(600))
        #expect(policy.decide(.failed, retries: 0, occurred: occurred, now: late, seed: 7) == .giveUp(.age))
        #expect(policy.decide(.refused, retries: 0, occurred: occurred, now: now, seed: 7) == .giveUp(nil))
        #expect(policy.decide(.succeeded, retries: 9, occurred: occurred, now: late, seed: 7) == .done)
        // AWS's default is used up within its day.
        let total = (0..<185).reduce(Duration.zero) { $0 + DeliveryPolicy.delay(retries: $1, seed: 3) }
        #expect(total > .seconds(43_200) && total <= .seconds(86_400))
    }
}
