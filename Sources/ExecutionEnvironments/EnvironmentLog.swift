// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Egress
import InvocationCore
import LambdaModel
import LinuxSandbox
import LogStore
import Logging
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
    /// Invocations whose ends the store may be behind with, where it is slow.
    private static let unstoredMax = 1_024
    private let unstored = Atomic(0)
    private let flushing = Mutex(Flush.none)
    private let ending = AsyncStream<Void>.makeStream()
    private let meteredAtStart = Mutex(EgressMeter.Snapshot())
    private let systemLevelMin: LogLevel
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
        group = LogGroupKey(accountID: key.accountID, region: key.region, name: configuration.logging.logGroup)
        stream =
            LogStreamName(
                startedAt: workshop.now(),
                function: configuration.logging.hasOwnGroup(key) ? nil : key.name,
                version: configuration.version,
                random: (.random(in: 0...UInt64.max), .random(in: 0...UInt64.max))
            ).description
        let logging = configuration.logging
        systemLevelMin = logging.systemLogLevel.flatMap(LogLevel.init(rawValue:)) ?? .info
        let telemetry = TelemetryRelay(group: workshop.group, isJSON: logging.format == .json, now: workshop.now)
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
        await withCheckedContinuation { continuation in store(events(), usage: nil) { continuation.resume() } }
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
    func initEnded(_ report: InitReport, extensions: [ExtensionRegistry.Extension]) {
        collector.drain()
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
            executedEnvironmentID: stream
        )
        guard storeUsage(events(), usage, then: {}) else {
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

    /// What was written so far becomes readable while the invocation runs.
    ///
    /// One at a time: where the store is slow, what comes meanwhile stays in the pipes.
    func flush() {
        let begins = flushing.withLock { flush in
            defer { flush = flush == .none ? .storing : .storingOnce }
            return flush == .none
        }
        guard begins else { return }
        let events = events()
        if events.isEmpty { endFlush() } else { store(events, usage: nil) { [self] in endFlush() } }
    }

    private func endFlush() {
        let wasAsked = flushing.withLock { flush in
            defer { flush = .none }
            return flush == .storingOnce
        }
        if wasAsked { flush() }
    }

    private enum Flush {
        case none
        case storing
        /// And was asked for again.
        case storingOnce
    }

    func finish(_ report: InvocationReport, of inHand: InvocationInHand, maxMemoryUsedMiB: Int) {
        collector.drain()
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
        let tail = collector.takeTail()
        let isTaken = storeUsage(events(), usage) { inHand.answer(logTail: tail) }
        guard isTaken else {
            workshop.logger.error("usage record lost", metadata: ["requestID": "\(report.id)"])
            return inHand.answer(logTail: tail)
        }
    }

    private func events() -> [LoggedEvent] {
        do {
            return try collector.takeEvents()
        } catch {
            workshop.logger.error("log reading stopped", metadata: ["stream": "\(stream)", "error": "\(error)"])
            return []
        }
    }

    /// - Returns: false where the store is too far behind: nothing was taken, and `done` is not called.
    private func storeUsage(
        _ events: [LoggedEvent],
        _ usage: UsageRecord,
        then done: @escaping @Sendable () -> Void
    ) -> Bool {
        guard unstored.add(1, ordering: .relaxed).newValue <= Self.unstoredMax else {
            unstored.subtract(1, ordering: .relaxed)
            return false
        }
        store(events, usage: usage) { [self] in
            unstored.subtract(1, ordering: .relaxed)
            done()
        }
        return true
    }

    /// Calls `done` when it is stored, or lost.
    private func store(_ events: [LoggedEvent], usage: UsageRecord?, then done: @escaping @Sendable () -> Void) {
        let entry = JournalEntry(group: group, stream: stream, events: events, usage: usage)
        workshop.logs.append(entry) { [self] result in
            if case .failure(let error) = result {
                // A full disk must not stop synchronous invocations: the loss is told here.
                workshop.logger.error("log events lost", metadata: ["stream": "\(stream)", "error": "\(error)"])
            }
            done()
        }
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
            executedEnvironmentID: stream
        )
    }
}
