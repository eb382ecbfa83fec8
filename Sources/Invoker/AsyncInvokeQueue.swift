// SPDX-License-Identifier: Apache-2.0
package import EventStore
package import InvocationCore
package import LambdaModel
package import Logging
package import MetricCore
import ServiceLifecycle

/// Asynchronous invocation: events are kept before they are acknowledged, tried, and tried again, until they come to their end.
///
/// At least once: an event is deleted when its attempt has ended, together with which the messages for its destinations are
/// kept; those are deleted when they are delivered. So the end of the process at any moment repeats an attempt or a message
/// at most. What comes next is decided by `AsyncBacklog`, what becomes of an event by `AsyncRetryPolicy`.
package actor AsyncInvokeQueue: Service {
    package struct Settings: Sendable {
        package var policy: AsyncRetryPolicy
        /// Events of an account that is alone that wait or are being tried; of all together twice as many.
        package var eventsMax: Int

        package init(policy: AsyncRetryPolicy, eventsMax: Int) {
            self.policy = policy
            self.eventsMax = eventsMax
        }
    }

    package typealias Invoke = @Sendable (InvocationRequest) async throws -> InvocationResponse
    package typealias PlanLookup = @Sendable (FunctionKey, _ qualifier: String?) async throws -> AsyncPlan
    /// Writes a line into a function's log.
    package typealias Note = @Sendable (FunctionKey, _ text: String) async -> Void

    /// What became of an attempt or of a message, to be written to the disk; throws where that could not be done.
    typealias Settlement = @Sendable () async throws -> Void

    /// Attempts at one time, of an account that is alone (of all together twice as many) and of one function.
    static let attemptsMax = 256
    static let attemptsOfOneMax = 64
    /// Messages on their way to destinations at one time, of all functions and of one: who doesn't answer holds up few.
    static let deliveriesMax = 64
    static let deliveriesOfOneMax = 8

    let store: EventStore
    let metrics: MetricRegistry
    private let policy: AsyncRetryPolicy
    private let invoke: Invoke
    private let plan: PlanLookup
    let destinations: Destinations
    let note: Note
    let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    let logger: Logger
    var backlog: AsyncBacklog
    /// Messages for destinations, by the function that they are about.
    var deliveries: AsyncBacklog
    /// Since the start.
    var tally = AsyncTally()
    /// Of attempts and messages whose outcome could not be written yet; `AsyncBacklog` says when that is tried again.
    private var unsettled: [AsyncBacklog.EventID: (function: FunctionKey, settlement: Settlement)] = [:]
    /// Rings while the service runs; one ring is as good as many.
    private var ringing: AsyncStream<Void>.Continuation?
    private var alarm: Task<Void, Never>?
    private var isEnding = false

    package init(
        store: EventStore,
        metrics: MetricRegistry,
        settings: Settings,
        invoke: @escaping Invoke,
        plan: @escaping PlanLookup,
        destinations: Destinations,
        note: @escaping Note,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.store = store
        self.metrics = metrics
        policy = settings.policy
        backlog = AsyncBacklog(
            countMax: settings.eventsMax,
            attemptsMax: Self.attemptsMax,
            attemptsOfOneMax: Self.attemptsOfOneMax
        )
        deliveries = AsyncBacklog(
            countMax: settings.eventsMax,
            attemptsMax: Self.deliveriesMax,
            attemptsOfOneMax: Self.deliveriesOfOneMax
        )
        self.invoke = invoke
        self.plan = plan
        self.destinations = destinations
        self.note = note
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    /// What waits now, and what became of events since the start.
    package func counts() async throws -> AsyncMetrics {
        let (event, delivery) = (
            try await store.oldest(isDelivery: false), try await store.oldest(isDelivery: true)
        )
        let depth = AsyncDepth(
            events: backlog.count,
            attempts: backlog.attempts,
            oldestEventAge: event.map(age) ?? .zero,
            deliveries: deliveries.count,
            oldestDeliveryAge: delivery.map(age) ?? .zero,
            countMax: backlog.countMax
        )
        return AsyncMetrics(depth: depth, tally: tally)
    }

    /// Takes an event; it is durable when this returns.
    ///
    /// - Throws: `LambdaError.tooManyRequests` when its account has as many as it may, or the disk is full.
    package func accept(_ request: InvocationRequest) async throws {
        let (function, bytes) = (request.function, request.payload.count)
        // Taken before anything is waited for: others come meanwhile. Messages that can't be delivered take up room too, or they
        // could fill the disk.
        guard deliveries.hasRoom(for: function), backlog.reserve(for: function, bytes: bytes) else {
            tally.eventsRefused += 1
            logger.warning(
                "asynchronous event refused: its account has as many as it may",
                metadata: ["account": "\(function.accountID)", "all": "\(backlog.count + deliveries.count)"]
            )
            throw LambdaError.tooManyRequests(.callerRateLimitExceeded)
        }
        let envelope = AsyncEvent.Envelope(
            requestID: request.requestID,
            function: request.function,
            qualifier: request.qualifier,
            accepted: now(),
            traceHeader: request.traceHeader
        )
        do {
            let id = try await store.add(envelope, payload: request.payload)
            backlog.add(id, of: function, due: envelope.accepted, bytes: bytes, isReserved: true)
            metrics.series(function, qualifier: request.qualifier).record(.asyncEventsReceived)
        } catch {
            backlog.cancel(for: function, bytes: bytes)
            logger.error("asynchronous event not kept", metadata: ["cause": "\(error)"])
            switch error {
            case EventStoreError.diskFull, EventStoreError.overloaded:
                tally.eventsRefused += 1
                throw LambdaError.tooManyRequests(.callerRateLimitExceeded)
            default: throw LambdaError.service(message: "The event could not be stored.")
            }
        }
        ringing?.yield()
    }

    /// Takes what an earlier run left; to be called once, before any event is accepted, which would be taken twice.
    package func load() async throws {
        let found = try await store.waiting { [logger] id in
            logger.error("asynchronous event left: its row is damaged", metadata: ["event": "\(id)"])
        }
        for waiting in found {
            if waiting.isDelivery {
                deliveries.add(waiting.id, of: waiting.function, due: waiting.due, bytes: waiting.bytes)
            } else {
                backlog.add(waiting.id, of: waiting.function, due: waiting.due, bytes: waiting.bytes)
            }
        }
        let count = backlog.count + deliveries.count
        if count > 0 { logger.info("asynchronous events go on", metadata: ["count": "\(count)"]) }
    }

    /// At the shutdown attempts that run may end; the other events wait for the next start.
    package func run() async throws {
        let (bell, ringing) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.ringing = ringing
        ringing.yield()
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await _ in bell {
                    guard !isEnding else { break }
                    while let id = backlog.nextSettlement(at: now()), let (function, settlement) = unsettled[id] {
                        group.addTask { await self.settle(id, function, settlement) }
                    }
                    while let id = deliveries.nextSettlement(at: now()), let (function, settlement) = unsettled[id] {
                        group.addTask { await self.settle(id, function, settlement, isDelivery: true) }
                    }
                    while let (id, function) = backlog.next(at: now()) {
                        group.addTask { await self.attempt(id, function) }
                    }
                    while let (id, function) = deliveries.next(at: now()) {
                        group.addTask { await self.attemptDelivery(id, function) }
                    }
                    setAlarm()
                }
            }
            alarm?.cancel()
        } onGracefulShutdown: {
            Task { await self.end() }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    /// Starts no more attempts; what waits is there for the next start.
    package func end() {
        isEnding = true
        ringing?.yield()
        ringing?.finish()
    }

    /// Rings when the next event falls due.
    private func setAlarm() {
        alarm?.cancel()
        guard let due = [backlog.nextDue, deliveries.nextDue].compactMap(\.self).min() else { return }
        let wait = max(0, due.millisecondsSinceEpoch - now().millisecondsSinceEpoch)
        // A clock that was set back doesn't make it wait for longer than a minute.
        let delay = Duration.milliseconds(min(wait, 60_000))
        alarm = Task { [ringing, clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            ringing?.yield()
        }
    }

    // MARK: - Attempts

    private func attempt(_ id: Int64, _ function: FunctionKey) async {
        do {
            await settle(id, function, try await outcome(id, function))
        } catch {
            // Nothing has run, and the row is as it was.
            logger.error("asynchronous event not tried", metadata: ["event": "\(id)", "cause": "\(error)"])
            backlog.putBack(id, of: function, due: now().advanced(by: .seconds(1)))
            ringing?.yield()
        }
    }

    /// Writes what became of an attempt; where that fails it is tried again later, and nothing but that.
    private func settle(
        _ id: Int64,
        _ function: FunctionKey,
        _ settlement: @escaping Settlement,
        isDelivery: Bool = false
    ) async {
        do {
            unsettled[id] = nil
            try await settlement()
        } catch {
            logger.error("an attempt's outcome was not written", metadata: ["event": "\(id)", "cause": "\(error)"])
            unsettled[id] = (function, settlement)
            if isDelivery { deliveries.settleLater(id, at: now()) } else { backlog.settleLater(id, at: now()) }
        }
        ringing?.yield()
    }

    private func attemptDelivery(_ id: Int64, _ function: FunctionKey) async {
        do {
            await settle(id, function, try await deliver(id, function), isDelivery: true)
        } catch {
            // Nothing was sent, and the row is as it was.
            logger.error("message not tried", metadata: ["event": "\(id)", "cause": "\(error)"])
            deliveries.putBack(id, of: function, due: now().advanced(by: .seconds(1)))
            ringing?.yield()
        }
    }

    /// nil for an event that isn't there, or isn't what was stored.
    func kept(_ id: Int64, _ function: FunctionKey) async throws -> AsyncEvent? {
        let event: AsyncEvent?
        do {
            event = try await store.event(id)
        } catch EventStoreError.contentChanged {
            logger.error("asynchronous event dropped: it was changed since it was stored", metadata: ["event": "\(id)"])
            return nil
        }
        guard event == nil || event?.envelope.function == function else {
            logger.error("asynchronous event dropped: its row names another function", metadata: ["event": "\(id)"])
            return nil
        }
        return event
    }

    /// Tries an event.
    ///
    /// - Throws: where it was not tried.
    private func outcome(_ id: Int64, _ function: FunctionKey) async throws -> Settlement {
        guard var event = try await kept(id, function) else { return { try await self.forget(id, function) } }
        let envelope = event.envelope
        let plan = try await plan(function, envelope.qualifier)
        func end(
            _ condition: AsyncRetryPolicy.Condition,
            _ response: InvocationResponse? = nil,
            isLoop: Bool = false
        ) async -> Settlement {
            let record = InvocationRecord(event, condition, response, isLoop: isLoop, at: now())
            let next = await following(record, plan)
            return { try await self.finish(id, record, next: next) }
        }
        guard !policy.isTooOld(age: age(envelope.accepted), plan.settings) else { return await end(.eventAgeExceeded) }
        guard !plan.isSwitchedOff else { return await end(.zeroReservedConcurrency) }
        metrics.series(function, qualifier: envelope.qualifier)
            .record(.asyncEventAge, age(envelope.accepted).inMilliseconds)
        let attempt: AsyncRetryPolicy.Attempt
        var response: InvocationResponse?
        switch await tried(id, event) {
        case .gone:
            // The function, or what the qualifier named, is gone: there is nobody to tell.
            logger.info("asynchronous event dropped", metadata: ["function": "\(function.arn)", "cause": "not found"])
            metrics.series(function, qualifier: envelope.qualifier).record(.asyncEventsDropped)
            return { try await self.forget(id, function) }
        case .loop:
            let text = "The event of request \(envelope.requestID) was stopped as part of a recursive loop."
            logger.warning("a recursive loop was stopped", metadata: ["function": "\(function.arn)"])
            await note(function, text)
            return await end(.retriesExhausted, isLoop: true)
        case .ended(let outcome, let answer): (attempt, response) = (outcome, answer)
        }
        switch attempt {
        case .functionError: event.errors += 1
        case .throttled, .machineFailed: event.delays += 1
        case .succeeded: break
        }
        let decision = policy.decide(
            attempt,
            errors: event.errors,
            delays: event.delays,
            age: age(envelope.accepted),
            plan.settings
        )
        switch decision {
        case .end(let condition): return await end(condition, response)
        case .retry(let delay):
            let due = now().advanced(by: delay)
            if attempt == .functionError { tally.retries += 1 } else { tally.delays += 1 }
            return { [event] in try await self.putBack(id, event, due: due) }
        }
    }

    private func forget(_ id: Int64, _ function: FunctionKey) async throws {
        try await store.remove(id)
        backlog.remove(id, of: function)
    }

    private func putBack(_ id: Int64, _ event: AsyncEvent, due: Timestamp) async throws {
        try await store.putBack(id, due: due, errors: event.errors, delays: event.delays)
        backlog.putBack(id, of: event.envelope.function, due: due)
    }

    private func age(_ accepted: Timestamp) -> Duration {
        let (age, overflow) = now().millisecondsSinceEpoch.subtractingReportingOverflow(accepted.millisecondsSinceEpoch)
        return .milliseconds(overflow ? 0 : max(0, age))
    }

    private enum Tried {
        case ended(AsyncRetryPolicy.Attempt, InvocationResponse?)
        case gone
        case loop
    }

    private func tried(_ id: Int64, _ event: AsyncEvent) async -> Tried {
        let envelope = event.envelope
        let request = InvocationRequest(
            requestID: envelope.requestID,
            function: envelope.function,
            qualifier: envelope.qualifier,
            payload: event.payload,
            traceHeader: envelope.traceHeader,
            origin: .asynchronous
        )
        do {
            let response = try await invoke(request)
            backlog.ran(id, of: envelope.function)
            ringing?.yield()
            switch response.outcome {
            case .success: return .ended(.succeeded, response)
            case .functionError: return .ended(.functionError, response)
            }
        } catch LambdaError.resourceNotFound {
            return .gone
        } catch LambdaError.recursiveInvocation {
            return .loop
        } catch LambdaError.tooManyRequests(let reason) {
            backlog.throttled(id, of: envelope.function, in: reason.room, at: now())
            return .ended(.throttled, nil)
        } catch {
            logger.error(
                "asynchronous attempt failed",
                metadata: ["function": "\(envelope.function.arn)", "cause": "\(error)"]
            )
            return .ended(.machineFailed, nil)
        }
    }
}

extension ThrottleReason {
    fileprivate var room: AsyncGate.Room {
        switch self {
        case .concurrentInvocationLimitExceeded, .callerRateLimitExceeded: .account
        case .functionInvocationRateLimitExceeded, .reservedFunctionInvocationRateLimitExceeded,
            .reservedFunctionConcurrentInvocationLimitExceeded:
            .function
        }
    }
}
