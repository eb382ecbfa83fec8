// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

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
        let groupID = try groupID(entry.group, at: ingestedAt, db)
        let streamID = try streamID(entry.stream, group: groupID, at: ingestedAt, db)
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
        let times = entry.events.map(\.timestamp.millisecondsSinceEpoch)
        try db.cachedStatement(
            sql: """
                UPDATE logStreams SET lastEventTime = MAX(lastEventTime, ?1), lastIngestionTime = ?2,
                    firstEventTime = CASE WHEN firstEventTime < 0 THEN ?3 ELSE MIN(firstEventTime, ?3) END
                WHERE id = ?4
                """
        ).execute(arguments: [times.max(), ingestedAt.millisecondsSinceEpoch, times.min(), streamID])
        try db.cachedStatement(
            sql: "UPDATE logGroups SET bytes = bytes + ?1, unsealedBytes = unsealedBytes + ?1 WHERE id = ?2"
        ).execute(arguments: [entry.bytes, groupID])
        return try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT bytes FROM logGroups WHERE id = ?"),
            arguments: [groupID]
        ) ?? 0
    }

    private static func groupID(_ group: LogGroupKey, at time: Timestamp, _ db: Database) throws -> Int64 {
        if let id = try LogGroupRecord.id(of: group, db) { return id }
        try db.execute(
            sql: "INSERT INTO logGroups (accountID, region, name, createdAt) VALUES (?, ?, ?, ?)",
            arguments: [group.accountID, group.region, group.name, time.millisecondsSinceEpoch]
        )
        return db.lastInsertedRowID
    }

    private static func streamID(
        _ name: String,
        group: Int64,
        at time: Timestamp,
        _ db: Database
    ) throws -> Int64 {
        if let id = try LogStreamRecord.id(of: name, group: group, db) { return id }
        try db.execute(
            sql: "INSERT INTO logStreams (groupID, name, createdAt) VALUES (?, ?, ?)",
            arguments: [group, name, time.millisecondsSinceEpoch]
        )
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
