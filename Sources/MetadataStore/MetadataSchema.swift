// SPDX-License-Identifier: Apache-2.0
import GRDB

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
        migrator.registerMigration("2 layers", migrate: addLayers)
        migrator.registerMigration("3 documents", migrate: addDocuments)
        migrator.registerMigration("4 code storage", migrate: addCodeBytes)
        migrator.registerMigration("5 stream positions", migrate: addStreamPositions)
        migrator.registerMigration("6 stream windows", migrate: addStreamWindows)
        return migrator
    }

    /// How far an event source mapping is in each shard of its stream.
    private static func addStreamPositions(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE streamPositions (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    mapping TEXT NOT NULL,
                    shard TEXT NOT NULL,
                    position TEXT NOT NULL,
                    PRIMARY KEY (accountID, region, mapping, shard)
                ) STRICT, WITHOUT ROWID;
                """
        )
    }

    /// What a function has made of the records before such a position, as an envelope.
    private static func addStreamWindows(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE streamWindows (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    mapping TEXT NOT NULL,
                    shard TEXT NOT NULL,
                    sealed BLOB NOT NULL,
                    PRIMARY KEY (accountID, region, mapping, shard)
                ) STRICT;
                """
        )
    }

    /// An account's code is summed up with every write that brings more: from an index alone.
    private static func addCodeBytes(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE functions ADD COLUMN codeBytes INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE layerVersions ADD COLUMN codeBytes INTEGER NOT NULL DEFAULT 0;

                UPDATE functions SET codeBytes = json_extract(CAST(configuration AS TEXT), '$.code.sizeBytes');
                UPDATE layerVersions SET codeBytes = json_extract(CAST(content AS TEXT), '$.code.sizeBytes');

                CREATE INDEX functionsCodeBytes ON functions (accountID, region, version, codeBytes);
                CREATE INDEX layerVersionsCodeBytes ON layerVersions (accountID, region, codeBytes);
                """
        )
    }

    /// What belongs to a function or an account beside versions and layers; `lookup` is what else it is found by.
    private static func addDocuments(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE functionDocuments (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    name TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    qualifier TEXT NOT NULL,
                    lookup TEXT,
                    content TEXT NOT NULL,
                    PRIMARY KEY (accountID, region, name, kind, qualifier)
                ) STRICT, WITHOUT ROWID;

                CREATE INDEX functionDocumentsByKind ON functionDocuments (kind, lookup);

                CREATE TABLE accountDocuments (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    id TEXT NOT NULL,
                    lookup TEXT,
                    content TEXT NOT NULL,
                    PRIMARY KEY (accountID, region, kind, id)
                ) STRICT, WITHOUT ROWID;

                CREATE INDEX accountDocumentsByKind ON accountDocuments (kind, lookup);
                """
        )
    }

    /// A number that was given is never given again, so `layers` outlives a layer's versions.
    private static func addLayers(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE layers (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    name TEXT NOT NULL,
                    lastNumber INTEGER NOT NULL,
                    PRIMARY KEY (accountID, region, name)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE layerVersions (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    name TEXT NOT NULL,
                    number INTEGER NOT NULL,
                    codeObjectID TEXT NOT NULL,
                    compatibleRuntimes TEXT NOT NULL,
                    compatibleArchitectures TEXT NOT NULL,
                    content BLOB NOT NULL,
                    PRIMARY KEY (accountID, region, name, number)
                ) STRICT;

                CREATE INDEX layerVersionsByCode ON layerVersions (codeObjectID);

                ALTER TABLE functions ADD COLUMN layerObjectIDs TEXT NOT NULL DEFAULT '[]';

                UPDATE functions SET
                    configuration = CAST(json_set(CAST(configuration AS TEXT), '$.layers', json('[]')) AS BLOB),
                    activeConfiguration =
                        CAST(json_set(CAST(activeConfiguration AS TEXT), '$.layers', json('[]')) AS BLOB);
                """
        )
    }
}
