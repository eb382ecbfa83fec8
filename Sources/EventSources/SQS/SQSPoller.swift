// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import InvocationCore
import LambdaModel
import Logging

/// Reads one queue for one function: performs what `QueuePoller` decides.
///
/// A message is deleted when its invocation has succeeded, or no filter lets it through; everything else leaves it to the queue.
actor SQSPoller: SourcePoller {
    typealias Report = @Sendable (EventSourceStatus) -> Void

    /// Of records that are in hand.
    static let bytesInHandMax = 64 << 20
    /// How long what the queue says of its visibility timeout is believed.
    static let visibilityAge = Duration.seconds(10)
    /// Between receives of a queue that answers at once although it has nothing.
    static let emptyPause = Duration.seconds(1)
    /// Between two tries to delete, of which there are `deletionsMax`.
    static let deletionPause = Duration.seconds(1)
    static let deletionsMax = 4

    private var plan: EventSourcePlan
    private var source: EventSourcePlan.QueueSource
    private var filter: EventFilter
    private let queue: any SQSQueue
    private let invoke: EventSourceService.Invoke
    private let report: Report
    private let now: @Sendable () -> MonotonicTime
    private let clock: any Clock<Duration>
    private let logger: Logger
    private var machine: QueuePoller
    private var inHand: [Int: SQSRecord] = [:]
    private var last = 0
    private var visibility: (duration: Duration, read: MonotonicTime)?
    private var receives: [Int: Task<Void, Never>] = [:]
    private var alarm: Task<Void, Never>?
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    /// Why the last receive failed, and why the last invocation did not come about.
    private var problems: (receive: String?, invocation: String?)

    /// - Throws: `EventPatternError` for filters that are none.
    init(
        _ plan: EventSourcePlan,
        _ source: EventSourcePlan.QueueSource,
        queue: any SQSQueue,
        invoke: @escaping EventSourceService.Invoke,
        report: @escaping Report,
        now: @escaping @Sendable () -> MonotonicTime,
        clock: any Clock<Duration>,
        logger: Logger
    ) throws(EventPatternError) {
        filter = try EventFilter(patterns: source.filters, source: .sqs)
        self.plan = plan
        self.source = source
        self.queue = queue
        self.invoke = invoke
        self.report = report
        self.now = now
        self.clock = clock
        self.logger = logger
        machine = QueuePoller(
            source.settings,
            payloadBytesMax: LimitsProfile.synchronousPayloadBytesMax,
            bytesMax: Self.bytesInHandMax
        )
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        ringing.yield()
    }

    /// The mapping was changed: what is in hand goes on, what comes next is read as the plan says now.
    func change(_ plan: EventSourcePlan) throws(EventPatternError) {
        guard case .queue(let source) = plan.source else { return }
        filter = try EventFilter(patterns: source.filters, source: .sqs)
        self.plan = plan
        self.source = source
        machine.change(source.settings)
        ringing.yield()
    }

    /// Reads no more; with `isHasty` not even what a receive brings that is under way.
    func stop(isHasty: Bool) {
        machine.stop()
        if isHasty || queue.givesBackWhenCancelled { for receive in receives.values { receive.cancel() } }
        tell()
        ringing.yield()
    }

    /// Until it was stopped, and everything in hand has come to its end.
    func run() async {
        tell()
        await withDiscardingTaskGroup { group in
            for await _ in bell {
                while let action = machine.next(at: now()) {
                    switch action {
                    case .receive(let count): receive(count)
                    case .invoke(let id, let numbers): group.addTask { await self.perform(id, numbers) }
                    case .drop(let numbers, let releases):
                        let records = take(numbers)
                        if releases { group.addTask { await self.release(records) } }
                    }
                }
                setAlarm()
                if machine.isStopping, machine.isIdle { break }
            }
        }
        alarm?.cancel()
        ringing.finish()
    }

    private func setAlarm() {
        alarm?.cancel()
        guard let due = machine.due else { return }
        let delay = max(.milliseconds(1), due - now())
        alarm = Task { [ringing, clock] in
            guard (try? await clock.sleep(for: delay)) != nil else { return }
            ringing.yield()
        }
    }

    private func take(_ numbers: [Int]) -> [SQSRecord] { numbers.compactMap { inHand.removeValue(forKey: $0) } }

    private func setProblem(receive problem: String?) {
        guard problem != problems.receive else { return }
        problems.receive = problem
        if let problem { logger.warning("a queue is not read", metadata: metadata(["cause": "\(problem)"])) }
        tell()
    }

    private func setProblem(invocation problem: String?) {
        guard problem != problems.invocation else { return }
        problems.invocation = problem
        tell()
    }

    private func tell() {
        let problem = problems.receive ?? problems.invocation
        report(EventSourceStatus(machine.isStopping ? .ending : .reading, problem: problem))
    }

    // MARK: Receiving

    private func receive(_ count: Int) {
        last += 1
        let number = last
        receives[number] = Task { [self] in
            await receive(count, number)
        }
    }

    private func receive(_ count: Int, _ number: Int) async {
        defer {
            receives[number] = nil
            ringing.yield()
        }
        do {
            let visibility = try await visibilityTimeout()
            let begun = now()
            let messages = try await queue.receive(max: count)
            setProblem(receive: nil)
            await received(messages, visibility, begun: begun)
        } catch is CancellationError {
            machine.received([], of: 0, visibility: .zero, at: now())
        } catch {
            machine.receiveFailed(at: now())
            guard let failure = error as? SQSFailure else {
                logger.error("a queue was not read", metadata: metadata(["cause": "\(error)"]))
                setProblem(receive: "The queue could not be read.")
                return
            }
            setProblem(receive: failure.problem)
        }
    }

    private func visibilityTimeout() async throws -> Duration {
        if let visibility, now() - visibility.read < Self.visibilityAge { return visibility.duration }
        let seconds = try await queue.visibilityTimeout()
        visibility = (.seconds(seconds), now())
        return .seconds(seconds)
    }

    private func received(_ messages: [JSONValue], _ visibility: Duration, begun: MonotonicTime) async {
        let arrived = now()
        let region = plan.key.region
        let records = messages.compactMap { SQSRecord($0, queueARN: source.arn, region: region) }
        var unwanted: [SQSRecord] = []
        var wanted: [QueuePoller.Message] = []
        for record in records {
            guard filter.matches(record: record.value, data: Array(record.body.utf8)) else {
                unwanted.append(record)
                continue
            }
            last += 1
            inHand[last] = record
            wanted.append(.init(number: last, bytes: record.bytes.count))
        }
        if records.isEmpty {
            if inHand.isEmpty { setProblem(invocation: nil) }
            if arrived - begun < Self.emptyPause { try? await clock.sleep(for: Self.emptyPause) }
        }
        // Not cut off by the end of the receive: what is unwanted would come again.
        if !unwanted.isEmpty { await Task { [unwanted] in _ = await delete(unwanted) }.value }
        machine.received(wanted, of: records.count, visibility: visibility - (now() - arrived), at: now())
    }

    // MARK: Invoking

    private func perform(_ id: QueuePoller.BatchID, _ numbers: [Int]) async {
        var (outcome, done) = await outcome(numbers.compactMap { inHand[$0] })
        // In a FIFO queue what follows would overtake what is still there.
        if await !delete(done), machine.settings.isFIFO { outcome = .failed(slowsDown: false) }
        if outcome != .throttled { _ = take(numbers) }
        machine.ended(id, outcome, at: now())
        ringing.yield()
    }

    private func outcome(_ records: [SQSRecord]) async -> (QueuePoller.Outcome, done: [SQSRecord]) {
        let request = InvocationRequest(
            requestID: RandomIdentifier.uuid(),
            function: plan.function,
            qualifier: plan.qualifier,
            payload: SQSRecord.event(records),
            traceHeader: Self.trace(records),
            origin: .eventSource(records: records.count)
        )
        let reports = source.reportsItemFailures
        do {
            let response = try await invoke(request)
            setProblem(invocation: nil)
            // Lambda doesn't slow down for who says itself which messages failed.
            guard case .success(let payload) = response.outcome else { return (.failed(slowsDown: !reports), []) }
            guard reports else { return (.succeeded, records) }
            switch ItemFailures(parsing: payload, identifiers: Set(records.map(\.messageID))) {
            case .none: return (.succeeded, records)
            case .all: return (.failed(slowsDown: false), [])
            case .some(let failed):
                return (.failed(slowsDown: false), records.filter { !failed.contains($0.messageID) })
            }
        } catch let error as LambdaError {
            setProblem(invocation: error.wire.message)
            switch error {
            case .requestTooLarge, .invalidRequestContent, .recursiveInvocation: return (.failed(slowsDown: true), [])
            // It has not run, and may when the function is back.
            default: return (.throttled, [])
            }
        } catch {
            logger.error("a batch's invocation failed", metadata: metadata(["cause": "\(error)"]))
            return (.throttled, [])
        }
    }

    /// Of a batch's traces the one that has come to the most loops: none is to begin anew beside others.
    private static func trace(_ records: [SQSRecord]) -> String? {
        let headers = records.compactMap(\.traceHeader)
        return headers.max { loops($0) < loops($1) }
    }

    private static func loops(_ header: String) -> Int { TraceHeader(header)?.lineage.loops ?? 0 }

    // MARK: Afterwards

    /// Whether all of them are deleted; the others come again: at least once.
    private func delete(_ records: [SQSRecord]) async -> Bool {
        var isWhole = true
        for part in Self.parts(records) {
            var turn = 1
            while true {
                do {
                    if try await !queue.delete(part.map(\.receiptHandle)) { isWhole = false }
                    break
                } catch {
                    // The next parts would fare no better.
                    guard turn < Self.deletionsMax, !machine.isStopping else {
                        logger.warning("messages were not deleted", metadata: metadata(["cause": "\(error)"]))
                        return false
                    }
                    turn += 1
                    try? await clock.sleep(for: Self.deletionPause)
                }
            }
        }
        if !isWhole { logger.warning("messages were not deleted", metadata: metadata(["cause": "their handles"])) }
        return isWhole
    }

    private func release(_ records: [SQSRecord]) async {
        for part in Self.parts(records) {
            // Where it fails, their visibility timeout does the same, later.
            do { try await queue.release(part.map(\.receiptHandle)) } catch {
                logger.info("messages were not given back", metadata: metadata(["cause": "\(error)"]))
                return
            }
        }
    }

    private static func parts(_ records: [SQSRecord]) -> [ArraySlice<SQSRecord>] {
        stride(from: 0, to: records.count, by: QueuePoller.receiveMax).map {
            records[$0..<min($0 + QueuePoller.receiveMax, records.count)]
        }
    }

    private func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["mapping": "\(plan.key.id)", "queue": "\(source.arn)"]) { first, _ in first }
    }
}
