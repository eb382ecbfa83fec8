// SPDX-License-Identifier: Apache-2.0

/// AWS's limits, and where AWS has none, this server's.
package enum StreamLimits {
    /// Of one PutRecords call.
    package static let callRecordsMax = 500
    /// Of one PutRecords call: data and partition keys.
    package static let callBytesMax = 10 << 20
    /// Of one GetRecords call.
    package static let pageRecordsMax = 10_000
    /// Of one GetRecords call: data and partition keys; one record comes always.
    package static let pageBytesMax = 10 << 20
    /// Data and partition key of one record, in KiB, as a stream is made with it and as it may be set.
    package static let recordKiBDefault = 1_024
    package static let recordKiBMax = 10_240
    /// In characters.
    package static let partitionKeyMax = 256
    package static let retentionHoursDefault = 24
    package static let retentionHours = 24...8_760
    package static let iteratorMilliseconds: Int64 = 300_000
    package static let tagsMax = 50
    /// Shards that are open of an account in a region; AWS has 1,000 to 20,000, by region.
    package static let openShardsMax = 1_000
    /// Shards of a stream, with those that were closed within its retention period.
    package static let shardsMax = 10_000
    /// What a stream on demand begins with.
    package static let onDemandShards = 4
    /// Of an account in a region.
    package static let onDemandStreamsMax = 50
    /// Of all accounts together.
    package static let streamsMax = 10_000
}
