// SPDX-License-Identifier: Apache-2.0
import EventPattern
import InvocationCore
package import Invoker
package import LambdaModel
import Logging

/// What the reading of streams needs.
package struct StreamReading: Sendable {
    package typealias Deliver = @Sendable (DestinationMessage) async throws(DeliveryFailure) -> Void
    /// Told how old a batch's last record is when the batch is sent to that function.
    package typealias Aged = @Sendable (FunctionKey, _ qualifier: String?, Duration) -> Void

    var streams: any RecordStreams
    var checkpoints: any StreamCheckpoints
    /// Tells a destination of what was discarded.
    var deliver: Deliver
    /// Wall-clock time.
    var time: @Sendable () -> Timestamp
    var aged: Aged

    package init(
        streams: any RecordStreams,
        checkpoints: any StreamCheckpoints,
        deliver: @escaping Deliver,
        time: @escaping @Sendable () -> Timestamp,
        aged: @escaping Aged = { _, _, _ in }
    ) {
        self.streams = streams
        self.checkpoints = checkpoints
        self.deliver = deliver
        self.time = time
        self.aged = aged
    }
}

/// Reads the shards of one stream for one function: performs what `ShardSet` decides, with a `ShardReader` for each shard.
actor StreamPoller: SourcePoller {
    typealias Report = @Sendable (EventSourceStatus) -> Void

    private var plan: EventSourcePlan
    private var source: EventSourcePlan.StreamSource
    private let stream: any RecordStream
    private let reading: StreamReading
    private let tools: ShardReader.Tools
    private let report: Report
    private var set: ShardSet
    private var readers: [String: ShardReader] = [:]
    private var listing: Task<Void, Never>?
    private var isSaving = false
    private var isStopping = false
    private var alarm: Task<Void, Never>?
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    /// Why the stream is not read, and why a shard is not, or is not processed.
    private var problem: String?
    private var problems: [String: String] = [:]
    private var hasProcessed = false
    /// Before that, a mapping is shown as one that begins.
    private var hasListed = false

    /// - Throws: `EventPatternError` for filters that are none.
    init(
        _ plan: EventSourcePlan,
        _ source: EventSourcePlan.StreamSource,
        stream: any RecordStream,
        reading: StreamReading,
        invoke: @escaping EventSourceService.Invoke,
        report: @escaping Report,
        now: @escaping @Sendable () -> MonotonicTime,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws(EventPatternError) {
        _ = try EventFilter(patterns: source.filters, source: source.filterSource)
        self.plan = plan
        self.source = source
        self.stream = stream
        self.reading = reading
        self.report = report
        var logger = logger
        logger[metadataKey: "mapping"] = "\(plan.key.id)"
        logger[metadataKey: "stream"] = "\(source.arn)"
        tools = ShardReader.Tools(
            stream: stream,
            reading: reading,
            invoke: invoke,
            now: now,
            clock: clock,
            logger: logger
        )
        set = ShardSet(start: source.start, positions: [:])
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        ringing.yield()
    }

    func change(_ plan: EventSourcePlan) async throws {
        guard case .stream(let source) = plan.source else { return }
        let filter = try EventFilter(patterns: source.filters, source: source.filterSource)
        self.plan = plan
        self.source = source
        for reader in readers.values { await reader.change(plan, source, filter) }
        ringing.yield()
    }

    func stop(isHasty: Bool) async {
        isStopping = true
        listing?.cancel()
        tell()
        for reader in readers.values { await reader.stop() }
        ringing.yield()
    }

    func run() async {
        await load()
        await withDiscardingTaskGroup { group in
            for await _ in bell {
                while !isStopping, let action = set.next(at: tools.now()) { perform(action, &group) }
                if set.isCrowded { tell() }
                setAlarm()
                if isStopping, readers.isEmpty, listing == nil, !isSaving { break }
            }
        }
        alarm?.cancel()
        listing?.cancel()
        ringing.finish()
    }

    /// How far an earlier run was.
    private func load() async {
        while !isStopping {
            do {
                let positions = try await reading.checkpoints.positions(of: plan.key)
                set = ShardSet(start: source.start, positions: positions)
                return
            } catch {
                tools.logger.error("positions could not be read", metadata: ["cause": "\(error)"])
                try? await tools.clock.sleep(for: .seconds(1))
            }
        }
    }

    private func perform(_ action: ShardSet.Action, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .list: listing = Task { await self.list() }
        case .save(let positions):
            isSaving = true
            group.addTask { await self.save(positions) }
        case .read(let shard, let position): read(shard, position, &group)
        case .seal(let shard):
            guard stream.endsWhenEmpty, let reader = readers[shard] else { return }
            group.addTask { await reader.seal() }
        case .vanish(let shard):
            guard let reader = readers[shard] else { return }
            group.addTask { await reader.vanish() }
        case .forget(let shards): group.addTask { await self.forget(shards) }
        }
    }

    private func list() async {
        do {
            let shards = try await stream.shards()
            set.listed(shards, at: tools.now(), time: reading.time())
            hasListed = true
            set(problem: nil)
        } catch {
            set.listFailed(at: tools.now())
            hasListed = true
            if !isStopping {
                let problem = (error as? StreamFailure)?.problem ?? "The stream could not be read."
                set(problem: problem, cause: "\(error)")
            }
        }
        listing = nil
        ringing.yield()
    }

    private func save(_ positions: [String: StreamPosition]) async {
        do {
            try await reading.checkpoints.save(positions, of: plan.key)
            set.saved()
            set(problem: nil)
        } catch {
            tools.logger.error("positions could not be saved", metadata: ["cause": "\(error)"])
            set.saveFailed(at: tools.now())
            set(problem: "How far the stream is read could not be saved.")
        }
        isSaving = false
        ringing.yield()
    }

    private func forget(_ shards: [String]) async {
        do { try await reading.checkpoints.forget(shards, of: plan.key) } catch {
            // They are forgotten after the next start.
            tools.logger.warning("positions were not removed", metadata: ["cause": "\(error)"])
        }
    }

    private func read(_ shard: String, _ position: StreamPosition, _ group: inout DiscardingTaskGroup) {
        // Filters were looked at when they came.
        guard let filter = try? EventFilter(patterns: source.filters, source: source.filterSource) else { return }
        let reader = ShardReader(shard, plan, source, filter, from: position, tools) { [weak self] in
            await self?.note(shard, $0)
        }
        readers[shard] = reader
        group.addTask {
            await reader.run()
            await self.ended(shard, isFinished: reader.isFinished)
        }
    }

    private func ended(_ shard: String, isFinished: Bool) {
        readers[shard] = nil
        problems[shard] = nil
        if isFinished { set.finished(shard, at: tools.now()) }
        tell()
        ringing.yield()
    }

    private func note(_ shard: String, _ note: ShardReader.Note) {
        switch note {
        case .problem(let text): problems[shard] = text
        case .processed:
            problems[shard] = nil
            hasProcessed = true
        case .fine: problems[shard] = nil
        }
        tell()
    }

    private func set(problem: String?, cause: String? = nil) {
        guard problem != self.problem else { return tell() }
        self.problem = problem
        if let problem { tools.logger.warning("a stream is not read", metadata: ["cause": "\(cause ?? problem)"]) }
        tell()
    }

    private func tell() {
        guard hasListed || isStopping else { return }
        report(
            EventSourceStatus(
                isStopping ? .ending : .reading,
                problem: problem ?? problems.min { $0.key < $1.key }?.value ?? crowd,
                hasProcessed: hasProcessed
            )
        )
    }

    private var crowd: String? {
        let count = set.waitingCount
        guard count > 0 else { return nil }
        return "\(count) shards wait: \(ShardSet.readingMax) are read at one time."
    }

    private func setAlarm() {
        alarm?.cancel()
        guard !isStopping, let due = set.due else { return }
        let delay = max(.milliseconds(1), due - tools.now())
        alarm = Task { [ringing, clock = tools.clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            ringing.yield()
        }
    }
}

extension EventSourcePlan.StreamSource {
    var filterSource: EventFilter.Source { kind == .kinesis ? .kinesis : .dynamoDBStreams }
}
