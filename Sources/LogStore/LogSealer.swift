// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

/// Moves a group's older events from rows into compressed segments.
///
/// Segments follow each other in time. An event that comes late, from before the last one's end, stays a row; readers merge both.
enum LogSealer {
    /// Events younger than that stay rows, so that few come late; also what live tails have not looked at yet.
    static let ageMin = Duration.seconds(60)
    /// What a group may have in rows.
    static let rowBytesMin: Int64 = 1 << 20

    /// A segment that is ready to take the place of its rows.
    struct Plan: Sendable {
        var group: Int64
        /// What the group's last segment ended with when this one was made.
        var end: EventKey
        var segment: LogSegment
        var first: EventKey
        var last: EventKey
        var payload: Data
        var plainBytes: Int
    }

    /// Rows of a segment were dropped while it was made.
    struct Conflict: Error {}

    /// Reads and packs one segment's events, while others write.
    ///
    /// - Returns: nil where there is not enough for one.
    static func plan(group: Int64, now: Timestamp, _ db: Database) throws -> Plan? {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT sealedTime, sealedID FROM logGroups WHERE id = ? AND isDeleted = 0",
            arguments: [group]
        )
        guard let row else { return nil }
        guard let time = try? row.decode(Int64.self, atIndex: 0), let id = try? row.decode(Int64.self, atIndex: 1)
        else { throw LogStoreError.changed("log group \(group)") }
        let edge = now.advanced(by: .zero - ageMin).millisecondsSinceEpoch
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT id, streamID, timestamp, ingestionTime, message FROM logEvents
                    WHERE groupID = ?1 AND timestamp >= ?2 AND (timestamp > ?2 OR id > ?3) AND timestamp < ?4
                    ORDER BY timestamp, id
                    """
            ),
            arguments: [group, time, id, edge]
        )
        var segment = LogSegment()
        while !segment.isFull, let row = try rows.next() {
            // What is damaged stays a row, as what comes late.
            guard let stream = try? row.decode(Int64.self, atIndex: 1),
                let ingestionTime = try? row.decode(Int64.self, atIndex: 3),
                let message = try? row.decode(Data.self, atIndex: 4)
            else { continue }
            guard ingestionTime < edge else { break }
            segment.append(
                EventKey(timestamp: try row.decode(atIndex: 2), id: try row.decode(atIndex: 0)),
                stream: stream,
                ingestionTime: ingestionTime,
                message: message
            )
        }
        guard segment.isFull, let first = segment.entries.first, let last = segment.entries.last else { return nil }
        let packed = try segment.packed()
        return Plan(
            group: group,
            end: EventKey(timestamp: time, id: id),
            segment: segment,
            first: first.key,
            last: last.key,
            payload: packed.payload,
            plainBytes: packed.plainBytes
        )
    }

    /// Puts a segment in the place of its rows, inside the caller's transaction.
    ///
    /// - Throws: `Conflict`, after which the transaction is to be rolled back.
    static func seal(_ plan: Plan, _ db: Database) throws {
        let (group, segment, last) = (plan.group, plan.segment, plan.last)
        try db.execute(
            sql: """
                UPDATE logGroups SET sealedTime = ?, sealedID = ?, unsealedBytes = unsealedBytes - ?
                WHERE id = ? AND isDeleted = 0 AND sealedTime = ? AND sealedID = ?
                """,
            arguments: [last.timestamp, last.id, segment.countedBytes, group, plan.end.timestamp, plan.end.id]
        )
        guard db.changesCount == 1 else { throw Conflict() }
        let delete = try db.cachedStatement(sql: "DELETE FROM logEvents WHERE id = ?")
        for entry in segment.entries {
            try delete.execute(arguments: [entry.key.id])
            guard db.changesCount == 1 else { throw Conflict() }
        }
        try insert(plan, db)
    }

    private static func insert(_ plan: Plan, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO logSegments (groupID, firstTime, firstID, lastTime, lastID, events, bytes, plainBytes, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                plan.group, plan.first.timestamp, plan.first.id, plan.last.timestamp, plan.last.id,
                plan.segment.entries.count, plan.segment.countedBytes, plan.plainBytes, plan.payload,
            ]
        )
        let id = db.lastInsertedRowID
        let insert = try db.cachedStatement(
            sql: "INSERT INTO logSegmentStreams (streamID, segmentID) VALUES (?, ?)"
        )
        for stream in plan.segment.streams { try insert.execute(arguments: [stream, id]) }
    }
}
