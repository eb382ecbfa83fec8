// SPDX-License-Identifier: Apache-2.0
package import InvocationCore

/// A clock that stands still until it is told to move.
package struct ManualClock: Sendable {
    package private(set) var now: MonotonicTime

    package init(now: MonotonicTime = MonotonicTime(nanoseconds: 0)) {
        self.now = now
    }

    package mutating func advance(by duration: Duration) {
        advance(to: now + duration)
    }

    package mutating func advance(to time: MonotonicTime) {
        precondition(time >= now, "a monotonic clock does not go back")
        now = time
    }
}
