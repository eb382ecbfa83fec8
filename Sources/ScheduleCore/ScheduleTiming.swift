// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// All that says when a schedule or a rule occurs.
package struct ScheduleTiming: Equatable, Sendable {
    package var expression: ScheduleExpression
    package var zone: ZoneRules
    /// Occurrences are none before `start` and none after `end`; without effect on `at`.
    package var start: Timestamp?
    package var end: Timestamp?
    /// From which a rate counts where it has no start.
    package var anchor: Timestamp
    /// Whether a rate's first occurrence is its anchor (Scheduler) or one interval later (rules).
    package var occursAtAnchor: Bool
    /// Of the flexible time window; 0 for none.
    package var windowMinutes: Int
    /// What the choice within the window is made from.
    package var seed: UInt64

    package init(
        expression: ScheduleExpression,
        zone: ZoneRules = .utc,
        start: Timestamp? = nil,
        end: Timestamp? = nil,
        anchor: Timestamp,
        occursAtAnchor: Bool = true,
        windowMinutes: Int = 0,
        seed: UInt64 = 0
    ) {
        self.expression = expression
        self.zone = zone
        self.start = start
        self.end = end
        self.anchor = anchor
        self.occursAtAnchor = occursAtAnchor
        self.windowMinutes = windowMinutes
        self.seed = seed
    }

    /// Minutes, and more than the day that clocks can skip: an expression that names so many, and nothing in between, names no others.
    private static let passedOverMax = 2_000
    private static let momentMax: Int64 = 7_258_118_400_000

    /// The first occurrence after a moment; nil where there is none any more.
    ///
    /// A wall-clock time that clocks skip is no occurrence of a cron expression, and one that they show twice is one only (Scheduler's
    /// User Guide, "Daylight savings time"). A rate counts elapsed time.
    package func next(after moment: Timestamp) -> Timestamp? {
        if case .at(let local) = expression {
            let time = Timestamp(millisecondsSinceEpoch: zone.momentAtOrAfter(local) * 1_000)
            return time > moment ? time : nil
        }
        var after = moment.millisecondsSinceEpoch
        if let start { after = max(after, start.millisecondsSinceEpoch - 1) }
        guard (-Self.momentMax...Self.momentMax).contains(after), let next = recurrence(after: after),
            next <= Self.momentMax
        else { return nil }
        let time = Timestamp(millisecondsSinceEpoch: next)
        if let end, time > end { return nil }
        return time
    }

    private func recurrence(after: Int64) -> Int64? {
        switch expression {
        case .at: return nil
        case .rate(let interval):
            let anchor = (start ?? anchor).millisecondsSinceEpoch
            let first = occursAtAnchor || start != nil ? anchor : anchor + interval
            guard after >= first else { return first }
            return first + ((after - first) / interval + 1) * interval
        case .cron(let cron):
            let second = Self.floorSeconds(after)
            var minute = Self.floorMinutes(second + zone.offset(at: second)) + 1
            // What the loop passes over is skipped by clocks, or shown by them for the second time: a day at the most at one time.
            for _ in 0..<Self.passedOverMax {
                guard let found = cron.firstMinute(from: minute) else { return nil }
                if let moment = zone.moment(showing: found * 60), moment * 1_000 > after { return moment * 1_000 }
                minute = found + 1
            }
            return nil
        }
    }

    private static func floorSeconds(_ milliseconds: Int64) -> Int64 {
        (milliseconds >= 0 ? milliseconds : milliseconds - 999) / 1_000
    }

    private static func floorMinutes(_ seconds: Int64) -> Int64 { (seconds >= 0 ? seconds : seconds - 59) / 60 }

    /// When an occurrence is to run: within the flexible time window and before the next one, always the same for the same one.
    package func run(of occurrence: Timestamp) -> Timestamp {
        guard windowMinutes > 0 else { return occurrence }
        var room = Int64(windowMinutes) * 60_000
        if let next = next(after: occurrence) {
            room = min(room, next.millisecondsSinceEpoch - occurrence.millisecondsSinceEpoch)
        }
        let chosen = Self.mix(seed ^ UInt64(bitPattern: occurrence.millisecondsSinceEpoch)) % UInt64(room)
        return occurrence.advanced(by: .milliseconds(Int64(chosen)))
    }

    /// The finaliser of SplitMix64: every bit of the result depends on every one of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
