// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import TestSupport
import Testing

@testable import LogStore

/// Older events are packed into segments, and nobody who reads sees a difference.
struct SegmentTests {
    /// Late enough for everything that tests write to be packed.
    private static let later: Int64 = 1_000_000_000

    /// Two kibibytes: some hundreds of them are a segment.
    private static func text(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 2_048) }

    @Test func `what is packed unpacks to the same`() throws {
        var segment = LogSegment()
        segment.append(EventKey(timestamp: -5, id: 9), stream: 7, ingestionTime: 0, message: Array("a".utf8))
        segment.append(EventKey(timestamp: 1 << 50, id: 3), stream: 1 << 40, ingestionTime: 5, message: [0xFF, 0, 10])
        segment.append(EventKey(timestamp: .max, id: 4), stream: 7, ingestionTime: .min, message: [])
        let packed = try segment.packed()
        let same = try LogSegment(payload: packed.payload, plainBytes: packed.plainBytes)
        #expect(same.messages == segment.messages)
        #expect(same.entries.map(\.key) == segment.entries.map(\.key))
        #expect(same.entries.map(\.stream) == [7, 1 << 40, 7])
        #expect(same.entries.map(\.ingestionTime) == [0, 5, .min])
        #expect(same.entries.map(\.range) == segment.entries.map(\.range))
        #expect(same.without(streams: [7])?.entries.count == 1 && same.without(streams: [1 << 40])?.messages == [97])
    }

    @Test(arguments: UInt64(0)..<200)
    func `a segment that was damaged is refused`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var segment = LogSegment()
        for index in 0..<20 {
            segment.append(
                EventKey(timestamp: Int64(index), id: 1),
                stream: Int64(index % 3),
                ingestionTime: 1,
                message: Array("message \(index)".utf8)
            )
        }
        let packed = try segment.packed()
        var payload = packed.payload
        payload[random.below(payload.count)] ^= UInt8(1 + random.below(255))
        do {
            let read = try LogSegment(payload: payload, plainBytes: packed.plainBytes)
            // zlib's header has bits that change nothing.
            #expect(read.messages == segment.messages, "seed \(seed)")
        } catch { #expect(error == .failed(message: "a segment of log events is damaged")) }
        #expect(throws: LogStoreError.self) { try LogSegment(payload: payload, plainBytes: packed.plainBytes + 1) }
        #expect(throws: LogStoreError.self) { try LogSegment(payload: Data([1, 2]), plainBytes: 1 << 40) }
    }

    /// Appends in several streams, late ones too, packed now and then; every way to read finds what a sorted list has.
    @Test(arguments: UInt64(0)..<8)
    func `readers merge rows and segments`(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fixture = try Fixture()
        let store = try fixture.open()
        var expected: [(time: Int64, id: Int64, stream: String, message: String)] = []
        for round in 0..<6 {
            for _ in 0..<10 {
                let stream = "stream \(random.below(4))"
                let events = (0..<(20 + random.below(40))).map { _ in
                    let isLate = random.oneIn(8)
                    let time = Int64(round * 1_000 + random.below(1_000)) - (isLate ? Int64(random.below(3_000)) : 0)
                    return event(max(0, time), Self.text(random.below(1_000)))
                }
                try await store.append(entry(events, stream: stream))
                for event in events {
                    expected.append(
                        (event.timestamp.millisecondsSinceEpoch, Int64(expected.count + 1), stream, event.message)
                    )
                }
            }
            fixture.move(to: Self.later)
            try await store.sweep()
            fixture.move(to: 5_000)
        }
        #expect(try await store.count("logSegments") > 2)
        #expect(try await store.count("logEvents") > 0)
        expected.sort { ($0.time, $0.id) < ($1.time, $1.id) }
        for _ in 0..<12 {
            var query = LogQuery(group: group)
            query.limit = 1 + random.below(400)
            query.isBackward = random.oneIn(2)
            if random.oneIn(2) { query.start = Int64(random.below(6_000)) }
            if random.oneIn(2) { query.end = Int64(random.below(6_000)) }
            var names = Set((0..<4).map { "stream \($0)" })
            switch random.below(3) {
            case 0:
                names = ["stream \(random.below(4))"]
                query.streams = .named(Array(names))
            case 1: query.streams = .beginning("stream ")
            default: break
            }
            let digit = UInt8(ascii: "0") + UInt8(random.below(10))
            let isFiltered = random.oneIn(2)
            if isFiltered { query.matches = { $0.first == digit } }
            let wanted = expected.filter { each in
                each.time >= query.start ?? 0 && each.time < query.end ?? .max && names.contains(each.stream)
                    && (!isFiltered || each.message.utf8.first == digit)
            }
            let found = try await store.all(query)
            #expect(found.map(\.id) == wanted.map(\.id), "seed \(seed): \(query)")
            #expect(found.map(\.message) == wanted.map(\.message), "seed \(seed)")
            #expect(found.map(\.stream) == wanted.map(\.stream), "seed \(seed)")
        }
    }

    private func packed(_ fixture: Fixture, streams: Int = 1) async throws -> LogStore {
        let store = try fixture.open()
        for start in stride(from: 0, to: 2_000, by: 100) {
            let events = (start..<start + 100).map { event(Int64($0), Self.text($0)) }
            try await store.append(entry(events, stream: "stream \(start / 100 % streams)"))
        }
        fixture.move(to: Self.later)
        try await store.sweep()
        return store
    }

    @Test func `a page ends with its work, and the next one goes on`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture)
        var query = LogQuery(group: group)
        query.matches = { _ in true }
        // Two thousand bytes and more of an event take more than a page may: each page has one.
        query.cost = LogQuery.workMax / 2_000
        for isBackward in [false, true] {
            query.isBackward = isBackward
            let page = try await store.page(query)
            #expect(page.events.map(\.message) == [Self.text(isBackward ? 1_999 : 0)] && page.hasMore)
            var rest = query
            rest.position = page.next
            rest.cost = 1
            #expect(try await store.all(rest).count == 1_999)
        }
        let look = try await store.events(after: 0, in: [group], cost: query.cost)
        #expect(look.events.count == 1 && look.isIncomplete)
    }

    @Test func `packed events are counted as before, and take less room`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture)
        let (bytes, payload) = try await store.pool.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT bytes FROM logGroups") ?? 0,
                try Int.fetchOne(db, sql: "SELECT SUM(length(payload)) FROM logSegments") ?? 0
            )
        }
        let messages = try await store.messages()
        #expect(bytes == messages.reduce(0) { $0 + $1.utf8.count + 26 })
        #expect(messages == (0..<2_000).map(Self.text))
        #expect(try await store.count("logEvents") < 300)
        #expect(payload < bytes / 10)
    }

    @Test func `what was packed is there after the next start, and the size limit holds for it`() async throws {
        let fixture = try Fixture()
        do { _ = try await packed(fixture, streams: 20) }
        do { #expect(try await fixture.open().messages() == (0..<2_000).map(Self.text)) }
        let store = try fixture.open(retention: LogRetention(groupBytesMax: 2 << 20, totalBytesMax: 1 << 30))
        try await store.eventually { db in try Int.fetchOne(db, sql: "SELECT value FROM totals") ?? 0 <= 2 << 20 }
        let kept = try await store.messages()
        #expect(kept.last == Self.text(1_999) && kept.count > 500 && kept.count < 1_100)
        #expect(kept == (2_000 - kept.count..<2_000).map(Self.text))
        let names = try await store.streams(
            of: group,
            prefix: "",
            byLastEvent: true,
            descending: false,
            after: nil,
            limit: 50
        )
        #expect(names.count == (kept.count + 99) / 100)
    }

    @Test func `a stream is deleted out of segments that others are in`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture, streams: 3)
        let before = try await store.messages()
        let deleted = try await store.messages(stream: "stream 1")
        try await store.deleteStream("stream 1", in: group)
        #expect(try await store.messages() == before.filter { !Set(deleted).contains($0) })
        await #expect(throws: LogStoreError.noStream) { try await store.deleteStream("stream 1", in: group) }
        // One of the same name is another one.
        try await store.append(entry([event(5, "new")], stream: "stream 1"))
        #expect(try await store.messages(stream: "stream 1") == ["new"])
        try await store.eventually { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logStreams WHERE isDeleted = 1") == 0
        }
        let rest = try await store.messages()
        #expect(rest.count == before.count - deleted.count + 1)
        #expect(
            try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT value FROM totals") }
                == rest.reduce(0) { $0 + $1.utf8.count + 26 }
        )
    }

    @Test func `streams deleted together leave a segment at once, and a damaged one goes as a whole`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture, streams: 4)
        let (segments, failures) = try await store.pool.write { db in
            var failures: [LogStoreError] = []
            for name in ["stream 1", "stream 2"] {
                try db.execute(sql: "UPDATE logStreams SET isDeleted = 1 WHERE name = ?", arguments: [name])
            }
            try db.execute(sql: "UPDATE logSegments SET payload = x'00' WHERE id = 1")
            let segments = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logSegments") ?? 0
            var steps = 0
            while try !LogTrimmer.trim(LogRetention(), db, onDamage: { failures.append($0) }) { steps += 1 }
            // One for each segment, and rows and the stream itself for each of the two.
            #expect(steps <= segments + 4)
            return (segments, failures)
        }
        #expect(failures == [.failed(message: "a segment of log events is damaged")])
        #expect(try await store.count("logStreams") == 2)
        #expect(try await store.count("logSegments") < segments)
        #expect(try await store.messages(stream: "stream 3").last == Self.text(1_999))
    }

    @Test func `a segment whose rows were dropped while it was made is not kept`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        for start in [0, 200, 400] {
            try await store.append(entry((start..<start + 200).map { event(Int64($0), Self.text($0)) }))
        }
        let plan = try await store.pool.read { db in try LogSealer.plan(group: 1, now: Timestamp(Self.later), db) }
        let made = try #require(plan)
        try await store.pool.write { db in
            try db.execute(sql: "DELETE FROM logEvents WHERE id = 1")
        }
        await #expect(throws: LogSealer.Conflict.self) {
            try await store.pool.write { db in try LogSealer.seal(made, db) }
        }
        #expect(try await store.count("logSegments") == 0)
        #expect(try await store.messages() == (1..<600).map(Self.text))
        fixture.move(to: Self.later)
        try await store.sweep()
        #expect(try await store.count("logSegments") > 0)
        #expect(try await store.messages() == (1..<600).map(Self.text))
        // Made before what is packed now.
        await #expect(throws: LogSealer.Conflict.self) {
            try await store.pool.write { db in try LogSealer.seal(made, db) }
        }
    }

    @Test func `a stream that was made by itself stays without its events`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.append(entry([event(5, "x")], stream: "came"))
        try await store.createStream("made", in: group)
        try await store.append(entry([event(5, "x")], stream: "made"))
        try await store.setRetention(group, days: 1)
        fixture.move(to: Self.later)
        try await store.sweep()
        #expect(try await store.hasStream("made", in: group))
        #expect(try await !store.hasStream("came", in: group))
        #expect(try await store.count("logEvents") == 0)
    }

    @Test func `a group is deleted with its segments`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture)
        #expect(try await store.deleteGroup(group))
        try await store.eventually { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logGroups") == 0 }
        for table in ["logEvents", "logSegments", "logSegmentStreams", "logStreams"] {
            #expect(try await store.count(table) == 0, "\(table)")
        }
        #expect(try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT value FROM totals") } == 0)
    }

    @Test func `what is older than the retention is not read, and goes`() async throws {
        let fixture = try Fixture()
        let store = try await packed(fixture)
        let day: Int64 = 86_400_000
        try await store.setRetention(group, days: 1)
        fixture.move(to: day + 1_500)
        #expect(try await store.messages() == (1_500..<2_000).map(Self.text))
        try await store.append(entry([event(100, "late"), event(1_600, "in time")]))
        #expect(try await store.messages().contains("late") == false)
        try await store.sweep()
        try await store.setRetention(group, days: nil)
        let kept = try await store.messages()
        // A segment goes when all of it is too old.
        #expect(kept.count < 800 && kept.contains("in time") && !kept.contains("late"))
        #expect(kept.suffix(300) == (1_700..<2_000).map(Self.text)[...])
        fixture.move(to: 3 * day)
        try await store.setRetention(group, days: 1)
        try await store.sweep()
        #expect(try await store.count("logEvents") == 0)
        #expect(try await store.count("logSegments") == 0)
        // The group stays.
        #expect(try await store.group(group)?.bytes == 0)
    }

    @Test func `a page looks at so much, and says that there is more`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let large = String(repeating: "x", count: 1 << 20)
        for index in 0..<60 { try await store.append(entry([event(Int64(index), large)])) }
        var query = LogQuery(group: group)
        query.matches = { _ in false }
        let page = try await store.page(query)
        #expect(page.events.isEmpty && page.hasMore)
        #expect(page.next.timestamp < 60)
        #expect(try await store.all(query).isEmpty)
    }

    @Test func `a database of the first version is taken over`() async throws {
        let fixture = try Fixture()
        do {
            let pool = try DatabasePool(path: fixture.path + "/logs.sqlite")
            try LogSchema.migrator.migrate(pool, upTo: "1 logs and usage")
            try await pool.write { db in
                try db.execute(
                    sql: """
                        INSERT INTO logGroups (accountID, region, name, bytes)
                            VALUES ('000000000000', 'us-east-1', '/aws/lambda/f', 54);
                        INSERT INTO logStreams (groupID, name) VALUES (1, 's'), (1, 'empty');
                        INSERT INTO logEvents (groupID, streamID, timestamp, ingestionTime, message)
                            VALUES (1, 1, 20, 30, x'62'), (1, 1, 10, 40, x'61');
                        """
                )
            }
            try pool.close()
        }
        let store = try fixture.open()
        #expect(try await store.messages() == ["a", "b"])
        let streams = try await store.streams(
            of: group,
            prefix: "",
            byLastEvent: false,
            descending: true,
            after: nil,
            limit: 5
        )
        #expect(streams.map(\.name) == ["s", "empty"])
        #expect(streams[0].firstEventTime == Timestamp(10) && streams[0].lastEventTime == Timestamp(20))
        #expect(streams[0].createdAt == Timestamp(30) && streams[0].lastIngestionTime == Timestamp(40))
        #expect(streams[1].lastEventTime == nil)
        #expect(try await store.group(group)?.createdAt == Timestamp(30))
    }
}
