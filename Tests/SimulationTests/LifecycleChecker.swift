// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// Watches the actions of one environment's lifecycle and says when they contradict each other.
struct LifecycleChecker {
    private(set) var violations: [String] = []
    private var hasProcesses = false
    /// The runtime itself, whose children may outlive it.
    private var hasRuntime = false
    private var hasExtensions = false
    /// The invocation in hand has a response under way, or had.
    private var hasStream = false
    private var isDiscarded = false
    private var isIdle = false
    private var unanswered: Set<PollID> = []
    /// The invocation in hand, and whether it has its answer.
    private var current: (id: InvocationID, isAnswered: Bool)?

    private mutating func expect(_ condition: Bool, _ promise: @autoclosure () -> String) {
        if !condition { violations.append(promise()) }
    }

    mutating func polled(_ poll: PollID) {
        unanswered.insert(poll)
    }

    mutating func stoppedWaiting(_ poll: PollID) {
        unanswered.remove(poll)
    }

    mutating func assigned(_ id: InvocationID) {
        expect(current == nil, "\(id) is assigned beside another")
        current = (id, false)
        isIdle = false
    }

    /// The runtime has ended, or so it was said from inside.
    mutating func exited() {
        hasRuntime = false
    }

    /// The runtime could not be started after all.
    mutating func runtimeFailedToStart() {
        hasRuntime = false
        hasProcesses = hasExtensions
    }

    mutating func processesGone() {
        hasProcesses = false
        hasRuntime = false
        hasExtensions = false
    }

    mutating func acted(_ action: EnvironmentLifecycle.Action) {
        if isDiscarded {
            switch action {
            case .respond, .finish, .refuse, .answer: break
            default: expect(false, "\(action) after the environment was discarded")
            }
        }
        switch action {
        case .startExtensions:
            expect(!hasProcesses, "extensions are started beside others")
            hasProcesses = true
            hasExtensions = true
        case .startRuntime:
            expect(!hasRuntime && hasProcesses == hasExtensions, "a runtime is started beside another")
            hasProcesses = true
            hasRuntime = true
        case .killProcesses: expect(hasProcesses, "processes are killed that are not there")
        case .endRuntime: expect(hasRuntime, "a runtime that is not there is asked to end")
        case .tell(let event, let polls):
            for poll in polls { expect(unanswered.remove(poll) != nil, "a call that does not wait is told") }
            if case .invoke(let id, _) = event { expect(current?.id == id, "\(id) is told, but not in hand") }
        case .deliver(let id, let poll, _):
            expect(hasRuntime, "\(id) is delivered to the dead")
            expect(unanswered.remove(poll) != nil, "\(id) is delivered to a call that does not wait")
            expect(current?.id == id && current?.isAnswered == false, "\(id) is delivered, but not in hand")
        case .refuse(let polls, _):
            for poll in polls { expect(unanswered.remove(poll) != nil, "a call that does not wait is refused") }
        case .beginStream(let id):
            expect(current?.id == id && current?.isAnswered == false, "\(id) streams, but is not in hand")
            expect(!hasStream, "\(id) streams twice")
            hasStream = true
        case .respond(let id, _):
            expect(current?.id == id, "\(id) is answered, but not in hand")
            expect(current?.isAnswered == false, "\(id) is answered twice")
            current?.isAnswered = true
        case .finish(let report):
            expect(current?.id == report.id, "\(report.id) is finished, but not in hand")
            expect(current?.isAnswered == true, "\(report.id) is finished without an answer")
            expect(report.duration >= .zero, "\(report.id) took less than no time")
            current = nil
            hasStream = false
        case .becomeIdle:
            expect(current == nil, "idle with an invocation in hand")
            expect(!isIdle, "idle twice")
            isIdle = true
        case .discard:
            expect(current == nil, "discarded with an invocation in hand")
            isDiscarded = true
        case .answer, .initEnded, .restoreEnded, .applyRunLimits, .setTimer, .cancelTimer: break
        }
    }

    /// What holds when nothing is going to happen any more.
    mutating func settleForGood() {
        expect(current == nil, "an invocation is left in hand")
        expect(isDiscarded, "the environment was never discarded")
        let waiting = unanswered.count
        expect(waiting == 0, "\(waiting) calls of the runtime are left waiting")
    }
}
