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

    /// One segment, inside the caller's transaction.
    ///
    /// - Returns: Whether there was enough for one.
    static func seal(group: Int64, now: Timestamp, _ db: Database) throws -> Bool {
        guard
            let end = try Row.fetchOne(
                db,
                sql: "SELECT sealedTime, sealedID FROM logGroups WHERE id = ? AND isDeleted = 0",
                arguments: [group]
            )
        else { return false }
        let edge = now.advanced(by: .zero - ageMin).millisecondsSinceEpoch
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT id, streamID, timestamp, ingestionTime, message FROM logEvents
                    WHERE groupID = ?1 AND timestamp >= ?2 AND (timestamp > ?2 OR id > ?3) AND timestamp < ?4
                    ORDER BY timestamp, id LIMIT ?5
                    """
            ),
            arguments: [group, end[0] as Int64, end[1] as Int64, edge, LogSegment.eventsMax]
        )
        var segment = LogSegment()
        while !segment.isFull, let row = try rows.next(), row[3] < edge {
            segment.append(
                EventKey(timestamp: row[2], id: row[0]),
                stream: row[1],
                ingestionTime: row[3],
                message: row[4] as Data
            )
        }
        guard segment.isFull, let first = segment.entries.first, let last = segment.entries.last else { return false }
        try insert(segment, from: first.key, to: last.key, group: group, db)
        let delete = try db.cachedStatement(sql: "DELETE FROM logEvents WHERE id = ?")
        for entry in segment.entries { try delete.execute(arguments: [entry.key.id]) }
        try db.execute(
            sql: """
                UPDATE logGroups SET sealedTime = ?, sealedID = ?, unsealedBytes = unsealedBytes - ? WHERE id = ?
                """,
            arguments: [last.key.timestamp, last.key.id, segment.countedBytes, group]
        )
        return true
    }

    private static func insert(
        _ segment: LogSegment,
        from first: EventKey,
        to last: EventKey,
        group: Int64,
        _ db: Database
    ) throws {
        let packed = try segment.packed()
        try db.execute(
            sql: """
                INSERT INTO logSegments (groupID, firstTime, firstID, lastTime, lastID, events, bytes, plainBytes, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                group, first.timestamp, first.id, last.timestamp, last.id, segment.entries.count,
                segment.countedBytes, packed.plainBytes, packed.payload,
            ]
        )
        let id = db.lastInsertedRowID
        let insert = try db.cachedStatement(
            sql: "INSERT INTO logSegmentStreams (streamID, segmentID) VALUES (?, ?)"
        )
        for stream in segment.streams { try insert.execute(arguments: [stream, id]) }
    }
}
