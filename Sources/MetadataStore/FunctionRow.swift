// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel

enum MetadataSchema {
    /// Migrations are only ever added, never changed: databases in use have run them.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 functions") { db in
            try db.execute(
                sql: """
                    CREATE TABLE settings (
                        name TEXT NOT NULL PRIMARY KEY,
                        value TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE functions (
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        name TEXT NOT NULL,
                        version TEXT NOT NULL,
                        state TEXT NOT NULL,
                        lastUpdateStatus TEXT,
                        codeObjectID TEXT NOT NULL,
                        activeCodeObjectID TEXT,
                        configuration BLOB NOT NULL,
                        environment BLOB,
                        activeConfiguration BLOB,
                        activeEnvironment BLOB,
                        PRIMARY KEY (accountID, region, name, version)
                    ) STRICT;

                    CREATE INDEX functionsUnsettled ON functions (state, lastUpdateStatus)
                        WHERE state = 'Pending' OR lastUpdateStatus = 'InProgress';
                    """
            )
        }
        return migrator
    }
}

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
    var activeCodeObjectID: String?
    var configuration: Data
    var environment: Data?
    var activeConfiguration: Data?
    var activeEnvironment: Data?

    static func fetch(_ db: Database, _ key: FunctionKey) throws -> FunctionRow? {
        try Row.fetchOne(
            db,
            sql: "SELECT * FROM functions WHERE accountID = ? AND region = ? AND name = ? AND version = ?",
            arguments: [key.accountID, key.region, key.name, latest]
        ).map(FunctionRow.init)
    }

    static func fetchPage(
        _ db: Database,
        accountID: String,
        region: String,
        after name: String,
        limit: Int
    ) throws -> [FunctionRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM functions WHERE accountID = ? AND region = ? AND name > ? AND version = ?
                ORDER BY name LIMIT ?
                """,
            arguments: [accountID, region, name, latest, limit]
        ).map(FunctionRow.init)
    }

    static func unsettledKeys(_ db: Database) throws -> [FunctionKey] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT accountID, region, name FROM functions
                WHERE (state = 'Pending' OR lastUpdateStatus = 'InProgress') AND version = ?
                ORDER BY accountID, region, name
                """,
            arguments: [latest]
        ).map(FunctionKey.init)
    }

    static func codeObjects(_ db: Database) throws -> Set<String> {
        try String.fetchSet(
            db,
            sql: """
                SELECT codeObjectID FROM functions
                UNION SELECT activeCodeObjectID FROM functions WHERE activeCodeObjectID IS NOT NULL
                """
        )
    }

    static func delete(_ db: Database, _ key: FunctionKey) throws {
        try db.execute(
            sql: "DELETE FROM functions WHERE accountID = ? AND region = ? AND name = ?",
            arguments: [key.accountID, key.region, key.name]
        )
    }

    func insert(_ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO functions (state, lastUpdateStatus, codeObjectID, activeCodeObjectID, configuration,
                    environment, activeConfiguration, activeEnvironment, accountID, region, name, version)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: values
        )
    }

    func update(_ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE functions SET state = ?, lastUpdateStatus = ?, codeObjectID = ?, activeCodeObjectID = ?,
                    configuration = ?, environment = ?, activeConfiguration = ?, activeEnvironment = ?
                WHERE accountID = ? AND region = ? AND name = ? AND version = ?
                """,
            arguments: values
        )
    }

    private var values: StatementArguments {
        [
            state, lastUpdateStatus, codeObjectID, activeCodeObjectID, configuration, environment,
            activeConfiguration, activeEnvironment, key.accountID, key.region, key.name, version,
        ]
    }
}

extension FunctionRow {
    init(_ row: Row) {
        key = FunctionKey(row)
        version = row["version"]
        state = row["state"]
        lastUpdateStatus = row["lastUpdateStatus"]
        codeObjectID = row["codeObjectID"]
        activeCodeObjectID = row["activeCodeObjectID"]
        configuration = row["configuration"]
        environment = row["environment"]
        activeConfiguration = row["activeConfiguration"]
        activeEnvironment = row["activeEnvironment"]
    }
}

extension FunctionKey {
    fileprivate init(_ row: Row) {
        self.init(accountID: row["accountID"], region: row["region"], name: row["name"])
    }
}

/// Between records and rows: JSON, and envelopes for what is secret.
struct FunctionRowCoder: Sendable {
    private enum Field: String {
        case environment
        case activeEnvironment
    }

    let masterKey: MasterKey

    func encode(_ record: FunctionRecord) throws -> FunctionRow {
        let shown = record.configuration
        return FunctionRow(
            key: shown.key,
            version: shown.version,
            state: shown.state.rawValue,
            lastUpdateStatus: shown.lastUpdateStatus?.rawValue,
            codeObjectID: shown.code.objectID,
            activeCodeObjectID: record.active?.code.objectID,
            configuration: try encodePublic(shown),
            environment: try seal(shown.environment, .environment, of: shown.key),
            activeConfiguration: try record.active.map { try encodePublic($0) },
            activeEnvironment: try seal(record.active?.environment, .activeEnvironment, of: shown.key)
        )
    }

    func decode(_ row: FunctionRow) throws -> FunctionRecord {
        func changed(_ reason: String) -> MetadataStoreError {
            .contentChanged(function: row.key.arn, reason: reason)
        }
        do {
            let decoder = JSONDecoder()
            var shown = try decoder.decode(FunctionConfiguration.self, from: row.configuration)
            shown.environment = try open(row.environment, .environment, of: row.key)
            var active = try row.activeConfiguration.map { try decoder.decode(FunctionConfiguration.self, from: $0) }
            active?.environment = try open(row.activeEnvironment, .activeEnvironment, of: row.key)
            guard shown.key == row.key, active.map({ $0.key == row.key }) ?? true else {
                throw changed("the row holds another function's configuration")
            }
            return FunctionRecord(configuration: shown, active: active)
        } catch let error as EnvelopeError {
            throw changed("environment variables: \(error)")
        } catch is DecodingError {
            throw changed("its configuration can't be read")
        }
    }

    private func encodePublic(_ configuration: FunctionConfiguration) throws -> Data {
        var configuration = configuration
        configuration.environment = nil
        return try JSONEncoder().encode(configuration)
    }

    private func seal(_ environment: [String: String]?, _ field: Field, of key: FunctionKey) throws -> Data? {
        guard let environment else { return nil }
        let plain = [UInt8](try JSONEncoder().encode(environment))
        return Data(try Envelope.seal(plain, context: context(key, field), with: masterKey))
    }

    private func open(_ sealed: Data?, _ field: Field, of key: FunctionKey) throws -> [String: String]? {
        guard let sealed else { return nil }
        let plain = try Envelope.open([UInt8](sealed), context: context(key, field), with: masterKey)
        return try JSONDecoder().decode([String: String].self, from: Data(plain))
    }

    private func context(_ key: FunctionKey, _ field: Field) -> String { "\(key.arn) \(field.rawValue)" }
}
