// SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite
import LambdaModel

/// Inserts rows of events, bound where SQLite takes them: an invocation has as many as it wrote lines.
struct EventInsertion {
    private let statement: Statement

    init(_ db: Database) throws {
        statement = try db.cachedStatement(
            sql: """
                INSERT INTO logEvents (groupID, streamID, timestamp, ingestionTime, message) VALUES (?, ?, ?, ?, ?)
                """
        )
    }

    func insert(_ event: LogEvent, group: Int64, stream: Int64, ingestionTime: Int64) throws {
        let row = statement.sqliteStatement
        sqlite3_reset(row)
        sqlite3_bind_int64(row, 1, group)
        sqlite3_bind_int64(row, 2, stream)
        sqlite3_bind_int64(row, 3, event.timestamp.millisecondsSinceEpoch)
        sqlite3_bind_int64(row, 4, ingestionTime)
        var text = event.message
        try text.withUTF8 { bytes in
            // Not copied, and not bound any more when it goes; without an address it would be NULL.
            if bytes.isEmpty {
                sqlite3_bind_zeroblob(row, 5, 0)
            } else {
                sqlite3_bind_blob(row, 5, bytes.baseAddress, CInt(bytes.count), nil)
            }
            defer {
                sqlite3_reset(row)
                sqlite3_clear_bindings(row)
            }
            let code = sqlite3_step(row)
            guard code != SQLITE_DONE else { return }
            let message = sqlite3_errmsg(sqlite3_db_handle(row)).map { String(cString: $0) }
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }
}
