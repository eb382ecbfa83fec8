// SPDX-License-Identifier: Apache-2.0

/// Entries whose callers wait for the commit they will be part of, oldest first.
///
/// Decides only; `LogStore` does the writing.
struct JournalQueue {
    struct Waiting {
        var entry: JournalEntry
        var completion: LogStore.Completion
    }

    enum Admission {
        /// The first one: a flush must be scheduled.
        case startsFlush
        case joinsFlush
        case refused
    }

    /// Callers suspended at once.
    ///
    /// What they wait with is in their own memory; the queue copies nothing.
    static let waitingMax = 10_000
    /// One transaction's size, so that the callers in it do not wait for long.
    static let batchEntriesMax = 1_000
    static let batchBytesMax: Int64 = 4_194_304

    private var waiting: [Waiting] = []
    private var isFlushScheduled = false

    mutating func admit(_ caller: Waiting) -> Admission {
        guard waiting.count < Self.waitingMax else { return .refused }
        waiting.append(caller)
        guard !isFlushScheduled else { return .joinsFlush }
        isFlushScheduled = true
        return .startsFlush
    }

    /// The callers of the next transaction: at least one where any wait.
    mutating func takeBatch() -> [Waiting] {
        var bytes: Int64 = 0
        var count = 0
        for caller in waiting.prefix(Self.batchEntriesMax) {
            bytes += caller.entry.bytes
            guard count == 0 || bytes <= Self.batchBytesMax else { break }
            count += 1
        }
        let batch = Array(waiting[..<count])
        waiting.removeFirst(count)
        return batch
    }

    /// Whether another flush has to follow the one that ended.
    mutating func endFlush() -> Bool {
        isFlushScheduled = !waiting.isEmpty
        return isFlushScheduled
    }
}
