// SPDX-License-Identifier: Apache-2.0
import Crypto
package import EnvelopeEncryption
package import LambdaModel
package import Logging
import ServiceLifecycle
package import StreamCore
package import StreamStore

/// The streams of this machine: records in and out, for the API and for the server's own readers.
///
/// Runs until the shutdown begins; drops what is too old once a minute.
package final class StreamService: Service {
    static let sweepInterval = Duration.seconds(60)

    let store: StreamStore
    let bells = ShardBells()
    let now: @Sendable () -> Timestamp
    let logger: Logger
    let iteratorKey: SymmetricKey
    let listingKey: SymmetricKey
    private let clock: any Clock<Duration>

    package init(
        store: StreamStore,
        masterKey: MasterKey,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.store = store
        iteratorKey = masterKey.derive("shard iterators")
        listingKey = masterKey.derive("shard listings")
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in
                while !Task.isCancelled {
                    do {
                        try await store.sweep(now: now()) { [logger] stream in
                            logger.error(
                                "what was stored of a stream was changed since",
                                metadata: ["stream": "\(stream)"]
                            )
                        }
                        try await clock.sleep(for: Self.sweepInterval)
                    } catch is CancellationError {
                        break
                    } catch {
                        logger.error("old records could not be dropped", metadata: ["error": "\(error)"])
                        try? await clock.sleep(for: Self.sweepInterval)
                    }
                }
            }
        } onGracefulShutdown: { [self] in
            bells.close()
        }
        bells.close()
    }

    // MARK: Records

    /// A record on its way.
    struct Outgoing: Sendable {
        var partitionKey: String
        var data: [UInt8]
        /// Nil for that of the partition key.
        var hashKey: UInt128?
    }

    /// Puts records, all or none; they are durable when this returns, and who waits for some is woken.
    func put(_ records: [Outgoing], into stream: StreamRecord) async throws -> [PutRecord] {
        let outgoing = records.map { record in
            OutgoingRecord(
                hashKey: record.hashKey
                    ?? HashKeyRange.key(digest: Insecure.MD5.hash(data: Array(record.partitionKey.utf8))),
                content: RecordContent(partitionKey: record.partitionKey, data: record.data)
            )
        }
        let put = try await store.put(outgoing, into: stream, now: now())
        bells.ring(Set(put.map(\.shard.row)))
        return put
    }

    /// Where a reader of this server is in a shard, as a text of its own.
    package struct Cursor: Equatable, Sendable {
        var shard: Int64
        var position: ShardPosition
        /// What the shard's bell had rung when nothing was left; nil where there may be something.
        var known: UInt64?

        package var text: String {
            let (kind, value): (String, Int64) =
                switch position {
                case .after(let id): ("after", id)
                case .since(let time): ("since", time.millisecondsSinceEpoch)
                }
            return "\(shard) \(kind) \(value)" + (known.map { " \($0)" } ?? "")
        }

        /// nil for what `text` is not.
        package init?(text: String) {
            let words = text.split(separator: " ")
            guard (3...4).contains(words.count), let shard = Int64(words[0]), let value = Int64(words[2]) else {
                return nil
            }
            self.init(shard: shard, position: .after(value))
            if words[1] == "since" { position = .since(Timestamp(millisecondsSinceEpoch: value)) }
            if words.count == 4 { known = UInt64(words[3]) }
        }

        init(shard: Int64, position: ShardPosition, known: UInt64? = nil) {
            self.shard = shard
            self.position = position
            self.known = known
        }
    }

    /// Where a reader of this server begins.
    package enum Beginning: Equatable, Sendable {
        case oldest, latest
        case since(Timestamp)
        case after(sequenceNumber: String)
    }

    /// - Throws: `StreamError` when there is no such stream.
    package func shards(of key: StreamKey) async throws -> [Shard] {
        let stream = try await existing(key)
        return stream.map.listed(.all, horizon: stream.settings.horizon(now: now()))
    }

    /// - Throws: `StreamError` when there is no such shard, or the sequence number is of another one.
    package func cursor(_ id: String, of key: StreamKey, at beginning: Beginning) async throws -> Cursor {
        guard let shard = try await existing(key, with: { $0.map[id: id] }).found else {
            throw StreamError.noShard(id, key)
        }
        let position: ShardPosition =
            switch beginning {
            case .oldest: .after(0)
            case .latest: try await store.end(of: shard.row)
            case .since(let time): .since(time)
            case .after(let text): try await self.position(text, isAfter: true, in: shard, key)
            }
        return Cursor(shard: shard.row, position: position)
    }

    /// Until there may be something to read where there was nothing, or so long.
    package func wait(_ cursor: Cursor, upTo duration: Duration) async {
        guard let known = cursor.known else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [bells] in await bells.wait(cursor.shard, known: known) }
            group.addTask { [clock] in try? await clock.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Reads up to `max` records; the next cursor is nil at the end of a closed shard.
    package func read(
        _ cursor: Cursor,
        of key: StreamKey,
        max: Int
    ) async throws -> (shard: Shard, page: ShardPage, next: Cursor?) {
        let known = bells.rung(cursor.shard)
        let (shard, page) = try await page(cursor.shard, of: key, from: cursor.position, limit: max)
        let next = page.next.map {
            Cursor(shard: cursor.shard, position: $0, known: page.hasMore ? nil : known)
        }
        return (shard, page, next)
    }

    func page(
        _ row: Int64,
        of key: StreamKey,
        from position: ShardPosition,
        limit: Int
    ) async throws -> (Shard, ShardPage) {
        let (stream, found) = try await existing(key, with: { $0.shard(row: row) })
        guard let shard = found else {
            throw StreamError(
                .resourceNotFound,
                "The shard of that iterator in stream \(key.name) under account \(key.accountID) does not exist"
            )
        }
        let page = try await store.page(
            shard,
            of: stream,
            from: position,
            limit: limit,
            horizon: stream.settings.horizon(now: now())
        ) { [logger] id in
            logger.error(
                "a record was changed since it was stored",
                metadata: ["stream": "\(stream.key.arn)", "record": "\(id)"]
            )
        }
        return (shard, page)
    }

    /// The stream, with the shard that is looked for.
    ///
    /// A shard that it lacks is looked for in the store too: pages and puts name the children of a split when what is kept of the stream may
    /// still be from before it.
    func existing(
        _ key: StreamKey,
        with find: (StreamRecord) -> Shard?
    ) async throws -> (stream: StreamRecord, found: Shard?) {
        let stream = try await existing(key)
        if let found = find(stream) { return (stream, found) }
        guard let present = try await store.stream(key, isFresh: true) else { throw StreamError.noStream(key) }
        return (present, find(present))
    }

    func existing(_ key: StreamKey) async throws -> StreamRecord {
        guard let stream = try await store.stream(key) else { throw StreamError.noStream(key) }
        return stream
    }
}
