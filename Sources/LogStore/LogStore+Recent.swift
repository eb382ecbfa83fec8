// SPDX-License-Identifier: Apache-2.0
import GRDB
package import LambdaModel

/// What became of a function's invocations that ended within a while.
package struct RecentInvocations: Equatable, Sendable {
    package var count = 0
    /// Timeouts included.
    package var errors = 0
    /// Microseconds, of which so many percent of the invocations took no more.
    package var median: Int64 = 0
    package var percentile95: Int64 = 0

    /// Nearest rank; `durations` in microseconds, in any order.
    init(durations: [Int64], errors: Int) {
        count = durations.count
        self.errors = errors
        let sorted = durations.sorted()
        func rank(_ percent: Int) -> Int64 {
            sorted.isEmpty ? 0 : sorted[(sorted.count * percent + 99) / 100 - 1]
        }
        median = rank(50)
        percentile95 = rank(95)
    }
}

extension LogStore {
    /// Records that one look goes over.
    static let recentMax = 50_000

    /// What ended since `start`, by function: of the newest `recentMax` invocations, but of those whose rows are not what was written.
    ///
    /// - Returns: since when that is all.
    package func recentInvocations(
        since start: Timestamp,
        accountID: String,
        region: String
    ) async throws -> (functions: [String: RecentInvocations], since: Timestamp) {
        try await read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT accountID, region, functionName, outcome, durationMicroseconds,
                        startedAt + durationMicroseconds / 1000 AS endedAt
                    FROM usageRecords ORDER BY id DESC LIMIT ?
                    """,
                arguments: [Self.recentMax]
            )
            var found: [String: (durations: [Int64], errors: Int)] = [:]
            var since = start
            var count = 0
            while let row = try rows.next() {
                count += 1
                guard let end = try? row.decode(Int64.self, forColumn: "endedAt") else { continue }
                if count == Self.recentMax { since = max(start, Timestamp(millisecondsSinceEpoch: end)) }
                // Records are written in about the order of their ends.
                guard end >= start.millisecondsSinceEpoch - Self.disorderMilliseconds else { break }
                guard end >= start.millisecondsSinceEpoch,
                    let outcome = try? row.decode(String.self, forColumn: "outcome"),
                    outcome != UsageRecord.provisionedInit,
                    let name = try? row.decode(String.self, forColumn: "functionName"),
                    let duration = try? row.decode(Int64.self, forColumn: "durationMicroseconds"),
                    (try? row.decode(String.self, forColumn: "accountID")) == accountID,
                    (try? row.decode(String.self, forColumn: "region")) == region
                else { continue }
                var each = found[name] ?? ([], 0)
                each.durations.append(duration)
                if outcome != "success" { each.errors += 1 }
                found[name] = each
            }
            let functions = found.mapValues { RecentInvocations(durations: $0.durations, errors: $0.errors) }
            return (functions, since)
        }
    }

    private static let disorderMilliseconds: Int64 = 2_000
}
