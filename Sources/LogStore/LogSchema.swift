// SPDX-License-Identifier: Apache-2.0
import GRDB

enum LogSchema {
    /// Migrations are only ever added, never changed: databases in use have run them.
    ///
    /// Messages are BLOBs, since a customer's line may hold NUL, at which SQLite's text functions end.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 logs and usage") { db in
            try db.execute(
                sql: """
                    CREATE TABLE logGroups (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        name TEXT NOT NULL,
                        bytes INTEGER NOT NULL DEFAULT 0,
                        isDeleted INTEGER NOT NULL DEFAULT 0
                    ) STRICT;
                    CREATE UNIQUE INDEX logGroupsByName ON logGroups (accountID, region, name) WHERE isDeleted = 0;
                    CREATE INDEX logGroupsBySize ON logGroups (isDeleted, bytes);

                    CREATE TABLE logStreams (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        groupID INTEGER NOT NULL REFERENCES logGroups (id),
                        name TEXT NOT NULL,
                        UNIQUE (groupID, name)
                    ) STRICT;

                    CREATE TABLE logEvents (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        groupID INTEGER NOT NULL REFERENCES logGroups (id),
                        streamID INTEGER NOT NULL REFERENCES logStreams (id),
                        timestamp INTEGER NOT NULL,
                        ingestionTime INTEGER NOT NULL,
                        message BLOB NOT NULL
                    ) STRICT;
                    CREATE INDEX logEventsByGroup ON logEvents (groupID, timestamp);
                    CREATE INDEX logEventsByStream ON logEvents (streamID, timestamp);

                    CREATE TABLE totals (
                        name TEXT NOT NULL PRIMARY KEY,
                        value INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO totals (name, value) VALUES ('eventBytes', 0);

                    CREATE TABLE usageRecords (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        startedAt INTEGER NOT NULL,
                        functionName TEXT NOT NULL,
                        version TEXT NOT NULL,
                        requestID TEXT NOT NULL,
                        memoryMiB INTEGER NOT NULL,
                        durationMicroseconds INTEGER NOT NULL,
                        billedMilliseconds INTEGER NOT NULL,
                        initMicroseconds INTEGER,
                        maxMemoryUsedMiB INTEGER NOT NULL,
                        ephemeralStorageMiB INTEGER NOT NULL,
                        egressBytes INTEGER NOT NULL,
                        ingressBytes INTEGER NOT NULL,
                        outcome TEXT NOT NULL,
                        architecture TEXT NOT NULL,
                        executedEnvironmentID TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX usageRecordsByTime ON usageRecords (accountID, region, startedAt);
                    """
            )
        }
        migrator.registerMigration("2 streams, retention and segments") { db in
            try db.execute(sql: groupsAndStreams)
            try db.execute(sql: segments)
        }
        migrator.registerMigration("3 streams that stay") { db in
            try db.execute(sql: "ALTER TABLE logStreams ADD COLUMN isKept INTEGER NOT NULL DEFAULT 0")
        }
        migrator.registerMigration("4 journal") { db in
            try db.execute(sql: "INSERT INTO totals (name, value) VALUES ('journalSequence', 0)")
        }
        migrator.registerMigration("5 origins of usage", migrate: addUsageOrigins)
        migrator.registerMigration("6 count of kept streams") { db in
            try db.execute(
                sql: """
                    CREATE INDEX logStreamsKept ON logStreams (groupID) WHERE isKept = 1 AND isDeleted = 0;
                    INSERT INTO totals (name, value) SELECT 'keptStreams', COUNT(*) FROM logStreams s
                        JOIN logGroups g ON g.id = s.groupID WHERE s.isKept = 1 AND s.isDeleted = 0 AND g.isDeleted = 0;
                    """
            )
        }
        return migrator
    }

    /// Of streams, a time below zero stands for none.
    ///
    /// What is there already is looked up in indices, not read as a whole.
    private static let groupsAndStreams = """
        ALTER TABLE logGroups ADD COLUMN createdAt INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE logGroups ADD COLUMN retentionDays INTEGER;
        ALTER TABLE logGroups ADD COLUMN class TEXT NOT NULL DEFAULT 'STANDARD';
        ALTER TABLE logGroups ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE logGroups ADD COLUMN unsealedBytes INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE logGroups ADD COLUMN sealedTime INTEGER NOT NULL DEFAULT -1;
        ALTER TABLE logGroups ADD COLUMN sealedID INTEGER NOT NULL DEFAULT 0;
        UPDATE logGroups SET unsealedBytes = bytes, createdAt = COALESCE(
            (SELECT ingestionTime FROM logEvents WHERE id = (
                SELECT MIN(id) FROM logEvents INDEXED BY logEventsByGroup WHERE groupID = logGroups.id)), 0);

        ALTER TABLE logStreams ADD COLUMN createdAt INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE logStreams ADD COLUMN firstEventTime INTEGER NOT NULL DEFAULT -1;
        ALTER TABLE logStreams ADD COLUMN lastEventTime INTEGER NOT NULL DEFAULT -1;
        ALTER TABLE logStreams ADD COLUMN lastIngestionTime INTEGER NOT NULL DEFAULT -1;
        ALTER TABLE logStreams ADD COLUMN isDeleted INTEGER NOT NULL DEFAULT 0;
        UPDATE logStreams SET
            createdAt = COALESCE((SELECT ingestionTime FROM logEvents WHERE id = (
                SELECT MIN(id) FROM logEvents INDEXED BY logEventsByStream WHERE streamID = logStreams.id)), 0),
            firstEventTime = COALESCE((SELECT MIN(timestamp) FROM logEvents WHERE streamID = logStreams.id), -1),
            lastEventTime = COALESCE((SELECT MAX(timestamp) FROM logEvents WHERE streamID = logStreams.id), -1),
            lastIngestionTime = COALESCE((SELECT ingestionTime FROM logEvents WHERE id = (
                SELECT MAX(id) FROM logEvents INDEXED BY logEventsByStream WHERE streamID = logStreams.id)), -1);
        CREATE INDEX logStreamsByTime ON logStreams (groupID, lastEventTime, name);
        CREATE INDEX logStreamsDeleted ON logStreams (id) WHERE isDeleted = 1;
        """

    /// Events of one group that were taken out of `logEvents`: of one group's segments no two have times in common.
    private static let segments = """
        CREATE TABLE logSegments (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            groupID INTEGER NOT NULL REFERENCES logGroups (id),
            firstTime INTEGER NOT NULL,
            firstID INTEGER NOT NULL,
            lastTime INTEGER NOT NULL,
            lastID INTEGER NOT NULL,
            events INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            plainBytes INTEGER NOT NULL,
            payload BLOB NOT NULL
        ) STRICT;
        CREATE INDEX logSegmentsByGroup ON logSegments (groupID, firstTime, firstID);

        CREATE TABLE logSegmentStreams (
            streamID INTEGER NOT NULL,
            segmentID INTEGER NOT NULL REFERENCES logSegments (id),
            PRIMARY KEY (streamID, segmentID)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX logSegmentStreamsBySegment ON logSegmentStreams (segmentID);
        """
}
