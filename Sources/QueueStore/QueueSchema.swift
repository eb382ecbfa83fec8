// SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of queues.sqlite.
enum QueueSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 queues") { db in
            try db.execute(sql: tables)
        }
        return migrator
    }

    // What a receive changes is in small rows of `messages`; the sealed content, up to a mebibyte, is written once and deleted once.
    // Every question that an operation asks is answered by an index, whatever a queue's length: the next visible message, the next free
    // group, a group's head, what is too old.
    private static let tables = """
        CREATE TABLE queues (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            accountID TEXT NOT NULL,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            settings BLOB NOT NULL,
            tags BLOB NOT NULL,
            created INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            purged INTEGER,
            UNIQUE (accountID, region, name)
        ) STRICT;

        CREATE TABLE messages (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            queue INTEGER NOT NULL,
            messageID TEXT NOT NULL,
            sent INTEGER NOT NULL,
            visible INTEGER NOT NULL,
            isHeld INTEGER NOT NULL,
            receives INTEGER NOT NULL,
            firstReceived INTEGER,
            lastReceived INTEGER,
            groupKey BLOB,
            source TEXT
        ) STRICT;
        CREATE INDEX messagesByVisibility ON messages (queue, visible, isHeld);
        CREATE INDEX messagesByAge ON messages (queue, sent);
        CREATE INDEX messagesByGroup ON messages (queue, groupKey, id) WHERE groupKey IS NOT NULL;
        CREATE INDEX messagesInFlight ON messages (queue, groupKey, visible) WHERE isHeld = 1;

        CREATE TABLE contents (
            id INTEGER PRIMARY KEY,
            sealed BLOB NOT NULL
        ) STRICT;

        CREATE TABLE messageGroups (
            queue INTEGER NOT NULL,
            groupKey BLOB NOT NULL,
            freeAt INTEGER NOT NULL,
            PRIMARY KEY (queue, groupKey)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX messageGroupsByTime ON messageGroups (queue, freeAt);

        CREATE TABLE rememberedMessages (
            queue INTEGER NOT NULL,
            key BLOB NOT NULL,
            id INTEGER NOT NULL,
            messageID TEXT NOT NULL,
            until INTEGER NOT NULL,
            PRIMARY KEY (queue, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX rememberedMessagesByTime ON rememberedMessages (until);

        -- Numbers of queues that were deleted or purged, whose messages are dropped little by little.
        CREATE TABLE abandonedQueues (id INTEGER PRIMARY KEY) STRICT;
        """
}
