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
/// Nothing is sampled: what a client does not take in time waits in the store.
package final class LiveTail: Sendable {
    /// What goes to the client.
    package enum Message: Equatable, Sendable {
        case event(String, JSONValue)
        case exception(String, JSONValue)
    }

    /// Events of one update, as on AWS.
    private static let eventsMax = 500
    private static let lookInterval = Duration.milliseconds(50)
    /// An update comes at least so often, if only to say that there is nothing.
    private static let updateInterval = Duration.seconds(1)
    /// AWS's.
    private static let lifeMax = Duration.seconds(3 * 3_600)

    struct Selection: Sendable {
        /// By the name with which the caller asked for it.
        var groups: [LogGroupKey: String]
        var names: [String]
        var prefixes: [String]
        var patternText: String
        var pattern: LogPattern

        func contains(_ event: StoredLogEvent) -> Bool {
            guard
                names.isEmpty && prefixes.isEmpty || names.contains(event.stream)
                    || prefixes.contains(where: event.stream.hasPrefix)
            else { return false }
            return pattern.matchesEverything || pattern.matches(event.message)
        }
    }

    private struct State {
        var isStarted = false
        var isOver = false
        /// Behind which event it looks for more.
        var last: Int64
        var seen: UInt64
        var waiting: [JSONValue] = []
        var elapsed = Duration.zero
    }

    private let service: LogsService
    private let selection: Selection
    private let requestID: String
    private let state: Mutex<State>

    init(_ service: LogsService, _ selection: Selection, requestID: String) async throws {
        guard service.liveTails.enter() else {
            throw LogsError(.limitExceeded, "This server has \(LiveTailCount.sessionsMax) Live Tail sessions at most.")
        }
        self.service = service
        self.selection = selection
        self.requestID = requestID
        let seen = service.store.commits
        do { state = Mutex(State(last: try await service.store.newestID(), seen: seen)) } catch {
            service.liveTails.leave()
            throw error
        }
    }

    deinit { service.liveTails.leave() }

    /// The next message; nil at the end.
    ///
    /// One caller at a time.
    package func next() async throws -> Message? {
        let (wasStarted, isOver) = state.withLock { state in
            defer { state.isStarted = true }
            return (state.isStarted, state.isOver)
        }
        guard wasStarted else { return .event("sessionStart", start) }
        guard !isOver, !service.liveTails.isClosed else { return nil }
        guard state.withLock({ $0.elapsed < Self.lifeMax }) else {
            state.withLock { $0.isOver = true }
            return .exception("SessionTimeoutException", .object(["message": .string("The session has timed out.")]))
        }
        var waited = Duration.zero
        while true {
            let events = try await look()
            guard events.isEmpty, waited < Self.updateInterval, !service.liveTails.isClosed else {
                return .event(
                    "sessionUpdate",
                    .object([
                        "sessionMetadata": .object(["sampled": .bool(false)]), "sessionResults": .array(events),
                    ])
                )
            }
            try await service.clock.sleep(for: Self.lookInterval)
            waited += Self.lookInterval
            state.withLock { $0.elapsed += Self.lookInterval }
        }
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

    /// Up to `eventsMax` of what has come.
    private func look() async throws -> [JSONValue] {
        let commits = service.store.commits
        let (last, hasNew) = state.withLock { ($0.last, $0.waiting.isEmpty && $0.seen != commits) }
        if hasNew {
            let found = try await service.store.events(after: last, in: Array(selection.groups.keys))
            let wanted = found.events.filter { selection.contains($0.event) }.map { json($0.event, of: $0.group) }
            state.withLock { state in
                state.waiting += wanted
                // Where nothing was left, all that was committed was seen.
                if found.last == last { state.seen = commits }
                state.last = found.last
            }
        }
        return state.withLock { state in
            defer { state.waiting.removeFirst(min(Self.eventsMax, state.waiting.count)) }
            return Array(state.waiting.prefix(Self.eventsMax))
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
    /// - Throws: `LogsError` for every refusal.
    package func startLiveTail(_ input: LogsInput, _ caller: LogsCaller, requestID: String) async throws -> LiveTail {
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
        return try await LiveTail(self, selection, requestID: requestID)
    }
}
