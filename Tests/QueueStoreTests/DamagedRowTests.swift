// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import QueueCore
import Synchronization
import Testing

@testable import QueueStore

/// Rows whose columns are not what was written end no process, and hold up no others.
final class DamagedRowTests: Sendable {
    private let path: String
    private let masterKey: MasterKey

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private let start = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)
    private let told = Mutex<[QueueStoreError]>([])

    private func store() throws -> QueueStore {
        try QueueStore(directory: path, masterKey: masterKey, pagesMax: nil) { [self] error in
            told.withLock { $0.append(error) }
        }
    }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(path)/queues.sqlite")
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

    private func make(_ store: QueueStore, _ name: String) async throws -> QueueKey {
        let key = QueueKey(accountID: "000000000000", region: "us-east-1", name: name)
        let settings = QueueSettings(isFIFO: key.isFIFO)
        let made = try await store.create(QueueRecord(key: key, settings: settings, created: start, modified: start))
        #expect(made == nil)
        return key
    }

    private func message(_ body: String, _ key: QueueKey) -> OutgoingMessage {
        let group = key.isFIFO ? "g" : nil
        return OutgoingMessage(
            messageID: RandomIdentifier.uuid(),
            content: MessageContent(body: body, senderID: "s", groupID: group, deduplicationID: group.map { $0 + body })
        )
    }

    @Test(
        arguments: [
            "messageID = NULL", "messageID = x'ff'", "sent = 'x'", "sent = 9223372036854775807", "isHeld = 'x'",
            "receives = NULL", "receives = -1", "receives = 9223372036854775807", "firstReceived = 'x'",
            "lastReceived = -9223372036854775808", "groupKey = 7", "source = x'ff'",
        ],
        ["q", "q.fifo"]
    )
    func `a damaged message is dropped and told, and others are given out`(change: String, name: String) async throws {
        let store = try store()
        let key = try await make(store, name)
        let sent = try await store.send([message("a", key), message("b", key)], to: key, now: start)
        try damage("UPDATE messages SET \(change) WHERE id = \(sent[0].id)")
        let batch = try await store.receive(from: key, max: 10, now: start)
        #expect(batch.messages.map(\.content.body) == ["b"])
        // One that is in no group any more is found when it is old.
        try await store.sweep(now: start.advanced(by: .seconds(345_601)))
        #expect(told.withLock { $0 } == [.messageChanged(sent[0].id)])
        let left = try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT (SELECT COUNT(*) FROM messages) + (SELECT COUNT(*) FROM contents)")
        }
        #expect(left == 0)
    }

    @Test(arguments: ["id = -1", "id = NULL", "messageID = NULL", "until = 'x'"])
    func `what is remembered of a message is forgotten where it is damaged`(change: String) async throws {
        let store = try store()
        let key = try await make(store, "q.fifo")
        _ = try await store.send([message("a", key)], to: key, now: start)
        try damage("UPDATE rememberedMessages SET \(change)")
        #expect(try await store.send([message("a", key)], to: key, now: start).map(\.isDuplicate) == [false])
        #expect(try await store.send([message("a", key)], to: key, now: start).map(\.isDuplicate) == [true])
    }

    @Test(
        arguments: [
            "settings = NULL", "settings = replace(settings, '345600', '9223372036854775807')", "tags = 7",
            "created = 'x'", "created = 9223372036854775807", "modified = NULL", "purged = 'x'",
        ]
    )
    func `a damaged queue is refused, is swept past, and can be deleted`(change: String) async throws {
        let key: QueueKey
        let other: QueueKey
        do {
            let store = try store()
            (key, other) = (try await make(store, "a"), try await make(store, "b"))
            _ = try await store.send([message("old", other)], to: other, now: start)
        }
        try damage("UPDATE queues SET \(change) WHERE name = 'a'")
        let store = try store()
        let failure = QueueStoreError.contentChanged(queue: 1)
        await #expect(throws: failure) { try await store.queue(key) }
        await #expect(throws: failure) { try await store.receive(from: key, max: 1, now: self.start) }
        await #expect(throws: failure) { try await store.list(accountID: key.accountID, region: key.region, limit: 9) }
        try await store.sweep(now: start.advanced(by: .seconds(345_601)))
        #expect(told.withLock { $0 } == [failure])
        #expect(try await store.counts(#require(try await store.queue(other)), now: start) == MessageCounts())
        try await store.delete(key)
        #expect(try await store.queue(key) == nil)
    }
}
