// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Synchronization
import TestSupport
import Testing

@testable import LogStore

/// A disk, a database and who stores in it, around the decisions that the store takes: the process or the power may end between any
/// two steps.
private struct SimulatedStore {
    private struct Disk {
        var files: [[UInt8]] = [[], []]
        /// As a power cut may leave them.
        var syncedFiles: [[UInt8]] = [[], []]
        /// Of each file, where it can be written though the disk is full.
        var reserved = [SimulatedStore.reserve, SimulatedStore.reserve]
        var rows: [Int] = []
        /// Since the last one that was synced, which is the first: rows that there were, and the journal's last.
        var commits: [(rows: Int, folded: UInt64)] = [(0, 0)]
        var folded: UInt64 { commits[commits.count - 1].folded }
    }

    private enum Flush {
        case none
        case scheduled
        case taken(JournalQueue.Batch)
        case committed(JournalQueue.Batch)
        case emptying(Int, JournalQueue.Batch)
        case ending
    }

    /// What calls that had to wait were told.
    private final class Told: Sendable {
        let results = Mutex<[(number: Int, isStored: Bool)]>([])
    }

    private static let reserve = 8_192

    private var random: SplitMix64
    private var disk = Disk()
    private var queue = JournalQueue(
        files: JournalFiles(
            JournalFiles.File(bytes: 0, last: 0, salt: 0, reserved: reserve),
            JournalFiles.File(bytes: 0, last: 0, salt: 0, reserved: reserve),
            folded: 0,
            reserve: reserve
        ),
        folded: 0
    )
    private var flush = Flush.none
    private var isAlarmSet = false
    private var isFull = false
    private var isStarting = false
    private var hasFailed = false
    /// Of what was answered something is in no place, and no commit came since.
    private var hasLost = false
    private var next = 0
    private let told = Told()
    /// Entries whose callers were told that they are stored, those of them in the journal, and those that no power cut may take.
    private var acknowledged: Set<Int> = []
    private var journaled: Set<Int> = []
    private var safe: Set<Int> = []
    private var refused: Set<Int> = []
    /// What the database was given though it was for the journal; and what came back from there, behind what came later.
    private var admitted: [Int: JournalEntry] = [:]
    private var late: Set<Int> = []
    /// Invocations that were not begun.
    private(set) var turnedAway = 0
    private(set) var crashes = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func step() {
        switch random.below(1_000) {
        case ..<500: store(isAwaited: false)
        case ..<550: store(isAwaited: true)
        case ..<580: catchUp()
        case ..<930: flushStep()
        case ..<980: if isAlarmSet { ring() }
        case ..<988: isFull.toggle()
        case ..<990: settle()
        case ..<995: crash(isPowerCut: false)
        default: crash(isPowerCut: true)
        }
        takeTold()
    }

    // MARK: - What the store does

    private mutating func store(isAwaited: Bool) {
        next += 1
        let number = next
        let entry = entry([event(1, "\(number) " + String(repeating: "x", count: random.below(300)))])
        if isAwaited { return admit(entry, number) }
        guard queue.hasRoom else {
            turnedAway += 1
            return
        }
        #expect(!hasLost, "\(number) is begun, and is lost like the one before")
        let isPromised = queue.isFailing
        guard let isStored = journal(entry, number) else { return crash(isPowerCut: random.oneIn(2)) }
        guard !isStored else { return }
        #expect(!isPromised, "\(number) is lost")
        admitted[number] = entry
        admit(entry, number)
    }

    /// nil where all ends with it.
    private mutating func journal(_ entry: JournalEntry, _ number: Int, isRefused: Bool = false) -> Bool? {
        var frame = JournalFrame(entry, ingestedAt: Timestamp(0))
        guard let place = queue.place(frameBytes: frame.bytes.count, hasLines: true, isRefused: isRefused) else {
            return false
        }
        frame.seal(salt: place.salt, sequence: place.sequence)
        let isKept = place.offset + frame.bytes.count <= disk.reserved[place.file]
        let count = isFull && !isKept ? random.below(frame.bytes.count) : frame.bytes.count
        write(frame.bytes[..<count], at: place)
        if !isRefused, random.oneIn(300) { return nil }
        guard count == frame.bytes.count else {
            // Even that may fail.
            if place.keptBytes == place.offset, !random.oneIn(8) {
                disk.files[place.file].removeSubrange(place.offset...)
            }
            return false
        }
        let step = queue.journaled(
            entry,
            ingestedAt: Timestamp(0),
            at: place,
            frameBytes: count,
            isSlow: random.oneIn(100)
        )
        acknowledged.insert(number)
        journaled.insert(number)
        switch step {
        case .none: break
        case .flush: schedule()
        case .setAlarm: isAlarmSet = true
        }
        return true
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>, at place: JournalFiles.Place) {
        let file = disk.files[place.file]
        precondition(place.offset <= file.count, "no hole is left")
        let end = min(file.count, place.offset + bytes.count)
        disk.files[place.file].replaceSubrange(place.offset..<end, with: bytes)
    }

    private mutating func admit(_ entry: JournalEntry, _ number: Int) {
        let admission = queue.admit(entry) { [told] result in
            let isStored = if case .success = result { true } else { false }
            told.results.withLock { $0.append((number, isStored)) }
        }
        switch admission {
        case .startsFlush: schedule()
        case .joinsFlush: break
        case .refused: refused.insert(number)
        }
    }

    private mutating func catchUp() {
        guard queue.hasUnfolded else { return }
        if case .startsFlush = queue.admit(nil, { _ in }) { schedule() }
    }

    private mutating func ring() {
        (isAlarmSet, hasFailed) = (false, false)
        if queue.fold() { schedule() }
    }

    private mutating func schedule() {
        guard case .none = flush else { preconditionFailure("one flush at a time") }
        flush = .scheduled
    }

    private mutating func flushStep() {
        switch flush {
        case .none: break
        case .scheduled: flush = .taken(queue.takeBatch())
        case .taken(let batch) where isFull && !isStarting && !batch.isEmpty && !random.oneIn(10): fail()
        case .taken(let batch):
            if !batch.isEmpty { commit(batch) }
            flush = .committed(batch)
        case .committed(let batch):
            hasLost = false
            if let file = queue.committed() { flush = .emptying(file, batch) } else { end(batch) }
        case .emptying(let file, let batch):
            // It may fail.
            if !random.oneIn(10) {
                disk.files[file] = [UInt8](repeating: 0, count: random.oneIn(2) ? Self.reserve : 0)
                keepRoom(file)
                queue.emptied(file, salt: random.next(), reserved: disk.reserved[file])
            }
            end(batch)
        case .ending:
            let (goesOn, setsAlarm) = queue.endFlush()
            #expect(!hasFailed || !goesOn || !queue.waiting.isEmpty, "it would be tried again and again")
            hasFailed = false
            flush = goesOn ? .scheduled : .none
            isAlarmSet = isAlarmSet || setsAlarm
        }
    }

    /// A disk that is full may not give it back.
    private mutating func keepRoom(_ file: Int) {
        let isKept = !isFull || disk.reserved[file] > 0 && random.oneIn(2)
        disk.reserved[file] = isKept ? Self.reserve : 0
    }

    private mutating func commit(_ batch: JournalQueue.Batch) {
        disk.rows += batch.taken.compactMap(\.entry).compactMap { Int($0.events[0].message.prefix { $0 != " " }) }
        disk.commits.append((disk.rows.count, batch.sequence))
        guard batch.isSynced else { return }
        disk.commits.removeFirst(disk.commits.count - 1)
        safe.formUnion(disk.rows)
    }

    /// All that was acknowledged is synced in time, and then there is nothing more to do.
    private mutating func settle() {
        isFull = false
        for _ in 0..<100_000 {
            if case .none = flush {
                guard isAlarmSet else { break }
                ring()
            } else {
                flushStep()
            }
        }
        takeTold()
        #expect(!isAlarmSet && !queue.files.hasContent)
        #expect(safe.isSuperset(of: acknowledged), "not synced: \(acknowledged.subtracting(safe).sorted())")
        // What comes next may go into the journal, however slow it was.
        #expect(queue.place(frameBytes: 100) != nil && queue.hasRoom)
    }

    private mutating func fail() {
        queue.failed().completions.forEach { $0(.failure(.diskFull)) }
        disk.syncedFiles = disk.files
        safe.formUnion(journaled)
        // The next attempt is another's, or the alarm's.
        hasFailed = queue.waiting.isEmpty
        flush = .ending
    }

    private mutating func end(_ batch: JournalQueue.Batch) {
        batch.completions.forEach { $0(.success(())) }
        flush = .ending
    }

    private mutating func takeTold() {
        let results = told.results.withLock { results in
            defer { results = [] }
            return results
        }
        for (number, isStored) in results {
            let entry = admitted.removeValue(forKey: number)
            if isStored {
                acknowledged.insert(number)
            } else if let entry, journal(entry, number, isRefused: true) == true {
                late.insert(number)
            } else {
                refused.insert(number)
                guard entry != nil else { continue }
                hasLost = true
                if queue.lost().setsAlarm { isAlarmSet = true }
            }
        }
    }

    // MARK: - Ends

    private mutating func crash(isPowerCut: Bool) {
        crashes += 1
        takeTold()
        if case .emptying(let file, _) = flush {
            // Some of it is zeros by now.
            for index in 0..<random.below(disk.files[file].count + 1) { disk.files[file][index] = 0 }
        }
        if isPowerCut {
            disk.commits.removeLast(random.below(disk.commits.count))
            disk.rows.removeLast(disk.rows.count - disk.commits[disk.commits.count - 1].rows)
            for file in 0..<2 { disk.files[file] = torn(disk.files[file], synced: disk.syncedFiles[file]) }
            disk.commits.removeFirst(disk.commits.count - 1)
            disk.syncedFiles = disk.files
        }
        restart(isPowerCut: isPowerCut)
        check(isPowerCut: isPowerCut)
    }

    /// Of what was not synced any part may be there.
    private mutating func torn(_ file: [UInt8], synced: [UInt8]) -> [UInt8] {
        let same = zip(file, synced).prefix { $0 == $1 }.count
        switch random.below(5) {
        case 0: return synced
        case 1: return file
        case 2: return Array(file.prefix(max(same, random.below(file.count + 1))))
        case 3:
            // Where the file was cleared and written again, the one or the other.
            var bytes = file
            for start in stride(from: same, to: min(bytes.count, synced.count), by: 64) where random.oneIn(4) {
                let end = min(start + 64, bytes.count, synced.count)
                bytes.replaceSubrange(start..<end, with: synced[start..<end])
            }
            return bytes
        default:
            var bytes = file
            for start in stride(from: same, to: bytes.count, by: 64) where random.oneIn(4) {
                for index in start..<min(start + 64, bytes.count) { bytes[index] = 0 }
            }
            return bytes
        }
    }

    /// As the store begins; all is written to the database before it goes on, for which a full disk may have room.
    private mutating func restart(isPowerCut: Bool) {
        admitted = [:]
        for file in 0..<2 { keepRoom(file) }
        let scans = disk.files.map { JournalScan($0, folded: disk.folded) }
        #expect(isPowerCut || !scans.contains(where: \.isDamaged))
        for file in 0..<2 where disk.files[file].count > scans[file].soundBytes {
            disk.files[file].removeSubrange(scans[file].soundBytes...)
            disk.syncedFiles[file] = disk.files[file]
        }
        let files = zip(scans, disk.reserved).map { scan, reserved in
            JournalFiles.File(
                bytes: scan.soundBytes,
                last: scan.found.last?.sequence ?? 0,
                salt: scan.salt ?? random.next(),
                reserved: reserved
            )
        }
        let found = scans.flatMap(\.found).filter { $0.sequence > disk.folded }.sorted { $0.sequence < $1.sequence }
        queue = JournalQueue(
            files: JournalFiles(files[0], files[1], folded: disk.folded, reserve: Self.reserve),
            folded: disk.folded,
            recovered: found
        )
        (flush, isAlarmSet, hasFailed, hasLost, isStarting) = (.none, false, false, false, true)
        if !random.oneIn(4) { isFull = false }
        if queue.fold() { schedule() }
        while true {
            if case .none = flush { break }
            flushStep()
        }
        isStarting = false
    }

    /// Nothing acknowledged is lost but by a power cut, nothing refused is there, and what is there is so once and in order.
    private mutating func check(isPowerCut: Bool) {
        let ordered = disk.rows.filter { !late.contains($0) }
        #expect(zip(ordered, ordered.dropFirst()).allSatisfy(<), "\(disk.rows)")
        let rows = Set(disk.rows)
        #expect(rows.count == disk.rows.count, "\(disk.rows)")
        let wanted = isPowerCut ? safe : acknowledged
        #expect(rows.isSuperset(of: wanted), "lost \(wanted.subtracting(rows).sorted())")
        #expect(rows.isDisjoint(with: refused), "refused \(rows.intersection(refused).sorted())")
        acknowledged = rows
        journaled.formIntersection(rows)
        safe.formIntersection(rows)
    }
}

struct JournalSimulationTests {
    @Test(arguments: UInt64(0)..<64)
    func `nothing is lost or there twice, whenever the process or the power ends`(seed: UInt64) {
        var store = SimulatedStore(seed: seed)
        for _ in 0..<4_000 { store.step() }
        #expect(store.crashes > 10 && store.turnedAway > 0)
    }
}
