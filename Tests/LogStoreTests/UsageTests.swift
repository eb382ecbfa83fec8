// SPDX-License-Identifier: Apache-2.0
import Foundation
import LambdaModel
import LogStore
import Testing

struct UsageTests {
    private func record(
        _ name: String,
        at time: Int64 = 100,
        memoryMiB: Int = 128,
        billed: Int64 = 10,
        outcome: String = "success"
    ) -> UsageRecord {
        UsageRecord(
            requestID: UUID().uuidString,
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: name),
            version: "$LATEST",
            startedAt: Timestamp(millisecondsSinceEpoch: time),
            memoryMiB: memoryMiB,
            durationMicroseconds: 9_500,
            billedMilliseconds: billed,
            initMicroseconds: nil,
            maxMemoryUsedMiB: 40,
            ephemeralStorageMiB: 512,
            egressBytes: 7,
            ingressBytes: 3,
            outcome: outcome,
            architecture: .x86_64,
            executedEnvironmentID: "e"
        )
    }

    private func usage(
        of records: [UsageRecord],
        from start: Int64 = 0,
        to end: Int64 = 1_000,
        accountID: String = "000000000000",
        provisioned: [ProvisionedUse] = [],
        change: (inout UsageQuery) -> Void = { _ in }
    ) async throws -> [UsageLine] {
        let path = NSTemporaryDirectory() + "martlet-usage-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer {
            do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
        }
        let store = try LogStore(
            directory: path,
            now: { Timestamp(millisecondsSinceEpoch: 0) },
            onBackgroundFailure: { Issue.record($0) }
        )
        let group = LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "g")
        for record in records {
            try await store.append(JournalEntry(group: group, stream: "s", events: [], usage: record))
        }
        try await store.add(provisioned)
        var query = UsageQuery(
            accountID: accountID,
            region: "us-east-1",
            period: Timestamp(millisecondsSinceEpoch: start)..<Timestamp(millisecondsSinceEpoch: max(start, end))
        )
        change(&query)
        return try await store.usage(query)
    }

    @Test func `the initialisation of a provisioned environment is billed and counts as no request`() async throws {
        let ahead = record("f", billed: 200, outcome: UsageRecord.provisionedInit)
        let lines = try await usage(of: [ahead, record("f"), record("f", outcome: "error")])
        #expect(lines.map(\.requests) == [2] && lines.map(\.errors) == [1])
        #expect(lines.map(\.billedMilliseconds) == [220])
    }

    @Test func `lines add up exactly`() async throws {
        var cold = record("f", billed: 1_000)
        cold.initMicroseconds = 250_999
        cold.ephemeralStorageMiB = 1_024
        let lines = try await usage(of: [
            cold, record("f"), record("f", outcome: "error"), record("f", outcome: "timeout"),
            record("f", outcome: "Runtime.OutOfMemory"), record("f", memoryMiB: 1_024, billed: 2_000), record("e"),
        ])
        #expect(lines.map(\.function.name) == ["e", "f", "f"])
        let line = lines[1]
        #expect(line.requests == 5)
        #expect(line.billedMilliseconds == 1_040)
        #expect(line.memoryMebibyteMilliseconds == 128 * 1_040)
        #expect(line.gbSeconds == 0.13)
        #expect(line.ephemeralMebibyteMilliseconds == 512 * 1_000)
        #expect(line.initMicroseconds == 250_999)
        #expect(line.egressBytes == 35)
        #expect(line.ingressBytes == 15)
        #expect(line.errors == 2)
        #expect(line.timeouts == 1)
        #expect(lines[2].gbSeconds == 2)
    }

    @Test func `initialisations add up to those of the records, however they are grouped`() async throws {
        let day = UsageLine.dayMilliseconds
        var records: [UsageRecord] = []
        for index in 0..<30 {
            var cold = record("f\(index % 3)", at: Int64(index % 2) * day, memoryMiB: 128 << (index % 5))
            cold.initMicroseconds = Int64(333_333 + index * 7_001)
            records.append(cold)
        }
        let sum = records.reduce(0) { $0 + ($1.initMicroseconds ?? 0) }
        for isDaily in [false, true] {
            let lines = try await usage(of: records, to: 2 * day) { $0.isDaily = isDaily }
            #expect(lines.reduce(0) { $0 + $1.initMicroseconds } == sum)
            let quantities = lines.reduce(into: UsageQuantities()) { $0 += UsageQuantities($1) }
            #expect(quantities == records.reduce(into: UsageQuantities()) { $0 += UsageQuantities($1) })
        }
    }

    @Test func `a period holds its start and not its end, and one account only`() async throws {
        let records = [99, 100, 199, 200].map { record("f", at: $0) }
        #expect(try await usage(of: records, from: 100, to: 200).map(\.requests) == [2])
        #expect(try await usage(of: records, from: 200, to: 100).isEmpty)
        #expect(try await usage(of: records, accountID: "111111111111").isEmpty)
    }

    @Test func `very large sums stay exact`() async throws {
        let records = (0..<3).map { _ in record("f", memoryMiB: 10_240, billed: 90_000_000_000_001) }
        let lines = try await usage(of: records)
        let expected: Int64 = 2_764_800_000_000_030_720
        #expect(lines.first?.memoryMebibyteMilliseconds == expected)
    }

    @Test func `origins and records are counted`() async throws {
        var batch = record("f")
        batch.origin = .eventSource(records: 7)
        var event = record("f")
        event.origin = .asynchronous
        let lines = try await usage(of: [batch, batch, event, record("f")])
        #expect(lines.map(\.requests) == [4])
        #expect(lines.map(\.records) == [14] && lines.map(\.asynchronous) == [1])
    }

    @Test func `what is provisioned is told apart, and added up by the day`() async throws {
        let day = UsageLine.dayMilliseconds
        func use(_ number: Int64, _ milliseconds: Int64) -> ProvisionedUse {
            let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
            let key = UsageLine.Key(
                day: number,
                function: function,
                version: "$LATEST",
                memoryMiB: 128,
                architecture: .x86_64
            )
            return ProvisionedUse(key: key, milliseconds: milliseconds)
        }
        var warm = record("f", at: day + 5, billed: 30)
        warm.isProvisioned = true
        let uses = [use(0, 1), use(1, 10_000), use(1, 10_000), use(2, 500)]
        let lines = try await usage(
            of: [warm, record("f", at: day + 5)],
            from: day,
            to: 3 * day,
            provisioned: uses
        ) { $0.isDaily = true }
        #expect(lines.map(\.key.day) == [1, 2])
        #expect(lines.map(\.provisionedMilliseconds) == [20_000, 500])
        #expect(lines.map(\.provisionedBilledMilliseconds) == [30, 0] && lines.map(\.billedMilliseconds) == [40, 0])
        let month = try await usage(of: [], from: day, to: 3 * day, provisioned: uses)
        #expect(month.map(\.provisionedMilliseconds) == [20_500])
    }

    @Test func `a day is of the invocation's start, whatever the clock was set to since`() async throws {
        let day = UsageLine.dayMilliseconds
        let records = [5 * day, 4 * day + 1, 5 * day - 1].map { record("f", at: $0) }
        let lines = try await usage(of: records, to: 9 * day) { $0.isDaily = true }
        #expect(lines.map(\.key.day) == [4, 5] && lines.map(\.requests) == [2, 1])
    }

    @Test func `time is rounded as the prices say, invocation by invocation`() async throws {
        var cold = record("f", billed: 351)
        cold.initMicroseconds = 250_999
        cold.durationMicroseconds = 100_001
        let records = [
            cold, record("f", billed: 100), record("f", billed: 101), record("f", billed: 0, outcome: "lost"),
            record("f", billed: 250, outcome: UsageRecord.provisionedInit),
        ]
        let inHundreds = try await usage(of: records) { $0.roundingMilliseconds = 100 }
        #expect(inHundreds.map(\.billedMilliseconds) == [1_000])
        let withoutInit = try await usage(of: records) {
            $0.roundingMilliseconds = 100
            $0.billsInitialization = false
        }
        #expect(withoutInit.map(\.billedMilliseconds) == [500])
    }
}
