// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import Synchronization
import Testing

@testable import LogStore

/// Rows whose columns are not what was written end no process, and hold up no others.
final class DamagedRowTests: Sendable {
    private static let later: Int64 = 1_000_000_000

    private let fixture: Fixture
    private let told = Mutex<[LogStoreError]>([])

    init() throws { fixture = try Fixture() }

    private func open() throws -> LogStore {
        try fixture.open(onBackgroundFailure: { [self] error in told.withLock { $0.append(error) } })
    }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(fixture.path)/logs.sqlite")
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

    private func usage(_ account: String, _ name: String = "f") -> JournalEntry {
        let usage = UsageRecord(
            requestID: "r",
            function: FunctionKey(accountID: account, region: "us-east-1", name: name),
            version: "1",
            startedAt: Timestamp(100),
            memoryMiB: 128,
            durationMicroseconds: 9_000,
            billedMilliseconds: 9,
            initMicroseconds: nil,
            maxMemoryUsedMiB: 1,
            ephemeralStorageMiB: 512,
            egressBytes: 0,
            ingressBytes: 0,
            outcome: "success",
            architecture: .x86_64,
            executedEnvironmentID: "e"
        )
        return JournalEntry(group: group, stream: "s", events: [], usage: usage)
    }

    @Test(
        arguments: [
            "functionName = NULL", "version = NULL", "memoryMiB = NULL", "memoryMiB = 9223372036854775807",
            "architecture = 'x'", "egressBytes = NULL", "ingressBytes = -1", "outcome = NULL", "records = NULL",
            "billedMilliseconds = 9223372036854775807", "durationMicroseconds = NULL, outcome = NULL",
        ]
    )
    func `usage that can't be added up is refused, and that of others is there`(change: String) async throws {
        let store = try open()
        let accounts = ["000000000000", "111111111111"]
        for account in accounts { try await store.append(usage(account)) }
        _ = try await store.newestID()
        try damage("UPDATE usageRecords SET \(change) WHERE id = 1")
        let queries = accounts.map {
            UsageQuery(accountID: $0, region: "us-east-1", period: Timestamp(0)..<Timestamp(1_000))
        }
        await #expect(throws: LogStoreError.self) { try await store.usage(queries[0]) }
        #expect(try await store.usage(queries[1]).map(\.requests) == [1])
        for account in accounts {
            _ = try await store.recentInvocations(since: Timestamp(0), accountID: account, region: "us-east-1")
        }
    }

    @Test func `recent invocations are those that can be read`() async throws {
        let store = try open()
        for name in ["f", "g", "h"] { try await store.append(usage("000000000000", name)) }
        _ = try await store.newestID()
        try damage(
            """
            UPDATE usageRecords SET durationMicroseconds = NULL WHERE id = 1;
            UPDATE usageRecords SET functionName = NULL WHERE id = 2
            """
        )
        let recent = try await store.recentInvocations(
            since: Timestamp(0),
            accountID: "000000000000",
            region: "us-east-1"
        )
        #expect(Set(recent.functions.keys) == ["h"])
    }

    @Test(
        arguments: [
            "logGroups SET createdAt = 'x'", "logGroups SET createdAt = 9223372036854775807",
            "logGroups SET retentionDays = 'x'", "logGroups SET class = NULL", "logGroups SET bytes = 'x'",
            "logGroups SET tags = x'ff'", "logStreams SET createdAt = 'x'", "logStreams SET lastEventTime = NULL",
        ]
    )
    func `a damaged group or stream is refused by its name, and its events are there`(change: String) async throws {
        let store = try open()
        try await store.append(entry([event(5, "x")]))
        #expect(try await store.messages() == ["x"])
        try damage("UPDATE \(change) WHERE id = 1")
        let isGroup = change.hasPrefix("logGroups")
        let failure = LogStoreError.changed(isGroup ? "log group \(group.name)" : "log stream s")
        await #expect(throws: failure) {
            guard isGroup else {
                return _ = try await store.streams(
                    of: group,
                    prefix: "",
                    byLastEvent: false,
                    descending: false,
                    after: nil,
                    limit: 9
                )
            }
            _ = try await store.group(group)
        }
        #expect(try await store.messages() == ["x"])
        fixture.move(to: Self.later)
        try await store.sweep()
        #expect(try await store.messages() == ["x"])
    }

    private func fill(_ store: LogStore, streams: Int = 1) async throws {
        let text = String(repeating: "x", count: 2_048)
        for start in stride(from: 0, to: 700, by: 100) {
            let events = (start..<start + 100).map { event(Int64($0), text) }
            try await store.append(entry(events, stream: "stream \(start / 100 % streams)"))
        }
        #expect(try await store.messages().count == 700)
        fixture.move(to: Self.later)
    }

    @Test func `a damaged event stays a row, and the others are packed`() async throws {
        let store = try open()
        try await fill(store)
        try damage(
            """
            UPDATE logEvents SET message = NULL WHERE id = 1; UPDATE logEvents SET streamID = NULL WHERE id = 2;
            UPDATE logEvents SET ingestionTime = NULL WHERE id = 3
            """
        )
        let look = try await store.events(after: 0, in: [group])
        #expect(look.events.first?.event.id == 4)
        try await store.sweep()
        #expect(try await store.count("logSegments") > 2)
        let rows = try await store.pool.read { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM logEvents ORDER BY id LIMIT 3")
        }
        #expect(rows == [1, 2, 3])
    }

    @Test func `a group that can't be packed is told, and others are`() async throws {
        let store = try open()
        try await fill(store)
        let other = LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "other")
        let text = String(repeating: "x", count: 2_048)
        try await store.append(entry((0..<700).map { event($0, text) }, group: other))
        _ = try await store.newestID()
        try damage("UPDATE logGroups SET sealedTime = 'x' WHERE id = 1")
        fixture.move(to: 2 * Self.later)
        await #expect(throws: LogStoreError.changed("log group 1")) { try await store.sweep() }
        let groups = try await store.pool.read { db in
            try Int.fetchAll(db, sql: "SELECT DISTINCT groupID FROM logSegments")
        }
        #expect(groups == [2])
    }

    @Test(
        arguments: [
            "logSegments SET firstTime = NULL", "logSegments SET lastTime = 'x'", "logSegments SET bytes = NULL",
            "logSegments SET bytes = -9223372036854775808", "logSegments SET events = 'x'",
            "logSegments SET plainBytes = 'x'", "logSegments SET payload = NULL", "logEvents SET streamID = NULL",
            "logEvents SET message = NULL", "logGroups SET createdAt = 'x'", "logGroups SET bytes = 'x'",
            "logStreams SET groupID = NULL",
        ]
    )
    func `what is damaged is dropped with the rest, by its group, its stream and its age`(change: String) async throws {
        let store = try open()
        try await fill(store, streams: 2)
        try await store.sweep()
        let segments = try await store.count("logSegments")
        let place = change.hasPrefix("logEvents") ? "(SELECT MIN(id) FROM logEvents)" : "1"
        try damage("UPDATE \(change) WHERE id = \(place); UPDATE logStreams SET isDeleted = 1 WHERE id = 1")
        let steps = try await store.pool.write { db -> Int in
            #expect(try LogTrimmer.dropOldest(of: 1, bytesMin: 1, before: 10_000, db) > 0)
            var steps = 0
            for retention in [LogRetention(), LogRetention(groupBytesMax: 1 << 20, totalBytesMax: 1 << 20)] {
                while steps < 200, try !LogTrimmer.trim(retention, db, onDamage: { _ in }) { steps += 1 }
            }
            return steps
        }
        #expect(steps < 200)
        #expect(try await store.count("logSegments") < segments)
        let streams = try await store.pool.read { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM logStreams WHERE isDeleted = 1")
        }
        #expect(streams.isEmpty)
    }
}
