// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel

/// What a listing of layers keeps: those whose lists have these; nil for any.
package struct LayerFilter: Equatable, Sendable {
    package var runtime: String?
    package var architecture: String?

    package init(runtime: String? = nil, architecture: String? = nil) {
        self.runtime = runtime
        self.architecture = architecture
    }
}

extension MetadataStore {
    /// nil where there is none, or none any more.
    package func layerVersion(_ key: LayerKey, number: Int) async throws -> LayerVersion? {
        try await readRows { db in try LayerVersionRow.fetch(db, key, number) }?.layerVersion()
    }

    /// - Returns: what it was, or nil where there was none.
    package func deleteLayerVersion(_ key: LayerKey, number: Int) async throws -> LayerVersion? {
        try await change { transaction in try transaction.deleteLayerVersion(key, number: number) }
    }

    /// One page of a layer's versions, the newest first, from below number `before` on; nil for the first.
    ///
    /// `next` is the `before` of the following page, nil when this is the last. `limit` is 1 to 10,000.
    package func layerVersions(
        of key: LayerKey,
        _ filter: LayerFilter,
        before number: Int?,
        limit: Int
    ) async throws -> (page: [LayerVersion], next: Int?) {
        let limit = min(max(limit, 1), 10_000)
        let rows = try await readRows { db in
            try LayerVersionRow.fetchVersions(db, key, filter, before: number ?? Int.max, limit: limit + 1)
        }
        let page = try rows.prefix(limit).map { try $0.layerVersion() }
        return (page, rows.count > limit ? page.last?.number : nil)
    }

    /// One page of an account's layers in a region, by name (byte by byte), right after `name`; nil for the first.
    ///
    /// Of each the newest version that matches; a layer that has none is left out. `next` and `limit` as for versions.
    package func layers(
        accountID: String,
        region: String,
        _ filter: LayerFilter,
        after name: String?,
        limit: Int
    ) async throws -> (page: [LayerVersion], next: String?) {
        let limit = min(max(limit, 1), 10_000)
        let start = LayerKey(accountID: accountID, region: region, name: name ?? "")
        let rows = try await readRows { db in
            try LayerVersionRow.fetchNewest(db, after: start, filter, limit: limit + 1)
        }
        let page = try rows.prefix(limit).map { try $0.layerVersion() }
        return (page, rows.count > limit ? page.last?.key.name : nil)
    }
}

extension MetadataTransaction {
    /// Adds a version under the layer's next number, which is 1 for a layer that never had one.
    ///
    /// - Returns: the version with its number.
    package func publish(_ layer: LayerVersion) throws -> LayerVersion {
        var layer = layer
        layer.number = try LayerVersionRow.takeNumber(db, layer.key)
        try LayerVersionRow(layer).insert(db)
        return layer
    }

    /// nil where there is none, or none any more.
    package func layerVersion(_ key: LayerKey, number: Int) throws -> LayerVersion? {
        try LayerVersionRow.fetch(db, key, number)?.layerVersion()
    }

    /// - Returns: what it was, or nil where there was none.
    package func deleteLayerVersion(_ key: LayerKey, number: Int) throws -> LayerVersion? {
        let row = try LayerVersionRow.fetch(db, key, number)
        try LayerVersionRow.delete(db, key, number)
        return try row?.layerVersion()
    }
}

/// A row of the table of layer versions.
struct LayerVersionRow: Sendable {
    var key: LayerKey
    var number: Int
    var codeObjectID: String
    /// Of the zip.
    var codeBytes: Int
    /// JSON arrays, for filters.
    var compatibleRuntimes: String
    var compatibleArchitectures: String
    /// The version as JSON.
    var content: Data

    init(_ layer: LayerVersion) throws {
        key = layer.key
        number = layer.number
        codeObjectID = layer.code.objectID
        codeBytes = layer.code.sizeBytes
        compatibleRuntimes = try StringList.text(layer.compatibleRuntimes ?? [])
        compatibleArchitectures = try StringList.text(layer.compatibleArchitectures ?? [])
        content = try JSONEncoder().encode(layer)
    }

    private init(_ row: Row) throws {
        do {
            key = LayerKey(
                accountID: try row.decode(forColumn: "accountID"),
                region: try row.decode(forColumn: "region"),
                name: try row.decode(forColumn: "name")
            )
            number = try row.decode(forColumn: "number")
            codeObjectID = try row.decode(forColumn: "codeObjectID")
            codeBytes = try row.decode(forColumn: "codeBytes")
            compatibleRuntimes = try row.decode(forColumn: "compatibleRuntimes")
            compatibleArchitectures = try row.decode(forColumn: "compatibleArchitectures")
            content = try row.decode(forColumn: "content")
        } catch {
            let name = try? row.decode(String.self, forColumn: "name")
            throw MetadataStoreError.layerChanged(layer: "a version of layer \(name ?? "")")
        }
    }

    func layerVersion() throws -> LayerVersion {
        guard let layer = try? JSONDecoder().decode(LayerVersion.self, from: content), layer.key == key,
            layer.number == number, layer.code.objectID == codeObjectID
        else { throw MetadataStoreError.layerChanged(layer: key.arn(version: number)) }
        return layer
    }

    static func takeNumber(_ db: Database, _ key: LayerKey) throws -> Int {
        let number = try Int.fetchOne(
            db,
            sql: """
                INSERT INTO layers (accountID, region, name, lastNumber) VALUES (?, ?, ?, 1)
                ON CONFLICT DO UPDATE SET lastNumber = lastNumber + 1 RETURNING lastNumber
                """,
            arguments: [key.accountID, key.region, key.name]
        )
        guard let number else { throw MetadataStoreError.layerChanged(layer: "layer \(key.name)") }
        return number
    }

    func insert(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO layerVersions (accountID, region, name, number, codeObjectID, codeBytes,
                    compatibleRuntimes, compatibleArchitectures, content)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                key.accountID, key.region, key.name, number, codeObjectID, codeBytes, compatibleRuntimes,
                compatibleArchitectures, content,
            ]
        )
    }

    static func fetch(_ db: Database, _ key: LayerKey, _ number: Int) throws -> LayerVersionRow? {
        try Row.fetchOne(
            db,
            sql: "SELECT * FROM layerVersions WHERE accountID = ? AND region = ? AND name = ? AND number = ?",
            arguments: [key.accountID, key.region, key.name, number]
        ).map { try LayerVersionRow($0) }
    }

    static func delete(_ db: Database, _ key: LayerKey, _ number: Int) throws {
        try db.execute(
            sql: "DELETE FROM layerVersions WHERE accountID = ? AND region = ? AND name = ? AND number = ?",
            arguments: [key.accountID, key.region, key.name, number]
        )
    }

    static func codeBytes(_ db: Database, accountID: String, region: String) throws -> Int {
        try Int.fetchOne(
            db,
            sql: "SELECT COALESCE(SUM(codeBytes), 0) FROM layerVersions WHERE accountID = ? AND region = ?",
            arguments: [accountID, region]
        ) ?? 0
    }

    private static let matches = """
        (:runtime IS NULL OR EXISTS (SELECT 1 FROM json_each(compatibleRuntimes) WHERE value = :runtime))
        AND (:architecture IS NULL
            OR EXISTS (SELECT 1 FROM json_each(compatibleArchitectures) WHERE value = :architecture))
        """

    static func fetchVersions(
        _ db: Database,
        _ key: LayerKey,
        _ filter: LayerFilter,
        before number: Int,
        limit: Int
    ) throws -> [LayerVersionRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM layerVersions
                WHERE accountID = :account AND region = :region AND name = :name AND number < :number AND \(matches)
                ORDER BY number DESC LIMIT :limit
                """,
            arguments: [
                "account": key.accountID, "region": key.region, "name": key.name, "number": number,
                "runtime": filter.runtime, "architecture": filter.architecture, "limit": limit,
            ]
        ).map { try LayerVersionRow($0) }
    }

    /// Of each name the row with the largest number: SQLite takes the other columns from the row that has the maximum.
    static func fetchNewest(
        _ db: Database,
        after key: LayerKey,
        _ filter: LayerFilter,
        limit: Int
    ) throws -> [LayerVersionRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT accountID, region, name, max(number) AS number, codeObjectID, codeBytes, compatibleRuntimes,
                    compatibleArchitectures, content
                FROM layerVersions
                WHERE accountID = :account AND region = :region AND name > :name AND \(matches)
                GROUP BY name ORDER BY name LIMIT :limit
                """,
            arguments: [
                "account": key.accountID, "region": key.region, "name": key.name, "runtime": filter.runtime,
                "architecture": filter.architecture, "limit": limit,
            ]
        ).map { try LayerVersionRow($0) }
    }

    static func codeObjects(_ db: Database) throws -> Set<String> {
        try String.fetchSet(db, sql: "SELECT codeObjectID FROM layerVersions")
    }

    static func uses(_ db: Database, codeObject objectID: String) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: "SELECT EXISTS (SELECT 1 FROM layerVersions WHERE codeObjectID = ?)",
            arguments: [objectID]
        ) ?? false
    }
}
