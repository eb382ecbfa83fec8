// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

struct ControlPlaneRateTests {
    private let start = MonotonicTime(nanoseconds: 5)

    private func admitted(_ rate: inout ControlPlaneRate, _ group: ControlPlaneRate.Group, at now: MonotonicTime) -> Int
    {
        var count = 0
        for _ in 0..<200 where rate.admit(group, at: now) { count += 1 }
        return count
    }

    @Test func `fifteen at once, and then one every fifteenth of a second`() {
        var rate = ControlPlaneRate(at: start)
        let first = admitted(&rate, .others, at: start)
        let later = start + .milliseconds(67)
        let second = admitted(&rate, .others, at: later)
        let third = admitted(&rate, .others, at: later + .seconds(3_600))
        #expect([first, second, third] == [15, 1, 15])
    }

    @Test func `GetFunction and GetPolicy have their own`() {
        var rate = ControlPlaneRate(at: start)
        while rate.admit(.others, at: start) {}
        let functions = admitted(&rate, .getFunction, at: start)
        let policies = admitted(&rate, .getPolicy, at: start)
        #expect([functions, policies] == [100, 15])
    }

    @Test func `after a second it is as if unused`() {
        var rate = ControlPlaneRate(at: start)
        #expect(rate.isUnused(at: start))
        _ = rate.admit(.others, at: start)
        #expect(!rate.isUnused(at: start) && rate.isUnused(at: start + .seconds(1)))
    }

    /// Never more than the rate and what was kept, however the calls come, and all of it for one who always asks.
    @Test(arguments: [UInt64(1), 2, 3]) func `no pattern of calls gets more than the rate`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bucket = TokenBucket(rate: 15, at: start)
        var now = start
        var admitted = 0
        for _ in 0..<20_000 {
            // A clock that is read by several threads may seem to go back.
            now = now + .microseconds(Int64.random(in: -100...2_000, using: &random))
            if bucket.take(at: now) { admitted += 1 }
        }
        let seconds = Double((now - start).wholeNanoseconds) / 1e9
        #expect(Double(admitted) <= 15 + 15 * seconds + 1, "seed \(seed)")
        #expect(Double(admitted) >= 15 * seconds - 1, "seed \(seed)")
    }
}
