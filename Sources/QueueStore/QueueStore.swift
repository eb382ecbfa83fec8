// SPDX-License-Identifier: Apache-2.0
import Crypto
import DatabaseFile
package import EnvelopeEncryption
import Foundation
import GRDB
package import LambdaModel
package import QueueCore
import Synchronization

/// Queues and their messages, in an SQLite database of their own (DIRECTORY/queues.sqlite, WAL).
///
/// What `send` and `delete` returned for survives a power cut. What `receive` and `changeVisibility` did survives a kill, and may be undone by
/// a power cut: the message is then given out again, as SQS may do at any time. Messages are in the file as ciphertext only, and so are groups
/// and deduplication ids. Nothing of a queue's messages is in memory, so their number is bounded by the disk alone. One process per directory.
package final class QueueStore: Sendable {
    /// Queues of all accounts together.
    package static let queuesMax = 100_000
    /// Queues whose settings are kept in memory.
    private static let cachedMax = 1_024

    private struct Cache {
        var records: [QueueKey: QueueRecord] = [:]
        /// Moves with each change, so that what was read before it is not kept after it.
        var version = 0
    }

    let pool: DatabasePool
    let commits: GroupCommit
    private let masterKey: MasterKey
    private let namesKey: SymmetricKey
    private let cache = Mutex(Cache())
    /// At least as many as are in flight, by queue: counted anew when it matters.
    private let inFlight = Mutex<[Int64: Int]>([:])
    private let inFlightMax: Int
    let onDamage: @Sendable (QueueStoreError) -> Void

    /// Opens the database, making or migrating it as needed; `onDamage` is told of messages whose rows are not what was written, which are
    /// dropped where they are come upon, and of such queues that a sweep passes over.
    ///
    /// Blocks: call it at start.
    /// - Throws: `QueueStoreError`, for example when the file was made by a newer version.
    package convenience init(
        directory: String,
        masterKey: MasterKey,
        onDamage: @escaping @Sendable (QueueStoreError) -> Void = { _ in }
    ) throws {
        try self.init(directory: directory, masterKey: masterKey, pagesMax: nil, onDamage: onDamage)
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(
        directory: String,
        masterKey: MasterKey,
        pagesMax: Int?,
        inFlightMax: Int = QueueLimits.inFlightMax,
        onDamage: @escaping @Sendable (QueueStoreError) -> Void = { _ in }
    ) throws {
        self.masterKey = masterKey
        self.onDamage = onDamage
        self.inFlightMax = inFlightMax
        namesKey = masterKey.derive("queue groups and deduplication")
        do {
            pool = try DatabaseFile.open(
                "\(directory)/queues.sqlite",
                .init(
                    label: "QueueStore",
                    isSynced: true,
                    journalBytesMax: 64 << 20,
                    pagesMax: pagesMax,
                    overwritesDeleted: false
                ),
                QueueSchema.migrator
            )
        } catch {
            throw Self.failure(error)
        }
        commits = GroupCommit(pool)
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case is QueueError, is QueueStoreError, is CancellationError: error
        case is GroupCommit.Overloaded: QueueStoreError.overloaded
        default:
            switch DatabaseFileError(error) {
            case .newerDatabase(let path): QueueStoreError.newerDatabase(path: path)
            case .diskFull: QueueStoreError.diskFull
            case .failed(let message): QueueStoreError.failed(message: message)
            }
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.read(body) } catch { throw Self.failure(error) }
    }

    func write<T: Sendable>(
        isSynced: Bool,
        bytes: Int = 0,
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do {
            return try await commits.perform(isSynced: isSynced, bytes: bytes, body, undone: { [self] in forgetAll() })
        } catch {
            throw Self.failure(error)
        }
    }

    // MARK: What is known of queues

    /// nil for a queue that is not there.
    package func queue(_ key: QueueKey) async throws -> QueueRecord? {
        if let record = cache.withLock({ $0.records[key] }) { return record }
        return try await read { [self] db in try record(key, db) }
    }

    func existing(_ key: QueueKey, _ db: Database) throws -> QueueRecord {
        guard let record = try record(key, db) else { throw QueueError.noQueue }
        return record
    }

    func record(_ key: QueueKey, _ db: Database) throws -> QueueRecord? {
        let (known, version) = cache.withLock { ($0.records[key], $0.version) }
        if let known { return known }
        let statement = try db.cachedStatement(
            sql: "SELECT * FROM queues WHERE accountID = ? AND region = ? AND name = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [key.accountID, key.region, key.name]) else {
            return nil
        }
        let record = try Self.record(row)
        cache.withLock { cache in
            guard cache.version == version else { return }
            if cache.records.count >= Self.cachedMax { cache.records.removeAll() }
            cache.records[key] = record
        }
        return record
    }

    static func record(_ row: Row) throws -> QueueRecord {
        let id: Int64 = row["id"]
        do {
            let settings = try JSONDecoder().decode(QueueSettings.self, from: row.decode(forColumn: "settings"))
            guard settings.isSound else { throw QueueStoreError.contentChanged(queue: id) }
            return QueueRecord(
                id: id,
                key: QueueKey(
                    accountID: try row.decode(forColumn: "accountID"),
                    region: try row.decode(forColumn: "region"),
                    name: try row.decode(forColumn: "name")
                ),
                settings: settings,
                tags: try JSONDecoder().decode([String: String].self, from: row.decode(forColumn: "tags")),
                created: try Timestamp(stored: row.decode(forColumn: "created")),
                modified: try Timestamp(stored: row.decode(forColumn: "modified")),
                purged: try row.decode(Int64?.self, forColumn: "purged").map { try Timestamp(stored: $0) }
            )
        } catch {
            throw QueueStoreError.contentChanged(queue: id)
        }
    }

    /// A queue changes, or did: what was read before is not to be believed any more.
    func forget(_ key: QueueKey) {
        cache.withLock { cache in
            cache.version += 1
            cache.records[key] = nil
        }
    }

    private func forgetAll() {
        cache.withLock { cache in
            cache.version += 1
            cache.records.removeAll()
        }
        inFlight.withLock { $0.removeAll() }
    }

    func core(_ record: QueueRecord, _ db: Database, _ now: Timestamp) throws -> QueueCore<SQLiteQueueTable> {
        var deadLetters: QueueCore<SQLiteQueueTable>.DeadLetters?
        if let redrive = record.settings.redrive, let target = try self.record(redrive.target, db) {
            deadLetters = .init(queue: target.id, receivesMax: redrive.receivesMax)
        }
        return QueueCore(
            SQLiteQueueTable(db) { [onDamage] id in onDamage(.messageChanged(id)) },
            .init(id: record.id, arn: record.key.arn, settings: record.settings, deadLetters: deadLetters),
            now: now.millisecondsSinceEpoch
        )
    }

    // MARK: Messages

    /// Keeps messages, all or none; they are durable when this returns.
    ///
    /// Their content must be what `MessageRules` allows in this queue. FIFO queues' messages have a deduplication id.
    /// - Throws: `QueueError` when there is no such queue, `QueueStoreError.diskFull` or `.overloaded`.
    package func send(_ messages: [OutgoingMessage], to key: QueueKey, now: Timestamp) async throws -> [Sent] {
        let sealed = try messages.map { message in
            try Envelope.seal(message.content.bytes, context: Self.context(message.messageID), with: masterKey)
        }
        let bytes = sealed.reduce(0) { $0 + $1.count }
        return try await write(isSynced: true, bytes: bytes) { [self] db in
            let record = try existing(key, db)
            var core = try core(record, db, now)
            return try zip(messages, sealed).map { message, sealed in
                core.table.content = sealed
                let isFIFO = record.settings.isFIFO
                return try core.send(
                    messageID: message.messageID,
                    delay: message.delay,
                    group: isFIFO ? message.content.groupID.map { name($0, "group") } : nil,
                    key: isFIFO ? memoryKey(message.content, record.settings) : nil
                )
            }
        }
    }

    private func memoryKey(_ content: MessageContent, _ settings: QueueSettings) -> [UInt8]? {
        content.deduplicationID.map { id in
            settings.deduplicationScope == .queue
                ? name(id, "id") : name("\(content.groupID ?? "") \(id)", "id of a group")
        }
    }

    /// Stands for a text that the database shall not show.
    private func name(_ text: String, _ use: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("\(use) \(text)".utf8), using: namesKey).prefix(16))
    }

    private static func context(_ messageID: String) -> String { "queue message \(messageID)" }

    /// Gives out up to `max` messages, for `timeout` seconds (nil: the queue's).
    ///
    /// - Throws: `QueueError` when there is no such queue, or a standard one has as many messages in flight as it may (`.overLimit`).
    package func receive(
        from key: QueueKey,
        max: Int,
        timeout: Int? = nil,
        now: Timestamp,
        unreadable: @Sendable (String) -> Void = { _ in }
    ) async throws -> ReceivedBatch {
        let found = try await write(isSynced: false) { [self] db in
            let record = try existing(key, db)
            let room = try room(record, max, db, now)
            var batch = ReceivedBatch(queue: record.id)
            guard room > 0 else {
                guard record.settings.isFIFO else {
                    throw QueueError(.overLimit, "Too many messages in flight for queue \(record.key.name).")
                }
                return (batch, [(QueuedMessage, [UInt8])]())
            }
            var core = try core(record, db, now)
            let received = try core.receive(max: min(max, room), timeout: timeout)
            inFlight.withLock { $0[record.id]? += received.messages.count }
            if !received.moved.isEmpty { batch.movedTo = core.queue.deadLetters?.queue }
            if received.messages.isEmpty {
                batch.next = received.hasMore ? now.millisecondsSinceEpoch : try next(record, db, now)
            }
            return (batch, try received.messages.map { ($0, try content($0.id, db)) })
        }
        var batch = found.0
        for (head, sealed) in found.1 {
            let plain = try? Envelope.open(sealed, context: Self.context(head.messageID), with: masterKey)
            if let content = plain.flatMap({ MessageContent(bytes: $0) }) {
                batch.messages.append((head, content))
            } else {
                // The others of the answer are good.
                unreadable(head.messageID)
            }
        }
        return batch
    }

    private func content(_ id: Int64, _ db: Database) throws -> [UInt8] {
        let statement = try db.cachedStatement(sql: "SELECT sealed FROM contents WHERE id = ?")
        return try Data.fetchOne(statement, arguments: [id]).map { [UInt8]($0) } ?? []
    }

    /// How many messages more may be in flight.
    private func room(_ record: QueueRecord, _ max: Int, _ db: Database, _ now: Timestamp) throws -> Int {
        if let known = inFlight.withLock({ $0[record.id] }), known + max <= inFlightMax { return max }
        let statement = try db.cachedStatement(
            sql: "SELECT COUNT(*) FROM messages WHERE queue = ? AND isHeld = 1 AND visible > ?"
        )
        let count = try Int.fetchOne(statement, arguments: [record.id, now.millisecondsSinceEpoch]) ?? 0
        inFlight.withLock { inFlight in
            if inFlight.count >= Self.cachedMax { inFlight.removeAll() }
            inFlight[record.id] = count
        }
        return inFlightMax - count
    }

    /// When the next message may be received of those that may not now.
    private func next(_ record: QueueRecord, _ db: Database, _ now: Timestamp) throws -> Int64? {
        let sql =
            record.settings.isFIFO
            ? "SELECT MIN(freeAt) FROM messageGroups WHERE queue = ? AND freeAt > ?"
            : "SELECT MIN(visible) FROM messages WHERE queue = ? AND visible > ?"
        return try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: [record.id, now.millisecondsSinceEpoch])
    }

    /// A receive of a message, of which its consumer speaks.
    package struct Handle: Sendable {
        package var id: Int64
        package var receives: Int
        /// As the consumer has it, for error texts.
        package var text: String

        package init(id: Int64, receives: Int, text: String) {
            self.id = id
            self.receives = receives
            self.text = text
        }
    }

    /// What became of each handle, and whether messages may be received now that could not be before.
    package struct Outcome: Sendable {
        package var errors: [QueueError?] = []
        package var frees = false
        package var queue: Int64
    }

    /// Deletes messages; durable when this returns.
    package func delete(_ handles: [Handle], from key: QueueKey, now: Timestamp) async throws -> Outcome {
        try await each(handles, of: key, isSynced: true, now) { core, index in
            try core.delete(handles[index].id, receives: handles[index].receives, handle: handles[index].text)
        }
    }

    /// Lets messages be in flight for `timeouts` seconds from now, one of them for each handle.
    package func changeVisibility(
        _ handles: [Handle],
        timeouts: [Int],
        of key: QueueKey,
        now: Timestamp
    ) async throws -> Outcome {
        precondition(handles.count == timeouts.count, "each message has a timeout")
        return try await each(handles, of: key, isSynced: false, now) { core, index in
            try core.changeVisibility(
                handles[index].id,
                receives: handles[index].receives,
                timeout: timeouts[index],
                handle: handles[index].text
            )
        }
    }

    private func each(
        _ handles: [Handle],
        of key: QueueKey,
        isSynced: Bool,
        _ now: Timestamp,
        _ body: @escaping @Sendable (inout QueueCore<SQLiteQueueTable>, Int) throws -> Bool
    ) async throws -> Outcome {
        try await write(isSynced: isSynced) { [self] db in
            let record = try existing(key, db)
            var core = try core(record, db, now)
            var outcome = Outcome(queue: record.id)
            for index in handles.indices {
                do {
                    if try body(&core, index) { outcome.frees = true }
                    outcome.errors.append(nil)
                } catch let error as QueueError {
                    outcome.errors.append(error)
                }
            }
            return outcome
        }
    }

    /// How many messages a queue has; the longer it is, the longer this takes (a million: about a tenth of a second).
    package func counts(_ record: QueueRecord, now: Timestamp) async throws -> MessageCounts {
        try await read { db in
            let sql = """
                SELECT COALESCE(SUM(visible <= ?1), 0), COALESCE(SUM(visible > ?1 AND isHeld), 0),
                    COALESCE(SUM(visible > ?1 AND NOT isHeld), 0)
                FROM messages INDEXED BY messagesByVisibility WHERE queue = ?2
                """
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [now.millisecondsSinceEpoch, record.id]) else {
                return MessageCounts()
            }
            return MessageCounts(
                visible: try row.decode(atIndex: 0),
                inFlight: try row.decode(atIndex: 1),
                delayed: try row.decode(atIndex: 2)
            )
        }
    }
}
