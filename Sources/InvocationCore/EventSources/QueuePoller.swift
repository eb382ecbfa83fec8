// SPDX-License-Identifier: Apache-2.0

/// When a mapping of a queue receives, what it invokes its function with, and how much of both at once.
///
/// Knows messages by numbers that its owner gives them. A message is in hand from its receipt until its batch has ended; then it is its
/// owner's to delete, or left in the queue, which shows it again when its visibility timeout is over. So nothing is lost whatever
/// happens here. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html says how Lambda scales.
package struct QueuePoller: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// Messages of an invocation, 1 to 10,000.
        package var batchSize: Int
        /// How long a batch waits to be full, but not past half of the messages' visibility timeout; zero invokes with what one receive
        /// brought.
        package var window: Duration
        /// Whether batches of one receive follow each other.
        package var isFIFO: Bool
        /// Invocations at once at the beginning, and after failures as long as all is well.
        package var concurrencyStart: Int
        /// Most invocations at once.
        package var concurrencyMax: Int
        /// By how much the invocations at once may grow in a minute while there is enough to do.
        package var growthPerMinute: Int

        /// AWS's numbers: 5 at the beginning, 300 a minute more, up to 1,250.
        package init(
            batchSize: Int,
            window: Duration = .zero,
            isFIFO: Bool = false,
            concurrencyStart: Int = 5,
            concurrencyMax: Int = 1_250,
            growthPerMinute: Int = 300
        ) {
            precondition(batchSize > 0 && concurrencyMax > 0 && concurrencyStart > 0)
            self.batchSize = batchSize
            self.window = window
            self.isFIFO = isFIFO
            self.concurrencyStart = min(concurrencyStart, concurrencyMax)
            self.concurrencyMax = concurrencyMax
            self.growthPerMinute = growthPerMinute
        }

        /// Never more than that many invocations at once.
        package mutating func limit(to most: Int) {
            concurrencyMax = min(concurrencyMax, most)
            concurrencyStart = min(concurrencyStart, most)
        }
    }

    package struct Message: Equatable, Sendable {
        package var number: Int
        /// Of its record in the event.
        package var bytes: Int

        package init(number: Int, bytes: Int) {
            self.number = number
            self.bytes = bytes
        }
    }

    package typealias BatchID = Int

    package enum Action: Equatable, Sendable {
        /// Ask the queue for up to that many; to be followed by `received` or `receiveFailed`.
        case receive(max: Int)
        /// Invoke the function with those messages; to be followed by `ended`.
        case invoke(BatchID, messages: [Int])
        /// Forget those messages: others may have them already, or they shall be visible to others at once.
        case drop(messages: [Int], releases: Bool)
    }

    /// What became of an invocation, and of the messages of its batch.
    package enum Outcome: Equatable, Sendable {
        /// All of them are done with, and deleted.
        case succeeded
        /// Some or all of them stay in the queue; with `slowsDown` fewer are tried at once from now on.
        case failed(slowsDown: Bool)
        /// The function was not run: the same batch is tried again as long as its messages are invisible to others.
        case throttled
    }

    /// As SQS has it.
    package static let receiveMax = 10
    /// Receives at one time.
    static let receiversMax = 8
    /// `{"Records":[` and `]}` around the records, which are separated by commas.
    static let envelopeBytes = 14
    private static let retryDelayMin = Duration.seconds(1)
    private static let retryDelayMax = Duration.seconds(30)
    private static let pauseMax = Duration.seconds(60)

    private struct Batch: Equatable, Sendable {
        var id: BatchID
        var messages: [Message]
        /// When its first message is visible to others again.
        var expires: MonotonicTime
        var tries = 0
        /// Of a FIFO queue: what was received with it and didn't fit; its turn comes when this has succeeded.
        var rest: [[Message]] = []

        var all: [Message] { messages + rest.joined() }
        var bytes: Int { all.reduce(0) { $0 + $1.bytes } }
    }

    private struct Delayed: Equatable, Sendable {
        var batch: Batch
        var due: MonotonicTime
    }

    package private(set) var settings: Settings
    private let payloadBytesMax: Int
    /// Of records in hand; beyond them nothing is received.
    private let bytesMax: Int
    /// Messages that wait for their batch to be full or its window to be over.
    private var gathering: [Message] = []
    private var gatheringBytes = 0
    /// When the window is over, or half of the time that nobody else sees the first of them.
    private var gatheringEnds = MonotonicTime(nanoseconds: 0)
    private var gatheringExpires = MonotonicTime(nanoseconds: 0)
    private var ready = FIFOQueue<Batch>()
    private var delayed: [Delayed] = []
    private var running: [BatchID: Batch] = [:]
    /// Messages that their owner is to forget.
    private var left: [Int] = []
    private var bytesInHand = 0
    private var lastBatch: BatchID = 0
    package private(set) var receives = 0
    /// Of the largest receive so far: as much may come with each that is under way.
    private var receiveBytes = 0
    private var receivers = 1
    private var receiveFailures = 0
    private var pausedUntil = MonotonicTime(nanoseconds: 0)
    /// Invocations at once; fractions add up.
    private var concurrency: Double
    private var isSaturated = false
    private var lastGrowth = MonotonicTime(nanoseconds: 0)
    package private(set) var isStopping = false

    /// `payloadBytesMax` is for one invocation, `bytesMax` for all that is in hand.
    package init(_ settings: Settings, payloadBytesMax: Int, bytesMax: Int) {
        self.settings = settings
        self.payloadBytesMax = payloadBytesMax
        self.bytesMax = bytesMax
        concurrency = Double(settings.concurrencyStart)
    }

    /// Invocations that may go on at once.
    package var limit: Int { max(1, min(Int(concurrency), settings.concurrencyMax)) }
    package var invocations: Int { running.count }
    /// Nothing is in hand, and nothing asked for.
    package var isIdle: Bool {
        receives == 0 && running.isEmpty && ready.isEmpty && delayed.isEmpty && gathering.isEmpty
            && left.isEmpty
    }

    /// The mapping was changed; what is in hand stays as it is.
    package mutating func change(_ settings: Settings) {
        self.settings = settings
        concurrency = max(concurrency, Double(settings.concurrencyStart))
    }

    /// Receives no more, and invokes with nothing that is not on its way.
    package mutating func stop() { isStopping = true }

    // MARK: What happened

    /// A receive brought `messages`, after those that its owner did not want were taken out of `count`.
    ///
    /// Nobody else sees them for `visibility`.
    package mutating func received(_ messages: [Message], of count: Int, visibility: Duration, at now: MonotonicTime) {
        receives -= 1
        receiveFailures = 0
        pausedUntil = min(pausedUntil, now)
        switch count {
        case 0: receivers = 1
        case Self.receiveMax...: receivers = min(Self.receiversMax, receivers * 2)
        case settings.batchSize... where settings.window == .zero:
            receivers = min(Self.receiversMax, receivers * 2)
        default: receivers = max(1, receivers - 1)
        }
        guard !messages.isEmpty else { return }
        let bytes = messages.reduce(0) { $0 + $1.bytes }
        bytesInHand += bytes
        receiveBytes = max(receiveBytes, bytes)
        // One of an invisibility of nothing is tried once all the same.
        let expires = now + max(visibility, .seconds(1))
        if settings.window > .zero, !settings.isFIFO {
            gather(messages, ends: now + min(settings.window, visibility / 2), expires: expires)
        } else {
            let parts = split(messages, countMax: settings.batchSize)
            if settings.isFIFO {
                ready.append(batch(parts[0], expires: expires, rest: Array(parts.dropFirst())))
            } else {
                for part in parts { ready.append(batch(part, expires: expires)) }
            }
        }
    }

    /// A receive brought nothing, and an error; the next waits 1 s, 2 s … 60 s.
    package mutating func receiveFailed(at now: MonotonicTime) {
        receives -= 1
        receivers = 1
        // Of several that fail at once, the first counts.
        guard now >= pausedUntil else { return }
        pausedUntil = now + min(Self.pauseMax, .seconds(1 << min(receiveFailures, 6)))
        receiveFailures += 1
    }

    /// An invocation has ended, with all that follows from it.
    package mutating func ended(_ id: BatchID, _ outcome: Outcome, at now: MonotonicTime) {
        guard var batch = running.removeValue(forKey: id) else {
            preconditionFailure("an invocation that ends has begun")
        }
        switch outcome {
        case .succeeded:
            if concurrency < Double(settings.concurrencyStart) { concurrency += 1 }
            bytesInHand -= batch.messages.reduce(0) { $0 + $1.bytes }
            guard !batch.rest.isEmpty else { return }
            let next = batch.rest.removeFirst()
            ready.append(self.batch(next, expires: batch.expires, rest: batch.rest))
        case .failed(let slowsDown):
            if slowsDown { concurrency = max(1, concurrency - 1) }
            // A queue that hides nothing would bring the same at once, for ever.
            if batch.expires <= now + .seconds(1) { pausedUntil = max(pausedUntil, now + .seconds(1)) }
            // What follows in a FIFO queue would overtake what failed.
            left += batch.rest.joined().map(\.number)
            bytesInHand -= batch.bytes
        case .throttled:
            concurrency = max(1, concurrency / 2)
            let delay = min(Self.retryDelayMax, Self.retryDelayMin * (1 << min(batch.tries, 5)))
            batch.tries += 1
            delayed.append(Delayed(batch: batch, due: now + delay))
        }
    }

    // MARK: What to do

    /// When `next` is to be asked again, if nothing else happens.
    package var due: MonotonicTime? {
        guard !isStopping else { return nil }
        let isFree = running.count < limit
        var times = delayed.map { isFree ? $0.due : max($0.due, $0.batch.expires) }
        if !gathering.isEmpty { times.append(gatheringEnds) }
        if pausedUntil > lastGrowth, wanted(at: pausedUntil) != nil { times.append(pausedUntil) }
        if isSaturated, limit < settings.concurrencyMax { times.append(lastGrowth + .seconds(1)) }
        return times.min()
    }

    /// What is to be done now; to be asked until there is nothing.
    package mutating func next(at now: MonotonicTime) -> Action? {
        grow(at: now)
        if !left.isEmpty {
            defer { left = [] }
            return .drop(messages: left, releases: false)
        }
        if isStopping { return putBack(at: now) }
        if let batch = takeDue(at: now) { return start(batch, at: now) }
        if isFull(at: now) { closeBatch() }
        if let batch = ready.first, running.count < limit {
            _ = ready.popFirst()
            return start(batch, at: now)
        }
        if !ready.isEmpty { isSaturated = true }
        guard let count = wanted(at: now) else { return nil }
        receives += 1
        return .receive(max: count)
    }

    /// How many messages a receive shall ask for; nil for no receive.
    private func wanted(at now: MonotonicTime) -> Int? {
        guard now >= pausedUntil, receives < receivers, bytesInHand + receives * receiveBytes < bytesMax else {
            return nil
        }
        let free = limit - running.count - ready.count - delayed.count
        guard free > 0 else { return nil }
        if settings.window == .zero || settings.isFIFO {
            return receives < free ? min(Self.receiveMax, settings.batchSize) : nil
        }
        let room = free * settings.batchSize - gathering.count - receives * Self.receiveMax
        return room > 0 ? min(Self.receiveMax, room) : nil
    }

    private mutating func start(_ batch: Batch, at now: MonotonicTime) -> Action {
        // Who was tried before, or may not be overtaken, is not run while others may have it.
        guard now < batch.expires || batch.tries == 0 && !settings.isFIFO else {
            bytesInHand -= batch.bytes
            return .drop(messages: batch.all.map(\.number), releases: false)
        }
        running[batch.id] = batch
        if running.count >= limit { isSaturated = true }
        return .invoke(batch.id, messages: batch.messages.map(\.number))
    }

    private mutating func takeDue(at now: MonotonicTime) -> Batch? {
        // What is too late is let go even where nothing may run.
        let index = delayed.firstIndex { $0.due <= now && (running.count < limit || $0.batch.expires <= now) }
        return index.map { delayed.remove(at: $0).batch }
    }

    /// What waits goes back to the queue, but for what others may have already.
    private mutating func putBack(at now: MonotonicTime) -> Action? {
        closeBatch()
        var waiting = delayed.map(\.batch)
        delayed = []
        while let batch = ready.popFirst() { waiting.append(batch) }
        for (id, batch) in running where !batch.rest.isEmpty {
            waiting.append(Batch(id: id, messages: Array(batch.rest.joined()), expires: batch.expires))
            running[id]?.rest = []
        }
        bytesInHand -= waiting.reduce(0) { $0 + $1.bytes }
        left = waiting.filter { $0.expires <= now }.flatMap(\.all).map(\.number)
        let numbers = waiting.filter { $0.expires > now }.flatMap(\.all).map(\.number)
        if !numbers.isEmpty { return .drop(messages: numbers, releases: true) }
        return left.isEmpty ? nil : next(at: now)
    }

    private mutating func grow(at now: MonotonicTime) {
        defer { lastGrowth = max(lastGrowth, now) }
        guard isSaturated else { return }
        isSaturated = running.count >= limit
        let seconds = Double((now - lastGrowth).wholeNanoseconds) / 1e9
        guard seconds > 0, lastGrowth.nanoseconds > 0 else { return }
        let grown = concurrency + Double(settings.growthPerMinute) * seconds / 60
        concurrency = max(concurrency, min(Double(settings.concurrencyMax), grown))
    }

    // MARK: Batches

    private mutating func batch(_ messages: [Message], expires: MonotonicTime, rest: [[Message]] = []) -> Batch {
        lastBatch += 1
        return Batch(id: lastBatch, messages: messages, expires: expires, rest: rest)
    }

    private mutating func gather(_ messages: [Message], ends: MonotonicTime, expires: MonotonicTime) {
        for message in messages {
            if gathering.count >= settings.batchSize || !fits(message, gathering.count, gatheringBytes) {
                closeBatch()
            }
            if gathering.isEmpty { (gatheringEnds, gatheringExpires) = (ends, expires) }
            gathering.append(message)
            gatheringBytes += message.bytes
        }
    }

    private func isFull(at now: MonotonicTime) -> Bool {
        guard !gathering.isEmpty else { return false }
        return gathering.count >= settings.batchSize || now >= gatheringEnds
    }

    private mutating func closeBatch() {
        guard !gathering.isEmpty else { return }
        ready.append(batch(gathering, expires: gatheringExpires))
        gathering = []
        gatheringBytes = 0
    }

    private func fits(_ message: Message, _ count: Int, _ bytes: Int) -> Bool {
        count == 0 || bytes + message.bytes + count + Self.envelopeBytes <= payloadBytesMax
    }

    private func split(_ messages: [Message], countMax: Int) -> [[Message]] {
        var parts: [[Message]] = [[]]
        var bytes = 0
        for message in messages {
            let count = parts[parts.count - 1].count
            if count >= countMax || !fits(message, count, bytes) {
                parts.append([])
                bytes = 0
            }
            parts[parts.count - 1].append(message)
            bytes += message.bytes
        }
        return parts
    }
}
