// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel
package import StreamCore

/// Streams as such: made, changed, listed and deleted.
extension StreamStore {
    /// Makes a stream.
    ///
    /// - Throws: `StreamError` when there is one of its name, or as many shards or streams as there may be.
    package func create(_ stream: StreamRecord) async throws {
        defer { forget(stream.key) }
        try await write { [self] db in
            let key = stream.key
            forgetWritten(key)
            guard try Self.record(key, db) == nil else {
                throw StreamError(
                    .resourceInUse,
                    "Stream \(key.name) under account \(key.accountID) already exists."
                )
            }
            let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM streams") ?? 0
            guard count < StreamLimits.streamsMax else {
                throw StreamError(.limitExceeded, "There are \(StreamLimits.streamsMax) streams already.")
            }
            try Self.checkShards(key, adding: stream.map.open.count, db)
            if stream.settings.mode == .onDemand { try Self.checkOnDemand(key, db) }
            try db.execute(
                sql: """
                    INSERT INTO streams (accountID, region, name, settings, tags, created) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    key.accountID, key.region, key.name, try JSONEncoder().encode(stream.settings),
                    try JSONEncoder().encode(stream.tags), stream.created.millisecondsSinceEpoch,
                ]
            )
            try Self.write(stream.map, over: nil, of: db.lastInsertedRowID, db)
        }
    }

    private static func checkShards(_ key: StreamKey, adding count: Int, _ db: Database) throws {
        let present = try counts(key.accountID, key.region, db).openShards
        guard count <= 0 || present + count <= StreamLimits.openShardsMax else {
            throw StreamError(
                .limitExceeded,
                "This request would exceed the shard limit for the account \(key.accountID) in \(key.region). Current shard count for "
                    + "the account: \(present). Limit: \(StreamLimits.openShardsMax). Number of additional shards that would have "
                    + "resulted from this request: \(count)."
            )
        }
    }

    private static func checkOnDemand(_ key: StreamKey, _ db: Database) throws {
        guard try counts(key.accountID, key.region, db).onDemandStreams < StreamLimits.onDemandStreamsMax else {
            throw StreamError(
                .limitExceeded,
                "The account \(key.accountID) has \(StreamLimits.onDemandStreamsMax) streams on demand in \(key.region), as many as it "
                    + "may have."
            )
        }
    }

    /// What is there of an account in a region.
    package func counts(accountID: String, region: String) async throws -> StreamCounts {
        try await read { db in try Self.counts(accountID, region, db) }
    }

    private static func counts(_ accountID: String, _ region: String, _ db: Database) throws -> StreamCounts {
        var counts = StreamCounts()
        counts.openShards =
            try Int.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*) FROM shards WHERE closed IS NULL AND stream IN
                        (SELECT id FROM streams WHERE accountID = ? AND region = ?)
                    """,
                arguments: [accountID, region]
            ) ?? 0
        let settings = try Data.fetchAll(
            db,
            sql: "SELECT settings FROM streams WHERE accountID = ? AND region = ?",
            arguments: [accountID, region]
        )
        counts.onDemandStreams = settings.count { data in
            (try? JSONDecoder().decode(StreamSettings.self, from: data))?.mode == .onDemand
        }
        return counts
    }

    /// Writes what is new of a stream's shards, and what has changed.
    private static func write(_ map: ShardMap, over old: ShardMap?, of stream: Int64, _ db: Database) throws {
        for shard in map.shards where shard.row == 0 {
            try db.execute(
                sql: """
                    INSERT INTO shards (stream, number, firstKey, lastKey, parents, created, opened, closed)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    stream, shard.number, "\(shard.range.first)", "\(shard.range.last)",
                    shard.parents.map(String.init).joined(separator: " "), shard.created,
                    shard.opened.millisecondsSinceEpoch, shard.closed?.millisecondsSinceEpoch,
                ]
            )
        }
        for shard in old?.shards ?? [] {
            guard let present = map[shard.number] else {
                try abandon([shard.row], db)
                continue
            }
            guard present.closed != shard.closed else { continue }
            try db.execute(
                sql: "UPDATE shards SET closed = ? WHERE id = ?",
                arguments: [present.closed?.millisecondsSinceEpoch, shard.row]
            )
        }
    }

    private static func abandon(_ shards: [Int64], _ db: Database) throws {
        for shard in shards {
            try db.execute(sql: "DELETE FROM shards WHERE id = ?", arguments: [shard])
            try db.execute(sql: "INSERT INTO abandonedShards (id) VALUES (?)", arguments: [shard])
        }
    }

    /// Changes a stream's settings, tags or shards; gives it as it was before, and as it is.
    ///
    /// - Throws: what `body` throws, and then nothing is changed; `StreamError` when the stream is not there, or has too many shards.
    @discardableResult
    package func update(
        _ key: StreamKey,
        _ body: @escaping @Sendable (inout StreamRecord) throws -> Void
    ) async throws -> (before: StreamRecord, after: StreamRecord) {
        defer { forget(key) }
        return try await write { [self] db in
            let before = try existing(key, db)
            var stream = before
            try body(&stream)
            try Self.checkShards(key, adding: stream.map.open.count - before.map.open.count, db)
            if stream.settings.mode == .onDemand, before.settings.mode != .onDemand { try Self.checkOnDemand(key, db) }
            forgetWritten(key)
            try db.execute(
                sql: "UPDATE streams SET settings = ?, tags = ? WHERE id = ?",
                arguments: [
                    try JSONEncoder().encode(stream.settings), try JSONEncoder().encode(stream.tags), stream.id,
                ]
            )
            try Self.write(stream.map, over: before.map, of: stream.id, db)
            stream.map = ShardMap(try Self.shards(of: stream.id, db))
            return (before, stream)
        }
    }

    /// Deletes a stream with its records, which are gone at once and leave the disk little by little; gives it as it was.
    @discardableResult
    package func delete(_ key: StreamKey) async throws -> StreamRecord {
        defer { forget(key) }
        return try await write { [self] db in
            let stream = try existing(key, db)
            forgetWritten(key)
            try db.execute(sql: "DELETE FROM streams WHERE id = ?", arguments: [stream.id])
            try Self.abandon(stream.map.shards.map(\.row), db)
            return stream
        }
    }

    /// Streams of an account in a region in the order of their names, from the one after `after`.
    package func list(accountID: String, region: String, after: String = "", limit: Int) async throws -> [StreamRecord]
    {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM streams WHERE accountID = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
                arguments: [accountID, region, after, limit]
            ).map { try Self.record($0, db) }
        }
    }

    // MARK: Time

    /// Rows that one transaction of a sweep drops.
    private static let sweepRows = 500

    /// Drops what is too old, and what was deleted with its stream.
    ///
    /// In many small transactions, between which others get their turn.
    package func sweep(now: Timestamp) async throws {
        var after: Int64? = 0
        while let last = after { after = try await expire(after: last, now) }
        while try await dropAbandoned() {}
    }

    /// The number of the stream that was looked at; nil when there are no more.
    private func expire(after: Int64, _ now: Timestamp) async throws -> Int64? {
        let found = try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM streams WHERE id > ? ORDER BY id LIMIT 1", arguments: [after])
                .map { try Self.record($0, db) }
        }
        guard let stream = found else { return nil }
        let horizon = stream.settings.horizon(now: now)
        for shard in stream.map.shards {
            while try await dropRecords(of: shard.row, before: horizon) {}
        }
        if stream.map.shards.contains(where: { $0.closed.map { $0 <= horizon } ?? false }) {
            do { try await update(stream.key) { $0.map.expire(horizon: horizon) } } catch let error as StreamError {
                // It was deleted meanwhile.
                guard error.kind == .resourceNotFound else { throw error }
            }
        }
        return stream.id
    }

    private func dropRecords(of shard: Int64, before horizon: Timestamp) async throws -> Bool {
        let sql = "SELECT id FROM records WHERE shard = ? AND arrival < ? LIMIT ?"
        let arguments: StatementArguments = [shard, horizon.millisecondsSinceEpoch, Self.sweepRows]
        // Most shards have nothing that is too old: no transaction for those.
        guard try await read({ try Int64.fetchOne($0, sql: sql, arguments: arguments) }) != nil else { return false }
        return try await write(isSynced: false) { db in
            try db.execute(sql: "DELETE FROM records WHERE id IN (\(sql))", arguments: arguments)
            return db.changesCount == Self.sweepRows
        }
    }

    private func dropAbandoned() async throws -> Bool {
        let sql = "SELECT id FROM abandonedShards LIMIT 1"
        guard try await read({ try Int64.fetchOne($0, sql: sql) }) != nil else { return false }
        return try await write(isSynced: false) { db in
            guard let shard = try Int64.fetchOne(db, sql: sql) else { return false }
            try db.execute(
                sql: "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE shard = ? LIMIT ?)",
                arguments: [shard, Self.sweepRows]
            )
            if db.changesCount < Self.sweepRows {
                try db.execute(sql: "DELETE FROM abandonedShards WHERE id = ?", arguments: [shard])
            }
            return true
        }
    }
}
