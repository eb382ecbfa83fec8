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
                state.withLock { $0.messages.append(message) }
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
        service = ScheduleService(store: store, bell: bell, targets: world.targets, now: now)
        driver = ScheduleDriver(
            store: store,
            bell: bell,
            targets: world.targets,
            now: now,
            clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
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

    @Test func `an input is a part, a constant or a template filled in`() {
        let key = ScheduleKey(.rule, accountID: "000000000000", region: "us-east-1", name: "r")
        let event = JSONValue.object([
            "time": .string("now"),
            "detail": .object(["a b": .array([.integer(1), .object(["x": .string("q\"<\n")])]), "n": .null]),
        ])
        func payload(_ change: (inout ScheduleTarget) -> Void) -> String {
            var target = ScheduleTarget(arn: "arn")
            change(&target)
            return TargetInput.payload(of: event, for: target, rule: key)
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
        for path in ["", "detail", "$.", "$..a", "$[", "$[x]", "$['']", "$.a[-1]", "$[12345678901]", "$a"] {
            #expect(JSONPath(path) == nil, "\(path)")
        }
    }
}
