// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel

/// Goes through a group's events in the order of their keys, or against it, merging rows and segments.
///
/// One segment is unpacked at a time.
struct LogScan {
    private let db: Database
    private let query: LogQuery
    private let group: Int64
    /// The first key that is wanted, and the first that is not any more.
    private let lower: EventKey
    private let upper: EventKey
    /// nil for all.
    private let wanted: Set<Int64>?
    /// What was looked up of streams: nil for one that is deleted.
    private var names: [Int64: String?] = [:]

    private var rows: EventRows
    private var segments: RowCursor
    private var segment: LogSegment?
    /// Of the segment's entry that is next.
    private var index = 0

    private var events: [StoredLogEvent] = []
    private var bytes = 0
    private var scannedEvents = 0
    private var scannedBytes = 0
    private var work = 0

    /// - Throws: `LogStoreError.noGroup`, or `noStream` for a stream that is named and not there.
    init(_ query: LogQuery, now: Timestamp, _ db: Database) throws {
        self.db = db
        self.query = query
        let group = try LogGroupRecord.existingID(of: query.group, db)
        self.group = group
        let days = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT retentionDays FROM logGroups WHERE id = ?"),
            arguments: [group]
        )
        let horizon = days.map { LogStore.horizon(days: $0, now: now) } ?? .min
        var lower = EventKey.start(of: max(query.start ?? .min, horizon))
        var upper = EventKey.start(of: query.end ?? .max)
        if let position = query.position?.key {
            if query.isBackward { upper = min(upper, position) } else { lower = max(lower, position) }
        }
        (self.lower, self.upper) = (lower, upper)
        wanted = try Self.streams(query.streams, group: group, db)
        rows = try Self.rows(of: group, wanted, from: lower, to: upper, query.isBackward, db)
        segments = try Self.segments(of: group, wanted, from: lower, to: upper, query.isBackward, db)
    }

    private static func streams(_ streams: LogQuery.Streams, group: Int64, _ db: Database) throws -> Set<Int64>? {
        switch streams {
        case .all: nil
        case .named(let names):
            Set(
                try names.map { name in
                    guard let id = try LogStreamRecord.id(of: name, group: group, db) else {
                        throw LogStoreError.noStream
                    }
                    return id
                }
            )
        case .beginning(let prefix):
            try Int64.fetchSet(
                db,
                sql: """
                    SELECT id FROM logStreams
                    WHERE groupID = ?1 AND isDeleted = 0 AND name >= ?2 AND substr(name, 1, length(?2)) = ?2
                    """,
                arguments: [group, prefix]
            )
        }
    }

    /// By the stream's own index where it is one, else by the group's: both give the order, so nothing is sorted.
    private static func rows(
        of group: Int64,
        _ wanted: Set<Int64>?,
        from lower: EventKey,
        to upper: EventKey,
        _ isBackward: Bool,
        _ db: Database
    ) throws -> EventRows {
        let only = wanted.flatMap { $0.count == 1 ? $0.first : nil }
        let order = isBackward ? "DESC" : "ASC"
        // Each row is compared with a bound, so none is compared with what is none.
        var conditions = "\(only == nil ? "groupID" : "streamID") = ?"
        var arguments: StatementArguments = [only ?? group]
        if lower > .start(of: .min) {
            conditions += " AND timestamp >= ? AND (timestamp > ? OR id >= ?)"
            arguments += [lower.timestamp, lower.timestamp, lower.id]
        }
        if upper < .start(of: .max) {
            conditions += " AND timestamp <= ? AND (timestamp < ? OR id < ?)"
            arguments += [upper.timestamp, upper.timestamp, upper.id]
        }
        return try EventRows(
            db,
            sql: """
                SELECT \(EventRows.columns) FROM logEvents
                WHERE \(conditions) ORDER BY timestamp \(order), id \(order)
                """,
            arguments: arguments
        )
    }

    private static func segments(
        of group: Int64,
        _ wanted: Set<Int64>?,
        from lower: EventKey,
        to upper: EventKey,
        _ isBackward: Bool,
        _ db: Database
    ) throws -> RowCursor {
        let order = isBackward ? "DESC" : "ASC"
        // They follow each other: the first one that may have something begins at the lower bound, or last before it.
        let first = try Row.fetchOne(
            db,
            sql: """
                SELECT firstTime, firstID FROM logSegments WHERE groupID = ?1 AND (firstTime, firstID) <= (?2, ?3)
                ORDER BY firstTime DESC, firstID DESC LIMIT 1
                """,
            arguments: [group, lower.timestamp, lower.id]
        ).map { EventKey(timestamp: try $0.decode(atIndex: 0), id: try $0.decode(atIndex: 1)) }
        let begin = first ?? lower
        // A few streams are in few segments; of more the segments tell themselves.
        let few = wanted.flatMap { $0.count <= 100 ? $0 : nil }
        let isNamed =
            few.map { streams in
                let list = streams.map(String.init).joined(separator: ", ")
                return """
                    AND EXISTS (SELECT 1 FROM logSegmentStreams l WHERE l.segmentID = s.id AND l.streamID IN (\(list)))
                    """
            } ?? ""
        return try Row.fetchCursor(
            db,
            sql: """
                SELECT s.plainBytes, s.payload FROM logSegments s
                WHERE s.groupID = ?1 AND (s.firstTime, s.firstID) >= (?2, ?3)
                    AND (s.firstTime, s.firstID) < (?4, ?5) AND (s.lastTime, s.lastID) >= (?6, ?7) \(isNamed)
                ORDER BY s.firstTime \(order), s.firstID \(order)
                """,
            arguments: [
                group, begin.timestamp, begin.id, upper.timestamp, upper.id, lower.timestamp, lower.id,
            ]
        )
    }

    // MARK: - Going through

    mutating func page() throws -> LogPage {
        try rows.advance()
        try nextSegment()
        var next = query.isBackward ? upper : lower
        while let key = nextKey {
            guard events.count < query.limit, scannedEvents < LogQuery.scannedEventsMax,
                scannedBytes < LogQuery.scannedBytesMax, work < LogQuery.workMax, try take(key)
            else { return page(next, hasMore: true) }
            next = query.isBackward ? key : key.successor
        }
        return page(next, hasMore: false)
    }

    private func page(_ next: EventKey, hasMore: Bool) -> LogPage {
        LogPage(
            events: query.isBackward ? events.reversed() : events,
            next: LogPosition(next),
            hasMore: hasMore
        )
    }

    private var segmentKey: EventKey? { segment?.entries[index].key }

    private var nextKey: EventKey? {
        guard let rowKey = rows.key else { return segmentKey }
        guard let segmentKey else { return rowKey }
        return query.isBackward ? max(rowKey, segmentKey) : min(rowKey, segmentKey)
    }

    /// Looks at the event with that key, which is the next one; false where it does not fit the page any more.
    private mutating func take(_ key: EventKey) throws -> Bool {
        if let segment, segment.entries[index].key == key {
            let entry = segment.entries[index]
            let fits = try segment.messages.withUnsafeBytes { messages in
                try consider(
                    key,
                    stream: entry.stream,
                    ingestionTime: entry.ingestionTime,
                    UnsafeRawBufferPointer(rebasing: messages[entry.range])
                )
            }
            if fits { try advance() }
            return fits
        }
        let row = rows
        let fits = try consider(key, stream: row.stream, ingestionTime: row.ingestionTime, row.message)
        if fits { try rows.advance() }
        return fits
    }

    private mutating func consider(
        _ key: EventKey,
        stream: Int64,
        ingestionTime: @autoclosure () -> Int64,
        _ message: UnsafeRawBufferPointer
    ) throws -> Bool {
        let isWanted = (wanted?.contains(stream) ?? true) && (query.matches?(message) ?? true)
        if isWanted, let name = try name(of: stream) {
            guard bytes + message.count <= query.bytesMax || events.isEmpty else { return false }
            bytes += message.count
            events.append(
                StoredLogEvent(
                    id: key.id,
                    stream: name,
                    timestamp: Timestamp(millisecondsSinceEpoch: key.timestamp),
                    ingestionTime: Timestamp(millisecondsSinceEpoch: ingestionTime()),
                    message: String(decoding: message, as: UTF8.self)
                )
            )
        }
        scannedEvents += 1
        scannedBytes += message.count
        work += (message.count + LogQuery.eventWorkBytes) * query.cost
        return true
    }

    /// nil for one that is deleted.
    private mutating func name(of stream: Int64) throws -> String? {
        if let known = names[stream] { return known }
        let name = try String.fetchOne(
            db.cachedStatement(sql: "SELECT name FROM logStreams WHERE id = ? AND isDeleted = 0"),
            arguments: [stream]
        )
        names[stream] = .some(name)
        return name
    }

    // MARK: - Segments

    private mutating func advance() throws {
        index += query.isBackward ? -1 : 1
        guard let segment, !segment.entries.indices.contains(index) || !isInside(segment.entries[index].key) else {
            return
        }
        try nextSegment()
    }

    private func isInside(_ key: EventKey) -> Bool { lower <= key && key < upper }

    /// The next one with an event in the bounds, unpacked; none at the end.
    private mutating func nextSegment() throws {
        segment = nil
        while segment == nil, let row = try segments.next() {
            let next = try LogSegment(payload: row.decode(atIndex: 1), plainBytes: row.decode(atIndex: 0))
            guard let first = Self.first(in: next.entries, from: query.isBackward ? upper : lower, query.isBackward),
                isInside(next.entries[first].key)
            else { continue }
            segment = next
            index = first
        }
    }

    /// The first entry at or behind a key, or the last one before it.
    private static func first(in entries: [LogSegment.Entry], from key: EventKey, _ isBackward: Bool) -> Int? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        let found = isBackward ? low - 1 : low
        return entries.indices.contains(found) ? found : nil
    }
}
