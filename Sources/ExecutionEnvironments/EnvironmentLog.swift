// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Egress
import InvocationCore
import LambdaModel
import LinuxSandbox
import LogStore
import Logging
import MetricCore
import Runtimes
import Synchronization

/// An environment's log stream, and the usage records of its invocations.
///
/// An invocation's last lines and its usage record are one write to the log store, and the caller is answered after it: what was
/// answered is on record even if the server is killed at that moment.
final class EnvironmentLog: Sendable {
    let collector: LogCollector
    /// Name of the log stream.
    let stream: String
    /// Replaced at most once, before anything runs.
    private let currentMeter = Mutex(EgressMeter())
    var meter: EgressMeter { currentMeter.withLock { $0 } }
    let telemetry: TelemetryRelay
    private let configuration: FunctionConfiguration
    private let initialization: InitializationType
    private let group: LogGroupKey
    private let workshop: EnvironmentWorkshop
    private let journal: EnvironmentJournal
    private let ending = AsyncStream<Void>.makeStream()
    private let meteredAtStart = Mutex(EgressMeter.Snapshot())
    private let systemLevelMin: LogLevel
    private let created: Timestamp
    /// Until the first invocation has told of it.
    private let beginning = Mutex<InvocationSpans.Beginning?>(nil)
    /// START of an invocation that initialises first: Lambda writes it after the initialisation.
    private let delayedStart = Mutex<PlatformLogLine?>(nil)

    init(
        _ configuration: FunctionConfiguration,
        _ initialization: InitializationType,
        workshop: EnvironmentWorkshop
    ) {
        self.configuration = configuration
        self.initialization = initialization
        self.workshop = workshop
        let key = configuration.key
        created = workshop.now()
        group = LogGroupKey(accountID: key.accountID, region: key.region, name: configuration.logging.logGroup)
        stream =
            LogStreamName(
                startedAt: created,
                function: configuration.logging.hasOwnGroup(key) ? nil : key.name,
                version: configuration.version,
                random: (.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))
            ).description
        journal = EnvironmentJournal(
            store: { [logs = workshop.logs] in logs.journal($0, completion: $1) },
            whenLost: { [logger = workshop.logger, stream] error in
                // What runs already is not stopped for want of room: the loss is told here.
                logger.error("log events lost", metadata: ["stream": "\(stream)", "error": "\(error)"])
            }
        )
        let logging = configuration.logging
        systemLevelMin = logging.systemLogLevel.flatMap(LogLevel.init(rawValue:)) ?? .info
        let telemetry = TelemetryRelay(group: workshop.egressGroup, isJSON: logging.format == .json, now: workshop.now)
        self.telemetry = telemetry
        collector = LogCollector(
            reactor: workshop.reactor,
            levelMin: logging.format == .json
                ? logging.applicationLogLevel.flatMap(LogLevel.init(rawValue:)) ?? .info : nil,
            now: workshop.now,
            listener: { telemetry.record($0 ? .extensions : .function, $1, at: $2) }
        )
    }

    /// Waits for `finish`, and closes the pipes when all that was written is stored.
    func run() async {
        for await _ in ending.stream {}
        collector.drain()
        flush()
        await withCheckedContinuation { continuation in
            if !store([], usage: nil, then: { continuation.resume() }) { continuation.resume() }
        }
        collector.close()
    }

    /// Opens the pipes that processes write to, of an environment that begins with nothing.
    func open() throws(SyscallError) {
        let pipes = try LogPipes.make()
        do throws(SyscallError) {
            try collector.open(pipes)
        } catch {
            pipes.close()
            throw error
        }
    }

    /// Goes on with what a blank environment has written to, and was metered by.
    func open(_ pipes: LogPipes, meter: EgressMeter) throws(SyscallError) {
        currentMeter.withLock { $0 = meter }
        try collector.open(pipes)
    }

    func finish() { ending.continuation.finish() }

    // MARK: - Lines

    func add(_ line: PlatformLogLine) {
        telemetry.record(line)
        switch configuration.logging.format {
        case .text:
            guard let text = line.text else { return }
            collector.add(platformLine: text)
        case .json:
            guard let level = line.level, level >= systemLevelMin, let text = line.json(at: workshop.now()) else {
                return
            }
            collector.add(platformLine: text)
        }
    }

    func initStarted(_ phase: InitReport.Phase, runtime: RuntimeDefinition) {
        let key = configuration.key
        add(
            .initStart(
                InitStart(
                    type: initialization,
                    phase: phase,
                    runtimeVersion: runtime.version,
                    runtimeVersionARN: RuntimeVersionARN.of(configuration.runtime, region: key.region),
                    functionName: key.name,
                    functionVersion: configuration.version
                )
            )
        )
    }

    func restoreStarted(runtime: RuntimeDefinition) {
        let arn = RuntimeVersionARN.of(configuration.runtime, region: configuration.key.region)
        add(.restoreStart(runtimeVersion: runtime.version, runtimeVersionARN: arn))
    }

    func restoreEnded(_ report: RestoreReport) {
        collector.drain()
        add(.restoreRuntimeDone(report))
        add(.restoreReport(report))
        telemetry.close()
    }

    /// After what the function has written until now; from here on nobody subscribes.
    func initEnded(_ report: InitReport, extensions: [ExtensionRegistry.Extension], drainedBytesMax: Int) {
        collector.drain(bytesMax: drainedBytesMax)
        add(.initRuntimeDone(report, initialization))
        for each in extensions {
            add(
                .extensionState(
                    name: each.name,
                    state: each.state.rawValue,
                    events: ExtensionRegistry.EventType.allCases.filter(each.events.contains).map(\.rawValue),
                    errorType: each.errorType
                )
            )
        }
        add(.initReport(report, initialization))
        telemetry.close()
        if report.phase == .invocation { writeDelayedStart() }
        if report.phase == .initialization, workshop.spans != nil {
            beginning.withLock {
                $0 = .init(created: created, initialized: workshop.now(), initDuration: report.duration)
            }
        }
        if report.phase == .initialization, initialization != .onDemand { recordProvisioned(report) }
    }

    /// Lambda bills the initialisation of a provisioned environment even if it never gets an invocation, and that of a snapshot, which gets
    /// none.
    private func recordProvisioned(_ report: InitReport) {
        let bytes = meter.snapshot()
        let usage = UsageRecord(
            requestID: "",
            function: configuration.key,
            version: configuration.version,
            startedAt: workshop.now(),
            memoryMiB: configuration.memoryMiB,
            durationMicroseconds: 0,
            billedMilliseconds: BilledDuration(duration: .zero, initDuration: report.duration).milliseconds,
            initMicroseconds: report.duration.wholeNanoseconds / 1_000,
            maxMemoryUsedMiB: 0,
            ephemeralStorageMiB: configuration.ephemeralStorageMiB,
            egressBytes: bytes.sent,
            ingressBytes: bytes.received,
            outcome: UsageRecord.provisionedInit,
            architecture: configuration.architecture,
            executedEnvironmentID: stream,
            isProvisioned: isProvisioned
        )
        guard store(events(), usage: usage, then: { [workshop] in workshop.noteUsage(usage) }) else {
            workshop.noteUsage(usage)
            workshop.logger.error("usage record lost", metadata: ["stream": "\(stream)"])
            return
        }
    }

    func begin(_ request: InvocationRequest, initialisesFirst: Bool) {
        meteredAtStart.withLock { $0 = meter.snapshot() }
        let trace = PlatformTrace(header: request.traceHeader)
        let start = PlatformLogLine.start(InvocationID(request.requestID), version: configuration.version, trace: trace)
        if initialisesFirst { delayedStart.withLock { $0 = start } } else { add(start) }
    }

    private func writeDelayedStart() {
        if let start = delayedStart.withLock({ $0.take() }) { add(start) }
    }

    /// What was written so far becomes readable.
    func flush() {
        let events = events()
        guard !events.isEmpty, !store(events, usage: nil) else { return }
        workshop.logger.error("log events lost", metadata: ["stream": "\(stream)"])
    }

    /// The same while an invocation runs: where the store is slow, what comes meanwhile waits for the next time, in the end in the pipes.
    func flushIfStored() {
        if journal.isIdle { flush() }
    }

    /// - Returns: what remains to be done, and brings the caller its answer.
    func finish(
        _ report: InvocationReport,
        of inHand: InvocationInHand,
        maxMemoryUsedMiB: Int,
        drainedBytesMax: Int
    ) -> () -> Void {
        collector.drain(bytesMax: drainedBytesMax)
        writeDelayedStart()
        let trace = PlatformTrace(header: inHand.request.traceHeader)
        add(inHand.runtimeDone(report, trace: trace))
        if let failure = inHand.failure { add(.fault(report.id, failure)) }
        add(.end(report.id))
        add(
            .report(
                report,
                memoryMiB: configuration.memoryMiB,
                maxMemoryUsedMiB: maxMemoryUsedMiB,
                trace: trace
            )
        )
        let usage = usageRecord(report, inHand, maxMemoryUsedMiB)
        count(usage, inHand.request.qualifier)
        addSpans(report, inHand)
        let tail = collector.takeTail()
        let events = events()
        return { [self] in
            // Noted once it is stored: who adds up what is stored, and then what is noted, misses none.
            let isTaken = store(events, usage: usage) { [workshop] in
                workshop.noteUsage(usage)
                inHand.answer(logTail: tail)
            }
            guard !isTaken else { return }
            workshop.noteUsage(usage)
            workshop.logger.error("usage record lost", metadata: ["requestID": "\(report.id)"])
            inHand.answer(logTail: tail)
        }
    }

    /// What is counted is what the usage record has, so that both add up to the same.
    private func count(_ usage: UsageRecord, _ qualifier: String?) {
        workshop.metrics.series(usage.function, qualifier: qualifier, version: usage.version).invocationEnded(
            .init(
                isError: usage.outcome != "success",
                duration: Double(usage.durationMicroseconds) / 1_000,
                billed: Double(usage.billedMilliseconds),
                initialization: usage.initMicroseconds.map { Double($0) / 1_000 },
                sentBytes: usage.egressBytes,
                receivedBytes: usage.ingressBytes
            )
        )
    }

    private func addSpans(_ report: InvocationReport, _ inHand: InvocationInHand) {
        guard let buffer = workshop.spans, inHand.request.span != nil else { return }
        let spans = InvocationSpans(
            request: inHand.request,
            configuration: configuration,
            report: report,
            assigned: inHand.startedAt,
            beginning: beginning.withLock { $0.take() }
        )
        var random = SystemRandomNumberGenerator()
        buffer.add(spans.spans(using: &random))
    }

    private func events() -> [LoggedEvent] {
        let events = collector.takeEvents()
        do {
            try collector.readOn()
        } catch {
            workshop.logger.error("log reading stopped", metadata: ["stream": "\(stream)", "error": "\(error)"])
        }
        return events
    }

    /// Calls `done` when it is stored, or lost.
    ///
    /// - Returns: false where the store is too far behind: nothing was taken, and `done` is not called.
    private func store(
        _ events: [LoggedEvent],
        usage: UsageRecord?,
        then done: @escaping @Sendable () -> Void = {}
    ) -> Bool {
        journal.append(JournalEntry(group: group, stream: stream, events: events, usage: usage), then: done)
    }

    private func usageRecord(
        _ report: InvocationReport,
        _ inHand: InvocationInHand,
        _ maxMemoryUsedMiB: Int
    ) -> UsageRecord {
        let bytes = meter.snapshot() - meteredAtStart.withLock { $0 }
        let outcome =
            switch report.status {
            case .success: "success"
            case .functionError, .runtimeError: "error"
            case .timeout: "timeout"
            case .environmentLost: "lost"
            }
        return UsageRecord(
            requestID: inHand.request.requestID,
            function: configuration.key,
            version: configuration.version,
            startedAt: inHand.startedAt,
            memoryMiB: configuration.memoryMiB,
            durationMicroseconds: report.duration.wholeNanoseconds / 1_000,
            billedMilliseconds: report.status == .environmentLost
                ? 0 : report.billed.milliseconds + (report.restore?.billedMilliseconds ?? 0),
            initMicroseconds: report.initDuration.map { $0.wholeNanoseconds / 1_000 },
            maxMemoryUsedMiB: min(maxMemoryUsedMiB, configuration.memoryMiB),
            ephemeralStorageMiB: configuration.ephemeralStorageMiB,
            egressBytes: bytes.sent,
            ingressBytes: bytes.received,
            outcome: outcome,
            architecture: configuration.architecture,
            executedEnvironmentID: stream,
            origin: inHand.request.origin,
            isProvisioned: isProvisioned
        )
    }

    private var isProvisioned: Bool { initialization == .provisionedConcurrency }
}
