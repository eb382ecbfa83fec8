// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// How far a schedule is: the state machine that says what is due, when to look again, and what became of what was missed.
///
/// Time goes by the wall clock alone. Where that is set back nothing runs twice; where it is set forward, or nobody looked for a while, the
/// latest of the occurrences that were missed runs, late, if it is not too old, and the others don't.
package struct ScheduleProgress: Equatable, Sendable {
    /// Nothing at or before it runs any more.
    package var after: Timestamp

    package enum Turn: Equatable, Sendable {
        /// Nothing is due before then.
        case wait(until: Timestamp)
        /// Is to run now.
        case run(Timestamp)
        /// Was missed by more than its greatest age, and will not run.
        case missed(Timestamp)
        /// There is no occurrence any more.
        case completed
    }

    package init(after: Timestamp) { self.after = after }

    /// What is to be done now; `after` has moved past what is run or missed.
    ///
    /// An occurrence that is older than `ageMax`, from when it was to run, does not run any more.
    package mutating func turn(_ timing: ScheduleTiming, now: Timestamp, ageMax: Duration) -> Turn {
        guard let first = timing.next(after: after) else { return .completed }
        let due = timing.run(of: first)
        guard due <= now else { return .wait(until: due) }
        let latest = latest(timing, from: first, now: now)
        after = latest
        // What was chosen within the window is no delay.
        return timing.run(of: latest).advanced(by: ageMax) < now ? .missed(latest) : .run(latest)
    }

    /// When something is due next; nil where nothing is any more.
    package func due(_ timing: ScheduleTiming) -> Timestamp? { timing.next(after: after).map(timing.run(of:)) }

    /// How far back the latest is looked for first: it is rarely long ago, and there may be very many before it.
    private static let lookBack: [Duration] = [.seconds(3_600), .seconds(172_800), .seconds(5_184_000)]

    private func latest(_ timing: ScheduleTiming, from first: Timestamp, now: Timestamp) -> Timestamp {
        var latest = first
        for back in Self.lookBack {
            let from = now.advanced(by: .zero - back)
            guard from > latest, let found = timing.next(after: from), timing.run(of: found) <= now else { continue }
            latest = found
            break
        }
        while let next = timing.next(after: latest), timing.run(of: next) <= now { latest = next }
        return latest
    }
}
