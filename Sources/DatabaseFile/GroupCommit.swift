// SPDX-License-Identifier: Apache-2.0
package import GRDB
import Synchronization

/// Changes of a database, those that come while a transaction is being written together in the next one.
///
/// A transaction is synced when one of its changes has to be: the sync is what takes the time, so the more come, the more share it. SQLite's
/// work runs on the database pool's own threads, never on Swift's cooperative ones.
package final class GroupCommit: Sendable {
    /// Too much waits to be written already; nothing was taken.
    package struct Overloaded: Error {}

    /// Changes that wait for a transaction; beyond it none is taken.
    static let waitingMax = 10_000
    /// Bytes of the contents in them.
    static let bytesMax = 256 << 20
    /// Changes of one transaction, and bytes in them.
    static let batchMax = 512
    static let batchBytesMax = 32 << 20

    private struct Change: Sendable {
        var isSynced: Bool
        var bytes: Int
        /// Does it, and says what is to be called when it is committed or is not.
        var perform: @Sendable (Database) throws -> @Sendable () -> Void
        var fail: @Sendable (any Error) -> Void
        /// Called when the transaction was undone, and what was read in it never was.
        var undone: @Sendable () -> Void
    }

    private struct Waiting {
        var changes: [Change] = []
        var bytes = 0
        var isFlushing = false
    }

    private let pool: DatabasePool
    private let waiting = Mutex(Waiting())

    package init(_ pool: DatabasePool) { self.pool = pool }

    /// Performs a change in a transaction with others; it is committed when this returns.
    ///
    /// `body` refuses before it changes anything, or not at all: what it changed before it threw is kept, unless it is a database's error or a
    /// damaged row's. It may be called twice, when the first transaction came to nothing; `undone` is called in between.
    /// - Throws: what `body` throws, the database's errors, or `Overloaded`.
    package func perform<T: Sendable>(
        isSynced: Bool,
        bytes: Int = 0,
        _ body: @escaping @Sendable (Database) throws -> T,
        undone: @escaping @Sendable () -> Void
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let change = Change(
                isSynced: isSynced,
                bytes: bytes,
                perform: { db in
                    let result: Result<T, any Error>
                    do { result = .success(try body(db)) } catch {
                        guard !DatabaseFileError.isCause(error) else { throw error }
                        result = .failure(error)
                    }
                    return { continuation.resume(with: result) }
                },
                fail: { continuation.resume(throwing: $0) },
                undone: undone
            )
            let startsFlush = waiting.withLock { waiting -> Bool? in
                guard waiting.changes.count < Self.waitingMax, waiting.bytes + bytes <= Self.bytesMax else {
                    return nil
                }
                waiting.changes.append(change)
                waiting.bytes += bytes
                defer { waiting.isFlushing = true }
                return !waiting.isFlushing
            }
            switch startsFlush {
            case nil: continuation.resume(throwing: Overloaded())
            case true?: flush()
            case false?: break
            }
        }
    }

    private func flush() {
        pool.asyncWriteWithoutTransaction { [self] db in
            commit(nextBatch(), db)
            let hasMore = waiting.withLock { waiting in
                waiting.isFlushing = !waiting.changes.isEmpty
                return waiting.isFlushing
            }
            if hasMore { flush() }
        }
    }

    private func nextBatch() -> [Change] {
        waiting.withLock { waiting in
            var count = 0
            var bytes = 0
            while count < min(Self.batchMax, waiting.changes.count), bytes < Self.batchBytesMax {
                bytes += waiting.changes[count].bytes
                count += 1
            }
            waiting.bytes -= bytes
            defer { waiting.changes.removeFirst(count) }
            return Array(waiting.changes[..<count])
        }
    }

    private func commit(_ batch: [Change], _ db: Database) {
        do {
            // May only be changed outside a transaction.
            let mode = batch.contains(where: \.isSynced) ? "FULL" : "NORMAL"
            try db.execute(sql: "PRAGMA synchronous = \(mode)")
            var endings: [@Sendable () -> Void] = []
            try db.inTransaction(.immediate) {
                for change in batch { endings.append(try change.perform(db)) }
                return .commit
            }
            for ending in endings { ending() }
        } catch {
            for change in batch { change.undone() }
            // One of them may be what does not fit: the others shall not fail with it.
            if batch.count == 1 { batch[0].fail(error) } else { for change in batch { commit([change], db) } }
        }
    }
}
