// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import StreamCore
import Synchronization
import TestSupport
import Testing

@testable import StreamStore

private final class Shared<Value: Sendable>: Sendable {
    let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
}

final class StreamStoreTests: Sendable {
    private let path: String
    private let masterKey: MasterKey
    private let key = StreamKey(accountID: "000000000000", region: "us-east-1", name: "s")
    private let start = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)
    private let day = Duration.seconds(86_400)

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func store(bytesMax: Int = 1 << 30, pagesMax: Int? = nil) throws -> StreamStore {
        try StreamStore(directory: path, masterKey: masterKey, storageBytesMax: bytesMax, pagesMax: pagesMax)
    }

    @discardableResult
    private func make(
        _ store: StreamStore,
        _ key: StreamKey? = nil,
        shards: Int = 1,
        mode: StreamSettings.Mode = .provisioned,
        at time: Timestamp? = nil
    ) async throws -> StreamRecord {
        let (key, time) = (key ?? self.key, time ?? start)
        let map = ShardMap(count: shards, now: time)
        try await store.create(StreamRecord(key: key, settings: .init(mode: mode), created: time, map: map))
        return try #require(try await store.stream(key))
    }

    private func record(_ text: String, hashKey: UInt128 = 0) -> OutgoingRecord {
        OutgoingRecord(
            hashKey: hashKey,
            content: RecordContent(partitionKey: "p-\(text.prefix(100))", data: Array(text.utf8))
        )
    }

    private func texts(_ page: ShardPage) -> [String] {
        page.records.map { String(decoding: $0.content.data, as: UTF8.self) }
    }

    private func page(
        _ store: StreamStore,
        _ shard: Int = 0,
        from position: ShardPosition = .after(0),
        limit: Int = 10_000,
        bytesMax: Int = StreamLimits.pageBytesMax,
        at time: Timestamp? = nil
    ) async throws -> ShardPage {
        let stream = try #require(try await store.stream(key))
        return try await store.page(
            try #require(stream.map[shard]),
            of: stream,
            from: position,
            limit: limit,
            bytesMax: bytesMax,
            horizon: stream.settings.horizon(now: time ?? start)
        )
    }

    private func count(_ store: StreamStore, _ table: String) async throws -> Int {
        try await store.pool.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM \(table)") ?? -1 }
    }

    /// Which would take such records for changed ones.
    @Test func `a version whose records share no data keys is refused, and its file is taken up`() async throws {
        let database = try DatabaseQueue(path: path + "/streams.sqlite")
        try StreamSchema.migrator.migrate(database, upTo: "1 streams")
        try await make(store())
        let isRefused = try await database.read { db in
            var older = DatabaseMigrator()
            older.registerMigration("1 streams") { _ in }
            return try older.hasBeenSuperseded(db)
        }
        #expect(isRefused)
    }

    @Test func `records come back in their order, from another run too`() async throws {
        let first = try store()
        let stream = try await make(first, shards: 2)
        let put = try await first.put(
            [record("a"), record("b", hashKey: .max), record("c"), record("d")],
            into: stream,
            now: start
        )
        #expect(put.map(\.shard.number) == [0, 1, 0, 0])
        #expect(put[0].sequenceNumber.text < put[2].sequenceNumber.text)
        let second = try store()
        #expect(try await second.stream(key) == stream)
        let found = try await page(second)
        #expect(
            texts(found) == ["a", "c", "d"] && !found.hasMore && found.next == .after(put[3].sequenceNumber.record)
        )
        #expect(found.records.map(\.content.partitionKey) == ["p-a", "p-c", "p-d"])
        #expect(found.records.map(\.arrival) == [start, start, start])
        #expect(try await texts(page(second, 1)) == ["b"])
        #expect(try await second.end(of: stream.map.shards[0].row) == .after(put[3].sequenceNumber.record))
    }

    @Test func `pages end with their records, their bytes, or the shard`() async throws {
        let store = try store()
        let stream = try await make(store)
        _ = try await store.put((0..<10).map { record("record \($0)") }, into: stream, now: start)
        var seen: [String] = []
        var position = ShardPosition.after(0)
        for expected in [4, 4, 2, 0] {
            let found = try await page(store, from: position, limit: 4)
            #expect(found.records.count == expected && found.hasMore == (seen.count < 6 && expected == 4))
            seen += texts(found)
            position = try #require(found.next)
        }
        #expect(seen == (0..<10).map { "record \($0)" })
        // Each has 8 bytes of data, 10 of its partition key, and 3 beside them.
        #expect(try await page(store, bytesMax: 63).records.count == 3)
        #expect(try await page(store, bytesMax: 1).records.count == 1)
        let split = try await store.update(key) { [start] in try $0.map.split("0", at: 1 << 127, of: $0.key, now: start)
        }
        #expect(split.before == stream && split.after.map.shards.count == 3)
        let last = try await page(store, from: position)
        #expect(last.next == nil && last.records.isEmpty && last.children.map(\.number) == [1, 2])
        let whole = try await page(store)
        #expect(whole.next == nil && whole.records.count == 10 && whole.children.count == 2)
        #expect(try await page(store, limit: 9).next != nil)
    }

    @Test func `records are found by their time, which does not fall when the clock does`() async throws {
        let store = try store()
        let stream = try await make(store)
        func at(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }
        for (text, time) in [("a", at(10)), ("b", at(5)), ("c", at(20)), ("d", at(30))] {
            _ = try await store.put([record(text)], into: stream, now: time)
        }
        #expect(try await page(store).records.map(\.arrival) == [at(10), at(10), at(20), at(30)])
        for (time, expected) in [(at(0), "abcd"), (at(10), "abcd"), (at(11), "cd"), (at(30), "d"), (at(31), "")] {
            #expect(try await texts(page(store, from: .since(time))).joined() == expected)
        }
        #expect(try await page(store, from: .since(at(31))).next == .since(at(31)))
    }

    @Test func `many at once are all kept, each under the number that its put was told`() async throws {
        let store = try store()
        let stream = try await make(store, shards: 4)
        let told = Shared<[String: SequenceNumber]>([:])
        let put = try await withThrowingTaskGroup(of: [PutRecord].self) { group in
            for number in 0..<500 {
                group.addTask { [self] in
                    let records = (0..<4).map { record("\(number) \($0)", hashKey: UInt128($0) << 126) }
                    let put = try await store.put(records, into: stream, now: start)
                    told.state.withLock { told in
                        for (index, one) in put.enumerated() { told["\(number) \(index)"] = one.sequenceNumber }
                    }
                    return put
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(put.map(\.sequenceNumber.text)).count == 2_000)
        var numbers: [Int: [Int64: String]] = [:]
        for (text, number) in told.state.withLock({ $0 }) { numbers[number.shard, default: [:]][number.record] = text }
        for shard in 0..<4 {
            let found = try await page(store, shard)
            #expect(Set(texts(found)) == Set((0..<500).map { "\($0) \(shard)" }) && found.records.count == 500)
            let read = Dictionary(uniqueKeysWithValues: zip(found.records.map(\.id), texts(found)))
            #expect(read == numbers[shard])
        }
    }

    @Test func `a put that meets a split finds the shard that is open, and none is lost to a reader`() async throws {
        let store = try store()
        let stream = try await make(store)
        let state = Shared<(put: Int, isDone: Bool)>((0, false))
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Four put one after the other, so that more puts than these begin after each split.
            for writer in 0..<4 {
                group.addTask { [self] in
                    var number = 0
                    while !state.state.withLock({ $0.isDone }) {
                        number += 1
                        _ = try await store.put([record("\(writer) \(number)")], into: stream, now: start)
                        state.state.withLock { $0.put += 1 }
                    }
                }
            }
            // Who only looks may have it as it was a moment before: who writes may not.
            for _ in 0..<4 {
                group.addTask { [self] in
                    // What is in memory is given without a pause, and a task that makes none would keep its thread for itself.
                    while !state.state.withLock({ $0.isDone }) {
                        _ = try await store.stream(key)
                        try await Task.sleep(for: .milliseconds(1))
                    }
                }
            }
            group.addTask { [self] in
                defer { state.state.withLock { $0.isDone = true } }
                for step in 1...8 {
                    let before = state.state.withLock { $0.put }
                    while state.state.withLock({ $0.put }) < before + 10 { try await Task.sleep(for: .milliseconds(1)) }
                    try await store.update(key) { stream in
                        let shard = stream.map.owner(of: 0)
                        try stream.map.split(shard.id, at: 1 << UInt128(127 - step), of: stream.key, now: self.start)
                    }
                }
                let before = state.state.withLock { $0.put }
                while state.state.withLock({ $0.put }) < before + 10 { try await Task.sleep(for: .milliseconds(1)) }
            }
            try await group.waitForAll()
        }
        var found: [String] = []
        var shard: Int? = 0
        var (last, generations): (Int64, Int) = (0, 0)
        while let number = shard {
            let page = try await page(store, number)
            // Each was put into while it was open, and only then.
            let ids = page.records.map(\.id)
            #expect(try #require(ids.first) > last, "shard \(number)")
            last = try #require(ids.last)
            found += texts(page)
            generations += 1
            shard = page.children.first?.number
        }
        #expect(generations == 9)
        #expect(found.count == state.state.withLock { $0.put } && Set(found).count == found.count)
    }

    @Test func `a sweep's transaction drops as many bytes as it may, and overwrites none of them`() async throws {
        let store = try store()
        let stream = try await make(store)
        let large = OutgoingRecord(
            hashKey: 0,
            content: .init(partitionKey: "k", data: [UInt8](repeating: 1, count: 5 << 20))
        )
        for _ in 0..<3 { _ = try await store.put([large], into: stream, now: start) }
        let row = stream.map.shards[0].row
        let late = start.advanced(by: .seconds(1))
        #expect(try await store.dropRecords(of: row, before: late))
        #expect(try await count(store, "records") == 1)
        for _ in 0..<2 { _ = try await store.put([large], into: stream, now: start) }
        try await store.delete(key)
        #expect(try await store.dropAbandoned())
        #expect(try await count(store, "records") == 1)
        #expect(try await store.dropAbandoned())
        #expect(try await count(store, "records") == 0)
        #expect(try await count(store, "abandonedShards") == 0)
        let overwrites = try await store.pool.write { try Int.fetchOne($0, sql: "PRAGMA secure_delete") }
        #expect(overwrites == 0)
    }

    /// Its row says what can't be: the others expire, are listed and made, and it can be deleted.
    @Test(arguments: [
        "UPDATE shards SET firstKey = 'x' WHERE stream = 1",
        "UPDATE shards SET created = 9223372036854775807 WHERE stream = 1",
        "UPDATE shards SET number = 2147483647 WHERE stream = 1",
        #"UPDATE streams SET settings = CAST('{"mode":"PROVISIONED","retentionHours":9223372036854775807,"recordKiBMax":1024}' AS BLOB)"#
            + " WHERE id = 1",
        #"UPDATE streams SET settings = CAST('{"mode":"PROVISIONED","retentionHours":24,"recordKiBMax":-1}' AS BLOB) WHERE id = 1"#,
        "UPDATE streams SET settings = x'78' WHERE id = 1", "UPDATE streams SET tags = x'78' WHERE id = 1",
    ])
    func `a damaged stream is told of, and stops no other one's retention`(damage: String) async throws {
        let first = try store()
        let other = StreamKey(accountID: "000000000000", region: "us-east-1", name: "t")
        let gone = StreamKey(accountID: "000000000000", region: "us-east-1", name: "u")
        for key in [key, other, gone] {
            let stream = try await make(first, key)
            _ = try await first.put([record("a")], into: stream, now: start)
        }
        try await first.delete(gone)
        try await first.pool.write { try $0.execute(sql: damage) }
        let store = try store()
        await #expect(throws: StreamStoreError.contentChanged(stream: 1)) { try await store.stream(self.key) }
        let told = Shared<[Int64]>([])
        try await store.sweep(now: start.advanced(by: day + .seconds(1))) { id in told.state.withLock { $0.append(id) }
        }
        #expect(told.state.withLock { $0 } == [1])
        #expect(try await count(store, "records") == 1)
        #expect(try await count(store, "abandonedShards") == 0)
        let listed = try await store.list(accountID: "000000000000", region: "us-east-1", limit: 9)
        #expect(listed.map(\.key.name) == ["s", "t"])
        await #expect(throws: StreamError.self) { try await self.make(store) }
        try await store.delete(key)
        try await store.sweep(now: start)
        #expect(try await count(store, "records") == 0)
        #expect(try await count(store, "shards") == 1)
        try await make(store)
    }

    @Test func `a record whose number can't be is passed over`() async throws {
        let store = try store()
        let stream = try await make(store)
        _ = try await store.put([record("a"), record("b")], into: stream, now: start)
        try await store.pool.write { try $0.execute(sql: "UPDATE records SET id = -1 WHERE id = 1") }
        #expect(try await texts(page(store)) == ["b"])
        try await store.pool.write { try $0.execute(sql: "DELETE FROM records WHERE id = 2") }
        #expect(try await store.end(of: stream.map.shards[0].row) == .after(0))
    }

    @Test func `what is too old is not shown, and leaves the disk, and so does its shard`() async throws {
        let store = try store()
        let stream = try await make(store)
        for _ in 0..<3 { _ = try await store.put((0..<400).map { record("\($0)") }, into: stream, now: start) }
        let late = start.advanced(by: day)
        _ = try await store.put([record("late")], into: stream, now: late)
        let after = late.advanced(by: .seconds(1))
        #expect(try await page(store, at: late).records.count == 1_201)
        #expect(try await texts(page(store, at: after)) == ["late"])
        #expect(try await texts(page(store, from: .after(7), at: after)) == ["late"])
        try await store.update(key) { try $0.map.split("0", at: 1 << 127, of: $0.key, now: after) }
        try await store.sweep(now: after)
        #expect(try await count(store, "records") == 1)
        #expect(try await count(store, "shards") == 3)
        // A reader that knows only what is gone goes on with what is left.
        #expect(try await texts(page(store, from: .after(7), at: after)) == ["late"])
        try await store.sweep(now: after.advanced(by: day))
        #expect(try await count(store, "records") == 0)
        #expect(try await count(store, "shards") == 2)
        #expect(try await store.stream(key)?.map.shards.map(\.number) == [1, 2])
        await #expect(throws: StreamError.self) {
            try await store.page(stream.map.shards[0], of: stream, from: .after(0), limit: 1, horizon: late)
        }
    }

    @Test func `a stream made anew has nothing of the old one, and larger numbers`() async throws {
        let store = try store()
        let old = try await make(store)
        let before = try await store.put([record("old")], into: old, now: start)
        try await store.delete(key)
        await #expect(throws: StreamError.noStream(key)) {
            try await store.put([record("x")], into: old, now: start)
        }
        let new = try await make(store)
        await #expect(throws: StreamError.noStream(key)) {
            try await store.put([record("x")], into: old, now: start)
        }
        #expect(try await page(store).records.isEmpty)
        try await store.sweep(now: start)
        #expect(try await count(store, "records") == 0)
        #expect(try await count(store, "abandonedShards") == 0)
        let after = try await store.put([record("new")], into: new, now: start)
        #expect(before[0].sequenceNumber.text < after[0].sequenceNumber.text)
        // Who was at the old one's end misses nothing.
        #expect(try await texts(page(store, from: .after(before[0].sequenceNumber.record))) == ["new"])
    }

    @Test func `nothing of a record is readable in the files, and a changed one is left out`() async throws {
        let store = try store()
        let stream = try await make(store)
        let secret = OutgoingRecord(
            hashKey: 0,
            content: .init(partitionKey: "a-secret-key", data: Array("a-secret".utf8))
        )
        _ = try await store.put([secret, record("b"), record("c")], into: stream, now: start)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
            #expect(bytes.range(of: Data("a-secret".utf8)) == nil, "\(name)")
        }
        try await store.pool.write { db in
            try db.execute(sql: "UPDATE records SET sealed = zeroblob(200) WHERE id = 1")
        }
        let found = try await page(store)
        #expect(texts(found) == ["b", "c"] && found.next == .after(3))
        try await store.pool.write { db in try db.execute(sql: "UPDATE shards SET firstKey = 'x'") }
        await #expect(throws: StreamStoreError.contentChanged(stream: 1)) {
            _ = try await self.store().stream(self.key)
        }
    }

    @Test func `a record of one stream is none of another's`() async throws {
        let store = try store()
        let other = StreamKey(accountID: "000000000000", region: "us-east-1", name: "other")
        _ = try await store.put([record("mine")], into: make(store), now: start)
        let second = try await make(store, other)
        let row = second.map.shards[0].row
        try await store.pool.write { db in try db.execute(sql: "UPDATE records SET shard = ?", arguments: [row]) }
        let found = try await store.page(second.map.shards[0], of: second, from: .after(0), limit: 9, horizon: start)
        #expect(found.records.isEmpty && found.next == .after(1))
    }

    @Test func `streams have the room that they may have, and what expires is room again`() async throws {
        let store = try store(bytesMax: 1 << 20)
        let stream = try await make(store)
        let large = record(String(repeating: "x", count: 100_000))
        var taken = 0
        do {
            while taken < 100 {
                _ = try await store.put([large], into: stream, now: start)
                taken += 1
            }
        } catch let error as StreamStoreError { #expect(error == .storageFull(bytesMax: 1 << 20)) }
        #expect((8..<11).contains(taken), "\(taken)")
        let used = try await store.pool.read { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 } * 4_096
        #expect(used <= 1 << 20)
        // What is refused is refused whole, and the rest goes on.
        await #expect(throws: StreamStoreError.storageFull(bytesMax: 1 << 20)) {
            try await store.put([record("small"), large, large], into: stream, now: start)
        }
        #expect(try await page(store).records.count == taken)
        _ = try await store.put([record("small")], into: stream, now: start)
        let late = start.advanced(by: day + .seconds(1))
        try await store.sweep(now: late)
        _ = try await store.put([large], into: stream, now: late)
        #expect(try await page(store, at: late).records.count == 1)
    }

    @Test func `a full disk refuses what does not fit, and nothing else`() async throws {
        let store = try store(pagesMax: 150)
        let stream = try await make(store)
        _ = try await store.put([record("small")], into: stream, now: start)
        let large = record(String(repeating: "x", count: 900_000))
        await #expect(throws: StreamStoreError.diskFull) {
            try await store.put([large], into: stream, now: start)
        }
        #expect(try await texts(page(store)) == ["small"])
        #expect(try await store.stream(key) == stream)
    }

    @Test func `an account has as many shards and streams on demand as it may`() async throws {
        let store = try store()
        @Sendable func key(_ name: String, _ region: String = "us-east-1") -> StreamKey {
            StreamKey(accountID: "000000000000", region: region, name: name)
        }
        func refusal(_ body: () async throws -> Void) async throws -> StreamError.Kind? {
            do { try await body() } catch let error as StreamError { return error.kind }
            return nil
        }
        try await make(store, key("a"), shards: 999)
        #expect(try await refusal { _ = try await make(store, key("a")) } == .resourceInUse)
        #expect(try await refusal { _ = try await make(store, key("b"), shards: 2) } == .limitExceeded)
        try await make(store, key("b"), shards: 1)
        #expect(try await store.counts(accountID: "000000000000", region: "us-east-1").openShards == 1_000)
        let split = try await refusal { [self] in
            try await store.update(key("b")) { try $0.map.split("0", at: 1 << 127, of: $0.key, now: self.start) }
        }
        #expect(split == .limitExceeded)
        #expect(try await store.stream(key("b"))?.map.open.count == 1)
        try await store.update(key("a")) { [start] in try $0.map.scale(to: 500, now: start) }
        try await store.update(key("b")) { [start] in try $0.map.split("0", at: 1 << 127, of: $0.key, now: start) }
        for number in 0..<50 { try await make(store, key("d\(number)", "eu-west-1"), shards: 1, mode: .onDemand) }
        let one = try await refusal { _ = try await make(store, key("d", "eu-west-1"), mode: .onDemand) }
        #expect(one == .limitExceeded)
        try await make(store, key("p", "eu-west-1"))
        let other = try await refusal { try await store.update(key("p", "eu-west-1")) { $0.settings.mode = .onDemand } }
        #expect(other == .limitExceeded)
    }

    @Test func `streams are listed by account and region, page by page`() async throws {
        let store = try store()
        for name in ["b", "a", "ab", "c"] {
            try await make(store, StreamKey(accountID: "000000000000", region: "us-east-1", name: name))
        }
        try await make(store, StreamKey(accountID: "111111111111", region: "us-east-1", name: "a"))
        try await make(store, StreamKey(accountID: "000000000000", region: "eu-west-1", name: "a"))
        func names(_ after: String, _ limit: Int) async throws -> [String] {
            try await store.list(accountID: "000000000000", region: "us-east-1", after: after, limit: limit)
                .map(\.key.name)
        }
        #expect(try await names("", 2) == ["a", "ab"])
        #expect(try await names("ab", 9) == ["b", "c"])
    }

    @Test func `who is cancelled while it asks is told so, not that the store failed`() async throws {
        let store = try store()
        let asking = Task { [start] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await store.sweep(now: start)
        }
        await #expect(throws: CancellationError.self) { try await asking.value }
    }
}
