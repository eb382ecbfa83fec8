// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel
package import QueueCore

/// Queues as such: made, set, listed, emptied and deleted.
extension QueueStore {
    /// Makes a queue unless there is one of its name.
    ///
    /// - Returns: the one that was there, unchanged, or nil when this one was made.
    /// - Throws: `QueueError.overLimit` when there are `queuesMax`.
    package func create(_ queue: QueueRecord) async throws -> QueueRecord? {
        defer { forget(queue.key) }
        return try await write(isSynced: true) { [self] db in
            forget(queue.key)
            if let existing = try record(queue.key, db) { return existing }
            let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM queues") ?? 0
            guard count < Self.queuesMax else {
                throw QueueError(.overLimit, "There are \(Self.queuesMax) queues already.")
            }
            try Self.insert(queue, db)
            return nil
        }
    }

    private static func insert(_ queue: QueueRecord, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO queues (accountID, region, name, settings, tags, created, modified, purged)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                queue.key.accountID, queue.key.region, queue.key.name, try JSONEncoder().encode(queue.settings),
                try JSONEncoder().encode(queue.tags), queue.created.millisecondsSinceEpoch,
                queue.modified.millisecondsSinceEpoch, queue.purged?.millisecondsSinceEpoch,
            ]
        )
    }

    /// Changes a queue's settings or tags.
    package func update(
        _ key: QueueKey,
        _ body: @escaping @Sendable (inout QueueRecord) throws -> Void
    ) async throws {
        defer { forget(key) }
        try await write(isSynced: true) { [self] db in
            var queue = try existing(key, db)
            forget(key)
            try body(&queue)
            try db.execute(
                sql: "UPDATE queues SET settings = ?, tags = ?, modified = ? WHERE id = ?",
                arguments: [
                    try JSONEncoder().encode(queue.settings), try JSONEncoder().encode(queue.tags),
                    queue.modified.millisecondsSinceEpoch, queue.id,
                ]
            )
        }
    }

    /// Deletes a queue with its messages, which are gone at once and leave the disk little by little.
    ///
    /// Also one whose row is not what was written.
    package func delete(_ key: QueueKey) async throws {
        defer { forget(key) }
        try await write(isSynced: true) { [self] db in
            let id = try Int64.fetchOne(
                db,
                sql: "SELECT id FROM queues WHERE accountID = ? AND region = ? AND name = ?",
                arguments: [key.accountID, key.region, key.name]
            )
            guard let id else { throw QueueError.noQueue }
            forget(key)
            try Self.abandon(id, db)
        }
    }

    /// Empties a queue, what is in flight included; it forgets what it knew for deduplication too.
    ///
    /// - Throws: `QueueError` within a minute of another purge.
    package func purge(_ key: QueueKey, now: Timestamp) async throws {
        defer { forget(key) }
        try await write(isSynced: true) { [self] db in
            var queue = try existing(key, db)
            if let purged = queue.purged, now < purged.advanced(by: .seconds(60)) {
                throw QueueError(
                    .purgeQueueInProgress,
                    "Only one PurgeQueue operation on \(key.name) is allowed every 60 seconds."
                )
            }
            forget(key)
            try Self.abandon(queue.id, db)
            queue.purged = now
            try Self.insert(queue, db)
        }
    }

    private static func abandon(_ queue: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM queues WHERE id = ?", arguments: [queue])
        try db.execute(sql: "INSERT INTO abandonedQueues (id) VALUES (?)", arguments: [queue])
    }

    /// Queues of an account in a region in the order of their names, from the one after `after`.
    package func list(
        accountID: String,
        region: String,
        prefix: String = "",
        after: String = "",
        limit: Int
    ) async throws -> [QueueRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM queues WHERE accountID = ? AND region = ? AND name > ? AND substr(name, 1, ?) = ?
                    ORDER BY name LIMIT ?
                    """,
                arguments: [accountID, region, after, prefix.count, prefix, limit]
            ).map(Self.record)
        }
    }

    // MARK: Time

    /// Rows that one transaction of a sweep drops.
    private static let sweepRows = 500
    private static let sweepQueues = 200

    /// Drops what is too old, what was deleted with its queue, and what need not be known any more.
    ///
    /// In many small transactions, between which others get their turn. Of queues whose rows are not what was written nothing is dropped.
    package func sweep(now: Timestamp) async throws {
        var after: Int64? = 0
        while let last = after { after = try await expire(after: last, now) }
        while try await dropAbandoned() {}
        while try await forgetMessages(now) {}
    }

    /// Nil when there are no more queues; the same again where there was more than one transaction drops.
    private func expire(after: Int64, _ now: Timestamp) async throws -> Int64? {
        try await write(isSynced: false) { [self] db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM queues WHERE id > ? ORDER BY id LIMIT ?",
                arguments: [after, Self.sweepQueues]
            )
            var done = after
            var dropped = 0
            for row in rows {
                let id: Int64 = try row.decode(forColumn: "id")
                do {
                    var core = try core(Self.record(row), db, now)
                    dropped += try core.expire(limit: Self.sweepRows - dropped)
                } catch let error as QueueStoreError {
                    onDamage(error)
                }
                guard dropped < Self.sweepRows else { return done }
                done = id
            }
            return rows.count < Self.sweepQueues ? nil : done
        }
    }

    private func dropAbandoned() async throws -> Bool {
        try await write(isSynced: false) { db in
            guard let queue = try Int64.fetchOne(db, sql: "SELECT id FROM abandonedQueues LIMIT 1") else {
                return false
            }
            let ids = try Int64.fetchAll(
                db,
                sql: "SELECT id FROM messages WHERE queue = ? LIMIT ?",
                arguments: [queue, Self.sweepRows]
            )
            for id in ids {
                try db.cachedStatement(sql: "DELETE FROM messages WHERE id = ?").execute(arguments: [id])
                try db.cachedStatement(sql: "DELETE FROM contents WHERE id = ?").execute(arguments: [id])
            }
            var left = Self.sweepRows - ids.count
            for (table, key) in [("messageGroups", "groupKey"), ("rememberedMessages", "key")] where left > 0 {
                try db.execute(
                    sql: """
                        DELETE FROM \(table) WHERE queue = ?1 AND \(key) IN
                            (SELECT \(key) FROM \(table) WHERE queue = ?1 LIMIT ?2)
                        """,
                    arguments: [queue, left]
                )
                left -= db.changesCount
            }
            if left > 0 { try db.execute(sql: "DELETE FROM abandonedQueues WHERE id = ?", arguments: [queue]) }
            return true
        }
    }

    private func forgetMessages(_ now: Timestamp) async throws -> Bool {
        try await write(isSynced: false) { db in
            try db.execute(
                sql: """
                    DELETE FROM rememberedMessages WHERE (queue, key) IN
                        (SELECT queue, key FROM rememberedMessages WHERE until <= ? LIMIT ?)
                    """,
                arguments: [now.millisecondsSinceEpoch, Self.sweepRows]
            )
            return db.changesCount == Self.sweepRows
        }
    }
}
