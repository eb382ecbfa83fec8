// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// The life of one execution environment as Lambda's Runtime API defines it: Init, Invoke, reset, Shutdown.
///
/// Events in, actions out; the caller performs them in the order given. It holds no payload, no socket and no clock.
/// What comes from inside the sandbox (`runtime…`, `processesGone`) is hostile: in a state where it makes no sense it is
/// refused or ignored. What comes from the server itself in a wrong state is a bug and traps.
///
/// A runtime that died or overran is replaced, the environment and its /tmp are kept: the processes are ended, and the next
/// invocation begins with an initialisation of its own (AWS Lambda Developer Guide, "Lambda runtime environment lifecycle").
///
/// With extensions an initialisation is over when the runtime and each of them have asked for the first event, an invocation when
/// the runtime and each that was told of it have asked for the next, and before processes are killed they get their time to end
/// (the Guide's "Using the Lambda Extensions API").
package struct EnvironmentLifecycle: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// Start those programs of /opt/extensions, at full processor speed; the runtime follows when all have registered.
        ///
        /// None are named when some of them can't be started.
        case startExtensions([String])
        /// Start the runtime's process, at full processor speed.
        case startRuntime
        /// SIGTERM to the runtime's process, or SIGKILL. Thaw first.
        case endRuntime(isForced: Bool)
        /// Initialisation is over, or has had its time at full speed: from here on the function's share.
        case applyRunLimits
        /// Kill the whole process tree (a frozen one too), keep the files; then close every connection to the Runtime API, so
        /// that nothing the dead had sent is taken for their successor's word; then say `processesGone`.
        case killProcesses
        /// Answer that `next` with the event. Thaw first.
        case deliver(InvocationID, to: PollID, deadline: MonotonicTime)
        /// Answer those `event/next` calls with the event. Thaw first.
        case tell(ExtensionEvent, to: [PollID])
        /// Answer the call that is this event.
        case answer(RuntimeAPIReply)
        /// Answer those `next` or `event/next` calls.
        case refuse([PollID], RuntimeAPIReply)
        /// The caller of the invocation gets what its runtime streams, from here to `respond`; at most once, and before it.
        case beginStream(InvocationID)
        /// The caller of the invocation gets its answer; exactly once for each invocation.
        case respond(InvocationID, InvocationAnswer)
        /// Nothing of the invocation runs any more, and it has been answered; exactly once for each invocation.
        case finish(InvocationReport)
        case initEnded(InitReport)
        /// In the place of the initialisation's end, for what was restored.
        case restoreEnded(RestoreReport)
        /// Call `timerFired` then. Replaces the timer set before.
        case setTimer(MonotonicTime)
        case cancelTimer
        /// Free for an invocation; it may be frozen.
        case becomeIdle(Idle)
        /// Destroy the sandbox. Nothing follows.
        case discard(DiscardReason)
    }

    package enum Idle: Equatable, Sendable {
        /// The runtime waits in `next`.
        case ready
        /// No process: the next invocation initialises first.
        case needsInit
    }

    package enum DiscardReason: Equatable, Sendable {
        case sandboxFailed
        case sandboxLost
        /// The processes would not die in `killTimeout`.
        case killOverdue
        case shutdown
        /// It was to be ready before it was asked for, and is not: its initialisation failed, or its processes ended.
        case notInitialized
        /// What is to run after a restore failed, or took too long.
        case restoreFailed(RestoreFailure)
    }

    /// What an environment comes from, and is for.
    package enum Origin: Equatable, Sendable {
        /// Initialised for an invocation that waits; where that fails, again inside the invocation.
        case onDemand
        /// Initialised before anybody asks for it, or of no use.
        case provisioned
        /// The same, to be forked from when the runtime asks to be restored; it gets no invocation.
        case snapshot
        /// Forked from such a one, which was asked for it then: the initialisation was run there.
        case restored(since: MonotonicTime)
    }

    package enum State: Equatable, Sendable {
        case startingSandbox
        case initializing(since: MonotonicTime)
        case ready
        case needsInit
        /// Processes are being ended. `isIdle`: it had announced itself idle, and need not do so again.
        case resetting(isIdle: Bool)
        case invoking(Invocation)
        /// Processes are being ended, and the environment goes with them.
        case ending(DiscardReason)
        case dead
    }

    /// The invocation in hand.
    package struct Invocation: Equatable, Sendable {
        package enum Stage: Equatable, Sendable {
            /// The processes of an earlier runtime are being ended.
            case awaitingReset
            /// `fullSpeedUntil` is nil when the share is applied already.
            case initializing(since: MonotonicTime, fullSpeedUntil: MonotonicTime?)
            /// The runtime is up, but no `next` is there to take the event.
            case undelivered
            case running
            /// The runtime's response has begun; its end is the invocation's answer.
            case streaming
            case answered(InvocationReport.Status)
            /// The runtime is back, some extension is not.
            case awaitingExtensions(InvocationReport.Status)
        }

        package var id: InvocationID
        package var limit: Duration
        package var startedAt: MonotonicTime
        package var stage: Stage

        package var deadline: MonotonicTime { startedAt + limit }

        var isAnswered: Bool {
            switch stage {
            case .answered, .awaitingExtensions: true
            case .awaitingReset, .initializing, .undelivered, .running, .streaming: false
            }
        }
    }

    /// `next` calls that wait at once, at most: some clients poll from several threads.
    package static let pollsMax = 64
    /// How long processes may take to die.
    package static let killTimeout = Duration.seconds(5)

    package internal(set) var state = State.startingSandbox
    package internal(set) var extensions = ExtensionRegistry()
    /// Time at full speed, and how long the first initialisation may take.
    package let initTimeout: Duration
    package internal(set) var origin: Origin
    var polls: [PollID] = []
    /// Programs of /opt/extensions, by name.
    private var externalExtensions: [String] = []
    package internal(set) var isRuntimeAlive = false
    /// The runtime has asked for its first event.
    var hasRuntimeAsked = false
    /// What the next invocation fails with: an extension ended while nothing ran.
    var pendingFailure: InvocationFailure?
    var teardown: Teardown?
    /// Of the first initialisation, until an invocation has reported it.
    var unreportedInit: Duration?
    /// The same of a restore.
    var unreportedRestore: RestoreDuration?

    package init(initTimeout: Duration = LimitsProfile.initDuration, origin: Origin = .onDemand) {
        self.initTimeout = initTimeout
        self.origin = origin
    }

    /// Without its processes it is not kept.
    var needsProcesses: Bool { origin != .onDemand }

    // MARK: - The server

    /// The environment's process is forked from one that has run the initialisation, and was asked for at `since`.
    package mutating func isRestored(since: MonotonicTime) {
        if state == .dead { return }
        precondition(state == .startingSandbox, "what it comes from is known before it begins")
        origin = .restored(since: since)
    }

    /// The walls stand; the names are those of the programs in /opt/extensions, of which one more than may be is enough.
    package mutating func sandboxReady(externalExtensions: [String] = [], at now: MonotonicTime) -> [Action] {
        if state == .dead { return [] }
        precondition(state == .startingSandbox, "a sandbox is ready once")
        self.externalExtensions = externalExtensions
        state = .initializing(since: now)
        return startProcesses(until: now + initTimeout, at: now)
    }

    package mutating func sandboxFailed(at now: MonotonicTime) -> [Action] {
        if state == .dead { return [] }
        precondition(state == .startingSandbox, "only a sandbox that was never ready can fail")
        return die(.sandboxFailed, at: now)
    }

    /// The sandbox's own init, or the spawner, is gone, and every process with it.
    package mutating func sandboxLost(at now: MonotonicTime) -> [Action] {
        die(.sandboxLost, at: now)
    }

    /// An invocation for an environment that is idle, or was when the invocation was bound to it.
    package mutating func invocationAssigned(_ ticket: InvocationTicket, at now: MonotonicTime) -> [Action] {
        var invocation = Invocation(id: ticket.id, limit: ticket.timeout, startedAt: now, stage: .undelivered)
        switch state {
        case .ready:
            if let failure = pendingFailure {
                return fail(invocation, failure, at: now) + reset(.failure, at: now)
            }
            return [.setTimer(invocation.deadline)] + begin(invocation)
        case .needsInit: return initialize(invocation, at: now)
        case .resetting:
            invocation.stage = .awaitingReset
            state = .invoking(invocation)
            return [teardownTimer]
        case .ending, .dead:
            return [
                .respond(ticket.id, .environmentLost),
                .finish(InvocationReport(id: ticket.id, status: .environmentLost, duration: .zero, initDuration: nil)),
            ]
        case .startingSandbox, .initializing, .invoking:
            preconditionFailure("an environment takes one invocation at a time, and only when idle")
        }
    }

    package mutating func timerFired(at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing(let since):
            guard now >= since + initTimeout else { return [.setTimer(since + initTimeout)] }
            return failInit(.timeout, since: since, at: now)
        case .resetting, .ending: return teardownTimerFired(at: now)
        case .invoking(let invocation): return timerFired(during: invocation, at: now)
        case .startingSandbox, .ready, .needsInit, .dead: return []
        }
    }

    // MARK: - The sandbox's processes

    /// The runtime's own process has ended; others may still run.
    package mutating func runtimeExited(_ status: ExitStatus, at now: MonotonicTime) -> [Action] {
        let failure = InvocationFailure.exited(status)
        isRuntimeAlive = false
        switch state {
        case .initializing(let since): return failInit(.error(type: failure.errorType), since: since, at: now)
        // With its processes those that were forked from it would be ended.
        case .ready where origin == .snapshot: return []
        case .ready: return reset(.failure, at: now, isIdle: true)
        case .invoking(let invocation):
            if case .awaitingReset = invocation.stage { return runtimeEnded(at: now) }
            return fail(invocation, failure, at: now) + reset(.failure, at: now)
        case .resetting, .ending: return runtimeEnded(at: now)
        case .startingSandbox, .needsInit, .dead: return []
        }
    }

    /// `startRuntime` could not execute the program; there is no process.
    package mutating func runtimeFailedToStart(_ failure: InvocationFailure, at now: MonotonicTime) -> [Action] {
        guard isRuntimeAlive else { return [] }
        isRuntimeAlive = false
        return processFailedToStart(failure, at: now)
    }

    /// Fails the initialisation that a process was started for.
    mutating func processFailedToStart(_ failure: InvocationFailure, at now: MonotonicTime) -> [Action] {
        var actions: [Action] = []
        switch state {
        case .initializing(let since):
            actions = [endInit(.initialization, .error(type: failure.errorType), since: since, at: now)]
        case .invoking(let invocation):
            guard case .initializing = invocation.stage else { return [] }
            actions = fail(invocation, failure, at: now)
        case .resetting, .ending: return runtimeEnded(at: now)
        case .startingSandbox, .ready, .needsInit, .dead: return []
        }
        guard !extensions.hasExternal else { return actions + reset(.failure, at: now) }
        actions += forgetCalls()
        state = .needsInit
        if needsProcesses { return actions + die(.notInitialized, at: now) }
        return actions + [.cancelTimer, .becomeIdle(.needsInit)]
    }

    /// What `killProcesses` asked for is done.
    package mutating func processesGone(at now: MonotonicTime) -> [Action] {
        guard teardown?.phase == .killing else { return [] }
        teardown = nil
        isRuntimeAlive = false
        extensions.clear()
        switch state {
        case .resetting(let isIdle):
            state = .needsInit
            if needsProcesses { return die(.notInitialized, at: now) }
            return isIdle ? [.cancelTimer] : [.cancelTimer, .becomeIdle(.needsInit)]
        case .ending(let reason): return die(reason, at: now)
        case .invoking(let invocation): return initialize(invocation, at: now)
        case .startingSandbox, .initializing, .ready, .needsInit, .dead: return []
        }
    }

    // MARK: - Transitions

    mutating func set(_ invocation: Invocation, _ stage: Invocation.Stage) {
        var invocation = invocation
        invocation.stage = stage
        state = .invoking(invocation)
    }

    /// Starts the runtime inside the invocation, whose timeout covers both.
    private mutating func initialize(_ invocation: Invocation, at now: MonotonicTime) -> [Action] {
        set(invocation, .initializing(since: now, fullSpeedUntil: now + initTimeout))
        return startProcesses(until: min(now + initTimeout, invocation.deadline), at: now)
    }

    /// External extensions first; the runtime when they have registered.
    ///
    /// Where one of them can't be started, none is.
    private mutating func startProcesses(until deadline: MonotonicTime, at now: MonotonicTime) -> [Action] {
        hasRuntimeAsked = false
        extensions.begin(external: externalExtensions)
        guard let (name, reason, message) = extensions.unlaunchable else {
            return (externalExtensions.isEmpty ? startRuntime() : [.startExtensions(externalExtensions)])
                + [.setTimer(deadline)]
        }
        return [.startExtensions([])] + extensionFailedToStart(name, reason: reason, message: message, at: now)
    }

    mutating func startRuntime() -> [Action] {
        isRuntimeAlive = true
        return [.startRuntime]
    }

    /// Hands the event to the runtime, if it waits for one, and to the extensions.
    mutating func begin(_ invocation: Invocation) -> [Action] {
        set(invocation, polls.isEmpty ? .undelivered : .running)
        var actions: [Action] = []
        if !polls.isEmpty {
            actions.append(.deliver(invocation.id, to: polls.removeFirst(), deadline: invocation.deadline))
        }
        return actions + tell(.invoke(invocation.id, deadline: invocation.deadline))
    }

    mutating func tell(_ event: ExtensionEvent) -> [Action] {
        let waiting = extensions.release(event)
        return waiting.isEmpty ? [] : [.tell(event, to: waiting)]
    }

    /// The initialisation is over when the runtime and every extension have asked for an event.
    mutating func endInitWhenReady(at now: MonotonicTime) -> [Action] {
        guard hasRuntimeAsked, extensions.isReady else { return [] }
        switch state {
        case .initializing(let since):
            // What nobody had to wait for has been reported by itself (INIT_REPORT).
            unreportedInit = origin == .onDemand ? now - since : nil
            if case .restored(let began) = origin {
                unreportedRestore = RestoreDuration(total: now - began, billed: now - since)
            }
            state = .ready
            return [
                endInit(.initialization, .success, since: since, at: now),
                .applyRunLimits, .cancelTimer, .becomeIdle(.ready),
            ]
        case .invoking(let invocation):
            guard case .initializing(let since, let fullSpeedUntil) = invocation.stage else { return [] }
            return [endInit(.invocation, .success, since: since, at: now)]
                + (fullSpeedUntil == nil ? [] : [.applyRunLimits])
                + [.setTimer(invocation.deadline)] + begin(invocation)
        case .startingSandbox, .ready, .needsInit, .resetting, .ending, .dead: return []
        }
    }

    /// `extensions.atInitEnd` is where each of them stood.
    mutating func endInit(
        _ phase: InitReport.Phase,
        _ status: InitReport.Status,
        since: MonotonicTime,
        at now: MonotonicTime
    ) -> Action {
        extensions.noteInitEnd()
        if case .restored(let began) = origin, phase == .initialization {
            return .restoreEnded(RestoreReport(status: status, duration: now - began))
        }
        return .initEnded(InitReport(phase: phase, status: status, duration: now - since))
    }

    /// An initialisation that no invocation is in failed.
    mutating func failInit(_ status: InitReport.Status, since: MonotonicTime, at now: MonotonicTime) -> [Action] {
        let isTimeout = status == .timeout
        let end = endInit(.initialization, status, since: since, at: now)
        if case .restored = origin { return [end] + die(.restoreFailed(isTimeout ? .timeout : .error), at: now) }
        return [end] + reset(isTimeout ? .timeout : .failure, at: now)
    }

    private mutating func timerFired(during invocation: Invocation, at now: MonotonicTime) -> [Action] {
        if now >= invocation.deadline {
            let failure = InvocationFailure.timedOut(limit: invocation.limit)
            if case .awaitingReset = invocation.stage {
                state = .resetting(isIdle: false)
                return [
                    .respond(invocation.id, .failure(failure)), finish(invocation, .timeout, at: now), teardownTimer,
                ]
            }
            return fail(invocation, failure, at: now) + reset(.timeout, at: now)
        }
        switch invocation.stage {
        case .awaitingReset: return teardownTimerFired(at: now)
        case .initializing(let since, .some(let fullSpeedUntil)):
            guard now >= fullSpeedUntil else { return [.setTimer(min(fullSpeedUntil, invocation.deadline))] }
            set(invocation, .initializing(since: since, fullSpeedUntil: nil))
            return [.applyRunLimits, .setTimer(invocation.deadline)]
        case .initializing, .undelivered, .running, .streaming, .answered, .awaitingExtensions:
            return [.setTimer(invocation.deadline)]
        }
    }

    /// Ends an invocation that the runtime did not end: answers it, unless it has its answer.
    mutating func fail(
        _ invocation: Invocation,
        _ failure: InvocationFailure,
        at now: MonotonicTime
    ) -> [Action] {
        var isTimeout = false
        if case .timedOut = failure { isTimeout = true }
        var actions: [Action] = []
        if case .initializing(let since, _) = invocation.stage {
            let status: InitReport.Status = isTimeout ? .timeout : .error(type: failure.errorType)
            actions.append(endInit(.invocation, status, since: since, at: now))
        }
        if !invocation.isAnswered { actions.append(.respond(invocation.id, .failure(failure))) }
        actions.append(finish(invocation, isTimeout ? .timeout : .runtimeError(type: failure.errorType), at: now))
        return actions
    }

    mutating func finish(
        _ invocation: Invocation,
        _ status: InvocationReport.Status,
        at now: MonotonicTime
    ) -> Action {
        defer { (unreportedInit, unreportedRestore) = (nil, nil) }
        return .finish(
            InvocationReport(
                id: invocation.id,
                status: status,
                duration: now - invocation.startedAt,
                initDuration: unreportedInit,
                restore: unreportedRestore
            )
        )
    }
}
