// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// The watches of a `DescriptorReactor` that rest, by their tokens: all of them until the same moment, so that the thread wakes once.
struct RestingWatches {
    /// The longest rest.
    ///
    /// A pipe has 16 pages of 4 KiB: who writes more than 6.4 MB a second waits for its reader, and from half of that on who writes just over
    /// 2 KiB at a time, which takes a page.
    static let interval = Duration.milliseconds(10)

    private var tokens: [UInt64] = []
    private var end = MonotonicTime(nanoseconds: 0)

    var isEmpty: Bool { tokens.isEmpty }

    mutating func add(_ token: UInt64, at now: MonotonicTime) {
        if tokens.isEmpty { end = now + Self.interval }
        tokens.append(token)
    }

    /// Until their end, rounded up: whoever has waited for it finds it has come.
    func milliseconds(at now: MonotonicTime) -> CInt {
        CInt(clamping: (max(.zero, end - now).wholeNanoseconds + 999_999) / 1_000_000)
    }

    /// Those whose rest has ended; none before that.
    mutating func takeEnded(at now: MonotonicTime) -> [UInt64] {
        guard now >= end else { return [] }
        defer { tokens = [] }
        return tokens
    }
}
