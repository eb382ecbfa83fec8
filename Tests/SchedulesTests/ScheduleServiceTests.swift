// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EnvelopeEncryption
import Foundation
import GRDB
import LambdaModel
import Logging
import ScheduleCore
import Synchronization
import Testing

@testable import ScheduleStore
@testable import Schedules

/// A function and a queue that keep what they get, and refuse when they are told to; and the time.
private final class World: Sendable {
    struct State {
        var now: Timestamp
        var invocations: [InvocationRequest] = []
        var messages: [ScheduleTargets.QueueMessage] = []
        var notes: [String] = []
        var refusal: LambdaError?
        var isPermitted = true
        var isQueueAway = false
    }

    let state: Mutex<State>

    init(now: Timestamp) { state = Mutex(State(now: now)) }

    var now: Timestamp { state.withLock { $0.now } }
    var payloads: [String] { state.withLock { $0.invocations.map { String(decoding: $0.payload, as: UTF8.self) } } }

    func advance(_ seconds: Int) { state.withLock { $0.now = $0.now.advanced(by: .seconds(seconds)) } }

    var targets: ScheduleTargets {
        ScheduleTargets(
            accept: { [self] request in
                try state.withLock { state in
                    if let refusal = state.refusal { throw refusal }
                    state.invocations.append(request)
                }
            },
            permits: { [self] _, _, _ in state.withLock { $0.isPermitted } },
            send: { [self] message async throws(ScheduleTargets.Refusal) in
                let isTaken = state.withLock { state in
                    if !state.isQueueAway { state.messages.append(message) }
                    return !state.isQueueAway
                }
                if !isTaken { throw .init(code: "Away", message: "away", mayPass: true) }
            },
            note: { [self] _, text in state.withLock { $0.notes.append(text) } }
        )
    }
}

final class ScheduleServiceTests: Sendable {
    private let path: String
    private let world = World(now: Timestamp(millisecondsSinceEpoch: 1_800_000_000_000))
    private let store: ScheduleStore
    private let service: ScheduleService
    private let driver: ScheduleDriver
    private let caller = ScheduleCaller(accountID: "000000000000", region: "us-east-1")
    private static let function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    private static let queue = "arn:aws:sqs:us-east-1:000000000000:dead"

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        store = try ScheduleStore(directory: path, masterKey: masterKey)
        let bell = ScheduleBell()
        let now: @Sendable () -> Timestamp = { [world] in world.now }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        service = ScheduleService(store: store, bell: bell, targets: world.targets, now: now, logger: logger)
        driver = ScheduleDriver(
            store: store,
            bell: bell,
            targets: world.targets,
            now: now,
            clock: ContinuousClock(),
            logger: logger
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func create(_ text: String, name: String = "s") async throws -> JSONValue {
        var input = try ScheduleInput(body: Array(text.utf8))
        input.set("Name", name)
        return try await service.perform(ScheduleOperation.createSchedule, input, caller)
    }

    private func rule(_ operation: RuleOperation, _ text: String) async throws -> JSONValue? {
        try await service.perform(operation, ScheduleInput(body: Array(text.utf8)), caller)
    }

    private func schedule(_ expression: String, input: String = #""{}""#, more: String = "") -> String {
        """
        {"ScheduleExpression": "\(expression)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": "\(Self.function)",
        "RoleArn": "arn:aws:iam::000000000000:role/r", "Input": \(input)\(more)}}
        """
    }

    @Test func `a schedule runs when it is due, and once`() async throws {
        _ = try await create(schedule("rate(1 hour)", input: #""{\"id\": \"<aws.scheduler.execution-id>\"}""#))
        _ = await driver.work()
        _ = await driver.work()
        let first = world.payloads
        #expect(first.count == 1 && first[0].count == #"{"id": ""}"#.count + 36)
        world.advance(3_599)
        _ = await driver.work()
        #expect(world.payloads.count == 1)
        world.advance(1)
        _ = await driver.work()
        #expect(world.payloads.count == 2)
        #expect(Set(world.payloads).count == 2)
    }

    @Test func `what is refused for a time is tried again, under its id, until it is a dead letter`() async throws {
        world.state.withLock { $0.refusal = .tooManyRequests(.callerRateLimitExceeded) }
        let more = #", "RetryPolicy": {"MaximumRetryAttempts": 2}, "DeadLetterConfig": {"Arn": "\#(Self.queue)"}"#
        _ = try await create(schedule("at(2027-01-15T08:00:01)", more: more))
        for _ in 0..<10 {
            world.advance(4)
            _ = await driver.work()
        }
        let letter = try #require(world.state.withLock { $0.messages.first })
        #expect(world.state.withLock { $0.messages.count } == 1 && letter.queueARN == Self.queue && letter.body == "{}")
        #expect(letter.attributes["RETRY_ATTEMPTS"] == "2")
        #expect(letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts")
        #expect(letter.attributes["ERROR_CODE"] == "TooManyRequestsException")
        #expect(letter.attributes["SCHEDULED_TIME"] == "2027-01-15T08:00:01Z")
        // Without one it is dropped, and said.
        _ = try await create(
            schedule("at(2027-01-15T08:02:00)", more: #", "RetryPolicy": {"MaximumRetryAttempts": 0}"#),
            name: "t"
        )
        world.advance(120)
        _ = await driver.work()
        #expect(world.state.withLock { $0.messages.count == 1 && $0.notes.count == 2 })
    }

    @Test func `a retry that is taken ends it`() async throws {
        world.state.withLock { $0.refusal = .service(message: "not now") }
        _ = try await create(schedule("rate(1 day)", input: #""[<aws.scheduler.attempt-number>]""#))
        _ = await driver.work()
        world.state.withLock { $0.refusal = nil }
        world.advance(2)
        _ = await driver.work()
        world.advance(600)
        _ = await driver.work()
        #expect(world.payloads == ["[2]"])
    }

    @Test func `what became of a try and can't be written is not tried again`() async throws {
        _ = try await create(schedule("rate(1 day)"))
        try await store.pool.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER failing BEFORE DELETE ON deliveries BEGIN SELECT RAISE(ABORT, 'no'); END
                    """
            )
        }
        for _ in 0..<3 { _ = await driver.work() }
        #expect(world.payloads.count == 1)
        try await store.pool.write { db in try db.execute(sql: "DROP TRIGGER failing") }
        for _ in 0..<3 { _ = await driver.work() }
        #expect(world.payloads.count == 1)
        #expect(try await store.dueDeliveries(now: world.now, limit: 9, unreadable: { _ in }).isEmpty)
    }

    @Test func `a rule needs the function's permission, at the time of the event`() async throws {
        _ = try await rule(.putRule, #"{"Name": "r", "EventPattern": "{\"source\": [\"shop\"]}"}"#)
        _ = try await rule(
            .putTargets,
            #"{"Rule": "r", "Targets": [{"Id": "1", "Arn": "\#(Self.function)", "InputPath": "$.detail"}]}"#
        )
        let event = #"{"Entries": [{"Source": "shop", "DetailType": "t", "Detail": "{\"n\": 1}"}]}"#
        _ = try await rule(.putEvents, event)
        _ = await driver.work()
        #expect(world.payloads == [#"{"n":1}"#])
        world.state.withLock { $0.isPermitted = false }
        _ = try await rule(.putEvents, event)
        _ = await driver.work()
        #expect(world.payloads.count == 1)
        #expect(world.state.withLock { $0.notes.first }?.contains("does not permit events.amazonaws.com") == true)
        _ = try await rule(.disableRule, #"{"Name": "r"}"#)
        world.state.withLock { $0.isPermitted = true }
        _ = try await rule(.putEvents, event)
        _ = await driver.work()
        #expect(world.payloads.count == 1)
    }

    @Test func `what is switched off does not run later`() async throws {
        _ = try await rule(.putRule, #"{"Name": "r", "ScheduleExpression": "rate(1 minute)"}"#)
        _ = try await rule(.putTargets, #"{"Rule": "r", "Targets": [{"Id": "1", "Arn": "\#(Self.function)"}]}"#)
        _ = await driver.work()
        #expect(world.payloads.isEmpty)
        _ = try await rule(.disableRule, #"{"Name": "r"}"#)
        world.advance(90)
        _ = await driver.work()
        _ = try await rule(.enableRule, #"{"Name": "r"}"#)
        _ = await driver.work()
        #expect(world.payloads.isEmpty)
        world.advance(30)
        _ = await driver.work()
        #expect(world.payloads.count == 1)
    }

    @Test func `a completed schedule goes if it is to go`() async throws {
        var text = schedule("at(2027-01-15T08:00:01)")
        text.removeLast()
        _ = try await create(text + #", "ActionAfterCompletion": "DELETE"}"#)
        _ = try await create(text + "}", name: "stays")
        world.advance(1)
        _ = await driver.work()
        #expect(world.payloads.count == 2)
        let listed = try await service.perform(.listSchedules, ScheduleInput(body: []), caller)
        #expect(listed["Schedules"]?.array?.compactMap { $0["Name"]?.string } == ["stays"])
    }

    @Test func `what is too old goes to the dead-letter queue, and the schedule if it is to go`() async throws {
        let more = #", "RetryPolicy": {"MaximumEventAgeInSeconds": 60}, "DeadLetterConfig": {"Arn": "\#(Self.queue)"}"#
        var text = schedule("at(2027-01-15T08:00:01)", more: more)
        text.removeLast()
        _ = try await create(text + #", "ActionAfterCompletion": "DELETE"}"#)
        world.advance(600)
        _ = await driver.work()
        let letter = try #require(world.state.withLock { $0.messages.first })
        #expect(world.payloads.isEmpty && letter.body == "{}")
        #expect(letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds")
        #expect(letter.attributes["RETRY_ATTEMPTS"] == "0")
        #expect(try await store.nextDue() == nil)
    }

    @Test func `a delivery that has become too old is not sent, by each target's own age`() async throws {
        _ = try await rule(.putRule, #"{"Name": "r", "EventPattern": "{\"source\": [\"shop\"]}"}"#)
        let age = #", "RetryPolicy": {"MaximumEventAgeInSeconds": 60}, "DeadLetterConfig": {"Arn": "\#(Self.queue)"}"#
        let targets = [("1", age), ("2", "")].map { id, more in
            #"{"Id": "\#(id)", "Arn": "\#(Self.function)", "Input": "\#(id)"\#(more)}"#
        }
        _ = try await rule(.putTargets, #"{"Rule": "r", "Targets": [\#(targets.joined(separator: ","))]}"#)
        _ = try await rule(.putEvents, #"{"Entries": [{"Source": "shop", "DetailType": "t", "Detail": "{}"}]}"#)
        // The server is down for an hour.
        world.advance(3_600)
        _ = await driver.work()
        #expect(world.payloads == ["2"])
        #expect(world.state.withLock { $0.messages.map(\.body) } == ["1"])
    }

    @Test func `a dead letter is tried for a day`() async throws {
        world.state.withLock { $0.isQueueAway = true }
        _ = try await create(
            schedule("at(2027-01-15T08:00:01)", more: #", "DeadLetterConfig": {"Arn": "\#(Self.queue)"}"#)
        )
        world.state.withLock { $0.refusal = .resourceNotFound(message: "gone") }
        world.advance(1)
        for _ in 0..<140 {
            _ = await driver.work()
            world.advance(600)
        }
        #expect(world.state.withLock { $0.messages.isEmpty })
        world.state.withLock { $0.isQueueAway = false }
        _ = await driver.work()
        #expect(world.state.withLock { $0.messages.count } == 1)
    }

    @Test func `a dead letter that is too large is cut at a character`() throws {
        let key = ScheduleKey(.schedule, accountID: "000000000000", region: "us-east-1", name: "s")
        let now = world.now
        func letter(_ payload: String) -> (body: String, attributes: [String: String]) {
            let delivery = ScheduleDelivery(
                id: "id",
                source: key,
                target: ScheduleTarget(arn: Self.function),
                payload: payload,
                occurred: now,
                due: now
            )
            let failure = ScheduleDelivery.Failure(code: "c", message: "m", exhausted: .age, retries: 0, time: now)
            return ScheduleDriver.letter(of: delivery, failure)
        }
        #expect(letter("{}").body == "{}" && letter("{}").attributes["IS_PAYLOAD_TRUNCATED"] == "false")
        let large = letter(String(repeating: "ä", count: ScheduleLimits.inputBytesMax / 2))
        #expect(large.attributes["IS_PAYLOAD_TRUNCATED"] == "true" && large.body.allSatisfy { $0 == "ä" })
        let bytes = large.attributes.reduce(large.body.utf8.count) { $0 + $1.key.utf8.count + 6 + $1.value.utf8.count }
        #expect((ScheduleLimits.inputBytesMax - 4...ScheduleLimits.inputBytesMax).contains(bytes))
    }

    @Test func `a disk that takes only deletions gets them`() async throws {
        _ = try await create(schedule("rate(1 day)"))
        _ = try await rule(.putRule, #"{"Name": "r", "EventPattern": "{\"source\": [\"shop\"]}"}"#)
        let targets = [("1", Self.function), ("2", Self.queue)].map { #"{"Id": "\#($0)", "Arn": "\#($1)"}"# }
        _ = try await rule(.putTargets, #"{"Rule": "r", "Targets": [\#(targets.joined(separator: ","))]}"#)
        _ = try await rule(.putEvents, #"{"Entries": [{"Source": "shop", "DetailType": "t", "Detail": "{}"}]}"#)
        try await store.pool.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER full BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'full'); END;
                    CREATE TRIGGER fuller BEFORE UPDATE ON deliveries BEGIN SELECT RAISE(ABORT, 'full'); END
                    """
            )
        }
        world.state.withLock { $0.isQueueAway = true }
        _ = await driver.work()
        #expect(world.payloads.count == 1)
        let count = try await store.pool.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM deliveries") }
        #expect(count == 1)
    }

    @Test func `more schedules than deliveries may wait run at the same moment`() async throws {
        try await store.pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = OFF") }
        let count = ScheduleLimits.targetDeliveriesMax * 3 / 2
        for number in 0..<count { _ = try await create(schedule("rate(1 day)"), name: "\(number)") }
        _ = await driver.work()
        #expect(world.payloads.count == count)
    }

    @Test func `a clock that was ahead for a while stops nothing`() async throws {
        _ = try await create(schedule("rate(1 minute)"))
        world.advance(126_144_000)
        _ = await driver.work()
        #expect(world.payloads.count == 1)
        world.advance(-126_144_000)
        _ = await driver.work()
        world.advance(60)
        _ = await driver.work()
        #expect(world.payloads.count == 2)
    }

    @Test func `what a target could never take is refused when it is named`() async throws {
        func refused(_ body: () async throws -> Void) async -> ScheduleError? {
            do { try await body() } catch let error as ScheduleError { return error } catch {}
            return nil
        }
        func schedule(_ input: String) async -> ScheduleError? {
            await refused {
                _ = try await create(
                    """
                    {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": "\(Self.queue)",
                    "RoleArn": "arn:aws:iam::000000000000:role/r", "Input": "\(input)"}}
                    """,
                    name: RandomIdentifier.uuid()
                )
            }
        }
        #expect(await schedule("not JSON") == nil)
        #expect(await schedule(String(repeating: "x", count: ScheduleLimits.inputBytesMax + 1))?.kind == .validation)
        #expect(await schedule(#"a\u0001"#)?.kind == .validation)
        _ = try await rule(.putRule, #"{"Name": "r", "ScheduleExpression": "rate(1 day)"}"#)
        func target(_ members: String) async -> ScheduleError? {
            await refused {
                _ = try await rule(
                    .putTargets,
                    #"{"Rule": "r", "Targets": [{"Id": "1", "Arn": "\#(Self.queue)", \#(members)}]}"#
                )
            }
        }
        let long = String(repeating: "x", count: 101)
        #expect(await target(#""SqsParameters": {"MessageGroupId": "\#(long)"}"#)?.kind == .validation)
        #expect(
            await target(#""InputTransformer": {"InputPathsMap": {"a<": "$"}, "InputTemplate": "1"}"#)?.kind
                == .validation
        )
        #expect(await target(#""InputPath": "$.detail.*""#)?.kind == .validation)
        #expect(await target(#""RoleArn": """#)?.kind == .validation)
        #expect(await target(#""InputPath": "$.detail""#) == nil)
        let old = #"{"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}", "Time": -62135596801}]}"#
        let answer = try await rule(.putEvents, old)
        #expect(answer?["FailedEntryCount"]?.integer == 1)
    }

    @Test func `what the store can't do is the service's own exception`() async throws {
        _ = try await rule(.putRule, #"{"Name": "r", "ScheduleExpression": "rate(1 day)"}"#)
        _ = try await create(schedule("rate(1 day)"))
        try await store.pool.write { db in try db.execute(sql: "UPDATE entries SET sealed = x'00'") }
        func kind(_ body: () async throws -> Void) async -> ScheduleError.Kind? {
            do { try await body() } catch let error as ScheduleError { return error.kind } catch {}
            return nil
        }
        let input = try ScheduleInput(body: Array(#"{"Name": "s"}"#.utf8))
        #expect(await kind { _ = try await rule(.describeRule, #"{"Name": "r"}"#) } == .internalServer)
        #expect(await kind { _ = try await service.perform(.getSchedule, input, caller) } == .internalServer)
        _ = try await service.perform(.deleteSchedule, input, caller)
        #expect(await kind { _ = try await service.perform(.getSchedule, input, caller) } == .notFound)
        // A member's violation too.
        let untold = try ScheduleInput(body: Array(#"{"Name": "g", "Tags": [{"Key": "a", "Value": ""}]}"#.utf8))
        #expect(await kind { _ = try await service.perform(.createScheduleGroup, untold, caller) } == .validation)
        let unnamed = try ScheduleInput(body: Array("{}".utf8))
        #expect(await kind { _ = try await service.perform(.getSchedule, unnamed, caller) } == .validation)
    }

    @Test func `an input is a part, a constant or a template filled in`() {
        let key = ScheduleKey(.rule, accountID: "000000000000", region: "us-east-1", name: "r")
        let event = JSONValue.object([
            "time": .string("now"),
            "detail": .object(["a b": .array([.integer(1), .object(["x": .string("q\"<\n")])]), "n": .null]),
        ])
        func payload(_ change: (inout ScheduleTarget) -> Void) -> String {
            var target = ScheduleTarget(arn: "arn")
            change(&target)
            return TargetInput.payload(
                of: event,
                for: target,
                rule: key,
                received: Timestamp(millisecondsSinceEpoch: 1_800_000_000_500)
            )
        }
        #expect(payload { _ in } == event.text)
        #expect(payload { $0.input = "{}" } == "{}")
        #expect(payload { $0.inputPath = "$.detail['a b'][0]" } == "1")
        #expect(payload { $0.inputPath = "$.none" } == "null")
        let paths = ["x": "$.detail['a b'][1].x", "list": "$.detail['a b']", "gone": "$.gone"]
        func filled(_ template: String) -> String {
            payload { $0.transformer = .init(paths: paths, template: template) }
        }
        #expect(filled(#"{"v": <x>}"#) == #"{"v": "q\"<\n"}"#)
        #expect(filled(#"{"v": "is <x>."}"#) == #"{"v": "is q\"<\n."}"#)
        #expect(filled(#""<list>""#) == #""[1,{\"x\":\"q\\\"<\\n\"}]""#)
        #expect(filled(#"["<gone>", <gone>, "<unknown>", "\"<"]"#) == #"["", null, "<unknown>", "\"<"]"#)
        #expect(filled(#"<aws.events.rule-name>"#) == #""r""#)
        #expect(filled(#"<aws.events.event>"#) == #"{"time":"now"}"#)
        #expect(filled(#"<aws.events.event.json>"#) == event.text)
        #expect(filled(#"<aws.events.event.ingestion-time>"#) == #""2027-01-15T08:00:00Z""#)
        #expect(
            filled(#"<<x>><aws.events.rule-name-of-another-length><x"#)
                == #"<"q\"<\n"><aws.events.rule-name-of-another-length><x"#
        )
        for path in [
            "", "detail", "$.", "$..a", "$[", "$[x]", "$['']", "$.a[-1]", "$.detail.*", "$.a[*]", "$[12345678901]",
            "$a",
        ] {
            #expect(JSONPath(path) == nil, "\(path)")
        }
    }
}
