// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogStore
import Synchronization
import Testing

@testable import Logs

struct LiveTailTests {
    private func start(
        _ fixture: LogsFixture,
        _ members: [String: JSONValue],
        isAllowed: @escaping @Sendable () async -> Bool = { true }
    ) async throws -> LiveTail {
        let input = try LogsInput(body: JSONValue.object(members).bytes)
        return try await fixture.service.startLiveTail(
            input,
            LogsFixture.caller,
            requestID: "r",
            isAllowed: isAllowed
        )
    }

    /// Messages until there are as many.
    private func messages(_ tail: LiveTail, _ count: Int) async throws -> [String] {
        var messages: [String] = []
        while messages.count < count {
            guard case .event("sessionUpdate", let update)? = try await tail.next() else { break }
            let results = update["sessionResults"]?.array ?? []
            #expect(results.count <= 500)
            #expect(update["sessionMetadata"]?["sampled"] == .bool(false))
            messages += results.compactMap { $0["message"]?.string }
        }
        return messages
    }

    @Test func `events come as they are ingested, those that are wanted`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        try await fixture.make("h")
        try await fixture.put(["before"])
        let tail = try await start(
            fixture,
            ["logGroupIdentifiers": .array([.string("g")]), "logEventFilterPattern": .string("-no")]
        )
        guard case .event("sessionStart", let start)? = try await tail.next() else {
            Issue.record("no start")
            return
        }
        #expect(start["logGroupIdentifiers"] == .array([.string("g")]) && start["requestId"] == .string("r"))
        try await fixture.put(["one", "no", "two"], at: LogsFixture.start - 50_000)
        try await fixture.put(["other"], group: "h")
        try await fixture.put(["three"])
        #expect(try await messages(tail, 3) == ["one", "two", "three"])
        // One that has nothing to say says so.
        guard case .event("sessionUpdate", let idle)? = try await tail.next() else {
            Issue.record("no update")
            return
        }
        #expect(idle["sessionResults"] == .array([]))
        fixture.service.liveTails.close()
        while try await tail.next() != nil {}
    }

    @Test func `many events come in order, 500 at a time, and none is left out`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])])
        _ = try await tail.next()
        for batch in 0..<3 { try await fixture.put((0..<4_000).map { "\(batch) \($0)" }) }
        let wanted = (0..<3).flatMap { batch in (0..<4_000).map { "\(batch) \($0)" } }
        #expect(try await messages(tail, wanted.count) == wanted)
    }

    @Test func `an update ends at a mebibyte of messages, whatever they take as JSON`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])])
        _ = try await tail.next()
        let text = String(repeating: "\0", count: 250_000)
        for _ in 0..<3 { try await fixture.put(Array(repeating: text, count: 4)) }
        try await fixture.put([String(repeating: "\u{1}", count: 1_048_550)])
        var counts: [Int] = []
        while counts.reduce(0, +) < 13 {
            guard case .event(_, let update)? = try await tail.next() else { break }
            #expect(update.bytes.count < EventStreamMessage.payloadBytesMax / 2)
            let results = update["sessionResults"]?.array ?? []
            if !results.isEmpty { counts.append(results.count) }
        }
        #expect(counts == [4, 4, 4, 1])
    }

    @Test func `a client has a minute for each message, and five seconds at the server's end`() {
        func isStuck(_ givenAt: Int?, _ endsAt: Int?, _ now: Int) -> Bool {
            LiveTail.isStuck(
                givenAt: givenAt.map { .seconds($0) },
                endsAt: endsAt.map { .seconds($0) },
                now: .seconds(now)
            )
        }
        #expect(!isStuck(nil, nil, 1_000) && !isStuck(nil, 5, 1_000))
        #expect(!isStuck(100, nil, 159) && isStuck(100, nil, 160))
        #expect(!isStuck(100, 120, 119) && isStuck(100, 120, 120) && isStuck(100, 1_000, 160))
    }

    @Test func `a session that nobody goes on with is stuck at the server's end`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])])
        _ = try await tail.next()
        fixture.service.liveTails.close()
        try await tail.waitUntilStuck()
        #expect(try await tail.next() == nil)
    }

    @Test func `a session that is allowed no more ends ten seconds later, and shows nothing more`() async throws {
        let fixture = try LogsFixture(clock: LeapingClock())
        try await fixture.make()
        let isAllowed = Atomic<Bool>(true)
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])]) {
            isAllowed.load(ordering: .acquiring)
        }
        _ = try await tail.next()
        // An update a second.
        for _ in 0..<30 {
            guard case .event("sessionUpdate", _)? = try await tail.next() else {
                Issue.record("no update")
                return
            }
        }
        isAllowed.store(false, ordering: .releasing)
        var updates = 0
        var last = try await tail.next()
        while case .event("sessionUpdate", _)? = last {
            updates += 1
            try await fixture.put(["\(updates)"])
            last = try await tail.next()
        }
        #expect(updates <= 250)
        guard case .exception("SessionStreamingException", let why)? = last else {
            Issue.record("ended otherwise")
            return
        }
        #expect(why["message"]?.string?.contains("no longer allowed") == true)
        #expect(try await tail.next() == nil)
    }

    @Test func `a session ends where events can't be read`() async throws {
        let fixture = try LogsFixture(pagesMax: 60)
        try await fixture.make()
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])])
        _ = try await tail.next()
        try await fixture.fill()
        var last = try await tail.next()
        while case .event("sessionUpdate", _)? = last { last = try await tail.next() }
        guard case .exception("SessionStreamingException", let why)? = last else {
            Issue.record("ended otherwise")
            return
        }
        #expect(why["message"]?.string?.contains("disk is full") == true)
    }

    @Test func `what was packed before it was seen is told`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let tail = try await start(fixture, ["logGroupIdentifiers": .array([.string("g")])])
        _ = try await tail.next()
        let text = String(repeating: "x", count: 250_000)
        for _ in 0..<2 { try await fixture.put(Array(repeating: text, count: 4)) }
        fixture.pass(120_000)
        try await fixture.store.sweep()
        try await fixture.put(["last"])
        var sampled: [JSONValue?] = []
        var messages: [String] = []
        while messages.last != "last" {
            guard case .event(_, let update)? = try await tail.next() else { break }
            sampled.append(update["sessionMetadata"]?["sampled"])
            messages += update["sessionResults"]?.array?.compactMap { $0["message"]?.string } ?? []
        }
        #expect(sampled.first == .bool(true) && messages.count < 9)
        guard case .event(_, let update)? = try await tail.next() else { return }
        #expect(update["sessionMetadata"]?["sampled"] == .bool(false))
    }

    @Test func `streams are chosen by name or by what they begin with`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make(stream: "a1")
        for name in ["a2", "b1"] {
            try await fixture.call(.createLogStream, ["logGroupName": .string("g"), "logStreamName": .string(name)])
        }
        let groups = JSONValue.array([.string("g")])
        let named = try await start(
            fixture,
            ["logGroupIdentifiers": groups, "logStreamNames": .array([.string("a2"), .string("b1")])]
        )
        let prefixed = try await start(
            fixture,
            ["logGroupIdentifiers": groups, "logStreamNamePrefixes": .array([.string("a")])]
        )
        for tail in [named, prefixed] { _ = try await tail.next() }
        for name in ["a1", "a2", "b1"] { try await fixture.put([name], stream: name) }
        #expect(try await messages(named, 2) == ["a2", "b1"])
        #expect(try await messages(prefixed, 2) == ["a1", "a2"])
    }

    @Test func `sessions are counted, and what can't be followed is refused`() async throws {
        let fixture = try LogsFixture()
        try await fixture.make()
        let own: [String: JSONValue] = ["logGroupIdentifiers": .array([.string("g")])]
        var tails: [LiveTail] = []
        for _ in 0..<LiveTailCount.sessionsMax { tails.append(try await start(fixture, own)) }
        let error = await #expect(throws: LogsError.self) { try await start(fixture, own) }
        #expect(error?.kind == .limitExceeded)
        tails.removeLast()
        _ = try await start(fixture, own)
        for (members, kind) in [
            (["logGroupIdentifiers": .array([.string("x")])], .resourceNotFound), ([:], .invalidParameter),
            (["logGroupIdentifiers": .array([])], .invalidParameter),
            (own.merging(["logEventFilterPattern": .string("{")]) { $1 }, .invalidParameter),
        ] as [([String: JSONValue], LogsError.Kind)] {
            let error = await #expect(throws: LogsError.self) { try await start(fixture, members) }
            #expect(error?.kind == kind)
        }
    }
}
