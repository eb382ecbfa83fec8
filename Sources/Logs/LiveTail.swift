// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import LambdaModel
import LogPattern
import LogStore
import Synchronization

/// How many live tails there are, and whether they are to end.
final class LiveTailCount: Sendable {
    /// At one time, of all accounts.
    static let sessionsMax = 100

    private let state = Mutex((count: 0, isClosed: false))

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func enter() -> Bool {
        state.withLock { state in
            guard state.count < Self.sessionsMax, !state.isClosed else { return false }
            state.count += 1
            return true
        }
    }

    func leave() { state.withLock { $0.count -= 1 } }

    func close() { state.withLock { $0.isClosed = true } }
}

/// One session of StartLiveTail: events of some groups as they come.
///
/// What a client does not take in time waits in the store. Where it was packed or dropped there before, an update is marked as sampled.
package final class LiveTail: Sendable {
    /// What goes to the client.
    package enum Message: Equatable, Sendable {
        case event(String, JSONValue)
        case exception(String, JSONValue)
    }

    /// Events of one update, as on AWS.
    static let eventsMax = 500
    /// Bytes of their messages, where there is more than one: six times as many in JSON are less than a message may have.
    static let bytesMax = 1_048_576
    private static let lookInterval = Duration.milliseconds(50)
    /// An update comes at least so often, if only to say that there is nothing.
    private static let updateInterval = Duration.seconds(1)
    /// AWS's.
    private static let lifeMax = Duration.seconds(3 * 3_600)
    /// How long a session goes on at most without being allowed to.
    static let accessInterval = Duration.seconds(10)
    /// How long a client may take for one message.
    static let takingMax = Duration.seconds(60)
    /// How long it may take when the server is to end.
    static let takingAtEndMax = Duration.seconds(5)

    struct Selection: Sendable {
        /// By the name with which the caller asked for it.
        var groups: [LogGroupKey: String]
        var names: [String]
        var prefixes: [String]
        var patternText: String
        var pattern: LogPattern

        /// Names are compared byte by byte, as the store does.
        func contains(_ message: UnsafeRawBufferPointer, of stream: String) -> Bool {
            let name = stream.utf8
            guard
                names.isEmpty && prefixes.isEmpty || names.contains(where: { name.elementsEqual($0.utf8) })
                    || prefixes.contains(where: { name.starts(with: $0.utf8) })
            else { return false }
            return pattern.matches(message)
        }
    }

    private struct State {
        var isStarted = false
        var isOver = false
        /// Behind which event it looks for more.
        var last: Int64
        var seen: UInt64
        var waiting: [WaitingEvent] = []
        /// Since the last update.
        var isIncomplete = false
        /// When, since the beginning, it looked for more, and when it gave out what is not taken yet; the answer's head at first.
        var lookedAt: Duration?
        var givenAt: Duration? = .zero
        var allowedAt = Duration.zero
    }

    private struct WaitingEvent {
        var json: JSONValue
        var bytes: Int
    }

    private let service: LogsService
    private let selection: Selection
    private let requestID: String
    private let isAllowed: @Sendable () async -> Bool
    /// Time since the beginning.
    private let age: @Sendable () -> Duration
    private let state: Mutex<State>

    init(
        _ service: LogsService,
        _ selection: Selection,
        requestID: String,
        isAllowed: @escaping @Sendable () async -> Bool
    ) async throws {
        guard service.liveTails.enter() else {
            throw LogsError(.limitExceeded, "This server has \(LiveTailCount.sessionsMax) Live Tail sessions at most.")
        }
        self.service = service
        self.selection = selection
        self.requestID = requestID
        self.isAllowed = isAllowed
        age = Self.age(by: service.clock)
        let seen = service.store.arrivals
        do { state = Mutex(State(last: try await service.store.newestID(), seen: seen)) } catch {
            service.liveTails.leave()
            throw error
        }
    }

    deinit { service.liveTails.leave() }

    private static func age<C: Clock<Duration>>(by clock: C) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// Returns when the client has taken too long for the message that it was given last, 60 s, or 5 s when the server is to end.
    ///
    /// - Throws: `CancellationError`.
    package func waitUntilStuck() async throws {
        var endsAt: Duration?
        while true {
            let now = age()
            if service.liveTails.isClosed, endsAt == nil { endsAt = now + Self.takingAtEndMax }
            if Self.isStuck(givenAt: state.withLock { $0.givenAt }, endsAt: endsAt, now: now) { return }
            try await service.clock.sleep(for: Self.updateInterval)
        }
    }

    /// `givenAt` is nil where the client has taken all, `endsAt` where the server goes on.
    static func isStuck(givenAt: Duration?, endsAt: Duration?, now: Duration) -> Bool {
        guard let givenAt else { return false }
        return now >= min(givenAt + takingMax, endsAt ?? givenAt + takingMax)
    }

    /// The next message; nil at the end.
    ///
    /// One caller at a time, who has taken the one before.
    package func next() async throws -> Message? {
        state.withLock { $0.givenAt = nil }
        let message = try await nextMessage()
        let now = age()
        state.withLock { $0.givenAt = now }
        return message
    }

    private func nextMessage() async throws -> Message? {
        let (wasStarted, isOver) = state.withLock { state in
            defer { state.isStarted = true }
            return (state.isStarted, state.isOver)
        }
        guard wasStarted else { return .event("sessionStart", start) }
        guard !isOver, !service.liveTails.isClosed else { return nil }
        guard age() < Self.lifeMax else { return end("SessionTimeoutException", "The session has timed out.") }
        guard await isStillAllowed() else {
            return end(
                "SessionStreamingException",
                "The session's access key is gone, or no longer allowed to do this."
            )
        }
        let begin = age()
        while true {
            let events: [JSONValue]
            do { events = try await look() } catch let error as LogStoreError {
                return end("SessionStreamingException", LogsService.refusal(error)?.message ?? "Events can't be read.")
            }
            guard events.isEmpty, age() - begin < Self.updateInterval, !service.liveTails.isClosed else {
                let isIncomplete = state.withLock { state in
                    defer { state.isIncomplete = false }
                    return state.isIncomplete
                }
                return .event(
                    "sessionUpdate",
                    .object([
                        "sessionMetadata": .object(["sampled": .bool(isIncomplete)]),
                        "sessionResults": .array(events),
                    ])
                )
            }
            try await service.clock.sleep(for: Self.lookInterval)
        }
    }

    private func end(_ exception: String, _ message: String) -> Message {
        state.withLock { $0.isOver = true }
        return .exception(exception, .object(["message": .string(message)]))
    }

    private func isStillAllowed() async -> Bool {
        let now = age()
        guard now - state.withLock({ $0.allowedAt }) >= Self.accessInterval else { return true }
        guard await isAllowed() else { return false }
        state.withLock { $0.allowedAt = now }
        return true
    }

    private var start: JSONValue {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }
        return .object([
            "requestId": .string(requestID), "sessionId": .string(RandomIdentifier.uuid()),
            "logGroupIdentifiers": list(selection.groups.values.sorted()), "logStreamNames": list(selection.names),
            "logStreamNamePrefixes": list(selection.prefixes),
            "logEventFilterPattern": .string(selection.patternText),
        ])
    }

    /// Up to `eventsMax` of what has come, and up to `bytesMax` where that is more than one.
    private func look() async throws -> [JSONValue] {
        let arrivals = service.store.arrivals
        let (last, hasNew) = state.withLock { ($0.last, $0.waiting.isEmpty && $0.seen != arrivals) }
        if hasNew {
            if let lookedAt = state.withLock({ $0.lookedAt }), age() - lookedAt < Self.lookInterval {
                try await service.clock.sleep(for: Self.lookInterval)
            }
            let now = age()
            // Messages are compared on the store's thread.
            let found = try await service.store.events(
                after: last,
                in: Array(selection.groups.keys),
                cost: selection.pattern.cost
            ) { [selection] stream, message in selection.contains(message, of: stream) }
            let wanted = found.events.map { found in
                WaitingEvent(json: json(found.event, of: found.group), bytes: found.event.message.utf8.count)
            }
            state.withLock { state in
                state.lookedAt = now
                state.isIncomplete = state.isIncomplete || found.isIncomplete
                state.waiting += wanted
                // Where nothing was left, all that had come was seen.
                if found.last == last { state.seen = arrivals }
                state.last = found.last
            }
        }
        return state.withLock { state in
            var bytes = 0
            let taken = state.waiting.prefix(Self.eventsMax).prefix { event in
                defer { bytes += event.bytes }
                return bytes == 0 || bytes + event.bytes <= Self.bytesMax
            }
            defer { state.waiting.removeFirst(taken.count) }
            return taken.map(\.json)
        }
    }

    private func json(_ event: StoredLogEvent, of group: LogGroupKey) -> JSONValue {
        .object([
            "logStreamName": .string(event.stream),
            "logGroupIdentifier": .string(selection.groups[group] ?? group.name),
            "message": .string(event.message), "timestamp": .integer(event.timestamp.millisecondsSinceEpoch),
            "ingestionTime": .integer(event.ingestionTime.millisecondsSinceEpoch),
        ])
    }
}

extension LogsService {
    /// Begins a session of StartLiveTail.
    ///
    /// `isAllowed` is asked every ten seconds whether it may go on.
    /// - Throws: `LogsError` for every refusal.
    package func startLiveTail(
        _ input: LogsInput,
        _ caller: LogsCaller,
        requestID: String,
        isAllowed: @escaping @Sendable () async -> Bool
    ) async throws -> LiveTail {
        var input = input
        let identifiers = try input.strings("logGroupIdentifiers", counts: 1...10, .identifier)
        if identifiers == nil { input.missing("logGroupIdentifiers") }
        let names = try input.strings("logStreamNames", counts: 0...100, .stream) ?? []
        let prefixes = try input.strings("logStreamNamePrefixes", counts: 0...100, .stream) ?? []
        let text = try input.string("logEventFilterPattern", .filterPattern) ?? ""
        try input.check()
        guard names.isEmpty || prefixes.isEmpty else {
            throw LogsError.parameter("LogStreamNames and LogStreamNamePrefixes are mutually exclusive parameters.")
        }
        guard names.isEmpty && prefixes.isEmpty || identifiers?.count == 1 else {
            throw LogsError.parameter("Log streams can only be named with one log group.")
        }
        var groups: [LogGroupKey: String] = [:]
        for identifier in identifiers ?? [] {
            guard let key = LogsResource.group(identifier, caller) else { throw LogsError.noGroup }
            _ = try await existing(key)
            groups[key] = identifier
        }
        let selection = LiveTail.Selection(
            groups: groups,
            names: names,
            prefixes: prefixes,
            patternText: text,
            pattern: try Self.pattern(text)
        )
        return try await LiveTail(self, selection, requestID: requestID, isAllowed: isAllowed)
    }
}
