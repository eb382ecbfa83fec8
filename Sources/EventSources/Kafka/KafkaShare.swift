// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Synchronization

/// What the reading of topics may take of the server, over all mappings; accounts share it as `FairShare` says.
final class KafkaShare: Sendable {
    /// Topics that an account that is alone reads at one time: each has threads of its own.
    static let topicsMax = 64
    /// Of what an account may have, one quarter is for records in hand, and the rest for what partitions take by themselves.
    private static let handParts = 4

    private struct State {
        var topics: FairShare
        var partitions: FairShare
        var bytes: FairShare
    }

    private let state: Mutex<State>

    /// `memoryMiB` is for an account that is alone; all together may have twice as much.
    init(memoryMiB: Int) {
        let memory = memoryMiB << 20
        let hand = memory / Self.handParts
        state = Mutex(
            State(
                topics: FairShare(oneMax: Self.topicsMax),
                partitions: FairShare(oneMax: max(1, (memory - hand) / KafkaConfiguration.partitionBytes)),
                bytes: FairShare(oneMax: max(1, hand))
            )
        )
    }

    /// - Returns: false where there are as many as there may be.
    func takeTopic(_ account: String) -> Bool { state.withLock { $0.topics.take(for: account) } }

    func giveBackTopic(_ account: String) { state.withLock { $0.topics.giveBack(for: account) } }

    /// - Returns: how many of those partitions may be read; `least` of them whatever the bound.
    func takePartitions(_ count: Int, least: Int = 0, _ account: String) -> Int {
        state.withLock { state in
            // What it takes is not free any more.
            let free = (state.partitions.total - state.partitions.used - state.partitions.held(by: account)) / 2
            let taken = max(0, min(count, max(least, free)))
            state.partitions.add(taken, for: account)
            return taken
        }
    }

    func giveBackPartitions(_ count: Int, _ account: String) {
        state.withLock { $0.partitions.giveBack(count, for: account) }
    }

    func hasPartition(_ account: String) -> Bool { state.withLock { $0.partitions.hasRoom(2, for: account) } }

    /// So many more bytes of records are in hand, or fewer; what is there counts, whatever the bounds.
    func hold(_ change: Int, _ account: String) {
        guard change != 0 else { return }
        state.withLock { state in
            if change > 0 {
                state.bytes.add(change, for: account)
            } else {
                state.bytes.giveBack(-change, for: account)
            }
        }
    }

    /// Bytes of records that may come into hand.
    func room(_ account: String) -> Int {
        state.withLock { ($0.bytes.total - $0.bytes.used - $0.bytes.held(by: account)) / 2 }
    }
}
