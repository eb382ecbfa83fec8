// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import QueueCore

/// Queues' messages in the database, within one transaction.
struct SQLiteQueueTable: QueueTable {
    let db: Database
    /// Sealed, for the message that is put next.
    var content: [UInt8] = []
    private let onDamage: (Int64) -> Void

    /// `onDamage` is told of messages whose rows are not what was written: they can neither be given out nor grow old, and are dropped.
    init(_ db: Database, onDamage: @escaping (Int64) -> Void = { _ in }) {
        self.db = db
        self.onDamage = onDamage
    }

    private static let columns = """
        m.id, m.queue, m.messageID, m.sent, m.visible, m.isHeld, m.receives, m.firstReceived, m.lastReceived, m.groupKey, m.source
        """

    func messages(_ selection: MessageSelection, in queue: Int64, limit: Int) throws -> [QueuedMessage] {
        let sql: String
        var arguments: StatementArguments = [queue]
        switch selection {
        case .id(let id):
            sql = "FROM messages m WHERE m.queue = ? AND m.id = ?"
            arguments += [id]
        case .visible(let now):
            sql = "FROM messages m WHERE m.queue = ? AND m.visible <= ? ORDER BY m.visible, m.id"
            arguments += [now]
        case .headsOfGroups(let now):
            sql = """
                FROM messageGroups g JOIN messages m ON m.id =
                    (SELECT MIN(id) FROM messages WHERE queue = g.queue AND groupKey = g.groupKey)
                WHERE g.queue = ? AND g.freeAt <= ? ORDER BY g.freeAt, g.groupKey
                """
            arguments += [now]
        case .group(let group):
            sql = "FROM messages m WHERE m.queue = ? AND m.groupKey = ? ORDER BY m.id"
            arguments += [group.blob]
        case .heldInGroup(let group):
            sql = "FROM messages m WHERE m.queue = ? AND m.groupKey = ? AND m.isHeld = 1 ORDER BY m.visible DESC"
            arguments += [group.blob]
        case .sent(let until):
            sql = "FROM messages m WHERE m.queue = ? AND m.sent <= ? ORDER BY m.sent"
            arguments += [until]
        }
        arguments += [limit]
        let statement = try db.cachedStatement(sql: "SELECT \(Self.columns) \(sql) LIMIT ?")
        while true {
            var isDamaged = false
            let messages = try Row.fetchAll(statement, arguments: arguments).compactMap { row -> QueuedMessage? in
                do { return try Self.message(row) } catch {
                    isDamaged = true
                    let id: Int64 = try row.decode(atIndex: 0)
                    try remove(id)
                    onDamage(id)
                    return nil
                }
            }
            // Others take their places.
            if !isDamaged { return messages }
        }
    }

    private static func message(_ row: Row) throws -> QueuedMessage {
        QueuedMessage(
            id: Int64(try row.decode(UInt64.self, atIndex: 0)),
            queue: try row.decode(atIndex: 1),
            messageID: try row.decode(atIndex: 2),
            sent: try time(row, 3),
            visible: try time(row, 4),
            isHeld: try row.decode(atIndex: 5),
            receives: Int(try row.decode(UInt32.self, atIndex: 6)),
            firstReceived: try row.decode(Int64?.self, atIndex: 7),
            lastReceived: try row.hasNull(atIndex: 8) ? nil : time(row, 8),
            group: try row.decode(Data?.self, atIndex: 9).map { [UInt8]($0) },
            source: try row.decode(atIndex: 10)
        )
    }

    private static func time(_ row: Row, _ index: Int) throws -> Int64 {
        try Timestamp(stored: row.decode(atIndex: index)).millisecondsSinceEpoch
    }

    private func remove(_ id: Int64) throws {
        try change("DELETE FROM messages WHERE id = ?", [id])
        try change("DELETE FROM contents WHERE id = ?", [id])
    }

    @discardableResult
    mutating func put(_ message: QueuedMessage) throws -> Int64 {
        guard message.id == 0 else {
            try change(
                """
                UPDATE messages SET queue = ?, sent = ?, visible = ?, isHeld = ?, receives = ?, firstReceived = ?, lastReceived = ?,
                    source = ? WHERE id = ?
                """,
                [
                    message.queue, message.sent, message.visible, message.isHeld, message.receives,
                    message.firstReceived, message.lastReceived, message.source, message.id,
                ]
            )
            return message.id
        }
        try change(
            """
            INSERT INTO messages (queue, messageID, sent, visible, isHeld, receives, firstReceived, lastReceived, groupKey, source)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                message.queue, message.messageID, message.sent, message.visible, message.isHeld, message.receives,
                message.firstReceived, message.lastReceived, message.group?.blob, message.source,
            ]
        )
        let id = db.lastInsertedRowID
        try change("INSERT INTO contents (id, sealed) VALUES (?, ?)", [id, content.blob])
        return id
    }

    mutating func remove(_ message: QueuedMessage) throws { try remove(message.id) }

    mutating func setGroup(_ group: [UInt8], in queue: Int64, freeAt: Int64?) throws {
        guard let freeAt else {
            return try change("DELETE FROM messageGroups WHERE queue = ? AND groupKey = ?", [queue, group.blob])
        }
        try change(
            """
            INSERT INTO messageGroups (queue, groupKey, freeAt) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET freeAt = excluded.freeAt WHERE freeAt <> excluded.freeAt
            """,
            [queue, group.blob, freeAt]
        )
    }

    /// What is damaged is remembered no more.
    func remembered(_ key: [UInt8], in queue: Int64) throws -> RememberedMessage? {
        let statement = try db.cachedStatement(
            sql: "SELECT id, messageID, until FROM rememberedMessages WHERE queue = ? AND key = ?"
        )
        guard let row = try Row.fetchOne(statement, arguments: [queue, key.blob]),
            let id = try? row.decode(UInt64.self, atIndex: 0), let messageID = try? row.decode(String.self, atIndex: 1),
            let until = try? row.decode(Int64.self, atIndex: 2)
        else { return nil }
        return RememberedMessage(id: Int64(id), messageID: messageID, until: until)
    }

    mutating func remember(_ message: RememberedMessage, as key: [UInt8], in queue: Int64) throws {
        try change(
            "INSERT OR REPLACE INTO rememberedMessages (queue, key, id, messageID, until) VALUES (?, ?, ?, ?, ?)",
            [queue, key.blob, message.id, message.messageID, message.until]
        )
    }

    private func change(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

extension [UInt8] {
    /// As SQLite takes it.
    var blob: Data { Data(self) }
}
