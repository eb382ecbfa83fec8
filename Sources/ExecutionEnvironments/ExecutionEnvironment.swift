// SPDX-License-Identifier: Apache-2.0
import Glibc
package import InvocationCore
import LambdaModel
import LinuxSandbox
import LogStore
import Logging
import MetricCore
package import RuntimeAPI
import Runtimes

/// One execution environment: performs what `EnvironmentLifecycle` decides, with a real sandbox, sockets and a log.
///
/// Events come from the Runtime API, from the sandbox's init, from a timer and from the pool; each is decided and acted on without
/// a suspension in between.
package actor ExecutionEnvironment {
    /// What the pool hears of it.
    package enum Event: Equatable, Sendable {
        /// Free for an invocation; `usedKiB` is the most memory that it has had, where control groups tell.
        case idle(EnvironmentID, usedKiB: Int?)
        /// Nothing of it is left.
        case lost(EnvironmentID, EnvironmentLifecycle.DiscardReason)
    }

    package nonisolated let id: EnvironmentID
    nonisolated let configuration: FunctionConfiguration
    let workshop: EnvironmentWorkshop
    let runtime: RuntimeDefinition
    let log: EnvironmentLog
    private let tellPool: @Sendable (Event) -> Void
    let logger: Logger

    /// How the runtime's process begins.
    var initialization: InitializationType
    var lifecycle: EnvironmentLifecycle
    var sandbox: Sandbox?
    var services: SandboxServices?
    /// To the process of a blank environment that has become this function's, until it begins.
    var assignment: BlankChannel?
    /// By which number init knows the runtime's process.
    var runtimeProcess = ProcessPlan.runtimeNumber
    var polls: [PollID: CheckedContinuation<RuntimeAPIAnswer, Never>] = [:]
    private var nextPoll: UInt64 = 1
    private(set) var inHand: InvocationInHand?
    var alarms = AlarmClock()
    /// Wakes for whichever of the alarms is next.
    var sleeper: Task<Void, Never>?
    var isFrozen = false
    private var outOfMemoryKills: UInt64 = 0
    /// How the initialisation ended that no invocation was in.
    private(set) var initStatus: InitReport.Status?
    /// Of an invocation that has ended: its caller may come again at once, and so the pool knows before that the environment is free.
    private var answering: (() -> Void)?
    /// Of a pipe, at an invocation's end: what was written after the call that ends it need not be read on an event loop.
    private var drainedBytesMax = Int.max
    /// Only where no control group counts memory: what init said last.
    private var measuredKibibytes: UInt64 = 0
    /// The most memory that it has had, where a control group counts it.
    private var peakBytes: UInt64?
    /// The first, finished before init has said for the first time how much memory its processes have.
    private var unmeasured: (report: InvocationReport, inHand: InvocationInHand)?
    /// One look at a time: with a thousand processes it may take longer than the interval.
    private var isMeasuring = false
    private let discarded = AsyncStream<EnvironmentLifecycle.DiscardReason>.makeStream(
        bufferingPolicy: .bufferingOldest(1)
    )

    /// An idle environment is frozen after this long: a burst of invocations is not slowed down by freezing between them.
    private static let freezeDelay = Duration.milliseconds(50)

    /// A line is readable that long after it was read, while the invocation runs on.
    private static let flushInterval = Duration.milliseconds(100)
    /// How long an answer waits for the runtime's following `next`, and so for the log and the bill to be written.
    private static let answerDelayMax = Duration.milliseconds(50)

    init(
        _ id: EnvironmentID,
        _ configuration: FunctionConfiguration,
        _ initialization: InitializationType,
        isSnapshot: Bool = false,
        runtime: RuntimeDefinition,
        workshop: EnvironmentWorkshop,
        tell: @escaping @Sendable (Event) -> Void
    ) {
        self.id = id
        self.configuration = configuration
        self.initialization = initialization
        lifecycle = EnvironmentLifecycle(configuration, initialization, isSnapshot: isSnapshot)
        self.runtime = runtime
        self.workshop = workshop
        tellPool = tell
        log = EnvironmentLog(configuration, initialization, workshop: workshop)
        var logger = workshop.logger
        logger[metadataKey: "environment"] = "\(id)"
        logger[metadataKey: "function"] = "\(configuration.key.name)"
        self.logger = logger
    }

    // MARK: - Life

    /// From nothing to nothing: makes the sandbox, serves it, and returns when nothing of it is left.
    func run() async {
        var ending = EnvironmentLifecycle.DiscardReason.sandboxLost
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.log.run() }
            do {
                let (sandbox, extensions) = try await self.makeSandbox()
                group.addTask { await self.follow(sandbox) }
                group.addTask { await self.watchMemory() }
                self.perform(self.lifecycle.sandboxReady(externalExtensions: extensions, at: .now))
            } catch is CancellationError {
                self.perform(self.lifecycle.sandboxFailed(at: .now))
            } catch {
                self.logger.error("sandbox failed", metadata: ["error": "\(error)"])
                self.perform(self.lifecycle.sandboxFailed(at: .now))
            }
            for await reason in self.discarded.stream {
                self.logger.debug("environment discarded", metadata: ["reason": "\(reason)"])
                ending = reason
                break
            }
            await self.tearDown()
            self.log.finish()
        }
        tellPool(.lost(id, ending))
    }

    private func makeSandbox() async throws -> (Sandbox, externalExtensions: [String]) {
        let code = try await UnpackedCode.acquire(configuration, from: workshop.code)
        if let sandbox = await becomeRestored(code) {
            workshop.metrics.environmentStarted(.snapstart)
            return (sandbox, code.extensions)
        }
        if let (sandbox, isForked) = await becomeAssigned(code) {
            workshop.metrics.environmentStarted(isForked ? .fork : .blank)
            return (sandbox, code.extensions)
        }
        let sandbox: Sandbox
        do {
            // It may have waited long for its turn.
            if lifecycle.state == .dead { throw CancellationError() }
            try log.open()
            sandbox = try await workshop.foundation.make(
                id,
                configuration,
                runtime: runtime,
                code: code,
                kinship: lifecycle.origin == .snapshot ? .snapshot : .none
            )
        } catch {
            await UnpackedCode.release(configuration, to: workshop.code)
            throw error
        }
        self.sandbox = sandbox
        if lifecycle.origin != .snapshot { workshop.metrics.environmentStarted(.exec) }
        log.telemetry.attach(sandbox)
        services = try await SandboxServices.start(
            sandbox,
            handler: self,
            meter: log.meter,
            workshop: workshop,
            logger: logger
        )
        return (sandbox, code.extensions)
    }

    private func tearDown() async {
        sleeper?.cancel()
        for poll in polls.values { poll.resume(returning: .connectionClosed) }
        polls = [:]
        log.telemetry.stop()
        await services?.stop()
        assignment?.close()
        if let sandbox {
            await sandbox.destroy()
            workshop.foundation.release(slot: sandbox.slot)
            await UnpackedCode.release(configuration, to: workshop.code)
        }
    }

    /// What the sandbox's init says, until it is gone.
    private func follow(_ sandbox: Sandbox) async {
        for await reply in sandbox.replies {
            switch reply {
            case .exited(let process, let status): exited(process, exitStatus(status))
            case .startFailed(let process, let errno): failedToStart(process, errno: errno)
            case .allKilled:
                await services?.closeRuntimeConnections()
                // Their last words come before their successors' first, and are readable without another invocation.
                log.collector.drain()
                log.telemetry.clear()
                perform(lifecycle.processesGone(at: .now))
                log.flush()
            case .memory(let resident, let peak): measured(residentKibibytes: resident, peakKibibytes: peak)
            case .failed(let error): logger.error("sandbox's init failed", metadata: ["error": "\(error)"])
            case .built, .socket: break
            }
        }
        perform(lifecycle.sandboxLost(at: .now))
    }

    private func exitStatus(_ status: Int32) -> ExitStatus {
        let signal = status & 0x7F
        guard signal != 0 else { return .exited(code: (status >> 8) & 0xFF) }
        let kills = (try? sandbox?.outOfMemoryKills()) ?? outOfMemoryKills
        defer { outOfMemoryKills = kills }
        return .signalled(signal, outOfMemory: signal == SIGKILL && kills > outOfMemoryKills)
    }

    // MARK: - Memory without a control group

    /// Between two looks at the processes' memory, while something runs.
    private static let memoryInterval = Duration.milliseconds(50)

    private var hasMemoryGroup: Bool { workshop.foundation.hasMemoryGroup }

    /// What a control group does elsewhere: a function beyond its memory is killed.
    ///
    /// RLIMIT_DATA bounds what it can take until it is seen.
    private func watchMemory() async {
        guard !hasMemoryGroup else { return }
        while (try? await Task.sleep(for: Self.memoryInterval)) != nil {
            switch lifecycle.state {
            case .dead: return
            case .initializing, .invoking:
                guard !isMeasuring else { continue }
                isMeasuring = (try? sandbox?.requestMemory()) != nil
            case .startingSandbox, .ready, .needsInit, .resetting, .ending: continue
            }
        }
    }

    private func measured(residentKibibytes: UInt64, peakKibibytes: UInt64) {
        isMeasuring = false
        measuredKibibytes = max(measuredKibibytes, peakKibibytes)
        finishUnmeasured()
        guard !hasMemoryGroup, residentKibibytes > UInt64(configuration.memoryMiB) << 10 else { return }
        perform(lifecycle.runtimeExited(.signalled(SIGKILL, outOfMemory: true), at: .now))
    }

    // MARK: - The pool's side

    /// Runs one event to its answer.
    ///
    /// The pool has bound it to this environment.
    ///
    /// - Returns: nil when the environment was gone before it could begin: another one may have the event.
    func invoke(_ request: InvocationRequest) async throws(LambdaError) -> InvocationResponse? {
        switch await answer(request, isStreamed: false) {
        case nil: return nil
        case .outcome(let outcome, let tail):
            return InvocationResponse(executedVersion: configuration.version, outcome: outcome, logTail: tail)
        case .streaming: preconditionFailure("only who asked for it gets a stream")
        case .environmentLost: throw Self.lost(request)
        }
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    func stream(_ request: InvocationRequest) async throws(LambdaError) -> InvocationStream? {
        switch await answer(request, isStreamed: true) {
        case nil: return nil
        case .outcome(let outcome, let tail):
            return InvocationStream(
                InvocationResponse(executedVersion: configuration.version, outcome: outcome, logTail: tail)
            )
        case .streaming(let stream): return stream
        case .environmentLost: throw Self.lost(request)
        }
    }

    private func answer(_ request: InvocationRequest, isStreamed: Bool) async -> InvocationInHand.Answer? {
        if isFrozen {
            alarms.cancel(.freeze)
            await thawElsewhere()
        }
        if lifecycle.state == .dead { return nil }
        let ticket = InvocationTicket(
            id: InvocationID(request.requestID),
            timeout: .seconds(configuration.timeoutSeconds)
        )
        return await withCheckedContinuation { (continuation: CheckedContinuation<InvocationInHand.Answer, Never>) in
            precondition(inHand == nil, "an environment takes one invocation at a time")
            inHand = InvocationInHand(
                request: request,
                startedAt: workshop.now(),
                isStreamed: isStreamed,
                continuation: continuation
            )
            alarms.cancel(.freeze)
            finishUnmeasured()
            log.begin(request, initialisesFirst: lifecycle.state != .ready)
            set(.flush, after: Self.flushInterval)
            perform(lifecycle.invocationAssigned(ticket, at: .now))
        }
    }

    private static func lost(_ request: InvocationRequest) -> LambdaError {
        .service(message: "The execution environment was lost. Request id: \(request.requestID)")
    }

    /// Ends the environment, whatever it does.
    func shutDown() { perform(lifecycle.shutdownRequested(at: .now)) }

    // MARK: - Actions

    /// `body` is that of the Runtime API call which is the event, and the result what that call is answered.
    @discardableResult
    func perform(_ actions: [EnvironmentLifecycle.Action], body: [UInt8] = []) -> RuntimeAPIAnswer? {
        var reply: RuntimeAPIAnswer?
        defer {
            if lifecycle.isEndingProcesses { log.telemetry.flush() }
            answering.take()?()
        }
        for action in actions {
            do {
                switch action {
                case .answer(let answer): reply = self.answer(answer)
                case .respond(let id, let answer): respond(id, answer, body: body)
                default: try act(action)
                }
            } catch {
                // A sandbox that does not do as it is told is none any more.
                logger.error("environment failed", metadata: ["action": "\(action)", "error": "\(error)"])
                perform(lifecycle.sandboxLost(at: .now))
            }
        }
        return reply
    }

    private func act(_ action: EnvironmentLifecycle.Action) throws {
        switch action {
        case .startExtensions(let names): try startExtensions(names)
        case .startRuntime: try startRuntime()
        case .endRuntime(let isForced):
            try thaw()
            try sandbox?.signal(process: runtimeProcess, isForced ? SIGKILL : SIGTERM)
        case .tell(let event, let polls):
            try thaw()
            tell(event, to: polls)
        case .applyRunLimits: try sandbox?.setProcessorShare(.bought)
        case .killProcesses: try killProcesses()
        case .deliver(let id, let poll, let deadline): try deliver(id, to: poll, deadline: deadline)
        case .refuse(let polls, let reply):
            for poll in polls { self.polls.removeValue(forKey: poll)?.resume(returning: answer(reply)) }
        case .finish(let report): finish(report)
        case .initEnded(let report):
            if report.phase == .initialization { initStatus = report.status }
            log.initEnded(
                report,
                extensions: lifecycle.extensions.atInitEnd ?? [],
                drainedBytesMax: drainedBytesMax
            )
            peakBytes = try sandbox?.memoryPeakBytes()
            if peakBytes == nil { try sandbox?.requestMemory() }
        case .restoreEnded(let report): log.restoreEnded(report)
        case .setTimer(let time): set(.lifecycle, at: time)
        case .cancelTimer: alarms.cancel(.lifecycle)
        case .becomeIdle(let idle):
            if idle == .ready, lifecycle.origin != .snapshot { set(.freeze, after: Self.freezeDelay) }
            tellPool(.idle(id, usedKiB: peakBytes.map { Int(($0 + 1_023) >> 10) }))
        case .discard(let reason):
            finishUnmeasured()
            discarded.continuation.yield(reason)
            discarded.continuation.finish()
        case .answer, .respond, .beginStream: break
        }
    }

    private func startRuntime() throws {
        guard let sandbox else { return }
        try thaw()
        try sandbox.setProcessorShare(.all)
        if !lifecycle.extensions.hasExternal {
            log.telemetry.begin()
            noteStart()
        }
        if try assignRuntime() || (try startSnapshot()) { return }
        try sandbox.run(
            runtimePlan,
            output: log.collector.pipes.output.write,
            telemetry: runtime.managed ? log.collector.pipes.telemetry.write : nil
        )
    }

    var processEnvironment: ProcessEnvironment {
        workshop.environment(of: configuration, runtime, initialization: initialization, logStream: log.stream)
    }

    /// RLIMIT_DATA where no control group holds the memory.
    var dataMiB: UInt32 { workshop.foundation.dataMiB(of: configuration.memoryMiB) }

    private func killProcesses() throws {
        alarms.cancel(.freeze)
        try thaw()
        // Their end takes time of the processors too; what starts next is not limited either.
        try sandbox?.setProcessorShare(.all)
        try sandbox?.killAll()
    }

    private func deliver(_ id: InvocationID, to poll: PollID, deadline: MonotonicTime) throws {
        guard let inHand, inHand.id == id else { preconditionFailure("only the invocation in hand is delivered") }
        try thaw()
        let left = deadline - .now
        let request = inHand.request
        inHand.deliver(at: workshop.now())
        polls.removeValue(forKey: poll)?.resume(
            returning: .invocation(
                RuntimeInvocation(
                    requestID: request.requestID,
                    deadlineMilliseconds: workshop.now().advanced(by: left).millisecondsSinceEpoch,
                    invokedFunctionARN: request.function.arn(qualifier: request.qualifier),
                    traceID: request.traceHeader,
                    clientContextJSON: request.clientContext,
                    payload: request.payload
                )
            )
        )
    }

    private func respond(_ id: InvocationID, _ answer: InvocationAnswer, body: [UInt8]) {
        switch answer {
        case .response:
            inHand?.respond(at: workshop.now())
            inHand?.conclude(.success(payload: body))
        case .reportedError(let type):
            inHand?.respond(at: workshop.now())
            inHand?.conclude(.functionError(type: type, payload: body))
        case .failure(let failure): inHand?.conclude(failure)
        case .environmentLost: break
        }
        guard let inHand, inHand.request.logType == .none else { return }
        alarms.cancel(.flush)
        // Extensions may work on for long: the answer does not wait for them (AWS does not either).
        guard lifecycle.extensions.isEmpty else { return inHand.answer(logTail: nil) }
        set(.lateAnswer, after: Self.answerDelayMax)
    }

    /// The log and the bill are written before the caller has its answer, unless the runtime is slow to ask for the next event.
    private func finish(_ report: InvocationReport) {
        guard let inHand, inHand.id == report.id else { preconditionFailure("only the invocation in hand is finished") }
        self.inHand = nil
        alarms.cancel(.flush)
        alarms.cancel(.lateAnswer)
        finishUnmeasured()
        if let peak = try? sandbox?.memoryPeakBytes() {
            peakBytes = peak
            answering = log.finish(
                report,
                of: inHand,
                maxMemoryUsedMiB: Self.mebibytes(peak),
                drainedBytesMax: drainedBytesMax
            )
            return
        }
        let isAsked = (try? sandbox?.requestMemory()) != nil
        unmeasured = (report, inHand)
        guard isAsked, measuredKibibytes == 0 else { return finishUnmeasured() }
        // An init that does not answer holds nothing up.
        Task {
            try? await Task.sleep(for: Self.measurementDelayMax)
            finishUnmeasured()
        }
    }

    func finishUnmeasured() {
        guard let (report, inHand) = unmeasured else { return }
        unmeasured = nil
        log.finish(
            report,
            of: inHand,
            maxMemoryUsedMiB: Self.mebibytes(measuredKibibytes << 10),
            drainedBytesMax: drainedBytesMax
        )()
    }

    private static let measurementDelayMax = Duration.seconds(1)

    private static func mebibytes(_ bytes: UInt64) -> Int { Int((bytes + (1 << 20) - 1) >> 20) }

    // MARK: - Time

    func ring(_ alarm: Alarm) {
        switch alarm {
        case .lifecycle: perform(lifecycle.timerFired(at: .now))
        case .freeze: freeze()
        case .lateAnswer: inHand?.answer(logTail: nil)
        case .flush:
            log.flushIfStored()
            set(.flush, after: Self.flushInterval)
        }
    }
}

// MARK: - Runtime API

extension ExecutionEnvironment: RuntimeAPIHandler {
    /// What was written is read at an invocation's end, which `next` is: a flood of it not on an event loop.
    package nonisolated func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
        guard request == .next else { return await take(request) }
        let waiting = log.collector.waitingBytes
        guard waiting > Self.briefLogBytesMax else { return await next(logBytesMax: waiting) }
        return await withTaskExecutorPreference(globalConcurrentExecutor) { await self.next(logBytesMax: .max) }
    }

    private static let briefLogBytesMax = 16_384

    private func take(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
        switch request {
        case .next: return await next(logBytesMax: .max)
        case .response(let id, let body, _):
            return reply(lifecycle.runtimeResponds(InvocationID(id), at: .now), body: body)
        case .streamedResponse(let id, let body): return await streamed(InvocationID(id), body)
        case .responseTooLarge(let id): return reply(lifecycle.responseTooLarge(InvocationID(id), at: .now))
        case .truncatedResponse(let id):
            return reply(
                lifecycle.runtimeReportsError(InvocationID(id), type: Self.truncated.type, at: .now),
                body: Self.truncated.body
            )
        case .error(let id, let type, let body, _):
            return reply(lifecycle.runtimeReportsError(InvocationID(id), type: type, at: .now), body: body)
        case .initError(let type, let body):
            return reply(lifecycle.runtimeReportsInitError(type: type, at: .now), body: body)
        case .registerExtension(let name, let registration): return register(name, registration)
        case .extensionNext(let identifier): return await extensionNext(identifier)
        case .extensionError(let identifier, let isInit, let type):
            return extensionError(identifier, isInit: isInit, type: type)
        case .subscribe(let identifier, let isLogs, let body):
            return subscribe(identifier, isLogs ? .logs : .telemetry, body)
        case .restoreNext: return await wait { perform(lifecycle.runtimeAsksRestore($0, at: .now)) }
        case .restoreError(let type, let body):
            return reply(lifecycle.runtimeReportsRestoreError(type: type, at: .now), body: body)
        }
    }

    func reply(_ actions: [EnvironmentLifecycle.Action], body: [UInt8] = []) -> RuntimeAPIAnswer {
        perform(actions, body: body) ?? RuntimeAPIAnswer(.invalidRequestID)
    }

    /// No more is read of a pipe than `logBytesMax`, which holds what was written before the call.
    private func next(logBytesMax: Int) async -> RuntimeAPIAnswer {
        await wait { [self] poll in
            drainedBytesMax = logBytesMax
            defer { drainedBytesMax = .max }
            perform(lifecycle.runtimeAsksNext(poll, at: .now))
        }
    }

    /// Holds a call until an action answers or refuses it, or its connection is gone.
    func wait(_ ask: (PollID) -> Void) async -> RuntimeAPIAnswer {
        let poll = PollID(nextPoll)
        nextPoll += 1
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                polls[poll] = continuation
                ask(poll)
            }
        } onCancel: {
            Task { await self.stopWaiting(poll) }
        }
    }

    private func stopWaiting(_ poll: PollID) {
        lifecycle.stopsWaiting(poll)
        polls.removeValue(forKey: poll)?.resume(returning: .connectionClosed)
    }
}

extension RuntimeAPIAnswer {
    init(_ reply: RuntimeAPIReply) {
        guard let refusal = reply.refusal else {
            self = .accepted
            return
        }
        self = .refused(
            status: refusal.status,
            errorType: refusal.errorType,
            errorMessage: refusal.errorMessage
        )
    }

    /// To a connection that is gone: nobody reads it.
    static let connectionClosed = RuntimeAPIAnswer.refused(
        status: 500,
        errorType: "InternalServerError",
        errorMessage: "Internal Server Error"
    )
}
