// SPDX-License-Identifier: Apache-2.0

/// Several deadlines, and one sleeper that wakes for whichever is next.
///
/// A deadline is set and given up with every invocation, so a timer of its own would be made and cancelled with each. Here one that is later than
/// the sleeper wakes is only noted: whoever wakes finds what is due, and sleeps on until the next. A sleeper is never late, and may wake for nothing.
package struct AlarmClock: Equatable, Sendable {
    /// What an environment does at a time, and not at an event.
    package enum Alarm: Hashable, Comparable, Sendable, CaseIterable {
        /// The lifecycle's timer.
        case lifecycle
        /// An idle environment stops.
        case freeze
        /// While an invocation runs: its log is made readable.
        case flush
        /// It has responded, and `next` is late: the caller gets the answer without it.
        case lateAnswer
    }

    private var deadlines: [Alarm: MonotonicTime] = [:]
    /// When the sleeper wakes; nil where there is none.
    private var wakes: MonotonicTime?

    package init() {}

    /// Sets the alarm's one deadline, in place of the one before.
    ///
    /// - Returns: when a new sleeper has to wake, in the place of any there is; nil where the one there is wakes early enough.
    package mutating func set(_ alarm: Alarm, at time: MonotonicTime) -> MonotonicTime? {
        deadlines[alarm] = time
        if let wakes, wakes <= time { return nil }
        wakes = time
        return time
    }

    package mutating func cancel(_ alarm: Alarm) { deadlines[alarm] = nil }

    /// The sleeper is awake.
    ///
    /// Until `sleepOn` it is, and looks for itself at what is set. It asks again after each alarm, since ringing one may set or cancel others.
    /// - Returns: the earliest that is due, no longer set; nil where there is none.
    package mutating func wake(at now: MonotonicTime) -> Alarm? {
        wakes = MonotonicTime(nanoseconds: .min)
        let due = deadlines.filter { $0.value <= now }.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
        if let due { deadlines[due] = nil }
        return due
    }

    /// - Returns: how long the sleeper sleeps on; nil where nothing is set, and it ends.
    package mutating func sleepOn() -> MonotonicTime? {
        wakes = deadlines.values.min()
        return wakes
    }
}
