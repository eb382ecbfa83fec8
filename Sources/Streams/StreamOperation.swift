// SPDX-License-Identifier: Apache-2.0

/// Kinesis Data Streams' operations, by their names in `X-Amz-Target: Kinesis_20131202.…`.
package enum StreamOperation: String, CaseIterable, Sendable {
    case addTagsToStream = "AddTagsToStream"
    case createStream = "CreateStream"
    case decreaseStreamRetentionPeriod = "DecreaseStreamRetentionPeriod"
    case deleteResourcePolicy = "DeleteResourcePolicy"
    case deleteStream = "DeleteStream"
    case deregisterStreamConsumer = "DeregisterStreamConsumer"
    case describeAccountSettings = "DescribeAccountSettings"
    case describeLimits = "DescribeLimits"
    case describeStream = "DescribeStream"
    case describeStreamConsumer = "DescribeStreamConsumer"
    case describeStreamSummary = "DescribeStreamSummary"
    case disableEnhancedMonitoring = "DisableEnhancedMonitoring"
    case enableEnhancedMonitoring = "EnableEnhancedMonitoring"
    case getRecords = "GetRecords"
    case getResourcePolicy = "GetResourcePolicy"
    case getShardIterator = "GetShardIterator"
    case increaseStreamRetentionPeriod = "IncreaseStreamRetentionPeriod"
    case listShards = "ListShards"
    case listStreamConsumers = "ListStreamConsumers"
    case listStreams = "ListStreams"
    case listTagsForResource = "ListTagsForResource"
    case listTagsForStream = "ListTagsForStream"
    case mergeShards = "MergeShards"
    case putRecord = "PutRecord"
    case putRecords = "PutRecords"
    case putResourcePolicy = "PutResourcePolicy"
    case registerStreamConsumer = "RegisterStreamConsumer"
    case removeTagsFromStream = "RemoveTagsFromStream"
    case splitShard = "SplitShard"
    case startStreamEncryption = "StartStreamEncryption"
    case stopStreamEncryption = "StopStreamEncryption"
    case subscribeToShard = "SubscribeToShard"
    case tagResource = "TagResource"
    case untagResource = "UntagResource"
    case updateAccountSettings = "UpdateAccountSettings"
    case updateMaxRecordSize = "UpdateMaxRecordSize"
    case updateShardCount = "UpdateShardCount"
    case updateStreamMode = "UpdateStreamMode"
    case updateStreamWarmThroughput = "UpdateStreamWarmThroughput"

    /// The action under which IAM knows it.
    package var action: String { "kinesis:\(rawValue)" }

    /// Why it is not to be had in this version; nil where it is.
    var absence: String? {
        switch self {
        case .registerStreamConsumer, .deregisterStreamConsumer, .describeStreamConsumer, .listStreamConsumers,
            .subscribeToShard:
            "there is no enhanced fan-out, so read with GetRecords"
        case .startStreamEncryption, .stopStreamEncryption:
            "records are always encrypted with the server's own key, and there is no KMS"
        case .enableEnhancedMonitoring, .disableEnhancedMonitoring: "there is no CloudWatch to send metrics to"
        case .putResourcePolicy, .getResourcePolicy, .deleteResourcePolicy:
            "a stream is its account's, and keys' own policies say what they may do"
        case .describeAccountSettings, .updateAccountSettings, .updateStreamWarmThroughput:
            "streams have no throughput that is set aside for them"
        default: nil
        }
    }
}
