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

    private static let readPause = Duration.milliseconds(200)
    /// Until a batch has ended, which takes longer.
    private static let bytesPause = Duration.seconds(1)

    private let state = Mutex(State())

    /// nil where a shard may read now, to be followed by `end`; otherwise when it is to ask again.
    func begin(_ shard: String) -> Duration? {
        state.withLock { state in
            guard state.reads < Self.readsMax else { return Self.readPause }
            guard state.allBytes < Self.bytesMax || state.bytes[shard] == nil else { return Self.bytesPause }
            state.reads += 1
            return nil
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
