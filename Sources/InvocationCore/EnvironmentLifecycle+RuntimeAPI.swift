// SPDX-License-Identifier: Apache-2.0

/// The calls of the Runtime API. Whoever is in the sandbox may make any of them at any time, from many connections.
extension EnvironmentLifecycle {
    /// GET `/runtime/invocation/next`, which has no answer until there is an event.
    ///
    /// The first one ends the initialisation; one after a response ends the invocation; one that comes while the invocation
    /// runs unanswered gets the same event again, as on Lambda.
    package mutating func runtimeAsksNext(_ poll: PollID, at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing(let since):
            firstInitEnded(after: now - since)
            becomeReady(poll)
            return [
                .initEnded(InitReport(phase: .initialization, status: .success, duration: now - since)),
                .applyRunLimits, .cancelTimer, .becomeIdle(.ready),
            ]
        case .ready:
            guard polls.count < Self.pollsMax else { return refuse(poll) }
            polls.append(poll)
            return []
        case .invoking(let invocation): return runtimeAsksNext(poll, during: invocation, at: now)
        case .startingSandbox, .needsInit, .resetting, .dead: return refuse(poll)
        }
    }

    private mutating func runtimeAsksNext(
        _ poll: PollID,
        during invocation: Invocation,
        at now: MonotonicTime
    ) -> [Action] {
        let delivery = Action.deliver(invocation.id, to: poll, deadline: invocation.deadline)
        switch invocation.stage {
        case .awaitingReset: return refuse(poll)
        case .initializing(let since, let fullSpeedUntil):
            set(invocation, .running)
            let report = InitReport(phase: .invocation, status: .success, duration: now - since)
            return [.initEnded(report)] + (fullSpeedUntil == nil ? [] : [.applyRunLimits])
                + [.setTimer(invocation.deadline), delivery]
        case .undelivered:
            set(invocation, .running)
            return [delivery]
        case .running: return [delivery]
        case .answered(let status):
            let end = finish(invocation, status, at: now)
            becomeReady(poll)
            return [.cancelTimer, end, .becomeIdle(.ready)]
        }
    }

    /// The connection of a `next` call has gone away, or the call was answered: it waits no more.
    package mutating func runtimeStopsWaiting(_ poll: PollID) {
        polls.removeAll { $0 == poll }
    }

    /// POST `/runtime/invocation/ID/response`.
    package mutating func runtimeResponds(_ id: InvocationID, at now: MonotonicTime) -> [Action] {
        answer(id, .invocationResponse, status: .success, reply: .accepted, answer: .response)
    }

    /// POST `/runtime/invocation/ID/error`.
    ///
    /// `type` is as `Lambda-Runtime-Function-Error-Type` was understood.
    package mutating func runtimeReportsError(_ id: InvocationID, type: String, at now: MonotonicTime) -> [Action] {
        answer(
            id,
            .invocationErrorResponse,
            status: .functionError(type: type),
            reply: .accepted,
            answer: .reportedError(type: type)
        )
    }

    /// POST `/runtime/invocation/ID/response` with more than Lambda passes on; the runtime is expected to go on with `next`.
    package mutating func responseTooLarge(_ id: InvocationID, at now: MonotonicTime) -> [Action] {
        let failure = InvocationFailure.responseTooLarge
        return answer(
            id,
            .invocationResponse,
            status: .runtimeError(type: failure.errorType),
            reply: .payloadTooLarge,
            answer: .failure(failure)
        )
    }

    private mutating func answer(
        _ id: InvocationID,
        _ attempted: RuntimeState,
        status: InvocationReport.Status,
        reply: RuntimeAPIReply,
        answer: InvocationAnswer
    ) -> [Action] {
        guard case .invoking(let invocation) = state else { return refuse(attempted) }
        switch invocation.stage {
        case .running where invocation.id == id:
            set(invocation, .answered(status))
            return [.answer(reply), .respond(id, answer)]
        case .running, .answered: return [.answer(.invalidRequestID)]
        case .awaitingReset, .initializing, .undelivered: return refuse(attempted)
        }
    }

    /// POST `/runtime/init/error`.
    ///
    /// Before any invocation it is not an error yet: the initialisation runs again inside the first one. There, its body is
    /// what the caller gets.
    package mutating func runtimeReportsInitError(type: String, at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing(let since):
            let report = InitReport(phase: .initialization, status: .error(type: type), duration: now - since)
            return [.answer(.accepted), .initEnded(report)] + reset(at: now)
        case .invoking(let invocation):
            guard case .initializing(let since, _) = invocation.stage else { return refuse(.initError) }
            return [
                .answer(.accepted),
                .initEnded(InitReport(phase: .invocation, status: .error(type: type), duration: now - since)),
                .respond(invocation.id, .reportedError(type: type)),
                finish(invocation, .runtimeError(type: type), at: now),
            ] + reset(at: now)
        case .startingSandbox, .ready, .needsInit, .resetting, .dead: return refuse(.initError)
        }
    }

    private func refuse(_ attempted: RuntimeState) -> [Action] {
        [.answer(.invalidStateTransition(from: runtimeState, to: attempted))]
    }

    private func refuse(_ poll: PollID) -> [Action] {
        [.refuse([poll], .invalidStateTransition(from: runtimeState, to: .ready))]
    }

    /// Lambda's word for where the runtime is.
    package var runtimeState: RuntimeState {
        switch state {
        case .startingSandbox, .initializing, .needsInit, .resetting, .dead: .started
        case .ready: .ready
        case .invoking(let invocation):
            switch invocation.stage {
            case .awaitingReset, .initializing: .started
            case .undelivered: .ready
            case .running: .running
            case .answered: .responseSent
            }
        }
    }
}
