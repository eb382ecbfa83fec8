// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

extension LogStore {
    /// A page ends before it grows beyond this, once it holds an event.
    package static let pageBytesMax = 4_194_304

    /// One page of what a query asks for.
    ///
    /// - Throws: `LogStoreError.noGroup`, or `noStream` for a stream that is named and not there.
    package func page(_ query: LogQuery) async throws -> LogPage {
        let time = now()
        return try await read { db in
            var scan = try LogScan(query, now: time, db)
            return try scan.page()
        }
    }

    // MARK: As they come

    /// Events that one look at what is new goes over, and bytes of their messages.
    private static let newEventsMax = 5_000
    private static let newBytesMax = 4_194_304

    /// The id of the newest event.
    package func newestID() async throws -> Int64 {
        try await read { db in try Self.newestID(db) }
    }

    private static func newestID(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'logEvents'") ?? 0
    }

    /// What is new in some groups.
    package struct NewEvents: Sendable {
        /// In the order of ingestion.
        package var events: [(group: LogGroupKey, event: StoredLogEvent)]
        /// The id from which to go on.
        package var last: Int64
        /// Whether events of any group that were ingested since were packed or dropped before they were looked at.
        package var isIncomplete: Bool
    }

    /// Events of some groups that were ingested after the one with this id and that `isWanted` takes, by their streams' names and messages.
    ///
    /// `cost` is about how many nanoseconds that takes for a byte: one look takes as long as a query's page at most.
    package func events(
        after id: Int64,
        in groups: [LogGroupKey],
        cost: Int = 1,
        _ isWanted: @escaping @Sendable (String, UnsafeRawBufferPointer) -> Bool = { _, _ in true }
    ) async throws -> NewEvents {
        try await read { db in
            var keys: [Int64: LogGroupKey] = [:]
            for group in groups { if let id = try LogGroupRecord.id(of: group, db) { keys[id] = group } }
            let rows = try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT e.id, e.groupID, s.name, e.timestamp, e.ingestionTime, e.message, s.isDeleted
                        FROM logEvents e CROSS JOIN logStreams s ON s.id = e.streamID
                        WHERE e.id > ? ORDER BY e.id LIMIT ?
                        """
                ),
                arguments: [id, Self.newEventsMax]
            )
            var found = NewEvents(events: [], last: id, isIncomplete: false)
            var (count, bytes, work) = (0, 0, 0)
            while bytes < Self.newBytesMax, work < LogQuery.workMax, let row = try rows.next() {
                found.last = try row.decode(atIndex: 0)
                count += 1
                // What is damaged is nothing to tell.
                guard let group = (try? row.decode(Int64.self, atIndex: 1)).flatMap({ keys[$0] }),
                    (try? row.decode(Int64.self, atIndex: 6)) == 0,
                    let name = try? row.decode(String.self, atIndex: 2),
                    let time = try? Timestamp(stored: row.decode(atIndex: 3)),
                    let ingestionTime = try? Timestamp(stored: row.decode(atIndex: 4)),
                    let message = try? row.decode(Data.self, atIndex: 5)
                else { continue }
                bytes += message.count
                work += (message.count + LogQuery.eventWorkBytes) * cost
                guard message.withUnsafeBytes({ isWanted(name, $0) }) else { continue }
                let event = StoredLogEvent(
                    id: found.last,
                    stream: name,
                    timestamp: time,
                    ingestionTime: ingestionTime,
                    message: String(decoding: message, as: UTF8.self)
                )
                found.events.append((group, event))
            }
            // Nothing is left: all up to the newest was looked at, or is no row any more.
            if count < Self.newEventsMax, bytes < Self.newBytesMax, work < LogQuery.workMax {
                found.last = max(found.last, try Self.newestID(db))
            }
            // Ids have no gaps but where rows were taken out.
            found.isIncomplete = found.last - id > count
            return found
        }
    }
}
