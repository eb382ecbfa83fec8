// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of schedules.sqlite.
enum ScheduleSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 schedules") { db in
            try db.execute(sql: tables)
        }
        migrator.registerMigration("2 waiting for each target") { db in
            try db.execute(
                sql: """
                    ALTER TABLE deliveries ADD COLUMN target TEXT NOT NULL DEFAULT '';
                    DROP INDEX deliveriesByAccount;
                    CREATE INDEX deliveriesByTarget ON deliveries (accountID, target);
                    """
            )
        }
        return migrator
    }

    // `due` is when an entry or a delivery is to be looked at next, so that what is to be done now is found by an index; nil for never.
    private static let tables = """
        CREATE TABLE groups (
            accountID TEXT NOT NULL,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            token TEXT,
            tags BLOB NOT NULL,
            created INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            PRIMARY KEY (accountID, region, name)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE entries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            accountID TEXT NOT NULL,
            region TEXT NOT NULL,
            groupName TEXT NOT NULL,
            name TEXT NOT NULL,
            isEnabled INTEGER NOT NULL,
            hasPattern INTEGER NOT NULL,
            due INTEGER,
            after INTEGER NOT NULL,
            anchor INTEGER NOT NULL,
            token TEXT,
            tags BLOB NOT NULL,
            created INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            sealed BLOB NOT NULL,
            UNIQUE (kind, accountID, region, groupName, name)
        ) STRICT;
        CREATE INDEX entriesByTime ON entries (due) WHERE due IS NOT NULL;
        CREATE INDEX entriesWithPattern ON entries (accountID, region) WHERE hasPattern = 1;

        CREATE TABLE deliveries (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deliveryID TEXT NOT NULL,
            accountID TEXT NOT NULL,
            due INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
        CREATE INDEX deliveriesByTime ON deliveries (due);
        CREATE INDEX deliveriesByAccount ON deliveries (accountID);
        """
}
