// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
package import EnvelopeEncryption
import Foundation
import GRDB
package import LambdaModel
import Synchronization

/// Asynchronous events that were accepted and have not come to their end, in an SQLite database of their own
/// (DIRECTORY/events.sqlite, WAL, `synchronous=FULL`).
///
/// What `add` returned for survives a power cut. Events that come while a transaction is being written share the next one.
/// Payloads are in the file as ciphertext only. One process per directory. SQLite's work runs on the database pool's own
/// threads, never on Swift's cooperative ones.
package final class EventStore: Sendable {
    /// Callers that wait for a commit; beyond it no event is taken.
    static let waitingMax = 10_000
    /// Events of one transaction.
    static let batchMax = 512

    private struct Waiting {
        var row: Row
        var continuation: CheckedContinuation<Int64, any Error>
    }

    private struct Row: Sendable {
        var function: FunctionKey
        var due: Timestamp
        var isDelivery: Bool
        var envelope: Data
        var payload: Data
    }

    private struct Queue {
        var waiting: [Waiting] = []
        var isFlushing = false
    }

    private let pool: DatabasePool
    private let masterKey: MasterKey
    private let queue = Mutex(Queue())

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `EventStoreError`, for example when the file was made by a newer version.
    package convenience init(directory: String, masterKey: MasterKey) throws {
        try self.init(directory: directory, masterKey: masterKey, pagesMax: nil)
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(directory: String, masterKey: MasterKey, pagesMax: Int?) throws {
        self.masterKey = masterKey
        do {
            pool = try DatabaseFile.open(
                "\(directory)/events.sqlite",
                .init(label: "EventStore", isSynced: true, journalBytesMax: 64 << 20, pagesMax: pagesMax),
                Self.migrator
            )
        } catch {
            throw EventStoreError(error)
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 events") { db in
            try db.execute(
                sql: """
                    CREATE TABLE events (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        name TEXT NOT NULL,
                        due INTEGER NOT NULL,
                        errors INTEGER NOT NULL,
                        delays INTEGER NOT NULL,
                        envelope BLOB NOT NULL,
                        payload BLOB NOT NULL
                    ) STRICT;
                    """
            )
        }
        migrator.registerMigration("2 deliveries") { db in
            try db.execute(
                sql: """
                    ALTER TABLE events ADD COLUMN isDelivery INTEGER NOT NULL DEFAULT 0;
                    CREATE INDEX deliveries ON events (id) WHERE isDelivery = 1;
                    CREATE INDEX attempts ON events (id) WHERE isDelivery = 0;
                    """
            )
        }
        return migrator
    }

    /// Keeps an event, due at once; it is durable when this returns.
    ///
    /// - Returns: the number by which it is known from now on.
    /// - Throws: `EventStoreError.diskFull`, or `.overloaded` when `waitingMax` callers wait.
    package func add(_ envelope: AsyncEvent.Envelope, payload: [UInt8]) async throws -> Int64 {
        let row = try row(envelope, payload)
        return try await withCheckedThrowingContinuation { continuation in
            let startsFlush = queue.withLock { queue -> Bool? in
                guard queue.waiting.count < Self.waitingMax else { return nil }
                queue.waiting.append(Waiting(row: row, continuation: continuation))
                defer { queue.isFlushing = true }
                return !queue.isFlushing
            }
            switch startsFlush {
            case nil: continuation.resume(throwing: EventStoreError.overloaded)
            case true?: flush()
            case false?: break
            }
        }
    }

    private func flush() {
        pool.asyncWriteWithoutTransaction { [self] db in
            let batch = queue.withLock { queue in
                let batch = Array(queue.waiting.prefix(Self.batchMax))
                queue.waiting.removeFirst(batch.count)
                return batch
            }
            let outcome = Result { () throws -> [Int64] in
                var ids: [Int64] = []
                try db.inTransaction(.immediate) {
                    for waiting in batch { ids.append(try Self.insert(waiting.row, db)) }
                    return .commit
                }
                return ids
            }
            switch outcome {
            case .success(let ids):
                for (waiting, id) in zip(batch, ids) { waiting.continuation.resume(returning: id) }
            case .failure(let error):
                for waiting in batch { waiting.continuation.resume(throwing: EventStoreError(error)) }
            }
            let hasMore = queue.withLock { queue in
                queue.isFlushing = !queue.waiting.isEmpty
                return queue.isFlushing
            }
            if hasMore { flush() }
        }
    }

    private func row(_ envelope: AsyncEvent.Envelope, _ payload: [UInt8]) throws -> Row {
        Row(
            function: envelope.function,
            due: envelope.accepted,
            isDelivery: envelope.delivery != nil,
            envelope: try JSONEncoder().encode(envelope),
            payload: Data(try Envelope.seal(payload, context: Self.context(envelope), with: masterKey))
        )
    }

    private static func context(_ envelope: AsyncEvent.Envelope) -> String {
        "\(envelope.function.arn) event \(envelope.requestID)"
    }

    private static func insert(_ row: Row, _ db: Database) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO events (accountID, region, name, due, errors, delays, isDelivery, envelope, payload)
                VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?)
                """,
            arguments: [
                row.function.accountID, row.function.region, row.function.name, row.due.millisecondsSinceEpoch,
                row.isDelivery, row.envelope, row.payload,
            ]
        )
        return db.lastInsertedRowID
    }

    /// nil where it came to its end.
    ///
    /// - Throws: `EventStoreError.contentChanged` when its row is not what was written.
    package func event(_ id: Int64) async throws -> AsyncEvent? {
        let stored = try await read { db in
            try GRDB.Row.fetchOne(db, sql: "SELECT * FROM events WHERE id = ?", arguments: [id]).map { row in
                do { return try StoredEvent(row) } catch { throw EventStoreError.contentChanged(id: id) }
            }
        }
        guard let stored else { return nil }
        do {
            let envelope = try JSONDecoder().decode(AsyncEvent.Envelope.self, from: stored.envelope)
            let payload = try Envelope.open([UInt8](stored.payload), context: Self.context(envelope), with: masterKey)
            return AsyncEvent(envelope: envelope, payload: payload, errors: stored.errors, delays: stored.delays)
        } catch {
            throw EventStoreError.contentChanged(id: id)
        }
    }

    private struct StoredEvent: Sendable {
        var envelope: Data
        var payload: Data
        var errors: Int
        var delays: Int

        /// A damaged file has any type in any column, of which a subscript would end the process.
        init(_ row: GRDB.Row) throws {
            envelope = try row.decode(forColumn: "envelope")
            payload = try row.decode(forColumn: "payload")
            errors = Int(try row.decode(UInt32.self, forColumn: "errors"))
            delays = Int(try row.decode(UInt32.self, forColumn: "delays"))
        }
    }

    private static let waitingColumns = "id, accountID, region, name, due, isDelivery, length(payload) AS bytes"

    /// What an earlier run left, in the order in which it was accepted; `damaged` is told the numbers of rows that can't be read.
    package func waiting(damaged: @escaping @Sendable (Int64) -> Void = { _ in }) async throws -> [WaitingEvent] {
        try await read { db in
            try GRDB.Row.fetchAll(db, sql: "SELECT \(Self.waitingColumns) FROM events ORDER BY id").compactMap { row in
                do { return try WaitingEvent(row) } catch {
                    damaged(row["id"])
                    return nil
                }
            }
        }
    }

    /// When the oldest event, or the oldest message for a destination, was accepted; nil where there is none.
    package func oldest(isDelivery: Bool) async throws -> Timestamp? {
        try await read { db in
            // The condition as it stands in the index.
            let rows = try GRDB.Row.fetchCursor(
                db,
                sql: """
                    SELECT \(Self.waitingColumns), envelope FROM events WHERE isDelivery = \(isDelivery ? 1 : 0)
                    ORDER BY id
                    """
            )
            while let row = try rows.next() {
                // What `waiting` leaves out stays, and nobody waits for it.
                if (try? WaitingEvent(row)) != nil, let envelope: Data = try? row.decode(forColumn: "envelope"),
                    let accepted = try? JSONDecoder().decode(AsyncEvent.Envelope.self, from: envelope).accepted
                {
                    return accepted
                }
            }
            return nil
        }
    }

    /// The event is tried again later.
    package func putBack(_ id: Int64, due: Timestamp, errors: Int, delays: Int) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE events SET due = ?, errors = ?, delays = ? WHERE id = ?",
                arguments: [due.millisecondsSinceEpoch, errors, delays, id]
            )
        }
    }

    /// The event came to its end; `next` is what its destinations get, kept in the same transaction.
    ///
    /// - Returns: the numbers of `next`.
    @discardableResult
    package func remove(_ id: Int64, next: [(AsyncEvent.Envelope, payload: [UInt8])] = []) async throws -> [Int64] {
        let rows = try next.map { try row($0.0, $0.payload) }
        return try await write { db in
            try db.execute(sql: "DELETE FROM events WHERE id = ?", arguments: [id])
            return try rows.map { try Self.insert($0, db) }
        }
    }

    private func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw EventStoreError(error)
        }
    }

    private func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await pool.write(body)
        } catch let error as DatabaseError {
            throw EventStoreError(error)
        }
    }
}

extension WaitingEvent {
    fileprivate init(_ row: Row) throws {
        let id: Int64 = try row.decode(forColumn: "id")
        let due: Int64 = try row.decode(forColumn: "due")
        guard due >= 0 else { throw EventStoreError.contentChanged(id: id) }
        self.init(
            id: id,
            function: FunctionKey(
                accountID: try row.decode(forColumn: "accountID"),
                region: try row.decode(forColumn: "region"),
                name: try row.decode(forColumn: "name")
            ),
            due: Timestamp(millisecondsSinceEpoch: due),
            bytes: try row.decode(forColumn: "bytes"),
            isDelivery: try row.decode(forColumn: "isDelivery")
        )
    }
}

/// Why the event store could not do what it was asked.
package enum EventStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    /// Too many callers wait for a commit already.
    case overloaded
    /// An event's row is not what was written.
    case contentChanged(id: Int64)
    case failed(message: String)

    init(_ error: any Error) {
        switch error {
        case let error as EventStoreError: self = error
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
        case .diskFull: "event store: the disk is full; nothing was written"
        case .overloaded: "event store: more than \(EventStore.waitingMax) events wait to be written"
        case .contentChanged(let id): "event store: event \(id) was changed since it was stored"
        case .failed(let message): "event store: \(message)"
        }
    }
}
