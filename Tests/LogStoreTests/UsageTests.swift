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
        accountID: String = "000000000000"
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
        return try await store.usage(
            from: Timestamp(millisecondsSinceEpoch: start),
            to: Timestamp(millisecondsSinceEpoch: end),
            accountID: accountID,
            region: "us-east-1"
        )
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
        #expect(line.initMilliseconds == 250)
        #expect(line.egressBytes == 35)
        #expect(line.ingressBytes == 15)
        #expect(line.errors == 2)
        #expect(line.timeouts == 1)
        #expect(lines[2].gbSeconds == 2)
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
}
