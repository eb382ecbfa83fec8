// SPDX-License-Identifier: Apache-2.0

/// The calls of the Extensions API, and what becomes of the extensions' processes.
extension EnvironmentLifecycle {
    /// POST `/extension/register`; `identifier` is what the extension will go by, if it is let in.
    package mutating func extensionRegisters(
        name: String,
        events: [String],
        identifier: String,
        at now: MonotonicTime
    ) -> [Action] {
        let reply = extensions.register(name: name, events: events, identifier: identifier)
        guard case .registered = reply, isInitializing, !isRuntimeAlive, extensions.isComplete else {
            return [.answer(reply)]
        }
        return [.answer(reply)] + startRuntime()
    }

    /// GET `/extension/event/next`, which has no answer until there is an event.
    package mutating func extensionAsksNext(_ identifier: String, _ poll: PollID, at now: MonotonicTime) -> [Action] {
        guard teardown?.phase != .killing else { return [.refuse([poll], .extensionRefused(.registrationClosed))] }
        switch extensions.next(identifier, poll) {
        case .refused(let reply): return [.refuse([poll], reply)]
        case .deliver(let event): return [.tell(event, to: [poll])]
        case .waiting: break
        }
        if isInitializing { return endInitWhenReady(at: now) }
        guard case .invoking(let invocation) = state, case .awaitingExtensions(let status) = invocation.stage,
            !extensions.isWorking
        else { return [] }
        return complete(invocation, status, at: now)
    }

    /// POST `/extension/init/error`.
    package mutating func extensionReportsInitError(_ identifier: String, type: String) -> [Action] {
        [.answer(extensions.reportsError(identifier, .initError, type: type))]
    }

    /// POST `/extension/exit/error`.
    package mutating func extensionReportsExitError(_ identifier: String, type: String) -> [Action] {
        [.answer(extensions.reportsError(identifier, .exitError, type: type))]
    }

    /// An external extension's process has ended.
    ///
    /// Whatever needs it fails; between invocations that is the next one, since it would have gone on during it.
    package mutating func extensionExited(_ name: String, _ status: ExitStatus, at now: MonotonicTime) -> [Action] {
        guard let failure = extensions.exited(name, status) else { return [] }
        switch state {
        case .initializing(let since):
            return [endInit(.initialization, .error(type: failure.errorType), since: since, at: now)]
                + reset(.failure, at: now)
        case .ready:
            pendingFailure = pendingFailure ?? failure
            return []
        case .invoking(let invocation):
            if case .awaitingReset = invocation.stage { return extensionEnded(at: now) }
            return fail(invocation, failure, at: now) + reset(.failure, at: now)
        case .resetting, .ending: return extensionEnded(at: now)
        case .startingSandbox, .needsInit, .dead: return []
        }
    }

    /// An external extension's program could not be executed; `reason` is Lambda's word for why.
    package mutating func extensionFailedToStart(
        _ name: String,
        reason: String,
        message: String,
        at now: MonotonicTime
    ) -> [Action] {
        extensions.failedToStart(name, reason: reason)
        return processFailedToStart(.extensionNotLaunched(message: message), at: now)
    }

    /// The runtime and all who were told of the invocation are back.
    mutating func complete(
        _ invocation: Invocation,
        _ status: InvocationReport.Status,
        at now: MonotonicTime
    ) -> [Action] {
        let end = finish(invocation, status, at: now)
        state = .ready
        return [.cancelTimer, end, .becomeIdle(.ready)]
    }

    private var isInitializing: Bool {
        switch state {
        case .initializing: return true
        case .invoking(let invocation):
            if case .initializing = invocation.stage { return true }
            return false
        case .startingSandbox, .ready, .needsInit, .resetting, .ending, .dead: return false
        }
    }
}
