// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EnvelopeEncryption
import Foundation
import LambdaModel
import Logging
import QueueCore
import QueueStore
import Synchronization
import Testing

@testable import Queues

/// A clock on which no time passes unless something waits: a sleep is over at once, and has moved the time on.
final class LeapingClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var nanoseconds: Int64
        func advanced(by duration: Duration) -> Instant {
            let (seconds, attoseconds) = duration.components
            return Instant(nanoseconds: nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
        }
        func duration(to other: Instant) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }
        static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    }

    private let time = Mutex(Instant(nanoseconds: 1_700_000_000_000_000_000))
    /// False: who sleeps does so until it is cancelled.
    let leaps: Bool

    init(leaps: Bool) { self.leaps = leaps }

    var now: Instant { time.withLock { $0 } }
    var minimumResolution: Duration { .nanoseconds(1) }
    var timestamp: Timestamp { Timestamp(millisecondsSinceEpoch: now.nanoseconds / 1_000_000) }

    func advance(by duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        guard leaps else {
            // Ends with its task, as a sleep does.
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            for await _ in stream {}
            continuation.finish()
            throw CancellationError()
        }
        time.withLock { $0 = max($0, deadline) }
        try Task.checkCancellation()
    }
}

final class QueueServiceTests: Sendable {
    private let path: String
    private let caller = QueueCaller(
        accountID: "000000000000",
        region: "us-east-1",
        senderID: "000000000000",
        origin: "http://localhost:1"
    )

    init() throws {
        path = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private func service(_ clock: LeapingClock) throws -> QueueService {
        let masterKey = try MasterKey(bytes: [UInt8](repeating: 1, count: 32))
        return QueueService(
            store: try QueueStore(directory: path, masterKey: masterKey),
            masterKey: masterKey,
            now: { clock.timestamp },
            clock: clock,
            logger: Logger(label: "test")
        )
    }

    private func make(
        _ service: QueueService,
        _ name: String = "q",
        _ attributes: [String: String] = [:]
    ) async throws
        -> QueueKey
    {
        _ = try await perform(service, .createQueue, ["QueueName": .string(name), "Attributes": texts(attributes)])
        return QueueKey(accountID: "000000000000", region: "us-east-1", name: name)
    }

    private func texts(_ texts: [String: String]) -> JSONValue { .object(texts.mapValues(JSONValue.string)) }

    private func perform(
        _ service: QueueService,
        _ operation: QueueOperation,
        _ members: [String: JSONValue]
    ) async throws -> JSONValue? {
        try await service.perform(operation, QueueInput(body: JSONValue.object(members).bytes), caller)
    }

    private func refusal(_ body: () async throws -> some Sendable) async -> QueueError.Kind? {
        do {
            _ = try await body()
            return nil
        } catch { return (error as? QueueError)?.kind }
    }

    // MARK: Waiting

    @Test func `who waits gets what comes, and one message wakes one`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let key = try await make(service)
        let waiting = (0..<3).map { _ in Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) } }
        while service.waiters.count < 3 { await Task.yield() }
        for number in 0..<3 { try await service.send(.init(body: "\(number)"), to: key.arn, sender: "s") }
        var bodies: [String] = []
        for task in waiting { bodies += try await task.value.map(\.content.body) }
        #expect(bodies.sorted() == ["0", "1", "2"])
        #expect(service.waiters.count == 0)
    }

    @Test func `who waits for nothing is answered at the end of its time`() async throws {
        let clock = LeapingClock(leaps: true)
        let service = try service(clock)
        let key = try await make(service)
        let start = clock.timestamp
        #expect(try await service.receive(from: key, max: 1, wait: .seconds(20)).isEmpty)
        #expect(clock.timestamp == start.advanced(by: .seconds(20)))
    }

    @Test func `a delay's and a visibility timeout's end is known to who waits`() async throws {
        let clock = LeapingClock(leaps: true)
        let service = try service(clock)
        let key = try await make(service)
        let start = clock.timestamp
        try await service.send(.init(body: "late", delay: 5), to: key.arn, sender: "s")
        let first = try await service.receive(from: key, max: 1, timeout: 7, wait: .seconds(20))
        #expect(first.count == 1 && clock.timestamp == start.advanced(by: .seconds(5)))
        let second = try await service.receive(from: key, max: 1, wait: .seconds(20))
        #expect(second.map(\.head.receives) == [2] && clock.timestamp == start.advanced(by: .seconds(12)))
    }

    @Test func `messages that come back wake who waits, and so do dead letters`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let dead = try await make(service, "dead")
        let policy = JSONValue.object(["deadLetterTargetArn": .string(dead.arn), "maxReceiveCount": .integer(1)]).text
        let key = try await make(service, "q", ["RedrivePolicy": policy])
        try await service.send(.init(body: "a"), to: key.arn, sender: "s")
        let received = try await service.receive(from: key, max: 1)
        let deadWaits = Task { try await service.receive(from: dead, max: 1, wait: .seconds(20)) }
        let waits = Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) }
        while service.waiters.count < 2 { await Task.yield() }
        // The one who waits finds it received often enough, and moves it on.
        #expect(try await service.changeVisibility([received[0].receiptHandle], timeouts: [0], of: key) == [nil])
        let moved = try await deadWaits.value
        #expect(moved.map(\.head.source) == [key.arn] && moved.map(\.head.receives) == [2])
        waits.cancel()
        await #expect(throws: CancellationError.self) { try await waits.value }
        #expect(service.waiters.count == 0)
    }

    @Test func `a FIFO group's next message comes when the one before is deleted`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let key = try await make(service, "q.fifo", ["FifoQueue": "true", "ContentBasedDeduplication": "true"])
        for body in ["a", "b"] { try await service.send(.init(body: body, groupID: "g"), to: key.arn, sender: "s") }
        let first = try await service.receive(from: key, max: 1)
        let waits = Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) }
        while service.waiters.count < 1 { await Task.yield() }
        #expect(try await service.delete([first[0].receiptHandle], from: key) == [nil])
        #expect(try await waits.value.map(\.content.body) == ["b"])
    }

    @Test func `the shutdown answers who waits`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let key = try await make(service)
        let waits = Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) }
        while service.waiters.count < 1 { await Task.yield() }
        service.waiters.close()
        #expect(try await waits.value.isEmpty)
    }

    @Test func `a purge and a deletion end who waits`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let key = try await make(service)
        let waits = Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) }
        while service.waiters.count < 1 { await Task.yield() }
        _ = try await perform(service, .purgeQueue, ["QueueUrl": .string(key.path)])
        #expect(try await waits.value.isEmpty)
        let again = Task { try await service.receive(from: key, max: 1, wait: .seconds(20)) }
        while service.waiters.count < 1 { await Task.yield() }
        _ = try await perform(service, .deleteQueue, ["QueueUrl": .string(key.path)])
        await #expect(throws: QueueError.noQueue) { try await again.value }
    }

    @Test func `what a receive took that was given up is there for others`() async throws {
        let service = try service(LeapingClock(leaps: false))
        let key = try await make(service)
        try await service.send(.init(body: "a"), to: key.arn, sender: "s")
        let gone = Task { try await service.receive(from: key, max: 1) }
        gone.cancel()
        // Given up before or after: either way it is there, once.
        let taken = (try? await gone.value) ?? []
        #expect(try await taken.count + service.receive(from: key, max: 1).count == 1)
    }

    // MARK: Handles

    @Test func `nobody makes a handle, and none is good for another queue`() async throws {
        let service = try service(LeapingClock(leaps: true))
        let key = try await make(service)
        let other = try await make(service, "other")
        try await service.send(.init(body: "a"), to: key.arn, sender: "s")
        let handle = try await service.receive(from: key, max: 1)[0].receiptHandle
        var bytes = try #require(Base64.decode(handle))
        for index in bytes.indices {
            bytes[index] ^= 1
            #expect(try await service.delete([Base64.encode(bytes)], from: key)[0]?.kind == .receiptHandleIsInvalid)
            bytes[index] ^= 1
        }
        #expect(
            try await service.delete([handle, "", "x"], from: other).map { $0?.kind }
                == Array(repeating: .receiptHandleIsInvalid, count: 3)
        )
        #expect(try await service.delete([handle], from: key) == [nil])
    }

    // MARK: The API's rules

    @Test func `attributes that may not be set`() async throws {
        let service = try service(LeapingClock(leaps: true))
        let dead = try await make(service, "dead")
        let closed = try await make(service, "closed", ["RedriveAllowPolicy": #"{"redrivePermission":"denyAll"}"#])
        func policy(_ arn: String, _ count: String) -> [String: String] {
            ["RedrivePolicy": #"{"deadLetterTargetArn":"\#(arn)","maxReceiveCount":\#(count)}"#]
        }
        let cases: [(String, [String: String], QueueError.Kind?)] = [
            ("a", policy(dead.arn, "3"), nil), ("b", policy(dead.arn, #""3""#), nil),
            ("c", policy(dead.arn, "0"), .invalidParameterValue),
            ("d", policy(dead.arn, "1001"), .invalidParameterValue),
            ("e", policy(dead.arn + "x", "3"), .invalidParameterValue),
            ("f", policy(closed.arn, "3"), .invalidParameterValue),
            ("g", ["RedrivePolicy": "{"], .invalidParameterValue),
            ("h", ["VisibilityTimeout": "43201"], .invalidAttributeValue),
            ("i", ["VisibilityTimeout": "x"], .invalidAttributeValue), ("j", ["Nothing": "1"], .invalidAttributeName),
            ("k", ["FifoQueue": "false"], .invalidAttributeName), ("l", ["FifoQueue": "true"], .invalidParameterValue),
            ("m.fifo", [:], .invalidParameterValue), ("n.fifo", ["FifoQueue": "true"], nil),
            ("o.fifo", policy(dead.arn, "3").merging(["FifoQueue": "true"]) { $1 }, .invalidParameterValue),
            ("p", ["MaximumMessageSize": "1023"], .invalidAttributeValue),
            ("q", ["Policy": "no"], .invalidAttributeValue),
            ("s", ["Policy": #"{"a":"\#(String(repeating: "x", count: 8_192))"}"#], .invalidAttributeValue),
            ("r", ["RedriveAllowPolicy": #"{"redrivePermission":"byQueue"}"#], .invalidParameterValue),
            ("a b", [:], .invalidParameterValue),
        ]
        for (name, attributes, expected) in cases {
            let found = await refusal { try await self.make(service, name, attributes) }
            #expect(found == expected, "\(name)")
        }
        let url = "http://elsewhere/000000000000/dead"
        let sources = try await perform(service, .listDeadLetterSourceQueues, ["QueueUrl": .string(url)])
        #expect(
            sources?["queueUrls"]?.array?.compactMap(\.string) == [
                "http://localhost:1/000000000000/a", "http://localhost:1/000000000000/b",
            ]
        )
    }

    @Test func `a queue is made again only as it is`() async throws {
        let service = try service(LeapingClock(leaps: true))
        _ = try await make(service, "q", ["DelaySeconds": "1"])
        _ = try await make(service, "q", ["DelaySeconds": "1", "VisibilityTimeout": "30"])
        _ = try await make(service)
        #expect(await refusal { try await self.make(service, "q", ["DelaySeconds": "2"]) } == .queueNameExists)
    }

    @Test func `messages by the digests that AWS documents`() {
        #expect(MessageDigest.body("This is a test message") == "fafb00f5732ab283681e124bf8747ed1")
        #expect(MessageDigest.attributes([:]) == nil)
        let attribute = MessageContent.Attribute(type: "String", value: .string("value"))
        #expect(MessageDigest.attributes(["name": attribute]) == "25ada41cad9d6e55ad5a2b3d2da508a2")
    }

    @Test(arguments: [
        ("{", QueueError.Kind.malformedInput), ("[]", .malformedInput), (#"{"QueueUrl":1}"#, .malformedInput),
        (#"{"QueueUrl":"x","MessageBody":"a"}"#, .queueDoesNotExist), (#"{"MessageBody":"a"}"#, .queueDoesNotExist),
        (#"{"QueueUrl":"http://h/111111111111/q","MessageBody":"a"}"#, .queueDoesNotExist),
        (#"{"QueueUrl":"http://h/000000000000/q"}"#, .missingParameter),
        (#"{"QueueUrl":"http://h/000000000000/q","MessageBody":"a","DelaySeconds":"1"}"#, .malformedInput),
        (
            #"{"QueueUrl":"http://h/000000000000/q","MessageBody":"a","MessageAttributes":{"x":{"DataType":"Binary","BinaryValue":"?"}}}"#,
            .malformedInput
        ),
        (
            #"{"QueueUrl":"http://h/000000000000/q","MessageBody":"a","MessageAttributes":{"x":{"DataType":"String","StringListValues":[]}}}"#,
            .unsupportedOperation
        ),
        (
            #"{"QueueUrl":"http://h/000000000000/q","MessageBody":"a","MessageSystemAttributes":{"x":{"DataType":"String","StringValue":"a"}}}"#,
            .invalidParameterValue
        ),
    ])
    func `a request that is none`(_ body: String, _ expected: QueueError.Kind) async throws {
        let service = try service(LeapingClock(leaps: true))
        _ = try await make(service)
        let found = await refusal {
            try await service.perform(.sendMessage, QueueInput(body: Array(body.utf8)), self.caller)
        }
        #expect(found == expected)
    }

    @Test func `a batch's entries fail one by one`() async throws {
        let service = try service(LeapingClock(leaps: true))
        let key = try await make(service)
        let entries: [JSONValue] = [
            .object(["Id": .string("a"), "MessageBody": .string("one")]), .object(["Id": .string("b")]),
            .object(["Id": .string("c"), "MessageBody": .string("three"), "DelaySeconds": .integer(901)]),
        ]
        let answer = try await perform(
            service,
            .sendMessageBatch,
            ["QueueUrl": .string("/000000000000/q"), "Entries": .array(entries)]
        )
        #expect(answer?["Successful"]?.array?.map { $0["Id"]?.string } == ["a"])
        #expect(answer?["Failed"]?.array?.map { $0["Code"]?.string } == ["MissingParameter", "InvalidParameterValue"])
        #expect(try await service.receive(from: key, max: 10).map(\.content.body) == ["one"])
    }
}
