// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import QueueCore
import TestSupport
import Testing

@testable import QueueStore

final class QueueStoreTests: Sendable {
    private let path: String
    private let masterKey: MasterKey
    private let key = QueueKey(accountID: "000000000000", region: "us-east-1", name: "q")
    private let fifo = QueueKey(accountID: "000000000000", region: "us-east-1", name: "q.fifo")
    private let start = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func store(pagesMax: Int? = nil, inFlightMax: Int = 120_000) throws -> QueueStore {
        try QueueStore(directory: path, masterKey: masterKey, pagesMax: pagesMax, inFlightMax: inFlightMax)
    }

    private func make(
        _ store: QueueStore,
        _ key: QueueKey,
        _ change: (inout QueueSettings) -> Void = { _ in }
    )
        async throws
    {
        var settings = QueueSettings(isFIFO: key.isFIFO)
        change(&settings)
        #expect(
            try await store.create(QueueRecord(key: key, settings: settings, created: start, modified: start)) == nil
        )
    }

    private func message(_ body: String, group: String? = nil, id: String? = nil) -> OutgoingMessage {
        OutgoingMessage(
            messageID: RandomIdentifier.uuid(),
            content: MessageContent(body: body, senderID: "s", groupID: group, deduplicationID: id)
        )
    }

    private func bodies(_ batch: ReceivedBatch) -> [String] { batch.messages.map(\.content.body) }

    @Test func `a message that is dropped is ciphertext, and not overwritten`() async throws {
        let overwrites = try await store().pool.write { try Int.fetchOne($0, sql: "PRAGMA secure_delete") }
        #expect(overwrites == 0)
    }

    @Test func `messages come back as they were, from another run too`() async throws {
        let first = try store()
        try await make(first, key)
        var sent = message("body")
        sent.content.attributes["a"] = .init(type: "Binary", value: .binary([1, 2]))
        _ = try await first.send([sent], to: key, now: start)
        let second = try store()
        let batch = try await second.receive(from: key, max: 10, now: start)
        #expect(batch.messages.map(\.content) == [sent.content])
        #expect(batch.messages.map(\.head.messageID) == [sent.messageID])
        // In flight in a third run as well.
        #expect(try await store().receive(from: key, max: 10, now: start).messages.isEmpty)
        let later = start.advanced(by: .seconds(30))
        let again = try await store().receive(from: key, max: 10, now: later)
        #expect(again.messages.map(\.head.receives) == [2])
    }

    @Test func `an empty answer says when there may be something`() async throws {
        let store = try store()
        try await make(store, key)
        #expect(try await store.receive(from: key, max: 1, now: start).next == nil)
        _ = try await store.send([message("a")], to: key, now: start)
        _ = try await store.receive(from: key, max: 1, timeout: 7, now: start)
        let next = try await store.receive(from: key, max: 1, now: start).next
        #expect(next == start.advanced(by: .seconds(7)).millisecondsSinceEpoch)
        try await make(store, fifo)
        var delayed = message("a", group: "g", id: "1")
        delayed.delay = 3
        _ = try await store.send([delayed], to: fifo, now: start)
        let free = try await store.receive(from: fifo, max: 1, now: start).next
        #expect(free == start.advanced(by: .seconds(3)).millisecondsSinceEpoch)
    }

    @Test func `what was deleted is gone, from the disk too`() async throws {
        let store = try store()
        try await make(store, key)
        let sent = try await store.send([message("a"), message("b")], to: key, now: start)
        _ = try await store.receive(from: key, max: 10, now: start)
        let handles = sent.map { QueueStore.Handle(id: $0.id, receives: 1, text: "") }
        let outcome = try await store.delete(handles, from: key, now: start)
        #expect(outcome.errors == [nil, nil])
        let rows = try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT (SELECT COUNT(*) FROM messages) + (SELECT COUNT(*) FROM contents)")
        }
        #expect(rows == 0)
    }

    @Test func `groups and their messages are forgotten with their last one`() async throws {
        let store = try store()
        try await make(store, fifo)
        let sent = try await store.send(
            [message("a", group: "g", id: "1"), message("b", group: "g", id: "2")],
            to: fifo,
            now: start
        )
        // Groups take turns by when they became free.
        let start = start.advanced(by: .milliseconds(1))
        _ = try await store.send([message("c", group: "h", id: "3")], to: fifo, now: start)
        let first = try await store.receive(from: fifo, max: 1, now: start)
        #expect(bodies(first) == ["a"])
        #expect(try await bodies(store.receive(from: fifo, max: 10, now: start)) == ["c"])
        _ = try await store.delete([.init(id: sent[0].id, receives: 1, text: "")], from: fifo, now: start)
        #expect(try await bodies(store.receive(from: fifo, max: 10, now: start)) == ["b"])
        let late = start.advanced(by: .seconds(31))
        let outcome = try await store.delete([.init(id: sent[1].id, receives: 1, text: "h")], from: fifo, now: late)
        #expect(outcome.errors.first??.kind == .invalidParameterValue)
    }

    @Test func `deduplication is remembered by a restart, and for five minutes`() async throws {
        let first = try store()
        try await make(first, fifo)
        let sent = try await first.send([message("a", group: "g", id: "1")], to: fifo, now: start)
        let store = try store()
        let again = try await store.send([message("a", group: "g", id: "1")], to: fifo, now: start)
        #expect(again[0].isDuplicate && again[0].messageID == sent[0].messageID)
        let later = start.advanced(by: .seconds(300))
        try await store.sweep(now: later)
        #expect(try await store.send([message("a", group: "g", id: "1")], to: fifo, now: later)[0].isDuplicate == false)
    }

    @Test func `many at once are all kept, and come out once`() async throws {
        let store = try store()
        try await make(store, key)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<1_000 {
                group.addTask { [self] in _ = try await store.send([message("\(number)")], to: key, now: start) }
            }
            try await group.waitForAll()
        }
        let received = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<100 {
                group.addTask { [self] in try await bodies(store.receive(from: key, max: 10, now: start)) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(received.count == 1_000 && Set(received).count == 1_000)
    }

    @Test func `nothing of a message is readable in the files, and a changed one is left out`() async throws {
        let store = try store()
        try await make(store, fifo)
        _ = try await store.send(
            [
                message("a-secret-marker", group: "a-secret-group", id: "a-secret-id"),
                message("b", group: "g", id: "2"),
            ],
            to: fifo,
            now: start
        )
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
            #expect(bytes.range(of: Data("a-secret".utf8)) == nil, "\(name)")
        }
        try await store.pool.write { db in
            try db.execute(sql: "UPDATE contents SET sealed = zeroblob(200) WHERE id = 1")
        }
        #expect(try await bodies(store.receive(from: fifo, max: 10, now: start)) == ["b"])
    }

    @Test func `a purge and a deletion take effect at once, and the rest later`() async throws {
        let store = try store()
        try await make(store, key)
        _ = try await store.send((0..<10).map { message("\($0)") }, to: key, now: start)
        try await store.purge(key, now: start)
        #expect(try await store.receive(from: key, max: 10, now: start).messages.isEmpty)
        _ = try await store.send([message("after")], to: key, now: start)
        await #expect(throws: QueueError.self) { try await store.purge(key, now: start.advanced(by: .seconds(59))) }
        try await store.delete(key)
        await #expect(throws: QueueError.noQueue) { try await store.send([message("x")], to: key, now: start) }
        try await make(store, key)
        #expect(try await store.receive(from: key, max: 10, now: start).messages.isEmpty)
        try await store.sweep(now: start)
        let rows = try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT (SELECT COUNT(*) FROM contents) + (SELECT COUNT(*) FROM abandonedQueues)")
        }
        #expect(rows == 0)
    }

    @Test func `what is too old is swept, queue by queue`() async throws {
        let store = try store()
        try await make(store, key) { $0.retention = 60 }
        try await make(store, fifo)
        for _ in 0..<60 { _ = try await store.send((0..<10).map { message("\($0)") }, to: key, now: start) }
        _ = try await store.send([message("stays", group: "g", id: "1")], to: fifo, now: start)
        try await store.sweep(now: start.advanced(by: .seconds(60)))
        let rows = try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM messages") }
        #expect(rows == 1)
    }

    @Test func `so many may be in flight and no more`() async throws {
        let store = try store(inFlightMax: 3)
        for key in [key, fifo] {
            try await make(store, key)
            _ = try await store.send(
                (0..<5).map { message("\($0)", group: "\($0)", id: "\($0)") },
                to: key,
                now: start
            )
            #expect(try await store.receive(from: key, max: 10, timeout: 5, now: start).messages.count == 3)
        }
        await #expect(throws: QueueError.self) { try await store.receive(from: key, max: 1, now: start) }
        #expect(try await store.receive(from: fifo, max: 1, now: start).messages.isEmpty)
        let later = start.advanced(by: .seconds(5))
        #expect(try await store.receive(from: key, max: 10, now: later).messages.count == 3)
    }

    @Test func `a full disk refuses what does not fit, and nothing else`() async throws {
        let store = try store(pagesMax: 150)
        try await make(store, key)
        _ = try await store.send([message("small")], to: key, now: start)
        let large = String(repeating: "x", count: 900_000)
        await #expect(throws: QueueStoreError.diskFull) { try await store.send([message(large)], to: key, now: start) }
        async let refused: [Sent] = store.send([message(large)], to: key, now: start)
        let received = try await store.receive(from: key, max: 10, now: start)
        #expect(bodies(received) == ["small"])
        _ = try? await refused
    }

    @Test func `settings change what follows, and counts are exact`() async throws {
        let store = try store()
        try await make(store, key)
        try await store.update(key) { $0.settings.delay = 5 }
        #expect(try await store.queue(key)?.settings.delay == 5)
        var now = message("now")
        now.delay = 0
        _ = try await store.send([message("late"), now, now], to: key, now: start)
        _ = try await store.receive(from: key, max: 1, now: start)
        let record = try #require(try await store.queue(key))
        let counts = try await store.counts(record, now: start)
        #expect(counts.visible == 1 && counts.inFlight == 1 && counts.delayed == 1)
    }

    @Test func `queues are listed by account, region and prefix, page by page`() async throws {
        let store = try store()
        for name in ["b", "a", "ab", "c"] {
            try await make(store, QueueKey(accountID: "000000000000", region: "us-east-1", name: name))
        }
        try await make(store, QueueKey(accountID: "111111111111", region: "us-east-1", name: "a"))
        try await make(store, QueueKey(accountID: "000000000000", region: "eu-west-1", name: "a"))
        func names(_ prefix: String, _ after: String, _ limit: Int) async throws -> [String] {
            try await store.list(
                accountID: "000000000000",
                region: "us-east-1",
                prefix: prefix,
                after: after,
                limit: limit
            ).map(\.key.name)
        }
        #expect(try await names("", "", 2) == ["a", "ab"])
        #expect(try await names("", "ab", 9) == ["b", "c"])
        #expect(try await names("a", "", 9) == ["a", "ab"])
    }

    /// The histories of the simulation, over the tables as they are in the database.
    @Test(arguments: UInt64(0)..<12) func `the database does what the simulation's table does`(_ seed: UInt64) throws {
        let queue = try DatabaseQueue()
        try QueueSchema.migrator.migrate(queue)
        try queue.writeWithoutTransaction { db in
            var history = QueueHistory(seed: seed)
            var table = SQLiteQueueTable(db)
            try history.run(&table, steps: 120)
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
        }
    }

    @Test func `who is cancelled while it asks is told so, not that the store failed`() async throws {
        let store = try store()
        let asking = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await store.list(accountID: "0", region: "r", prefix: "", after: "", limit: 1)
        }
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
    }
}
