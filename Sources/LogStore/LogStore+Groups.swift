// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
import GRDB
package import LambdaModel

/// Groups and streams by themselves: events make theirs where they are not there.
extension LogStore {
    /// Of one account in one region.
    package static let groupsMax = 10_000

    /// Changes what is there, after all that was stored before: so that it is of it, and comes behind it.
    func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await catchUp()
        let result = try await writeAlone(body)
        noteChange()
        return result
    }

    /// The same for what concerns older events only.
    func writeAlone<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.write(body) } catch let error where DatabaseFileError.isCause(error) {
            throw LogStoreError(error)
        }
    }

    /// Reads all that was stored before.
    ///
    /// Where some of that can't be written to the database now, nothing is read: who counts or bills would take the rest for all.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await catchUp()
        return try await readAlone(body)
    }

    private func readAlone<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.read(body) } catch let error where DatabaseFileError.isCause(error) {
            throw LogStoreError(error)
        }
    }

    // MARK: Groups

    /// - Throws: `LogStoreError.exists`, or `tooManyGroups`.
    package func createGroup(_ group: LogGroupKey, logClass: String, tags: [String: String]) async throws {
        let time = now()
        try await write { db in
            guard try LogGroupRecord.id(of: group, db) == nil else { throw LogStoreError.exists }
            let count = try Int.fetchOne(
                db,
                sql: "SELECT COUNT(*) FROM logGroups WHERE accountID = ? AND region = ? AND isDeleted = 0",
                arguments: [group.accountID, group.region]
            )
            guard count ?? 0 < Self.groupsMax else { throw LogStoreError.tooManyGroups }
            try db.execute(
                sql: """
                    INSERT INTO logGroups (accountID, region, name, createdAt, class, tags) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    group.accountID, group.region, group.name, time.millisecondsSinceEpoch, logClass,
                    try LogGroupRecord.text(of: tags),
                ]
            )
        }
    }

    /// What is in the journal yet is not in its bytes.
    package func group(_ group: LogGroupKey) async throws -> LogGroupRecord? {
        if let found = try await readAlone({ db in try Self.record(of: group, db) }) { return found }
        return try await read { db in try Self.record(of: group, db) }
    }

    private static func record(of group: LogGroupKey, _ db: Database) throws -> LogGroupRecord? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT \(LogGroupRecord.columns) FROM logGroups
                WHERE accountID = ? AND region = ? AND name = ? AND isDeleted = 0
                """,
            arguments: [group.accountID, group.region, group.name]
        ).map(LogGroupRecord.init)
    }

    /// In the order of their names, from behind `name`: those that begin with `prefix`, and have `part` in them.
    package func groups(
        accountID: String,
        region: String,
        after name: String?,
        prefix: String,
        containing part: String,
        logClass: String?,
        limit: Int
    ) async throws -> [LogGroupRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(LogGroupRecord.columns) FROM logGroups
                    WHERE accountID = ?1 AND region = ?2 AND isDeleted = 0 AND name > ?3 AND name >= ?4
                        AND substr(name, 1, length(?4)) = ?4 AND (?5 = '' OR instr(name, ?5) > 0)
                        AND (?6 IS NULL OR class = ?6)
                    ORDER BY name LIMIT ?7
                    """,
                arguments: [accountID, region, name ?? "", prefix, part, logClass, limit]
            ).map(LogGroupRecord.init)
        }
    }

    /// How long a group's events are kept; nil for ever.
    ///
    /// Older ones are not read any more when this returns.
    /// - Throws: `LogStoreError.noGroup`.
    package func setRetention(_ group: LogGroupKey, days: Int?) async throws {
        try await write { db in
            let id = try LogGroupRecord.existingID(of: group, db)
            try db.execute(sql: "UPDATE logGroups SET retentionDays = ? WHERE id = ?", arguments: [days, id])
        }
    }

    /// - Throws: `LogStoreError.noGroup`, or what `change` throws.
    package func changeTags(
        of group: LogGroupKey,
        _ change: @escaping @Sendable (inout [String: String]) throws -> Void
    ) async throws {
        guard try await self.group(group) != nil else { throw LogStoreError.noGroup }
        try await write { db in
            let id = try LogGroupRecord.existingID(of: group, db)
            let row = try Row.fetchOne(
                db,
                sql: "SELECT \(LogGroupRecord.columns) FROM logGroups WHERE id = ?",
                arguments: [id]
            )
            guard var tags = try row.map(LogGroupRecord.init)?.tags else { throw LogStoreError.noGroup }
            try change(&tags)
            try db.execute(
                sql: "UPDATE logGroups SET tags = ? WHERE id = ?",
                arguments: [try LogGroupRecord.text(of: tags), id]
            )
        }
    }

    // MARK: Streams

    /// Streams that `createStream` made, of one group, of one account and of all.
    ///
    /// Those that came with events go with them, and those are bounded.
    package static let keptStreamsMax = 100_000
    package static let accountKeptStreamsMax = 500_000
    package static let allKeptStreamsMax = 1_000_000

    static func keptStreams(of group: Int64, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(
                sql: "SELECT COUNT(*) FROM logStreams WHERE groupID = ? AND isKept = 1 AND isDeleted = 0"
            ),
            arguments: [group]
        ) ?? 0
    }

    private static func keptStreams(account: String, _ db: Database) throws -> Int {
        try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT COUNT(*) FROM logGroups g JOIN logStreams s ON s.groupID = g.id
                    WHERE g.accountID = ? AND g.isDeleted = 0 AND s.isKept = 1 AND s.isDeleted = 0
                    """
            ),
            arguments: [account]
        ) ?? 0
    }

    /// Makes a stream that stays without events, until it is deleted.
    ///
    /// - Throws: `LogStoreError.noGroup`, `exists` or `tooManyStreams`.
    package func createStream(_ name: String, in group: LogGroupKey) async throws {
        try await createStream(
            name,
            in: group,
            max: Self.keptStreamsMax,
            accountMax: Self.accountKeptStreamsMax,
            allMax: Self.allKeptStreamsMax
        )
    }

    func createStream(_ name: String, in group: LogGroupKey, max: Int, accountMax: Int, allMax: Int) async throws {
        let time = now()
        try await write { db in
            let groupID = try LogGroupRecord.existingID(of: group, db)
            guard try LogStreamRecord.id(of: name, group: groupID, db) == nil else { throw LogStoreError.exists }
            let all = try Totals.addKeptStreams(1, db)
            // An account's are looked for only where all together are as many.
            guard all <= allMax, try Self.keptStreams(of: groupID, db) < max,
                try all <= accountMax || Self.keptStreams(account: group.accountID, db) < accountMax
            else { throw LogStoreError.tooManyStreams }
            try db.execute(
                sql: "INSERT INTO logStreams (groupID, name, createdAt, isKept) VALUES (?, ?, ?, 1)",
                arguments: [groupID, name, time.millisecondsSinceEpoch]
            )
        }
    }

    /// Deletes a stream with its events.
    ///
    /// It is gone for readers when this returns; the space is given back in the background.
    /// - Throws: `LogStoreError.noGroup` or `noStream`.
    package func deleteStream(_ name: String, in group: LogGroupKey) async throws {
        try await write { db in
            let groupID = try LogGroupRecord.existingID(of: group, db)
            guard let id = try LogStreamRecord.id(of: name, group: groupID, db) else { throw LogStoreError.noStream }
            let isKept = try Bool.fetchOne(db, sql: "SELECT isKept FROM logStreams WHERE id = ?", arguments: [id])
            if isKept == true { try Totals.addKeptStreams(-1, db) }
            // Its name may be another's from now on: streams' names have no colon on AWS.
            try db.execute(
                sql: "UPDATE logStreams SET isDeleted = 1, name = ':' || id WHERE id = ?",
                arguments: [id]
            )
        }
        scheduleTrim()
    }

    /// - Throws: `LogStoreError.noGroup`.
    package func hasStream(_ name: String, in group: LogGroupKey) async throws -> Bool {
        // Nothing that is in the journal yet takes a stream away.
        let isThere = try await readAlone { db in
            try LogGroupRecord.id(of: group, db).flatMap { try LogStreamRecord.id(of: name, group: $0, db) } != nil
        }
        if isThere { return true }
        return try await read { db in
            try LogStreamRecord.id(of: name, group: LogGroupRecord.existingID(of: group, db), db) != nil
        }
    }

    /// In the order of their names, or of the times of their last events, from behind `place`.
    ///
    /// - Throws: `LogStoreError.noGroup`.
    package func streams(
        of group: LogGroupKey,
        prefix: String,
        byLastEvent: Bool,
        descending: Bool,
        after place: LogStreamPlace?,
        limit: Int
    ) async throws -> [LogStreamRecord] {
        try await read { db in
            let groupID = try LogGroupRecord.existingID(of: group, db)
            let (comparison, order) = descending ? ("<", "DESC") : (">", "ASC")
            var conditions = "groupID = ? AND isDeleted = 0 AND name >= ? AND substr(name, 1, length(?)) = ?"
            var arguments: StatementArguments = [groupID, prefix, prefix, prefix]
            if let place {
                if byLastEvent {
                    conditions += " AND (lastEventTime, name) \(comparison) (?, ?)"
                    arguments += [place.lastEventTime, place.name]
                } else {
                    conditions += " AND name \(comparison) ?"
                    arguments += [place.name]
                }
            }
            arguments += [limit]
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT name, createdAt, firstEventTime, lastEventTime, lastIngestionTime FROM logStreams
                    WHERE \(conditions) ORDER BY \(byLastEvent ? "lastEventTime \(order), " : "")name \(order) LIMIT ?
                    """,
                arguments: arguments
            ).map(LogStreamRecord.init)
        }
    }

    // MARK: Upkeep

    /// Drops what groups keep no longer, and packs their older events.
    ///
    /// In small transactions between the appends', also where the disk takes nothing else: this makes room. What fails for one group does not keep the others from it.
    /// - Throws: the first failure, or `CancellationError`.
    package func sweep() async throws {
        let time = now()
        let groups = try await readAlone { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, retentionDays, unsealedBytes FROM logGroups
                    WHERE isDeleted = 0 AND (retentionDays IS NOT NULL OR unsealedBytes >= ?)
                    """,
                arguments: [LogSealer.rowBytesMin]
            ).map { row in
                // What can't be read is neither a reason to drop anything nor one to leave rows as they are.
                (
                    id: try row.decode(Int64.self, atIndex: 0), days: try? row.decode(Int.self, atIndex: 1),
                    rowBytes: (try? row.decode(Int64.self, atIndex: 2)) ?? LogSealer.rowBytesMin
                )
            }
        }
        var failure: (any Error)?
        // First what makes room.
        for group in groups {
            guard let horizon = group.days.map({ Self.horizon(days: $0, now: time) }) else { continue }
            do {
                while try await readAlone({ db in try LogTrimmer.hasEvents(of: group.id, before: horizon, db) }) {
                    try Task.checkCancellation()
                    let dropped = try await writeAlone { db in
                        try LogTrimmer.dropOldest(of: group.id, bytesMin: .max, before: horizon, db)
                    }
                    guard dropped > 0 else { break }
                }
            } catch let error as CancellationError { throw error } catch { failure = failure ?? error }
        }
        for group in groups where group.rowBytes >= LogSealer.rowBytesMin {
            do {
                while let plan = try await readAlone({ db in try LogSealer.plan(group: group.id, now: time, db) }) {
                    try Task.checkCancellation()
                    try await writeAlone { db in try LogSealer.seal(plan, db) }
                }
            } catch is LogSealer.Conflict {
                // The next sweep packs what is left.
                continue
            } catch let error as CancellationError { throw error } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// The earliest time of an event that is kept; a number of days that nobody sets keeps all.
    package static func horizon(days: Int, now: Timestamp) -> Int64 {
        (1...36_500).contains(days) ? now.millisecondsSinceEpoch - Int64(days) * 86_400_000 : .min
    }
}
