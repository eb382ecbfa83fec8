// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import Synchronization
import Testing

@testable import EventSources

/// A queue whose answers and deletions are the test's; messages that were received don't come again.
private final class ScriptedQueue: SQSQueue {
    struct State {
        var messages: [JSONValue] = []
        var receives = 0
        var deleted: [String] = []
        /// Calls.
        var deletions = 0
        var released: [String] = []
        var failsDeletions = false
        var gate: AsyncStream<Void>?
    }

    let state: Mutex<State>

    init(_ messages: [JSONValue] = []) { state = Mutex(State(messages: messages)) }

    var givesBackWhenCancelled: Bool { true }

    func visibilityTimeout() async throws -> Int { 600 }

    func receive(max: Int) async throws -> [JSONValue] {
        state.withLock { state in
            state.receives += 1
            let taken = Array(state.messages.prefix(max))
            state.messages.removeFirst(taken.count)
            return taken
        }
    }

    func delete(_ handles: [String]) async throws -> Bool {
        if let gate = state.withLock(\.gate) { for await _ in gate {} }
        let fails = state.withLock { state in
            state.deletions += 1
            if !state.failsDeletions { state.deleted += handles }
            return state.failsDeletions
        }
        if fails { throw SQSFailure(code: "InternalFailure", message: "as asked for") }
        return true
    }

    func release(_ handles: [String]) async throws { state.withLock { $0.released += handles } }

    static func message(_ number: Int, body: String = "b") -> JSONValue {
        .object(["MessageId": .string("m\(number)"), "ReceiptHandle": .string("h\(number)"), "Body": .string(body)])
    }
}

/// A clock on which nothing that waits comes to its end until it is opened, unless its task is cancelled; says who waited how long.
private final class StillClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    let waits = Mutex<[Duration]>([])
    let isOpen = Mutex(false)
    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        waits.withLock { $0.append(deadline.offset) }
        while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
    }
}

private final class Reported: Sendable {
    let statuses = Mutex<[EventSourceStatus]>([])
}

/// Waits for what other tasks bring about; the suite's time limit ends it.
private func eventually(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(5)) }
}

@Suite(.timeLimit(.minutes(10)))
struct SQSPollerTests {
    private let reported = Reported()
    private let clock = StillClock()

    private func poller(
        _ queue: ScriptedQueue,
        batchSize: Int = 10,
        filters: [String] = [],
        invoke: @escaping EventSourceService.Invoke
    ) throws -> SQSPoller {
        let key = EventSourceKey(accountID: "000000000000", region: "us-east-1", id: "id")
        let source = EventSourcePlan.QueueSource(
            arn: "arn:aws:sqs:us-east-1:000000000000:q",
            settings: .init(batchSize: batchSize),
            filters: filters
        )
        return try SQSPoller(
            EventSourcePlan(
                key: key,
                function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
                qualifier: nil,
                source: .queue(source)
            ),
            source,
            queue: queue,
            invoke: invoke,
            report: { [reported] status in reported.statuses.withLock { $0.append(status) } },
            now: { MonotonicTime(nanoseconds: 1_000_000_000) },
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private static func success(_ request: InvocationRequest) -> InvocationResponse {
        InvocationResponse(executedVersion: "$LATEST", outcome: .success(payload: Array("null".utf8)), logTail: nil)
    }

    @Test
    func `what was invoked with success is deleted, and a queue that has nothing at once is not asked again at once`()
        async throws
    {
        let queue = ScriptedQueue((0..<25).map { ScriptedQueue.message($0) })
        let poller = try poller(queue) { Self.success($0) }
        async let ended: Void = poller.run()
        try await eventually { queue.state.withLock(\.deleted.count) == 25 }
        // Each receive that found nothing waits.
        try await eventually { clock.waits.withLock { $0.contains(.seconds(1)) } }
        let receives = queue.state.withLock(\.receives)
        #expect((3...11).contains(receives), "\(receives)")
        await poller.stop(isHasty: true)
        await ended
        #expect(queue.state.withLock { Set($0.deleted).count } == 25)
        #expect(reported.statuses.withLock { $0.last } == EventSourceStatus(.ending))
    }

    @Test func `a function that is not there takes few messages, and none twice`() async throws {
        let queue = ScriptedQueue((0..<1_000).map { ScriptedQueue.message($0) })
        let calls = Mutex(0)
        let poller = try poller(queue) { _ in
            calls.withLock { $0 += 1 }
            throw LambdaError.resourceNotFound(message: "gone")
        }
        async let ended: Void = poller.run()
        // The first batch waits to be tried again.
        try await eventually { clock.waits.withLock { $0.contains(.seconds(1)) } }
        try await eventually { reported.statuses.withLock { $0.last?.problem } == "gone" }
        await poller.stop(isHasty: true)
        await ended
        let (receives, released) = queue.state.withLock { ($0.receives, $0.released.count) }
        #expect(receives <= 8 && calls.withLock { $0 } <= 8, "\(receives)")
        // What was taken is given back.
        #expect(queue.state.withLock { $0.messages.count } + released == 1_000)
        #expect(queue.state.withLock(\.deleted).isEmpty)
    }

    @Test func `the end waits for the deletion of what no filter let through`() async throws {
        let queue = ScriptedQueue([ScriptedQueue.message(1, body: "unwanted")])
        let (gate, opening) = AsyncStream<Void>.makeStream()
        queue.state.withLock { $0.gate = gate }
        let poller = try poller(queue, filters: [#"{"body":["wanted"]}"#]) { Self.success($0) }
        let ending = Mutex(false)
        let run = Task {
            await poller.run()
            ending.withLock { $0 = true }
        }
        try await eventually { queue.state.withLock(\.receives) == 1 }
        await poller.stop(isHasty: true)
        await Task.yield()
        #expect(!ending.withLock { $0 } && queue.state.withLock(\.deleted).isEmpty)
        opening.finish()
        await run.value
        #expect(queue.state.withLock(\.deleted) == ["h1"])
    }

    @Test func `deletions that fail don't hold up the end`() async throws {
        let queue = ScriptedQueue((0..<1_000).map { ScriptedQueue.message($0) })
        queue.state.withLock { $0.failsDeletions = true }
        let poller = try poller(queue) { Self.success($0) }
        async let ended: Void = poller.run()
        try await eventually { clock.waits.withLock { $0.contains(SQSPoller.deletionPause) } }
        await poller.stop(isHasty: true)
        clock.isOpen.withLock { $0 = true }
        await ended
        // A batch that was being deleted is tried once more at most.
        let (deletions, receives) = queue.state.withLock { ($0.deletions, $0.receives) }
        #expect(deletions <= 2 * receives, "\(deletions) of \(receives)")
    }

    @Test(arguments: ["-1", "43201", "9223372036854775807", "99999999999999999999", "", "1.5"])
    func `a visibility timeout that none can be is not believed`(_ text: String) {
        let answer = JSONValue.object(["Attributes": .object(["VisibilityTimeout": .string(text)])])
        #expect(RemoteSQSQueue.visibilityTimeout(answer) == nil)
    }
}
