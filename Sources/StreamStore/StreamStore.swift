// SPDX-License-Identifier: Apache-2.0
import DatabaseFile
package import EnvelopeEncryption
import Foundation
import GRDB
package import LambdaModel
package import StreamCore
import Synchronization

/// Streams and their records, in an SQLite database of their own (DIRECTORY/streams.sqlite, WAL).
///
/// What a change returned for survives a power cut. Records are in the file as ciphertext only, with their partition keys; names, settings and
/// tags of streams are readable, and so are the records' times and sizes. No record is in memory. One process per directory.
package final class StreamStore: Sendable {
    /// Shards of the streams that are kept in memory.
    private static let cachedShardsMax = 100_000
    /// What a record takes beside its sealed bytes: its row, and its places in two indexes.
    private static let rowBytes = 96

    private struct Kept {
        private var records: [StreamKey: StreamRecord] = [:]
        private var shards = 0

        subscript(key: StreamKey) -> StreamRecord? {
            get { records[key] }
            set {
                shards -= records[key]?.map.shards.count ?? 0
                records[key] = nil
                guard let newValue else { return }
                let count = newValue.map.shards.count
                if shards + count > cachedShardsMax { self = Kept() }
                shards += count
                records[key] = newValue
            }
        }
    }

    private struct Cache {
        /// As they were when they were last read, for those that read.
        var records = Kept()
        /// Moves with each change, so that what was read before it is not kept after it.
        var version = 0
        /// As the transactions left them, for those alone: a reader's may be a moment older, and then a record would be put into a shard
        /// that was closed.
        var written = Kept()
    }

    let pool: DatabasePool
    private let commits: GroupCommit
    private let masterKey: MasterKey
    private let storageBytesMax: Int
    private let cache = Mutex(Cache())

    /// Opens the database, making or migrating it as needed; `storageBytesMax` is for all streams together, on disk.
    ///
    /// Blocks: call it at start.
    /// - Throws: `StreamStoreError`, for example when the file was made by a newer version.
    package convenience init(directory: String, masterKey: MasterKey, storageBytesMax: Int) throws {
        try self.init(directory: directory, masterKey: masterKey, storageBytesMax: storageBytesMax, pagesMax: nil)
    }

    /// `pagesMax` bounds the file's size as a full disk does, in pages of 4 KiB.
    init(directory: String, masterKey: MasterKey, storageBytesMax: Int, pagesMax: Int?) throws {
        self.masterKey = masterKey
        self.storageBytesMax = storageBytesMax
        do {
            pool = try DatabaseFile.open(
                "\(directory)/streams.sqlite",
                .init(
                    label: "StreamStore",
                    isSynced: true,
                    journalBytesMax: 64 << 20,
                    pagesMax: pagesMax,
                    overwritesDeleted: false
                ),
                StreamSchema.migrator
            )
        } catch {
            throw Self.failure(error)
        }
        commits = GroupCommit(pool)
    }

    static func failure(_ error: any Error) -> any Error {
        switch error {
        case is StreamError, is StreamStoreError, is CancellationError: error
        case is GroupCommit.Overloaded: StreamStoreError.overloaded
        default:
            switch DatabaseFileError(error) {
            case .newerDatabase(let path): StreamStoreError.newerDatabase(path: path)
            case .diskFull: StreamStoreError.diskFull
            case .failed(let message): StreamStoreError.failed(message: message)
            }
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await pool.read(body) } catch { throw Self.failure(error) }
    }

    func write<T: Sendable>(
        isSynced: Bool = true,
        bytes: Int = 0,
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do {
            return try await commits.perform(isSynced: isSynced, bytes: bytes, body, undone: { [self] in forgetAll() })
        } catch {
            throw Self.failure(error)
        }
    }

    // MARK: What is known of streams

    /// nil for a stream that is not there; `isFresh` for what the store has, whatever is in memory.
    package func stream(_ key: StreamKey, isFresh: Bool = false) async throws -> StreamRecord? {
        if !isFresh, let record = cache.withLock({ $0.records[key] }) { return record }
        return try await read { [self] db in
            let version = cache.withLock { $0.version }
            guard let record = try Self.record(key, db) else { return nil }
            cache.withLock { cache in
                guard cache.version == version else { return }
                cache.records[key] = record
            }
            return record
        }
    }

    /// The stream within a transaction that writes.
    func existing(_ key: StreamKey, _ db: Database) throws -> StreamRecord {
        if let record = cache.withLock({ $0.written[key] }) { return record }
        guard let record = try Self.record(key, db) else { throw StreamError.noStream(key) }
        cache.withLock { cache in
            cache.written[key] = record
        }
        return record
    }

    static func record(_ key: StreamKey, _ db: Database) throws -> StreamRecord? {
        let statement = try db.cachedStatement(
            sql: "SELECT * FROM streams WHERE accountID = ? AND region = ? AND name = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [key.accountID, key.region, key.name]) else {
            return nil
        }
        return try record(row, db)
    }

    static func record(_ row: Row, _ db: Database) throws -> StreamRecord {
        let id: Int64 = row["id"]
        let map = ShardMap(try shards(of: id, db))
        guard map.isWhole else { throw StreamStoreError.contentChanged(stream: id) }
        do {
            let settings = try JSONDecoder().decode(StreamSettings.self, from: row.decode(forColumn: "settings"))
            guard settings.isSound else { throw StreamStoreError.contentChanged(stream: id) }
            return StreamRecord(
                id: id,
                key: StreamKey(
                    accountID: try row.decode(forColumn: "accountID"),
                    region: try row.decode(forColumn: "region"),
                    name: try row.decode(forColumn: "name")
                ),
                settings: settings,
                tags: try JSONDecoder().decode([String: String].self, from: row.decode(forColumn: "tags")),
                created: try Timestamp(stored: row.decode(forColumn: "created")),
                map: map
            )
        } catch {
            throw StreamStoreError.contentChanged(stream: id)
        }
    }

    static func shards(of stream: Int64, _ db: Database) throws -> [Shard] {
        let statement = try db.cachedStatement(sql: "SELECT * FROM shards WHERE stream = ? ORDER BY number")
        return try Row.fetchAll(statement, arguments: [stream]).map { row in
            do { return try shard(row, of: stream) } catch { throw StreamStoreError.contentChanged(stream: stream) }
        }
    }

    private static func shard(_ row: Row, of stream: Int64) throws -> Shard {
        let parents = try row.decode(String.self, forColumn: "parents").split(separator: " ").map { Int($0) }
        let number: Int = try row.decode(forColumn: "number")
        let created: Int64 = try row.decode(forColumn: "created")
        // With room for what may come of them: sequence numbers have 31 bits for a shard, and 36 for a time.
        guard let first = UInt128(try row.decode(String.self, forColumn: "firstKey")),
            let last = UInt128(try row.decode(String.self, forColumn: "lastKey")), first <= last,
            !parents.contains(nil), (0..<Int(Int32.max) / 2).contains(number), (0..<1 << 35).contains(created)
        else { throw StreamStoreError.contentChanged(stream: stream) }
        return Shard(
            row: try row.decode(forColumn: "id"),
            number: number,
            range: HashKeyRange(first, last),
            parents: parents.compactMap(\.self),
            created: created,
            opened: try Timestamp(stored: row.decode(forColumn: "opened")),
            closed: try row.decode(Int64?.self, forColumn: "closed").map { try Timestamp(stored: $0) }
        )
    }

    /// A stream was changed: what was read before is not to be believed any more.
    func forget(_ key: StreamKey) {
        cache.withLock { cache in
            cache.version += 1
            cache.records[key] = nil
        }
    }

    /// A transaction changes a stream.
    func forgetWritten(_ key: StreamKey) { cache.withLock { $0.written[key] = nil } }

    private func forgetAll() {
        cache.withLock { cache in
            cache.version += 1
            cache.records = Kept()
            cache.written = Kept()
        }
    }

    // MARK: Records

    private static func context(_ stream: Int64) -> String { "record of stream \(stream)" }

    /// Puts records into a stream, all or none, in their order; they are durable when this returns.
    ///
    /// - Throws: `StreamError` when the stream is not there any more, `StreamStoreError.storageFull`, `.diskFull` or `.overloaded`.
    package func put(
        _ records: [OutgoingRecord],
        into stream: StreamRecord,
        now: Timestamp
    ) async throws -> [PutRecord] {
        // Who reads them has their key at once.
        let sealed = try Envelope.seal(
            records.map(\.content.bytes),
            context: Self.context(stream.id),
            with: masterKey
        )
        let bytes = sealed.reduce(0) { $0 + $1.count }
        return try await write(bytes: bytes) { [self] db in
            let present = try existing(stream.key, db)
            guard present.id == stream.id else { throw StreamError.noStream(stream.key) }
            try checkStorage(bytes + records.count * Self.rowBytes, db)
            var arrivals: [Int64: Timestamp] = [:]
            let insert = try db.cachedStatement(sql: "INSERT INTO records (shard, arrival, sealed) VALUES (?, ?, ?)")
            return try zip(records, sealed).map { record, sealed in
                let shard = present.map.owner(of: record.hashKey)
                let arrival = try arrivals[shard.row] ?? max(now, lastArrival(shard.row, db) ?? now)
                arrivals[shard.row] = arrival
                try insert.execute(arguments: [shard.row, arrival.millisecondsSinceEpoch, Data(sealed)])
                return PutRecord(shard: shard, sequenceNumber: shard.sequenceNumber(db.lastInsertedRowID, arrival))
            }
        }
    }

    /// Times of a shard's records do not fall, whatever the clock does: what is to be found by its time is found by one.
    ///
    /// A damaged one counts for none.
    private func lastArrival(_ shard: Int64, _ db: Database) throws -> Timestamp? {
        let statement = try db.cachedStatement(
            sql: "SELECT arrival FROM records WHERE shard = ? ORDER BY id DESC LIMIT 1"
        )
        return try Int64.fetchOne(statement, arguments: [shard]).flatMap { try? Timestamp(stored: $0) }
    }

    private func checkStorage(_ bytes: Int, _ db: Database) throws {
        func number(_ pragma: String) throws -> Int { try Int.fetchOne(db, sql: "PRAGMA \(pragma)") ?? 0 }
        let used = try (number("page_count") - number("freelist_count")) * number("page_size")
        guard used + bytes <= storageBytesMax else { throw StreamStoreError.storageFull(bytesMax: storageBytesMax) }
    }

    /// The largest number that a record was given; zero where there was none.
    package func lastRecord() async throws -> Int64 {
        try await read { db in
            max(0, try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'records'") ?? 0)
        }
    }

    /// After all records that are in a shard.
    package func end(of shard: Int64) async throws -> ShardPosition {
        try await read { db in
            let statement = try db.cachedStatement(sql: "SELECT MAX(id) FROM records WHERE shard = ?")
            return .after(max(0, try Int64.fetchOne(statement, arguments: [shard]) ?? 0))
        }
    }

    /// Reads up to `limit` records of a shard, in their order, of all that came at `horizon` or later.
    ///
    /// At most `bytesMax` of them, but one in any case. A record that was changed since it was stored is left out, and `unreadable` told.
    /// - Throws: `StreamError` when the shard is not there any more.
    package func page(
        _ shard: Shard,
        of stream: StreamRecord,
        from position: ShardPosition,
        limit: Int,
        bytesMax: Int = StreamLimits.pageBytesMax,
        horizon: Timestamp,
        unreadable: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> ShardPage {
        let (rows, found) = try await read { db in
            // Whether it is closed is to be of the moment that its records are of.
            let statement = try db.cachedStatement(sql: "SELECT closed FROM shards WHERE id = ?")
            guard let row = try Row.fetchOne(statement, arguments: [shard.row]) else {
                throw StreamError.noShard(shard.id, stream.key)
            }
            let isClosed = !row.hasNull(atIndex: 0)
            var page = ShardPage(next: position)
            let rows = try Self.rows(shard.row, position, limit, bytesMax, horizon, db, &page)
            if !page.hasMore, isClosed {
                page.next = nil
                page.children = try Self.shards(of: stream.id, db).filter { $0.parents.contains(shard.number) }
            }
            return (rows, page)
        }
        var page = found
        var opening = Envelope.Opening(context: Self.context(stream.id), with: masterKey)
        page.records.reserveCapacity(rows.count)
        for row in rows {
            let plain = try? opening.open(row.sealed)
            if let content = plain.flatMap({ RecordContent(bytes: $0) }) {
                page.records.append(ShardRecord(id: row.id, arrival: row.arrival, content: content))
            } else {
                // The others of the answer are good.
                unreadable(row.id)
            }
        }
        return page
    }

    private struct SealedRow: Sendable {
        var id: Int64
        var arrival: Timestamp
        var sealed: [UInt8]
    }

    private static func rows(
        _ shard: Int64,
        _ position: ShardPosition,
        _ limit: Int,
        _ bytesMax: Int,
        _ horizon: Timestamp,
        _ db: Database,
        _ page: inout ShardPage
    ) throws -> [SealedRow] {
        var after: Int64 = 0
        var since = horizon
        switch position {
        case .after(let id): after = id
        case .since(let time): since = max(time, horizon)
        }
        // Found by its time, since what is too old need not have left the disk yet.
        let first = try db.cachedStatement(
            sql: "SELECT id FROM records WHERE shard = ? AND arrival >= ? AND id > 0 ORDER BY arrival, id LIMIT 1"
        )
        let found = try Int64.fetchOne(first, arguments: [shard, since.millisecondsSinceEpoch])
        guard let found else { return [] }
        after = max(after, found - 1)
        let statement = try db.cachedStatement(
            sql: """
                SELECT id, arrival, sealed FROM records INDEXED BY recordsByShard
                WHERE shard = ? AND id > ? AND arrival >= ? ORDER BY id LIMIT ?
                """
        )
        let cursor = try Row.fetchCursor(
            statement,
            arguments: [shard, after, since.millisecondsSinceEpoch, limit + 1]
        )
        var rows: [SealedRow] = []
        var bytes = 0
        while let row = try cursor.next() {
            // Of a row that is not what was written nothing is shown, as of content that was changed.
            let time = try? Timestamp(stored: row.decode(atIndex: 1))
            let arrival = time.flatMap { $0 >= since ? $0 : nil }
            let sealed = (try? row.decode(Data.self, atIndex: 2)) ?? Data()
            let size = sealed.count - Envelope.sealedBytes(of: 0)
            guard rows.isEmpty || rows.count < limit && bytes + size <= bytesMax else {
                page.hasMore = true
                break
            }
            bytes += size
            rows.append(
                SealedRow(
                    id: try row.decode(atIndex: 0),
                    arrival: arrival ?? since,
                    sealed: arrival == nil ? [] : Array(sealed)
                )
            )
        }
        if let last = rows.last {
            page.next = .after(last.id)
            page.lastArrival = last.arrival
        }
        return rows
    }
}
