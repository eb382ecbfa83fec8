// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import StreamCore

/// A stream as it was made and set, with its shards.
package struct StreamRecord: Equatable, Sendable {
    /// Its number in the store, another one for one that was made anew under its name.
    package var id: Int64
    package var key: StreamKey
    package var settings: StreamSettings
    package var tags: [String: String]
    package var created: Timestamp
    package var map: ShardMap

    package init(
        id: Int64 = 0,
        key: StreamKey,
        settings: StreamSettings,
        tags: [String: String] = [:],
        created: Timestamp,
        map: ShardMap
    ) {
        self.id = id
        self.key = key
        self.settings = settings
        self.tags = tags
        self.created = created
        self.map = map
    }

    /// The shard with that number in the store; nil where it is not there any more.
    package func shard(row: Int64) -> Shard? { map.shards.first { $0.row == row } }
}

/// A stream as it is listed.
package struct StreamSummary: Equatable, Sendable {
    package var key: StreamKey
    /// Nil where its settings are not what was written.
    package var mode: StreamSettings.Mode?
    package var created: Timestamp

    package init(key: StreamKey, mode: StreamSettings.Mode?, created: Timestamp) {
        self.key = key
        self.mode = mode
        self.created = created
    }
}

/// A record on its way into a stream.
package struct OutgoingRecord: Sendable {
    package var hashKey: UInt128
    package var content: RecordContent

    package init(hashKey: UInt128, content: RecordContent) {
        self.hashKey = hashKey
        self.content = content
    }
}

/// Where a record is that was put.
package struct PutRecord: Equatable, Sendable {
    package var shard: Shard
    package var sequenceNumber: SequenceNumber
}

/// A record of a shard.
package struct ShardRecord: Equatable, Sendable {
    /// Its number in the store.
    package var id: Int64
    package var arrival: Timestamp
    package var content: RecordContent
}

/// What one read of a shard brought.
package struct ShardPage: Equatable, Sendable {
    package var records: [ShardRecord] = []
    /// From where on to read next; nil at the end of a closed shard.
    package var next: ShardPosition?
    /// Whether there is more now.
    package var hasMore = false
    /// When the last record came that was read, also one that can't be shown.
    package var lastArrival: Timestamp?
    /// What a shard was split or merged into that was read to its end.
    package var children: [Shard] = []
}

/// What is there of an account in a region.
package struct StreamCounts: Equatable, Sendable {
    package var openShards = 0
    package var onDemandStreams = 0
}

/// Why the streams' store could not do what it was asked.
package enum StreamStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    /// Nothing was written: the streams have as many bytes as they may.
    case storageFull(bytesMax: Int)
    /// Too much waits to be written already.
    case overloaded
    /// A stream's row is not what was written.
    case contentChanged(stream: Int64)
    case failed(message: String)

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .diskFull: "stream store: the disk is full; nothing was written"
        case .storageFull(let bytesMax): "stream store: the streams have \(bytesMax) bytes, all that they may have"
        case .overloaded: "stream store: too much waits to be written"
        case .contentChanged(let stream):
            "stream store: what was stored of stream \(stream) was changed since"
        case .failed(let message): "stream store: \(message)"
        }
    }
}
