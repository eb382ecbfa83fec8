// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
import Foundation
import GRDB
import LambdaModel
package import MetricCore

/// Values of functions' metrics minute by minute, for CloudWatch's API (DIRECTORY/metrics.sqlite, WAL, `synchronous=NORMAL`).
///
/// Written once a minute. A power cut may take the last minutes. What is older than `keptFor` goes, and the oldest before there are more rows
/// than `rowsMax`. One process per directory.
package final class MetricStore: Sendable {
    /// CloudWatch keeps values of a minute for 15 days.
    package static let keptFor = Duration.seconds(15 * 86_400)
    /// Rows of all series, some 100 bytes each: an hour of 1,000 busy functions is 300,000.
    package static let rowsMax = 2_000_000

    /// The values of one metric of one series in one minute.
    package struct Point: Equatable, Sendable {
        package var key: SeriesKey
        package var metric: FunctionMetric
        package var values: Distribution

        package init(_ key: SeriesKey, _ metric: FunctionMetric, _ values: Distribution) {
            self.key = key
            self.metric = metric
            self.values = values
        }
    }

    /// Which series of an account in a region: those that have all that is not nil.
    package struct Filter: Equatable, Sendable {
        package var accountID: String
        package var region: String
        package var level: SeriesKey.Level
        package var function: String?
        package var qualifier: String?
        package var version: String?

        package init(
            accountID: String,
            region: String,
            level: SeriesKey.Level,
            function: String? = nil,
            qualifier: String? = nil,
            version: String? = nil
        ) {
            self.accountID = accountID
            self.region = region
            self.level = level
            self.function = function
            self.qualifier = qualifier
            self.version = version
        }

        package func matches(_ key: SeriesKey) -> Bool {
            key.function.accountID == accountID && key.function.region == region && key.level == level
                && function.map { $0 == key.function.name } ?? true && qualifier.map { $0 == key.qualifier } ?? true
                && version.map { $0 == key.version } ?? true
        }
    }

    private let pool: DatabasePool
    private let rowsMax: Int

    /// Opens the database, making or migrating it as needed.
    ///
    /// Blocks: call it at start.
    /// - Throws: `DatabaseFileError`, for example when the file was made by a newer version.
    package init(directory: String, rowsMax: Int = rowsMax) throws {
        self.rowsMax = rowsMax
        pool = try DatabaseFile.open(
            "\(directory)/metrics.sqlite",
            .init(label: "MetricStore", isSynced: false, journalBytesMax: 16 << 20, overwritesDeleted: false),
            Self.migrator
        )
    }

    // A minute may be written several times, by processes one after the other: what it has is the sum of its parts.
    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 points") { db in
            try db.execute(
                sql: """
                    CREATE TABLE series (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        accountID TEXT NOT NULL,
                        region TEXT NOT NULL,
                        level INTEGER NOT NULL,
                        function TEXT NOT NULL,
                        qualifier TEXT NOT NULL,
                        version TEXT NOT NULL,
                        UNIQUE (accountID, region, level, function, qualifier, version)
                    ) STRICT;

                    CREATE TABLE points (
                        series INTEGER NOT NULL,
                        metric TEXT NOT NULL,
                        minute INTEGER NOT NULL,
                        part INTEGER NOT NULL,
                        count INTEGER NOT NULL,
                        sum REAL NOT NULL,
                        low REAL NOT NULL,
                        high REAL NOT NULL,
                        sketch BLOB,
                        PRIMARY KEY (series, metric, minute, part)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX pointsByTime ON points (minute);
                    """
            )
        }
        return migrator
    }

    /// Keeps the values of a minute (minutes since 1970), beside what it has already; all or none.
    package func append(_ points: [Point], minute: Int64) async throws {
        guard !points.isEmpty else { return }
        try await pool.write { db in
            for point in points {
                guard let name = point.metric.awsName else { continue }
                let series = try Self.id(of: point.key, db)
                let values = point.values
                let part = try Int64.fetchOne(
                    db.cachedStatement(
                        sql:
                            "SELECT COALESCE(MAX(part), -1) + 1 FROM points WHERE series = ? AND metric = ? AND minute = ?"
                    ),
                    arguments: [series, name, minute]
                )
                try db.cachedStatement(
                    sql: """
                        INSERT INTO points (series, metric, minute, part, count, sum, low, high, sketch)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """
                ).execute(
                    arguments: [
                        series, name, minute, part ?? 0, Int64(clamping: values.count), values.sum, values.low,
                        values.high,
                        values.sketch.isEmpty ? nil : Data(values.sketch.bytes),
                    ]
                )
            }
        }
    }

    private static func id(of key: SeriesKey, _ db: Database) throws -> Int64 {
        let arguments: StatementArguments = [
            key.function.accountID, key.function.region, key.level.rawValue, key.function.name, key.qualifier,
            key.version,
        ]
        let known = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id FROM series
                    WHERE accountID = ? AND region = ? AND level = ? AND function = ? AND qualifier = ? AND version = ?
                    """
            ),
            arguments: arguments
        )
        if let known { return known }
        try db.cachedStatement(
            sql: "INSERT INTO series (accountID, region, level, function, qualifier, version) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: arguments)
        return db.lastInsertedRowID
    }

    /// What all matching series together had, by minute; rows that are not what was written count for nothing.
    package func values(
        of metric: FunctionMetric,
        _ filter: Filter,
        minutes: Range<Int64>
    ) async throws -> [Int64: Distribution] {
        guard let name = metric.awsName else { return [:] }
        return try await pool.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT minute, count, sum, low, high, sketch FROM points
                    WHERE series IN (
                        SELECT id FROM series WHERE accountID = ?1 AND region = ?2 AND level = ?3
                        AND (?4 IS NULL OR function = ?4) AND (?5 IS NULL OR qualifier = ?5) AND (?6 IS NULL OR version = ?6)
                    ) AND metric = ?7 AND minute >= ?8 AND minute < ?9
                    """,
                arguments: [
                    filter.accountID, filter.region, filter.level.rawValue, filter.function, filter.qualifier,
                    filter.version, name, minutes.lowerBound, minutes.upperBound,
                ]
            )
            var found: [Int64: Distribution] = [:]
            while let row = try rows.next() {
                guard let minute = try? row.decode(Int64.self, forColumn: "minute"),
                    let values = try? Self.distribution(row)
                else { continue }
                found[minute, default: Distribution()].add(values)
            }
            return found
        }
    }

    private static func distribution(_ row: Row) throws -> Distribution {
        let sketch = try? row.decode(Data.self, forColumn: "sketch")
        return Distribution(
            count: UInt64(clamping: try row.decode(Int64.self, forColumn: "count")),
            sum: try row.decode(forColumn: "sum"),
            low: try row.decode(forColumn: "low"),
            high: try row.decode(forColumn: "high"),
            // What is damaged counts for no percentile.
            sketch: sketch.flatMap { SparseSketch(bytes: Array($0)) } ?? SparseSketch()
        )
    }

    /// The series of an account in a region that have values from that minute on, and of which metrics.
    package func list(
        accountID: String,
        region: String,
        since minute: Int64
    ) async throws -> [(key: SeriesKey, metric: FunctionMetric)] {
        try await pool.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT s.level, s.function, s.qualifier, s.version, m.metric FROM series s
                    JOIN (SELECT DISTINCT series, metric FROM points WHERE minute >= ?) m ON m.series = s.id
                    WHERE s.accountID = ? AND s.region = ?
                    """,
                arguments: [minute, accountID, region]
            )
            return rows.compactMap { row in
                guard let number = try? row.decode(Int.self, forColumn: "level"),
                    let level = SeriesKey.Level(rawValue: number),
                    let name = try? row.decode(String.self, forColumn: "metric"),
                    let metric = FunctionMetric(awsName: name),
                    let function = try? row.decode(String.self, forColumn: "function"),
                    let qualifier = try? row.decode(String.self, forColumn: "qualifier"),
                    let version = try? row.decode(String.self, forColumn: "version")
                else { return nil }
                let key = FunctionKey(accountID: accountID, region: region, name: function)
                return (SeriesKey(level: level, key, qualifier: qualifier, version: version), metric)
            }
        }
    }

    /// Drops what is older than that minute, and the oldest of what is too much; a part of it at a time.
    package func trim(before minute: Int64) async throws {
        while try await trimSome(before: minute) {}
    }

    private static let trimMax = 10_000

    private func trimSome(before minute: Int64) async throws -> Bool {
        let rowsMax = rowsMax
        return try await pool.write { db in
            var limit = minute
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM points") ?? 0
            if count > rowsMax,
                let kept = try Int64.fetchOne(
                    db,
                    sql: "SELECT minute FROM points ORDER BY minute LIMIT 1 OFFSET ?",
                    arguments: [count - rowsMax]
                )
            {
                limit = max(limit, kept &+ 1)
            }
            try db.execute(
                sql: """
                    DELETE FROM points WHERE (series, metric, minute, part) IN (
                        SELECT series, metric, minute, part FROM points WHERE minute < ? ORDER BY minute LIMIT ?
                    )
                    """,
                arguments: [limit, Self.trimMax]
            )
            guard db.changesCount < Self.trimMax else { return true }
            try db.execute(sql: "DELETE FROM series WHERE id NOT IN (SELECT series FROM points)")
            return false
        }
    }
}
