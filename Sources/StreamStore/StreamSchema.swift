// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of streams.sqlite.
enum StreamSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 streams") { db in
            try db.execute(sql: tables)
        }
        // Changes no table: a version that knows no such records would take them for changed ones, and go past them.
        migrator.registerMigration("2 records share data keys") { _ in }
        return migrator
    }

    // A record is written once and deleted once. Its number is never used again, also where a stream is made anew under its name: what a
    // reader of the old one knows of comes before all of the new one.
    private static let tables = """
        CREATE TABLE streams (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            accountID TEXT NOT NULL,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            settings BLOB NOT NULL,
            tags BLOB NOT NULL,
            created INTEGER NOT NULL,
            UNIQUE (accountID, region, name)
        ) STRICT;

        -- firstKey and lastKey are 128 bits, in decimal digits; parents are numbers, with spaces between them.
        CREATE TABLE shards (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            stream INTEGER NOT NULL,
            number INTEGER NOT NULL,
            firstKey TEXT NOT NULL,
            lastKey TEXT NOT NULL,
            parents TEXT NOT NULL,
            created INTEGER NOT NULL,
            opened INTEGER NOT NULL,
            closed INTEGER,
            UNIQUE (stream, number)
        ) STRICT;

        CREATE TABLE records (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            shard INTEGER NOT NULL,
            arrival INTEGER NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
        CREATE INDEX recordsByShard ON records (shard, id);
        CREATE INDEX recordsByTime ON records (shard, arrival);

        -- Numbers of shards that are no more, whose records are dropped little by little.
        CREATE TABLE abandonedShards (id INTEGER PRIMARY KEY) STRICT;
        """
}
