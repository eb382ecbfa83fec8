// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import LogStore

/// The operations on streams, and events that come by the API.
extension LogsService {
    func createLogStream(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        let name = try input.required("logStreamName", .stream)
        try input.check()
        do { try await store.createStream(name, in: key) } catch LogStoreError.exists {
            throw LogsError(.resourceAlreadyExists, "The specified log stream already exists")
        }
    }

    func deleteLogStream(_ input: inout LogsInput, _ caller: LogsCaller) async throws {
        let key = try namedGroup(&input, caller)
        let name = try input.required("logStreamName", .stream)
        try input.check()
        try await store.deleteStream(name, in: key)
    }

    func describeLogStreams(_ input: inout LogsInput, _ caller: LogsCaller) async throws -> JSONValue {
        let key = try group(&input, caller)
        let prefix = try input.string("logStreamNamePrefix", .stream)
        let order = try input.choice("orderBy", ["LogStreamName", "LastEventTime"])
        let isDescending = try input.bool("descending") ?? false
        let limit = try input.integer("limit", in: 1...50) ?? 50
        let token = try input.string("nextToken", .token)
        try input.check()
        let byLastEvent = order == "LastEventTime"
        guard !byLastEvent || prefix == nil else {
            throw LogsError.parameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
        }
        let place = try token.map { try Self.place($0) }
        let streams = try await store.streams(
            of: key,
            prefix: prefix ?? "",
            byLastEvent: byLastEvent,
            descending: isDescending,
            after: place,
            limit: limit + 1
        )
        var members: [String: JSONValue] = [
            "logStreams": .array(streams.prefix(limit).map { Self.json($0, of: key) })
        ]
        if streams.count > limit {
            let last = LogStreamPlace(streams[limit - 1])
            members["nextToken"] = .string("\(last.lastEventTime)/\(last.name)")
        }
        return .object(members)
    }

    private static func place(_ token: String) throws(LogsError) -> LogStreamPlace {
        let parts = token.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int64(parts[0]) else {
            throw .parameter("The specified nextToken is invalid.")
        }
        return LogStreamPlace(name: String(parts[1]), lastEventTime: time)
    }

    private static func json(_ stream: LogStreamRecord, of key: LogGroupKey) -> JSONValue {
        var members: [String: JSONValue] = [
            "logStreamName": .string(stream.name), "creationTime": .integer(stream.createdAt.millisecondsSinceEpoch),
            "arn": .string(LogsResource.arn(key, stream: stream.name)), "storedBytes": .integer(0),
            "uploadSequenceToken": .string(sequenceToken),
        ]
        func set(_ name: String, _ time: Timestamp?) {
            members[name] = time.map { .integer($0.millisecondsSinceEpoch) }
        }
        set("firstEventTimestamp", stream.firstEventTime)
        set("lastEventTimestamp", stream.lastEventTime)
        set("lastIngestionTime", stream.lastIngestionTime)
        return .object(members)
    }

    // MARK: Events

    /// AWS has them no more, but for clients that want one.
    private static let sequenceToken = "49590302514553943096765386014826"
    private static let ageMax: Int64 = 14 * 86_400_000
    private static let aheadMax: Int64 = 2 * 3_600_000
    private static let spanMax: Int64 = 86_400_000

    func putLogEvents(_ input: inout LogsInput, _ caller: LogsCaller) async throws -> JSONValue {
        let key = try namedGroup(&input, caller)
        let stream = try input.required("logStreamName", .stream)
        let events = try input.events()
        try input.check()
        let bytes = events.reduce(0) { $0 + $1.message.utf8.count + Int(LogStore.eventOverheadBytes) }
        guard bytes <= Self.putBytesMax else {
            throw LogsError.parameter("Upload too large: \(bytes) bytes exceeds limit of \(Self.putBytesMax)")
        }
        guard zip(events, events.dropFirst()).allSatisfy({ $0.timestamp <= $1.timestamp }) else {
            throw LogsError.parameter(
                "Log events in a single PutLogEvents request must be in chronological order."
            )
        }
        if let first = events.first, let last = events.last, last.timestamp - first.timestamp > Self.spanMax {
            throw LogsError.parameter(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
            )
        }
        let group = try await existing(key)
        guard try await store.hasStream(stream, in: key) else { throw LogsError.noStream }
        let now = now()
        let time = now.millisecondsSinceEpoch
        let horizon = group.retentionDays.map { LogStore.horizon(days: $0, now: now) }
        let tooOld = events.prefix { $0.timestamp < time - Self.ageMax }.count
        let expired = horizon.map { horizon in events.prefix { $0.timestamp < horizon }.count }
        let tooNew = events.firstIndex { $0.timestamp > time + Self.aheadMax } ?? events.count
        let first = max(tooOld, expired ?? 0)
        if first < tooNew {
            let taken = events[first..<tooNew].map {
                LogEvent(timestamp: Timestamp(millisecondsSinceEpoch: $0.timestamp), message: $0.message)
            }
            try await store.append(JournalEntry(group: key, stream: stream, events: taken, usage: nil))
        }
        var members: [String: JSONValue] = ["nextSequenceToken": .string(Self.sequenceToken)]
        var rejected: [String: JSONValue] = [:]
        if tooNew < events.count { rejected["tooNewLogEventStartIndex"] = .integer(tooNew) }
        if tooOld > 0 { rejected["tooOldLogEventEndIndex"] = .integer(tooOld) }
        if let expired, expired > 0 { rejected["expiredLogEventEndIndex"] = .integer(expired) }
        if !rejected.isEmpty { members["rejectedLogEventsInfo"] = .object(rejected) }
        return .object(members)
    }
}
