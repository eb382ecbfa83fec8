// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import StreamCore
import StreamStore

/// Who asks, where.
package struct StreamCaller: Sendable {
    package var accountID: String
    package var region: String

    package init(accountID: String, region: String) {
        self.accountID = accountID
        self.region = region
    }
}

extension StreamService {
    /// What a policy has to allow: the operation's action on the stream that it means, whichever way it names it; `*` where it means none.
    ///
    /// What names no stream stands for itself: it is refused later, in its own words.
    package func access(
        _ operation: StreamOperation,
        _ input: StreamInput,
        _ caller: StreamCaller
    ) -> [(action: String, resource: String)] {
        let resource: String
        switch operation {
        case .listStreams, .describeLimits, .describeAccountSettings, .updateAccountSettings: resource = "*"
        case .getRecords:
            let iterator = input.text("ShardIterator").flatMap { ShardIterator($0, iteratorKey) }
            resource = iterator?.stream.arn ?? Self.arn(operation, input, caller)
        case .listShards where input.has("NextToken"):
            let token = input.text("NextToken").flatMap { ShardListToken($0, listingKey) }
            resource = token?.stream.arn ?? Self.arn(operation, input, caller)
        default: resource = Self.arn(operation, input, caller)
        }
        var access = [(operation.action, resource)]
        if operation == .createStream, input.has("Tags") { access.append(("kinesis:AddTagsToStream", resource)) }
        return access
    }

    /// By the member that the operation reads, and no other: one that it does not have names nothing.
    private static func arn(_ operation: StreamOperation, _ input: StreamInput, _ caller: StreamCaller) -> String {
        let member: String? =
            switch operation {
            case .createStream: nil
            case .tagResource, .untagResource, .listTagsForResource: "ResourceARN"
            default: "StreamARN"
            }
        if let arn = member.flatMap({ input.text($0) }) { return StreamKey(arn: arn)?.arn ?? arn }
        return StreamKey(accountID: caller.accountID, region: caller.region, name: input.text("StreamName") ?? "").arn
    }

    /// Does what an operation of Kinesis's API asks for.
    ///
    /// - Returns: the answer's JSON; nil where it has none.
    /// - Throws: `StreamError` for every refusal.
    package func perform(
        _ operation: StreamOperation,
        _ input: StreamInput,
        _ caller: StreamCaller
    ) async throws -> JSONValue? {
        if let absence = operation.absence {
            throw StreamError(
                .unknownOperation,
                "\(operation.rawValue) is not available in this version of Martlet: \(absence)."
            )
        }
        do { return try await answer(operation, input, caller) } catch let error as StreamStoreError {
            throw Self.refusal(error) ?? error
        }
    }

    /// What a caller is told of a store that takes nothing more; nil for what is the server's own failure.
    static func refusal(_ error: StreamStoreError) -> StreamError? {
        switch error {
        case .overloaded:
            StreamError(.provisionedThroughputExceeded, "Too much waits to be written: try again later.")
        case .storageFull(let bytesMax):
            StreamError(
                .provisionedThroughputExceeded,
                "The streams of this server have \(bytesMax >> 20) MiB on its disk, all that they may have (--stream-storage of martlet "
                    + "serve): nothing was written."
            )
        case .diskFull: StreamError(.internalFailure, "The server's disk is full; nothing was written.")
        case .newerDatabase, .contentChanged, .failed: nil
        }
    }

    private func answer(
        _ operation: StreamOperation,
        _ input: StreamInput,
        _ caller: StreamCaller
    ) async throws -> JSONValue? {
        switch operation {
        case .createStream: try await createStream(input, caller)
        case .deleteStream: try await deleteStream(input, caller)
        case .describeStream: return try await describeStream(input, caller)
        case .describeStreamSummary: return try await describeStreamSummary(input, caller)
        case .describeLimits: return try await describeLimits(caller)
        case .listStreams: return try await listStreams(input, caller)
        case .listShards: return try await listShards(input, caller)
        case .splitShard: try await splitShard(input, caller)
        case .mergeShards: try await mergeShards(input, caller)
        case .updateShardCount: return try await updateShardCount(input, caller)
        case .increaseStreamRetentionPeriod: try await setRetention(input, caller, increases: true)
        case .decreaseStreamRetentionPeriod: try await setRetention(input, caller, increases: false)
        case .updateStreamMode: try await updateStreamMode(input, caller)
        case .updateMaxRecordSize: try await updateMaxRecordSize(input, caller)
        case .putRecord: return try await putRecord(input, caller)
        case .putRecords: return try await putRecords(input, caller)
        case .getShardIterator: return try await getShardIterator(input, caller)
        case .getRecords: return try await getRecords(input, caller)
        case .addTagsToStream: try await addTags(input, streamKey(input, caller))
        case .removeTagsFromStream: try await removeTags(input, streamKey(input, caller))
        case .listTagsForStream: return try await listTagsForStream(input, caller)
        case .tagResource: try await addTags(input, resourceKey(input, caller))
        case .untagResource: try await removeTags(input, resourceKey(input, caller))
        case .listTagsForResource: return try await listTagsForResource(input, caller)
        case .deleteResourcePolicy, .deregisterStreamConsumer, .describeAccountSettings, .describeStreamConsumer,
            .disableEnhancedMonitoring, .enableEnhancedMonitoring, .getResourcePolicy, .listStreamConsumers,
            .putResourcePolicy, .registerStreamConsumer, .startStreamEncryption, .stopStreamEncryption,
            .subscribeToShard, .updateAccountSettings, .updateStreamWarmThroughput:
            preconditionFailure("what is absent is refused before")
        }
        return nil
    }

    // MARK: Which stream

    /// The stream that StreamName or StreamARN names.
    func streamKey(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> StreamKey {
        var input = input
        let name = try input.string("StreamName", .name)
        let arn = try input.string("StreamARN", .streamARN)
        try input.check()
        if let arn {
            let key = try Self.key(arn, caller)
            guard name == nil || name == key.name else {
                throw .argument("StreamName \(name ?? "") and StreamARN \(arn) name different streams.")
            }
            return key
        }
        guard let name else { throw .argument("Either StreamName or StreamARN must be specified.") }
        return StreamKey(accountID: caller.accountID, region: caller.region, name: name)
    }

    /// The stream that ResourceARN names.
    func resourceKey(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> StreamKey {
        var input = input
        let arn = try input.required("ResourceARN", .streamARN)
        try input.check()
        return try Self.key(arn, caller)
    }

    /// Of a stream of the caller's own account, in the region where it asks: others are not there for it.
    private static func key(_ arn: String, _ caller: StreamCaller) throws(StreamError) -> StreamKey {
        guard let key = StreamKey(arn: arn), key.accountID == caller.accountID, key.region == caller.region else {
            let name = StreamKey(arn: arn)?.name ?? arn
            throw .noStream(name, accountID: StreamKey(arn: arn)?.accountID ?? caller.accountID)
        }
        return key
    }
}
