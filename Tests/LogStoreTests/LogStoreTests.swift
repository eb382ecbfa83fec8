// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import Testing

@testable import LogStore

struct LogStoreTests {
    @Test func `events come back in the order of time, then of ingestion`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.append(entry([event(30, "c"), event(10, "a"), event(20, "b1")], stream: "one"))
        try await store.append(entry([event(20, "b2"), event(5, "0")], stream: "two"))
        for pageSize in [1, 2, 3, 5, 100] {
            #expect(try await store.messages(pageSize: pageSize) == ["0", "a", "b1", "b2", "c"], "page \(pageSize)")
            #expect(try await store.messages(stream: "one", pageSize: pageSize) == ["a", "b1", "c"])
        }
        #expect(try await store.messages(from: 10, to: 30) == ["a", "b1", "b2"])
        #expect(try await store.messages(stream: "two", from: 6) == ["b2"])
        await #expect(throws: LogStoreError.noStream) { try await store.messages(stream: "three") }
        let first = try #require(try await store.page(LogQuery(group: group)).events.first)
        #expect(first.stream == "two")
        #expect(first.ingestionTime == Timestamp(5_000))
        #expect(first.id == 5)
    }

    @Test func `groups of one name in other accounts and regions are others`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        var others = [group, group, group]
        others[0].accountID = "111111111111"
        others[1].region = "eu-west-1"
        others[2].name = "/aws/lambda/g"
        for other in others { try await store.append(entry([event(1, other.accountID + other.region)], group: other)) }
        await #expect(throws: LogStoreError.noGroup) { try await store.messages() }
        #expect(try await store.messages(others[1]) == ["000000000000eu-west-1"])
    }

    @Test func `any text is kept byte for byte`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let texts = [
            "", "a\0b", "line\nline", "'; DROP TABLE logEvents; --", "ünï🐦", String(repeating: "x", count: 300_000),
        ]
        try await store.append(entry(texts.enumerated().map { event(Int64($0), $1) }))
        #expect(try await store.messages() == texts)
    }

    @Test(arguments: [
        "", "x", "1/", "1/1/1", "1/01", "1/-1", "1/+1", "1/ 1", "01/1", "+1/1", "99999999999999999999/1", "1/1; SELECT",
    ])
    func `a position is read to the letter`(text: String) {
        #expect(LogPosition(text) == nil)
        #expect(LogPosition(String(repeating: "1", count: 1_000)) == nil)
        #expect(LogPosition("-9223372036854775808/0")?.text == "-9223372036854775808/0")
    }

    @Test func `a position that was made up reads the same group's events only`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        var other = group
        other.name = "other"
        try await store.append(entry([event(1, "mine"), event(2, "mine too")]))
        try await store.append(entry([event(1, "secret")], group: other))
        var query = LogQuery(group: group)
        query.start = 2
        query.position = LogPosition(timestamp: .min, id: 0)
        #expect(try await store.page(query).events.map(\.message) == ["mine too"])
    }

    @Test func `a page ends before it is too large, and never empty`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let large = String(repeating: "x", count: 3_000_000)
        try await store.append(entry([event(1, large), event(2, large), event(3, large + large)]))
        let page = try await store.page(LogQuery(group: group))
        #expect(page.events.count == 1 && page.hasMore)
        #expect(try await store.messages().map(\.utf8.count) == [3_000_000, 3_000_000, 6_000_000])
    }

    @Test func `an entry that is too large is refused`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let events = [event(1, String(repeating: "x", count: 16_777_216))]
        await #expect(throws: LogStoreError.entryTooLarge(bytes: 16_777_242)) { try await store.append(entry(events)) }
    }

    @Test func `many appends at once are all there, in fewer transactions`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for index in 0..<2_000 {
                tasks.addTask {
                    try await store.append(
                        entry([event(Int64(index), "\(index)")], stream: "stream \(index % 7)")
                    )
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try await store.messages() == (0..<2_000).map(String.init))
    }

    @Test func `cancelling one caller takes nothing from the others`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let tasks = (0..<100).map { index in
            Task { try await store.append(entry([event(Int64(index), "\(index)")])) }
        }
        for index in stride(from: 0, to: 100, by: 3) { tasks[index].cancel() }
        for task in tasks { try await task.value }
        #expect(try await store.messages().count == 100)
    }

    @Test func `a deleted group is gone at once, and its space later`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.append(entry((0..<2_500).map { event($0, "old") }))
        #expect(try await store.deleteGroup(group))
        await #expect(throws: LogStoreError.noGroup) { try await store.messages() }
        #expect(try await store.deleteGroup(group) == false)
        try await store.append(entry([event(1, "new")]))
        #expect(try await store.messages() == ["new"])
        try await store.eventually { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logEvents") == 1 }
        try await store.eventually { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logGroups") == 1 }
        #expect(
            try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT value FROM totals") }
                == 3 + Int(LogStore.eventOverheadBytes)
        )
    }

    @Test func `a group over its limit loses its oldest events only`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open(retention: LogRetention(groupBytesMax: 126_000, totalBytesMax: 1 << 30))
        let text = String(repeating: "x", count: 100)
        var other = group
        other.name = "other"
        try await store.append(entry([event(0, "kept")], group: other))
        for start in stride(from: Int64(0), to: 5_000, by: 100) {
            try await store.append(entry((start..<start + 100).map { event($0, text) }, stream: "stream \(start)"))
        }
        try await store.eventually { db in
            try Int.fetchOne(db, sql: "SELECT MAX(bytes) FROM logGroups") ?? 0 <= 126_000
        }
        let kept = try await store.page(LogQuery(group: group))
        #expect(kept.events.last?.timestamp == Timestamp(4_999))
        let count = kept.events.count
        #expect(count <= 1_000 && count > 0)
        #expect(kept.events.first?.timestamp == Timestamp(Int64(5_000 - count)))
        #expect(try await store.messages(other) == ["kept"])
        let streams = try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logStreams")
        }
        #expect(streams == (count + 99) / 100 + 1)
    }

    @Test func `over the limit of all, the largest group pays`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open(retention: LogRetention(groupBytesMax: 1 << 30, totalBytesMax: 50_000))
        var small = group
        small.name = "small"
        let text = String(repeating: "x", count: 74)
        try await store.append(entry((0..<50).map { event($0, text) }, group: small))
        try await store.append(entry((0..<2_000).map { event($0, text) }))
        try await store.eventually { db in try Int.fetchOne(db, sql: "SELECT value FROM totals") ?? 0 <= 50_000 }
        #expect(try await store.messages(small).count == 50)
    }

    @Test func `a limit made smaller is kept after the next start`() async throws {
        let fixture = try Fixture()
        do {
            let store = try fixture.open()
            try await store.append(entry((0..<3_000).map { event($0, String(repeating: "x", count: 74)) }))
        }
        let store = try fixture.open(retention: LogRetention(groupBytesMax: 10_000, totalBytesMax: 1 << 30))
        try await store.eventually { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logEvents") ?? 0 <= 100
        }
    }

    @Test func `what was acknowledged is in the files at once`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let copy = try Fixture()
        try await store.append(entry([event(1, "kept")]))
        // What kill -9 leaves: the files as they are while the process still has them open.
        try copy.copy(Fixture.databaseFiles, from: fixture)
        #expect(try await copy.open().messages() == ["kept"])
    }

    @Test func `a full disk refuses the append and harms nothing`() async throws {
        let fixture = try Fixture()
        var written = 0
        do {
            let store = try fixture.open(pagesMax: 60)
            let error = await #expect(throws: LogStoreError.self) {
                for index in 0..<1_000 {
                    try await store.append(entry([event(Int64(index), String(repeating: "x", count: 3_000))]))
                    written += 1
                }
            }
            #expect(error == .diskFull)
            #expect(written > 0)
            #expect(try await store.messages().count == written)
        }
        let store = try fixture.open()
        #expect(try await store.messages().count == written)
        try await store.append(entry([event(2_000, "more")]))
    }

    @Test func `files are their owner's alone, and a newer version's are refused`() async throws {
        let fixture = try Fixture()
        do {
            let store = try fixture.open()
            try await store.append(entry([event(1, "a")]))
            for name in try FileManager.default.contentsOfDirectory(atPath: fixture.path) {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(fixture.path)/\(name)")
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
            }
        }
        let path = fixture.path + "/logs.sqlite"
        let other = try DatabaseQueue(path: path)
        try await other.write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 the future')")
        }
        #expect(throws: LogStoreError.newerDatabase(path: path)) { try fixture.open() }
    }

    @Test func `streams that are made have a limit, and those that are deleted make room`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        var other = group
        other.name = "other"
        for key in [group, other] { try await store.createGroup(key, logClass: "STANDARD", tags: [:]) }
        func make(_ name: String, in key: LogGroupKey) async throws {
            try await store.createStream(name, in: key, max: 3, accountMax: 5, allMax: 5)
        }
        // Those that come with events count for their bytes.
        for index in 0..<9 { try await store.append(entry([event(1, "x")], stream: "e\(index)")) }
        for name in ["a", "b", "c"] { try await make(name, in: group) }
        await #expect(throws: LogStoreError.tooManyStreams) { try await make("d", in: group) }
        await #expect(throws: LogStoreError.exists) { try await make("e0", in: group) }
        try await store.deleteStream("e0", in: group)
        await #expect(throws: LogStoreError.tooManyStreams) { try await make("d", in: group) }
        try await store.deleteStream("a", in: group)
        try await make("d", in: group)
        for name in ["a", "b"] { try await make(name, in: other) }
        for _ in 0..<3 {
            await #expect(throws: LogStoreError.tooManyStreams) { try await make("c", in: other) }
        }
        #expect(try await store.deleteGroup(group))
        try await make("c", in: other)
        #expect(try await store.pool.read { db in try Totals.keptStreams(db) } == 3)
    }

    @Test func `one account leaves others room for streams`() async throws {
        let store = try Fixture().open()
        var (other, foreign) = (group, group)
        other.name = "other"
        foreign.accountID = "111111111111"
        for key in [group, other, foreign] { try await store.createGroup(key, logClass: "STANDARD", tags: [:]) }
        func make(_ name: String, in key: LogGroupKey) async throws {
            try await store.createStream(name, in: key, max: 9, accountMax: 2, allMax: 5)
        }
        for key in [group, other] { try await make("a", in: key) }
        await #expect(throws: LogStoreError.tooManyStreams) { try await make("b", in: group) }
        for name in ["a", "b"] { try await make(name, in: foreign) }
        await #expect(throws: LogStoreError.tooManyStreams) { try await make("c", in: foreign) }
        #expect(try await store.deleteGroup(other))
        try await make("b", in: group)
    }
}
