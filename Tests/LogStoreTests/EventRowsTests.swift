// SPDX-License-Identifier: Apache-2.0
import GRDB
import Testing

@testable import LogStore

struct EventRowsTests {
    @Test func `rows are read in their order, and a query that is interrupted ends as cancelled`() throws {
        let database = try DatabaseQueue()
        let sql = "SELECT 7, 3, 100, 200, x'6162' UNION ALL SELECT 8, 4, 101, 201, x''"
        try database.read { db in
            var rows = try EventRows(db, sql: sql, arguments: [])
            try rows.advance()
            #expect(rows.key == EventKey(timestamp: 100, id: 7))
            #expect(rows.stream == 3 && rows.ingestionTime == 200 && Array(rows.message) == Array("ab".utf8))
            try rows.advance()
            #expect(rows.key == EventKey(timestamp: 101, id: 8) && rows.message.isEmpty)
            try rows.advance()
            #expect(rows.key == nil)
        }
        try database.read { db in
            var rows = try EventRows(db, sql: sql, arguments: [])
            try rows.advance()
            database.interrupt()
            #expect(throws: CancellationError.self) { try rows.advance() }
        }
    }
}
