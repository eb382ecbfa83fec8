// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Between the operations on mappings and what reads their sources: which have changed, and how far each is.
package final class EventSourceBoard: Sendable {
    /// Mappings that were made, changed or deleted; each is to be looked up when its turn comes.
    package let changes: AsyncStream<EventSourceKey>
    private let continuation: AsyncStream<EventSourceKey>.Continuation
    private let statuses = Mutex<[EventSourceKey: EventSourceStatus]>([:])

    package init() { (changes, continuation) = AsyncStream.makeStream() }

    package func changed(_ key: EventSourceKey) { continuation.yield(key) }

    /// Nothing changes any more.
    package func close() { continuation.finish() }

    package func set(_ key: EventSourceKey, _ status: EventSourceStatus?) {
        statuses.withLock { $0[key] = status }
    }

    /// nil for a mapping whose source nobody reads.
    package func status(_ key: EventSourceKey) -> EventSourceStatus? { statuses.withLock { $0[key] } }
}
