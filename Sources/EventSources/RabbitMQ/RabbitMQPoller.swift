// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import LambdaModel
import Logging

/// Reads one queue of a RabbitMQ broker for one function: performs what `RabbitMQConsumer` decides.
actor RabbitMQPoller: SourcePoller {
    typealias Report = @Sendable (EventSourceStatus) -> Void

    private enum Happening: Sendable {
        case connection(RabbitMQConsumer.ConnectionID, RabbitMQConnection.Event)
        case ended(RabbitMQConsumer.BatchID, RabbitMQConsumer.Outcome)
        case alarm
        case changed
    }

    /// Of records that the broker has handed on, and that are not settled: a batch that runs, and the next.
    private static let bytesInHandMax = 2 * LimitsProfile.synchronousPayloadBytesMax
    /// AMQP's short strings.
    private static let nameBytesMax = 255

    private var plan: EventSourcePlan
    private var source: EventSourcePlan.BrokerSource
    private var filter: EventFilter
    private let broker: RabbitMQBroker
    private let secrets: Secret.Finder
    private let envelope: RabbitMQRecord.Envelope
    private let invoke: EventSourceService.Invoke
    private let report: Report
    private let lag: EventSourceService.Lag
    private let now: @Sendable () -> MonotonicTime
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var machine: RabbitMQConsumer
    private var connection: (id: RabbitMQConsumer.ConnectionID, connection: RabbitMQConnection)?
    /// Of messages that are not settled: what is in an event of them.
    private var inHand: [UInt64: [UInt8]] = [:]
    private var alarm: Task<Void, Never>?
    private let happenings: AsyncStream<Happening>
    private let happened: AsyncStream<Happening>.Continuation
    /// Why nothing is read, and why the last batch was not processed.
    private var problems: (reading: String?, invocation: String?)
    private var hasProcessed = false
    /// Before that, a mapping is shown as one that begins.
    private var hasTried = false

    /// - Throws: `EventPatternError` for filters that are none.
    init(
        _ plan: EventSourcePlan,
        _ source: EventSourcePlan.BrokerSource,
        broker: RabbitMQBroker,
        secrets: @escaping Secret.Finder,
        invoke: @escaping EventSourceService.Invoke,
        report: @escaping Report,
        lag: @escaping EventSourceService.Lag,
        now: @escaping @Sendable () -> MonotonicTime,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws(EventPatternError) {
        filter = try EventFilter(patterns: source.filters, source: .messageBroker)
        self.plan = plan
        self.source = source
        self.broker = broker
        self.secrets = secrets
        self.invoke = invoke
        self.report = report
        self.lag = lag
        self.now = now
        self.clock = clock
        var logger = logger
        logger[metadataKey: "mapping"] = "\(plan.key.id)"
        logger[metadataKey: "broker"] = "\(source.arn)"
        self.logger = logger
        envelope = RabbitMQRecord.Envelope(arn: source.arn, queue: source.queue, virtualHost: source.virtualHost)
        machine = RabbitMQConsumer(
            source.settings,
            payloadBytesMax: LimitsProfile.synchronousPayloadBytesMax - envelope.count
        )
        // As much as is in hand, and an alarm.
        (happenings, happened) = AsyncStream.makeStream()
        happened.yield(.changed)
    }

    /// The mapping was changed, but not what a connection is made of: what is in hand was filtered as before.
    func change(_ plan: EventSourcePlan) throws(EventPatternError) {
        guard case .broker(let source) = plan.source else { return }
        filter = try EventFilter(patterns: source.filters, source: .messageBroker)
        self.plan = plan
        self.source = source
        machine.change(window: source.settings.window)
        happened.yield(.changed)
    }

    func stop(isHasty: Bool) {
        machine.stop()
        lag(plan, nil)
        tell()
        happened.yield(.changed)
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            for await happening in happenings {
                note(happening)
                while let action = machine.next(at: now()) { perform(action, &group) }
                setAlarm()
                if machine.isIdle { break }
            }
        }
        alarm?.cancel()
        happened.finish()
    }

    private func setAlarm() {
        alarm?.cancel()
        guard let due = machine.due else { return }
        let delay = max(.milliseconds(1), due - now())
        alarm = Task { [happened, clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            happened.yield(.alarm)
        }
    }

    private func note(_ happening: Happening) {
        switch happening {
        case .connection(let id, let event):
            // Of one that was given up, nothing counts.
            guard connection?.id == id else { return }
            note(event, by: id)
        case .ended(let batch, let outcome): machine.ended(batch, outcome, at: now())
        case .alarm, .changed: break
        }
    }

    private func note(_ event: RabbitMQConnection.Event, by id: RabbitMQConsumer.ConnectionID) {
        switch event {
        case .connected:
            machine.connected(id, at: now())
            set(reading: nil)
        case .received(let records): for record in records { take(record, by: id) }
        case .counted(let ready): lag(plan, machine.counted(ready: ready, by: id, at: now()))
        case .lost(let failure):
            machine.lost(id, at: now())
            lag(plan, nil)
            connection = nil
            inHand = [:]
            if let failure { set(reading: failure.problem, cause: failure.cause) }
        }
    }

    private func take(_ record: RabbitMQRecord, by id: RabbitMQConsumer.ConnectionID) {
        let isTooLarge = record.bytes.isEmpty
        let isWanted = isTooLarge || filter.matches(record: record.value, data: record.body)
        if isWanted { inHand[record.tag] = record.bytes }
        machine.received(.init(tag: record.tag, bytes: record.size), isWanted: isWanted, by: id, at: now())
    }

    private func perform(_ action: RabbitMQConsumer.Action, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .connect(let id): connect(id)
        case .invoke(let id, let tags):
            let messages = tags.compactMap { inHand[$0] }
            let event = envelope.event(messages)
            group.addTask { await self.perform(id, event, messages: messages.count) }
        case .acknowledge(let tags):
            tags.forEach { inHand[$0] = nil }
            connection?.connection.acknowledge(tags)
        case .reject(let tags, let requeues):
            if !requeues {
                logger.warning(
                    "messages are larger than a function may be sent",
                    metadata: ["count": "\(tags.count)", "bytesMax": "\(LimitsProfile.synchronousPayloadBytesMax)"]
                )
            }
            tags.forEach { inHand[$0] = nil }
            connection?.connection.reject(tags, requeues: requeues)
        case .count: connection?.connection.count()
        case .forgetCount: lag(plan, nil)
        case .cancel: connection?.connection.cancel()
        case .disconnect: connection?.connection.end()
        }
    }

    // MARK: Connecting

    private func connect(_ id: RabbitMQConsumer.ConnectionID) {
        let tell: @Sendable (RabbitMQConnection.Event) -> Void = { [happened] in happened.yield(.connection(id, $0)) }
        do {
            let connection = try RabbitMQConnection(
                bodyBytesMax: LimitsProfile.synchronousPayloadBytesMax,
                bytesInHandMax: Self.bytesInHandMax
            )
            self.connection = (id, connection)
            let target = AMQPSession.Target(
                broker: broker,
                virtualHost: source.virtualHost,
                queue: source.queue,
                user: "",
                password: "",
                prefetch: source.settings.batchSize
            )
            let (secret, accountID) = (source.secret, plan.key.accountID)
            connection.start(
                { [secrets] () throws(AMQPFailure) in
                    try Self.signed(target, by: secret, of: accountID, secrets)
                },
                tell
            )
        } catch {
            machine.lost(id, at: now())
            set(reading: error.problem, cause: error.cause)
        }
    }

    /// Looks the secret up, which reads a file.
    static func signed(
        _ target: AMQPSession.Target,
        by arn: String,
        of accountID: String,
        _ secrets: Secret.Finder
    ) throws(AMQPFailure) -> AMQPSession.Target {
        func invalid(_ problem: String) -> AMQPFailure {
            AMQPFailure(problem: "ESM_CONFIG_NOT_VALID: \(problem)", cause: problem)
        }
        for name in [target.virtualHost, target.queue] where name.utf8.count > nameBytesMax || name.utf8.contains(0) {
            throw invalid("A queue's name or a virtual host's has more than \(nameBytesMax) bytes, or a null.")
        }
        let secret: Secret
        do { secret = try secrets(arn, accountID) } catch { throw invalid(error.problem) }
        guard let user = secret["username"], let password = secret["password"], !user.utf8.contains(0),
            !password.utf8.contains(0)
        else { throw invalid("The secret \(arn) has no username and password.") }
        var target = target
        target.user = user
        target.password = password
        return target
    }

    // MARK: Invoking

    private func perform(_ id: RabbitMQConsumer.BatchID, _ event: [UInt8], messages: Int) async {
        let outcome = await outcome(event, messages: messages)
        happened.yield(.ended(id, outcome))
    }

    private func outcome(_ event: [UInt8], messages: Int) async -> RabbitMQConsumer.Outcome {
        let request = InvocationRequest(
            requestID: RandomIdentifier.uuid(),
            function: plan.function,
            qualifier: plan.qualifier,
            payload: event,
            origin: .eventSource(records: messages)
        )
        do {
            let response = try await invoke(request)
            guard case .success = response.outcome else {
                set(invocation: "Function call failed")
                return .failed
            }
            hasProcessed = true
            set(invocation: nil)
            return .succeeded
        } catch let error as LambdaError {
            set(invocation: error.wire.message)
            switch error {
            case .requestTooLarge, .invalidRequestContent, .recursiveInvocation: return .failed
            // It has not run, and may when the function is back.
            default: return .throttled
            }
        } catch {
            logger.error("a batch's invocation failed", metadata: ["cause": "\(error)"])
            return .throttled
        }
    }

    // MARK: Telling

    private func set(reading problem: String?, cause: String? = nil) {
        hasTried = true
        if problem != problems.reading, let problem {
            logger.warning("a queue is not read", metadata: ["cause": "\(cause ?? problem)"])
        }
        problems.reading = problem
        tell()
    }

    private func set(invocation problem: String?) {
        problems.invocation = problem
        tell()
    }

    private func tell() {
        guard hasTried || machine.isStopping else { return }
        report(
            EventSourceStatus(
                machine.isStopping ? .ending : .reading,
                problem: problems.reading ?? problems.invocation,
                hasProcessed: hasProcessed
            )
        )
    }
}
