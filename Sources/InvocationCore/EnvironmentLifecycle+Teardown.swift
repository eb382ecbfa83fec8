// SPDX-License-Identifier: Apache-2.0

/// How processes are ended: those of a function with extensions get time to do so themselves, the others are killed.
///
/// The times are Lambda's (AWS Lambda Developer Guide, "Shutdown phase"): none without extensions, 500 ms with internal ones only,
/// 2 s with external ones, of which the runtime has the first 30 per cent for its SIGTERM; then those extensions that registered
/// for it hear of the shutdown. What is left at the end is killed.
extension EnvironmentLifecycle {
    struct Teardown: Equatable, Sendable {
        enum Phase: Equatable, Sendable {
            /// The runtime has had its SIGTERM.
            case runtime
            /// External extensions know of the shutdown.
            case extensions
            /// SIGKILL to everything.
            case killing
        }

        var phase: Phase
        let reason: ShutdownReason
        /// End of this phase.
        var until: MonotonicTime
        /// End of the extensions' time.
        let end: MonotonicTime
    }

    /// Processes were told to end, or are being killed.
    package var isEndingProcesses: Bool { teardown != nil }

    static let shutdownTime = Duration.seconds(2)
    static let internalShutdownTime = Duration.milliseconds(500)
    static let runtimeShutdownTime = Duration.milliseconds(600)

    /// The environment is to go, whatever it does; a runtime without extensions gets no signal first, as on Lambda.
    package mutating func shutdownRequested(at now: MonotonicTime) -> [Action] {
        guard !extensions.isEmpty else { return die(.shutdown, at: now) }
        switch state {
        case .startingSandbox, .needsInit: return die(.shutdown, at: now)
        case .initializing, .ready:
            state = .ending(.shutdown)
            return tearDown(.spindown, at: now) + [teardownTimer]
        case .resetting:
            state = .ending(.shutdown)
            return []
        case .invoking(let invocation):
            let ends = abandon(invocation, at: now)
            state = .ending(.shutdown)
            return ends + (teardown == nil ? tearDown(.spindown, at: now) : []) + [teardownTimer]
        case .ending, .dead: return []
        }
    }

    /// Ends the processes; whoever held an invocation has finished it before.
    mutating func reset(_ reason: ShutdownReason, at now: MonotonicTime, isIdle: Bool = false) -> [Action] {
        state = .resetting(isIdle: isIdle)
        return tearDown(reason, at: now) + [teardownTimer]
    }

    private mutating func tearDown(_ reason: ShutdownReason, at now: MonotonicTime) -> [Action] {
        (unreportedInit, unreportedRestore) = (nil, nil)
        pendingFailure = nil
        extensions.end()
        let time = extensions.hasExternal ? Self.shutdownTime : Self.internalShutdownTime
        teardown = Teardown(phase: .extensions, reason: reason, until: now + time, end: now + time)
        if extensions.isEmpty { return kill(at: now) }
        guard isRuntimeAlive else { return endExtensions(at: now) }
        teardown?.phase = .runtime
        if extensions.hasExternal { teardown?.until = now + Self.runtimeShutdownTime }
        return [.endRuntime(isForced: false)]
    }

    private mutating func endExtensions(at now: MonotonicTime) -> [Action] {
        guard let teardown else { preconditionFailure("extensions end in a teardown") }
        let told = tell(.shutdown(teardown.reason, deadline: teardown.end))
        guard extensions.isEnding else { return told + kill(at: now) }
        self.teardown?.phase = .extensions
        self.teardown?.until = teardown.end
        return told
    }

    private mutating func kill(at now: MonotonicTime) -> [Action] {
        teardown?.phase = .killing
        teardown?.until = now + Self.killTimeout
        // Not before: a runtime whose `next` is refused would end by that, and not by its SIGTERM.
        return refuseExtensions() + refusePolls() + [.killProcesses]
    }

    /// When the teardown goes on by itself, or the invocation that waits for its end runs out of time.
    var teardownTimer: Action {
        guard let teardown else { preconditionFailure("a teardown has a time") }
        if case .invoking(let invocation) = state { return .setTimer(min(teardown.until, invocation.deadline)) }
        return .setTimer(teardown.until)
    }

    mutating func teardownTimerFired(at now: MonotonicTime) -> [Action] {
        guard let teardown else { preconditionFailure("a teardown has a time") }
        guard now >= teardown.until else { return [teardownTimer] }
        switch teardown.phase {
        case .runtime:
            isRuntimeAlive = false
            return [.endRuntime(isForced: true)] + endExtensions(at: now) + [teardownTimer]
        case .extensions: return kill(at: now) + [teardownTimer]
        case .killing: return die(.killOverdue, at: now)
        }
    }

    /// The runtime ended in its time: the extensions' begins.
    mutating func runtimeEnded(at now: MonotonicTime) -> [Action] {
        guard teardown?.phase == .runtime else { return [] }
        return endExtensions(at: now) + [teardownTimer]
    }

    mutating func extensionEnded(at now: MonotonicTime) -> [Action] {
        guard teardown?.phase == .extensions, !extensions.isEnding else { return [] }
        return kill(at: now) + [teardownTimer]
    }

    mutating func die(_ reason: DiscardReason, at now: MonotonicTime) -> [Action] {
        if state == .dead { return [] }
        var actions: [Action] = []
        if case .invoking(let invocation) = state { actions = abandon(invocation, at: now) }
        state = .dead
        return actions + forgetCalls() + [.cancelTimer, .discard(reason)]
    }

    /// Nobody is there any more who could be told anything.
    mutating func forgetCalls() -> [Action] {
        let refusals = refuseExtensions()
        extensions.clear()
        return refusals + refusePolls()
    }

    private mutating func refuseExtensions() -> [Action] {
        let waiting = extensions.takePolls()
        return waiting.isEmpty ? [] : [.refuse(waiting, .extensionRefused(.registrationClosed))]
    }

    /// The invocation in hand ends with its environment.
    private mutating func abandon(_ invocation: Invocation, at now: MonotonicTime) -> [Action] {
        let answers = invocation.isAnswered ? [] : [Action.respond(invocation.id, .environmentLost)]
        return answers + [finish(invocation, .environmentLost, at: now)]
    }

    private mutating func refusePolls() -> [Action] {
        if polls.isEmpty { return [] }
        defer { polls = [] }
        return [.refuse(polls, .invalidStateTransition(from: .started, to: .ready))]
    }
}
