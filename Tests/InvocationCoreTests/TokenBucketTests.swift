// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// Buckets that are spent from by size, as streams do it; ControlPlaneRateTests takes from them one by one.
struct TokenBucketTests {
    private let start = MonotonicTime(nanoseconds: 5)

    private func bucket() -> TokenBucket { TokenBucket(StreamRate(burstBytes: 600, bytesPerSecond: 200), at: start) }

    @Test func `the burst passes at once, and the rest as tokens come`() {
        var bucket = bucket()
        bucket.spend(599, at: start)
        #expect(bucket.wait(at: start) == .zero)
        bucket.spend(1, at: start)
        #expect(bucket.wait(at: start) == .milliseconds(5))
        #expect(bucket.wait(at: start + .milliseconds(3)) == .milliseconds(2))
        #expect(bucket.wait(at: start + .milliseconds(5)) == .zero)
    }

    @Test func `more than the burst at once is paid for before anything follows`() {
        var bucket = bucket()
        bucket.spend(1_600, at: start)
        #expect(bucket.wait(at: start) == .milliseconds(5_005))
        // Looked at on the way or only after all of it, the time is the same.
        var looked = bucket
        looked.spend(0, at: start + .seconds(2))
        #expect(looked.wait(at: start + .seconds(2)) == .milliseconds(3_005))
        #expect(bucket.wait(at: start + .milliseconds(5_004)) == .milliseconds(1))
        #expect(bucket.wait(at: start + .milliseconds(5_005)) == .zero)
    }

    @Test func `nothing costs nothing, and while the clock stands nothing comes`() {
        var bucket = bucket()
        for _ in 0..<1_000 { bucket.spend(0, at: start) }
        #expect(bucket.isFull(at: start))
        bucket.spend(700, at: start)
        for _ in 0..<1_000 { bucket.spend(0, at: start) }
        #expect(bucket.wait(at: start) == .milliseconds(505))
        // A clock that seems to go back gives nothing either.
        bucket.spend(0, at: MonotonicTime(nanoseconds: 0))
        #expect(bucket.wait(at: start) == .milliseconds(505))
    }

    @Test func `a pause is made up for by no more than the burst`() {
        var bucket = bucket()
        bucket.spend(600, at: start)
        let later = start + .seconds(86_400 * 365)
        #expect(bucket.isFull(at: later))
        bucket.spend(600, at: later)
        #expect(bucket.wait(at: later) == .milliseconds(5))
    }

    @Test func `what is spent ahead is bounded`() {
        var bucket = bucket()
        for _ in 0..<8 { bucket.spend(.max, at: start) }
        #expect(bucket.wait(at: start) == .nanoseconds(((1 << 32) + 1) * 5_000_000))
    }

    @Test func `the profile of today has AWS's rate, and the classic one none`() {
        #expect(LimitsProfile.current.streamRate == StreamRate(burstBytes: 6_291_456, bytesPerSecond: 2_097_152))
        #expect(LimitsProfile.classic.streamRate == nil)
    }

    /// One who waits as long as is said and then passes a part of any size: never more than the burst, the rate and that part.
    @Test(arguments: UInt64(0)..<64)
    func `no stream is faster than its rate, nor slower for one who asks`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let rate = StreamRate(
            burstBytes: Int.random(in: 1...6 << 20, using: &random),
            bytesPerSecond: Int.random(in: 1...2 << 20, using: &random)
        )
        let partMax = Int.random(in: 1...8 << 20, using: &random)
        var bucket = TokenBucket(rate, at: start)
        var now = start
        var passed = 0
        var pauses = Duration.zero
        for step in 0..<500 {
            if Bool.random(using: &random) {
                let pause = Duration.milliseconds(Int64.random(in: 0...50, using: &random))
                now = now + pause
                pauses += pause
            }
            let delay = bucket.wait(at: now)
            now = now + delay
            #expect(bucket.wait(at: now) == .zero, "seed \(seed), step \(step)")
            let allowed = Double(rate.burstBytes) + Double(rate.bytesPerSecond) * seconds(now - start)
            // What is spent now may be ahead of its time, nothing before it.
            #expect(Double(passed) <= allowed, "seed \(seed), step \(step)")
            let part = Int.random(in: 0...partMax, using: &random)
            bucket.spend(part, at: now)
            passed += part
        }
        // All the time that was not a pause of the test's was needed.
        let needed = Double(rate.bytesPerSecond) * seconds(now - start - pauses)
        #expect(Double(passed) >= needed - Double(rate.burstBytes) - 500, "seed \(seed)")
    }

    private func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1e9 }
}
