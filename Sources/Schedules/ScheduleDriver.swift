// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel
package import Logging
import ScheduleCore
package import ScheduleStore
import ServiceLifecycle

/// Runs what is due: keeps an occurrence's deliveries and moves its schedule on in one transaction, then brings them to their targets.
///
/// At least once: a delivery is deleted when its target has it. The end of the process in between repeats it, under the same id.
package actor ScheduleDriver: Service {
    /// Nothing falls due unnoticed for longer than this where the clock is set.
    private static let waitMax = Duration.seconds(10)
    /// After a store that can't be read or written.
    private static let failurePause = Duration.seconds(1)
    /// Entries of one transaction, and deliveries under way at one time.
    private static let turnMax = 256
    private static let deliveriesMax = 64

    let store: ScheduleStore
    let targets: ScheduleTargets
    let now: @Sendable () -> Timestamp
    let logger: Logger
    private let bell: ScheduleBell
    private let clock: any Clock<Duration>
    private var alarm: Task<Void, Never>?
    private var isEnding = false
    /// What the clock said last.
    private var seen: Timestamp?
    /// What became of tries and could not be written yet: nothing else is tried before it is, or it would be tried again.
    private var unsettled: [(row: Int64, settlement: ScheduleStore.Settlement)] = []

    package init(
        store: ScheduleStore,
        bell: ScheduleBell,
        targets: ScheduleTargets,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.store = store
        self.bell = bell
        self.targets = targets
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        bell.ring()
        await withGracefulShutdownHandler {
            for await _ in bell.rings {
                guard !isEnding else { break }
                await setAlarm(after: work())
            }
            alarm?.cancel()
        } onGracefulShutdown: {
            Task { await self.end() }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    /// Begins nothing more; what is due waits for the next start.
    package func end() {
        isEnding = true
        bell.close()
    }

    private func setAlarm(after delay: Duration) {
        alarm?.cancel()
        alarm = Task { [bell, clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            bell.ring()
        }
    }

    /// Does what is due.
    ///
    /// - Returns: for how long nothing is.
    func work() async -> Duration {
        do {
            try await lookAtClock()
            // What arrived is deleted before anything is added, so that a full disk has room again.
            var failure: (any Error)?
            while !isEnding {
                try await settle()
                var turned = 0
                do {
                    turned = try await turn()
                    failure = nil
                } catch { failure = error }
                var delivered = try await deliver()
                // What a turn has made goes before the next one, or it would be in its way.
                while !isEnding, delivered > 0, delivered < turned * ScheduleLimits.targetsMax {
                    let more = try await deliver()
                    guard more > 0 else { break }
                    delivered += more
                }
                if turned == 0, delivered == 0 { break }
            }
            if let failure { throw failure }
            guard let due = try await store.nextDue() else { return Self.waitMax }
            let wait = max(0, due.millisecondsSinceEpoch - now().millisecondsSinceEpoch)
            return min(Self.waitMax, .milliseconds(min(wait, 60_000)))
        } catch {
            // The next start goes on.
            guard !isEnding, !Task.isCancelled else { return Self.waitMax }
            logger.error("schedules were not run", metadata: ["cause": "\(error)"])
            return Self.failurePause
        }
    }

    /// At the start, and after the clock was set back, what is too far ahead begins anew.
    private func lookAtClock() async throws {
        let now = now()
        if seen.map({ now < $0.advanced(by: .seconds(-60)) }) ?? true {
            var anew: (entries: Int, deliveries: Int)
            repeat {
                anew = try await store.beginAnew(now: now, limit: Self.turnMax)
                guard anew != (0, 0) else { break }
                logger.warning(
                    "the clock was ahead: what waited for a time far off begins anew from now",
                    metadata: ["schedules": "\(anew.entries)", "deliveries": "\(anew.deliveries)"]
                )
            } while anew.entries > 0
        }
        seen = now
    }

    private func turn() async throws -> Int {
        let now = now()
        return try await store.turn(
            now: now,
            limit: Self.turnMax,
            unreadable: { [logger] row in
                logger.error(
                    "a schedule can't be run: it was changed since it was stored, or its expression or zone is not understood",
                    metadata: ["row": "\(row)"]
                )
            },
            { [logger] record in Self.outcome(record, now: now, logger) }
        )
    }

    /// What becomes of an entry that is due.
    static func outcome(_ record: ScheduleRecord, now: Timestamp, _ logger: Logger) -> ScheduleStore.Outcome {
        var outcome = ScheduleStore.Outcome(progress: record.progress)
        guard let timing = record.timing else { return outcome }
        switch outcome.progress.turn(timing, now: now, ageMax: record.definition.ageMax) {
        case .wait: break
        case .completed: outcome.isDeleted = record.definition.isDeletedAfterCompletion
        case .missed(let time):
            logger.warning(
                "an occurrence was missed and is too old to run",
                metadata: ["schedule": "\(record.key.arn)", "time": "\(time.seconds)"]
            )
            outcome.deliveries = deliveries(of: record, at: time, due: timing.run(of: time))
                .filter { $0.target.deadLetterARN != nil }
                .map { letter($0, tooOld, .age, retries: 0, attempt: 1, now: now) }
            outcome.isDeleted = isCompleted(record, outcome.progress, timing)
        case .run(let time):
            if let first = timing.next(after: record.progress.after), first < time {
                logger.warning(
                    "occurrences were missed, of which the latest runs",
                    metadata: [
                        "schedule": "\(record.key.arn)", "first": "\(first.seconds)", "latest": "\(time.seconds)",
                    ]
                )
            }
            outcome.deliveries = deliveries(of: record, at: time, due: timing.run(of: time))
            outcome.isDeleted = isCompleted(record, outcome.progress, timing)
        }
        return outcome
    }

    private static func isCompleted(
        _ record: ScheduleRecord,
        _ progress: ScheduleProgress,
        _ timing: ScheduleTiming
    ) -> Bool {
        record.definition.isDeletedAfterCompletion && progress.due(timing) == nil
    }

    private static func deliveries(
        of record: ScheduleRecord,
        at time: Timestamp,
        due: Timestamp
    ) -> [ScheduleDelivery] {
        let event = TargetInput.scheduledEvent(record.key, id: RandomIdentifier.uuid(), time: time)
        return record.definition.targets.map { target in
            let id = RandomIdentifier.uuid()
            let payload =
                record.key.kind == .rule
                ? TargetInput.payload(of: event, for: target, rule: record.key, received: time)
                : target.input ?? TargetInput.defaultInput(record.key, id: id, time: time).text
            return ScheduleDelivery(
                id: id,
                source: record.key,
                target: target,
                payload: payload,
                occurred: time,
                due: due
            )
        }
    }

    private func settle() async throws {
        guard !unsettled.isEmpty else { return }
        do { try await store.settle(unsettled) } catch {
            // On a full disk what only deletes may be written, and makes room for the others.
            let removed = unsettled.filter { $0.settlement == .removed }
            guard !removed.isEmpty, removed.count < unsettled.count else { throw error }
            try await store.settle(removed)
            unsettled.removeAll { $0.settlement == .removed }
            try await store.settle(unsettled)
        }
        unsettled = []
    }

    private func deliver() async throws -> Int {
        try await settle()
        let due = try await store.dueDeliveries(now: now(), limit: Self.deliveriesMax) { [logger] id in
            logger.error("a delivery was dropped: it was changed since it was stored", metadata: ["delivery": "\(id)"])
        }
        guard !due.isEmpty else { return 0 }
        unsettled = await withTaskGroup(of: (row: Int64, settlement: ScheduleStore.Settlement).self) { group in
            for waiting in due { group.addTask { (waiting.row, await self.attempt(waiting)) } }
            var settlements: [(row: Int64, settlement: ScheduleStore.Settlement)] = []
            for await settlement in group { settlements.append(settlement) }
            return settlements
        }
        try await settle()
        return due.count
    }
}

/// Rings when something may be due that was not before; one ring is as good as many.
package struct ScheduleBell: Sendable {
    let rings: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() { (rings, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func ring() { continuation.yield() }

    func close() {
        continuation.yield()
        continuation.finish()
    }
}
