// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// The life of one execution environment as Lambda's Runtime API defines it: Init, Invoke, reset, Shutdown.
///
/// Events in, actions out; the caller performs them in the order given. It holds no payload, no socket and no clock.
/// What comes from inside the sandbox (`runtime…`, `processesGone`) is hostile: in a state where it makes no sense it is
/// refused or ignored. What comes from the server itself in a wrong state is a bug and traps.
///
/// A runtime that died or overran is replaced, the environment and its /tmp are kept: the processes are killed, and the next
/// invocation begins with an initialisation of its own (AWS Lambda Developer Guide, "Lambda runtime environment lifecycle").
package struct EnvironmentLifecycle: Equatable, Sendable {
    package enum Action: Equatable, Sendable {
        /// Start the runtime's process, at full processor speed.
        case startRuntime
        /// Initialisation is over, or has had its time at full speed: from here on the function's share.
        case applyRunLimits
        /// Kill the whole process tree (a frozen one too), keep the files; then close every connection to the Runtime API, so
        /// that nothing the dead had sent is taken for their successor's word; then say `processesGone`.
        case killProcesses
        /// Answer that `next` with the event. Thaw first.
        case deliver(InvocationID, to: PollID, deadline: MonotonicTime)
        /// Answer the call that is this event.
        case answer(RuntimeAPIReply)
        /// Answer those `next` calls.
        case refuse([PollID], RuntimeAPIReply)
        /// The caller of the invocation gets its answer; exactly once for each invocation.
        case respond(InvocationID, InvocationAnswer)
        /// Nothing of the invocation runs any more, and it has been answered; exactly once for each invocation.
        case finish(InvocationReport)
        case initEnded(InitReport)
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
    }

    package enum State: Equatable, Sendable {
        case startingSandbox
        case initializing(since: MonotonicTime)
        case ready
        case needsInit
        /// Processes are being killed. `isIdle`: it had announced itself idle, and need not do so again.
        case resetting(deadline: MonotonicTime, isIdle: Bool)
        case invoking(Invocation)
        case dead
    }

    /// The invocation in hand.
    package struct Invocation: Equatable, Sendable {
        package enum Stage: Equatable, Sendable {
            /// The processes of an earlier runtime are being killed.
            case awaitingReset(deadline: MonotonicTime)
            /// `fullSpeedUntil` is nil when the share is applied already.
            case initializing(since: MonotonicTime, fullSpeedUntil: MonotonicTime?)
            /// The runtime is up, but no `next` is there to take the event.
            case undelivered
            case running
            case answered(InvocationReport.Status)
        }

        package var id: InvocationID
        package var limit: Duration
        package var startedAt: MonotonicTime
        package var stage: Stage

        package var deadline: MonotonicTime { startedAt + limit }
    }

    /// `next` calls that wait at once, at most: some clients poll from several threads.
    package static let pollsMax = 64
    /// How long processes may take to die.
    package static let killTimeout = Duration.seconds(5)

    package private(set) var state = State.startingSandbox
    /// Time at full speed, and how long the first initialisation may take.
    package let initTimeout: Duration
    var polls: [PollID] = []
    /// Of the first initialisation, until an invocation has reported it.
    private var unreportedInit: Duration?

    package init(initTimeout: Duration = LimitsProfile.initDuration) {
        self.initTimeout = initTimeout
    }

    // MARK: - The server

    /// The walls stand.
    package mutating func sandboxReady(at now: MonotonicTime) -> [Action] {
        if state == .dead { return [] }
        precondition(state == .startingSandbox, "a sandbox is ready once")
        state = .initializing(since: now)
        return [.startRuntime, .setTimer(now + initTimeout)]
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
            guard !polls.isEmpty else {
                state = .invoking(invocation)
                return [.setTimer(invocation.deadline)]
            }
            invocation.stage = .running
            state = .invoking(invocation)
            return [
                .setTimer(invocation.deadline),
                .deliver(ticket.id, to: polls.removeFirst(), deadline: invocation.deadline),
            ]
        case .needsInit: return initialize(invocation, at: now)
        case .resetting(let deadline, _):
            invocation.stage = .awaitingReset(deadline: deadline)
            state = .invoking(invocation)
            return [.setTimer(min(deadline, invocation.deadline))]
        case .dead:
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
            return [.initEnded(InitReport(phase: .initialization, status: .timeout, duration: now - since))]
                + reset(at: now)
        case .resetting(let deadline, _):
            return now >= deadline ? die(.killOverdue, at: now) : [.setTimer(deadline)]
        case .invoking(let invocation): return timerFired(during: invocation, at: now)
        case .startingSandbox, .ready, .needsInit, .dead: return []
        }
    }

    /// The environment is to go now, whatever it does: its runtime gets no signal, as on Lambda without extensions.
    package mutating func shutdownRequested(at now: MonotonicTime) -> [Action] {
        die(.shutdown, at: now)
    }

    // MARK: - The sandbox's processes

    /// The runtime's own process has ended; others may still run.
    package mutating func runtimeExited(_ status: ExitStatus, at now: MonotonicTime) -> [Action] {
        let failure = InvocationFailure.exited(status)
        switch state {
        case .initializing(let since):
            let status = InitReport.Status.error(type: failure.errorType)
            return [.initEnded(InitReport(phase: .initialization, status: status, duration: now - since))]
                + reset(at: now)
        case .ready: return reset(at: now, isIdle: true)
        case .invoking(let invocation):
            if case .awaitingReset = invocation.stage { return [] }
            return fail(invocation, failure, at: now) + reset(at: now)
        case .startingSandbox, .needsInit, .resetting, .dead: return []
        }
    }

    /// `startRuntime` could not execute the program; there is no process.
    package mutating func runtimeFailedToStart(_ failure: InvocationFailure, at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing(let since):
            state = .needsInit
            let status = InitReport.Status.error(type: failure.errorType)
            return [
                .initEnded(InitReport(phase: .initialization, status: status, duration: now - since)), .cancelTimer,
                .becomeIdle(.needsInit),
            ]
        case .invoking(let invocation):
            guard case .initializing = invocation.stage else { return [] }
            let actions = fail(invocation, failure, at: now)
            state = .needsInit
            return actions + [.cancelTimer, .becomeIdle(.needsInit)]
        case .startingSandbox, .ready, .needsInit, .resetting, .dead: return []
        }
    }

    /// What `killProcesses` asked for is done.
    package mutating func processesGone(at now: MonotonicTime) -> [Action] {
        switch state {
        case .resetting(_, let isIdle):
            state = .needsInit
            return isIdle ? [.cancelTimer] : [.cancelTimer, .becomeIdle(.needsInit)]
        case .invoking(let invocation):
            guard case .awaitingReset = invocation.stage else { return [] }
            return initialize(invocation, at: now)
        case .startingSandbox, .initializing, .ready, .needsInit, .dead: return []
        }
    }

    // MARK: - Transitions

    mutating func becomeReady(_ poll: PollID) {
        polls.append(poll)
        state = .ready
    }

    mutating func firstInitEnded(after duration: Duration) {
        unreportedInit = duration
    }

    mutating func set(_ invocation: Invocation, _ stage: Invocation.Stage) {
        var invocation = invocation
        invocation.stage = stage
        state = .invoking(invocation)
    }

    /// Starts the runtime inside the invocation, whose timeout covers both.
    private mutating func initialize(_ invocation: Invocation, at now: MonotonicTime) -> [Action] {
        set(invocation, .initializing(since: now, fullSpeedUntil: now + initTimeout))
        return [.startRuntime, .setTimer(min(now + initTimeout, invocation.deadline))]
    }

    private mutating func timerFired(during invocation: Invocation, at now: MonotonicTime) -> [Action] {
        if now >= invocation.deadline {
            if case .awaitingReset(let deadline) = invocation.stage {
                state = .resetting(deadline: deadline, isIdle: false)
                let failure = InvocationFailure.timedOut(limit: invocation.limit)
                return [
                    .respond(invocation.id, .failure(failure)), finish(invocation, .timeout, at: now),
                    .setTimer(deadline),
                ]
            }
            return fail(invocation, .timedOut(limit: invocation.limit), at: now) + reset(at: now)
        }
        switch invocation.stage {
        case .awaitingReset(let deadline):
            return now >= deadline ? die(.killOverdue, at: now) : [.setTimer(min(deadline, invocation.deadline))]
        case .initializing(let since, .some(let fullSpeedUntil)):
            guard now >= fullSpeedUntil else { return [.setTimer(min(fullSpeedUntil, invocation.deadline))] }
            set(invocation, .initializing(since: since, fullSpeedUntil: nil))
            return [.applyRunLimits, .setTimer(invocation.deadline)]
        case .initializing, .undelivered, .running, .answered: return [.setTimer(invocation.deadline)]
        }
    }

    /// Ends an invocation that the runtime did not end: answers it, unless it has its answer.
    private mutating func fail(
        _ invocation: Invocation,
        _ failure: InvocationFailure,
        at now: MonotonicTime
    ) -> [Action] {
        var isTimeout = false
        if case .timedOut = failure { isTimeout = true }
        var actions: [Action] = []
        if case .initializing(let since, _) = invocation.stage {
            let status: InitReport.Status = isTimeout ? .timeout : .error(type: failure.errorType)
            actions.append(.initEnded(InitReport(phase: .invocation, status: status, duration: now - since)))
        }
        if case .answered = invocation.stage {} else { actions.append(.respond(invocation.id, .failure(failure))) }
        actions.append(finish(invocation, isTimeout ? .timeout : .runtimeError(type: failure.errorType), at: now))
        return actions
    }

    mutating func finish(
        _ invocation: Invocation,
        _ status: InvocationReport.Status,
        at now: MonotonicTime
    ) -> Action {
        defer { unreportedInit = nil }
        return .finish(
            InvocationReport(
                id: invocation.id,
                status: status,
                duration: now - invocation.startedAt,
                initDuration: unreportedInit
            )
        )
    }

    /// Kills the processes; whoever holds an invocation has finished it before.
    mutating func reset(at now: MonotonicTime, isIdle: Bool = false) -> [Action] {
        unreportedInit = nil
        state = .resetting(deadline: now + Self.killTimeout, isIdle: isIdle)
        return refusePolls() + [.killProcesses, .setTimer(now + Self.killTimeout)]
    }

    private mutating func die(_ reason: DiscardReason, at now: MonotonicTime) -> [Action] {
        if state == .dead { return [] }
        var actions: [Action] = []
        if case .invoking(let invocation) = state {
            if case .answered = invocation.stage {
            } else {
                actions.append(.respond(invocation.id, .environmentLost))
            }
            actions.append(finish(invocation, .environmentLost, at: now))
        }
        state = .dead
        return actions + refusePolls() + [.cancelTimer, .discard(reason)]
    }

    private mutating func refusePolls() -> [Action] {
        if polls.isEmpty { return [] }
        defer { polls = [] }
        return [.refuse(polls, .invalidStateTransition(from: .started, to: .ready))]
    }
}
