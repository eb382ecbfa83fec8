// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import Invoker
import LambdaModel
import Logging

/// Reads one shard for one function: performs what `ShardPoller` decides.
actor ShardReader {
    /// What all shards of a stream are read with.
    struct Tools: Sendable {
        var stream: any RecordStream
        var reading: StreamReading
        var invoke: EventSourceService.Invoke
        /// For all shards of the mapping.
        let share = ReadingShare()
        var now: @Sendable () -> MonotonicTime
        var clock: any Clock<Duration>
        var logger: Logger

        var delivery: DiscardDelivery {
            DiscardDelivery(deliver: reading.deliver, clock: clock, logger: logger)
        }
    }

    enum Note: Equatable, Sendable {
        /// A batch was processed.
        case processed
        /// The shard is read again.
        case fine
        case problem(String)
    }

    private struct Kept {
        var sequence: String
        var arrival: Timestamp
        var bytes: [UInt8]
    }

    private let shard: String
    private var plan: EventSourcePlan
    private var source: EventSourcePlan.StreamSource
    private var filter: EventFilter
    private let tools: Tools
    private let note: @Sendable (Note) async -> Void
    private var machine: ShardPoller
    /// What is older is not the mapping's; DynamoDB does not leave it out itself.
    private var oldest: Timestamp?
    private var inHand: [Int: Kept] = [:]
    private var lastNumber = 0
    private var iterator = ""
    /// It is known that there may be something to read, and not read yet.
    private var hasWaited = false
    /// The last of each lane.
    private var attempts: [Int: DiscardedBatch.Attempt] = [:]
    private var reads: Task<Void, Never>?
    private var hasReadProblem = false
    private var hasSaveProblem = false
    private var discards: [Int: Task<Bool, Never>] = [:]
    private var alarm: Task<Void, Never>?
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation

    init(
        _ shard: String,
        _ plan: EventSourcePlan,
        _ source: EventSourcePlan.StreamSource,
        _ filter: EventFilter,
        from position: StreamPosition,
        _ tools: Tools,
        note: @escaping @Sendable (Note) async -> Void
    ) {
        self.shard = shard
        self.plan = plan
        self.source = source
        self.filter = filter
        self.tools = tools
        self.note = note
        machine = ShardPoller(
            source.settings,
            from: position,
            payloadBytesMax: LimitsProfile.synchronousPayloadBytesMax,
            busyPause: tools.stream.busyPause
        )
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        ringing.yield()
    }

    var isFinished: Bool { machine.isFinished }

    func change(_ plan: EventSourcePlan, _ source: EventSourcePlan.StreamSource, _ filter: EventFilter) {
        self.plan = plan
        self.source = source
        self.filter = filter
        machine.change(source.settings)
        ringing.yield()
    }

    func seal() {
        machine.seal()
        ringing.yield()
    }

    func vanish() {
        machine.vanish()
        ringing.yield()
    }

    /// Reads no more, and invokes no more.
    func stop() {
        machine.stop()
        reads?.cancel()
        for discard in discards.values { discard.cancel() }
        ringing.yield()
    }

    /// Until the shard was read to its end, or it was stopped and what runs has come to its end.
    func run() async {
        await resume()
        await withDiscardingTaskGroup { group in
            for await _ in bell {
                while let action = machine.next(at: tools.now()) { perform(action, &group) }
                tools.share.hold(machine.bytesInHand, shard)
                setAlarm()
                if machine.isIdle, machine.isStopping || machine.isFinished { break }
            }
        }
        alarm?.cancel()
        reads?.cancel()
        tools.share.hold(0, shard)
        ringing.finish()
    }

    /// Goes on with the window that was open at the position.
    private func resume() async {
        while !machine.isStopping, !Task.isCancelled {
            do {
                if let window = try await tools.reading.checkpoints.window(of: shard, of: plan.key) {
                    machine.resume(window)
                }
                return
            } catch {
                tools.logger.error("a window could not be read", metadata: ["shard": "\(shard)", "cause": "\(error)"])
                hasReadProblem = true
                await note(.problem("How far the stream is read could not be looked up."))
                try? await tools.clock.sleep(for: .seconds(1))
            }
        }
    }

    private func perform(_ action: ShardPoller.Action, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .open(let position): reads = Task { await self.open(position) }
        case .fetch(let count): reads = Task { await self.fetch(count) }
        case .invoke(let lane, let numbers): group.addTask { await self.invoke(lane, numbers) }
        case .discard(let lane, let numbers, let reason, let invocations):
            group.addTask { await self.discard(lane, numbers, reason, invocations) }
        case .conclude(let window): group.addTask { await self.conclude(window) }
        case .save(let position, let window, let done):
            for number in done { inHand[number] = nil }
            group.addTask { await self.save(position, window) }
        }
    }

    private func setAlarm() {
        alarm?.cancel()
        guard let due = machine.due else { return }
        let delay = max(.milliseconds(1), due - tools.now())
        alarm = Task { [ringing, clock = tools.clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            ringing.yield()
        }
    }

    // MARK: Reading

    private func open(_ position: StreamPosition) async {
        if case .since(let time) = position, source.kind == .dynamoDB {
            // Their times are whole seconds.
            oldest = Timestamp(millisecondsSinceEpoch: time.millisecondsSinceEpoch / 1_000 * 1_000)
        } else {
            oldest = nil
        }
        do {
            iterator = try await tools.stream.iterator(shard, at: position)
            machine.opened(at: tools.now())
        } catch {
            await failed(error)
        }
        ringing.yield()
    }

    private func fetch(_ count: Int) async {
        if !hasWaited {
            do { try await tools.stream.wait(iterator) } catch {
                await failed(error)
                ringing.yield()
                return
            }
            hasWaited = true
        }
        if let pause = tools.share.begin(shard) {
            machine.postponed(pause, at: tools.now())
            ringing.yield()
            return
        }
        hasWaited = false
        do {
            defer { tools.share.end() }
            let began = tools.reading.time()
            let page = try await tools.stream.records(iterator, max: count)
            received(page, began)
            tools.share.hold(machine.bytesInHand, shard)
            iterator = page.next ?? ""
            if hasReadProblem {
                hasReadProblem = false
                await note(.fine)
            }
        } catch {
            await failed(error)
        }
        ringing.yield()
    }

    private func failed(_ error: any Error) async {
        let now = tools.now()
        switch (error as? StreamFailure)?.code {
        case "ExpiredIteratorException"?: return machine.expired(at: now)
        // The record that was last is there no more, or the stream was made anew under its name.
        case "InvalidArgumentException"? where source.kind == .kinesis && isOfPosition(error):
            tools.logger.warning(
                "a position is not in its shard, which is read from its beginning",
                metadata: ["shard": "\(shard)", "cause": "\(error)"]
            )
            if machine.trimmed(at: now) { return }
        case "TrimmedDataAccessException"?: if machine.trimmed(at: now) { return }
        case StreamFailure.tooLarge?: machine.overflowed(at: now)
        // More reads than a shard has: no problem, but a reason to wait.
        case "ProvisionedThroughputExceededException"?, "LimitExceededException"?: return machine.readFailed(at: now)
        default: machine.readFailed(at: now)
        }
        guard !machine.isStopping else { return }
        let problem = (error as? StreamFailure)?.problem ?? "The stream could not be read."
        tools.logger.warning("a shard is not read", metadata: ["shard": "\(shard)", "cause": "\(error)"])
        hasReadProblem = true
        await note(.problem(problem))
    }

    private func isOfPosition(_ error: any Error) -> Bool {
        (error as? StreamFailure)?.message.contains("StartingSequenceNumber") ?? false
    }

    private func received(_ page: StreamPage, _ began: Timestamp) {
        let time = tools.reading.time()
        let frame = StreamRecord.Frame(source, shard: shard, region: plan.key.region)
        var wanted: [ShardPoller.Record] = []
        var last: String?
        let lanes = machine.settings.lanes
        for record in page.records {
            let arrival = record.arrival(time)
            // The position stays a time until one of them is the mapping's.
            if let oldest, arrival < oldest { continue }
            last = record.sequence
            guard let bytes = record.event(frame, arrival: arrival, passing: filter) else { continue }
            lastNumber += 1
            inHand[lastNumber] = Kept(sequence: record.sequence, arrival: arrival, bytes: bytes)
            let age = time.millisecondsSinceEpoch - arrival.millisecondsSinceEpoch
            wanted.append(
                .init(
                    number: lastNumber,
                    sequence: record.sequence,
                    bytes: bytes.count,
                    age: .milliseconds(max(0, age)),
                    arrival: arrival,
                    lane: Self.lane(of: record, lanes)
                )
            )
        }
        let now = tools.now()
        machine.fetched(
            .init(
                records: wanted,
                last: last,
                lastArrival: page.records.last?.arrival(time),
                hasMore: page.hasMore,
                isEnd: page.next == nil,
                began: began
            ),
            at: now
        )
    }

    /// The same for all records of a partition, in every process (FNV-1a).
    private static func lane(of record: StreamRecord, _ lanes: Int) -> Int {
        guard lanes > 1 else { return 0 }
        let hash = record.partition.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Int(hash % UInt64(lanes))
    }

    // MARK: Invoking

    private func invoke(_ lane: Int, _ numbers: [Int]) async {
        let records = numbers.compactMap { inHand[$0] }
        let (outcome, state) = await outcome(lane, records, numbers, machine.window)
        machine.ended(outcome, state: state, lane: lane, at: tools.now())
        ringing.yield()
    }

    /// Tells the function that a window is over, or ends early: its answer's state is nobody's any more.
    private func conclude(_ window: StreamWindow) async {
        let request = request(WindowEvent(window, shard, source, isConclusion: true).bytes([]), records: 0)
        let outcome: ShardPoller.Outcome
        do {
            if case .success = try await tools.invoke(request).outcome {
                await note(.processed)
                outcome = .succeeded
            } else {
                await note(.problem(Self.failure))
                outcome = .failed(from: nil)
            }
        } catch {
            await note(error)
            outcome = .throttled
        }
        machine.concluded(outcome, at: tools.now())
        ringing.yield()
    }

    private static let failure = "Function call failed"
    private static let stateless = "The function returned no state for its window, or one that no event has room for."

    private func request(_ event: [UInt8], records: Int) -> InvocationRequest {
        InvocationRequest(
            requestID: RandomIdentifier.uuid(),
            function: plan.function,
            qualifier: plan.qualifier,
            payload: event,
            origin: .eventSource(records: records)
        )
    }

    /// The function was not run.
    private func note(_ error: any Error) async {
        if let error = error as? LambdaError { return await note(.problem(error.wire.message)) }
        tools.logger.error("a batch's invocation failed", metadata: ["shard": "\(shard)", "cause": "\(error)"])
    }

    /// With what the function returned for the window, where there is one.
    private func outcome(
        _ lane: Int,
        _ records: [Kept],
        _ numbers: [Int],
        _ window: StreamWindow?
    ) async -> (ShardPoller.Outcome, state: [UInt8]?) {
        let event = event(records, window)
        guard event.count <= LimitsProfile.synchronousPayloadBytesMax else {
            // One record: a batch of several fits.
            attempts[lane] = nil
            await note(.problem("A record's event has \(event.count) bytes, more than a function may be sent."))
            return (.failed(from: nil), nil)
        }
        let request = request(event, records: records.count)
        if let last = records.last {
            let age = tools.reading.time().millisecondsSinceEpoch - last.arrival.millisecondsSinceEpoch
            tools.reading.aged(plan.function, plan.qualifier, .milliseconds(max(0, age)))
        }
        let reports = source.reportsItemFailures
        do {
            let response = try await tools.invoke(request)
            attempts[lane] = DiscardedBatch.Attempt(
                requestID: request.requestID,
                executedVersion: response.executedVersion,
                isFunctionError: true
            )
            guard case .success(let payload) = response.outcome else {
                await note(.problem(Self.failure))
                return (.failed(from: nil), nil)
            }
            let state = window.flatMap { _ in WindowEvent.state(in: payload) }
            // Where windows were given up meanwhile, the state stays as it was, and is concluded after.
            if window != nil, state == nil, machine.settings.tumblingSeconds > 0 {
                await note(.problem(Self.stateless))
                return (.failed(from: nil), nil)
            }
            let failures =
                reports ? ItemFailures(parsing: payload, identifiers: Set(records.map(\.sequence))) : .none
            switch failures {
            case .none:
                await note(.processed)
                return (.succeeded, state)
            case .all:
                attempts[lane]?.isFunctionError = false
                await note(.problem(Self.failure))
                return (.failed(from: nil), nil)
            case .some(let failed):
                attempts[lane]?.isFunctionError = false
                let first = records.firstIndex { failed.contains($0.sequence) }
                await note(.problem(Self.failure))
                return (.failed(from: first.map { numbers[$0] }), state)
            }
        } catch {
            await note(error)
            return (.throttled, nil)
        }
    }

    /// The event of an invocation.
    private func event(_ records: [Kept], _ window: StreamWindow?) -> [UInt8] {
        let records = records.map(\.bytes)
        guard let window else { return StreamRecord.event(records) }
        return WindowEvent(window, shard, source, isConclusion: false).bytes(records)
    }

    // MARK: Afterwards

    private func save(_ position: StreamPosition, _ window: StreamWindow?) async {
        do {
            try await tools.reading.checkpoints.save(position, window, of: shard, of: plan.key)
            machine.saved(at: tools.now())
            if hasSaveProblem {
                hasSaveProblem = false
                await note(.fine)
            }
        } catch {
            tools.logger.error("a position could not be saved", metadata: ["shard": "\(shard)", "cause": "\(error)"])
            machine.saveFailed(at: tools.now())
            hasSaveProblem = true
            await note(.problem("How far the stream is read could not be saved."))
        }
        ringing.yield()
    }

    private func discard(
        _ lane: Int,
        _ numbers: [Int],
        _ reason: ShardPoller.Reason,
        _ invocations: Int
    ) async {
        let records = numbers.compactMap { inHand[$0] }
        let batch = DiscardedBatch(
            plan: plan,
            destination: source.destination,
            place: shard,
            info: .init(source, shard, records.map { ($0.sequence, $0.arrival) }),
            reason: reason,
            invocations: invocations,
            attempt: invocations > 0 ? attempts[lane] : nil,
            event: event(records, machine.window),
            time: tools.reading.time()
        )
        if await isTold(batch.message(), lane) {
            machine.discarded(lane: lane, at: tools.now())
        } else {
            machine.undone(lane: lane)
        }
        ringing.yield()
    }

    private func isTold(_ message: DestinationMessage?, _ lane: Int) async -> Bool {
        guard let message else { return true }
        guard !machine.isStopping else { return false }
        let delivery = Task { [tools, shard] in await tools.delivery.deliver(message, from: ("shard", shard)) }
        discards[lane] = delivery
        defer { discards[lane] = nil }
        return await withTaskCancellationHandler {
            await delivery.value
        } onCancel: {
            delivery.cancel()
        }
    }
}
