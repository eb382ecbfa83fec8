// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventSources
import InvocationCore
import StreamCore
import StreamStore
import Streams

/// A stream of this server, for mappings of its own account.
struct EmbeddedRecordStream: RecordStream {
    /// As often as another server's stream is read while there is nothing: windows end by it.
    private static let waitMax = Duration.seconds(1)

    let streams: StreamService
    let key: StreamKey
    let accountID: String

    var fetchMax: Int { StreamLimits.pageRecordsMax }
    var endsWhenEmpty: Bool { true }
    /// No number of reads a second is promised to anybody here: what is read waits for the function.
    var busyPause: Duration { .zero }

    func shards() async throws -> [ShardSet.Shard] {
        try await asking {
            try await streams.shards(of: key).map { shard in
                ShardSet.Shard(id: shard.id, parents: shard.parents.map(Shard.id), isClosed: !shard.isOpen)
            }
        }
    }

    func iterator(_ shard: String, at position: StreamPosition) async throws -> String {
        let beginning: StreamService.Beginning =
            switch position {
            case .trimHorizon, .end: .oldest
            case .latest: .latest
            case .since(let time): .since(time)
            case .after(let sequence): .after(sequenceNumber: sequence)
            }
        return try await asking { try await streams.cursor(shard, of: key, at: beginning).text }
    }

    func records(_ iterator: String, max: Int) async throws -> StreamPage {
        guard let cursor = StreamService.Cursor(text: iterator) else {
            throw StreamFailure(code: "ExpiredIteratorException", message: "The iterator is none.")
        }
        let (shard, page, next) = try await asking {
            try await streams.read(cursor, of: key, max: min(max, fetchMax))
        }
        return StreamPage(
            records: page.records.map { record in
                EventSources.StreamRecord(
                    sequence: shard.sequenceNumber(record.id, record.arrival).text,
                    time: record.arrival,
                    partitionKey: record.content.partitionKey,
                    data: Base64.encode(record.content.data)
                )
            },
            next: next?.text,
            hasMore: page.hasMore
        )
    }

    func wait(_ iterator: String) async throws {
        guard let cursor = StreamService.Cursor(text: iterator) else { return }
        await streams.wait(cursor, upTo: Self.waitMax)
        try Task.checkCancellation()
    }

    private func asking<T>(_ body: () async throws -> T) async throws -> T {
        // There are no policies of streams, so nobody may read another account's.
        guard key.accountID == accountID else { throw StreamFailure(StreamError.noStream(key)) }
        do { return try await body() } catch let error as StreamError {
            throw StreamFailure(error)
        } catch let error as StreamStoreError {
            throw StreamFailure(
                code: StreamError.Kind.internalFailure.rawValue,
                message: "The server's own store of streams failed.",
                cause: "\(error)"
            )
        }
    }
}

extension StreamFailure {
    fileprivate init(_ error: StreamError) { self.init(code: error.kind.rawValue, message: error.message) }
}
