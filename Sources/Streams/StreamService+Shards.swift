// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import StreamCore
import StreamStore

/// The operations on shards.
extension StreamService {
    private static func json(_ range: HashKeyRange) -> JSONValue {
        .object(["StartingHashKey": .string("\(range.first)"), "EndingHashKey": .string("\(range.last)")])
    }

    static func json(_ shard: Shard) -> JSONValue {
        var sequence: [String: JSONValue] = ["StartingSequenceNumber": .string(shard.firstSequenceNumber.text)]
        sequence["EndingSequenceNumber"] = shard.lastSequenceNumber.map { .string($0.text) }
        var members: [String: JSONValue] = [
            "ShardId": .string(shard.id), "HashKeyRange": json(shard.range), "SequenceNumberRange": .object(sequence),
        ]
        if let parent = shard.parents.first { members["ParentShardId"] = .string(Shard.id(parent)) }
        if shard.parents.count > 1 { members["AdjacentParentShardId"] = .string(Shard.id(shard.parents[1])) }
        return .object(members)
    }

    static func childJSON(_ shard: Shard) -> JSONValue {
        .object([
            "ShardId": .string(shard.id), "ParentShards": .array(shard.parents.map { .string(Shard.id($0)) }),
            "HashKeyRange": json(shard.range),
        ])
    }

    // MARK: Listing

    private static let listedMax = 1_000

    private enum FilterKind: String, CaseIterable {
        case after = "AFTER_SHARD_ID"
        case atTrimHorizon = "AT_TRIM_HORIZON"
        case fromTrimHorizon = "FROM_TRIM_HORIZON"
        case latest = "AT_LATEST"
        case at = "AT_TIMESTAMP"
        case from = "FROM_TIMESTAMP"
    }

    private static func filter(_ input: inout StreamInput) throws(StreamError) -> ShardMap.Filter? {
        guard var member = try input.object("ShardFilter") else { return nil }
        let kind = try member.choice("Type", FilterKind.allCases)
        member.require("Type")
        let id = try member.string("ShardId", .name)
        let time = try member.time("Timestamp").map { Timestamp(millisecondsSinceEpoch: $0) }
        input.take(member)
        guard let kind else { return nil }
        let shouldHave: (id: Bool, time: Bool) = (kind == .after, kind == .at || kind == .from)
        guard (id != nil) == shouldHave.id, (time != nil) == shouldHave.time else {
            throw .argument(
                "A ShardFilter of type \(kind.rawValue) must have "
                    + (shouldHave.id
                        ? "a ShardId and no Timestamp."
                        : shouldHave.time
                            ? "a Timestamp and no ShardId." : "neither a ShardId nor a Timestamp.")
            )
        }
        switch kind {
        case .after:
            guard let number = id.flatMap({ Shard.number($0) }) else {
                throw .argument("The ShardId \(id ?? "") of ShardFilter is none.")
            }
            return .after(number)
        case .atTrimHorizon: return .atTrimHorizon
        case .fromTrimHorizon: return .all
        case .latest: return .latest
        case .at: return time.map { .at($0) }
        case .from: return time.map { .from($0) }
        }
    }

    func listShards(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        var input = input
        let limit = min(try input.integer("MaxResults", in: 1...10_000) ?? Self.listedMax, Self.listedMax)
        let start = try input.string("ExclusiveStartShardId", .name)
        let filter = try Self.filter(&input)
        let created = try input.time("StreamCreationTimestamp")
        try input.check()
        let time = now()
        let stream = try await existing(key)
        // As they are shown, whole seconds come back from some.
        guard created.map({ $0 / 1_000 == stream.created.millisecondsSinceEpoch / 1_000 }) ?? true else {
            throw StreamError.noStream(key)
        }
        guard start == nil || filter == nil else {
            throw StreamError.argument("ExclusiveStartShardId and ShardFilter cannot be provided together.")
        }
        let after = try start.map { start in
            guard let number = Shard.number(start) else { throw StreamError.noShard(start, key) }
            return number
        }
        let place = ShardListToken(
            stream: key,
            created: stream.created,
            after: after ?? -1,
            filter: filter ?? .all,
            issued: time
        )
        return try await list(from: place, limit, time)
    }

    func listToken(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> ShardListToken {
        guard let place = input.text("NextToken").flatMap({ ShardListToken($0, listingKey) }),
            place.stream.accountID == caller.accountID, place.stream.region == caller.region
        else { throw .argument("NextToken is none that this server gave.") }
        return place
    }

    func listMoreShards(_ input: StreamInput, _ caller: StreamCaller) async throws -> JSONValue {
        var input = input
        _ = try input.string("NextToken", .token)
        let limit = min(try input.integer("MaxResults", in: 1...10_000) ?? Self.listedMax, Self.listedMax)
        try input.check()
        for name in ["StreamName", "StreamARN", "ExclusiveStartShardId", "StreamCreationTimestamp", "ShardFilter"]
        where input.has(name) {
            throw StreamError.argument("NextToken and \(name) cannot be provided together.")
        }
        let place = try listToken(input, caller)
        let time = now()
        let age = time.millisecondsSinceEpoch - place.issued.millisecondsSinceEpoch
        guard age <= StreamLimits.iteratorMilliseconds else {
            throw StreamError(
                .expiredNextToken,
                "NextToken has expired: it was good for \(StreamLimits.iteratorMilliseconds / 1_000) seconds."
            )
        }
        return try await list(from: place, limit, time)
    }

    private func list(from place: ShardListToken, _ limit: Int, _ time: Timestamp) async throws -> JSONValue {
        let stream = try await existing(place.stream)
        guard stream.created == place.created else { throw StreamError.noStream(place.stream) }
        let shards = stream.map.listed(place.filter, horizon: stream.settings.horizon(now: time))
            .filter { $0.number > place.after }
        let shown = shards.prefix(limit)
        var members: [String: JSONValue] = ["Shards": .array(shown.map(Self.json))]
        if shards.count > limit, let last = shown.last {
            var next = place
            next.after = last.number
            next.issued = time
            members["NextToken"] = .string(try next.text(listingKey))
        }
        return .object(members)
    }

    // MARK: Splitting and merging

    private static func checkIsProvisioned(_ stream: StreamRecord) throws(StreamError) {
        guard stream.settings.mode == .provisioned else {
            throw StreamError(
                .validation,
                "Request is invalid. Stream \(stream.key.name) under account \(stream.key.accountID) is in On-Demand mode."
            )
        }
    }

    /// Changes the shards; who waits for records of one that was closed is woken.
    @discardableResult
    private func reshard(
        _ key: StreamKey,
        _ body: @escaping @Sendable (inout ShardMap) throws -> Void
    ) async throws -> (before: StreamRecord, after: StreamRecord) {
        let change = try await store.update(key) { stream in
            try Self.checkIsProvisioned(stream)
            try body(&stream.map)
        }
        bells.ring(Set(change.before.map.open.map(\.row)))
        return change
    }

    func splitShard(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        let id = try input.required("ShardToSplit", .name)
        let text = try input.required("NewStartingHashKey", .hashKey)
        try input.check()
        let time = now()
        // 39 digits may be more than 128 bits: more than any shard has.
        let start = UInt128(text) ?? .max
        try await reshard(key) { try $0.split(id, at: start, of: key, now: time) }
    }

    func mergeShards(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        let id = try input.required("ShardToMerge", .name)
        let adjacent = try input.required("AdjacentShardToMerge", .name)
        try input.check()
        let time = now()
        try await reshard(key) { try $0.merge(id, adjacent, of: key, now: time) }
    }

    private enum ScalingType: String, CaseIterable {
        case uniform = "UNIFORM_SCALING"
    }

    func updateShardCount(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        var input = input
        input.require("TargetShardCount", "ScalingType")
        let target = try input.integer("TargetShardCount", in: 1...Int.max) ?? 0
        _ = try input.choice("ScalingType", ScalingType.allCases)
        try input.check()
        let time = now()
        let change = try await reshard(key) { map in
            let present = map.open.count
            let counts = "Current open shard count: \(present) Target shard count: \(target)"
            guard target <= 2 * present else {
                throw StreamError.argument(
                    "UpdateShardCount cannot scale up over double your current open shard count. \(counts)"
                )
            }
            guard 2 * target >= present else {
                throw StreamError.argument(
                    "UpdateShardCount cannot scale down below half your current open shard count. \(counts)"
                )
            }
            try map.scale(to: target, now: time)
        }
        return .object([
            "StreamName": .string(key.name), "StreamARN": .string(key.arn),
            "CurrentShardCount": .integer(change.before.map.open.count), "TargetShardCount": .integer(target),
        ])
    }
}
