// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import Synchronization
import Testing

@testable import LogStore

/// A store in a directory that goes away with the test, and a clock that stands at 5 s until it is moved.
final class Fixture: Sendable {
    let path: String
    private let time = Mutex<Int64>(5_000)

    init() throws {
        path = NSTemporaryDirectory() + "martlet-logs-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    var now: Int64 { time.withLock { $0 } }

    func move(to milliseconds: Int64) { time.withLock { $0 = milliseconds } }

    func open(
        retention: LogRetention = LogRetention(),
        pagesMax: Int? = nil,
        reserveBytes: Int = 0,
        onBackgroundFailure: @escaping @Sendable (LogStoreError) -> Void = { Issue.record($0) }
    ) throws -> LogStore {
        try LogStore(
            directory: path,
            retention: retention,
            pagesMax: pagesMax,
            reserveBytes: reserveBytes,
            // However busy the machine is.
            writeMax: .seconds(3_600),
            now: { [self] in Timestamp(now) },
            onBackgroundFailure: onBackgroundFailure
        )
    }

    static let databaseFiles = ["logs.sqlite", "logs.sqlite-wal"]
    static let journalFiles = ["logs-0.journal", "logs-1.journal"]

    /// Takes files of another directory as they are, in the place of its own.
    func copy(_ names: [String], from other: Fixture) throws {
        for name in names {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
            try FileManager.default.copyItem(atPath: "\(other.path)/\(name)", toPath: "\(path)/\(name)")
        }
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}

let group = LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "/aws/lambda/f")

func event(_ time: Int64, _ message: String) -> LogEvent { LogEvent(timestamp: Timestamp(time), message: message) }

func entry(_ events: [LogEvent], stream: String = "s", group: LogGroupKey = group) -> JournalEntry {
    JournalEntry(group: group, stream: stream, events: events, usage: nil)
}

/// The same: `LogStore` has a method of that name.
private let ownGroup = group

extension LogStore {
    /// All that a query finds, page by page; backward, the last page comes first.
    func all(_ query: LogQuery) async throws -> [StoredLogEvent] {
        var query = query
        var pages: [[StoredLogEvent]] = []
        while true {
            let page = try await page(query)
            #expect(page.events.count <= query.limit)
            pages.append(page.events)
            query.position = page.next
            guard page.hasMore else { break }
        }
        return Array((query.isBackward ? pages.reversed() : pages).joined())
    }

    func messages(
        _ group: LogGroupKey = ownGroup,
        stream: String? = nil,
        from start: Int64? = nil,
        to end: Int64? = nil,
        pageSize: Int = 10_000
    ) async throws -> [String] {
        var query = LogQuery(group: group)
        if let stream { query.streams = .named([stream]) }
        (query.start, query.end, query.limit) = (start, end, pageSize)
        return try await all(query).map(\.message)
    }

    /// Waits for what runs in the background, two minutes or more.
    func eventually(_ condition: (Database) throws -> Bool) async throws {
        for _ in 0..<12_000 {
            if try pool.read(condition) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("did not happen")
    }

    func count(_ table: String) async throws -> Int {
        try await pool.read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \(table)") ?? 0 }
    }
}

extension Timestamp {
    init(_ milliseconds: Int64) { self.init(millisecondsSinceEpoch: milliseconds) }
}
