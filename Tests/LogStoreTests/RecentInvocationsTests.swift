// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import LogStore

struct RecentInvocationsTests {
    @Test func `percentiles are nearest ranks`() {
        #expect(RecentInvocations(durations: [], errors: 0).median == 0)
        let one = RecentInvocations(durations: [7], errors: 1)
        #expect((one.count, one.median, one.percentile95, one.errors) == (1, 7, 7, 1))
        let many = RecentInvocations(durations: (1...100).map(Int64.init).shuffled(), errors: 0)
        #expect((many.median, many.percentile95) == (50, 95))
        #expect(RecentInvocations(durations: [1, 2], errors: 0).median == 1)
    }

    @Test func `what ended in time counts, of the account that asks`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        func append(_ name: String, at start: Int64, milliseconds: Int64, account: String = "000000000000") async throws
        {
            let usage = UsageRecord(
                requestID: "r",
                function: FunctionKey(accountID: account, region: "us-east-1", name: name),
                version: "1",
                startedAt: Timestamp(start),
                memoryMiB: 128,
                durationMicroseconds: milliseconds * 1_000,
                billedMilliseconds: milliseconds,
                initMicroseconds: nil,
                maxMemoryUsedMiB: 1,
                ephemeralStorageMiB: 512,
                egressBytes: 0,
                ingressBytes: 0,
                outcome: milliseconds == 9 ? "error" : "success",
                architecture: .x86_64,
                executedEnvironmentID: "e"
            )
            try await store.append(JournalEntry(group: group, stream: "s", events: [], usage: usage))
        }
        try await append("old", at: 10_000, milliseconds: 100)
        try await append("late", at: 10_000, milliseconds: 49_999)
        try await append("f", at: 60_000, milliseconds: 9)
        try await append("f", at: 60_100, milliseconds: 4)
        try await append("f", at: 60_200, milliseconds: 5, account: "111111111111")
        let recent = try await store.recentInvocations(
            since: Timestamp(59_999),
            accountID: "000000000000",
            region: "us-east-1"
        )
        #expect(recent.since == Timestamp(59_999))
        #expect(Set(recent.functions.keys) == ["late", "f"])
        #expect(recent.functions["f"] == RecentInvocations(durations: [4_000, 9_000], errors: 1))
    }
}
