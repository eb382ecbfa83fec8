// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB

/// How far event source mappings are in the shards of their streams; texts and windows are their owner's.
extension MetadataStore {
    /// What is kept of a shard.
    package struct StreamPlace: Equatable, Sendable {
        package var position: String
        /// What a function has made of the records before it, which is in the file as ciphertext only; nil for nothing.
        package var window: [UInt8]?

        package init(_ position: String, window: [UInt8]? = nil) {
            self.position = position
            self.window = window
        }
    }

    /// What was saved with a shard's position; nil for nothing.
    package func streamWindow(
        accountID: String,
        region: String,
        mapping: String,
        shard: String
    ) async throws -> [UInt8]? {
        let sealed = try await readRows { db in
            try Data.fetchOne(
                db,
                sql: """
                    SELECT sealed FROM streamWindows WHERE accountID = ? AND region = ? AND mapping = ? AND shard = ?
                    """,
                arguments: [accountID, region, mapping, shard]
            )
        }
        return try sealed.map {
            try Envelope.open([UInt8]($0), context: Self.windowContext(mapping, shard), with: masterKey)
        }
    }

    /// An envelope opens in its own row only.
    private static func windowContext(_ mapping: String, _ shard: String) -> String { "\(mapping)/\(shard)/window" }

    /// By shard.
    package func streamPositions(accountID: String, region: String, mapping: String) async throws -> [String: String] {
        try await readRows { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT shard, position FROM streamPositions WHERE accountID = ? AND region = ? AND mapping = ?",
                arguments: [accountID, region, mapping]
            )
            return try rows.reduce(into: [:]) { positions, row in
                // To begin anew would be to skip records, or to read all again.
                guard let shard = try? row.decode(String.self, forColumn: "shard"),
                    let position = try? row.decode(String.self, forColumn: "position")
                else {
                    throw MetadataStoreError.failed(
                        message: "a position of event source mapping \(mapping) was changed since it was stored"
                    )
                }
                positions[shard] = position
            }
        }
    }

    /// Saves and removes (nil) positions and windows in one transaction; nothing where the document that they belong to is gone.
    ///
    /// Configurations stay as they are, so that what was read of them holds.
    package func setStreamPositions(
        _ places: [String: StreamPlace?],
        accountID: String,
        region: String,
        mapping: String,
        kind: String
    ) async throws {
        let windows = try places.compactMapValues { $0?.window }.map { shard, window in
            (shard, Data(try Envelope.seal(window, context: Self.windowContext(mapping, shard), with: masterKey)))
        }
        try await write { db in
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
            for shard in places.keys {
                try db.execute(
                    sql: "DELETE FROM streamWindows WHERE accountID = ? AND region = ? AND mapping = ? AND shard = ?",
                    arguments: [accountID, region, mapping, shard]
                )
            }
            for (shard, window) in windows {
                try db.execute(
                    sql: """
                        INSERT INTO streamWindows (accountID, region, mapping, shard, sealed) VALUES (?, ?, ?, ?, ?)
                        """,
                    arguments: [accountID, region, mapping, shard, window]
                )
            }
            for (shard, place) in places {
                guard let position = place?.position else {
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
        for table in ["streamPositions", "streamWindows"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE accountID = ? AND region = ? AND mapping = ?",
                arguments: [accountID, region, mapping]
            )
        }
    }
}
