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
            guard try Self.id(key, db) == nil else {
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

    /// Also of a stream whose row is not what was written.
    private static func id(_ key: StreamKey, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db,
            sql: "SELECT id FROM streams WHERE accountID = ? AND region = ? AND name = ?",
            arguments: [key.accountID, key.region, key.name]
        )
    }

    private static func checkShards(_ key: StreamKey, adding count: Int, _ db: Database) throws {
        guard count > 0 else { return }
        let present = try openShards(key.accountID, key.region, db)
        guard present + count <= StreamLimits.openShardsMax else {
            throw StreamError(
                .limitExceeded,
                "This request would exceed the shard limit for the account \(key.accountID) in \(key.region). Current shard count for "
                    + "the account: \(present). Limit: \(StreamLimits.openShardsMax). Number of additional shards that would have "
                    + "resulted from this request: \(count)."
            )
        }
    }

    private static func checkOnDemand(_ key: StreamKey, _ db: Database) throws {
        guard try onDemandStreams(key.accountID, key.region, db) < StreamLimits.onDemandStreamsMax else {
            throw StreamError(
                .limitExceeded,
                "The account \(key.accountID) has \(StreamLimits.onDemandStreamsMax) streams on demand in \(key.region), as many as it "
                    + "may have."
            )
        }
    }

    /// What is there of an account in a region.
    package func counts(accountID: String, region: String) async throws -> StreamCounts {
        try await read { db in
            StreamCounts(
                openShards: try Self.openShards(accountID, region, db),
                onDemandStreams: try Self.onDemandStreams(accountID, region, db)
            )
        }
    }

    private static func openShards(_ accountID: String, _ region: String, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db,
            sql: """
                SELECT COUNT(*) FROM shards WHERE closed IS NULL AND stream IN
                    (SELECT id FROM streams WHERE accountID = ? AND region = ?)
                """,
            arguments: [accountID, region]
        ) ?? 0
    }

    private static func mode(_ settings: Data) -> StreamSettings.Mode? {
        (try? JSONDecoder().decode(StreamSettings.self, from: settings))?.mode
    }

    private static func onDemandStreams(_ accountID: String, _ region: String, _ db: Database) throws -> Int {
        let settings = try Data?.fetchAll(
            db,
            sql: "SELECT settings FROM streams WHERE accountID = ? AND region = ?",
            arguments: [accountID, region]
        )
        return settings.count { $0.flatMap(mode) == .onDemand }
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

    /// Deletes a stream with its records, which are gone at once and leave the disk little by little; gives its shards' numbers in the store.
    ///
    /// Also one whose row is not what was written.
    @discardableResult
    package func delete(_ key: StreamKey) async throws -> [Int64] {
        defer { forget(key) }
        return try await write { [self] db in
            guard let id = try Self.id(key, db) else { throw StreamError.noStream(key) }
            let shards = try Int64.fetchAll(db, sql: "SELECT id FROM shards WHERE stream = ?", arguments: [id])
            forgetWritten(key)
            try db.execute(sql: "DELETE FROM streams WHERE id = ?", arguments: [id])
            try Self.abandon(shards, db)
            return shards
        }
    }

    /// Streams of an account in a region in the order of their names, from the one after `after`; those whose row is not what was written too.
    package func list(accountID: String, region: String, after: String = "", limit: Int) async throws -> [StreamSummary]
    {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM streams WHERE accountID = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
                arguments: [accountID, region, after, limit]
            ).map { row in
                guard let name = try? row.decode(String.self, forColumn: "name") else {
                    throw StreamStoreError.contentChanged(stream: row["id"])
                }
                return StreamSummary(
                    key: StreamKey(accountID: accountID, region: region, name: name),
                    mode: (try? row.decode(Data.self, forColumn: "settings")).flatMap(Self.mode),
                    created: (try? Timestamp(stored: row.decode(forColumn: "created")))
                        ?? Timestamp(millisecondsSinceEpoch: 0)
                )
            }
        }
    }

    // MARK: Time

    /// Rows that one transaction of a sweep drops, and bytes in them, but one row in any case.
    private static let sweepRows = 500
    private static let sweepBytes = 8 << 20

    /// Drops what is too old, and what was deleted with its stream.
    ///
    /// In many small transactions, between which others get their turn. Of streams whose rows are not what was written nothing is dropped, and
    /// `damaged` told their numbers.
    package func sweep(now: Timestamp, damaged: @Sendable (Int64) -> Void = { _ in }) async throws {
        var last: Int64 = .min
        while let stream = try await stream(after: last) {
            do { try await expire(stream, now) } catch StreamStoreError.contentChanged(let changed) { damaged(changed) }
            last = stream
        }
        while try await dropAbandoned() {}
    }

    private func stream(after id: Int64) async throws -> Int64? {
        try await read { db in
            try Int64.fetchOne(db, sql: "SELECT id FROM streams WHERE id > ? ORDER BY id LIMIT 1", arguments: [id])
        }
    }

    private func expire(_ id: Int64, _ now: Timestamp) async throws {
        let found = try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM streams WHERE id = ?", arguments: [id])
                .map { try Self.record($0, db) }
        }
        guard let stream = found else { return }
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
    }

    /// One transaction's worth; whether there is more.
    func dropRecords(of shard: Int64, before horizon: Timestamp) async throws -> Bool {
        let arguments: StatementArguments = [shard, horizon.millisecondsSinceEpoch]
        // Most shards have nothing that is too old: no transaction for those.
        let sql = "SELECT id FROM records WHERE shard = ? AND arrival < ? LIMIT 1"
        guard try await read({ try Int64.fetchOne($0, sql: sql, arguments: arguments) }) != nil else { return false }
        return try await write(isSynced: false) { db in
            try Self.drop("shard = ? AND arrival < ?", arguments, db)
        }
    }

    private static func drop(_ condition: String, _ arguments: StatementArguments, _ db: Database) throws -> Bool {
        let found = try Row.fetchAll(
            db,
            sql: "SELECT id, length(sealed) FROM records WHERE \(condition) LIMIT \(sweepRows)",
            arguments: arguments
        )
        let delete = try db.cachedStatement(sql: "DELETE FROM records WHERE id = ?")
        var bytes = 0
        for row in found {
            guard bytes < sweepBytes else { return true }
            try delete.execute(arguments: [row.decode(Int64.self, atIndex: 0)])
            bytes += (try? row.decode(Int.self, atIndex: 1)) ?? 0
        }
        return found.count == sweepRows
    }

    func dropAbandoned() async throws -> Bool {
        let sql = "SELECT id FROM abandonedShards LIMIT 1"
        guard try await read({ try Int64.fetchOne($0, sql: sql) }) != nil else { return false }
        return try await write(isSynced: false) { db in
            guard let shard = try Int64.fetchOne(db, sql: sql) else { return false }
            if try !Self.drop("shard = ?", [shard], db) {
                try db.execute(sql: "DELETE FROM abandonedShards WHERE id = ?", arguments: [shard])
            }
            return true
        }
    }
}
