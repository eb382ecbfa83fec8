// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

/// Drops what is over a limit, too old or deleted, a little at a time.
enum LogTrimmer {
    /// One transaction's share: some milliseconds.
    static let eventsMax = 1_000

    /// One step, inside the caller's transaction.
    ///
    /// - Returns: Whether nothing is left to do.
    static func trim(
        _ retention: LogRetention,
        _ db: Database,
        onDamage: (LogStoreError) -> Void
    ) throws -> Bool {
        if let deleted = try Int64.fetchOne(db, sql: "SELECT id FROM logGroups WHERE isDeleted = 1 LIMIT 1") {
            if try dropOldest(of: deleted, bytesMin: .max, db) == 0 {
                try db.execute(sql: "DELETE FROM logStreams WHERE groupID = ?", arguments: [deleted])
                try db.execute(sql: "DELETE FROM logGroups WHERE id = ?", arguments: [deleted])
            }
            return false
        }
        // Before deleted streams, which may be in many segments.
        if try !keepSize(retention, db, onDamage: onDamage) { return false }
        if let deleted = try Row.fetchOne(db, sql: "SELECT id, groupID FROM logStreams WHERE isDeleted = 1 LIMIT 1") {
            // Of no group where that is damaged: the events are counted for all groups together.
            let group = (try? deleted.decode(Int64.self, atIndex: 1)) ?? 0
            try drop(stream: deleted.decode(atIndex: 0), group: group, db, onDamage: onDamage)
            return false
        }
        return true
    }

    /// One step towards the limits; returns whether they are kept.
    private static func keepSize(
        _ retention: LogRetention,
        _ db: Database,
        onDamage: (LogStoreError) -> Void
    ) throws -> Bool {
        guard
            let largest = try Row.fetchOne(
                db,
                sql: "SELECT id, bytes FROM logGroups WHERE isDeleted = 0 ORDER BY bytes DESC LIMIT 1"
            )
        else { return true }
        let id: Int64 = try largest.decode(atIndex: 0)
        guard let bytes = try? largest.decode(Int64.self, atIndex: 1) else {
            onDamage(.changed("log group \(id)"))
            try recount(id, db)
            return false
        }
        let excess = max(
            max(0, bytes) - retention.groupBytesMax,
            max(0, try Totals.add(0, db)) - retention.totalBytesMax
        )
        guard excess > 0 else { return true }
        // A little more than needed, so that not every append from now on starts this again.
        let spare = min(retention.groupBytesMax, retention.totalBytesMax) / 32
        // Nothing there though bytes are counted: they would be counted for ever.
        return try dropOldest(of: id, bytesMin: excess + spare, db) == 0
    }

    private static func recount(_ group: Int64, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE logGroups SET bytes =
                    (SELECT COALESCE(SUM(length(message) + ?1), 0) FROM logEvents WHERE groupID = ?2)
                    + (SELECT COALESCE(SUM(bytes), 0) FROM logSegments WHERE groupID = ?2)
                WHERE id = ?2
                """,
            arguments: [LogStore.eventOverheadBytes, group]
        )
    }

    /// Drops events from before `time` until `bytesMin` are gone or there was enough for one step; returns how many.
    static func dropOldest(
        of group: Int64,
        bytesMin: Int64,
        before time: Int64 = .max,
        _ db: Database
    ) throws -> Int {
        let segment = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id, firstTime, lastTime FROM logSegments WHERE groupID = ?
                    ORDER BY firstTime, firstID LIMIT 1
                    """
            ),
            arguments: [group]
        ).flatMap { lastTime($0) < time ? $0 : nil }
        // What came late, from before the oldest segment, goes first.
        let end = segment.map { (try? $0.decode(Int64.self, atIndex: 1)) ?? .min } ?? time
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT id, streamID, length(message) FROM logEvents WHERE groupID = ? AND timestamp < ?
                ORDER BY timestamp, id LIMIT ?
                """,
            arguments: [group, end, eventsMax]
        )
        guard rows.isEmpty, let segment else { return try drop(rows, of: group, bytesMin: bytesMin, db) }
        return try drop(segment: segment.decode(atIndex: 0), of: group, db)
    }

    /// Of a segment's row; where that is damaged, the time of its first event, behind which no segment begins, or else long ago.
    private static func lastTime(_ segment: Row) -> Int64 {
        (try? segment.decode(Int64.self, atIndex: 2)) ?? (try? segment.decode(Int64.self, atIndex: 1)) ?? .min
    }

    /// Whether `dropOldest` would find something.
    static func hasEvents(of group: Int64, before time: Int64, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM logEvents WHERE groupID = ?1 AND timestamp < ?2)
                        OR EXISTS (
                            SELECT 1 FROM logSegments WHERE groupID = ?1 AND firstTime < ?2 AND lastTime < ?2
                        )
                    """
            ),
            arguments: [group, time]
        ) ?? false
    }

    private static func drop(_ rows: [Row], of group: Int64, bytesMin: Int64, _ db: Database) throws -> Int {
        var dropped: Int64 = 0
        var count = 0
        var streams: Set<Int64> = []
        let delete = try db.cachedStatement(sql: "DELETE FROM logEvents WHERE id = ?")
        for row in rows {
            guard dropped < bytesMin else { break }
            try delete.execute(arguments: [row.decode(Int64.self, atIndex: 0)])
            if let stream = try? row.decode(Int64.self, atIndex: 1) { streams.insert(stream) }
            dropped += ((try? row.decode(Int64.self, atIndex: 2)) ?? 0) + LogStore.eventOverheadBytes
            count += 1
        }
        try uncount(dropped, unsealed: dropped, of: group, db)
        try dropEmpty(streams, db)
        return count
    }

    private static func drop(segment: Int64, of group: Int64, _ db: Database) throws -> Int {
        guard
            let row = try Row.fetchOne(
                db,
                sql: "SELECT events, bytes FROM logSegments WHERE id = ?",
                arguments: [segment]
            )
        else { return 0 }
        let streams = try Int64.fetchSet(
            db,
            sql: "SELECT streamID FROM logSegmentStreams WHERE segmentID = ?",
            arguments: [segment]
        )
        try db.execute(sql: "DELETE FROM logSegmentStreams WHERE segmentID = ?", arguments: [segment])
        try db.execute(sql: "DELETE FROM logSegments WHERE id = ?", arguments: [segment])
        try uncount(countedBytes(row), unsealed: 0, of: group, db)
        try dropEmpty(streams, db)
        return max(1, (try? row.decode(Int.self, atIndex: 0)) ?? 1)
    }

    /// Of a segment's row, in its second column; none where that is damaged.
    private static func countedBytes(_ segment: Row) -> Int64 {
        let bytes = (try? segment.decode(Int64.self, atIndex: 1)) ?? 0
        return (0...1 << 40).contains(bytes) ? bytes : 0
    }

    /// Takes bytes from what is counted.
    private static func uncount(_ bytes: Int64, unsealed: Int64, of group: Int64, _ db: Database) throws {
        do {
            try db.execute(
                sql: "UPDATE logGroups SET bytes = bytes - ?, unsealedBytes = unsealedBytes - ? WHERE id = ?",
                arguments: [bytes, unsealed, group]
            )
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            // Other columns are not what was written, and nothing can be written any more: what is to go goes none the less.
        }
        _ = try Totals.add(-bytes, db)
    }

    /// A stream that came with its first event goes with its last: there is one per execution environment, so they would pile up.
    private static func dropEmpty(_ streams: Set<Int64>, _ db: Database) throws {
        let delete = try db.cachedStatement(
            sql: """
                DELETE FROM logStreams WHERE id = ?1 AND isDeleted = 0 AND isKept = 0
                    AND NOT EXISTS (SELECT 1 FROM logEvents WHERE streamID = ?1)
                    AND NOT EXISTS (SELECT 1 FROM logSegmentStreams WHERE streamID = ?1)
                """
        )
        for stream in streams { try delete.execute(arguments: [stream]) }
    }

    /// Some events of a deleted stream: of rows, then of a segment, with those of other deleted streams; the stream itself at last.
    ///
    /// A damaged segment goes as a whole, and `onDamage` is told.
    private static func drop(
        stream: Int64,
        group: Int64,
        _ db: Database,
        onDamage: (LogStoreError) -> Void
    ) throws {
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT id, streamID, length(message) FROM logEvents WHERE streamID = ? LIMIT ?",
            arguments: [stream, eventsMax]
        )
        guard rows.isEmpty else {
            _ = try drop(rows, of: group, bytesMin: .max, db)
            return
        }
        guard
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT s.id, s.bytes, s.plainBytes, s.payload FROM logSegmentStreams l JOIN logSegments s
                    ON s.id = l.segmentID WHERE l.streamID = ? LIMIT 1
                    """,
                arguments: [stream]
            )
        else {
            try db.execute(sql: "DELETE FROM logStreams WHERE id = ?", arguments: [stream])
            return
        }
        let id: Int64 = try row.decode(atIndex: 0)
        let deleted = try Int64.fetchSet(
            db,
            sql: """
                SELECT l.streamID FROM logSegmentStreams l JOIN logStreams s ON s.id = l.streamID
                WHERE l.segmentID = ? AND s.isDeleted = 1
                """,
            arguments: [id]
        )
        let rest: LogSegment?
        do {
            rest = try LogSegment(payload: row.decode(atIndex: 3), plainBytes: row.decode(atIndex: 2))
                .without(streams: deleted)
        } catch {
            onDamage(LogStoreError(error))
            rest = nil
        }
        guard let rest else {
            _ = try drop(segment: id, of: group, db)
            return
        }
        let packed = try rest.packed()
        do {
            try db.execute(
                sql: "UPDATE logSegments SET events = ?, bytes = ?, plainBytes = ?, payload = ? WHERE id = ?",
                arguments: [rest.entries.count, rest.countedBytes, packed.plainBytes, packed.payload, id]
            )
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            onDamage(.changed("log segment \(id)"))
            _ = try drop(segment: id, of: group, db)
            return
        }
        let unlink = try db.cachedStatement(
            sql: "DELETE FROM logSegmentStreams WHERE streamID = ? AND segmentID = ?"
        )
        for stream in deleted { try unlink.execute(arguments: [stream, id]) }
        try uncount(countedBytes(row) - rest.countedBytes, unsealed: 0, of: group, db)
    }
}
