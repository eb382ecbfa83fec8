// SPDX-License-Identifier: Apache-2.0

/// When one shard of a stream is read, what its function is invoked with, what follows from failures, and how far all of it is.
///
/// Knows records by numbers that its owner gives them, in ascending order. A shard has one lane, or several, each with some of the
/// partition keys. One batch of a lane is worked on at one time, and the next is gathered meanwhile; a position is saved after all before
/// it has been processed or discarded. So nothing is skipped whatever happens here, and after a restart
/// some of it comes again. https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html and the pages beside it.
package struct ShardPoller: Sendable {
    package struct Settings: Equatable, Sendable {
        /// Records of an invocation, 1 to 10,000.
        package var batchSize: Int
        /// How long a batch waits to be full; zero invokes with what there is.
        package var window: Duration
        /// Retries of a batch that the function failed with; nil for any number.
        package var retriesMax: Int?
        /// Records that are older are discarded; nil for none.
        package var ageMax: Duration?
        /// Whether a batch that failed is tried again in two halves.
        package var bisects: Bool
        /// Batches at one time, 1 to 10 (`ParallelizationFactor`); not to be changed.
        package var lanes: Int
        /// Length of the windows that the function has a state for, in seconds; zero for none.
        ///
        /// With windows there is one lane.
        package var tumblingSeconds: Int
        /// Whether records come when they are there, so that there need be no pauses between reads.
        package var isPushed: Bool

        package init(
            batchSize: Int,
            window: Duration = .zero,
            retriesMax: Int? = nil,
            ageMax: Duration? = nil,
            bisects: Bool = false,
            lanes: Int = 1,
            tumblingSeconds: Int = 0,
            isPushed: Bool = false
        ) {
            precondition(batchSize > 0 && lanes > 0 && tumblingSeconds >= 0 && (tumblingSeconds == 0 || lanes == 1))
            self.batchSize = batchSize
            self.window = window
            self.retriesMax = retriesMax
            self.ageMax = ageMax
            self.bisects = bisects
            self.lanes = lanes
            self.tumblingSeconds = tumblingSeconds
            self.isPushed = isPushed
        }
    }

    package enum Reason: String, Equatable, Sendable {
        case retryAttemptsExhausted = "RetryAttemptsExhausted"
        case recordAgeExceeded = "RecordAgeExceeded"
        case payloadSizeExceeded = "MaximumPayloadSizeExceeded"
    }

    package enum Action: Equatable, Sendable {
        /// Find that position in the shard; to be followed by `opened` or a failure.
        case open(StreamPosition)
        /// Read on; to be followed by `fetched` or a failure.
        case fetch(max: Int)
        /// Invoke the function with those records of a lane; to be followed by `ended`.
        case invoke(Int, [Int])
        /// Tell the destination for failures of those records of a lane, which were tried so often; to be followed by
        /// `discarded` or `undone`.
        case discard(Int, [Int], Reason, invocations: Int)
        /// Invoke the function with the state of a window that is over, or that is ended early as its state is overfull; to be
        /// followed by `concluded`.
        case conclude(StreamWindow)
        /// Make durable that all before that position is done, with the window that is open, and forget those records; to be
        /// followed by `saved` or `saveFailed`.
        case save(StreamPosition, StreamWindow?, done: [Int])
    }

    /// What became of an invocation.
    package enum Outcome: Equatable, Sendable {
        case succeeded
        /// The records before that number are done; nil where none is.
        case failed(from: Int?)
        /// The function was not run.
        case throttled
        /// No function can be sent the event: it is not tried again, and discarded.
        case unfit
    }

    /// Records of one read, as Kinesis has it.
    package static let fetchMax = 10_000
    private static let fetchMin = 1_000
    /// Reads that succeed before more is asked for.
    private static let goodReadsMin = 4
    /// Between two reads while there is nothing; Lambda's own.
    package static let idlePause = Duration.seconds(1)
    /// Between two reads while there is more, unless said otherwise: a shard of AWS's Kinesis may be read five times a second.
    package static let busyPause = Duration.milliseconds(200)
    /// `{"Records":[` and `]}` around the records, which are separated by commas.
    static let envelopeBytes = 14
    private static let readPauseMax = Duration.seconds(60)
    private static let savePause = Duration.seconds(1)
    /// Between two writes of what no filter lets through.
    private static let passingPause = Duration.seconds(5)
    private static let retryPause = Duration.milliseconds(500)
    private static let throttlePause = Duration.seconds(1)
    private static let pauseMax = Duration.seconds(30)

    fileprivate struct Held: Equatable, Sendable {
        var record: Record
        var received: MonotonicTime

        func age(at now: MonotonicTime) -> Duration { record.age + (now - received) }
    }

    /// What is invoked at once: a batch, or a piece of one.
    fileprivate struct Part: Equatable, Sendable {
        var held: [Held]
        /// The window that it opens when it is invoked with.
        var window: StreamWindow?
        var failures = 0
        var invocations = 0
        var isUnfit = false
    }

    fileprivate enum Phase: Equatable, Sendable {
        case free, invoking, concluding
        case discarding(Int)
    }

    fileprivate struct Lane: Equatable, Sendable {
        /// What waits for its turn, in the shard's order.
        var pending: [Held] = []
        var pendingBytes = 0
        /// What is left of the batch that is worked on; the first part is next.
        var parts: [Part] = []
        var phase = Phase.free
        var pausedUntil = MonotonicTime(nanoseconds: 0)
        var throttles = 0
        /// Of the conclusion of a window.
        var failures = 0
    }

    package private(set) var settings: Settings
    private let payloadBytesMax: Int
    private let busyPause: Duration
    private var lanes: [Lane]
    private var windows: WindowProgress
    /// All from the first record on that is not done with, and those of them that are.
    private var order: [(number: Int, sequence: String)] = []
    private var done: Set<Int> = []
    /// All before this is done with.
    private var safe: StreamPosition
    private var isSaving = false
    /// What is being saved.
    private var saving: StreamPosition?
    /// What is to be saved, and the records that are done with.
    private var unsaved: (position: StreamPosition, done: [Int])?
    private var saved: StreamPosition
    private var saveDue = MonotonicTime(nanoseconds: 0)
    /// When it is saved next that there was nothing to do.
    private var passingDue = MonotonicTime(nanoseconds: 0)
    /// Where reading goes on.
    private var read: StreamPosition
    private var isOpen = false
    package private(set) var isReading = false
    private var readDue = MonotonicTime(nanoseconds: 0)
    private var readBegan = MonotonicTime(nanoseconds: 0)
    private var readFailures = 0
    /// Since a read brought something, or nothing.
    private var expiries = 0
    private var fetchLimit = ShardPoller.fetchMax
    /// Since an answer was too large.
    private var goodReads = 0
    /// Nobody writes to the shard any more; and whether that was known when the read began.
    private var isSealed = false
    private var wasSealed = false
    private var isClosed = false
    package private(set) var isStopping = false

    /// `payloadBytesMax` is for one invocation, `busyPause` between the beginnings of two reads while there is more.
    package init(
        _ settings: Settings,
        from position: StreamPosition,
        payloadBytesMax: Int,
        busyPause: Duration = ShardPoller.busyPause
    ) {
        self.settings = settings
        self.payloadBytesMax = payloadBytesMax
        self.busyPause = busyPause
        read = position
        saved = position
        if case .latest(let time) = position { saved = .since(time) }
        safe = saved
        windows = WindowProgress(seconds: settings.tumblingSeconds)
        lanes = Array(repeating: Lane(), count: settings.lanes)
    }

    /// The shard was read to its end, and that is saved.
    package var isFinished: Bool { saved == .end && order.isEmpty && !isReading }
    /// Nothing is under way that its owner has to answer for.
    package var isIdle: Bool {
        !isReading && !isSaving && unsaved == nil && lanes.allSatisfy { $0.phase == .free }
    }
    package var bytesInHand: Int { lanes.reduce(0) { $0 + $1.pendingBytes + $1.parts.joinedBytes } }
    package var recordsInHand: Int {
        lanes.reduce(0) { $0 + $1.pending.count + $1.parts.reduce(0) { $0 + $1.held.count } }
    }

    /// The window that is open, with the state as it is durable or about to be.
    package var window: StreamWindow? { windows.open }

    /// The window that was open at the position that the shard is read from.
    package mutating func resume(_ window: StreamWindow) { windows.open = window }

    /// The mapping was changed; a batch that is worked on stays as it is, and so does a window that is open.
    ///
    /// Where there are to be none any more, that one is concluded.
    package mutating func change(_ settings: Settings) {
        self.settings = settings
        windows.seconds = settings.tumblingSeconds
    }

    /// Reads no more, and invokes no more; what runs comes to its end, and is saved.
    package mutating func stop() { isStopping = true }

    /// Nobody writes to the shard any more: when a read brings nothing, it has been read to its end.
    package mutating func seal() { isSealed = true }

    /// The shard is there no more.
    package mutating func vanish() { isClosed = true }

    // MARK: What happened when it read

    package mutating func opened(at now: MonotonicTime) {
        isReading = false
        isOpen = true
        // Opened once more, it goes on where it was now.
        if case .latest(let time) = read { read = .since(time) }
    }

    package mutating func fetched(_ page: Page, at now: MonotonicTime) {
        isReading = false
        readFailures = 0
        expiries = 0
        goodReads += 1
        if goodReads.isMultiple(of: Self.goodReadsMin) { fetchLimit = min(Self.fetchMax, fetchLimit * 2) }
        for record in page.records {
            lanes[record.lane].pending.append(Held(record: record, received: now))
            lanes[record.lane].pendingBytes += record.bytes
            order.append((record.number, record.sequence))
        }
        if let last = page.last { read = .after(last) }
        windows.read(page)
        if page.isEnd || wasSealed && page.last == nil && !page.hasMore { isClosed = true }
        readDue = settings.isPushed ? now : readBegan + (page.hasMore ? busyPause : Self.idlePause)
    }

    /// What it read by has expired: the position is to be found again, at once the first time, then after 1 s … 60 s.
    package mutating func expired(at now: MonotonicTime) {
        close()
        readDue = now + (expiries == 0 ? busyPause : Self.pause(expiries - 1))
        expiries += 1
    }

    private static func pause(_ failures: Int) -> Duration { min(readPauseMax, .seconds(1 << min(failures, 6))) }

    private mutating func close() {
        isReading = false
        isOpen = false
        // Asked for once more, the latest would leave out what came meanwhile.
        if case .latest(let time) = read { read = .since(time) }
    }

    /// The position is older than everything that is left: it goes on with the oldest.
    ///
    /// - Returns: false where it was to begin with the oldest before; what begins with a time still does.
    @discardableResult package mutating func trimmed(at now: MonotonicTime) -> Bool {
        expired(at: now)
        guard case .after = read else { return false }
        read = .trimHorizon
        return true
    }

    /// The answer was larger than its owner takes: fewer records the next time.
    package mutating func overflowed(at now: MonotonicTime) {
        guard fetchLimit > 1 else { return readFailed(at: now) }
        isReading = false
        goodReads = 0
        fetchLimit = max(1, fetchSize / 4)
        readDue = now + busyPause
    }

    /// A read brought nothing, and an error; the next waits 1 s, 2 s … 60 s.
    package mutating func readFailed(at now: MonotonicTime) {
        close()
        readDue = now + Self.pause(readFailures)
        readFailures += 1
    }

    /// Its owner does not read now; it asks again after that time.
    package mutating func postponed(_ pause: Duration, at now: MonotonicTime) {
        isReading = false
        readDue = now + pause
    }

    // MARK: What became of a batch

    /// An invocation has ended; `state` is what it returned for the window that is open.
    package mutating func ended(
        _ outcome: Outcome,
        state: [UInt8]? = nil,
        lane: Int = 0,
        at now: MonotonicTime
    ) {
        precondition(lanes[lane].phase == .invoking, "an invocation that ends has begun")
        lanes[lane].phase = .free
        switch outcome {
        case .succeeded:
            lanes[lane].throttles = 0
            if let state { windows.open?.state = state }
            complete(lanes[lane].parts[0].held.count, lane)
        case .failed(let first):
            lanes[lane].throttles = 0
            failed(from: first, state, lane, at: now)
        case .throttled:
            lanes[lane].parts[0].invocations -= 1
            throttled(lane, at: now)
        case .unfit:
            lanes[lane].parts[0].invocations -= 1
            lanes[lane].parts[0].isUnfit = true
        }
    }

    private mutating func throttled(_ lane: Int, at now: MonotonicTime) {
        lanes[lane].pausedUntil = now + min(Self.pauseMax, Self.throttlePause * (1 << min(lanes[lane].throttles, 5)))
        lanes[lane].throttles += 1
    }

    /// The conclusion of a window has ended; one that failed is tried again without end, as on AWS.
    package mutating func concluded(_ outcome: Outcome, at now: MonotonicTime) {
        precondition(lanes[0].phase == .concluding, "a conclusion that ends has begun")
        lanes[0].phase = .free
        switch outcome {
        case .succeeded:
            (lanes[0].failures, lanes[0].throttles) = (0, 0)
            windows.concluded()
            unsaved = (order.isEmpty ? reached : safe, unsaved?.done ?? [])
        case .failed, .unfit:
            lanes[0].pausedUntil = now + min(Self.pauseMax, Self.retryPause * (1 << min(lanes[0].failures, 6)))
            lanes[0].failures += 1
        case .throttled: throttled(0, at: now)
        }
    }

    private mutating func failed(from first: Int?, _ state: [UInt8]?, _ lane: Int, at now: MonotonicTime) {
        let part = lanes[lane].parts[0]
        let done = first.flatMap { first in part.held.firstIndex { $0.record.number == first } } ?? 0
        if done > 0 {
            // Of those before the first that failed; where there are none it stays as it was.
            if let state { windows.open?.state = state }
            complete(done, lane)
        }
        let count = part.held.count - done
        // A split is no retry (services-kinesis-errors.html, BisectBatchOnFunctionError).
        if settings.bisects, done > 0 { return }
        if settings.bisects, count > 1 {
            var (left, right) = (part, part)
            left.held.removeLast(count - count / 2)
            right.held.removeFirst(count / 2)
            lanes[lane].parts.replaceSubrange(0..<1, with: [left, right])
            return
        }
        lanes[lane].parts[0].failures += 1
        guard !isExhausted(lanes[lane].parts[0]) else { return }
        lanes[lane].pausedUntil = now + min(Self.pauseMax, Self.retryPause * (1 << min(part.failures, 6)))
    }

    private func isExhausted(_ part: Part) -> Bool { settings.retriesMax.map { part.failures > $0 } ?? false }

    /// The destination knows of what was discarded, or nobody could tell it.
    package mutating func discarded(lane: Int = 0, at now: MonotonicTime) {
        guard case .discarding(let count) = lanes[lane].phase else { preconditionFailure("nothing was discarded") }
        lanes[lane].phase = .free
        complete(count, lane)
    }

    /// It was discarded no more, as there is no time: it is left to what reads the shard next.
    package mutating func undone(lane: Int = 0) {
        guard case .discarding = lanes[lane].phase else { preconditionFailure("nothing was discarded") }
        lanes[lane].phase = .free
    }

    package mutating func saved(at now: MonotonicTime) {
        precondition(isSaving, "nothing was saved")
        isSaving = false
        guard let saving else { return }
        saved = saving
        self.saving = nil
    }

    /// It is tried again, unless there is no time.
    package mutating func saveFailed(at now: MonotonicTime) {
        precondition(isSaving, "nothing was saved")
        isSaving = false
        saveDue = now + Self.savePause
        if let saving, unsaved == nil, !isStopping { unsaved = (saving, []) }
        saving = nil
        if isStopping { unsaved = nil }
    }

    /// The first `count` records of a lane's first part are done with.
    private mutating func complete(_ count: Int, _ lane: Int) {
        let numbers = lanes[lane].parts[0].held.prefix(count).map(\.record.number)
        lanes[lane].parts[0].held.removeFirst(count)
        if lanes[lane].parts[0].held.isEmpty { lanes[lane].parts.removeFirst() }
        done.formUnion(numbers)
        let passed = order.prefix { done.contains($0.number) }
        if let last = passed.last { safe = .after(last.sequence) }
        for record in passed { done.remove(record.number) }
        order.removeFirst(passed.count)
        unsaved = (order.isEmpty ? reached : safe, (unsaved?.done ?? []) + numbers)
    }

    /// All before this has been read.
    private var reached: StreamPosition {
        // What is at its end is not read again, so nothing would conclude its window.
        if hasEnded, windows.open == nil { return .end }
        if case .latest(let time) = read { return .since(time) }
        return read
    }

    /// A read that is under way may bring something still.
    private var hasEnded: Bool { isClosed && !isReading }

    // MARK: What to do

    /// When `next` is to be asked again, if nothing else happens.
    package var due: MonotonicTime? {
        var times: [MonotonicTime] = []
        if wantsToRead { times.append(readDue) }
        if !isSaving {
            if unsaved != nil {
                times.append(saveDue)
            } else if !isStopping {
                for lane in lanes.indices where lanes[lane].phase == .free {
                    if !lanes[lane].parts.isEmpty || isWindowOver(lane) || isCut(lane) {
                        times.append(lanes[lane].pausedUntil)
                    } else if let first = lanes[lane].pending.first, windowCount(lane) > 0 {
                        times.append(max(lanes[lane].pausedUntil, first.received + settings.window))
                    }
                }
            }
        }
        return times.min()
    }

    /// What is to be done now; to be asked until there is nothing.
    package mutating func next(at now: MonotonicTime) -> Action? {
        if !isSaving {
            if let action = save(at: now) { return action }
            if unsaved == nil, !isStopping {
                for lane in lanes.indices {
                    if let action = work(lane, at: now) { return action }
                }
            }
        }
        guard wantsToRead, now >= readDue else { return nil }
        isReading = true
        guard isOpen else { return .open(read) }
        readBegan = now
        wasSealed = isSealed
        return .fetch(max: fetchSize)
    }

    private var fetchSize: Int { min(fetchLimit, max(settings.batchSize, Self.fetchMin)) }

    private var wantsToRead: Bool {
        guard !isStopping, !isClosed, !isReading else { return false }
        guard lanes.count > 1 else { return !isFull(lanes[0]) }
        // One lane that waits leaves the others something to do, within bounds.
        return lanes.contains { !isFull($0) } && order.count < 2 * settings.batchSize * lanes.count + Self.fetchMin
            && lanes.reduce(0) { $0 + $1.pendingBytes } <= payloadBytesMax * lanes.count
    }

    /// There is enough for a batch.
    private func isFull(_ lane: Lane) -> Bool {
        lane.pending.count >= settings.batchSize
            || lane.pendingBytes + lane.pending.count + Self.envelopeBytes > batchBytesMax
    }

    private var batchBytesMax: Int { payloadBytesMax - windows.eventBytesMax }

    /// The window is over that is to be concluded before the lane's next batch, or has a state that no event has room for beside records.
    private func isWindowOver(_ lane: Int) -> Bool {
        guard lane == 0, let window = windows.open else { return false }
        return window.isOverfull
            || lanes[0].parts.isEmpty
                && windows.isOver(next: lanes[0].pending.first?.record.arrival, isClosed: hasEnded)
    }

    /// Records of a later window wait behind those of this one, to which none can come any more.
    private func isCut(_ lane: Int) -> Bool {
        let count = windowCount(lane)
        return count > 0 && count < lanes[lane].pending.count
    }

    private func windowCount(_ lane: Int) -> Int { windows.count(lanes[lane].pending.lazy.map(\.record.arrival)) }

    private mutating func save(at now: MonotonicTime) -> Action? {
        // What no filter lets through is done with, too.
        if unsaved == nil, !isStopping, order.isEmpty, reached != saved, reached == .end || now >= passingDue {
            unsaved = (reached, [])
            passingDue = now + Self.passingPause
        }
        guard let unsaved, now >= saveDue else { return nil }
        isSaving = true
        saving = unsaved.position
        self.unsaved = nil
        return .save(unsaved.position, windows.open, done: unsaved.done)
    }

    private mutating func work(_ lane: Int, at now: MonotonicTime) -> Action? {
        guard lanes[lane].phase == .free, now >= lanes[lane].pausedUntil else { return nil }
        if let window = windows.open, isWindowOver(lane) {
            lanes[lane].phase = .concluding
            return .conclude(window)
        }
        if lanes[lane].parts.isEmpty { formBatch(lane, at: now) }
        guard let part = lanes[lane].parts.first else { return nil }
        let numbers = part.held.map(\.record.number)
        if let ageMax = settings.ageMax {
            let count = part.held.prefix { $0.age(at: now) > ageMax }.count
            if count > 0 {
                lanes[lane].phase = .discarding(count)
                return .discard(lane, Array(numbers[..<count]), .recordAgeExceeded, invocations: part.invocations)
            }
        }
        if part.isUnfit {
            lanes[lane].phase = .discarding(numbers.count)
            return .discard(lane, numbers, .payloadSizeExceeded, invocations: part.invocations)
        }
        if isExhausted(part) {
            lanes[lane].phase = .discarding(numbers.count)
            return .discard(lane, numbers, .retryAttemptsExhausted, invocations: part.invocations)
        }
        // What is discarded opens no window.
        if windows.open == nil { windows.open = part.window }
        lanes[lane].phase = .invoking
        lanes[lane].parts[0].invocations += 1
        return .invoke(lane, numbers)
    }

    private mutating func formBatch(_ lane: Int, at now: MonotonicTime) {
        let pending = lanes[lane].pending
        let countMax = windowCount(lane)
        guard let first = pending.first, countMax > 0 else { return }
        guard isFull(lanes[lane]) || isClosed || countMax < pending.count || now >= first.received + settings.window
        else { return }
        var (count, bytes) = (0, Self.envelopeBytes)
        for held in pending.prefix(min(settings.batchSize, countMax)) {
            guard count == 0 || bytes + held.record.bytes + 1 <= batchBytesMax else { break }
            bytes += held.record.bytes + 1
            count += 1
        }
        lanes[lane].parts = [
            Part(held: Array(pending.prefix(count)), window: windows.window(with: first.record.arrival))
        ]
        lanes[lane].pending.removeFirst(count)
        lanes[lane].pendingBytes -= lanes[lane].parts.joinedBytes
    }
}

extension [ShardPoller.Part] {
    fileprivate var joinedBytes: Int { reduce(0) { $0 + $1.held.reduce(0) { $0 + $1.record.bytes } } }
}
