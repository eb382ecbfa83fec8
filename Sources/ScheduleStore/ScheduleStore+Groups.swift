// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
package import ScheduleCore

/// Groups of schedules. Each account has one named `default` in each region, which is no row and can't be deleted.
extension ScheduleStore {
    package func group(_ key: ScheduleGroupKey) async throws -> ScheduleGroupRecord? {
        try await read { db in try Self.group(key, db) }
    }

    static func group(_ key: ScheduleGroupKey, _ db: Database) throws -> ScheduleGroupRecord? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT * FROM groups WHERE accountID = ? AND region = ? AND name = ?",
            arguments: [key.accountID, key.region, key.name]
        )
        return try row.map(Self.groupRecord)
    }

    private static func groupRecord(_ row: Row) throws -> ScheduleGroupRecord {
        do {
            var record = ScheduleGroupRecord(
                key: ScheduleGroupKey(
                    accountID: try row.decode(forColumn: "accountID"),
                    region: try row.decode(forColumn: "region"),
                    name: try row.decode(forColumn: "name")
                ),
                token: try row.decode(forColumn: "token"),
                tags: try JSONDecoder().decode([String: String].self, from: row.decode(forColumn: "tags")),
                now: try Timestamp(stored: row.decode(forColumn: "created"))
            )
            record.modified = try Timestamp(stored: row.decode(forColumn: "modified"))
            return record
        } catch {
            throw ScheduleStoreError.groupChanged(name: (try? row.decode(String.self, forColumn: "name")) ?? "")
        }
    }

    /// Makes a group, or changes the one that is there: `body` says what is to be there afterwards.
    @discardableResult
    package func changeGroup(
        _ key: ScheduleGroupKey,
        _ body: @escaping @Sendable (ScheduleGroupRecord?) throws -> ScheduleGroupRecord
    ) async throws -> ScheduleGroupRecord {
        try await write { db in
            let found = try Self.group(key, db)
            let record = try body(found)
            if found == nil {
                let count = try Int.fetchOne(
                    db,
                    sql: "SELECT COUNT(*) FROM groups WHERE accountID = ? AND region = ?",
                    arguments: [key.accountID, key.region]
                )
                guard count ?? 0 < ScheduleLimits.groupsMax else {
                    throw ScheduleError(
                        .quotaExceeded,
                        "There are \(ScheduleLimits.groupsMax) schedule groups already."
                    )
                }
            }
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO groups (accountID, region, name, token, tags, created, modified)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    key.accountID, key.region, key.name, record.token, try JSONEncoder().encode(record.tags),
                    record.created.millisecondsSinceEpoch, record.modified.millisecondsSinceEpoch,
                ]
            )
            return record
        }
    }

    /// Deletes a group with its schedules; what they have sent goes on.
    package func deleteGroup(_ key: ScheduleGroupKey) async throws {
        try await write { db in
            try db.execute(
                sql: "DELETE FROM groups WHERE accountID = ? AND region = ? AND name = ?",
                arguments: [key.accountID, key.region, key.name]
            )
            guard db.changesCount == 1 else { throw Self.noGroup(key.name) }
            try db.execute(
                sql: "DELETE FROM entries WHERE kind = ? AND accountID = ? AND region = ? AND groupName = ?",
                arguments: [ScheduleKey.Kind.schedule.rawValue, key.accountID, key.region, key.name]
            )
        }
    }

    /// In the order of their names.
    package func listGroups(
        accountID: String,
        region: String,
        prefix: String,
        after: String,
        limit: Int
    ) async throws -> [ScheduleGroupRecord] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM groups WHERE accountID = ? AND region = ? AND name > ? AND substr(name, 1, ?) = ?
                    ORDER BY name LIMIT ?
                    """,
                arguments: [accountID, region, after, prefix.count, prefix, limit]
            ).map(Self.groupRecord)
        }
    }
}
