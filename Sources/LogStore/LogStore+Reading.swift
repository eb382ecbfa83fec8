// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel

extension LogStore {
    /// A page ends before it grows beyond this, once it holds an event.
    static let pageBytesMax = 4_194_304

    /// One page of a group's events, in the order of their timestamps, then of ingestion.
    ///
    /// Only `stream`'s, nil for all; `startTime` is the earliest timestamp, `endTime` the first that is not wanted any
    /// more; `limit` is 1 to 10,000. A group or stream that does not exist has no events. `cursor` is the one that came
    /// with the page before, nil for the first page and when nothing follows now. A forged one is refused with
    /// `LogStoreError.invalidCursor` or reads other events of the same group, never another group's.
    package func events(
        _ group: LogGroupKey,
        stream: String?,
        startTime: Timestamp?,
        endTime: Timestamp?,
        after cursor: String?,
        limit: Int
    ) async throws -> (events: [StoredLogEvent], cursor: String?) {
        let position = try cursor.map { try EventCursor($0) }
        let start = startTime?.millisecondsSinceEpoch ?? .min
        let query = EventQuery(
            group: group,
            stream: stream,
            start: start,
            end: endTime?.millisecondsSinceEpoch,
            after: position ?? EventCursor(timestamp: start, id: 0),
            limit: min(max(limit, 1), 10_000)
        )
        do {
            let page = try await pool.read { db in try query.run(db) }
            return (page.events, page.hasMore ? page.events.last.map { EventCursor($0).text } : nil)
        } catch let error as DatabaseError {
            throw LogStoreError(error)
        }
    }

    /// What was used by invocations that started at or after `start` and before `end`, ordered by function, version,
    /// memory and architecture.
    package func usage(
        from start: Timestamp,
        to end: Timestamp,
        accountID: String,
        region: String
    ) async throws -> [UsageLine] {
        do {
            return try await pool.read { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT functionName, version, memoryMiB, architecture,
                            SUM(outcome <> 'init') AS requests,
                            SUM(billedMilliseconds) AS billedMilliseconds,
                            SUM(memoryMiB * billedMilliseconds) AS memory,
                            SUM(MAX(ephemeralStorageMiB - 512, 0) * billedMilliseconds) AS ephemeral,
                            SUM(COALESCE(initMicroseconds, 0)) AS initMicroseconds,
                            SUM(egressBytes) AS egressBytes,
                            SUM(ingressBytes) AS ingressBytes,
                            SUM(outcome NOT IN ('success', 'timeout', 'init')) AS errors,
                            SUM(outcome = 'timeout') AS timeouts
                        FROM usageRecords
                        WHERE accountID = ? AND region = ? AND startedAt >= ? AND startedAt < ?
                        GROUP BY functionName, version, memoryMiB, architecture
                        ORDER BY functionName, version, memoryMiB, architecture
                        """,
                    arguments: [accountID, region, start.millisecondsSinceEpoch, end.millisecondsSinceEpoch]
                ).map { try UsageLine($0, accountID: accountID, region: region) }
            }
        } catch let error as DatabaseError {
            throw LogStoreError(error)
        }
    }
}

/// A place in a group's events: after the event with this timestamp and id.
struct EventCursor: Equatable {
    var timestamp: Int64
    var id: Int64

    init(timestamp: Int64, id: Int64) {
        self.timestamp = timestamp
        self.id = id
    }

    init(_ event: StoredLogEvent) { self.init(timestamp: event.timestamp.millisecondsSinceEpoch, id: event.id) }

    /// Only what `text` writes, to the letter.
    init(_ text: String) throws {
        let parts = text.utf8.count <= 64 ? text.split(separator: "/", omittingEmptySubsequences: false) : []
        guard parts.count == 3, parts[0] == "1", let timestamp = Int64(parts[1]), let id = Int64(parts[2]), id >= 0
        else { throw LogStoreError.invalidCursor }
        self.init(timestamp: timestamp, id: id)
        guard self.text == text else { throw LogStoreError.invalidCursor }
    }

    var text: String { "1/\(timestamp)/\(id)" }
}

private struct EventQuery: Sendable {
    var group: LogGroupKey
    var stream: String?
    var start: Int64
    var end: Int64?
    var after: EventCursor
    var limit: Int

    func run(_ db: Database) throws -> (events: [StoredLogEvent], hasMore: Bool) {
        var arguments: StatementArguments = [group.accountID, group.region, group.name]
        var conditions = """
            g.accountID = ? AND g.region = ? AND g.name = ? AND g.isDeleted = 0
            """
        if let stream {
            conditions += " AND s.name = ?"
            arguments += [stream]
        }
        conditions += " AND e.timestamp >= ? AND (e.timestamp > ? OR e.id > ?) AND e.timestamp >= ?"
        arguments += [after.timestamp, after.timestamp, after.id, start]
        if let end {
            conditions += " AND e.timestamp < ?"
            arguments += [end]
        }
        arguments += [limit + 1]
        // The stream's index where one is named, else the group's: both give the order, so nothing is sorted.
        let from =
            stream == nil
            ? "logGroups g CROSS JOIN logEvents e ON e.groupID = g.id CROSS JOIN logStreams s ON s.id = e.streamID"
            : "logGroups g CROSS JOIN logStreams s ON s.groupID = g.id CROSS JOIN logEvents e ON e.streamID = s.id"
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT e.id, s.name, e.timestamp, e.ingestionTime, e.message FROM \(from)
                WHERE \(conditions) ORDER BY e.timestamp, e.id LIMIT ?
                """,
            arguments: arguments
        )
        var events: [StoredLogEvent] = []
        var bytes = 0
        while let row = try rows.next() {
            let message: Data = row[4]
            bytes += message.count
            if events.count == limit || (bytes > LogStore.pageBytesMax && !events.isEmpty) { return (events, true) }
            events.append(
                StoredLogEvent(
                    id: row[0],
                    stream: row[1],
                    timestamp: Timestamp(millisecondsSinceEpoch: row[2]),
                    ingestionTime: Timestamp(millisecondsSinceEpoch: row[3]),
                    message: String(decoding: message, as: UTF8.self)
                )
            )
        }
        return (events, false)
    }
}

extension UsageLine {
    fileprivate init(_ row: Row, accountID: String, region: String) throws {
        guard let architecture = Architecture(rawValue: row["architecture"]) else {
            throw LogStoreError.failed(message: "a usage record names an unknown architecture")
        }
        self.architecture = architecture
        function = FunctionKey(accountID: accountID, region: region, name: row["functionName"])
        version = row["version"]
        memoryMiB = row["memoryMiB"]
        requests = row["requests"]
        billedMilliseconds = row["billedMilliseconds"]
        memoryMebibyteMilliseconds = row["memory"]
        ephemeralMebibyteMilliseconds = row["ephemeral"]
        initMilliseconds = (row["initMicroseconds"] as Int64) / 1_000
        egressBytes = row["egressBytes"]
        ingressBytes = row["ingressBytes"]
        errors = row["errors"]
        timeouts = row["timeouts"]
    }
}
