// SPDX-License-Identifier: Apache-2.0
import GRDB

extension LogSchema {
    /// What came before was not told apart.
    static func addUsageOrigins(_ db: Database) throws {
        try db.execute(
            sql: """
                ALTER TABLE usageRecords ADD COLUMN origin TEXT NOT NULL DEFAULT 'synchronous';
                ALTER TABLE usageRecords ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE usageRecords ADD COLUMN isProvisioned INTEGER NOT NULL DEFAULT 0;

                CREATE TABLE provisionedUsage (
                    accountID TEXT NOT NULL,
                    region TEXT NOT NULL,
                    day INTEGER NOT NULL,
                    functionName TEXT NOT NULL,
                    version TEXT NOT NULL,
                    memoryMiB INTEGER NOT NULL,
                    architecture TEXT NOT NULL,
                    milliseconds INTEGER NOT NULL,
                    PRIMARY KEY (accountID, region, day, functionName, version, memoryMiB, architecture)
                ) STRICT, WITHOUT ROWID;
                """
        )
    }
}
