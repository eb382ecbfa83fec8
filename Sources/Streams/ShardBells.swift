// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Wakes those that wait for records of a shard.
///
/// Who waits says what it knew when it looked, so that nothing is missed that came in between. Shards share a fixed number of bells: one that
/// is woken for another's record looks, and finds nothing.
final class ShardBells: Sendable {
    private static let bells = 1_024
    /// At one time; one more does not wait.
    static let waitersMax = 100_000

    private struct State {
        /// How often each bell has rung.
        var rung = [UInt64](repeating: 0, count: bells)
        var waiters = [[UInt64: CheckedContinuation<Void, Never>]](repeating: [:], count: bells)
        var count = 0
        var last: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    private static func bell(_ shard: Int64) -> Int { Int(shard.magnitude % UInt64(bells)) }

    /// How many wait.
    var waiting: Int { state.withLock { $0.count } }

    /// What is known of a shard before it is read.
    func rung(_ shard: Int64) -> UInt64 { state.withLock { $0.rung[Self.bell(shard)] } }

    func ring(_ shards: Set<Int64>) {
        let woken = state.withLock { state in
            var woken: [CheckedContinuation<Void, Never>] = []
            for bell in Set(shards.map(Self.bell)) {
                state.rung[bell] += 1
                woken += state.waiters[bell].values
                state.count -= state.waiters[bell].count
                state.waiters[bell] = [:]
            }
            return woken
        }
        for continuation in woken { continuation.resume() }
    }

    /// Until it rings, everything is closed, or the task is cancelled; at once where it has rung since `known`.
    func wait(_ shard: Int64, known: UInt64) async {
        let bell = Self.bell(shard)
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled, state.rung[bell] == known,
                        state.count < Self.waitersMax
                    else { return false }
                    state.waiters[bell][number] = continuation
                    state.count += 1
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                let continuation = state.waiters[bell].removeValue(forKey: number)
                if continuation != nil { state.count -= 1 }
                return continuation
            }
            continuation?.resume()
        }
    }

    /// Nobody waits any more, now or later.
    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            defer {
                state.waiters = Array(repeating: [:], count: Self.bells)
                state.count = 0
            }
            return state.waiters.flatMap(\.values)
        }
        for continuation in woken { continuation.resume() }
    }
}
