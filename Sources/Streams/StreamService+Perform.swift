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
    /// What a policy has to allow: the operation's action on the stream that it is done to; `*` where it is done to none.
    ///
    /// What names no stream stands for itself: it is refused later, in its own words, by what is asked here.
    package func access(
        _ operation: StreamOperation,
        _ input: StreamInput,
        _ caller: StreamCaller
    ) -> [(action: String, resource: String)] {
        let resource: String
        switch operation {
        case .listStreams, .describeLimits, .describeAccountSettings, .updateAccountSettings: resource = "*"
        default: resource = (try? key(operation, input, caller))?.arn ?? Self.named(input, caller)
        }
        var access = [(operation.action, resource)]
        if operation == .createStream, input.has("Tags") { access.append(("kinesis:AddTagsToStream", resource)) }
        return access
    }

    /// What a request names that is refused.
    private static func named(_ input: StreamInput, _ caller: StreamCaller) -> String {
        for name in ["StreamARN", "ResourceARN", "ConsumerARN"] {
            if let arn = input.text(name) { return StreamKey(arn: arn)?.arn ?? arn }
        }
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
        case .describeLimits: return try await describeLimits(caller)
        case .listStreams: return try await listStreams(input, caller)
        // Theirs is in what this server sealed.
        case .getRecords: return try await getRecords(input, caller)
        case .listShards where input.has("NextToken"): return try await listMoreShards(input, caller)
        default: return try await answer(operation, input, on: key(operation, input, caller))
        }
    }

    private func answer(
        _ operation: StreamOperation,
        _ input: StreamInput,
        on key: StreamKey
    ) async throws -> JSONValue? {
        switch operation {
        case .createStream: try await createStream(input, key)
        case .deleteStream: try await deleteStream(input, key)
        case .describeStream: return try await describeStream(input, key)
        case .describeStreamSummary: return try await describeStreamSummary(input, key)
        case .listShards: return try await listShards(input, key)
        case .splitShard: try await splitShard(input, key)
        case .mergeShards: try await mergeShards(input, key)
        case .updateShardCount: return try await updateShardCount(input, key)
        case .increaseStreamRetentionPeriod: try await setRetention(input, key, increases: true)
        case .decreaseStreamRetentionPeriod: try await setRetention(input, key, increases: false)
        case .updateStreamMode: try await updateStreamMode(input, key)
        case .updateMaxRecordSize: try await updateMaxRecordSize(input, key)
        case .putRecord: return try await putRecord(input, key)
        case .putRecords: return try await putRecords(input, key)
        case .getShardIterator: return try await getShardIterator(input, key)
        case .addTagsToStream: try await addTags(input, key)
        case .removeTagsFromStream: try await removeTags(input, key)
        case .listTagsForStream: return try await listTagsForStream(input, key)
        case .tagResource: try await addTags(input, key)
        case .untagResource: try await removeTags(input, key)
        case .listTagsForResource: return try await listTagsForResource(input, key)
        case .getRecords, .listStreams, .describeLimits:
            preconditionFailure("what names no stream is answered before")
        case .deleteResourcePolicy, .deregisterStreamConsumer, .describeAccountSettings, .describeStreamConsumer,
            .disableEnhancedMonitoring, .enableEnhancedMonitoring, .getResourcePolicy, .listStreamConsumers,
            .putResourcePolicy, .registerStreamConsumer, .startStreamEncryption, .stopStreamEncryption,
            .subscribeToShard, .updateAccountSettings, .updateStreamWarmThroughput:
            preconditionFailure("what is absent is refused before")
        }
        return nil
    }

    // MARK: Which stream

    /// The stream that an operation is done to, for those that decide about it and for those that do it.
    ///
    /// Members that an operation does not have name nothing.
    private func key(
        _ operation: StreamOperation,
        _ input: StreamInput,
        _ caller: StreamCaller
    ) throws(StreamError) -> StreamKey {
        switch operation {
        case .getRecords: try iterator(input, caller).stream
        case .listShards where input.has("NextToken"): try listToken(input, caller).stream
        case .createStream:
            // What is wrong with the name is said together with all else that is.
            StreamKey(accountID: caller.accountID, region: caller.region, name: input.text("StreamName") ?? "")
        case .tagResource, .untagResource, .listTagsForResource: try Self.resourceKey(input, caller)
        default: try Self.streamKey(input, caller)
        }
    }

    /// The stream that StreamName or StreamARN names.
    private static func streamKey(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> StreamKey {
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
    private static func resourceKey(_ input: StreamInput, _ caller: StreamCaller) throws(StreamError) -> StreamKey {
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
