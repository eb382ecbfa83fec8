// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
package import LambdaModel

/// A log group as it is shown.
package struct LogGroupRecord: Equatable, Sendable {
    package var key: LogGroupKey
    package var createdAt: Timestamp
    /// How long events are kept; nil for ever.
    package var retentionDays: Int?
    /// AWS's word for its class.
    package var logClass: String
    /// As `JournalEntry` counts, whatever is compressed.
    package var bytes: Int64
    package var tags: [String: String]

    static let columns = "accountID, region, name, createdAt, retentionDays, class, bytes, tags"

    init(_ row: Row) throws {
        do {
            key = LogGroupKey(
                accountID: try row.decode(forColumn: "accountID"),
                region: try row.decode(forColumn: "region"),
                name: try row.decode(forColumn: "name")
            )
            createdAt = try Timestamp(stored: row.decode(forColumn: "createdAt"))
            retentionDays = try row.decode(forColumn: "retentionDays")
            logClass = try row.decode(forColumn: "class")
            bytes = try row.decode(forColumn: "bytes")
            tags = try JSONDecoder().decode(
                [String: String].self,
                from: Data(row.decode(String.self, forColumn: "tags").utf8)
            )
        } catch {
            throw LogStoreError.changed("log group \((try? row.decode(String.self, forColumn: "name")) ?? "")")
        }
    }

    static func text(of tags: [String: String]) throws -> String {
        String(decoding: try JSONEncoder().encode(tags), as: UTF8.self)
    }

    static func id(of group: LogGroupKey, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: "SELECT id FROM logGroups WHERE accountID = ? AND region = ? AND name = ? AND isDeleted = 0"
            ),
            arguments: [group.accountID, group.region, group.name]
        )
    }

    /// - Throws: `LogStoreError.noGroup`.
    static func existingID(of group: LogGroupKey, _ db: Database) throws -> Int64 {
        guard let id = try id(of: group, db) else { throw LogStoreError.noGroup }
        return id
    }
}

/// A log stream as it is shown; times are nil where it has had no events.
package struct LogStreamRecord: Equatable, Sendable {
    package var name: String
    package var createdAt: Timestamp
    package var firstEventTime: Timestamp?
    package var lastEventTime: Timestamp?
    package var lastIngestionTime: Timestamp?

    init(_ row: Row) throws {
        func time(_ column: String) throws -> Timestamp? {
            let milliseconds: Int64 = try row.decode(forColumn: column)
            return milliseconds < 0 ? nil : try Timestamp(stored: milliseconds)
        }
        do {
            name = try row.decode(forColumn: "name")
            createdAt = try Timestamp(stored: row.decode(forColumn: "createdAt"))
            firstEventTime = try time("firstEventTime")
            lastEventTime = try time("lastEventTime")
            lastIngestionTime = try time("lastIngestionTime")
        } catch {
            throw LogStoreError.changed("log stream \((try? row.decode(String.self, forColumn: "name")) ?? "")")
        }
    }

    static func id(of name: String, group: Int64, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM logStreams WHERE groupID = ? AND name = ? AND isDeleted = 0"),
            arguments: [group, name]
        )
    }
}

/// Behind which stream a listing goes on.
package struct LogStreamPlace: Equatable, Sendable {
    package var name: String
    /// Of streams in the order of their last events; those without any come first, at -1.
    package var lastEventTime: Int64

    package init(name: String, lastEventTime: Int64) {
        self.name = name
        self.lastEventTime = lastEventTime
    }

    package init(_ stream: LogStreamRecord) {
        self.init(name: stream.name, lastEventTime: stream.lastEventTime?.millisecondsSinceEpoch ?? -1)
    }
}
