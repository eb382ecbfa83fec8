// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
import Foundation
import GRDB
package import LambdaModel
import Synchronization

/// Log events and usage records, in an SQLite database of their own (DIRECTORY/logs.sqlite, WAL, `synchronous=NORMAL`).
///
/// New events are rows; `sweep` packs a group's older ones into compressed segments. Groups and streams come with their first events,
/// or are made beforehand.
///
/// What `append` returned for survives the end of the process; a power cut may take the last second of it, and corrupts
/// nothing. Appends that come while a transaction is being written share the next one. One process per directory.
/// SQLite's work runs on the database pool's own threads, never on Swift's cooperative ones.
package final class LogStore: Sendable {
    /// Events of one entry, as `JournalEntry` counts them.
    package static let entryBytesMax: Int64 = 16_777_216
    /// What an event counts beyond its message.
    package static let eventOverheadBytes: Int64 = 26

    let pool: DatabasePool
    let retention: LogRetention
    let now: @Sendable () -> Timestamp
    private let onBackgroundFailure: @Sendable (LogStoreError) -> Void
    private let queue = Mutex(JournalQueue())
    private let isTrimScheduled = Mutex(false)
    private let committed = Atomic<UInt64>(0)

    /// How often events were committed: who saw it change looks for new ones.
    package var commits: UInt64 { committed.load(ordering: .acquiring) }

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start. `now` is wall-clock time, for events' ingestion time. `onBackgroundFailure` is told
    /// when old events could not be dropped, which is tried again after a later append over a limit.
    /// - Throws: `LogStoreError`, for example when the file was made by a newer version.
    package convenience init(
        directory: String,
        retention: LogRetention = LogRetention(),
        now: @escaping @Sendable () -> Timestamp,
        onBackgroundFailure: @escaping @Sendable (LogStoreError) -> Void
    ) throws {
        try self.init(
            directory: directory,
            retention: retention,
            pagesMax: nil,
            now: now,
            onBackgroundFailure: onBackgroundFailure
        )
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(
        directory: String,
        retention: LogRetention,
        pagesMax: Int?,
        now: @escaping @Sendable () -> Timestamp,
        onBackgroundFailure: @escaping @Sendable (LogStoreError) -> Void
    ) throws {
        self.retention = retention
        self.now = now
        self.onBackgroundFailure = onBackgroundFailure
        do {
            pool = try DatabaseFile.open(
                "\(directory)/logs.sqlite",
                .init(label: "LogStore", isSynced: false, journalBytesMax: 64 << 20, pagesMax: pagesMax),
                LogSchema.migrator
            )
        } catch {
            throw LogStoreError(error)
        }
        // What a deletion or a smaller limit left to be dropped.
        scheduleTrim()
    }

    /// Writes an entry, all of it or nothing; returns after the commit.
    ///
    /// Entries are not compared: one that is appended twice is there twice. Cancelling the caller does not undo the
    /// write, since others share its transaction.
    /// - Throws: `LogStoreError`: `diskFull`, `entryTooLarge`, or `overloaded` when `JournalQueue.waitingMax`
    ///   callers wait.
    package func append(_ entry: JournalEntry) async throws {
        try await withCheckedThrowingContinuation { continuation in append(entry) { continuation.resume(with: $0) } }
    }

    /// What `append` came to; called once, on the database's thread, which it must not hold up.
    package typealias Completion = @Sendable (Result<Void, LogStoreError>) -> Void

    /// The same for who does not wait: entries are written in the order of the calls.
    package func append(_ entry: JournalEntry, completion: @escaping Completion) {
        guard entry.bytes <= Self.entryBytesMax else {
            return completion(.failure(.entryTooLarge(bytes: entry.bytes)))
        }
        switch queue.withLock({ $0.admit(JournalQueue.Waiting(entry: entry, completion: completion)) }) {
        case .startsFlush: scheduleFlush()
        case .joinsFlush: break
        case .refused: completion(.failure(.overloaded))
        }
    }

    /// Deletes a group with its streams and events.
    ///
    /// It is gone for readers when this returns; a later append makes a new
    /// one of the same name. The space is given back in the background. Usage records stay.
    ///
    /// - Returns: Whether there was such a group.
    package func deleteGroup(_ group: LogGroupKey) async throws -> Bool {
        do {
            let wasThere = try await pool.write { db in
                try db.execute(
                    sql: """
                        UPDATE logGroups SET isDeleted = 1
                        WHERE accountID = ? AND region = ? AND name = ? AND isDeleted = 0
                        """,
                    arguments: [group.accountID, group.region, group.name]
                )
                return db.changesCount > 0
            }
            scheduleTrim()
            return wasThere
        } catch let error as DatabaseError {
            throw LogStoreError(error)
        }
    }

    /// The flush runs on the pool's writer thread; what is appended until then, and while another transaction is being
    /// written, goes into the same one.
    private func scheduleFlush() {
        pool.asyncWriteWithoutTransaction { [self] db in
            let batch = queue.withLock { $0.takeBatch() }
            do {
                var isOverLimit = false
                try db.inTransaction(.immediate) {
                    isOverLimit = try LogWriter.write(batch.map(\.entry), ingestedAt: now(), retention: retention, db)
                    return .commit
                }
                committed.add(1, ordering: .releasing)
                batch.forEach { $0.completion(.success(())) }
                if isOverLimit { scheduleTrim() }
            } catch {
                let failure = LogStoreError(error)
                batch.forEach { $0.completion(.failure(failure)) }
            }
            if queue.withLock({ $0.endFlush() }) { scheduleFlush() }
        }
    }

    /// Drops old events in small transactions between the appends', until every limit is kept.
    func scheduleTrim() {
        let isFirst = isTrimScheduled.withLock { isScheduled in
            defer { isScheduled = true }
            return !isScheduled
        }
        if isFirst { trimOnce() }
    }

    private func trimOnce() {
        pool.asyncWriteWithoutTransaction { [self] db in
            do {
                var isDone = false
                try db.inTransaction(.immediate) {
                    isDone = try LogTrimmer.trim(retention, db, onDamage: onBackgroundFailure)
                    return .commit
                }
                if isDone { isTrimScheduled.withLock { $0 = false } } else { trimOnce() }
            } catch {
                isTrimScheduled.withLock { $0 = false }
                onBackgroundFailure(LogStoreError(error))
            }
        }
    }
}

/// Why the log store could not do what it was asked.
package enum LogStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    case entryTooLarge(bytes: Int64)
    /// Too many callers wait for a commit already.
    case overloaded
    case noGroup
    case noStream
    /// A group or a stream of that name.
    case exists
    case tooManyGroups
    case failed(message: String)

    init(_ error: any Error) {
        switch error {
        case let error as LogStoreError: self = error
        default:
            self =
                switch DatabaseFileError(error) {
                case .newerDatabase(let path): .newerDatabase(path: path)
                case .diskFull: .diskFull
                case .failed(let message): .failed(message: message)
                }
        }
    }

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .diskFull: "log store: the disk is full; nothing was written"
        case .entryTooLarge(let bytes): "log store: an entry of \(bytes) bytes is over \(LogStore.entryBytesMax)"
        case .overloaded: "log store: more than \(JournalQueue.waitingMax) entries wait to be written"
        case .noGroup: "log store: no such group"
        case .noStream: "log store: no such stream"
        case .exists: "log store: there is one of that name already"
        case .tooManyGroups: "log store: \(LogStore.groupsMax) groups are there already"
        case .failed(let message): "log store: \(message)"
        }
    }
}
