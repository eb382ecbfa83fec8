// SPDX-License-Identifier: Apache-2.0
import GRDB

/// How far event source mappings are in the shards of their streams; the texts are their owner's.
extension MetadataStore {
    /// By shard.
    package func streamPositions(accountID: String, region: String, mapping: String) async throws -> [String: String] {
        try await readRows { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT shard, position FROM streamPositions WHERE accountID = ? AND region = ? AND mapping = ?",
                arguments: [accountID, region, mapping]
            )
            return Dictionary(rows.map { ($0["shard"], $0["position"]) }) { first, _ in first }
        }
    }

    /// Saves and removes (nil) positions in one transaction; nothing where the document that they belong to is gone.
    ///
    /// Configurations stay as they are, so that what was read of them holds.
    package func setStreamPositions(
        _ positions: [String: String?],
        accountID: String,
        region: String,
        mapping: String,
        kind: String
    ) async throws {
        try await writeAside { db in
            let isThere =
                try Bool.fetchOne(
                    db,
                    sql: """
                        SELECT EXISTS (
                            SELECT 1 FROM accountDocuments WHERE accountID = ? AND region = ? AND kind = ? AND id = ?
                        )
                        """,
                    arguments: [accountID, region, kind, mapping]
                ) ?? false
            guard isThere else { return }
            for (shard, position) in positions {
                guard let position else {
                    try db.execute(
                        sql: """
                            DELETE FROM streamPositions
                            WHERE accountID = ? AND region = ? AND mapping = ? AND shard = ?
                            """,
                        arguments: [accountID, region, mapping, shard]
                    )
                    continue
                }
                try db.execute(
                    sql: """
                        INSERT OR REPLACE INTO streamPositions (accountID, region, mapping, shard, position)
                        VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [accountID, region, mapping, shard, position]
                )
            }
        }
    }
}

extension MetadataTransaction {
    /// Of a mapping that goes.
    package func removeStreamPositions(accountID: String, region: String, mapping: String) throws {
        try db.execute(
            sql: "DELETE FROM streamPositions WHERE accountID = ? AND region = ? AND mapping = ?",
            arguments: [accountID, region, mapping]
        )
    }
}
