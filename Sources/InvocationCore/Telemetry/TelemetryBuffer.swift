// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What one subscriber has not received yet: at most a batch that is gathered and one that is on its way.
///
/// Whatever does not fit is lost, counted, and told to the subscriber with the next batch. A batch is sent again after a failure,
/// so it may arrive twice; after `attemptsMax` failures it is lost.
package struct TelemetryBuffer: Equatable, Sendable {
    /// Why records were lost.
    enum LossReason: Int, CaseIterable, Sendable {
        case slow
        case undeliverable

        var text: String {
            switch self {
            case .slow:
                "Some logs were dropped because the downstream consumer is slower than the logs production rate"
            case .undeliverable: "Some logs were dropped because the downstream consumer did not accept them"
            }
        }
    }

    package struct Loss: Equatable, Sendable {
        package var records = 0
        package var bytes = 0

        package init(records: Int = 0, bytes: Int = 0) {
            self.records = records
            self.bytes = bytes
        }

        static func += (left: inout Loss, right: Loss) {
            left.records += right.records
            left.bytes += right.bytes
        }
    }

    package struct Batch: Equatable, Sendable {
        package fileprivate(set) var records: [String]
        fileprivate var bytes: Int
        /// What the last of its records say was lost, by reason; those records are not counted as records.
        fileprivate var told: [LossReason: Loss] = [:]
    }

    package enum Step: Equatable, Sendable {
        /// Send it; then say `ended` with that number.
        case send(Batch, attempt: UInt64)
        /// It takes too long: end it, and say `ended`.
        case abandon(attempt: UInt64)
    }

    private enum Delivery: Equatable, Sendable {
        case none
        /// `deadline` is nil when it was told to end.
        case underWay(Batch, attempts: Int, deadline: MonotonicTime?)
        case failed(Batch, attempts: Int, again: MonotonicTime)
    }

    /// From the start of an attempt to its answer, while the environment runs.
    package static let attemptTimeout = Duration.seconds(5)
    static let attemptsMax = 8
    /// Before the second attempt; twice as long before each further one, `retryDelayMax` at most.
    static let retryDelay = Duration.milliseconds(100)
    static let retryDelayMax = Duration.seconds(2)

    private let buffering: TelemetryBuffering
    /// Whether the subscriber hears of the platform's events, and so of losses.
    private let isTold: Bool
    private var pending: [String] = []
    private var pendingBytes = 0
    /// When the first of what is pending came.
    private var pendingSince: MonotonicTime?
    private var untold: [LossReason: Loss] = [:]
    private var delivery = Delivery.none
    private var attempt: UInt64 = 0
    /// Since when the environment has been frozen.
    private var pausedAt: MonotonicTime?
    private var isFlushing = false

    package init(_ buffering: TelemetryBuffering, isTold: Bool) {
        self.buffering = buffering
        self.isTold = isTold
    }

    // MARK: - In

    /// A further record is taken.
    ///
    /// Less than a full batch is pending, so one record may pass the limit.
    package var hasRoom: Bool { pending.count < buffering.itemsMax && pendingBytes < buffering.bytesMax }

    /// Bytes of all records that are held.
    package var bytes: Int {
        switch delivery {
        case .none: pendingBytes
        case .underWay(let batch, _, _), .failed(let batch, _, _): pendingBytes + batch.bytes
        }
    }

    /// Records that are held.
    package var records: Int {
        switch delivery {
        case .none: pending.count
        case .underWay(let batch, _, _), .failed(let batch, _, _):
            pending.count + batch.records.count - batch.told.count
        }
    }

    package mutating func append(_ record: String, at now: MonotonicTime) {
        guard hasRoom, record.utf8.count <= 2 * buffering.bytesMax else { return lose(record.utf8.count, at: now) }
        pending.append(record)
        pendingBytes += record.utf8.count
        pendingSince = pendingSince ?? now
    }

    /// A record of about that size was not even made.
    package mutating func lose(_ bytes: Int, at now: MonotonicTime) {
        lose(Loss(records: 1, bytes: bytes), .slow, at: now)
    }

    private mutating func lose(_ loss: Loss, _ reason: LossReason, at now: MonotonicTime) {
        untold[reason, default: Loss()] += loss
        if isTold { pendingSince = pendingSince ?? now }
    }

    mutating func add(_ loss: Loss, at now: MonotonicTime) {
        if loss.records > 0 { lose(loss, .slow, at: now) }
    }

    // MARK: - Out

    /// What is to be done now; ask again until it is nil.
    package mutating func due(at now: MonotonicTime, time: Timestamp) -> Step? {
        guard pausedAt == nil else { return nil }
        switch delivery {
        case .underWay(let batch, let attempts, .some(let deadline)):
            guard now >= deadline else { return nil }
            delivery = .underWay(batch, attempts: attempts, deadline: nil)
            return .abandon(attempt: attempt)
        case .underWay: return nil
        case .failed(let batch, let attempts, let again):
            return now >= again ? send(batch, attempts: attempts + 1, at: now) : nil
        case .none:
            guard isDue(at: now) else { return nil }
            return send(cut(time: time), attempts: 1, at: now)
        }
    }

    private func isDue(at now: MonotonicTime) -> Bool {
        guard let pendingSince else { return false }
        return isFlushing || !hasRoom || now >= pendingSince + buffering.timeout
    }

    private mutating func cut(time: Timestamp) -> Batch {
        var batch = Batch(records: pending, bytes: pendingBytes)
        pending = []
        pendingBytes = 0
        pendingSince = nil
        guard isTold else { return batch }
        for reason in LossReason.allCases {
            guard let loss = untold.removeValue(forKey: reason) else { continue }
            let line = PlatformLogLine.logsDropped(reason: reason.text, records: loss.records, bytes: loss.bytes)
            // Every schema has this event, and each in the same form.
            let event = TelemetryEvent(time: time, content: .platform(line))
            if let text = event.text(.telemetry20250129) { batch.records.append(text) }
            batch.told[reason] = loss
        }
        return batch
    }

    private mutating func send(_ batch: Batch, attempts: Int, at now: MonotonicTime) -> Step {
        attempt += 1
        delivery = .underWay(batch, attempts: attempts, deadline: now + Self.attemptTimeout)
        return .send(batch, attempt: attempt)
    }

    /// That attempt is over.
    package mutating func ended(_ attempt: UInt64, delivered: Bool, at now: MonotonicTime) {
        guard attempt == self.attempt, case .underWay(let batch, let attempts, _) = delivery else { return }
        delivery = .none
        if delivered { return }
        guard attempts >= Self.attemptsMax else {
            let delay = min(Self.retryDelayMax, Self.retryDelay * (1 << (attempts - 1)))
            delivery = .failed(batch, attempts: attempts, again: (pausedAt ?? now) + delay)
            return
        }
        let records = batch.records.count - batch.told.count
        lose(Loss(records: records, bytes: batch.bytes), .undeliverable, at: now)
        for (reason, loss) in batch.told { lose(loss, reason, at: now) }
    }

    /// When there may be something to do if nothing else happens.
    package var wakeUp: MonotonicTime? {
        guard pausedAt == nil else { return nil }
        switch delivery {
        case .underWay(_, _, let deadline): return deadline
        case .failed(_, _, let again): return again
        case .none:
            guard let pendingSince else { return nil }
            return isFlushing || !hasRoom ? pendingSince : pendingSince + buffering.timeout
        }
    }

    // MARK: - Life

    /// From here on nothing waits for company.
    package mutating func flush() { isFlushing = true }

    /// The environment is frozen: what is on its way waits, and its time stands still.
    package mutating func pause(at now: MonotonicTime) { pausedAt = pausedAt ?? now }

    package mutating func resume(at now: MonotonicTime) {
        guard let pausedAt else { return }
        self.pausedAt = nil
        let gone = now - pausedAt
        switch delivery {
        case .none: break
        case .underWay(let batch, let attempts, let deadline):
            delivery = .underWay(batch, attempts: attempts, deadline: deadline.map { $0 + gone })
        case .failed(let batch, let attempts, let again):
            delivery = .failed(batch, attempts: attempts, again: again + gone)
        }
    }

    /// For tests: all that was lost and not told, or told in a batch that has not arrived.
    package var lost: Loss {
        var sum = Loss()
        for loss in untold.values { sum += loss }
        switch delivery {
        case .none: break
        case .underWay(let batch, _, _), .failed(let batch, _, _): for loss in batch.told.values { sum += loss }
        }
        return sum
    }
}
