// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

/// A row of the table of functions.
///
/// Configurations are JSON without the environment variables, those are envelopes.
struct FunctionRow: Sendable {
    static let latest = "$LATEST"

    var key: FunctionKey
    var version: String
    var state: String
    var lastUpdateStatus: String?
    var codeObjectID: String
    /// Of the zip that is shown.
    var codeBytes: Int
    var activeCodeObjectID: String?
    /// JSON: the layers' code objects, shown or active.
    var layerObjectIDs: String
    var configuration: Data
    var environment: Data?
    var activeConfiguration: Data?
    var activeEnvironment: Data?

    static func fetch(_ db: Database, _ key: FunctionKey, _ version: String = latest) throws -> FunctionRow? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT * FROM functions WHERE accountID = ? AND region = ? AND name = ? AND version = ?"
            ),
            arguments: [key.accountID, key.region, key.name, version]
        ).map { try FunctionRow($0) }
    }

    /// The row right after `start`, its version included, and those that follow: by name, then by version, `$LATEST` first.
    ///
    /// Only `$LATEST` where not `allVersions`.
    static func fetchPage(
        _ db: Database,
        accountID: String,
        region: String,
        after start: FunctionPosition?,
        allVersions: Bool,
        limit: Int
    ) throws -> [FunctionRow] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT * FROM functions
                    WHERE accountID = :account AND region = :region AND name >= :name
                        AND (name > :name OR \(versionOrder) > :number) AND (:all OR version = :latest)
                    ORDER BY name, \(versionOrder) LIMIT :limit
                    """
            ),
            arguments: [
                "account": accountID, "region": region, "name": start?.name ?? "", "number": start?.number ?? -1,
                "all": allVersions, "latest": latest, "limit": limit,
            ]
        ).map { try FunctionRow($0) }
    }

    /// Versions of one function from right after `number` on, `$LATEST`'s being 0.
    static func fetchVersions(_ db: Database, _ key: FunctionKey, after number: Int, limit: Int) throws -> [FunctionRow]
    {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT * FROM functions WHERE accountID = ? AND region = ? AND name = ? AND \(versionOrder) > ?
                    ORDER BY \(versionOrder) LIMIT ?
                    """
            ),
            arguments: [key.accountID, key.region, key.name, number, limit]
        ).map { try FunctionRow($0) }
    }

    /// `$LATEST` has no digits at its beginning, which makes it 0.
    private static let versionOrder = "CAST(version AS INTEGER)"

    /// Those that can't be named are left out: nobody can.
    static func unsettled(_ db: Database) throws -> [FunctionVersionKey] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT accountID, region, name, version FROM functions
                    WHERE state = 'Pending' OR lastUpdateStatus = 'InProgress'
                    ORDER BY accountID, region, name, \(versionOrder)
                    """
            )
        ).compactMap { try? FunctionVersionKey($0) }
    }

    /// Functions, and bytes of all their versions' zips.
    static func usage(_ db: Database, accountID: String, region: String) throws -> (functions: Int, codeBytes: Int) {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT COUNT(*) FILTER (WHERE version = ?) AS functions,
                        COALESCE(SUM(codeBytes), 0) AS codeBytes
                    FROM functions WHERE accountID = ? AND region = ?
                    """
            ),
            arguments: [latest, accountID, region]
        )
        guard let row else { return (0, 0) }
        return (try row.decode(forColumn: "functions"), try row.decode(forColumn: "codeBytes"))
    }

    /// Distinct ones of `$LATEST`, those of most functions first.
    static func runtimes(_ db: Database, limit: Int) throws -> [(runtime: String, memoryMiB: Int)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT json_extract(CAST(configuration AS TEXT), '$.runtime') AS runtime,
                        json_extract(CAST(configuration AS TEXT), '$.memoryMiB') AS memoryMiB
                    FROM functions WHERE version = ? GROUP BY 1, 2 ORDER BY COUNT(*) DESC, 1, 2 LIMIT ?
                    """
            ),
            arguments: [latest, limit]
        ).compactMap { row in
            guard let runtime = try? row.decode(String.self, forColumn: "runtime"),
                let memoryMiB = try? row.decode(Int.self, forColumn: "memoryMiB")
            else { return nil }
            return (runtime, memoryMiB)
        }
    }

    /// Versions whose environments come from a snapshot, the last made first.
    static func optimized(_ db: Database, limit: Int) throws -> [FunctionVersionKey] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT accountID, region, name, version FROM functions
                    WHERE state = 'Active' AND version <> ? AND instr(
                        COALESCE(json_extract(CAST(configuration AS TEXT), '$.echoed.SnapStart'), ''),
                        '"OptimizationStatus":"On"'
                    ) > 0
                    ORDER BY rowid DESC LIMIT ?
                    """
            ),
            arguments: [latest, limit]
        ).compactMap { try? FunctionVersionKey($0) }
    }

    static func codeObjects(_ db: Database) throws -> Set<String> {
        try String.fetchSet(
            db.cachedStatement(
                sql: """
                    SELECT codeObjectID FROM functions
                    UNION SELECT activeCodeObjectID FROM functions WHERE activeCodeObjectID IS NOT NULL
                    UNION SELECT value FROM functions, json_each(functions.layerObjectIDs)
                    """
            )
        )
    }

    static func uses(_ db: Database, codeObject objectID: String) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (
                        SELECT 1 FROM functions WHERE codeObjectID = :id OR activeCodeObjectID = :id
                            OR EXISTS (SELECT 1 FROM json_each(functions.layerObjectIDs) WHERE value = :id)
                    )
                    """
            ),
            arguments: ["id": objectID]
        ) ?? false
    }

    static func delete(_ db: Database, _ key: FunctionKey, _ version: String) throws {
        try db.cachedStatement(
            sql: "DELETE FROM functions WHERE accountID = ? AND region = ? AND name = ? AND version = ?"
        ).execute(
            arguments: [key.accountID, key.region, key.name, version]
        )
    }

    func insert(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO functions (state, lastUpdateStatus, codeObjectID, codeBytes, activeCodeObjectID,
                    layerObjectIDs, configuration, environment, activeConfiguration, activeEnvironment, accountID,
                    region, name, version)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: values
        )
    }

    func update(_ db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE functions SET state = ?, lastUpdateStatus = ?, codeObjectID = ?, codeBytes = ?,
                    activeCodeObjectID = ?, layerObjectIDs = ?, configuration = ?, environment = ?, activeConfiguration = ?, activeEnvironment = ?
                WHERE accountID = ? AND region = ? AND name = ? AND version = ?
                """
        ).execute(
            arguments: values
        )
    }

    private var values: StatementArguments {
        [
            state, lastUpdateStatus, codeObjectID, codeBytes, activeCodeObjectID, layerObjectIDs, configuration,
            environment, activeConfiguration, activeEnvironment, key.accountID, key.region, key.name, version,
        ]
    }
}

extension FunctionRow {
    init(_ row: Row) throws {
        do {
            key = try FunctionKey(row)
            version = try row.decode(forColumn: "version")
            state = try row.decode(forColumn: "state")
            lastUpdateStatus = try row.decode(forColumn: "lastUpdateStatus")
            codeObjectID = try row.decode(forColumn: "codeObjectID")
            codeBytes = try row.decode(forColumn: "codeBytes")
            activeCodeObjectID = try row.decode(forColumn: "activeCodeObjectID")
            layerObjectIDs = try row.decode(forColumn: "layerObjectIDs")
            configuration = try row.decode(forColumn: "configuration")
            environment = try row.decode(forColumn: "environment")
            activeConfiguration = try row.decode(forColumn: "activeConfiguration")
            activeEnvironment = try row.decode(forColumn: "activeEnvironment")
        } catch {
            throw MetadataStoreError.contentChanged(
                function: (try? FunctionKey(row))?.arn ?? "a function without a name",
                reason: "its row was changed since it was stored"
            )
        }
    }
}

extension FunctionKey {
    init(_ row: Row) throws {
        self.init(
            accountID: try row.decode(forColumn: "accountID"),
            region: try row.decode(forColumn: "region"),
            name: try row.decode(forColumn: "name")
        )
    }
}

extension FunctionVersionKey {
    fileprivate init(_ row: Row) throws {
        self.init(function: try FunctionKey(row), version: try row.decode(forColumn: "version"))
    }
}

/// A list in a column: a JSON array, which SQLite's own functions read too.
enum StringList {
    static func text(_ strings: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(strings), as: UTF8.self)
    }
}
