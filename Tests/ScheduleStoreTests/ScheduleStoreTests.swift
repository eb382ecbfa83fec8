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

    private func delivery(_ id: String, to target: String = "arn", payload: String = "{}") -> ScheduleDelivery {
        ScheduleDelivery(
            id: id,
            source: key,
            target: ScheduleTarget(arn: target, input: "{}"),
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
        dead.failure = .init(code: "c", message: "m", exhausted: .retries, retries: 1, time: start)
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
        try await store.add([delivery("d", payload: secret)], now: start)
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
        let many = (0..<ScheduleLimits.deliveriesMax).map { delivery("\($0)", to: "\($0 % 10)") }
        try await store.add(many, now: start)
        await #expect(throws: ScheduleError.self) {
            try await store.add([delivery("more")], now: start)
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
        while let next = try await store.list(selection, limit: 1, unreadable: { _ in }).first {
            found.append("\(next.key.group)/\(next.key.name)")
            selection.after = (next.key.group, next.key.name)
        }
        #expect(found == ["a-group/y", "a-group/z", "default/a", "default/b"])
        selection.after = nil
        selection.prefix = "z"
        #expect(try await store.list(selection, limit: 9, unreadable: { _ in }).count == 1)
        try await store.deleteGroup(group)
        selection.prefix = ""
        #expect(try await store.list(selection, limit: 9, unreadable: { _ in }).map(\.key.name) == ["a", "b"])
    }

    @Test func `a target that takes nothing stops nobody else's`() async throws {
        let store = try store()
        let other = ScheduleKey(.schedule, accountID: key.accountID, region: key.region, name: "other")
        try await make(store, key, definition())
        try await make(store, other, ScheduleDefinition(expression: "rate(1 hour)", targets: [.init(arn: "sound")]))
        let many = (0..<ScheduleLimits.targetDeliveriesMax).map { delivery("\($0)") }
        try await store.add(many, now: start)
        #expect(try await turn(store, at: start) == 2)
        #expect(try await store.record(key)?.progress.after == start.advanced(by: .milliseconds(-1)))
        #expect(try await store.record(other)?.progress.after == start)
        try await store.add([delivery("more", to: "sound")], now: start)
        func kind(_ deliveries: [ScheduleDelivery]) async -> ScheduleError.Kind? {
            do { try await store.add(deliveries, now: start) } catch let error as ScheduleError {
                return error.kind
            } catch {}
            return nil
        }
        #expect(await kind([delivery("more")]) == .throttled)
        // What can never be taken is not worth another request.
        let never = (0...ScheduleLimits.targetDeliveriesMax).map { delivery("\($0)", to: "third") }
        #expect(await kind(never) == .validation)
    }

    @Test func `what a clock that was ahead moved on begins anew`() async throws {
        let store = try store()
        let ahead = start.advanced(by: .seconds(4 * 31_536_000))
        let behind = start.advanced(by: .seconds(30))
        let once = ScheduleKey(.schedule, accountID: "1", region: "r", name: "once")
        try await make(store, key, definition("rate(1 minute)"))
        try await make(store, once, definition("at(2030-01-01T00:00:00)"))
        let definition = definition("rate(1 minute)")
        let made = ScheduleKey(.schedule, accountID: "1", region: "r", name: "made ahead")
        try await store.change(made, countMax: 10, refusal: refusal) { _ in
            ScheduleRecord(key: made, definition: definition, isEnabled: true, now: ahead)
        }
        #expect(try await turn(store, at: ahead) == 3)
        let waiting = try await store.dueDeliveries(now: ahead, limit: 9, unreadable: { _ in })
        try await store.settle(waiting.map { ($0.row, .putBack(due: ahead.advanced(by: .seconds(8)), attempts: 1)) })
        #expect(try await turn(store, at: behind) == 0)
        let anew = try await store.beginAnew(now: behind, limit: 9)
        #expect(anew == (3, waiting.count))
        #expect(try await store.beginAnew(now: behind, limit: 9) == (0, 0))
        #expect(try await store.dueDeliveries(now: behind, limit: 9, unreadable: { _ in }).count == waiting.count)
        #expect(try await store.record(key)?.due == start.advanced(by: .seconds(60)))
        #expect(try await store.record(made)?.due == behind.advanced(by: .seconds(60)))
        // A clock that is set back by less than a day is none that was ahead.
        #expect(try await turn(store, at: behind.advanced(by: .seconds(60))) == 2)
        #expect(try await store.beginAnew(now: behind.advanced(by: .seconds(-86_000)), limit: 9).entries == 0)
    }

    @Test func `a row that was changed leaves its neighbours alone and can be replaced`() async throws {
        let store = try store()
        let broken = ScheduleKey(.rule, accountID: key.accountID, region: key.region, name: "a")
        let sound = ScheduleKey(.rule, accountID: key.accountID, region: key.region, name: "b")
        for key in [broken, sound] {
            try await make(
                store,
                key,
                ScheduleDefinition(eventPattern: "{}", targets: [.init(arn: "arn", input: "{}")])
            )
        }
        try await store.pool.write { db in try db.execute(sql: "UPDATE entries SET sealed = x'00' WHERE name = 'a'") }
        let told = Mutex<[Int64]>([])
        let tell: @Sendable (Int64) -> Void = { row in told.withLock { $0.append(row) } }
        let selection = ScheduleStore.Selection(.rule, accountID: key.accountID, region: key.region)
        let listed = try await store.list(selection, limit: 9, unreadable: tell)
        #expect(
            listed.map(\.key) == [sound] && listed.allSatisfy { $0.definition.targets.allSatisfy { $0.input == nil } }
        )
        let matched = try await store.rulesWithPattern(accountID: key.accountID, region: key.region, unreadable: tell)
        #expect(matched.map(\.key) == [sound])
        #expect(told.withLock { $0 } == [1, 1])
        await #expect(throws: ScheduleStoreError.contentChanged(row: 1)) { try await store.record(broken) }
        try await make(store, broken, definition())
        #expect(try await store.record(broken)?.definition == definition())
        try await store.pool.write { db in try db.execute(sql: "UPDATE entries SET sealed = x'00' WHERE name = 'a'") }
        #expect(try await store.delete(broken))
        #expect(try await store.delete(broken) == false)
    }

    @Test func `an expression that is not understood is told, and looked at again`() async throws {
        let store = try store()
        try await make(store, key, definition("yearly(of a later version)"))
        let told = Mutex(0)
        for minute in 0..<2 {
            _ = try await store.turn(
                now: start.advanced(by: .seconds(minute * 60)),
                limit: 9,
                unreadable: { _ in told.withLock { $0 += 1 } },
                { ScheduleStore.Outcome(progress: $0.progress) }
            )
        }
        #expect(told.withLock { $0 } == 2)
        #expect(try await store.nextDue() == start.advanced(by: .seconds(120)))
    }

    @Test func `a step reads no more than it may hold`() async throws {
        let store = try store()
        let large = String(repeating: "x", count: 6 << 20)
        for number in 0..<4 {
            let key = ScheduleKey(.schedule, accountID: "1", region: "r", name: "\(number)")
            try await make(store, key, definition(input: large))
        }
        try await store.add((0..<4).map { delivery("\($0)", payload: large) }, now: start)
        #expect(try await store.dueDeliveries(now: start, limit: 9, unreadable: { _ in }).count == 2)
        #expect(try await turn(store, at: start) == 2)
        #expect(try await turn(store, at: start) == 2)
    }

    @Test func `one that is to go and has no occurrence any more is looked at`() async throws {
        let store = try store()
        var definition = definition("at(2027-01-15T09:00:00)")
        try await make(store, key, definition)
        definition.isDeletedAfterCompletion = true
        let later = start.advanced(by: .seconds(7_200))
        let (changed, key) = (definition, key)
        try await store.change(key, countMax: 10, refusal: refusal) { found in
            var record = found
            record?.change(to: changed, isEnabled: false, now: later)
            return record
        }
        #expect(try await store.nextDue() == nil)
        try await store.change(key, countMax: 10, refusal: refusal) { found in
            var record = found
            record?.change(to: changed, isEnabled: true, now: later)
            return record
        }
        #expect(try await store.nextDue() == later)
    }

    @Test func `who is cancelled while it asks is told so, not that the store failed`() async throws {
        let store = try store()
        let asking = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await store.nextDue()
        }
        await #expect(throws: CancellationError.self) { _ = try await asking.value }
    }
}
