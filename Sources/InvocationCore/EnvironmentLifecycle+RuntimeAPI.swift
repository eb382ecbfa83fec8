// SPDX-License-Identifier: Apache-2.0

/// The calls of the Runtime API. Whoever is in the sandbox may make any of them at any time, from many connections.
extension EnvironmentLifecycle {
    /// GET `/runtime/invocation/next`, which has no answer until there is an event.
    ///
    /// The first one ends the initialisation; one after a response ends the invocation; one that comes while the invocation
    /// runs unanswered gets the same event again, as on Lambda.
    package mutating func runtimeAsksNext(_ poll: PollID, at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing where origin == .snapshot: return refuse(poll)
        case .initializing: return runtimeAsksFirst(poll, at: now)
        case .ready:
            guard polls.count < Self.pollsMax else { return refuse(poll) }
            polls.append(poll)
            return []
        case .invoking(let invocation): return runtimeAsksNext(poll, during: invocation, at: now)
        case .startingSandbox, .needsInit, .resetting, .ending, .dead: return refuse(poll)
        }
    }

    /// GET `/runtime/restore/next`: the initialisation is over, and the process can be forked from.
    ///
    /// It has no answer there: the runtime goes on in those that are forked from it.
    package mutating func runtimeAsksRestore(_ poll: PollID, at now: MonotonicTime) -> [Action] {
        guard case .initializing = state, origin == .snapshot, !hasRuntimeAsked else { return refuse(poll) }
        return runtimeAsksFirst(poll, at: now)
    }

    /// POST `/runtime/restore/error`: what the function has registered to run after a restore failed.
    package mutating func runtimeReportsRestoreError(type: String, at now: MonotonicTime) -> [Action] {
        guard case .initializing(let since) = state, case .restored = origin, !hasRuntimeAsked else {
            return refuse(.ready)
        }
        return [.answer(.accepted)] + failInit(.error(type: type), since: since, at: now)
    }

    /// Extensions register until then.
    private mutating func runtimeAsksFirst(_ poll: PollID, at now: MonotonicTime) -> [Action] {
        guard isRuntimeAlive, polls.count < Self.pollsMax else { return refuse(poll) }
        polls.append(poll)
        hasRuntimeAsked = true
        extensions.close()
        return endInitWhenReady(at: now)
    }

    private mutating func runtimeAsksNext(
        _ poll: PollID,
        during invocation: Invocation,
        at now: MonotonicTime
    ) -> [Action] {
        let delivery = Action.deliver(invocation.id, to: poll, deadline: invocation.deadline)
        switch invocation.stage {
        case .awaitingReset, .streaming: return refuse(poll)
        case .initializing: return runtimeAsksFirst(poll, at: now)
        case .undelivered:
            set(invocation, .running)
            return [delivery]
        case .running: return [delivery]
        case .answered(let status):
            polls.append(poll)
            guard extensions.isWorking else { return complete(invocation, status, at: now) }
            set(invocation, .awaitingExtensions(status))
            return []
        case .awaitingExtensions:
            guard polls.count < Self.pollsMax else { return refuse(poll) }
            polls.append(poll)
            return []
        }
    }

    /// The connection of a `next` or `event/next` call has gone away, or the call was answered: it waits no more.
    package mutating func stopsWaiting(_ poll: PollID) {
        polls.removeAll { $0 == poll }
        extensions.stopsWaiting(poll)
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
        case .running, .streaming, .answered, .awaitingExtensions: return [.answer(.invalidRequestID)]
        case .awaitingReset, .initializing, .undelivered: return refuse(attempted)
        }
    }

    /// POST `/runtime/init/error`.
    ///
    /// Before any invocation it is not an error yet: the initialisation runs again inside the first one. There, its body is
    /// what the caller gets.
    package mutating func runtimeReportsInitError(type: String, at now: MonotonicTime) -> [Action] {
        switch state {
        case .initializing(let since) where !hasRuntimeAsked:
            return [.answer(.accepted)] + failInit(.error(type: type), since: since, at: now)
        case .invoking(let invocation):
            guard case .initializing(let since, _) = invocation.stage, !hasRuntimeAsked else {
                return refuse(.initError)
            }
            return [
                .answer(.accepted),
                endInit(.invocation, .error(type: type), since: since, at: now),
                .respond(invocation.id, .reportedError(type: type)),
                finish(invocation, .runtimeError(type: type), at: now),
            ] + reset(.failure, at: now)
        case .startingSandbox, .initializing, .ready, .needsInit, .resetting, .ending, .dead:
            return refuse(.initError)
        }
    }

    func refuse(_ attempted: RuntimeState) -> [Action] {
        [.answer(.invalidStateTransition(from: runtimeState, to: attempted))]
    }

    private func refuse(_ poll: PollID) -> [Action] {
        [.refuse([poll], .invalidStateTransition(from: runtimeState, to: .ready))]
    }

    /// Lambda's word for where the runtime is.
    package var runtimeState: RuntimeState {
        switch state {
        case .initializing where hasRuntimeAsked: .ready
        case .startingSandbox, .initializing, .needsInit, .resetting, .ending, .dead: .started
        case .ready: .ready
        case .invoking(let invocation):
            switch invocation.stage {
            case .initializing where hasRuntimeAsked: .ready
            case .awaitingReset, .initializing: .started
            case .undelivered, .awaitingExtensions: .ready
            case .running: .running
            case .streaming: .invocationResponse
            case .answered: .responseSent
            }
        }
    }
}
