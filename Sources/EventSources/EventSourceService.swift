// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
package import LambdaModel
package import Logging
import ServiceLifecycle
import Synchronization

/// Reads the sources of all mappings that are enabled: one poller for each, begun, changed and ended as the mappings are.
package actor EventSourceService: Service {
    package typealias Invoke = @Sendable (InvocationRequest) async throws -> InvocationResponse
    /// What is to be read for a mapping now; nil for nothing.
    package typealias Plan = @Sendable (EventSourceKey) async throws -> EventSourcePlan?

    /// So much waits in the source of a mapping; nil where that is not known any more.
    package typealias Lag = @Sendable (EventSourcePlan, Int?) -> Void

    /// Before a mapping that could not be looked up is looked up again.
    private static let retryPause = Duration.seconds(1)

    private struct Reading {
        var poller: any SourcePoller
        var plan: EventSourcePlan
        var isEnding = false

        var readsBroker: Bool { if case .broker = plan.source { true } else { false } }
    }

    private let queues: any SQSQueues
    private let streams: StreamReading
    private let brokers: RabbitMQBrokers
    private let secrets: Secret.Finder
    private let kafkaShare: KafkaShare
    private let invoke: Invoke
    private let all: @Sendable () async throws -> [EventSourceKey]
    private let plan: Plan
    private let lag: Lag
    private let now: @Sendable () -> MonotonicTime
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var readings: [EventSourceKey: Reading] = [:]
    /// Mappings that could not be looked up, and are to be again.
    private var retried: Set<EventSourceKey> = []
    /// Mappings that wait for one of their kind to end.
    private var crowded: Set<EventSourceKey> = []
    private var isEnding = false
    private let board: EventSourceBoard

    /// `all` are the mappings that there are when it begins, `plan` says of one what is to be read, at any time; `kafkaMemoryMiB` is what
    /// topics may take of an account that is alone.
    package init(
        board: EventSourceBoard,
        queues: any SQSQueues,
        streams: StreamReading,
        brokers: RabbitMQBrokers,
        secrets: @escaping Secret.Finder,
        kafkaMemoryMiB: Int,
        invoke: @escaping Invoke,
        all: @escaping @Sendable () async throws -> [EventSourceKey],
        plan: @escaping Plan,
        lag: @escaping Lag,
        now: @escaping @Sendable () -> MonotonicTime,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.board = board
        self.queues = queues
        self.streams = streams
        self.brokers = brokers
        self.secrets = secrets
        kafkaShare = KafkaShare(memoryMiB: kafkaMemoryMiB)
        self.invoke = invoke
        self.all = all
        self.plan = plan
        self.lag = lag
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        for key in try await all() { board.changed(key) }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await key in board.changes {
                    guard !isEnding else { break }
                    await follow(key, &group)
                }
            }
        } onGracefulShutdown: {
            Task { await self.end() }
        }
        try await gracefulShutdown()
    }

    /// Receives no more; batches that run come to their end.
    package func end() async {
        guard !isEnding else { return }
        isEnding = true
        board.close()
        for reading in readings.values { await reading.poller.stop(isHasty: true) }
    }

    /// Makes what is read for a mapping what it should be.
    private func follow(_ key: EventSourceKey, _ group: inout DiscardingTaskGroup) async {
        let plan: EventSourcePlan?
        do {
            plan = try await self.plan(key)
        } catch {
            logger.error("an event source mapping could not be read", metadata: metadata(key, "\(error)"))
            if retried.insert(key).inserted { group.addTask { await self.retry(key) } }
            return
        }
        guard !isEnding, readings[key]?.plan != plan || readings[key]?.isEnding == true else { return }
        do {
            switch (plan, readings[key]) {
            case (nil, nil): if crowded.remove(key) != nil { board.set(key, nil) }
            // What is ending says when it has ended, and is followed then.
            case (_, let reading?) where reading.isEnding: break
            case (nil, let reading?): await end(reading, key)
            // Another source's records are not this one's, and what is in hand is in its lanes.
            case (let plan?, let reading?) where !reading.plan.source.isLike(plan.source): await end(reading, key)
            case (let plan?, let reading?):
                try await reading.poller.change(plan)
                readings[key]?.plan = plan
                if (reading.plan.function, reading.plan.qualifier) != (plan.function, plan.qualifier) {
                    lag(reading.plan, nil)
                }
            case (let plan?, nil): try begin(plan, &group)
            }
        } catch {
            // Filters are checked when they are stored.
            logger.error("an event source mapping is not understood", metadata: metadata(key, "\(error)"))
        }
    }

    private func retry(_ key: EventSourceKey) async {
        try? await clock.sleep(for: Self.retryPause)
        retried.remove(key)
        board.changed(key)
    }

    private func end(_ reading: Reading, _ key: EventSourceKey) async {
        readings[key]?.isEnding = true
        await reading.poller.stop(isHasty: false)
    }

    private func begin(_ plan: EventSourcePlan, _ group: inout DiscardingTaskGroup) throws {
        if case .broker = plan.source, readings.values.count(where: \.readsBroker) >= RabbitMQBrokers.mappingsMax {
            crowded.insert(plan.key)
            let problem = "\(RabbitMQBrokers.mappingsMax) mappings of RabbitMQ's queues are read at one time."
            return board.set(plan.key, EventSourceStatus(.ending, problem: problem))
        }
        guard let poller = try poller(plan) else {
            return board.set(plan.key, EventSourceStatus(.ending, problem: "Unrecognized event source."))
        }
        readings[plan.key] = Reading(poller: poller, plan: plan)
        group.addTask {
            await poller.run()
            await self.ended(plan.key)
        }
    }

    /// nil where the source can't be read from here.
    private func poller(_ plan: EventSourcePlan) throws -> (any SourcePoller)? {
        let report: @Sendable (EventSourceStatus) -> Void = { [board] in board.set(plan.key, $0) }
        switch plan.source {
        case .queue(let source):
            guard let queue = queues.queue(arn: source.arn, accountID: plan.key.accountID) else { return nil }
            return try SQSPoller(
                plan,
                source,
                queue: queue,
                invoke: invoke,
                report: report,
                now: now,
                clock: clock,
                logger: logger
            )
        case .stream(let source):
            guard let stream = streams.streams.stream(source, accountID: plan.key.accountID) else { return nil }
            return try StreamPoller(
                plan,
                source,
                stream: stream,
                reading: streams,
                invoke: invoke,
                report: report,
                now: now,
                clock: clock,
                logger: logger
            )
        case .kafka(let source): return try KafkaPoller(plan, source, tools: kafkaTools(plan, source), report: report)
        case .broker(let source):
            guard let broker = brokers.broker(arn: source.arn) else { return nil }
            return try RabbitMQPoller(
                plan,
                source,
                broker: broker,
                secrets: secrets,
                invoke: invoke,
                report: report,
                lag: lag,
                now: now,
                clock: clock,
                logger: logger
            )
        }
    }

    private func kafkaTools(_ plan: EventSourcePlan, _ source: EventSourcePlan.KafkaSource) -> KafkaPoller.Tools {
        var logger = logger
        logger[metadataKey: "mapping"] = "\(plan.key.id)"
        logger[metadataKey: "topic"] = "\(source.topic)"
        return KafkaPoller.Tools(
            secret: secrets,
            invoke: invoke,
            delivery: DiscardDelivery(deliver: streams.deliver, clock: clock, logger: logger),
            share: kafkaShare,
            lag: lag,
            time: streams.time,
            now: now,
            clock: clock,
            logger: logger
        )
    }

    private func ended(_ key: EventSourceKey) {
        let ended = readings.removeValue(forKey: key)
        if let ended { lag(ended.plan, nil) }
        board.set(key, nil)
        board.changed(key)
        guard ended?.readsBroker == true else { return }
        crowded.forEach(board.changed)
        crowded = []
    }

    private func metadata(_ key: EventSourceKey, _ cause: String) -> Logger.Metadata {
        ["mapping": "\(key.id)", "account": "\(key.accountID)", "cause": "\(cause)"]
    }
}
