// SPDX-License-Identifier: Apache-2.0
import GRDB
import LambdaModel

extension LogStore {
    /// What was used, ordered by day, function, version, memory and architecture.
    package func usage(_ query: UsageQuery) async throws -> [UsageLine] {
        try await read { db in
            var lines: [UsageLine.Key: UsageLine] = [:]
            try UsageSum.addInvocations(query, to: &lines, db)
            try UsageSum.addProvisioned(query, to: &lines, db)
            return lines.values.sorted { UsageSum.order($0.key) < UsageSum.order($1.key) }
        }
    }

    /// Adds to what provisioned environments took.
    package func add(_ uses: [ProvisionedUse]) async throws {
        try await writeAlone { db in
            for use in uses {
                try db.cachedStatement(
                    sql: """
                        INSERT INTO provisionedUsage (accountID, region, day, functionName, version, memoryMiB,
                            architecture, milliseconds)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        ON CONFLICT DO UPDATE SET milliseconds = milliseconds + excluded.milliseconds
                        """
                ).execute(arguments: [
                    use.key.function.accountID, use.key.function.region, use.key.day, use.key.function.name,
                    use.key.version, use.key.memoryMiB, use.key.architecture.rawValue, use.milliseconds,
                ])
            }
        }
    }
}

private enum UsageSum {
    /// Invocations as they are billed, one row each.
    private static let billed = """
        SELECT functionName, version, memoryMiB, architecture, ephemeralStorageMiB, initMicroseconds, egressBytes,
            ingressBytes, outcome, origin, records, isProvisioned,
            CASE WHEN :isDaily THEN startedAt / 86400000 ELSE 0 END AS day,
            (CASE WHEN :billsInitialization OR billedMilliseconds = 0 THEN billedMilliseconds
                WHEN outcome = 'init' THEN 0
                WHEN initMicroseconds IS NULL THEN billedMilliseconds
                ELSE MAX(1, (durationMicroseconds + 999) / 1000) END
                + :rounding - 1) / :rounding * :rounding AS billed
        FROM usageRecords
        WHERE accountID = :accountID AND region = :region AND startedAt >= :start AND startedAt < :end
        """

    static func addInvocations(
        _ query: UsageQuery,
        to lines: inout [UsageLine.Key: UsageLine],
        _ db: Database
    ) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT day, functionName, version, memoryMiB, architecture,
                    SUM(outcome <> 'init') AS requests,
                    SUM(billed) AS billed,
                    SUM(billed * isProvisioned) AS provisionedBilled,
                    SUM(MAX(ephemeralStorageMiB - 512, 0) * billed) AS ephemeral,
                    SUM(COALESCE(initMicroseconds, 0)) AS initMicroseconds,
                    SUM(egressBytes) AS egressBytes,
                    SUM(ingressBytes) AS ingressBytes,
                    SUM(origin = 'asynchronous') AS asynchronous,
                    SUM(records) AS records,
                    SUM(outcome NOT IN ('success', 'timeout', 'init')) AS errors,
                    SUM(outcome = 'timeout') AS timeouts
                FROM (\(billed))
                GROUP BY day, functionName, version, memoryMiB, architecture
                """,
            arguments: [
                "isDaily": query.isDaily, "billsInitialization": query.billsInitialization,
                "rounding": query.roundingMilliseconds, "accountID": query.accountID, "region": query.region,
                "start": query.period.lowerBound.millisecondsSinceEpoch,
                "end": query.period.upperBound.millisecondsSinceEpoch,
            ]
        )
        while let row = try rows.next() {
            let key = try key(row, query)
            var line = UsageLine(key)
            line.requests = row["requests"]
            line.billedMilliseconds = row["billed"]
            line.provisionedBilledMilliseconds = row["provisionedBilled"]
            line.ephemeralMebibyteMilliseconds = row["ephemeral"]
            line.initMicroseconds = row["initMicroseconds"]
            line.egressBytes = row["egressBytes"]
            line.ingressBytes = row["ingressBytes"]
            line.asynchronous = row["asynchronous"]
            line.records = row["records"]
            line.errors = row["errors"]
            line.timeouts = row["timeouts"]
            lines[key] = line
        }
    }

    /// Of days that begin in the period.
    static func addProvisioned(
        _ query: UsageQuery,
        to lines: inout [UsageLine.Key: UsageLine],
        _ db: Database
    ) throws {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT CASE WHEN :isDaily THEN day ELSE 0 END AS day, functionName, version, memoryMiB, architecture,
                    SUM(milliseconds) AS milliseconds
                FROM provisionedUsage
                WHERE accountID = :accountID AND region = :region
                    AND provisionedUsage.day * 86400000 >= :start AND provisionedUsage.day * 86400000 < :end
                GROUP BY 1, functionName, version, memoryMiB, architecture
                """,
            arguments: [
                "isDaily": query.isDaily, "accountID": query.accountID, "region": query.region,
                "start": query.period.lowerBound.millisecondsSinceEpoch,
                "end": query.period.upperBound.millisecondsSinceEpoch,
            ]
        )
        while let row = try rows.next() {
            let key = try key(row, query)
            lines[key, default: UsageLine(key)].provisionedMilliseconds = row["milliseconds"]
        }
    }

    private static func key(_ row: Row, _ query: UsageQuery) throws -> UsageLine.Key {
        guard let architecture = Architecture(rawValue: row["architecture"]) else {
            throw LogStoreError.failed(message: "a usage record names an unknown architecture")
        }
        return UsageLine.Key(
            day: row["day"],
            function: FunctionKey(accountID: query.accountID, region: query.region, name: row["functionName"]),
            version: row["version"],
            memoryMiB: row["memoryMiB"],
            architecture: architecture
        )
    }

    static func order(_ key: UsageLine.Key) -> (Int64, String, String, Int, String) {
        (key.day, key.function.name, key.version, key.memoryMiB, key.architecture.rawValue)
    }
}
