// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
import Foundation
import GRDB
package import LambdaModel
import Synchronization

/// Log events and usage records, in an SQLite database of their own (DIRECTORY/logs.sqlite, WAL) and a journal before it.
///
/// New events are rows; `sweep` packs a group's older ones into compressed segments. Groups and streams come with their first events,
/// or are made beforehand.
///
/// What was stored survives the end of the process; a power cut may take the last second of it, and corrupts
/// nothing. `journal` appends an entry to a file, and many of them go into the database in one transaction, with the number of the last:
/// none is there twice. Who reads or changes has them written first. Appends that come while a transaction is being written share the
/// next one. One process per directory. SQLite's work runs on the database pool's own threads, never on Swift's cooperative ones.
package final class LogStore: Sendable {
    /// Events of one entry, as `JournalEntry` counts them.
    package static let entryBytesMax: Int64 = 16_777_216
    /// What an event counts beyond its message.
    package static let eventOverheadBytes: Int64 = 26

    let pool: DatabasePool
    let retention: LogRetention
    /// A write to the journal that takes longer is no work for an event loop.
    private let writeMax: Duration
    let now: @Sendable () -> Timestamp
    private let onBackgroundFailure: @Sendable (LogStoreError) -> Void
    private let journalFiles: JournalDirectory
    private let queue: Mutex<JournalQueue>
    private let isTrimScheduled = Mutex(false)
    private let arrived = Atomic<UInt64>(0)
    private let room = Atomic<Bool>(true)
    private let alarm = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// How often events came: who saw it change looks for new ones.
    package var arrivals: UInt64 { arrived.load(ordering: .acquiring) }

    /// False while the database takes nothing and half of the journal's reserve is used or missing: what a new invocation writes may be
    /// lost.
    ///
    /// What runs already has the other half. True again when the database takes something.
    package var hasRoom: Bool { room.load(ordering: .relaxed) }

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start. `reserveBytes`, 32 MiB at most, are kept on the disk for the journal. `now` is wall-clock time, for
    /// events' ingestion time. `onBackgroundFailure` is told when old events could not be dropped, which is tried again after a later
    /// append over a limit; when what is in the journal could not be written to the database, which is tried again; of damage to the
    /// journal; and when the disk keeps no room for it, or no more.
    /// - Throws: `LogStoreError`, for example when the file was made by a newer version.
    package convenience init(
        directory: String,
        retention: LogRetention = LogRetention(),
        reserveBytes: Int = 0,
        now: @escaping @Sendable () -> Timestamp,
        onBackgroundFailure: @escaping @Sendable (LogStoreError) -> Void
    ) throws {
        try self.init(
            directory: directory,
            retention: retention,
            pagesMax: nil,
            reserveBytes: reserveBytes,
            writeMax: .milliseconds(20),
            now: now,
            onBackgroundFailure: onBackgroundFailure
        )
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(
        directory: String,
        retention: LogRetention,
        pagesMax: Int?,
        reserveBytes: Int = 0,
        writeMax: Duration,
        now: @escaping @Sendable () -> Timestamp,
        onBackgroundFailure: @escaping @Sendable (LogStoreError) -> Void
    ) throws {
        self.retention = retention
        self.writeMax = writeMax
        self.now = now
        self.onBackgroundFailure = onBackgroundFailure
        let content: JournalDirectory.Content
        do {
            pool = try DatabaseFile.open(
                "\(directory)/logs.sqlite",
                .init(label: "LogStore", isSynced: false, journalBytesMax: 64 << 20, pagesMax: pagesMax),
                LogSchema.migrator
            )
            let folded = try pool.read { db in try Totals.journalSequence(db) }
            journalFiles = try JournalDirectory(directory, reserveBytes: min(reserveBytes / 2, JournalFiles.bytesMax))
            content = try journalFiles.content(folded: folded)
            queue = Mutex(JournalQueue(files: content.files, folded: folded, recovered: content.entries))
        } catch {
            throw LogStoreError(error)
        }
        content.damage.forEach(onBackgroundFailure)
        content.unreserved.map(onBackgroundFailure)
        fold()
        // What a deletion or a smaller limit left to be dropped.
        scheduleTrim()
    }

    // MARK: - In

    /// Writes an entry to the database, all of it or nothing; returns after the commit.
    ///
    /// Entries are not compared: one that is appended twice is there twice. Cancelling the caller does not undo the
    /// write, since others share its transaction.
    /// - Throws: `LogStoreError`: `diskFull`, `entryTooLarge`, or `overloaded` when `JournalQueue.waitingMax`
    ///   callers wait.
    package func append(_ entry: JournalEntry) async throws {
        try await withCheckedThrowingContinuation { continuation in admit(entry) { continuation.resume(with: $0) } }
    }

    /// What storing an entry came to; called once, in the call or on the database's thread, which it must not hold up.
    package typealias Completion = @Sendable (Result<Void, LogStoreError>) -> Void

    /// Writes an entry to the journal, and calls back at once: one write to a file, for which no thread is woken.
    ///
    /// A large one is written to the database as by `append`, and so is every one where that is far behind or the journal can't be
    /// written. What the database does not take is put into the journal after all, where it has room, or its usage record alone, and then
    /// that fails with `linesLost`. Entries are in the order of the calls.
    package func journal(_ entry: JournalEntry, completion: @escaping Completion) {
        let ingestedAt = now()
        if entry.bytes < JournalFiles.frameBytesMax, let step = write(entry, ingestedAt: ingestedAt) {
            completion(.success(()))
            return follow(step)
        }
        admit(entry) { [self] result in
            guard case .failure(let failure) = result, failure.isDatabases else { return completion(result) }
            completion(keep(entry, ingestedAt: ingestedAt, failure))
        }
    }

    /// Puts what the database has not taken into the journal; on the database's thread, so that no file is being emptied.
    private func keep(
        _ entry: JournalEntry,
        ingestedAt: Timestamp,
        _ failure: LogStoreError
    ) -> Result<Void, LogStoreError> {
        if let step = write(entry, ingestedAt: ingestedAt, isRefused: true) {
            follow(step)
            return .success(())
        }
        if let usage = entry.usage, !entry.events.isEmpty {
            let record = JournalEntry(group: entry.group, stream: entry.stream, events: [], usage: usage)
            if let step = write(record, ingestedAt: ingestedAt, isRefused: true) {
                follow(step)
                return .failure(.linesLost)
            }
        }
        let (isFirst, setsAlarm) = queue.withLock { queue in
            defer { room.store(queue.hasRoom, ordering: .relaxed) }
            return queue.lost()
        }
        if isFirst { onBackgroundFailure(failure) }
        if setsAlarm { alarm.continuation.yield() }
        return .failure(failure)
    }

    /// Into the journal; nil where it can't be.
    private func write(_ entry: JournalEntry, ingestedAt: Timestamp, isRefused: Bool = false) -> JournalQueue.Step? {
        var frame = JournalFrame(entry, ingestedAt: ingestedAt)
        let step = queue.withLock { queue -> JournalQueue.Step? in
            let place = queue.place(
                frameBytes: frame.bytes.count,
                hasLines: !entry.events.isEmpty,
                isRefused: isRefused
            )
            guard let place else { return nil }
            defer { room.store(queue.hasRoom, ordering: .relaxed) }
            frame.seal(salt: place.salt, sequence: place.sequence)
            let start = ContinuousClock.now
            guard journalFiles.write(frame, at: place) else { return nil }
            return queue.journaled(
                entry,
                ingestedAt: ingestedAt,
                at: place,
                frameBytes: frame.bytes.count,
                isSlow: start.duration(to: .now) > writeMax
            )
        }
        if step != nil { arrived.add(1, ordering: .releasing) }
        return step
    }

    private func follow(_ step: JournalQueue.Step) {
        switch step {
        case .none: break
        case .flush: scheduleFlush()
        case .setAlarm: alarm.continuation.yield()
        }
    }

    private func admit(_ entry: JournalEntry?, _ completion: @escaping Completion) {
        guard (entry?.bytes ?? 0) <= Self.entryBytesMax else {
            return completion(.failure(.entryTooLarge(bytes: entry?.bytes ?? 0)))
        }
        switch queue.withLock({ $0.admit(entry, completion) }) {
        case .startsFlush: scheduleFlush()
        case .joinsFlush: break
        case .refused: completion(.failure(.overloaded))
        }
    }

    /// Returns when all that was stored before the call is in the database.
    ///
    /// - Throws: `LogStoreError`, when some of it can't be written there now.
    func catchUp() async throws {
        guard queue.withLock({ $0.hasUnfolded }) else { return }
        try await withCheckedThrowingContinuation { continuation in admit(nil) { continuation.resume(with: $0) } }
    }

    // MARK: - Out

    /// Writes to the database what is in the journal, soon after it came, until the task is cancelled; then the last of it.
    package func fold(by clock: any Clock<Duration>) async {
        for await _ in alarm.stream {
            do { try await clock.sleep(for: JournalQueue.foldInterval) } catch { break }
            fold()
        }
        fold()
        // What can't be written now is in the journal for the next start.
        do { try await catchUp() } catch is LogStoreError {} catch {}
    }

    private func fold() {
        if queue.withLock({ $0.fold() }) { scheduleFlush() }
    }

    /// The flush runs on the pool's writer thread; what is stored until then, and while another transaction is being
    /// written, goes into the same one.
    private func scheduleFlush() {
        pool.asyncWriteWithoutTransaction { [self] db in
            let batch = queue.withLock { $0.takeBatch() }
            do {
                let isOverLimit = try batch.isEmpty ? false : write(batch, db)
                empty(queue.withLock { $0.committed() })
                if batch.hasAwaitedEntry { arrived.add(1, ordering: .releasing) }
                batch.completions.forEach { $0(.success(())) }
                if isOverLimit { scheduleTrim() }
            } catch {
                let failure = LogStoreError(error)
                let (completions, isFirst) = queue.withLock { $0.failed() }
                completions.forEach { $0(.failure(failure)) }
                if isFirst { onBackgroundFailure(failure) }
                journalFiles.synchronize()
            }
            let (goesOn, setsAlarm) = queue.withLock { queue in
                room.store(queue.hasRoom, ordering: .relaxed)
                return queue.endFlush()
            }
            if goesOn { scheduleFlush() }
            if setsAlarm { alarm.continuation.yield() }
        }
    }

    /// - Returns: whether something is now over its limit.
    private func write(_ batch: JournalQueue.Batch, _ db: Database) throws -> Bool {
        // May only be changed outside a transaction.
        if batch.isSynced { try db.execute(sql: "PRAGMA synchronous = FULL") }
        defer { if batch.isSynced { try? db.execute(sql: "PRAGMA synchronous = NORMAL") } }
        var isOverLimit = false
        try db.inTransaction(.immediate) {
            var writer = try LogWriter(db)
            let time = now()
            for one in batch.taken {
                switch one {
                case .journaled(let entry, let ingestedAt, _): try writer.write(entry, ingestedAt: ingestedAt)
                case .awaited(let entry?, _): try writer.write(entry, ingestedAt: time)
                case .awaited(nil, _): break
                }
            }
            isOverLimit = try writer.end(retention)
            try Totals.setJournalSequence(batch.sequence, db)
            // SQLite syncs no commit that changes nothing, and it is for the commits before this one too.
            if batch.isSynced { try Totals.countSync(db) }
            return .commit
        }
        return isOverLimit
    }

    /// A change that was not synced will be, in time.
    func noteChange() {
        if queue.withLock({ $0.changed() }) { alarm.continuation.yield() }
    }

    private func empty(_ file: Int?) {
        guard let file, let (reserved, failure) = journalFiles.empty(file) else { return }
        let isLess = queue.withLock { $0.emptied(file, salt: JournalDirectory.newSalt(), reserved: reserved) }
        if isLess, let failure { onBackgroundFailure(failure) }
    }

    /// Deletes a group with its streams and events.
    ///
    /// It is gone for readers when this returns; a later append makes a new
    /// one of the same name. The space is given back in the background. Usage records stay.
    ///
    /// - Returns: Whether there was such a group.
    package func deleteGroup(_ group: LogGroupKey) async throws -> Bool {
        let wasThere = try await write { db in
            if let id = try LogGroupRecord.id(of: group, db) {
                try Totals.addKeptStreams(-Self.keptStreams(of: id, db), db)
            }
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
    }

    // MARK: - Upkeep

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
    case tooManyStreams
    /// So much of a journal file could not be read, and was put aside.
    case damagedJournal(bytes: Int, path: String)
    /// A journal file is damaged, and its rest could not be put aside.
    case undivertedJournal(path: String, reason: String)
    /// Of an entry that the database did not take the journal has the usage record.
    case linesLost
    /// The disk keeps no room for the journal.
    case unreserved(reason: String)
    case failed(message: String)

    /// A row is not what was written.
    static func changed(_ row: String) -> LogStoreError {
        .failed(message: "the row of \(row) was changed since it was stored")
    }

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

    /// It is neither the entry's fault nor that of too many at once.
    fileprivate var isDatabases: Bool {
        switch self {
        case .overloaded, .entryTooLarge: false
        default: true
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
        case .tooManyStreams:
            "log store: \(LogStore.keptStreamsMax) streams of a group, \(LogStore.accountKeptStreamsMax) of an account, or "
                + "\(LogStore.allKeptStreamsMax), are there already"
        case .damagedJournal(let bytes, let path):
            "log store: \(bytes) bytes of the journal are damaged; they are in \(path)"
        case .undivertedJournal(let path, let reason):
            "log store: \(path) is damaged, and can't be put aside (\(reason)): make room on the disk, or move the file away"
        case .linesLost: "log store: there is no room for log lines; the record of use is kept"
        case .unreserved(let reason):
            "log store: no room could be kept for the journal (\(reason)): on a full disk log lines and records of use may be lost"
        case .failed(let message): "log store: \(message)"
        }
    }
}
