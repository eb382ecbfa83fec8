// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

enum LogSchema {
    /// Migrations are only ever added, never changed: databases in use have run them.
    ///
    /// Messages are BLOBs, since a customer's line may hold NUL, at which SQLite's text functions end.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 logs and usage") { db in
            try db.execute(
                sql: """
                    CREATE TABLE logGroups (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        name TEXT NOT NULL,
                        bytes INTEGER NOT NULL DEFAULT 0,
                        isDeleted INTEGER NOT NULL DEFAULT 0
                    ) STRICT;
                    CREATE UNIQUE INDEX logGroupsByName ON logGroups (accountID, region, name) WHERE isDeleted = 0;
                    CREATE INDEX logGroupsBySize ON logGroups (isDeleted, bytes);

                    CREATE TABLE logStreams (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        groupID INTEGER NOT NULL REFERENCES logGroups (id),
                        name TEXT NOT NULL,
                        UNIQUE (groupID, name)
                    ) STRICT;

                    CREATE TABLE logEvents (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        groupID INTEGER NOT NULL REFERENCES logGroups (id),
                        streamID INTEGER NOT NULL REFERENCES logStreams (id),
                        timestamp INTEGER NOT NULL,
                        ingestionTime INTEGER NOT NULL,
                        message BLOB NOT NULL
                    ) STRICT;
                    CREATE INDEX logEventsByGroup ON logEvents (groupID, timestamp);
                    CREATE INDEX logEventsByStream ON logEvents (streamID, timestamp);

                    CREATE TABLE totals (
                        name TEXT NOT NULL PRIMARY KEY,
                        value INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO totals (name, value) VALUES ('eventBytes', 0);

                    CREATE TABLE usageRecords (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        startedAt INTEGER NOT NULL,
                        functionName TEXT NOT NULL,
                        version TEXT NOT NULL,
                        requestID TEXT NOT NULL,
                        memoryMiB INTEGER NOT NULL,
                        durationMicroseconds INTEGER NOT NULL,
                        billedMilliseconds INTEGER NOT NULL,
                        initMicroseconds INTEGER,
                        maxMemoryUsedMiB INTEGER NOT NULL,
                        ephemeralStorageMiB INTEGER NOT NULL,
                        egressBytes INTEGER NOT NULL,
                        ingressBytes INTEGER NOT NULL,
                        outcome TEXT NOT NULL,
                        architecture TEXT NOT NULL,
                        executedEnvironmentID TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX usageRecordsByTime ON usageRecords (accountID, region, startedAt);
                    """
            )
        }
        return migrator
    }
}

/// Writes entries inside the caller's transaction.
enum LogWriter {
    /// - Returns: Whether something is now over its limit.
    static func write(
        _ entries: [JournalEntry],
        ingestedAt: Timestamp,
        retention: LogRetention,
        _ db: Database
    ) throws -> Bool {
        var isOverLimit = false
        for entry in entries {
            if !entry.events.isEmpty {
                let groupBytes = try write(entry, ingestedAt: ingestedAt, db)
                isOverLimit = isOverLimit || groupBytes > retention.groupBytesMax
            }
            if let usage = entry.usage { try write(usage, db) }
        }
        let total = try Totals.add(entries.reduce(0) { $0 + $1.bytes }, db)
        return isOverLimit || total > retention.totalBytesMax
    }

    /// Returns the group's bytes with the entry's.
    private static func write(_ entry: JournalEntry, ingestedAt: Timestamp, _ db: Database) throws -> Int64 {
        let groupID = try groupID(entry.group, db)
        let streamID = try streamID(entry.stream, group: groupID, db)
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO logEvents (groupID, streamID, timestamp, ingestionTime, message) VALUES (?, ?, ?, ?, ?)
                """
        )
        for event in entry.events {
            try insert.execute(arguments: [
                groupID, streamID, event.timestamp.millisecondsSinceEpoch, ingestedAt.millisecondsSinceEpoch,
                Data(event.message.utf8),
            ])
        }
        try db.cachedStatement(sql: "UPDATE logGroups SET bytes = bytes + ? WHERE id = ?")
            .execute(arguments: [entry.bytes, groupID])
        return try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT bytes FROM logGroups WHERE id = ?"),
            arguments: [groupID]
        ) ?? 0
    }

    private static func groupID(_ group: LogGroupKey, _ db: Database) throws -> Int64 {
        let arguments: StatementArguments = [group.accountID, group.region, group.name]
        let find = try db.cachedStatement(
            sql: "SELECT id FROM logGroups WHERE accountID = ? AND region = ? AND name = ? AND isDeleted = 0"
        )
        if let id = try Int64.fetchOne(find, arguments: arguments) { return id }
        try db.execute(sql: "INSERT INTO logGroups (accountID, region, name) VALUES (?, ?, ?)", arguments: arguments)
        return db.lastInsertedRowID
    }

    private static func streamID(_ name: String, group: Int64, _ db: Database) throws -> Int64 {
        let find = try db.cachedStatement(sql: "SELECT id FROM logStreams WHERE groupID = ? AND name = ?")
        if let id = try Int64.fetchOne(find, arguments: [group, name]) { return id }
        try db.execute(sql: "INSERT INTO logStreams (groupID, name) VALUES (?, ?)", arguments: [group, name])
        return db.lastInsertedRowID
    }

    private static func write(_ usage: UsageRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO usageRecords (accountID, region, startedAt, functionName, version, requestID, memoryMiB,
                    durationMicroseconds, billedMilliseconds, initMicroseconds, maxMemoryUsedMiB, ephemeralStorageMiB,
                    egressBytes, ingressBytes, outcome, architecture, executedEnvironmentID)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            usage.function.accountID, usage.function.region, usage.startedAt.millisecondsSinceEpoch,
            usage.function.name, usage.version, usage.requestID, usage.memoryMiB, usage.durationMicroseconds,
            usage.billedMilliseconds, usage.initMicroseconds, usage.maxMemoryUsedMiB, usage.ephemeralStorageMiB,
            usage.egressBytes, usage.ingressBytes, usage.outcome, usage.architecture.rawValue,
            usage.executedEnvironmentID,
        ])
    }
}

enum Totals {
    /// Adds to the bytes of all events, and returns them.
    static func add(_ bytes: Int64, _ db: Database) throws -> Int64 {
        try db.cachedStatement(sql: "UPDATE totals SET value = value + ? WHERE name = 'eventBytes'")
            .execute(arguments: [bytes])
        return try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT value FROM totals WHERE name = 'eventBytes'")
        ) ?? 0
    }
}

/// Drops what is over a limit, a little at a time.
enum LogTrimmer {
    /// One transaction's share: some milliseconds.
    static let eventsMax = 1_000

    /// One step, inside the caller's transaction.
    ///
    /// - Returns: Whether nothing is left to do.
    static func trim(_ retention: LogRetention, _ db: Database) throws -> Bool {
        if let deleted = try Int64.fetchOne(db, sql: "SELECT id FROM logGroups WHERE isDeleted = 1 LIMIT 1") {
            if try dropOldest(of: deleted, bytesMin: .max, db) == 0 {
                try db.execute(sql: "DELETE FROM logStreams WHERE groupID = ?", arguments: [deleted])
                try db.execute(sql: "DELETE FROM logGroups WHERE id = ?", arguments: [deleted])
            }
            return false
        }
        guard
            let largest = try Row.fetchOne(
                db,
                sql: "SELECT id, bytes FROM logGroups WHERE isDeleted = 0 ORDER BY bytes DESC LIMIT 1"
            )
        else { return true }
        let id: Int64 = largest[0]
        let excess = max(
            (largest[1] as Int64) - retention.groupBytesMax,
            try Totals.add(0, db) - retention.totalBytesMax
        )
        guard excess > 0 else { return true }
        // A little more than needed, so that not every append from now on starts this again.
        let spare = min(retention.groupBytesMax, retention.totalBytesMax) / 32
        // Nothing there though bytes are counted: they would be counted for ever.
        return try dropOldest(of: id, bytesMin: excess + spare, db) == 0
    }

    /// Drops events until `bytesMin` are gone or there was enough for one step; returns how many.
    private static func dropOldest(of group: Int64, bytesMin: Int64, _ db: Database) throws -> Int {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, streamID, length(message) FROM logEvents WHERE groupID = ?
                ORDER BY timestamp, id LIMIT ?
                """,
            arguments: [group, eventsMax]
        )
        var dropped: Int64 = 0
        var count = 0
        var streams: Set<Int64> = []
        let delete = try db.cachedStatement(sql: "DELETE FROM logEvents WHERE id = ?")
        for row in rows {
            guard dropped < bytesMin else { break }
            try delete.execute(arguments: [row[0] as Int64])
            streams.insert(row[1])
            dropped += (row[2] as Int64) + LogStore.eventOverheadBytes
            count += 1
        }
        try db.execute(sql: "UPDATE logGroups SET bytes = bytes - ? WHERE id = ?", arguments: [dropped, group])
        _ = try Totals.add(-dropped, db)
        // A stream goes with its last event: there is one per execution environment, so they would pile up.
        for stream in streams {
            try db.execute(
                sql: """
                    DELETE FROM logStreams
                    WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM logEvents WHERE streamID = ?1)
                    """,
                arguments: [stream]
            )
        }
        return count
    }
}
