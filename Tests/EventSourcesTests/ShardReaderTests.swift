// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import Invoker
import LambdaModel
import Logging
import Synchronization
import Testing

@testable import EventSources

/// One shard, whose answers come in the order given; after them it has nothing.
private final class ScriptedShard: RecordStream, StreamCheckpoints, RecordStreams {
    struct State {
        var opens: [Result<Void, StreamFailure>] = []
        var pages: [Result<[JSONValue], StreamFailure>] = []
        var opened: [StreamPosition] = []
        var saved: [StreamPosition] = []
        var window: StreamWindow?
        var notes: [ShardReader.Note] = []
        var events: [JSONValue] = []
        /// Of each invocation, whether it was the final one of its window.
        var finals: [Bool] = []
        var deliveries = 0
        /// How often it was waited for, and how often it had been when each read came.
        var waits = 0
        var waitsAtReads: [Int] = []
        /// Whether waits last until something is put.
        var isIdle = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// Of the reader that was made last.
        var share: ReadingShare?
    }

    let state: Mutex<State>

    func put(_ records: [JSONValue]) {
        let woken = state.withLock { state in
            state.pages.append(.success(records))
            state.isIdle = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in woken { continuation.resume() }
    }

    func wait(_ iterator: String) async throws {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                state.waits += 1
                if state.isIdle { state.waiting.append(continuation) }
                return state.isIdle
            }
            if !waits { continuation.resume() }
        }
    }

    init(opens: [Result<Void, StreamFailure>] = [], pages: [Result<[JSONValue], StreamFailure>]) {
        state = Mutex(State(opens: opens, pages: pages))
    }

    var fetchMax: Int { 1_000 }
    var endsWhenEmpty: Bool { false }

    func shards() async throws -> [ShardSet.Shard] { [] }

    func iterator(_ shard: String, at position: StreamPosition) async throws -> String {
        try state.withLock { state in
            state.opened.append(position)
            if !state.opens.isEmpty { try state.opens.removeFirst().get() }
        }
        return "iterator"
    }

    func records(_ iterator: String, max: Int) async throws -> StreamPage {
        let records = try state.withLock { state in
            state.waitsAtReads.append(state.waits)
            return try state.pages.isEmpty ? [] : state.pages.removeFirst().get()
        }
        let kind: EventSourcePlan.StreamSource.Kind = records.first?["dynamodb"] == nil ? .kinesis : .dynamoDB
        return StreamPage(records: try RemoteStream.records(records, kind), next: "iterator", hasMore: false)
    }

    func stream(_ source: EventSourcePlan.StreamSource, accountID: String) -> (any RecordStream)? { self }

    func positions(of mapping: EventSourceKey) async throws -> [String: StreamPosition] { [:] }

    func save(_ positions: [String: StreamPosition], of mapping: EventSourceKey) async throws {
        state.withLock { $0.saved += positions.values }
    }

    func window(of shard: String, of mapping: EventSourceKey) async throws -> StreamWindow? {
        state.withLock { $0.window }
    }

    func save(
        _ position: StreamPosition,
        _ window: StreamWindow?,
        of shard: String,
        of mapping: EventSourceKey
    ) async throws {
        state.withLock { state in
            state.saved.append(position)
            state.window = window
        }
    }

    func forget(_ shards: [String], of mapping: EventSourceKey) async throws {}

    /// What a function was invoked with.
    var sequences: [String] {
        state.withLock(\.events).compactMap {
            $0["kinesis"]?["sequenceNumber"]?.string ?? $0["dynamodb"]?["SequenceNumber"]?.string
        }
    }
}

@Suite(.timeLimit(.minutes(10)))
struct ShardReaderTests {
    private static let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_500)

    private static func source(
        _ kind: EventSourcePlan.StreamSource.Kind,
        retriesMax: Int? = nil,
        destination: String? = nil,
        tumblingSeconds: Int = 0
    ) -> EventSourcePlan.StreamSource {
        EventSourcePlan.StreamSource(
            kind: kind,
            arn: "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            start: .latest,
            settings: .init(
                batchSize: 10,
                retriesMax: retriesMax,
                ageMax: .seconds(60),
                tumblingSeconds: tumblingSeconds
            ),
            destination: destination
        )
    }

    private static func plan(_ source: EventSourcePlan.StreamSource) -> EventSourcePlan {
        EventSourcePlan(
            key: EventSourceKey(accountID: "000000000000", region: "us-east-1", id: "id"),
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
            qualifier: nil,
            source: .stream(source)
        )
    }

    private func reader(
        _ shard: ScriptedShard,
        _ kind: EventSourcePlan.StreamSource.Kind,
        from position: StreamPosition,
        retriesMax: Int? = nil,
        destination: String? = nil,
        tumblingSeconds: Int = 0,
        fails: Bool = false
    ) throws -> ShardReader {
        let source = Self.source(
            kind,
            retriesMax: retriesMax,
            destination: destination,
            tumblingSeconds: tumblingSeconds
        )
        let plan = Self.plan(source)
        let start = ContinuousClock.now
        let tools = ShardReader.Tools(
            stream: shard,
            reading: StreamReading(
                streams: shard,
                checkpoints: shard,
                deliver: { _ throws(DeliveryFailure) in
                    shard.state.withLock { $0.deliveries += 1 }
                    throw DeliveryFailure(reason: "as asked for", mayPass: true)
                },
                time: { Self.time }
            ),
            invoke: { request in
                let event = try JSONValue(parsing: request.payload)
                shard.state.withLock { state in
                    state.events += event["Records"]?.array ?? []
                    state.finals.append(event["isFinalInvokeForWindow"] == .bool(true))
                }
                return InvocationResponse(
                    executedVersion: "$LATEST",
                    outcome: fails
                        ? .functionError(type: "Error", payload: []) : .success(payload: Array("null".utf8)),
                    logTail: nil
                )
            },
            now: { MonotonicTime(nanoseconds: 1) + (ContinuousClock.now - start) },
            clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        shard.state.withLock { $0.share = tools.share }
        let filter = try EventFilter(patterns: [], source: source.filterSource)
        return ShardReader("shard", plan, source, filter, from: position, tools) { note in
            shard.state.withLock { $0.notes.append(note) }
        }
    }

    private func eventually(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }

    private static func change(_ sequence: String, _ seconds: String?) -> JSONValue {
        var members: [String: JSONValue] = ["SequenceNumber": .string(sequence)]
        members["ApproximateCreationDateTime"] = seconds.map { .number($0) }
        return .object(["dynamodb": .object(members)])
    }

    private static func record(_ sequence: String?, _ seconds: String? = "1700000000.1") -> JSONValue {
        var members: [String: JSONValue] = ["Data": .string(""), "PartitionKey": .string("k")]
        members["SequenceNumber"] = sequence.map { .string($0) }
        members["ApproximateArrivalTimestamp"] = seconds.map { .number($0) }
        return .object(members)
    }

    @Test func `the latest of a table that is opened again leaves out what is older`() async throws {
        let expired = StreamFailure(code: "ExpiredIteratorException", message: "")
        let old = Self.change("1", "1699999999")
        let shard = ScriptedShard(pages: [
            .failure(expired), .success([old]), .failure(expired),
            .success([old, Self.change("2", "1700000000"), Self.change("3", nil)]),
        ])
        let reader = try reader(shard, .dynamoDB, from: .latest(Self.time))
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock(\.saved) == [.after("3")] }
        await reader.stop()
        await ended
        #expect(shard.sequences == ["2", "3"])
        #expect(shard.state.withLock(\.opened) == [.latest(Self.time), .since(Self.time), .since(Self.time)])
    }

    @Test func `records without a time are run, and a page with one that is none is read again`() async throws {
        let shard = ScriptedShard(pages: [
            .success([Self.record("1"), Self.record("")]), .success([Self.record("1"), Self.record(nil)]),
            .success([Self.record("1", nil), Self.record("2", "1e300"), Self.record("3", "0"), Self.record("4")]),
        ])
        let reader = try reader(shard, .kinesis, from: .trimHorizon)
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock(\.saved) == [.after("4")] }
        await reader.stop()
        await ended
        #expect(shard.sequences == ["1", "2", "3", "4"])
        let isProblem = shard.state.withLock { state in
            state.notes.contains { if case .problem(let text) = $0 { text.contains("sequence number") } else { false } }
        }
        #expect(isProblem && shard.state.withLock(\.notes).contains(.fine))
    }

    @Test func `a position that is not in its shard is followed by the shard's beginning`() async throws {
        let unknown = StreamFailure(
            code: "InvalidArgumentException",
            message: "StartingSequenceNumber 9 used in GetShardIterator on shard shard is invalid."
        )
        let shard = ScriptedShard(opens: [.failure(unknown)], pages: [.success([Self.record("1")])])
        let reader = try reader(shard, .kinesis, from: .after("9"))
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock(\.saved).last == .after("1") }
        await reader.stop()
        await ended
        #expect(shard.state.withLock(\.opened) == [.after("9"), .trimHorizon])
    }

    @Test func `what no destination takes before the end is not done`() async throws {
        let shard = ScriptedShard(pages: [.success([Self.record("1")])])
        let reader = try reader(
            shard,
            .kinesis,
            from: .trimHorizon,
            retriesMax: 0,
            destination: "arn:aws:sqs:us-east-1:000000000000:failed",
            fails: true
        )
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock(\.deliveries) >= 1 }
        await reader.stop()
        await ended
        #expect(shard.state.withLock(\.saved).isEmpty)
        #expect(shard.state.withLock(\.deliveries) < 5)
    }

    @Test func `a batch that is tried again when windows are given up needs no state`() async throws {
        let shard = ScriptedShard(pages: [.success([Self.record("1")])])
        let reader = try reader(shard, .kinesis, from: .trimHorizon, tumblingSeconds: 10)
        async let ended: Void = reader.run()
        try await eventually {
            shard.state.withLock(\.notes).contains { if case .problem = $0 { true } else { false } }
        }
        #expect(shard.state.withLock(\.saved).isEmpty)
        let source = Self.source(.kinesis)
        await reader.change(Self.plan(source), source, try EventFilter(patterns: [], source: source.filterSource))
        try await eventually {
            shard.state.withLock {
                $0.finals.last == true && $0.saved == [.after("1"), .after("1")] && $0.window == nil
            }
        }
        await reader.stop()
        await ended
    }

    @Test func `the window of a shard that is there no more is concluded`() async throws {
        let gone = StreamFailure(code: StreamFailure.notFound, message: "")
        let shard = ScriptedShard(opens: [.failure(gone)], pages: [])
        shard.state.withLock { $0.window = StreamWindow(with: Self.time, seconds: 10) }
        let reader = try reader(shard, .kinesis, from: .after("1"), tumblingSeconds: 10)
        async let ended: Void = reader.run()
        await reader.vanish()
        await ended
        #expect(await reader.isFinished)
        shard.state.withLock { state in
            #expect(state.finals == [true] && state.saved.last == .end && state.window == nil)
        }
    }

    @Test func `an event that no function may be sent is a failed batch`() async throws {
        var members = Self.record("1").object ?? [:]
        members["Data"] = .string(String(repeating: "A", count: LimitsProfile.synchronousPayloadBytesMax))
        let shard = ScriptedShard(pages: [.success([.object(members), Self.record("2")])])
        let reader = try reader(shard, .kinesis, from: .trimHorizon, retriesMax: 0)
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock(\.saved).last == .after("2") }
        await reader.stop()
        await ended
        #expect(shard.sequences == ["2"])
        let isProblem = shard.state.withLock { state in
            state.notes.contains { if case .problem(let text) = $0 { text.contains("more than") } else { false } }
        }
        #expect(isProblem)
    }

    @Test func `a reader of an idle shard reads when it is woken, and not before`() async throws {
        let shard = ScriptedShard(pages: [])
        shard.state.withLock { $0.isIdle = true }
        let reader = try reader(shard, .kinesis, from: .trimHorizon)
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock { !$0.waiting.isEmpty } }
        #expect(shard.state.withLock(\.waitsAtReads).isEmpty)
        shard.put([Self.record("1")])
        try await eventually { shard.state.withLock(\.saved) == [.after("1")] }
        #expect(shard.state.withLock(\.waitsAtReads).first == 1)
        await reader.stop()
        await ended
    }

    @Test func `a reader that was woken and may not read yet waits for no second record`() async throws {
        let shard = ScriptedShard(pages: [])
        shard.state.withLock { $0.isIdle = true }
        let reader = try reader(shard, .kinesis, from: .trimHorizon)
        let held = shard.state.withLock { $0.share }
        let share = try #require(held)
        for number in 0..<8 { #expect(share.begin("other \(number)") == nil) }
        async let ended: Void = reader.run()
        try await eventually { shard.state.withLock { !$0.waiting.isEmpty } }
        shard.put([Self.record("1")])
        // It is refused and asks again meanwhile.
        try await Task.sleep(for: .milliseconds(500))
        #expect(shard.state.withLock(\.waitsAtReads).isEmpty)
        for _ in 0..<8 { share.end() }
        try await eventually { shard.state.withLock(\.saved) == [.after("1")] }
        #expect(shard.state.withLock(\.waitsAtReads).first == 1)
        await reader.stop()
        await ended
    }

    @Test func `shards share reads and bytes`() {
        let share = ReadingShare()
        for number in 0..<8 { #expect(share.begin("s\(number)") == nil) }
        #expect(share.begin("s8") == .milliseconds(200))
        for _ in 0..<8 { share.end() }
        share.hold(64 << 20, "s0")
        #expect(share.begin("s0") == .seconds(1))
        #expect(share.begin("s1") == nil)
        share.hold(1, "s1")
        #expect(share.begin("s1") == .seconds(1))
        share.hold(0, "s0")
        #expect(share.begin("s0") == nil && share.begin("s1") == nil)
    }
}
