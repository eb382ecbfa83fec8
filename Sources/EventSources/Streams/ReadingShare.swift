// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What the shards of a mapping share: reads at one time, and bytes in hand.
final class ReadingShare: Sendable {
    private struct State {
        var reads = 0
        /// By shard.
        var bytes: [String: Int] = [:]
        var allBytes = 0
    }

    private static let readsMax = 8
    /// Beyond it a shard reads only when it has nothing in hand.
    private static let bytesMax = 64 << 20

    private let state = Mutex(State())

    /// Whether a shard may read now; to be followed by `end`.
    func begin(_ shard: String) -> Bool {
        state.withLock { state in
            guard state.reads < Self.readsMax else { return false }
            guard state.allBytes < Self.bytesMax || state.bytes[shard] == nil else { return false }
            state.reads += 1
            return true
        }
    }

    func end() { state.withLock { $0.reads -= 1 } }

    /// A shard has so many bytes in hand.
    func hold(_ bytes: Int, _ shard: String) {
        state.withLock { state in
            let before = state.bytes.updateValue(bytes, forKey: shard) ?? 0
            if bytes == 0 { state.bytes[shard] = nil }
            state.allBytes += bytes - before
        }
    }
}
