// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import LambdaModel
import Synchronization
import Testing

@testable import LogStore

private final class Failures: Sendable {
    private let state = Mutex<[LogStoreError]>([])
    var all: [LogStoreError] { state.withLock { $0 } }
    func add(_ error: LogStoreError) { state.withLock { $0.append(error) } }
}

/// Nobody waits by it.
private struct HastyClock: Clock {
    var now: ContinuousClock.Instant { .now }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
    }
}

extension LogStore {
    /// Into the journal, and back when it has called back; `isAtOnce` is whether it did in the call.
    @discardableResult
    fileprivate func store(_ entry: JournalEntry) async throws -> Bool {
        let isReturned = Mutex(false)
        return try await withCheckedThrowingContinuation { continuation in
            journal(entry) { result in
                let isAtOnce = isReturned.withLock { !$0 }
                continuation.resume(with: result.map { isAtOnce }.mapError { $0 as any Error })
            }
            isReturned.withLock { $0 = true }
        }
    }

    fileprivate var rowCount: Int { get async throws { try await count("logEvents") } }
}

struct JournalTests {
    @Test func `an entry in the journal is in the file, not in the database, and read by everybody`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let arrivals = store.arrivals
        for index in 0..<10 {
            #expect(try await store.store(entry([event(Int64(index), "\(index)")], stream: "s\(index)")))
        }
        #expect(store.arrivals == arrivals + 10)
        #expect(try await store.rowCount == 0)
        #expect(JournalScan(try fixture.bytes("logs-0.journal")).found.count == 10)
        #expect(try await store.messages() == (0..<10).map(String.init))
        #expect(try await store.rowCount == 10)
        try await store.store(entry([event(20, "20")], stream: "new"))
        #expect(try await store.hasStream("new", in: group))
        var other = group
        other.name = "other"
        try await store.store(entry([event(1, "x")], group: other))
        #expect(try await store.group(other)?.key == other)
        try await store.store(entry([event(2, "y")], group: other))
        let new = try await store.events(after: 11, in: [other])
        #expect(new.events.map(\.event.message) == ["x", "y"] && !new.isIncomplete)
        try await store.store(JournalEntry(group: group, stream: "s", events: [], usage: usage("r")))
        let period = Timestamp(0)..<Timestamp(10_000)
        let query = UsageQuery(accountID: group.accountID, region: group.region, period: period)
        let lines = try await store.usage(query)
        #expect(lines.map(\.requests) == [1])
        try await store.store(entry([event(3, "z")], stream: "late", group: other))
        await #expect(throws: LogStoreError.exists) { try await store.createStream("late", in: other) }
        fixture.move(to: 9_000)
        try await store.store(entry([event(4, "last")], stream: "late", group: other))
        fixture.move(to: 10_000)
        let streams = try await store.streams(
            of: other,
            prefix: "late",
            byLastEvent: false,
            descending: false,
            after: nil,
            limit: 10
        )
        #expect(streams.map(\.lastIngestionTime) == [Timestamp(9_000)])
        #expect(streams.map(\.lastEventTime) == [Timestamp(4)])
        #expect(streams.map(\.firstEventTime) == [Timestamp(3)])
    }

    @Test func `what is deleted does not come back out of the journal`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.store(entry([event(1, "old")]))
        #expect(try await store.deleteGroup(group))
        await #expect(throws: LogStoreError.noGroup) { try await store.messages() }
        try await store.store(entry([event(2, "new")], stream: "a"))
        try await store.store(entry([event(3, "gone")], stream: "b"))
        try await store.deleteStream("b", in: group)
        #expect(try await store.messages() == ["new"])
    }

    @Test func `a kill loses nothing, and what is in the database too is there once`() async throws {
        let (fixture, early, late) = (try Fixture(), try Fixture(), try Fixture())
        let store = try fixture.open()
        for index in 0..<5 { try await store.store(entry([event(Int64(index), "\(index)")])) }
        try await store.store(JournalEntry(group: group, stream: "s", events: [], usage: usage("r")))
        try early.copy(Fixture.databaseFiles + Fixture.journalFiles, from: fixture)
        #expect(try await store.messages().count == 5)
        // Committed, and the file not emptied yet.
        try late.copy(Fixture.databaseFiles + Fixture.journalFiles, from: fixture)
        #expect(!(try late.bytes("logs-0.journal")).isEmpty)
        for copy in [early, late] {
            for _ in 0..<2 {
                let copied = try copy.open()
                #expect(try await copied.messages() == (0..<5).map(String.init))
                #expect(try await copied.count("usageRecords") == 1)
                try await copied.eventually { db in try Totals.journalSequence(db) >= 6 }
            }
            let copied = try copy.open()
            try await copied.store(entry([event(6, "more")]))
            #expect(try await copied.messages().last == "more")
        }
    }

    @Test func `an end that is torn is left out, damage is put aside and told, and what is before it is kept`()
        async throws
    {
        let fixture = try Fixture()
        let store = try fixture.open()
        for index in 0..<5 { try await store.store(entry([event(Int64(index), "\(index)")])) }
        let bytes = try fixture.bytes("logs-0.journal")
        let frameBytes = bytes.count / 5
        var wrong = bytes
        wrong[2 * frameBytes + 40] ^= 1
        for (content, isDamaged) in [(Array(bytes[..<(2 * frameBytes + 40)]), false), (wrong, true)] {
            let copy = try Fixture()
            try copy.copy(Fixture.databaseFiles, from: fixture)
            try Data(content).write(to: URL(fileURLWithPath: "\(copy.path)/logs-0.journal"))
            let failures = Failures()
            let copied = try copy.open(onBackgroundFailure: { failures.add($0) })
            #expect(try await copied.messages() == ["0", "1"])
            let path = "\(copy.path)/logs-0.journal.damaged"
            #expect(failures.all == (isDamaged ? [.damagedJournal(bytes: 3 * frameBytes, path: path)] : []))
            #expect(FileManager.default.fileExists(atPath: path) == isDamaged)
            if isDamaged {
                #expect(try copy.bytes("logs-0.journal.damaged") == Array(wrong[(2 * frameBytes)...]))
                // What was put aside is kept, however often there is damage.
                let again = try Fixture()
                try again.copy(Fixture.databaseFiles, from: fixture)
                try again.copy(["logs-0.journal.damaged"], from: copy)
                try Data(wrong).write(to: URL(fileURLWithPath: "\(again.path)/logs-0.journal"))
                let second = try again.open(onBackgroundFailure: { failures.add($0) })
                #expect(try await second.messages() == ["0", "1"])
                #expect(
                    failures.all.last
                        == .damagedJournal(bytes: 3 * frameBytes, path: "\(again.path)/logs-0.journal.damaged-2")
                )
            }
            try await copied.store(entry([event(9, "9")]))
            #expect(try await copied.messages() == ["0", "1", "9"])
        }
    }

    @Test func `a large entry waits for the database, and is in its place`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.store(entry([event(1, "before")]))
        let large = String(repeating: "x", count: JournalFiles.frameBytesMax)
        try await store.store(entry([event(1, large)]))
        #expect(try await store.rowCount == 2)
        try await store.store(entry([event(1, "behind")]))
        #expect(try await store.messages() == ["before", large, "behind"])
        let events = [event(1, String(repeating: "x", count: 16_777_216))]
        await #expect(throws: LogStoreError.entryTooLarge(bytes: 16_777_242)) {
            try await store.store(entry(events))
        }
    }

    @Test func `many at once from many tasks are all there, each task's in its order`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in 0..<8 {
                tasks.addTask {
                    for index in 0..<1_000 {
                        try await store.store(entry([event(0, "\(task) \(index)")], stream: "stream \(task)"))
                    }
                }
            }
            try await tasks.waitForAll()
        }
        for task in 0..<8 {
            #expect(try await store.messages(stream: "stream \(task)") == (0..<1_000).map { "\(task) \($0)" })
        }
        #expect(try await store.rowCount == 8_000)
    }

    @Test func `in time all is in the database, and the files are empty`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let folding = Task { await store.fold(by: HastyClock()) }
        for round in 0..<3 {
            for index in 0..<10 { try await store.store(entry([event(Int64(index), "\(round)")])) }
            try await store.eventually { db in
                let isEmpty = try Fixture.journalFiles.allSatisfy { try fixture.bytes($0).isEmpty }
                return try isEmpty && Int.fetchOne(db, sql: "SELECT COUNT(*) FROM logEvents") == 10 * (round + 1)
            }
        }
        try await store.store(entry([event(1, "last")]))
        folding.cancel()
        await folding.value
        #expect(try await store.rowCount == 31)
    }

    @Test func `a file is emptied after a commit that was synced, though a reader had all written before`() async throws
    {
        let fixture = try Fixture()
        let store = try fixture.open()
        try await store.store(entry([event(1, "a")]))
        #expect(try await store.messages() == ["a"])
        // SQLite syncs none that changes nothing.
        let before = try fixture.bytes("logs.sqlite-wal")
        let folding = Task { await store.fold(by: HastyClock()) }
        try await store.eventually { _ in try Fixture.journalFiles.allSatisfy { try fixture.bytes($0).isEmpty } }
        #expect(try fixture.bytes("logs.sqlite-wal") != before)
        folding.cancel()
        await folding.value
    }

    @Test func `names that look the same are not`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open()
        let names = ["\u{E9}", "e\u{301}"]
        for name in names { try await store.store(entry([event(1, "\(name.utf8.count)")], stream: name)) }
        #expect(try await store.messages(stream: names[0]) == ["2"])
        #expect(try await store.messages(stream: names[1]) == ["3"])
    }

    @Test func `a database that is full loses nothing of the journal, and takes it when there is room`() async throws {
        let fixture = try Fixture()
        let failures = Failures()
        var stored: [String] = []
        let store = try fixture.open(pagesMax: 60, onBackgroundFailure: { failures.add($0) })
        try await store.append(entry([event(-1, "first")]))
        stored.append("first")
        for index in 0..<300 {
            try await store.store(entry([event(Int64(index), "\(index) " + String(repeating: "x", count: 3_000))]))
            stored.append("\(index)")
        }
        await #expect(throws: LogStoreError.diskFull) { try await store.messages() }
        let period = Timestamp(0)..<Timestamp(10_000)
        let query = UsageQuery(accountID: group.accountID, region: group.region, period: period)
        // Nor is what there is taken for all.
        await #expect(throws: LogStoreError.diskFull) { try await store.usage(query) }
        await #expect(throws: LogStoreError.diskFull) { try await store.events(after: 0, in: [group]) }
        #expect(failures.all == [.diskFull])
        await #expect(throws: LogStoreError.diskFull) { try await store.append(entry([event(0, "refused")])) }
        await #expect(throws: LogStoreError.diskFull) { try await store.deleteGroup(group) }
        #expect(failures.all == [.diskFull])
        let copy = try Fixture()
        try copy.copy(Fixture.databaseFiles + Fixture.journalFiles, from: fixture)
        let roomy = try copy.open()
        #expect(try await roomy.messages().map { String($0.prefix { $0 != " " }) } == stored)
    }
}
