// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogPattern
import LogStore

/// The operations that read events.
extension LogsService {
    /// Which way a reader of a stream goes on, and from where: `f/…` or `b/…`.
    struct StreamToken: Equatable {
        var isBackward: Bool
        var position: LogPosition

        var text: String { "\(isBackward ? "b" : "f")/\(position.text)/s" }

        init(isBackward: Bool, _ position: LogPosition) {
            self.isBackward = isBackward
            self.position = position
        }

        /// nil for all but what `text` writes.
        init?(_ text: String) {
            guard text.hasSuffix("/s"), text.hasPrefix("f/") || text.hasPrefix("b/"), text.utf8.count >= 6,
                let position = LogPosition(text.dropFirst(2).dropLast(2))
            else { return nil }
            self.init(isBackward: text.hasPrefix("b"), position)
        }
    }

    func getLogEvents(_ input: inout LogsInput, _ caller: LogsCaller) async throws -> JSONValue {
        let key = try group(&input, caller)
        let stream = try input.required("logStreamName", .stream)
        let (start, end) = (try input.time("startTime"), try input.time("endTime"))
        let limit = try input.integer("limit", in: 1...Self.pageEventsMax) ?? Self.pageEventsMax
        let startsFromHead = try input.bool("startFromHead") ?? false
        let text = try input.string("nextToken", .token)
        try input.check()
        let token = try text.map { text throws(LogsError) -> StreamToken in
            guard let token = StreamToken(text) else { throw .parameter("The specified nextToken is invalid.") }
            return token
        }
        var query = LogQuery(group: key)
        query.streams = .named([stream])
        // Before 1970 there is nothing.
        query.start = start ?? 0
        query.end = end
        query.position = token?.position
        query.isBackward = token?.isBackward ?? !startsFromHead
        query.limit = limit
        query.bytesMax = Self.pageBytesMax
        let page = try await store.page(query)
        // Where there is nothing, the token that came goes back: readers know the end by that.
        let here = token?.position ?? LogPosition(timestamp: start ?? 0, id: 0)
        let newest = page.events.last.map(LogPosition.after)
        let oldest = page.events.first.map(LogPosition.before)
        // At the end, behind the stream's own last event: what is behind another's may come late.
        let forward = !query.isBackward && page.hasMore ? page.next : newest ?? here
        let backward = query.isBackward ? (page.events.isEmpty && !page.hasMore ? here : page.next) : oldest ?? here
        return .object([
            "events": .array(page.events.map { .object(Self.members($0)) }),
            "nextForwardToken": .string(StreamToken(isBackward: false, forward).text),
            "nextBackwardToken": .string(StreamToken(isBackward: true, backward).text),
        ])
    }

    private static func members(_ event: StoredLogEvent) -> [String: JSONValue] {
        [
            "timestamp": .integer(event.timestamp.millisecondsSinceEpoch), "message": .string(event.message),
            "ingestionTime": .integer(event.ingestionTime.millisecondsSinceEpoch),
        ]
    }

    func filterLogEvents(_ input: inout LogsInput, _ caller: LogsCaller) async throws -> JSONValue {
        let key = try group(&input, caller)
        var query = LogQuery(group: key)
        let names = try input.strings("logStreamNames", counts: 1...100, .stream)
        let prefix = try input.string("logStreamNamePrefix", .stream)
        (query.start, query.end) = (try input.time("startTime"), try input.time("endTime"))
        query.limit = try input.integer("limit", in: 1...Self.pageEventsMax) ?? Self.pageEventsMax
        let token = try input.string("nextToken", .token)
        let text = try input.string("filterPattern", .filterPattern) ?? ""
        try input.check()
        guard names == nil || prefix == nil else {
            throw LogsError.parameter("LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.")
        }
        if let names { query.streams = .named(names) }
        if let prefix { query.streams = .beginning(prefix) }
        // An event of the very end is wanted, other than in GetLogEvents.
        query.end = query.end.map { $0 == .max ? $0 : $0 + 1 }
        query.bytesMax = Self.pageBytesMax
        if let token {
            guard let position = LogPosition(token) else {
                throw LogsError.parameter("The specified nextToken is invalid.")
            }
            query.position = position
        }
        let pattern = try Self.pattern(text)
        if !pattern.matchesEverything {
            query.matches = { pattern.matches($0) }
            query.cost = pattern.cost
        }
        let page = try await store.page(query)
        let events = page.events.map { event in
            JSONValue.object(
                Self.members(event).merging([
                    "eventId": .string("\(event.id)"), "logStreamName": .string(event.stream),
                ]) { $1 }
            )
        }
        var members: [String: JSONValue] = ["events": .array(events), "searchedLogStreams": .array([])]
        if page.hasMore { members["nextToken"] = .string(page.next.text) }
        return .object(members)
    }

    static func pattern(_ text: String) throws(LogsError) -> LogPattern {
        do { return try LogPattern(text) } catch { throw .parameter(error.reason) }
    }
}
