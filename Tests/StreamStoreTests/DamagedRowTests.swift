// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import StreamCore
import Synchronization
import Testing

@testable import StreamStore

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

    private func store() throws -> StreamStore {
        try StreamStore(directory: path, masterKey: masterKey, storageBytesMax: 1 << 30)
    }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(path)/streams.sqlite")
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

    private func make(_ store: StreamStore, _ name: String) async throws -> StreamRecord {
        let key = StreamKey(accountID: "000000000000", region: "us-east-1", name: name)
        let map = ShardMap(count: 1, now: start)
        try await store.create(StreamRecord(key: key, settings: .init(), created: start, map: map))
        return try #require(try await store.stream(key))
    }

    private func put(_ texts: [String], into stream: StreamRecord, _ store: StreamStore) async throws -> [PutRecord] {
        let records = texts.map { text in
            OutgoingRecord(hashKey: 0, content: RecordContent(partitionKey: "p", data: Array(text.utf8)))
        }
        return try await store.put(records, into: stream, now: start)
    }

    @Test(
        arguments: [
            "streams SET settings = NULL", "streams SET tags = 7", "streams SET created = 'x'",
            "streams SET created = 9223372036854775807", "shards SET firstKey = NULL", "shards SET number = 'x'",
            "shards SET parents = x'ff'", "shards SET created = NULL", "shards SET opened = 'x'",
            "shards SET opened = -9223372036854775808", "shards SET closed = 'x'",
        ]
    )
    func `a damaged stream is refused, is listed and told, and can be deleted`(change: String) async throws {
        let key: StreamKey
        let other: StreamRecord
        do {
            let store = try store()
            (key, other) = (try await make(store, "a").key, try await make(store, "b"))
            _ = try await put(["x"], into: other, store)
        }
        try damage("UPDATE \(change) WHERE id = 1")
        let store = try store()
        let failure = StreamStoreError.contentChanged(stream: 1)
        await #expect(throws: failure) { try await store.stream(key) }
        let listed = try await store.list(accountID: key.accountID, region: key.region, limit: 9)
        #expect(listed.map(\.key.name) == ["a", "b"])
        _ = try await store.counts(accountID: key.accountID, region: key.region)
        let told = Mutex<[Int64]>([])
        try await store.sweep(now: start.advanced(by: .seconds(30 * 86_400))) { id in told.withLock { $0.append(id) } }
        #expect(told.withLock { $0 } == [1])
        #expect(try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM records") } == 0)
        try await store.delete(key)
        #expect(try await store.stream(key) == nil)
        #expect(try await put(["y"], into: other, store).count == 1)
    }

    @Test(arguments: ["sealed = NULL", "sealed = 'x'", "arrival = 'x'", "arrival = 9223372036854775807"])
    func `a damaged record is left out and told, and those behind it come`(change: String) async throws {
        let store = try store()
        let stream = try await make(store, "a")
        _ = try await put(["a", "b"], into: stream, store)
        try damage("UPDATE records SET \(change) WHERE id = 2")
        // Its time is none that others come after.
        #expect(try await put(["c"], into: stream, store).map(\.sequenceNumber.time) == [1_700_000_000])
        let told = Mutex<[Int64]>([])
        let page = try await store.page(
            stream.map.shards[0],
            of: stream,
            from: .after(0),
            limit: 10,
            horizon: start
        ) { id in told.withLock { $0.append(id) } }
        #expect(page.records.map { String(decoding: $0.content.data, as: UTF8.self) } == ["a", "c"])
        #expect(told.withLock { $0 } == [2] && page.next == .after(3))
    }
}
