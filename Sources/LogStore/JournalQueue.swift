// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Entries that wait to be written to the database, oldest first: those in the journal, whose callers have been answered, and those
/// whose callers wait for the commit.
///
/// Decides only; `LogStore` does the writing.
struct JournalQueue {
    enum Waiting {
        case journaled(JournalEntry, ingestedAt: Timestamp, sequence: UInt64)
        /// No entry: who waits until all before it is written.
        case awaited(JournalEntry?, LogStore.Completion)

        var entry: JournalEntry? {
            switch self {
            case .journaled(let entry, _, _): entry
            case .awaited(let entry, _): entry
            }
        }

        var isJournaled: Bool { if case .journaled = self { true } else { false } }
    }

    enum Admission {
        /// The first one: a flush must be scheduled.
        case startsFlush
        case joinsFlush
        case refused
    }

    /// What has to follow when an entry has come into the journal.
    enum Step {
        case none
        case flush
        /// `fold` is to be called in `foldInterval`.
        case setAlarm
    }

    /// What one transaction writes.
    struct Batch {
        var taken: [Waiting]
        /// Of the journal's entries, the last that is in the database with it.
        var sequence: UInt64
        /// Whether a power cut may not take the commit, so that files can be cut.
        var isSynced: Bool

        var isEmpty: Bool { !isSynced && taken.allSatisfy { $0.entry == nil } }

        var hasAwaitedEntry: Bool {
            taken.contains { if case .awaited(.some, _) = $0 { true } else { false } }
        }

        var completions: [LogStore.Completion] {
            taken.compactMap { if case .awaited(_, let completion) = $0 { completion } else { nil } }
        }
    }

    /// Callers suspended at once.
    ///
    /// What they wait with is in their own memory; the queue copies nothing.
    static let waitingMax = 10_000
    /// One transaction's size, so that the callers in it do not wait for long.
    static let batchEntriesMax = 1_024
    static let batchBytesMax: Int64 = 4_194_304
    /// So much in the journal does not wait for the alarm.
    static let foldedEntriesMax = 1_024
    static let foldedBytesMax: Int64 = 1_048_576
    /// With so much waiting nothing more goes into the journal: callers wait for the commit, and are slowed down by it.
    static let backlogEntriesMax = 4_096
    static let backlogBytesMax: Int64 = 8_388_608
    /// After an entry came into the journal, until it is in the database and that is synced: of a power cut's second the half.
    static let foldInterval = Duration.milliseconds(500)

    private(set) var files: JournalFiles
    private(set) var waiting: [Waiting] = []
    private var folding: Batch?
    /// Of both.
    private var entries = 0
    private var bytes: Int64 = 0
    private var isFlushScheduled = false
    private var isAlarmSet = false
    private var folded: UInt64
    /// Up to which entry a synced commit is wanted.
    private var syncTarget: UInt64?
    /// Commits that a power cut may take.
    private var hasUnsynced = false
    /// A write to the journal took long: nothing goes there until a commit was synced, unless the database takes nothing.
    private var isSlow = false
    /// What was answered could not be committed the last time: only who waits, and the alarm, try again.
    private(set) var isFailing = false

    /// `recovered` are those entries in the files that are not in the database.
    init(files: JournalFiles, folded: UInt64, recovered: [JournalScan.Found] = []) {
        self.files = files
        self.folded = folded
        for found in recovered {
            add(.journaled(found.entry, ingestedAt: found.ingestedAt, sequence: found.sequence))
        }
    }

    /// Whether something that was acknowledged may not be in the database.
    var hasUnfolded: Bool { !waiting.isEmpty || folding != nil }

    /// Whether what waits is enough for a transaction that nobody asked for.
    private var isLarge: Bool { !isFailing && (entries >= Self.foldedEntriesMax || bytes >= Self.foldedBytesMax) }

    private mutating func add(_ one: Waiting) {
        waiting.append(one)
        guard let entry = one.entry else { return }
        entries += 1
        bytes += entry.bytes
    }

    // MARK: - In

    /// Whether what a new invocation has for the store will be stored: while the database takes nothing, as long as room is kept for it.
    var hasRoom: Bool { !isFailing || files.hasRoom }

    /// Where in the journal a frame is to be written; nil where its caller has to wait for the commit.
    ///
    /// Where the database takes nothing the journal's files are the limit, and of log lines what is kept for records of use alone.
    /// `isRefused` is an entry that the database has not taken.
    func place(frameBytes: Int, hasLines: Bool = false, isRefused: Bool = false) -> JournalFiles.Place? {
        if hasLines, isFailing || isRefused, !files.hasRoomForLines(bytes: frameBytes) { return nil }
        if isRefused { return files.place(bytes: frameBytes, isFailing: true) }
        let isBehind = isSlow || entries >= Self.backlogEntriesMax || bytes >= Self.backlogBytesMax
        guard frameBytes <= JournalFiles.frameBytesMax, isFailing || !isBehind else { return nil }
        return files.place(bytes: frameBytes, isFailing: isFailing)
    }

    /// The frame of the entry was written at `place`; slowly, where it took longer than an event loop may be held up.
    mutating func journaled(
        _ entry: JournalEntry,
        ingestedAt: Timestamp,
        at place: JournalFiles.Place,
        frameBytes: Int,
        isSlow: Bool = false
    ) -> Step {
        self.isSlow = self.isSlow || isSlow
        files.wrote(place, bytes: frameBytes)
        add(.journaled(entry, ingestedAt: ingestedAt, sequence: place.sequence))
        if !isFlushScheduled, isLarge {
            isFlushScheduled = true
            return .flush
        }
        return setAlarm() ? .setAlarm : .none
    }

    mutating func admit(_ entry: JournalEntry?, _ completion: @escaping LogStore.Completion) -> Admission {
        // Who reads keeps nothing waiting but a request of its own.
        guard waiting.count < Self.waitingMax || entry == nil else { return .refused }
        add(.awaited(entry, completion))
        guard !isFlushScheduled else { return .joinsFlush }
        isFlushScheduled = true
        return .startsFlush
    }

    /// The database was changed by somebody else.
    ///
    /// - Returns: whether an alarm is to be set.
    mutating func changed() -> Bool {
        hasUnsynced = true
        return setAlarm()
    }

    // MARK: - Time

    /// Whether an alarm is to be set that is not set yet.
    private mutating func setAlarm() -> Bool {
        guard !isAlarmSet else { return false }
        isAlarmSet = true
        return true
    }

    /// The alarm rang: all that is in the journal now goes into the database, and its file is cut.
    ///
    /// - Returns: whether a flush must be scheduled.
    mutating func fold() -> Bool {
        isAlarmSet = false
        guard files.hasContent || hasUnsynced else { return false }
        files.turn()
        syncTarget = files.lastSequence
        defer { isFlushScheduled = true }
        return !isFlushScheduled
    }

    // MARK: - Out

    /// What the next transaction writes: at least one where any wait.
    mutating func takeBatch() -> Batch {
        var size: Int64 = 0
        var count = 0
        for one in waiting.prefix(Self.batchEntriesMax) {
            size += one.entry?.bytes ?? 0
            guard count == 0 || size <= Self.batchBytesMax else { break }
            count += 1
        }
        var batch = Batch(taken: Array(waiting[..<count]), sequence: folded, isSynced: false)
        waiting.removeFirst(count)
        for case .journaled(_, _, let sequence) in batch.taken { batch.sequence = sequence }
        if let syncTarget { batch.isSynced = batch.sequence >= syncTarget }
        folding = batch
        return batch
    }

    /// The batch taken last was committed.
    ///
    /// - Returns: a file that is of no use any more, and is to be emptied.
    mutating func committed() -> Int? {
        guard let batch = folding.take() else { preconditionFailure("what was taken is committed once") }
        uncount(batch.taken)
        folded = batch.sequence
        isFailing = false
        guard batch.isSynced else {
            hasUnsynced = hasUnsynced || !batch.isEmpty
            return nil
        }
        (hasUnsynced, isSlow) = (false, false)
        // The alarm may have rung meanwhile, for more.
        if let target = syncTarget, folded >= target { syncTarget = nil }
        return files.obsolete(upTo: folded)
    }

    /// The batch taken last was not: what is in the journal waits on, and the callers of the rest are told.
    ///
    /// So are those who wait behind what is in the journal, since nothing gets past it.
    /// - Returns: whom to tell, and whether it is the first failure since the last commit of what is in the journal.
    mutating func failed() -> (completions: [LogStore.Completion], isFirst: Bool) {
        guard var lost = folding.take() else { preconditionFailure("what was taken fails once") }
        syncTarget = nil
        let hasJournaled = lost.taken.contains(where: \.isJournaled)
        // What is one caller's alone may be what does not fit.
        guard hasJournaled || lost.taken.allSatisfy({ $0.entry == nil }) else { return (drop(lost.taken), false) }
        if hasJournaled {
            lost.taken += waiting
            waiting = lost.taken.filter(\.isJournaled)
        }
        defer { isFailing = true }
        return (drop(lost.taken), !isFailing)
    }

    /// What a caller is answered for all the same has gone neither to the database nor to the journal.
    ///
    /// Nothing may be in the journal by which a commit would be tried: it is the alarm that tries.
    /// - Returns: whether it is the first failure since the last commit, and whether an alarm is to be set.
    mutating func lost() -> (isFirst: Bool, setsAlarm: Bool) {
        defer { isFailing = true }
        return (!isFailing, changed())
    }

    /// Those whose callers wait are none of the queue's from here on.
    private mutating func drop(_ taken: [Waiting]) -> [LogStore.Completion] {
        let awaited = taken.filter { !$0.isJournaled }
        uncount(awaited)
        return Batch(taken: awaited, sequence: folded, isSynced: false).completions
    }

    private mutating func uncount(_ taken: [Waiting]) {
        for entry in taken.compactMap(\.entry) {
            entries -= 1
            bytes -= entry.bytes
        }
    }

    /// - Returns: whether the disk has kept more for the file before.
    @discardableResult
    mutating func emptied(_ file: Int, salt: UInt64, reserved: Int = 0) -> Bool {
        files.emptied(file, salt: salt, reserved: reserved)
    }

    /// A flush has ended.
    ///
    /// - Returns: whether another one has to follow, and whether an alarm is to be set.
    mutating func endFlush() -> (goesOn: Bool, setsAlarm: Bool) {
        isFlushScheduled =
            syncTarget != nil || isLarge || waiting.contains { !$0.isJournaled }
        return (isFlushScheduled, (files.hasContent || hasUnsynced) && setAlarm())
    }
}
