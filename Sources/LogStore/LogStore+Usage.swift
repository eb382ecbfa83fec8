// SPDX-License-Identifier: Apache-2.0
import GRDB
import LambdaModel

extension LogStore {
    /// What was used, ordered by day, function, version, memory and architecture.
    ///
    /// - Throws: `LogStoreError` where rows of it are not what was written: who counts or bills would take the rest for all.
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
            line.requests = try number(row, "requests")
            line.billedMilliseconds = try number(row, "billed", times: key.memoryMiB)
            line.provisionedBilledMilliseconds = try number(row, "provisionedBilled", times: key.memoryMiB)
            line.ephemeralMebibyteMilliseconds = try number(row, "ephemeral")
            line.initMicroseconds = try number(row, "initMicroseconds")
            line.egressBytes = try number(row, "egressBytes")
            line.ingressBytes = try number(row, "ingressBytes")
            line.asynchronous = try number(row, "asynchronous")
            line.records = try number(row, "records")
            line.errors = try number(row, "errors")
            line.timeouts = try number(row, "timeouts")
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
            lines[key, default: UsageLine(key)].provisionedMilliseconds = try number(
                row,
                "milliseconds",
                times: key.memoryMiB
            )
        }
    }

    /// Not below zero, and no more than what is made of it has room for.
    private static func number(_ row: Row, _ column: String, times memoryMiB: Int = 1) throws -> Int64 {
        let number: Int64 = try row.decode(forColumn: column)
        guard number >= 0, !number.multipliedReportingOverflow(by: Int64(memoryMiB)).overflow else {
            throw LogStoreError.failed(message: "usage records add up to what none can be")
        }
        return number
    }

    private static func key(_ row: Row, _ query: UsageQuery) throws -> UsageLine.Key {
        guard let architecture = Architecture(rawValue: try row.decode(forColumn: "architecture")) else {
            throw LogStoreError.failed(message: "a usage record names an unknown architecture")
        }
        return UsageLine.Key(
            day: try row.decode(forColumn: "day"),
            function: FunctionKey(
                accountID: query.accountID,
                region: query.region,
                name: try row.decode(forColumn: "functionName")
            ),
            version: try row.decode(forColumn: "version"),
            memoryMiB: Int(try row.decode(UInt32.self, forColumn: "memoryMiB")),
            architecture: architecture
        )
    }

    static func order(_ key: UsageLine.Key) -> (Int64, String, String, Int, String) {
        (key.day, key.function.name, key.version, key.memoryMiB, key.architecture.rawValue)
    }
}
