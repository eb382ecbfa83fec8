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
        case is ScheduleError, is ScheduleStoreError, is LambdaError: error
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
        try await read { [self] db in try row(key, db)?.record }
    }

    /// Makes one, keeps the one that is there, or changes it: `body` says what is to be there afterwards, nil for nothing.
    ///
    /// There are at most `countMax` of its kind in its account and region; more is what `refusal` says.
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
                if let found { try db.execute(sql: "DELETE FROM entries WHERE id = ?", arguments: [found.id]) }
                return nil
            }
            if let found {
                if record != found.record { try update(found.id, record, db) }
                return record
            }
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

    private func row(_ key: ScheduleKey, _ db: Database) throws -> (id: Int64, record: ScheduleRecord)? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT * FROM entries
                WHERE kind = ? AND accountID = ? AND region = ? AND groupName = ? AND name = ?
                """,
            arguments: [key.kind.rawValue, key.accountID, key.region, key.group, key.name]
        )
        return try row.map { (id: $0["id"], record: try record($0)) }
    }

    private func record(_ row: Row) throws -> ScheduleRecord {
        let id: Int64 = row["id"]
        func time(_ column: String) -> Timestamp { Timestamp(millisecondsSinceEpoch: row[column]) }
        guard let kind = ScheduleKey.Kind(rawValue: row["kind"]) else {
            throw ScheduleStoreError.contentChanged(row: id)
        }
        let key = ScheduleKey(
            kind,
            accountID: row["accountID"],
            region: row["region"],
            group: row["groupName"],
            name: row["name"]
        )
        do {
            let sealed: Data = row["sealed"]
            let plain = try Envelope.open([UInt8](sealed), context: "\(key.arn) definition", with: masterKey)
            var record = ScheduleRecord(
                key: key,
                definition: try JSONDecoder().decode(ScheduleDefinition.self, from: Data(plain)),
                isEnabled: row["isEnabled"],
                token: row["token"],
                tags: try JSONDecoder().decode([String: String].self, from: row["tags"]),
                now: time("created")
            )
            record.modified = time("modified")
            record.anchor = time("anchor")
            record.progress = ScheduleProgress(after: time("after"))
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

    /// In the order of their groups and names.
    package func list(_ selection: Selection, limit: Int) async throws -> [ScheduleRecord] {
        try await read { [self] db in
            try Row.fetchAll(
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
            ).map(record)
        }
    }

    /// The rules of an account in a region that have an event pattern and are enabled.
    package func rulesWithPattern(accountID: String, region: String) async throws -> [ScheduleRecord] {
        try await read { [self] db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM entries WHERE hasPattern = 1 AND accountID = ? AND region = ? AND isEnabled = 1",
                arguments: [accountID, region]
            ).map(record)
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

    /// How long an entry waits whose account has as many deliveries waiting as it may, or which can't be read.
    private static let pause = Duration.seconds(60)

    /// Gives entries that are due to `body`, and keeps what it makes of them, all in one transaction.
    ///
    /// Those whose row is not what was written are told to `unreadable`, by their number, once a minute.
    /// - Returns: how many were due, up to `limit`.
    package func turn(
        now: Timestamp,
        limit: Int,
        unreadable: @escaping @Sendable (Int64) -> Void,
        _ body: @escaping @Sendable (ScheduleRecord) -> Outcome
    ) async throws -> Int {
        try await write { [self] db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM entries WHERE due <= ? ORDER BY due LIMIT ?",
                arguments: [now.millisecondsSinceEpoch, limit]
            )
            var counts: [String: Int] = [:]
            for row in rows {
                let id: Int64 = row["id"]
                let account: String = row["accountID"]
                let waiting = try counts[account] ?? Self.waiting(account, db)
                counts[account] = waiting
                let found = try? record(row)
                if found == nil { unreadable(id) }
                guard var record = found, waiting < ScheduleLimits.deliveriesMax else {
                    try db.execute(
                        sql: "UPDATE entries SET due = ? WHERE id = ?",
                        arguments: [now.advanced(by: Self.pause).millisecondsSinceEpoch, id]
                    )
                    continue
                }
                let outcome = body(record)
                for delivery in outcome.deliveries { try insert(delivery, due: now, db) }
                counts[account] = waiting + outcome.deliveries.count
                if outcome.isDeleted {
                    try db.execute(sql: "DELETE FROM entries WHERE id = ?", arguments: [id])
                } else {
                    record.progress = outcome.progress
                    try db.execute(
                        sql: "UPDATE entries SET due = ?, after = ? WHERE id = ?",
                        arguments: [
                            record.due?.millisecondsSinceEpoch, record.progress.after.millisecondsSinceEpoch, id,
                        ]
                    )
                }
            }
            return rows.count
        }
    }

    private static func waiting(_ account: String, _ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM deliveries WHERE accountID = ?", arguments: [account]) ?? 0
    }

    /// When something falls due next; nil where nothing will.
    package func nextDue() async throws -> Timestamp? {
        try await read { db in
            let entry = try Int64.fetchOne(db, sql: "SELECT MIN(due) FROM entries WHERE due IS NOT NULL")
            let delivery = try Int64.fetchOne(db, sql: "SELECT MIN(due) FROM deliveries")
            return [entry, delivery].compactMap(\.self).min().map { Timestamp(millisecondsSinceEpoch: $0) }
        }
    }

    // MARK: Deliveries

    /// Keeps deliveries of an account, all or none; they are durable when this returns.
    ///
    /// - Throws: `ScheduleError` (`throttled`) where as many wait as may.
    package func add(_ deliveries: [ScheduleDelivery], accountID: String, now: Timestamp) async throws {
        try await write { [self] db in
            guard try Self.waiting(accountID, db) + deliveries.count <= ScheduleLimits.deliveriesMax else {
                throw ScheduleError(
                    .throttled,
                    "\(ScheduleLimits.deliveriesMax) deliveries of the account wait already."
                )
            }
            for delivery in deliveries { try insert(delivery, due: now, db) }
        }
    }

    private func insert(_ delivery: ScheduleDelivery, due: Timestamp, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO deliveries (deliveryID, accountID, due, attempts, sealed) VALUES (?, ?, ?, 0, ?)",
            arguments: [delivery.id, delivery.source.accountID, due.millisecondsSinceEpoch, try sealed(delivery)]
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
        var sealed: Data
    }

    /// Those that are to be tried now.
    ///
    /// One whose row is not what was written is told to `unreadable`, by its id, and dropped.
    package func dueDeliveries(
        now: Timestamp,
        limit: Int,
        unreadable: @escaping @Sendable (String) -> Void
    ) async throws -> [WaitingDelivery] {
        let rows = try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM deliveries WHERE due <= ? ORDER BY due, id LIMIT ?",
                arguments: [now.millisecondsSinceEpoch, limit]
            ).map {
                SealedDelivery(row: $0["id"], id: $0["deliveryID"], attempts: $0["attempts"], sealed: $0["sealed"])
            }
        }
        var found: [WaitingDelivery] = []
        for row in rows {
            do {
                let plain = try Envelope.open([UInt8](row.sealed), context: "delivery \(row.id)", with: masterKey)
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
