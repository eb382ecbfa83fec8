// SPDX-License-Identifier: Apache-2.0

/// When a mapping of a RabbitMQ queue connects, what it invokes its function with, and what becomes of each message.
///
/// Knows messages by the tags that their connection's broker gives them. A message is acknowledged after its invocation has succeeded,
/// or when no filter lets it through; everything else gives it back, and so does the end of its connection. So nothing is lost
/// whatever happens here. One invocation runs at a time, as on AWS: https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
package struct RabbitMQConsumer: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// AWS's, which no mapping can say in its whole seconds.
        package static let windowDefault = Duration.milliseconds(500)

        /// Messages of an invocation, 1 to 10,000; as many are with the consumer and not acknowledged.
        package var batchSize: Int
        /// How long a batch waits to be full, since its first message came.
        package var window: Duration

        package init(batchSize: Int = 100, window: Duration = Self.windowDefault) {
            precondition(batchSize > 0)
            self.batchSize = batchSize
            self.window = window
        }
    }

    package struct Message: Equatable, Sendable {
        package var tag: UInt64
        /// Of its record in the event.
        package var bytes: Int

        package init(tag: UInt64, bytes: Int) {
            self.tag = tag
            self.bytes = bytes
        }
    }

    package typealias ConnectionID = Int
    package typealias BatchID = Int

    package enum Action: Equatable, Sendable {
        /// Sign in and consume; to be followed by `connected` or `lost`.
        case connect(ConnectionID)
        /// Invoke the function with those messages; to be followed by `ended`.
        case invoke(BatchID, messages: [UInt64])
        case acknowledge([UInt64])
        /// With `requeues` the queue shows them again, to others or to us; otherwise they are dead letters, or gone.
        case reject([UInt64], requeues: Bool)
        /// Ask how many messages are ready in the queue; to be followed by `counted`, unless the connection is lost.
        case count
        /// No answer has come for long: what was counted before says nothing any more.
        case forgetCount
        /// Consume no more; what was on its way still comes.
        case cancel
        /// Close the connection when all before this is said; to be followed by `lost` unless it was not open yet.
        case disconnect
    }

    /// What became of an invocation.
    package enum Outcome: Equatable, Sendable {
        case succeeded
        case failed
        /// The function was not run: the same batch is tried again.
        case throttled
    }

    /// Longest that a message is in hand before the invocation that it is settled with begins.
    ///
    /// RabbitMQ closes the channel of a message that is not acknowledged 30 minutes after it was delivered
    /// (https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout), 14 of which a function may run.
    package static let holdMax = Duration.seconds(900)
    /// Between an answer to how many messages are ready and the next question.
    package static let countPause = Duration.seconds(10)
    /// The answer comes behind messages that nobody may have room for.
    package static let countPatience = Duration.seconds(30)
    private static let retryDelayMin = Duration.seconds(1)
    private static let retryDelayMax = Duration.seconds(30)
    private static let connectDelayMax = Duration.seconds(16)

    private enum Connection: Equatable, Sendable {
        case none
        case opening(ConnectionID)
        case open(ConnectionID)
        case closing(ConnectionID)
    }

    private struct Batch: Equatable, Sendable {
        var id: BatchID
        var messages: [Message]
        /// Tags mean nothing to another.
        var connection: ConnectionID
        /// Of its first message.
        var arrived: MonotonicTime
    }

    private struct Gathered: Equatable, Sendable {
        var message: Message
        var arrived: MonotonicTime
    }

    private struct Fitting: Equatable, Sendable {
        var count = 0
        var bytes = 0
    }

    package private(set) var settings: Settings
    private let payloadBytesMax: Int
    private var connection = Connection.none
    private var lastConnection: ConnectionID = 0
    private var connectAt = MonotonicTime(nanoseconds: 0)
    private var connectFailures = 0
    /// When it is asked next how many messages are ready; nil while there is no connection, or no answer.
    private var countAt: MonotonicTime?
    /// Until then an answer to that is waited for.
    private var countedBy: MonotonicTime?
    /// Messages that wait for their batch to be full or its window to be over.
    private var gathered: [Gathered] = []
    /// How many of those are one batch, by their number and their bytes, and how many bytes they have.
    private var fitting = Fitting()
    private var running: Batch?
    /// A batch that is tried again, at `resumeAt`.
    private var delayed: Batch?
    private var lastBatch: BatchID = 0
    /// Nothing is invoked before.
    private var resumeAt = MonotonicTime(nanoseconds: 0)
    /// In a row: invocations that failed, or did not come about.
    private var failures = 0
    /// What the broker is to be told.
    private var acknowledged: [UInt64] = []
    private var requeued: [UInt64] = []
    private var refused: [UInt64] = []
    private var hasCancelled = false
    package private(set) var isStopping = false

    /// `payloadBytesMax` is for the records of one invocation and the commas between them.
    package init(_ settings: Settings, payloadBytesMax: Int) {
        self.settings = settings
        self.payloadBytesMax = payloadBytesMax
    }

    /// It was stopped, and everything has come to its end.
    package var isIdle: Bool { isStopping && running == nil && connection == .none }

    /// The mapping was changed, but not its batch size, which the broker knows.
    package mutating func change(window: Duration) { settings.window = window }

    /// Consumes no more, and invokes with nothing that is not on its way.
    package mutating func stop() { isStopping = true }

    // MARK: What happened

    package mutating func connected(_ id: ConnectionID, at now: MonotonicTime) {
        guard connection == .opening(id) else { return }
        connection = .open(id)
        connectFailures = 0
        countAt = now
    }

    /// A connection has ended, or did not come about: the broker shows what was not acknowledged again; the next waits 1 s, 2 s … 16 s.
    package mutating func lost(_ id: ConnectionID, at now: MonotonicTime) {
        switch connection {
        case .opening(id), .open(id):
            connectAt = now + min(Self.connectDelayMax, .seconds(1 << min(connectFailures, 4)))
            connectFailures += 1
        case .closing(id): break
        default: return
        }
        connection = .none
        forget()
    }

    /// So many messages were ready when all that came before this was not.
    ///
    /// - Returns: how many wait: those, and what is in hand; nil where that says nothing any more.
    package mutating func counted(ready: Int, by id: ConnectionID, at now: MonotonicTime) -> Int? {
        guard connection == .open(id), !isStopping else { return nil }
        countAt = now + Self.countPause
        countedBy = nil
        // What came by a connection that was lost comes again.
        let running = running.map { $0.connection == id ? $0.messages.count : 0 } ?? 0
        return ready + gathered.count + (delayed?.messages.count ?? 0) + running
    }

    private mutating func forget() {
        countAt = nil
        countedBy = nil
        gathered = []
        fitting = Fitting()
        delayed = nil
        acknowledged = []
        requeued = []
        refused = []
        hasCancelled = false
    }

    /// A message came by that connection; one that is not wanted is no filter's.
    package mutating func received(_ message: Message, isWanted: Bool, by id: ConnectionID, at now: MonotonicTime) {
        guard connection == .open(id) else { return }
        if !isWanted {
            acknowledged.append(message.tag)
        } else if isStopping {
            requeued.append(message.tag)
        } else if message.bytes > payloadBytesMax {
            refused.append(message.tag)
        } else {
            gathered.append(Gathered(message: message, arrived: now))
            fit()
        }
    }

    /// An invocation has ended.
    package mutating func ended(_ id: BatchID, _ outcome: Outcome, at now: MonotonicTime) {
        guard let batch = running, batch.id == id else {
            preconditionFailure("an invocation that ends has begun")
        }
        running = nil
        if outcome == .succeeded {
            failures = 0
        } else {
            resumeAt = now + min(Self.retryDelayMax, Self.retryDelayMin * (1 << min(failures, 5)))
            failures += 1
        }
        // What came by a connection that was lost comes again.
        guard connection == .open(batch.connection) else { return }
        switch outcome {
        case .succeeded: acknowledged += batch.messages.map(\.tag)
        case .throttled where !isStopping && resumeAt - batch.arrived <= Self.holdMax: delayed = batch
        case .failed, .throttled: requeued += batch.messages.map(\.tag)
        }
    }

    // MARK: What to do

    /// When `next` is to be asked again, if nothing else happens.
    package var due: MonotonicTime? {
        guard !isStopping else { return nil }
        if connection == .none { return connectAt }
        return [countAt, countedBy, workDue].compactMap(\.self).min()
    }

    private var workDue: MonotonicTime? {
        let expiry = gathered.first.map { $0.arrived + Self.holdMax }
        guard running == nil else { return expiry }
        guard delayed == nil else { return min(resumeAt, expiry ?? resumeAt) }
        guard let first = gathered.first, let expiry else { return nil }
        return min(expiry, isFull ? resumeAt : max(resumeAt, first.arrived + settings.window))
    }

    /// What is to be done now; to be asked until there is nothing.
    package mutating func next(at now: MonotonicTime) -> Action? {
        if isStopping { putBack() } else { putBackOld(now) }
        if let settlement = settle() { return settlement }
        if isStopping { return end() }
        if connection == .none, now >= connectAt {
            lastConnection += 1
            connection = .opening(lastConnection)
            return .connect(lastConnection)
        }
        if let due = countAt, now >= due {
            countAt = nil
            countedBy = now + Self.countPatience
            return .count
        }
        if let due = countedBy, now >= due {
            countedBy = nil
            return .forgetCount
        }
        guard case .open(let id) = connection, running == nil, now >= resumeAt else { return nil }
        if let batch = delayed {
            delayed = nil
            running = batch
            return .invoke(batch.id, messages: batch.messages.map(\.tag))
        }
        guard let first = gathered.first, isFull || now >= first.arrived + settings.window else { return nil }
        lastBatch += 1
        let batch = Batch(id: lastBatch, messages: take(), connection: id, arrived: first.arrived)
        running = batch
        return .invoke(batch.id, messages: batch.messages.map(\.tag))
    }

    private mutating func settle() -> Action? {
        if !acknowledged.isEmpty {
            defer { acknowledged = [] }
            return .acknowledge(acknowledged)
        }
        if !refused.isEmpty {
            defer { refused = [] }
            return .reject(refused, requeues: false)
        }
        if !requeued.isEmpty {
            defer { requeued = [] }
            return .reject(requeued, requeues: true)
        }
        return nil
    }

    /// What waits goes back to the queue.
    private mutating func putBack() {
        requeued += gathered.map(\.message.tag) + (delayed?.messages.map(\.tag) ?? [])
        gathered = []
        fitting = Fitting()
        delayed = nil
    }

    /// What has waited for too long behind another batch comes again, with time anew.
    private mutating func putBackOld(_ now: MonotonicTime) {
        let count = gathered.prefix { now - $0.arrived >= Self.holdMax }.count
        guard count > 0 else { return }
        requeued += gathered.prefix(count).map(\.message.tag)
        gathered.removeFirst(count)
        fitting = Fitting()
        fit()
    }

    private mutating func end() -> Action? {
        switch connection {
        case .opening:
            connection = .none
            return .disconnect
        case .open where !hasCancelled:
            hasCancelled = true
            return .cancel
        case .open(let id) where running == nil:
            connection = .closing(id)
            return .disconnect
        case .none, .open, .closing: return nil
        }
    }

    // MARK: Batches

    /// Counts what is gathered to the next batch as far as it belongs there.
    private mutating func fit() {
        while fitting.count < min(gathered.count, settings.batchSize) {
            let bytes = fitting.bytes + gathered[fitting.count].message.bytes + (fitting.count > 0 ? 1 : 0)
            guard bytes <= payloadBytesMax else { return }
            fitting = Fitting(count: fitting.count + 1, bytes: bytes)
        }
    }

    /// Whether nothing that may come would be in the same batch.
    private var isFull: Bool { fitting.count == settings.batchSize || fitting.count < gathered.count }

    private mutating func take() -> [Message] {
        let batch = gathered.prefix(fitting.count).map(\.message)
        gathered.removeFirst(batch.count)
        fitting = Fitting()
        fit()
        return batch
    }
}
