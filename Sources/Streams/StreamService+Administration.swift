// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import StreamCore
import StreamStore

/// The operations on streams as such.
extension StreamService {
    private static func mode(_ input: inout StreamInput) throws(StreamError) -> StreamSettings.Mode? {
        guard var details = try input.object("StreamModeDetails") else { return nil }
        let mode = try details.choice("StreamMode", StreamSettings.Mode.allCases)
        details.require("StreamMode")
        input.take(details)
        return mode
    }

    private static let recordKiB = StreamLimits.recordKiBDefault...StreamLimits.recordKiBMax

    func createStream(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        _ = try input.required("StreamName", .name)
        let count = try input.integer("ShardCount", in: 1...Int.max)
        let mode = try Self.mode(&input) ?? .provisioned
        let size = try input.integer("MaxRecordSizeInKiB", in: Self.recordKiB)
        let tags = try input.texts("Tags", counts: 1...200) ?? [:]
        try input.check()
        guard !input.has("WarmThroughputMiBps") else {
            throw StreamError(.validation, "Warm throughput is not available in this version of Martlet.")
        }
        switch (mode, count) {
        case (.provisioned, nil):
            throw StreamError(.validation, "ShardCount must be specified for a stream in PROVISIONED mode.")
        case (.onDemand, _?):
            throw StreamError(.validation, "ShardCount can't be specified for a stream in ON_DEMAND mode.")
        default: break
        }
        let shards = count ?? StreamLimits.onDemandShards
        guard shards <= StreamLimits.openShardsMax else {
            throw StreamError(
                .limitExceeded,
                "This request would exceed the shard limit for the account \(key.accountID) in \(key.region). Limit: "
                    + "\(StreamLimits.openShardsMax). Number of additional shards that would have resulted from this request: "
                    + "\(shards)."
            )
        }
        try Self.check(tags, beside: [:], key)
        let time = now()
        try await store.create(
            StreamRecord(
                key: key,
                settings: StreamSettings(mode: mode, recordKiBMax: size ?? StreamLimits.recordKiBDefault),
                tags: tags,
                created: time,
                map: ShardMap(count: shards, now: time)
            )
        )
    }

    func deleteStream(_ input: StreamInput, _ key: StreamKey) async throws {
        // There are no consumers whose deletion it could enforce.
        _ = try input.bool("EnforceConsumerDeletion")
        bells.ring(Set(try await store.delete(key)))
    }

    // MARK: Descriptions

    private static func members(_ stream: StreamSummary) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "StreamName": .string(stream.key.name), "StreamARN": .string(stream.key.arn),
            "StreamStatus": .string("ACTIVE"), "StreamCreationTimestamp": .number(stream.created.epochSeconds),
        ]
        members["StreamModeDetails"] = stream.mode.map { .object(["StreamMode": .string($0.rawValue)]) }
        return members
    }

    private static func details(_ stream: StreamRecord) -> [String: JSONValue] {
        var members = members(.init(key: stream.key, mode: stream.settings.mode, created: stream.created))
        members["RetentionPeriodHours"] = .integer(stream.settings.retentionHours)
        members["EnhancedMonitoring"] = .array([.object(["ShardLevelMetrics": .array([])])])
        members["EncryptionType"] = .string("NONE")
        return members
    }

    private static let describedMax = 100

    func describeStream(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        var input = input
        let limit = min(try input.integer("Limit", in: 1...10_000) ?? Self.describedMax, Self.describedMax)
        let start = try input.string("ExclusiveStartShardId", .name)
        try input.check()
        let stream = try await existing(key)
        let after = try start.map { start in
            guard let number = Shard.number(start) else { throw StreamError.noShard(start, key) }
            return number
        }
        let horizon = stream.settings.horizon(now: now())
        let shards = stream.map.listed(after.map { .after($0) } ?? .all, horizon: horizon)
        var members = Self.details(stream)
        members["Shards"] = .array(shards.prefix(limit).map(Self.json))
        members["HasMoreShards"] = .bool(shards.count > limit)
        return .object(["StreamDescription": .object(members)])
    }

    func describeStreamSummary(_ input: StreamInput, _ key: StreamKey) async throws -> JSONValue {
        let stream = try await existing(key)
        var members = Self.details(stream)
        members["OpenShardCount"] = .integer(stream.map.open.count)
        members["ConsumerCount"] = .integer(0)
        members["MaxRecordSizeInKiB"] = .integer(stream.settings.recordKiBMax)
        return .object(["StreamDescriptionSummary": .object(members)])
    }

    func describeLimits(_ caller: StreamCaller) async throws -> JSONValue {
        let counts = try await store.counts(accountID: caller.accountID, region: caller.region)
        return .object([
            "ShardLimit": .integer(StreamLimits.openShardsMax), "OpenShardCount": .integer(counts.openShards),
            "OnDemandStreamCount": .integer(counts.onDemandStreams),
            "OnDemandStreamCountLimit": .integer(StreamLimits.onDemandStreamsMax),
        ])
    }

    private static let listedMax = 100

    func listStreams(_ input: StreamInput, _ caller: StreamCaller) async throws -> JSONValue {
        var input = input
        let limit = min(try input.integer("Limit", in: 1...10_000) ?? Self.listedMax, Self.listedMax)
        let start = try input.string("ExclusiveStartStreamName", .name)
        let token = try input.string("NextToken", .token)
        try input.check()
        let next = try token.map { token in
            guard token.utf8.count <= 512, let bytes = Base64.decodeURL(token),
                let name = String(validating: bytes, as: UTF8.self), StreamKey.isName(name)
            else { throw StreamError.argument("NextToken is none that this server gave.") }
            return name
        }
        let streams = try await store.list(
            accountID: caller.accountID,
            region: caller.region,
            after: next ?? start ?? "",
            limit: limit + 1
        )
        let shown = streams.prefix(limit)
        var members: [String: JSONValue] = [
            "StreamNames": .array(shown.map { .string($0.key.name) }),
            "StreamSummaries": .array(shown.map { .object(Self.members($0)) }),
            "HasMoreStreams": .bool(streams.count > limit),
        ]
        if streams.count > limit, let last = shown.last {
            members["NextToken"] = .string(Base64.encodeURL(Array(last.key.name.utf8)))
        }
        return .object(members)
    }

    // MARK: Settings

    func setRetention(_ input: StreamInput, _ key: StreamKey, increases: Bool) async throws {
        var input = input
        input.require("RetentionPeriodHours")
        let requested = try input.integer("RetentionPeriodHours", in: Int.min...Int.max) ?? 0
        try input.check()
        guard requested >= StreamLimits.retentionHours.lowerBound else {
            throw StreamError.argument(
                "Minimum allowed retention period is \(StreamLimits.retentionHours.lowerBound) hours. Requested retention period "
                    + "(\(requested) hours) is too short."
            )
        }
        guard requested <= StreamLimits.retentionHours.upperBound else {
            throw StreamError.argument(
                "Maximum allowed retention period is \(StreamLimits.retentionHours.upperBound) hours. Requested retention period "
                    + "(\(requested) hours) is too long."
            )
        }
        let time = now()
        try await store.update(key) { stream in
            let present = stream.settings.retentionHours
            guard increases ? requested >= present : requested <= present else {
                throw StreamError.argument(
                    "Requested retention period (\(requested) hours) for stream \(key.name) can not be "
                        + (increases ? "shorter" : "longer")
                        + " than existing retention period (\(present) hours). Use "
                        + (increases ? "Decrease" : "Increase") + "RetentionPeriod API."
                )
            }
            stream.settings.retain(hours: requested, now: time)
        }
    }

    func updateStreamMode(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        input.require("StreamARN", "StreamModeDetails")
        let mode = try Self.mode(&input)
        try input.check()
        try await store.update(key) { stream in
            if let mode { stream.settings.mode = mode }
        }
    }

    func updateMaxRecordSize(_ input: StreamInput, _ key: StreamKey) async throws {
        var input = input
        input.require("MaxRecordSizeInKiB")
        let size = try input.integer("MaxRecordSizeInKiB", in: Self.recordKiB)
        try input.check()
        try await store.update(key) { stream in
            if let size { stream.settings.recordKiBMax = size }
        }
    }
}
