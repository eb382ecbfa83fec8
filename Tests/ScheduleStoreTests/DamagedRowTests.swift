// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import ScheduleCore
import Synchronization
import Testing

@testable import ScheduleStore

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

    private let start = Timestamp(millisecondsSinceEpoch: 1_800_000_000_000)
    private let hour = Duration.seconds(3_600)

    private func store() throws -> ScheduleStore { try ScheduleStore(directory: path, masterKey: masterKey) }

    /// Changes rows as damage does, past the types that the tables are kept to.
    private func damage(_ sql: String) throws {
        let file = try DatabaseQueue(path: "\(path)/schedules.sqlite")
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

    private func key(_ name: String) -> ScheduleKey {
        ScheduleKey(.schedule, accountID: "000000000000", region: "us-east-1", name: name)
    }

    private func make(_ store: ScheduleStore, _ names: [String]) async throws {
        let target = ScheduleTarget(arn: "arn", input: "{}")
        let definition = ScheduleDefinition(expression: "rate(1 hour)", targets: [target])
        for name in names {
            let record = ScheduleRecord(key: key(name), definition: definition, isEnabled: true, now: start)
            try await store.change(key(name), countMax: 10, refusal: ScheduleError(.quotaExceeded, "full")) { _ in
                record
            }
        }
    }

    /// Runs what is due; the names of what was, and the rows that can't be read.
    private func turn(_ store: ScheduleStore, at now: Timestamp) async throws -> (names: [String], told: [Int64]) {
        let names = Mutex<[String]>([])
        let told = Mutex<[Int64]>([])
        _ = try await store.turn(now: now, limit: 10, unreadable: { id in told.withLock { $0.append(id) } }) { record in
            names.withLock { $0.append(record.key.name) }
            var progress = record.progress
            if let timing = record.timing { _ = progress.turn(timing, now: now, ageMax: .seconds(86_400)) }
            return .init(progress: progress)
        }
        return (names.withLock { $0 }, told.withLock { $0 })
    }

    @Test(
        arguments: [
            "isEnabled = 'x'", "after = 'x'", "after = NULL", "anchor = 9223372036854775807", "token = x'ff'",
            "tags = NULL", "created = 'x'", "modified = -9223372036854775808", "sealed = NULL", "sealed = 'x'",
        ]
    )
    func `a damaged schedule is told and left out, and others run`(change: String) async throws {
        let store = try store()
        try await make(store, ["a", "b"])
        try damage("UPDATE entries SET \(change) WHERE id = 1")
        await #expect(throws: ScheduleStoreError.contentChanged(row: 1)) { try await store.record(self.key("a")) }
        let told = Mutex<[Int64]>([])
        let selection = ScheduleStore.Selection(.schedule, accountID: "000000000000", region: "us-east-1")
        let listed = try await store.list(selection, limit: 9) { id in told.withLock { $0.append(id) } }
        #expect(listed.map(\.key.name) == ["b"] && told.withLock { $0 } == [1])
        let now = start.advanced(by: hour)
        let first = try await turn(store, at: now)
        #expect(first.names == ["b"] && first.told == [1])
        // It is not due for ever.
        let second = try await turn(store, at: now)
        #expect(second.names.isEmpty && second.told.isEmpty)
        #expect(try await store.nextDue().map { $0 > now } == true)
        #expect(try await turn(store, at: now.advanced(by: hour)).names == ["b"])
    }

    @Test func `a time that is none is not waited for, and begins anew at the next start`() async throws {
        let store = try store()
        try await make(store, ["a", "b"])
        try damage("UPDATE entries SET due = 'x' WHERE id = 1; UPDATE entries SET due = NULL WHERE id = 2")
        #expect(try await store.nextDue() == nil)
        #expect(try await store.beginAnew(now: start, limit: 9).entries == 1)
        #expect(try await store.beginAnew(now: start, limit: 9).entries == 0)
        #expect(try await store.nextDue() == start.advanced(by: hour))
    }

    @Test(arguments: ["deliveryID = NULL", "attempts = 'x'", "attempts = -1", "sealed = NULL"])
    func `a damaged delivery is told and dropped, and others go`(change: String) async throws {
        let store = try store()
        let deliveries = ["a", "b"].map { id in
            ScheduleDelivery(
                id: id,
                source: key("s"),
                target: ScheduleTarget(arn: "arn", input: "{}"),
                payload: "{}",
                occurred: start,
                due: start
            )
        }
        try await store.add(deliveries, now: start)
        try damage("UPDATE deliveries SET \(change) WHERE id = 1")
        let told = Mutex<[String]>([])
        for expected in [1, 0] {
            told.withLock { $0 = [] }
            let due = try await store.dueDeliveries(now: start, limit: 9) { id in told.withLock { $0.append(id) } }
            #expect(due.map(\.delivery.id) == ["b"] && told.withLock { $0.count } == expected)
        }
    }

    @Test(arguments: ["tags = 7", "token = x'ff'", "created = 'x'", "modified = NULL"])
    func `a damaged group is refused by its name, and can be deleted`(change: String) async throws {
        let store = try store()
        let keys = ["a", "b"].map { ScheduleGroupKey(accountID: "000000000000", region: "us-east-1", name: $0) }
        for key in keys {
            let record = ScheduleGroupRecord(key: key, now: start)
            try await store.changeGroup(key) { _ in record }
        }
        try damage("UPDATE groups SET \(change) WHERE name = 'a'")
        await #expect(throws: ScheduleStoreError.groupChanged(name: "a")) { try await store.group(keys[0]) }
        #expect(try await store.group(keys[1]) != nil)
        try await store.deleteGroup(keys[0])
        #expect(try await store.group(keys[0]) == nil)
    }
}
