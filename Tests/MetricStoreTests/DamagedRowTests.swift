// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import MetricCore
import MetricStore
import Testing

/// Rows whose columns are not what was written end no process, and hold up no others.
final class DamagedRowTests: Sendable {
    private let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    init() throws { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(directory)/metrics.sqlite")
        try file.writeWithoutTransaction { db in
            let tables = try Row.fetchAll(db, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            try db.execute(
                sql: """
                    PRAGMA foreign_keys = OFF;
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_schema SET sql = replace(replace(replace(sql,
                        ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')'), 'NOT NULL', '') WHERE type = 'table';
                    PRAGMA writable_schema = RESET;
                    \(sql);
                    PRAGMA writable_schema = ON;
                    """
            )
            for table in tables {
                try db.execute(
                    sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?",
                    arguments: [table["sql"] as String, table["name"] as String]
                )
            }
        }
    }

    @Test(
        arguments: [
            "points SET count = NULL", "points SET count = -1", "points SET sum = NULL", "points SET low = NULL",
            "points SET high = NULL", "points SET sketch = 'x', count = 'x'", "series SET level = 'x'",
            "series SET version = x'ff'",
        ]
    )
    func `a damaged row counts for nothing, and others do`(change: String) async throws {
        let store = try MetricStore(directory: directory)
        for (version, value) in [("1", 10.0), ("2", 20.0)] {
            let key = SeriesKey(function, version: version)
            let series = MetricRegistry().series(function)
            series.record(.duration, value)
            try await store.append([.init(key, .duration, series.recent(.duration))], minute: 100)
        }
        try damage("UPDATE \(change) WHERE \(change.hasPrefix("points") ? "series" : "id") = 1")
        let filter = MetricStore.Filter(accountID: "000000000000", region: "us-east-1", level: .resource)
        let values = try await store.values(of: .duration, filter, minutes: 0..<200)
        #expect(values[100].map { $0.high } == 20)
        let listed = try await store.list(accountID: "000000000000", region: "us-east-1", since: 0)
        #expect(listed.contains { $0.key.version == "2" })
        try await store.trim(before: 200)
        #expect(try await store.list(accountID: "000000000000", region: "us-east-1", since: 0).isEmpty)
    }
}
