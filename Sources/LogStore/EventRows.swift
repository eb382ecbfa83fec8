// SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite

/// A query's rows of events, read where SQLite has them: half of the time that GRDB's cursors take, which matters to a million of them.
struct EventRows {
    /// In this order.
    static let columns = "id, streamID, timestamp, ingestionTime, message"

    private let statement: Statement
    /// Of the row that is next; nil behind the last.
    private(set) var key: EventKey?

    /// Before the first row.
    init(_ db: Database, sql: String, arguments: StatementArguments) throws {
        statement = try db.makeStatement(sql: sql)
        try statement.setArguments(arguments)
    }

    /// What was read of the row before is gone then; not to be called behind the last one.
    mutating func advance() throws {
        let row = statement.sqliteStatement
        switch sqlite3_step(row) {
        case SQLITE_ROW: key = EventKey(timestamp: sqlite3_column_int64(row, 2), id: sqlite3_column_int64(row, 0))
        case SQLITE_DONE: key = nil
        case let code where code & 0xFF == SQLITE_INTERRUPT: throw CancellationError()
        case let code:
            let message = sqlite3_errmsg(sqlite3_db_handle(row)).map { String(cString: $0) }
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }

    var stream: Int64 { sqlite3_column_int64(statement.sqliteStatement, 1) }

    var ingestionTime: Int64 { sqlite3_column_int64(statement.sqliteStatement, 3) }

    var message: UnsafeRawBufferPointer {
        let bytes = sqlite3_column_blob(statement.sqliteStatement, 4)
        return UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(statement.sqliteStatement, 4)))
    }
}
