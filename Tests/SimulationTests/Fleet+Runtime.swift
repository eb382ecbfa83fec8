// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport

/// The functions: what their runtimes do, and what they should not.
extension Fleet {
    /// A runtime starts: it asks for its first event, or one of the ways not to get there.
    mutating func startRuntime(_ id: EnvironmentID) {
        guard let environment = environments[id] else { return }
        let soon = random.duration(upTo: .milliseconds(800))
        if functions[environment.function].hasInternal { startInternalExtension(id, before: soon) }
        guard random.oneIn(functions[environment.function].initFailures) else {
            return plan(id, .asksNext, after: soon)
        }
        switch random.below(7) {
        case 0: plan(id, .asksNext, after: .seconds(7) + random.duration(upTo: .seconds(10)))
        case 1: plan(id, .failsToStart, after: random.duration(upTo: .milliseconds(5)))
        case 2:
            plan(id, .reportsInitError, after: soon)
            plan(id, .exits(.exited(code: 1)), after: soon + .milliseconds(5))
        case 3: plan(id, .exits(.exited(code: Int32(random.below(3)))), after: soon)
        case 4: plan(id, .exits(.signalled(9, outOfMemory: true)), after: soon)
        case 5:
            plan(id, .responds(InvocationID("0")), after: soon)
            plan(id, .asksNext, after: soon + .milliseconds(1))
        default: break
        }
    }

    /// A runtime has got an event: it answers and asks for the next one, or misbehaves.
    mutating func handle(_ invocation: InvocationID, _ id: EnvironmentID) {
        guard let environment = environments[id] else { return }
        let work = random.duration(upTo: random.oneIn(5) ? .seconds(6) : .milliseconds(400))
        let after = work + random.duration(upTo: .milliseconds(2))
        if random.oneIn(4) { return stream(invocation, id, for: work) }
        guard random.oneIn(functions[environment.function].failures) else {
            plan(id, random.oneIn(5) ? .reportsError(invocation) : .responds(invocation), after: work)
            return plan(id, .asksNext, after: after)
        }
        switch random.below(10) {
        case 0: plan(id, .exits(.exited(code: Int32(random.below(3)))), after: work)
        case 1: plan(id, .exits(.signalled(11, outOfMemory: false)), after: work)
        case 2:
            plan(id, .respondsTooMuch(invocation), after: work)
            plan(id, .asksNext, after: after)
        case 3: plan(id, .responds(invocation), after: work)
        case 4:
            plan(id, .responds(invocation), after: work)
            plan(id, .responds(invocation), after: work)
            plan(id, .exits(.exited(code: 0)), after: after)
        case 5:
            plan(id, .asksNext, after: work)
            plan(id, .asksNext, after: work)
        case 6:
            plan(id, .responds(InvocationID("not one of ours")), after: work)
            plan(id, .reportsInitError, after: work)
            plan(id, .responds(invocation), after: after)
            plan(id, .asksNext, after: after)
            plan(id, .asksNext, after: after)
        case 7:
            plan(id, .responds(invocation), after: work)
            plan(id, .asksNext, after: after)
            plan(id, .exits(.exited(code: 0)), after: after + random.duration(upTo: .seconds(1)))
        case 8:
            plan(id, .responds(invocation), after: work)
            plan(id, .asksNext, after: after)
            plan(id, .failsToStart, after: after)
            plan(id, .responds(invocation), after: after)
            plan(id, .reportsInitError, after: after + .milliseconds(1))
        default: break
        }
    }

    /// The response comes in parts; once in a while it begins twice, has no end, or the wrong one.
    private mutating func stream(_ invocation: InvocationID, _ id: EnvironmentID, for work: Duration) {
        let ends: [EnvironmentLifecycle.StreamEnd] = [
            .complete, .complete, .error(type: "Function.Unknown"), .tooLarge(.streamTooLarge),
        ]
        plan(id, .beginsStream(invocation), after: work / 3)
        if random.oneIn(10) { plan(id, .beginsStream(invocation), after: work / 2) }
        if random.oneIn(10) { plan(id, .responds(invocation), after: work / 2) }
        if random.oneIn(10) { plan(id, .asksNext, after: work / 2) }
        if random.oneIn(10) { return plan(id, .exits(.exited(code: 1)), after: work) }
        if random.oneIn(10) { return }
        plan(id, .endsStream(invocation, ends[random.below(4)]), after: work)
        plan(id, .asksNext, after: work + random.duration(upTo: .milliseconds(2)))
    }

    mutating func plan(_ id: EnvironmentID, _ event: RuntimeEvent, after delay: Duration) {
        let generation = environments[id]?.generation ?? 0
        queue.schedule(.runtime(id, generation: generation, event), after: delay)
    }

    mutating func performRuntime(_ id: EnvironmentID, _ event: RuntimeEvent) {
        switch event {
        case .asksNext:
            polls += 1
            let poll = PollID(polls)
            environments[id]?.checker.polled(poll)
            act(id) { $0.runtimeAsksNext(poll, at: $1) }
            if random.oneIn(20) {
                plan(id, .stopsWaiting(poll), after: random.duration(upTo: .milliseconds(300)))
                plan(id, .asksNext, after: random.duration(upTo: .milliseconds(600)))
            }
        case .stopsWaiting(let poll):
            environments[id]?.checker.stoppedWaiting(poll)
            environments[id]?.lifecycle.stopsWaiting(poll)
        case .responds(let invocation): act(id) { $0.runtimeResponds(invocation, at: $1) }
        case .reportsError(let invocation):
            act(id) { $0.runtimeReportsError(invocation, type: "Function.Unknown", at: $1) }
        case .respondsTooMuch(let invocation): act(id) { $0.responseTooLarge(invocation, at: $1) }
        case .beginsStream(let invocation): act(id) { $0.runtimeBeginsStream(invocation, at: $1) }
        case .endsStream(let invocation, let end): act(id) { $0.runtimeEndsStream(invocation, end, at: $1) }
        case .reportsInitError: act(id) { $0.runtimeReportsInitError(type: "Runtime.Unknown", at: $1) }
        case .exits(let status):
            environments[id]?.checker.exited()
            act(id) { $0.runtimeExited(status, at: $1) }
        case .failsToStart:
            let isStarting = environments[id]?.lifecycle.isStartingRuntime ?? false
            if isStarting { environments[id]?.checker.runtimeFailedToStart() }
            act(id) { $0.runtimeFailedToStart(.noBootstrap(tried: ["/var/task/bootstrap"]), at: $1) }
        case .extension(let name, let event): performExtension(id, name, event)
        }
    }
}

extension EnvironmentLifecycle {
    /// A runtime was started, and has not asked for anything yet.
    fileprivate var isStartingRuntime: Bool {
        switch state {
        case .initializing: return isRuntimeAlive
        case .invoking(let invocation):
            if case .initializing = invocation.stage { return isRuntimeAlive }
            return false
        case .startingSandbox, .ready, .needsInit, .resetting, .ending, .dead: return false
        }
    }
}
