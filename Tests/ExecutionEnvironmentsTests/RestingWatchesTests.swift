// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import InvocationCore
import Synchronization
import Testing

@testable import ExecutionEnvironments

/// Who writes line by line does not wake its reader for each of them.
struct RestingWatchesTests {
    private func time(_ microseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: 1_000 * microseconds) }

    @Test func `all rests end together, when the first has lasted its time`() {
        var resting = RestingWatches()
        #expect(resting.isEmpty)
        resting.add(1, at: time(5_000))
        resting.add(2, at: time(14_900))
        #expect(resting.milliseconds(at: time(5_000)) == 10)
        #expect(resting.milliseconds(at: time(14_900)) == 1)
        #expect(resting.takeEnded(at: time(14_999)).isEmpty && !resting.isEmpty)
        #expect(resting.milliseconds(at: time(16_000)) == 0)
        #expect(resting.takeEnded(at: time(15_000)) == [1, 2])
        #expect(resting.isEmpty && resting.takeEnded(at: time(15_000)).isEmpty)
        resting.add(3, at: time(40_000))
        #expect(resting.milliseconds(at: time(40_000)) == 10)
        #expect(resting.takeEnded(at: time(50_000)) == [3])
    }

    @Test(arguments: [0, 1, 37, 999, 1_000, 3_333, 9_999, 10_000, 12_345] as [Int64])
    func `whoever sleeps as long as it is told has all of them back`(spacing: Int64) {
        var resting = RestingWatches()
        for count in 1...40 as ClosedRange<UInt64> {
            var now = time(7)
            for token in 1...count where now - time(7) < RestingWatches.interval {
                resting.add(token, at: now)
                now = now + .microseconds(spacing)
            }
            now = now + .milliseconds(Int64(resting.milliseconds(at: now)))
            #expect(now - time(7) < RestingWatches.interval + .microseconds(max(1_000, spacing)))
            let ended = resting.takeEnded(at: now)
            #expect(ended == Array(1...UInt64(ended.count)) && resting.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a watch that rests and one that goes on both read all, and one that ended is not called again`() async throws
    {
        let reactor = try DescriptorReactor()
        for next in [Watch.Next.rest, .goOn] {
            let pipe = try LogPipe.make(1)[0]
            defer { pipe.close() }
            let (counts, counted) = AsyncStream<Int>.makeStream()
            let left = Mutex(20)
            let watch = try reactor.watchResting(pipe.read) {
                var buffer = [UInt8](repeating: 0, count: 2)
                let count = read(pipe.read, &buffer, buffer.count)
                counted.yield(count)
                return left.withLock { left in
                    left -= max(0, count)
                    return left > 0 ? next : .end
                }
            }
            defer { watch.cancel() }
            for _ in 0..<11 { #expect(write(pipe.write, "ab", 2) == 2) }
            var total = 0
            for await count in counts {
                total += count
                if total == 20 { break }
            }
            // What came last is left where it is.
            var buffer = [UInt8](repeating: 0, count: 8)
            watch.cancel()
            #expect(read(pipe.read, &buffer, buffer.count) == 2)
        }
    }
}
