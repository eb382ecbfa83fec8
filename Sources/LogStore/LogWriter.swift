// SPDX-License-Identifier: Apache-2.0
import GRDB
import LambdaModel

/// Writes entries inside the caller's transaction: what many of them change in one row is changed once, at the end.
struct LogWriter {
    private struct Group {
        var id: Int64
        var addedBytes: Int64 = 0
        /// By the bytes of their names: texts that look the same are not.
        var streams: [[UInt8]: Stream] = [:]
    }

    private struct Stream {
        var id: Int64
        var firstEventTime = Int64.max
        var lastEventTime = Int64.min
        var ingestionTime: Int64 = 0
    }

    private let db: Database
    private let insertion: EventInsertion
    private var groups: [LogGroupKey: Group] = [:]

    init(_ db: Database) throws {
        self.db = db
        insertion = try EventInsertion(db)
    }

    mutating func write(_ entry: JournalEntry, ingestedAt: Timestamp) throws {
        if let usage = entry.usage { try write(usage) }
        guard !entry.events.isEmpty else { return }
        let ingestionTime = ingestedAt.millisecondsSinceEpoch
        var group = try groups.removeValue(forKey: entry.group) ?? Group(id: groupID(entry.group, at: ingestionTime))
        let name = Array(entry.stream.utf8)
        var stream =
            try group.streams[name]
            ?? Stream(id: streamID(entry.stream, group: group.id, at: ingestionTime))
        for event in entry.events {
            let time = event.timestamp.millisecondsSinceEpoch
            stream.firstEventTime = min(stream.firstEventTime, time)
            stream.lastEventTime = max(stream.lastEventTime, time)
            try insertion.insert(event, group: group.id, stream: stream.id, ingestionTime: ingestionTime)
        }
        stream.ingestionTime = max(stream.ingestionTime, ingestionTime)
        group.addedBytes += entry.bytes
        group.streams[name] = stream
        groups[entry.group] = group
    }

    /// - Returns: Whether something is now over its limit.
    func end(_ retention: LogRetention) throws -> Bool {
        var isOverLimit = false
        let updateStream = try db.cachedStatement(
            sql: """
                UPDATE logStreams SET lastEventTime = MAX(lastEventTime, ?1), lastIngestionTime = ?2,
                    firstEventTime = CASE WHEN firstEventTime < 0 THEN ?3 ELSE MIN(firstEventTime, ?3) END
                WHERE id = ?4
                """
        )
        let updateGroup = try db.cachedStatement(
            sql: "UPDATE logGroups SET bytes = bytes + ?1, unsealedBytes = unsealedBytes + ?1 WHERE id = ?2"
        )
        let selectBytes = try db.cachedStatement(sql: "SELECT bytes FROM logGroups WHERE id = ?")
        for group in groups.values {
            for stream in group.streams.values {
                try updateStream.execute(arguments: [
                    stream.lastEventTime, stream.ingestionTime, stream.firstEventTime, stream.id,
                ])
            }
            try updateGroup.execute(arguments: [group.addedBytes, group.id])
            let bytes = try Int64.fetchOne(selectBytes, arguments: [group.id]) ?? 0
            isOverLimit = isOverLimit || bytes > retention.groupBytesMax
        }
        let total = try Totals.add(groups.values.reduce(0) { $0 + $1.addedBytes }, db)
        return isOverLimit || total > retention.totalBytesMax
    }

    private func groupID(_ group: LogGroupKey, at time: Int64) throws -> Int64 {
        if let id = try LogGroupRecord.id(of: group, db) { return id }
        try db.execute(
            sql: "INSERT INTO logGroups (accountID, region, name, createdAt) VALUES (?, ?, ?, ?)",
            arguments: [group.accountID, group.region, group.name, time]
        )
        return db.lastInsertedRowID
    }

    private func streamID(_ name: String, group: Int64, at time: Int64) throws -> Int64 {
        if let id = try LogStreamRecord.id(of: name, group: group, db) { return id }
        try db.execute(
            sql: "INSERT INTO logStreams (groupID, name, createdAt) VALUES (?, ?, ?)",
            arguments: [group, name, time]
        )
        return db.lastInsertedRowID
    }

    private func write(_ usage: UsageRecord) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO usageRecords (accountID, region, startedAt, functionName, version, requestID, memoryMiB,
                    durationMicroseconds, billedMilliseconds, initMicroseconds, maxMemoryUsedMiB, ephemeralStorageMiB,
                    egressBytes, ingressBytes, outcome, architecture, executedEnvironmentID, origin, records,
                    isProvisioned)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            usage.function.accountID, usage.function.region, usage.startedAt.millisecondsSinceEpoch,
            usage.function.name, usage.version, usage.requestID, usage.memoryMiB, usage.durationMicroseconds,
            usage.billedMilliseconds, usage.initMicroseconds, usage.maxMemoryUsedMiB, usage.ephemeralStorageMiB,
            usage.egressBytes, usage.ingressBytes, usage.outcome, usage.architecture.rawValue,
            usage.executedEnvironmentID, usage.origin.name, usage.origin.records, usage.isProvisioned,
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

    /// Adds to how many streams stay without events, and returns it.
    @discardableResult
    static func addKeptStreams(_ count: Int, _ db: Database) throws -> Int {
        try db.cachedStatement(sql: "UPDATE totals SET value = value + ? WHERE name = 'keptStreams'")
            .execute(arguments: [count])
        return try keptStreams(db)
    }

    static func keptStreams(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT value FROM totals WHERE name = 'keptStreams'") ?? 0
    }

    /// The last of the journal's entries that is in the database.
    static func journalSequence(_ db: Database) throws -> UInt64 {
        let sequence = try Int64.fetchOne(db, sql: "SELECT value FROM totals WHERE name = 'journalSequence'")
        return UInt64(clamping: sequence ?? 0)
    }

    /// Changes a number, whatever else a transaction changes.
    static func countSync(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO totals (name, value) VALUES ('journalSyncs', 1) ON CONFLICT DO UPDATE SET value = value + 1
                """
        ).execute()
    }

    static func setJournalSequence(_ sequence: UInt64, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE totals SET value = ? WHERE name = 'journalSequence'")
            .execute(arguments: [Int64(clamping: sequence)])
    }
}
