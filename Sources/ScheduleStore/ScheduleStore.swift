// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
package import EnvelopeEncryption
import Foundation
import GRDB
package import LambdaModel
package import ScheduleCore

/// Schedules, rules, and what they have sent that has not arrived, in an SQLite database of their own (DIRECTORY/schedules.sqlite, WAL,
/// `synchronous=FULL`).
///
/// What a change returned for survives a power cut. An occurrence's deliveries are kept in the transaction that moves its schedule on, so that
/// none is lost and none is made twice. Definitions, inputs and payloads are in the file as ciphertext only; names, tags and times are
/// readable. Nothing is in memory. One process per directory.
package final class ScheduleStore: Sendable {
    let pool: DatabasePool
    private let masterKey: MasterKey

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `ScheduleStoreError`, for example when the file was made by a newer version.
    package convenience init(directory: String, masterKey: MasterKey) throws {
        try self.init(directory: directory, masterKey: masterKey, pagesMax: nil)
    }

    /// `pagesMax` bounds the file's size, in pages of 4 KiB.
    init(directory: String, masterKey: MasterKey, pagesMax: Int?) throws {
        self.masterKey = masterKey
        do {
            pool = try DatabaseFile.open(
                "\(directory)/schedules.sqlite",
                .init(label: "ScheduleStore", isSynced: true, journalBytesMax: 64 << 20, pagesMax: pagesMax),
                ScheduleSchema.migrator
            )
        } catch {
            throw Self.failure(error)
        }
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case is ScheduleError, is ScheduleStoreError, is LambdaError, is CancellationError: error
        default:
            switch DatabaseFileError(error) {
            case .newerDatabase(let path): ScheduleStoreError.newerDatabase(path: path)
            case .diskFull: ScheduleStoreError.diskFull
            case .failed(let message): ScheduleStoreError.failed(message: message)
            }
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.read(body) } catch { throw Self.failure(error) }
    }

    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.write(body) } catch { throw Self.failure(error) }
    }

    // MARK: Entries

    /// nil for one that is not there.
    package func record(_ key: ScheduleKey) async throws -> ScheduleRecord? {
        try await read { [self] db in
            guard let found = try row(key, db) else { return nil }
            guard let record = found.record else { throw ScheduleStoreError.contentChanged(row: found.id) }
            return record
        }
    }

    /// Makes one, keeps the one that is there, or changes it: `body` says what is to be there afterwards, nil for nothing.
    ///
    /// There are at most `countMax` of its kind in its account and region; more is what `refusal` says. One whose row is not what was written
    /// is none to `body`, so that another can take its place.
    @discardableResult
    package func change(
        _ key: ScheduleKey,
        countMax: Int,
        refusal: ScheduleError,
        _ body: @escaping @Sendable (ScheduleRecord?) throws -> ScheduleRecord?
    ) async throws -> ScheduleRecord? {
        try await write { [self] db in
            let found = try row(key, db)
            guard let record = try body(found?.record) else {
                if let found { try Self.deleteEntry(found.id, db) }
                return nil
            }
            if let found, let old = found.record {
                if record != old { try update(found.id, record, db) }
                return record
            }
            if let found { try Self.deleteEntry(found.id, db) }
            if key.kind == .schedule, key.group != ScheduleKey.defaultGroup {
                let group = ScheduleGroupKey(accountID: key.accountID, region: key.region, name: key.group)
                guard try Self.group(group, db) != nil else { throw Self.noGroup(key.group) }
            }
            let count = try Int.fetchOne(
                db,
                sql: "SELECT COUNT(*) FROM entries WHERE kind = ? AND accountID = ? AND region = ?",
                arguments: [key.kind.rawValue, key.accountID, key.region]
            )
            guard count ?? 0 < countMax else { throw refusal }
            try insert(record, db)
            return record
        }
    }

    /// Deletes one, readable or not.
    ///
    /// - Returns: whether it was there.
    package func delete(_ key: ScheduleKey) async throws -> Bool {
        try await write { [self] db in
            guard let found = try row(key, db) else { return false }
            try Self.deleteEntry(found.id, db)
            return true
        }
    }

    private static func deleteEntry(_ id: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM entries WHERE id = ?", arguments: [id])
    }

    static func noGroup(_ name: String) -> ScheduleError {
        ScheduleError(.notFound, "Schedule group \(name) does not exist.")
    }

    private func insert(_ record: ScheduleRecord, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO entries (kind, accountID, region, groupName, name, isEnabled, hasPattern, due, after, anchor, token,
                    tags, created, modified, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                record.key.kind.rawValue, record.key.accountID, record.key.region, record.key.group, record.key.name,
                record.isEnabled, record.definition.eventPattern != nil, record.due?.millisecondsSinceEpoch,
                record.progress.after.millisecondsSinceEpoch, record.anchor.millisecondsSinceEpoch, record.token,
                try JSONEncoder().encode(record.tags), record.created.millisecondsSinceEpoch,
                record.modified.millisecondsSinceEpoch, try sealed(record),
            ]
        )
    }

    private func update(_ id: Int64, _ record: ScheduleRecord, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE entries SET isEnabled = ?, hasPattern = ?, due = ?, after = ?, anchor = ?, tags = ?, modified = ?,
                    sealed = ? WHERE id = ?
                """,
            arguments: [
                record.isEnabled, record.definition.eventPattern != nil, record.due?.millisecondsSinceEpoch,
                record.progress.after.millisecondsSinceEpoch, record.anchor.millisecondsSinceEpoch,
                try JSONEncoder().encode(record.tags), record.modified.millisecondsSinceEpoch, try sealed(record), id,
            ]
        )
    }

    private func sealed(_ record: ScheduleRecord) throws -> Data {
        let plain = try JSONEncoder().encode(record.definition)
        return Data(try Envelope.seal([UInt8](plain), context: "\(record.key.arn) definition", with: masterKey))
    }

    /// The record is nil where the row is not what was written.
    private func row(_ key: ScheduleKey, _ db: Database) throws -> (id: Int64, record: ScheduleRecord?)? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT * FROM entries
                WHERE kind = ? AND accountID = ? AND region = ? AND groupName = ? AND name = ?
                """,
            arguments: [key.kind.rawValue, key.accountID, key.region, key.group, key.name]
        )
        return row.map { (id: $0["id"], record: try? record($0)) }
    }

    private func record(_ row: Row) throws -> ScheduleRecord {
        let id: Int64 = row["id"]
        func time(_ column: String) throws -> Timestamp { try Timestamp(stored: row.decode(forColumn: column)) }
        do {
            guard let kind = ScheduleKey.Kind(rawValue: try row.decode(forColumn: "kind")) else {
                throw ScheduleStoreError.contentChanged(row: id)
            }
            let key = ScheduleKey(
                kind,
                accountID: try row.decode(forColumn: "accountID"),
                region: try row.decode(forColumn: "region"),
                group: try row.decode(forColumn: "groupName"),
                name: try row.decode(forColumn: "name")
            )
            let sealed: Data = try row.decode(forColumn: "sealed")
            let plain = try Envelope.open([UInt8](sealed), context: "\(key.arn) definition", with: masterKey)
            var record = ScheduleRecord(
                key: key,
                definition: try JSONDecoder().decode(ScheduleDefinition.self, from: Data(plain)),
                isEnabled: try row.decode(forColumn: "isEnabled"),
                token: try row.decode(forColumn: "token"),
                tags: try JSONDecoder().decode([String: String].self, from: row.decode(forColumn: "tags")),
                now: try time("created")
            )
            record.modified = try time("modified")
            record.anchor = try time("anchor")
            record.progress = ScheduleProgress(after: try time("after"))
            return record
        } catch {
            throw ScheduleStoreError.contentChanged(row: id)
        }
    }

    /// Which of an account's, in a region, are listed.
    package struct Selection: Sendable {
        package var kind: ScheduleKey.Kind
        package var accountID: String
        package var region: String
        /// nil for all groups.
        package var group: String?
        package var prefix: String
        package var isEnabled: Bool?
        /// Of the last one that was listed before.
        package var after: (group: String, name: String)?

        package init(_ kind: ScheduleKey.Kind, accountID: String, region: String) {
            self.kind = kind
            self.accountID = accountID
            self.region = region
            prefix = ""
        }
    }

    /// In the order of their groups and names, without their targets' inputs: what is in memory of a page is one of them.
    ///
    /// Those whose row is not what was written are told to `unreadable`, by their number, and left out.
    package func list(
        _ selection: Selection,
        limit: Int,
        unreadable: @escaping @Sendable (Int64) -> Void
    ) async throws -> [ScheduleRecord] {
        try await read { [self] db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT * FROM entries WHERE kind = ?1 AND accountID = ?2 AND region = ?3
                        AND (?4 IS NULL OR groupName = ?4) AND substr(name, 1, ?5) = ?6 AND (?7 IS NULL OR isEnabled = ?7)
                        AND (groupName, name) > (?8, ?9)
                    ORDER BY groupName, name LIMIT ?10
                    """,
                arguments: [
                    selection.kind.rawValue, selection.accountID, selection.region, selection.group,
                    selection.prefix.count, selection.prefix, selection.isEnabled, selection.after?.group ?? "",
                    selection.after?.name ?? "", limit,
                ]
            )
            var records: [ScheduleRecord] = []
            while let row = try rows.next() {
                // A cursor's row would make something of what is in a column.
                guard var record = try? record(row.copy()) else {
                    unreadable(row["id"])
                    continue
                }
                record.definition.targets = record.definition.targets.map(\.withoutInput)
                records.append(record)
            }
            return records
        }
    }

    /// The rules of an account in a region that have an event pattern and are enabled.
    ///
    /// Those whose row is not what was written are told to `unreadable`, by their number, and left out.
    package func rulesWithPattern(
        accountID: String,
        region: String,
        unreadable: @escaping @Sendable (Int64) -> Void
    ) async throws -> [ScheduleRecord] {
        try await read { [self] db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM entries WHERE hasPattern = 1 AND accountID = ? AND region = ? AND isEnabled = 1",
                arguments: [accountID, region]
            ).compactMap { row in
                let found = try? record(row)
                if found == nil { unreadable(row["id"]) }
                return found
            }
        }
    }

    // MARK: Time

    /// What a turn makes of an entry.
    package struct Outcome: Sendable {
        package var progress: ScheduleProgress
        package var deliveries: [ScheduleDelivery]
        /// It has come to its end, and goes.
        package var isDeleted: Bool

        package init(progress: ScheduleProgress, deliveries: [ScheduleDelivery] = [], isDeleted: Bool = false) {
            self.progress = progress
            self.deliveries = deliveries
            self.isDeleted = isDeleted
        }
    }

    /// How long an entry waits whose account or target has as many deliveries waiting as it may, or which can't be read.
    private static let pause = Duration.seconds(60)
    /// Of what is read in one step, as it is on the disk; the first is read whatever its size.
    private static let batchBytesMax = 16 << 20

    /// The first rows of a query of `id`, `bytes` that are no more than a step may read.
    private static func batch(_ db: Database, _ sql: String, _ arguments: StatementArguments) throws -> [Int64] {
        let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
        var ids: [Int64] = []
        var sum = 0
        while let row = try rows.next() {
            sum += (try? row.decode(Int.self, forColumn: "bytes")) ?? 0
            guard ids.isEmpty || sum <= batchBytesMax else { break }
            ids.append(row["id"])
        }
        return ids
    }

    /// Gives entries that are due to `body`, and keeps what it makes of them, all in one transaction.
    ///
    /// Those whose row is not what was written, or whose expression or zone means nothing here, are told to `unreadable`, by their number, once
    /// a minute; one that not even that can be written down of goes.
    /// - Returns: how many were due, up to `limit`, and fewer where they are large.
    package func turn(
        now: Timestamp,
        limit: Int,
        unreadable: @escaping @Sendable (Int64) -> Void,
        _ body: @escaping @Sendable (ScheduleRecord) -> Outcome
    ) async throws -> Int {
        try await write { [self] db in
            let ids = try Self.batch(
                db,
                "SELECT id, length(sealed) AS bytes FROM entries WHERE due <= ? ORDER BY due LIMIT ?",
                [now.millisecondsSinceEpoch, limit]
            )
            var waiting = WaitingCounts()
            for id in ids {
                let row = try Row.fetchOne(db, sql: "SELECT * FROM entries WHERE id = ?", arguments: [id])
                let read = row.flatMap { try? record($0) }
                let found = read?.timing == nil ? nil : read
                if found == nil { unreadable(id) }
                guard var record = found,
                    try waiting.hasRoom(record.key.accountID, record.definition.targets.map(\.arn), db)
                else {
                    try Self.move(id, "due = ?", [now.advanced(by: Self.pause).millisecondsSinceEpoch], db)
                    continue
                }
                let outcome = body(record)
                for delivery in outcome.deliveries { try insert(delivery, due: now, db) }
                try waiting.add(outcome.deliveries, db)
                if outcome.isDeleted {
                    try db.execute(sql: "DELETE FROM entries WHERE id = ?", arguments: [id])
                } else {
                    record.progress = outcome.progress
                    try Self.move(
                        id,
                        "due = ?, after = ?",
                        [record.due?.millisecondsSinceEpoch, record.progress.after.millisecondsSinceEpoch],
                        db
                    )
                }
            }
            return ids.count
        }
    }

    /// Where SQLite itself refuses what is in the row's other columns, the entry goes: it could never be read, and would be due for ever.
    private static func move(
        _ id: Int64,
        _ assignments: String,
        _ values: StatementArguments,
        _ db: Database
    ) throws {
        do {
            try db.execute(sql: "UPDATE entries SET \(assignments) WHERE id = ?", arguments: values + [id])
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            try deleteEntry(id, db)
        }
    }

    /// How far ahead of now an entry may be: by more only a clock that was ahead has brought it there.
    private static let aheadMax = Duration.seconds(86_400)
    /// The same of a delivery, which no delay puts off for longer.
    private static let delayMax = Duration.seconds(600)

    /// Lets entries and deliveries that are further ahead than any window or delay brings them begin anew from now, and those that would never be
    /// due since their row is not what was written.
    ///
    /// - Returns: how many there were, entries up to `limit`.
    package func beginAnew(now: Timestamp, limit: Int) async throws -> (entries: Int, deliveries: Int) {
        try await write { [self] db in
            let ids = try Self.batch(
                db,
                // Only what is no number is larger than the largest.
                "SELECT id, length(sealed) AS bytes FROM entries WHERE after > ? OR due > ? LIMIT ?",
                [now.advanced(by: Self.aheadMax).millisecondsSinceEpoch, Int64.max, limit]
            )
            for id in ids {
                let row = try Row.fetchOne(db, sql: "SELECT * FROM entries WHERE id = ?", arguments: [id])
                var found = row.flatMap { try? record($0) }
                found?.beginAnew(now)
                let due = found == nil ? now : found?.due
                // One that can't be read is told by the next turn.
                try Self.move(
                    id,
                    "due = ?, after = ?, anchor = min(anchor, ?)",
                    [due?.millisecondsSinceEpoch, now.millisecondsSinceEpoch, now.millisecondsSinceEpoch],
                    db
                )
            }
            try db.execute(
                sql: "UPDATE deliveries SET due = ?1 WHERE due > ?2",
                arguments: [
                    now.millisecondsSinceEpoch, now.advanced(by: Self.delayMax).millisecondsSinceEpoch,
                ]
            )
            return (ids.count, db.changesCount)
        }
    }

    /// When something falls due next; nil where nothing will.
    package func nextDue() async throws -> Timestamp? {
        try await read { db in
            // What is no number is never due, and not waited for.
            let entry = try Int64.fetchOne(
                db,
                sql: "SELECT MIN(due) FROM entries WHERE due <= ?",
                arguments: [Int64.max]
            )
            let delivery = try Int64.fetchOne(
                db,
                sql: "SELECT MIN(due) FROM deliveries WHERE due <= ?",
                arguments: [Int64.max]
            )
            return [entry, delivery].compactMap(\.self).min().map { Timestamp(millisecondsSinceEpoch: max(0, $0)) }
        }
    }

    // MARK: Deliveries

    /// Keeps deliveries of an account, all or none; they are durable when this returns.
    ///
    /// - Throws: `ScheduleError` (`throttled`) where as many wait as may, `validation` where so many never may.
    package func add(_ deliveries: [ScheduleDelivery], now: Timestamp) async throws {
        try await write { [self] db in
            var waiting = WaitingCounts()
            try waiting.add(deliveries, db)
            try waiting.check(deliveries)
            for delivery in deliveries { try insert(delivery, due: now, db) }
        }
    }

    private func insert(_ delivery: ScheduleDelivery, due: Timestamp, _ db: Database) throws {
        try db.execute(
            sql:
                "INSERT INTO deliveries (deliveryID, accountID, target, due, attempts, sealed) VALUES (?, ?, ?, ?, 0, ?)",
            arguments: [
                delivery.id, delivery.source.accountID, delivery.target.arn, due.millisecondsSinceEpoch,
                try sealed(delivery),
            ]
        )
    }

    private func sealed(_ delivery: ScheduleDelivery) throws -> Data {
        let plain = try JSONEncoder().encode(delivery)
        return Data(try Envelope.seal([UInt8](plain), context: "delivery \(delivery.id)", with: masterKey))
    }

    private struct SealedDelivery: Sendable {
        var row: Int64
        var id: String
        var attempts: Int
        /// nil where the row is not what was written.
        var sealed: Data?

        init(_ row: Int64, _ columns: Row) {
            self.row = row
            id = (try? columns.decode(String.self, forColumn: "deliveryID")) ?? "in row \(row)"
            let attempts = try? columns.decode(UInt32.self, forColumn: "attempts")
            self.attempts = Int(attempts ?? 0)
            guard attempts != nil else { return }
            sealed = try? columns.decode(Data.self, forColumn: "sealed")
        }
    }

    /// Those that are to be tried now, up to `limit`, and fewer where they are large.
    ///
    /// One whose row is not what was written is told to `unreadable`, by its id, and dropped.
    package func dueDeliveries(
        now: Timestamp,
        limit: Int,
        unreadable: @escaping @Sendable (String) -> Void
    ) async throws -> [WaitingDelivery] {
        let rows = try await read { db in
            let ids = try Self.batch(
                db,
                "SELECT id, length(sealed) AS bytes FROM deliveries WHERE due <= ? ORDER BY due, id LIMIT ?",
                [now.millisecondsSinceEpoch, limit]
            )
            return try ids.compactMap { id in
                try Row.fetchOne(db, sql: "SELECT * FROM deliveries WHERE id = ?", arguments: [id]).map {
                    SealedDelivery(id, $0)
                }
            }
        }
        var found: [WaitingDelivery] = []
        for row in rows {
            do {
                guard let sealed = row.sealed else { throw ScheduleStoreError.contentChanged(row: row.row) }
                let plain = try Envelope.open([UInt8](sealed), context: "delivery \(row.id)", with: masterKey)
                let delivery = try JSONDecoder().decode(ScheduleDelivery.self, from: Data(plain))
                found.append(WaitingDelivery(row: row.row, delivery: delivery, attempts: row.attempts))
            } catch {
                unreadable(row.id)
                try await settle([(row.row, .removed)])
            }
        }
        return found
    }

    /// What became of a try.
    package enum Settlement: Equatable, Sendable {
        /// It arrived, or is given up.
        case removed
        case putBack(due: Timestamp, attempts: Int)
        /// It goes to the dead-letter queue from now on.
        case deadLetter(ScheduleDelivery, due: Timestamp)
    }

    /// Writes down what became of tries, by their rows, in one transaction.
    package func settle(_ settlements: [(row: Int64, settlement: Settlement)]) async throws {
        let sealed = try settlements.map { _, settlement in
            if case .deadLetter(let delivery, _) = settlement { try self.sealed(delivery) } else { nil as Data? }
        }
        try await write { db in
            for ((row, settlement), sealed) in zip(settlements, sealed) {
                switch settlement {
                case .removed: try db.execute(sql: "DELETE FROM deliveries WHERE id = ?", arguments: [row])
                case .putBack(let due, let attempts):
                    try db.execute(
                        sql: "UPDATE deliveries SET due = ?, attempts = ? WHERE id = ?",
                        arguments: [due.millisecondsSinceEpoch, attempts, row]
                    )
                case .deadLetter(_, let due):
                    try db.execute(
                        sql: "UPDATE deliveries SET due = ?, attempts = 0, sealed = ? WHERE id = ?",
                        arguments: [due.millisecondsSinceEpoch, sealed, row]
                    )
                }
            }
        }
    }
}
