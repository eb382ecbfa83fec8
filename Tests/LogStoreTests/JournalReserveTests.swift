// SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Glibc
import LambdaModel
import Testing

@testable import LogStore

struct JournalReserveTests {
    private static let reserve = 1 << 20

    /// Whether it was stored.
    private func store(_ entry: JournalEntry, in store: LogStore) async -> Bool {
        await withCheckedContinuation { continuation in
            store.journal(entry) { result in
                if case .success = result {
                    continuation.resume(returning: true)
                } else {
                    continuation.resume(returning: false)
                }
            }
        }
    }

    /// What a file has of the disk.
    private func blocks(_ fixture: Fixture, _ name: String) throws -> Int {
        var status = stat()
        try #require(stat("\(fixture.path)/\(name)", &status) == 0)
        return Int(status.st_blocks) * 512
    }

    private func files(_ bytes: (Int, Int), reserved: (Int, Int)) -> JournalFiles {
        JournalFiles(
            JournalFiles.File(bytes: bytes.0, last: 2, salt: 1, reserved: reserved.0),
            JournalFiles.File(bytes: bytes.1, last: 1, salt: 2, reserved: reserved.1),
            folded: 0,
            reserve: 1_000
        )
    }

    @Test func `half of the reserve is for what runs already, and frames go where the disk has kept room`() {
        #expect(files((400, 600), reserved: (1_000, 1_000)).hasRoom)
        #expect(!files((400, 601), reserved: (1_000, 1_000)).hasRoom)
        #expect(files((0, 500), reserved: (1_000, 0)).hasRoom)
        #expect(!files((1, 500), reserved: (1_000, 0)).hasRoom)
        var full = files((400, 900), reserved: (1_000, 1_000))
        let first = full.place(bytes: 600, isFailing: true)
        #expect(first == JournalFiles.Place(file: 0, offset: 400, sequence: 3, salt: 1, keptBytes: 1_000))
        if let first { full.wrote(first, bytes: 600) }
        let second = full.place(bytes: 100, isFailing: true)
        #expect(second == JournalFiles.Place(file: 1, offset: 900, sequence: 4, salt: 2, keptBytes: 1_000))
        if let second { full.wrote(second, bytes: 100) }
        // Who knows: the disk may have more.
        #expect(full.place(bytes: 100, isFailing: true)?.offset == 1_000)
        // A file that the database has may be being emptied.
        #expect(files((JournalFiles.bytesMax, 0), reserved: (0, 0)).place(bytes: 1, isFailing: false) == nil)
    }

    @Test func `lines leave a quarter of the reserve to records of use, where the database takes nothing`() {
        let last = files((600, 900), reserved: (1_000, 1_000))
        for (isFailing, isRefused) in [(false, false), (false, true), (true, false), (true, true)] {
            var queue = JournalQueue(files: files((400, 900), reserved: (1_000, 1_000)), folded: 0)
            if isFailing { _ = queue.lost() }
            let isShort = isFailing || isRefused
            #expect(queue.place(frameBytes: 200, hasLines: true, isRefused: isRefused) != nil)
            #expect((queue.place(frameBytes: 201, hasLines: true, isRefused: isRefused) == nil) == isShort)
            queue = JournalQueue(files: last, folded: 0)
            if isFailing { _ = queue.lost() }
            #expect((queue.place(frameBytes: 1, hasLines: true, isRefused: isRefused) == nil) == isShort)
            #expect(queue.place(frameBytes: 400, isRefused: isRefused) != nil)
        }
        #expect(files((0, 0), reserved: (0, 0)).hasRoomForLines(bytes: 1) == false)
        #expect(JournalFiles.empty.hasRoomForLines(bytes: 1 << 20))
    }

    @Test func `where nothing is taken, and nothing is in the journal, no more is promised until a commit`() {
        var queue = JournalQueue(files: files((0, 0), reserved: (0, 0)), folded: 2)
        #expect(queue.hasRoom)
        let losses = [queue.lost(), queue.lost()]
        #expect(losses.map(\.isFirst) == [true, false] && losses.map(\.setsAlarm) == [true, false])
        #expect(!queue.hasRoom)
        for isTaken in [false, true] {
            let isScheduled = queue.fold()
            let batch = queue.takeBatch()
            #expect(isScheduled && batch.isSynced && batch.taken.isEmpty)
            if isTaken { _ = queue.committed() } else { _ = queue.failed() }
            #expect(queue.hasRoom == isTaken)
            let next = queue.endFlush()
            #expect(!next.goesOn && next.setsAlarm == !isTaken)
        }
    }

    @Test func `the disk keeps the reserve from the start, after files were emptied, and over a restart`() async throws
    {
        let fixture = try Fixture()
        for round in 0..<2 {
            let store = try fixture.open(reserveBytes: Self.reserve)
            for name in Fixture.journalFiles {
                #expect(try fixture.bytes(name).count == Self.reserve / 2 && blocks(fixture, name) >= Self.reserve / 2)
            }
            #expect(await self.store(entry([event(1, "\(round)")]), in: store))
            let folding = Task { await store.fold(by: ContinuousClock()) }
            try await store.eventually { _ in
                try Fixture.journalFiles.allSatisfy { JournalScan(try fixture.bytes($0)).found.isEmpty }
            }
            folding.cancel()
            await folding.value
            // Nothing of it is still to be done when the next one opens the files.
            for _ in 0..<2 { try await store.pool.write { _ in } }
            for name in Fixture.journalFiles {
                #expect(try blocks(fixture, name) >= Self.reserve / 2)
                #expect(try fixture.bytes(name) == [UInt8](repeating: 0, count: Self.reserve / 2))
            }
            #expect(await self.store(entry([event(2, "killed \(round)")]), in: store))
            #expect(store.hasRoom)
        }
        #expect(try await fixture.open().messages() == ["0", "1", "killed 0", "killed 1"])
    }

    @Test func `while the database takes nothing, as much is taken as was promised, and then no more invocations`()
        async throws
    {
        let fixture = try Fixture()
        let store = try fixture.open(pagesMax: 60, reserveBytes: Self.reserve, onBackgroundFailure: { _ in })
        var stored: [String] = []
        func add(_ bytes: Int) async {
            stored.append("\(stored.count)")
            let message = stored[stored.count - 1] + " " + String(repeating: "x", count: bytes)
            #expect(await self.store(entry([event(Int64(stored.count), message)]), in: store))
        }
        while store.hasRoom, stored.count < 10_000 { await add(stored.count < 50 ? 10_000 : 100) }
        #expect(stored.count > 1_000 && stored.count < 10_000)
        // Those that run already; what is too large for an event loop is there all the same.
        for _ in 0..<300 { await add(100) }
        await add(JournalFiles.frameBytesMax)
        // One that writes much leaves the last quarter to others' records of use, which are there without their lines.
        let flood = String(repeating: "x", count: JournalFiles.frameBytesMax / 2)
        for _ in 0..<20 { _ = await self.store(entry([event(0, flood)], stream: "flood"), in: store) }
        for number in 0..<300 {
            let isStored = await self.store(
                JournalEntry(group: group, stream: "s", events: [event(0, flood)], usage: usage("\(number)")),
                in: store
            )
            #expect(!isStored)
        }
        let copy = try Fixture()
        try copy.copy(Fixture.databaseFiles + Fixture.journalFiles, from: fixture)
        let roomy = try copy.open(reserveBytes: Self.reserve)
        #expect(try await roomy.messages(stream: "s").map { String($0.prefix { $0 != " " }) } == stored)
        #expect(try await roomy.count("usageRecords") == 300)
        #expect(roomy.hasRoom)
    }

    @Test func `a file has its reserve behind what is sound, and keeps it when it is emptied`() throws {
        let fixture = try Fixture()
        let name = Fixture.journalFiles[0]
        var frames = JournalFrame(entry([event(1, "kept")]), ingestedAt: Timestamp(0))
        frames.seal(salt: 7, sequence: 1)
        let large = entry([event(1, String(repeating: "x", count: Self.reserve))])
        var torn = JournalFrame(large, ingestedAt: Timestamp(0))
        torn.seal(salt: 7, sequence: 2)
        let bytes = frames.bytes + torn.bytes.dropLast()
        try Data(bytes).write(to: URL(fileURLWithPath: "\(fixture.path)/\(name)"))
        let files = try JournalDirectory(fixture.path, reserveBytes: Self.reserve)
        let content = try files.content(folded: 0)
        #expect(content.entries.map(\.sequence) == [1] && content.unreserved == nil && content.damage.isEmpty)
        let zeros = [UInt8](repeating: 0, count: Self.reserve)
        #expect(try fixture.bytes(name) == frames.bytes + zeros.dropFirst(frames.bytes.count))
        for isLonger in [false, true] {
            #expect(try blocks(fixture, name) >= Self.reserve)
            if isLonger { try Data(bytes).write(to: URL(fileURLWithPath: "\(fixture.path)/\(name)")) }
            let emptied = try #require(files.empty(0))
            #expect(emptied.reserved == Self.reserve && emptied.failure == nil)
            #expect(try fixture.bytes(name) == zeros)
        }
        // It is told when it has less than before.
        var queue = JournalQueue(files: self.files((0, 0), reserved: (1_000, 1_000)), folded: 2)
        let losses = [1_000, 0, 0, 1_000, 0].map { queue.emptied(0, salt: 1, reserved: $0) }
        #expect(losses == [false, true, false, false, true])
    }

    @Test func `what is left of a file that was being cleared is no damage`() throws {
        var bytes: [UInt8] = []
        for sequence in UInt64(1)...4 {
            var frame = JournalFrame(entry([event(1, "\(sequence)")]), ingestedAt: Timestamp(0))
            frame.seal(salt: 7, sequence: sequence)
            bytes += frame.bytes
        }
        for count in [1, bytes.count / 4, bytes.count / 2 + 1] {
            bytes.replaceSubrange(0..<count, with: repeatElement(0, count: count))
            #expect(!JournalScan(bytes, folded: 4).isDamaged)
            #expect(JournalScan(bytes, folded: 3).isDamaged)
            #expect(JournalScan(bytes, folded: 4).found.isEmpty)
        }
    }

    @Test func `without a reserve nothing is refused`() async throws {
        let fixture = try Fixture()
        let store = try fixture.open(pagesMax: 60, onBackgroundFailure: { _ in })
        for index in 0..<300 {
            #expect(await self.store(entry([event(Int64(index), String(repeating: "x", count: 3_000))]), in: store))
        }
        await #expect(throws: LogStoreError.diskFull) { try await store.messages() }
        #expect(store.hasRoom)
    }
}
