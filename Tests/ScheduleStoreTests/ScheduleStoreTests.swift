// SPDX-License-Identifier: Apache-2.0
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import ScheduleCore
import Synchronization
import Testing

@testable import ScheduleStore

final class ScheduleStoreTests: Sendable {
    private let path: String
    private let masterKey: MasterKey
    private let start = Timestamp(millisecondsSinceEpoch: 1_800_000_000_000)
    private let key = ScheduleKey(.schedule, accountID: "000000000000", region: "us-east-1", name: "s")
    private let refusal = ScheduleError(.quotaExceeded, "full")

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func store(pagesMax: Int? = nil) throws -> ScheduleStore {
        try ScheduleStore(directory: path, masterKey: masterKey, pagesMax: pagesMax)
    }

    private func definition(_ expression: String = "rate(1 hour)", input: String = "{}") -> ScheduleDefinition {
        ScheduleDefinition(expression: expression, targets: [ScheduleTarget(arn: "arn", input: input)])
    }

    private func make(_ store: ScheduleStore, _ key: ScheduleKey, _ definition: ScheduleDefinition) async throws {
        let start = start
        try await store.change(key, countMax: 10, refusal: refusal) { _ in
            ScheduleRecord(key: key, definition: definition, isEnabled: true, tags: ["a": "b"], now: start)
        }
    }

    private func delivery(_ id: String, payload: String = "{}") -> ScheduleDelivery {
        ScheduleDelivery(
            id: id,
            source: key,
            target: ScheduleTarget(arn: "arn"),
            payload: payload,
            occurred: start,
            due: start
        )
    }

    /// A turn that runs what is due.
    private func turn(_ store: ScheduleStore, at now: Timestamp) async throws -> Int {
        try await store.turn(now: now, limit: 10, unreadable: { _ in }) { record in
            var outcome = ScheduleStore.Outcome(progress: record.progress)
            guard let timing = record.timing else { return outcome }
            if case .run(let time) = outcome.progress.turn(timing, now: now, ageMax: .seconds(86_400)) {
                outcome.deliveries = [
                    ScheduleDelivery(
                        id: "\(time.millisecondsSinceEpoch)",
                        source: record.key,
                        target: ScheduleTarget(arn: "arn"),
                        payload: "{}",
                        occurred: time,
                        due: time
                    )
                ]
            }
            return outcome
        }
    }

    @Test func `schedules come back as they were, from another run too`() async throws {
        try await make(store(), key, definition(input: "{\"a\": 1}"))
        let other = try store()
        let record = try #require(try await other.record(key))
        #expect(record.definition == definition(input: "{\"a\": 1}"))
        #expect(record.tags == ["a": "b"] && record.created == start && record.anchor == start && record.isEnabled)
        #expect(try await other.nextDue() == start)
        try await other.change(key, countMax: 10, refusal: refusal) { _ in nil }
        #expect(try await other.record(key) == nil)
        #expect(try await other.nextDue() == nil)
    }

    @Test func `an occurrence is moved past and its delivery kept in one step`() async throws {
        let first = try store()
        try await make(first, key, definition())
        #expect(try await turn(first, at: start) == 1)
        #expect(try await turn(first, at: start) == 0)
        let second = try store()
        let waiting = try await second.dueDeliveries(now: start, limit: 9, unreadable: { _ in })
        #expect(waiting.map(\.delivery.id) == ["1800000000000"] && waiting[0].attempts == 0)
        #expect(try await second.record(key)?.progress.after == start)
        try await second.settle([(waiting[0].row, .putBack(due: start.advanced(by: .seconds(5)), attempts: 1))])
        #expect(try await second.dueDeliveries(now: start, limit: 9, unreadable: { _ in }).isEmpty)
        #expect(try await second.nextDue() == start.advanced(by: .seconds(5)))
        var dead = waiting[0].delivery
        dead.failure = .init(code: "c", message: "m", exhausted: .retries, retries: 1)
        try await second.settle([(waiting[0].row, .deadLetter(dead, due: start))])
        let letters = try await second.dueDeliveries(now: start, limit: 9, unreadable: { _ in })
        #expect(letters.map(\.delivery) == [dead] && letters[0].attempts == 0)
        try await second.settle([(letters[0].row, .removed)])
        #expect(try await second.nextDue() == start.advanced(by: .seconds(3_600)))
    }

    @Test func `nothing is readable in the files, and what was changed there is left out`() async throws {
        let store = try store()
        let secret = "a secret \(UUID().uuidString)"
        try await make(store, key, definition(input: secret))
        try await store.add([delivery("d", payload: secret)], accountID: "000000000000", now: start)
        for file in try FileManager.default.contentsOfDirectory(atPath: path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(file)"))
            #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(file)")
        }
        try await store.pool.write { db in
            try db.execute(sql: "UPDATE deliveries SET deliveryID = 'e'")
            try db.execute(sql: "UPDATE entries SET name = 't'")
        }
        let told = Mutex<[String]>([])
        #expect(
            try await store.dueDeliveries(now: start, limit: 9, unreadable: { id in told.withLock { $0.append(id) } })
                .isEmpty
        )
        let turned = try await store.turn(
            now: start,
            limit: 9,
            unreadable: { row in told.withLock { $0.append("\(row)") } },
            { ScheduleStore.Outcome(progress: $0.progress) }
        )
        #expect(turned == 1 && told.withLock { $0 } == ["e", "1"])
        // It is told again a minute later, not at once.
        #expect(try await store.nextDue() == start.advanced(by: .seconds(60)))
        #expect(try await store.dueDeliveries(now: start, limit: 9, unreadable: { _ in }).isEmpty)
    }

    @Test func `there are no more than there may be`() async throws {
        let store = try store()
        for number in 0..<10 {
            try await make(store, ScheduleKey(.schedule, accountID: "1", region: "r", name: "\(number)"), definition())
        }
        await #expect(throws: refusal) {
            try await make(store, ScheduleKey(.schedule, accountID: "1", region: "r", name: "10"), definition())
        }
        // Another account, another region and another kind have their own.
        try await make(store, ScheduleKey(.schedule, accountID: "2", region: "r", name: "10"), definition())
        try await make(store, ScheduleKey(.schedule, accountID: "1", region: "s", name: "10"), definition())
        try await make(store, ScheduleKey(.rule, accountID: "1", region: "r", name: "10"), definition())
        await #expect(throws: ScheduleError.self) {
            try await make(
                store,
                ScheduleKey(.schedule, accountID: "2", region: "r", group: "none", name: "1"),
                definition()
            )
        }
    }

    @Test func `an account's schedules wait while too many of its deliveries do`() async throws {
        let store = try store()
        let other = ScheduleKey(.schedule, accountID: "111111111111", region: "us-east-1", name: "s")
        try await make(store, key, definition())
        try await make(store, other, definition())
        let many = (0..<ScheduleLimits.deliveriesMax).map { delivery("\($0)") }
        try await store.add(many, accountID: key.accountID, now: start)
        await #expect(throws: ScheduleError.self) {
            try await store.add([delivery("more")], accountID: key.accountID, now: start)
        }
        #expect(try await turn(store, at: start) == 2)
        #expect(try await store.record(key)?.progress.after == start.advanced(by: .milliseconds(-1)))
        #expect(try await store.record(other)?.progress.after == start)
        // It is asked again later, and not in a circle.
        #expect(try await turn(store, at: start) == 0)
    }

    @Test func `a full disk takes nothing and says so`() async throws {
        let store = try store(pagesMax: 64)
        var refused = false
        for number in 0..<100 where !refused {
            let key = ScheduleKey(.schedule, accountID: "1", region: "r", name: "\(number)")
            do {
                let start = start
                let definition = definition(input: String(repeating: "x", count: 20_000))
                try await store.change(key, countMax: 1_000, refusal: refusal) { _ in
                    ScheduleRecord(key: key, definition: definition, isEnabled: true, now: start)
                }
            } catch ScheduleStoreError.diskFull {
                refused = true
                #expect(try await store.record(key) == nil)
            }
        }
        #expect(refused)
    }

    @Test func `pages go on where the one before ended`() async throws {
        let store = try store()
        let group = ScheduleGroupKey(accountID: "1", region: "r", name: "a-group")
        let start = start
        try await store.changeGroup(group) { _ in ScheduleGroupRecord(key: group, now: start) }
        for (group, name) in [("default", "b"), ("a-group", "z"), ("default", "a"), ("a-group", "y")] {
            try await make(
                store,
                ScheduleKey(.schedule, accountID: "1", region: "r", group: group, name: name),
                definition()
            )
        }
        var selection = ScheduleStore.Selection(.schedule, accountID: "1", region: "r")
        var found: [String] = []
        while let next = try await store.list(selection, limit: 1).first {
            found.append("\(next.key.group)/\(next.key.name)")
            selection.after = (next.key.group, next.key.name)
        }
        #expect(found == ["a-group/y", "a-group/z", "default/a", "default/b"])
        selection.after = nil
        selection.prefix = "z"
        #expect(try await store.list(selection, limit: 9).count == 1)
        try await store.deleteGroup(group)
        selection.prefix = ""
        #expect(try await store.list(selection, limit: 9).map(\.key.name) == ["a", "b"])
    }
}
