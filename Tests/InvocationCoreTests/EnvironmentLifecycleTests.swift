// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// One environment, event by event.
struct EnvironmentLifecycleTests {
    private typealias Action = EnvironmentLifecycle.Action

    private let id = InvocationID("8a7c")
    private let refusedNext = RuntimeAPIReply.invalidStateTransition(from: .started, to: .ready)

    private func milliseconds(_ count: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: count * 1_000_000)
    }

    private func ticket(_ id: InvocationID, timeout: Duration = .seconds(3)) -> InvocationTicket {
        InvocationTicket(id: id, timeout: timeout)
    }

    /// Initialised in 100 ms; its runtime waits with poll 1.
    private func readyEnvironment() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        _ = environment.runtimeAsksNext(PollID(1), at: milliseconds(100))
        return environment
    }

    /// Runs the invocation since 1,000 ms, after an initialisation of 100 ms.
    private func busyEnvironment() -> EnvironmentLifecycle {
        var environment = readyEnvironment()
        _ = environment.invocationAssigned(ticket(id), at: milliseconds(1_000))
        return environment
    }

    /// Its first initialisation has failed.
    private func failedEnvironment() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        _ = environment.runtimeExited(.exited(code: 1), at: milliseconds(100))
        _ = environment.processesGone(at: milliseconds(110))
        return environment
    }

    private func report(
        _ status: InvocationReport.Status,
        milliseconds: Int64,
        initMilliseconds: Int64? = nil
    ) -> Action {
        .finish(
            InvocationReport(
                id: id,
                status: status,
                duration: .milliseconds(milliseconds),
                initDuration: initMilliseconds.map { .milliseconds($0) }
            )
        )
    }

    private func killing(at time: Int64) -> [Action] {
        [.killProcesses, .setTimer(milliseconds(time + 5_000))]
    }

    // MARK: - The usual

    @Test func `a cold start, an invocation and a warm one`() {
        var environment = EnvironmentLifecycle()
        #expect(environment.sandboxReady(at: milliseconds(0)) == [.startRuntime, .setTimer(milliseconds(10_000))])
        #expect(
            environment.runtimeAsksNext(PollID(1), at: milliseconds(100)) == [
                .initEnded(InitReport(phase: .initialization, status: .success, duration: .milliseconds(100))),
                .applyRunLimits, .cancelTimer, .becomeIdle(.ready),
            ]
        )
        #expect(
            environment.invocationAssigned(ticket(id), at: milliseconds(200)) == [
                .setTimer(milliseconds(3_200)), .deliver(id, to: PollID(1), deadline: milliseconds(3_200)),
            ]
        )
        #expect(
            environment.runtimeResponds(id, at: milliseconds(250)) == [.answer(.accepted), .respond(id, .response)]
        )
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(260)) == [
                .cancelTimer, report(.success, milliseconds: 60, initMilliseconds: 100), .becomeIdle(.ready),
            ]
        )
        #expect(
            environment.invocationAssigned(ticket(id), at: milliseconds(900)) == [
                .setTimer(milliseconds(3_900)), .deliver(id, to: PollID(2), deadline: milliseconds(3_900)),
            ]
        )
        _ = environment.runtimeResponds(id, at: milliseconds(901))
        #expect(
            environment.runtimeAsksNext(PollID(3), at: milliseconds(902)) == [
                .cancelTimer, report(.success, milliseconds: 2), .becomeIdle(.ready),
            ]
        )
    }

    @Test func `an error that the runtime reports leaves the environment as it is`() {
        var environment = busyEnvironment()
        #expect(
            environment.runtimeReportsError(id, type: "Function.Unknown", at: milliseconds(1_005)) == [
                .answer(.accepted), .respond(id, .reportedError(type: "Function.Unknown")),
            ]
        )
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(1_006)) == [
                .cancelTimer,
                report(.functionError(type: "Function.Unknown"), milliseconds: 6, initMilliseconds: 100),
                .becomeIdle(.ready),
            ]
        )
    }

    @Test func `after a response that is too large the runtime goes on`() {
        var environment = busyEnvironment()
        #expect(
            environment.responseTooLarge(id, at: milliseconds(1_005)) == [
                .answer(.payloadTooLarge), .respond(id, .failure(.responseTooLarge)),
            ]
        )
        #expect(environment.runtimeAsksNext(PollID(2), at: milliseconds(1_006)).last == .becomeIdle(.ready))
    }

    // MARK: - Timeouts and deaths

    @Test func `a timeout answers at once, kills, and the next invocation initialises`() {
        var environment = busyEnvironment()
        #expect(environment.timerFired(at: milliseconds(3_999)) == [.setTimer(milliseconds(4_000))])
        #expect(
            environment.timerFired(at: milliseconds(4_000)) == [
                .respond(id, .failure(.timedOut(limit: .seconds(3)))),
                report(.timeout, milliseconds: 3_000, initMilliseconds: 100),
            ] + killing(at: 4_000)
        )
        #expect(environment.runtimeExited(.signalled(9, outOfMemory: false), at: milliseconds(4_001)) == [])
        #expect(environment.processesGone(at: milliseconds(4_002)) == [.cancelTimer, .becomeIdle(.needsInit)])
        #expect(
            environment.invocationAssigned(ticket(id), at: milliseconds(5_000)) == [
                .startRuntime, .setTimer(milliseconds(8_000)),
            ]
        )
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(5_200)) == [
                .initEnded(InitReport(phase: .invocation, status: .success, duration: .milliseconds(200))),
                .applyRunLimits, .setTimer(milliseconds(8_000)),
                .deliver(id, to: PollID(2), deadline: milliseconds(8_000)),
            ]
        )
        _ = environment.runtimeResponds(id, at: milliseconds(5_300))
        #expect(
            environment.runtimeAsksNext(PollID(3), at: milliseconds(5_301)).contains(
                report(.success, milliseconds: 301)
            )
        )
    }

    @Test func `a response stands when the timeout passes before the following next`() {
        var environment = busyEnvironment()
        _ = environment.runtimeResponds(id, at: milliseconds(1_500))
        #expect(
            environment.timerFired(at: milliseconds(4_000)) == [
                report(.timeout, milliseconds: 3_000, initMilliseconds: 100)
            ] + killing(at: 4_000)
        )
    }

    private static let deaths: [(InvocationCore.ExitStatus, String)] = [
        (.exited(code: 1), "Runtime.ExitError"), (.exited(code: 0), "Runtime.ExitError"),
        (.signalled(9, outOfMemory: false), "Runtime.ExitError"),
        (.signalled(9, outOfMemory: true), "Runtime.OutOfMemory"),
    ]

    @Test(arguments: deaths)
    func `a runtime that dies in an invocation fails it`(status: InvocationCore.ExitStatus, type: String) {
        var environment = busyEnvironment()
        #expect(
            environment.runtimeExited(status, at: milliseconds(1_010)) == [
                .respond(id, .failure(.exited(status))),
                report(.runtimeError(type: type), milliseconds: 10, initMilliseconds: 100),
            ] + killing(at: 1_010)
        )
    }

    @Test func `a response stands when the runtime dies after it`() {
        var environment = busyEnvironment()
        _ = environment.runtimeResponds(id, at: milliseconds(1_005))
        #expect(
            environment.runtimeExited(.exited(code: 0), at: milliseconds(1_010)) == [
                report(.runtimeError(type: "Runtime.ExitError"), milliseconds: 10, initMilliseconds: 100)
            ] + killing(at: 1_010)
        )
    }

    @Test func `a runtime that dies idle is replaced in the next invocation, whenever that comes`() {
        var environment = readyEnvironment()
        #expect(
            environment.runtimeExited(.exited(code: 0), at: milliseconds(200))
                == [.refuse([PollID(1)], refusedNext)] + killing(at: 200)
        )
        var early = environment
        #expect(
            early.invocationAssigned(ticket(id), at: milliseconds(201)) == [.setTimer(milliseconds(3_201))]
        )
        #expect(
            early.processesGone(at: milliseconds(250)) == [.startRuntime, .setTimer(milliseconds(3_201))]
        )
        #expect(environment.processesGone(at: milliseconds(250)) == [.cancelTimer])
        #expect(environment.invocationAssigned(ticket(id), at: milliseconds(300)).first == .startRuntime)
    }

    @Test func `an invocation times out while its predecessor's processes are still dying`() {
        var environment = readyEnvironment()
        _ = environment.runtimeExited(.exited(code: 0), at: milliseconds(200))
        _ = environment.invocationAssigned(ticket(id, timeout: .seconds(1)), at: milliseconds(300))
        #expect(
            environment.timerFired(at: milliseconds(1_300)) == [
                .respond(id, .failure(.timedOut(limit: .seconds(1)))), report(.timeout, milliseconds: 1_000),
                .setTimer(milliseconds(5_200)),
            ]
        )
        #expect(environment.processesGone(at: milliseconds(1_400)) == [.cancelTimer, .becomeIdle(.needsInit)])
    }

    @Test func `processes that will not die cost the environment`() {
        var environment = busyEnvironment()
        _ = environment.timerFired(at: milliseconds(4_000))
        #expect(environment.timerFired(at: milliseconds(8_999)) == [.setTimer(milliseconds(9_000))])
        #expect(environment.timerFired(at: milliseconds(9_000)) == [.cancelTimer, .discard(.killOverdue)])
    }

    // MARK: - Initialisation

    @Test func `an init of ten seconds is cut off and runs again inside the first invocation`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        #expect(
            environment.timerFired(at: milliseconds(10_000)) == [
                .initEnded(InitReport(phase: .initialization, status: .timeout, duration: .seconds(10)))
            ] + killing(at: 10_000)
        )
        #expect(environment.processesGone(at: milliseconds(10_010)) == [.cancelTimer, .becomeIdle(.needsInit)])
        #expect(
            environment.invocationAssigned(ticket(id, timeout: .seconds(30)), at: milliseconds(11_000)) == [
                .startRuntime, .setTimer(milliseconds(21_000)),
            ]
        )
        #expect(
            environment.timerFired(at: milliseconds(21_000)) == [.applyRunLimits, .setTimer(milliseconds(41_000))]
        )
        #expect(
            environment.timerFired(at: milliseconds(41_000)) == [
                .initEnded(InitReport(phase: .invocation, status: .timeout, duration: .seconds(30))),
                .respond(id, .failure(.timedOut(limit: .seconds(30)))), report(.timeout, milliseconds: 30_000),
            ] + killing(at: 41_000)
        )
    }

    @Test func `an init error is the caller's answer only in the rerun`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        let type = "Runtime.ImportModuleError"
        #expect(
            environment.runtimeReportsInitError(type: type, at: milliseconds(100)) == [
                .answer(.accepted),
                .initEnded(
                    InitReport(phase: .initialization, status: .error(type: type), duration: .milliseconds(100))
                ),
            ] + killing(at: 100)
        )
        _ = environment.processesGone(at: milliseconds(110))
        _ = environment.invocationAssigned(ticket(id), at: milliseconds(200))
        #expect(
            environment.runtimeReportsInitError(type: type, at: milliseconds(300)) == [
                .answer(.accepted),
                .initEnded(InitReport(phase: .invocation, status: .error(type: type), duration: .milliseconds(100))),
                .respond(id, .reportedError(type: type)), report(.runtimeError(type: type), milliseconds: 100),
            ] + killing(at: 300)
        )
        #expect(environment.processesGone(at: milliseconds(310)) == [.cancelTimer, .becomeIdle(.needsInit)])
    }

    @Test func `a crash in the rerun of init fails the invocation`() {
        var environment = failedEnvironment()
        _ = environment.invocationAssigned(ticket(id), at: milliseconds(200))
        #expect(
            environment.runtimeExited(.exited(code: 3), at: milliseconds(300)) == [
                .initEnded(
                    InitReport(
                        phase: .invocation,
                        status: .error(type: "Runtime.ExitError"),
                        duration: .milliseconds(100)
                    )
                ),
                .respond(id, .failure(.exited(.exited(code: 3)))),
                report(.runtimeError(type: "Runtime.ExitError"), milliseconds: 100),
            ] + killing(at: 300)
        )
    }

    @Test func `a program that cannot be executed fails the invocation, not the init`() {
        let failure = InvocationFailure.noBootstrap(tried: ["/var/task/bootstrap", "/opt/bootstrap"])
        let error = InitReport.Status.error(type: "Runtime.InvalidEntrypoint")
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        #expect(
            environment.runtimeFailedToStart(failure, at: milliseconds(1)) == [
                .initEnded(InitReport(phase: .initialization, status: error, duration: .milliseconds(1))),
                .cancelTimer, .becomeIdle(.needsInit),
            ]
        )
        _ = environment.invocationAssigned(ticket(id), at: milliseconds(10))
        #expect(
            environment.runtimeFailedToStart(failure, at: milliseconds(11)) == [
                .initEnded(InitReport(phase: .invocation, status: error, duration: .milliseconds(1))),
                .respond(id, .failure(failure)),
                report(.runtimeError(type: "Runtime.InvalidEntrypoint"), milliseconds: 1), .cancelTimer,
                .becomeIdle(.needsInit),
            ]
        )
    }

    // MARK: - What a runtime may not do

    @Test func `one response for each id, and only for the one in hand`() {
        var environment = busyEnvironment()
        let other = InvocationID("other")
        #expect(environment.runtimeResponds(other, at: milliseconds(1_001)) == [.answer(.invalidRequestID)])
        _ = environment.runtimeResponds(id, at: milliseconds(1_002))
        #expect(environment.runtimeResponds(id, at: milliseconds(1_003)) == [.answer(.invalidRequestID)])
        #expect(
            environment.runtimeReportsError(id, type: "Runtime.Unknown", at: milliseconds(1_003))
                == [.answer(.invalidRequestID)]
        )
        #expect(environment.responseTooLarge(id, at: milliseconds(1_003)) == [.answer(.invalidRequestID)])
        _ = environment.runtimeAsksNext(PollID(2), at: milliseconds(1_004))
        #expect(
            environment.runtimeResponds(id, at: milliseconds(1_005))
                == [.answer(.invalidStateTransition(from: .ready, to: .invocationResponse))]
        )
        #expect(
            environment.runtimeReportsError(id, type: "Runtime.Unknown", at: milliseconds(1_005))
                == [.answer(.invalidStateTransition(from: .ready, to: .invocationErrorResponse))]
        )
    }

    @Test func `an init error after init is refused`() {
        for (environment, state) in [(readyEnvironment(), RuntimeState.ready), (busyEnvironment(), .running)] {
            var environment = environment
            #expect(
                environment.runtimeReportsInitError(type: "Runtime.Unknown", at: milliseconds(2_000))
                    == [.answer(.invalidStateTransition(from: state, to: .initError))]
            )
        }
    }

    @Test func `next in a running invocation gets the same event again`() {
        var environment = busyEnvironment()
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(1_001))
                == [.deliver(id, to: PollID(2), deadline: milliseconds(4_000))]
        )
    }

    @Test func `an event waits for the runtime to ask again when its connection is gone`() {
        var environment = readyEnvironment()
        environment.stopsWaiting(PollID(1))
        #expect(
            environment.invocationAssigned(ticket(id), at: milliseconds(200)) == [.setTimer(milliseconds(3_200))]
        )
        #expect(
            environment.runtimeResponds(id, at: milliseconds(201))
                == [.answer(.invalidStateTransition(from: .ready, to: .invocationResponse))]
        )
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(202))
                == [.deliver(id, to: PollID(2), deadline: milliseconds(3_200))]
        )
    }

    @Test func `waiting calls are bounded and answered in turn`() {
        var environment = readyEnvironment()
        for number in 2..<UInt64(EnvironmentLifecycle.pollsMax + 1) {
            #expect(environment.runtimeAsksNext(PollID(number), at: milliseconds(200)) == [])
        }
        #expect(
            environment.runtimeAsksNext(PollID(1_000), at: milliseconds(200))
                == [.refuse([PollID(1_000)], .invalidStateTransition(from: .ready, to: .ready))]
        )
        #expect(
            environment.invocationAssigned(ticket(id), at: milliseconds(300)).last
                == .deliver(id, to: PollID(1), deadline: milliseconds(3_300))
        )
    }

    @Test func `the dead are refused while their environment is reset`() {
        var environment = failedEnvironment()
        #expect(environment.runtimeAsksNext(PollID(1), at: milliseconds(120)) == [.refuse([PollID(1)], refusedNext)])
        #expect(environment.processesGone(at: milliseconds(120)) == [])
        #expect(environment.runtimeExited(.exited(code: 0), at: milliseconds(120)) == [])
        #expect(environment.timerFired(at: milliseconds(120)) == [])
    }

    // MARK: - The end

    @Test func `a lost sandbox answers the invocation in hand, once`() {
        var environment = busyEnvironment()
        #expect(
            environment.sandboxLost(at: milliseconds(1_100)) == [
                .respond(id, .environmentLost), report(.environmentLost, milliseconds: 100, initMilliseconds: 100),
                .cancelTimer, .discard(.sandboxLost),
            ]
        )
        #expect(environment.sandboxLost(at: milliseconds(1_101)) == [])
        #expect(environment.shutdownRequested(at: milliseconds(1_101)) == [])
        let late = InvocationID("late")
        #expect(
            environment.invocationAssigned(ticket(late), at: milliseconds(1_102)).first
                == .respond(late, .environmentLost)
        )
    }

    @Test func `shutdown refuses who waits and discards`() {
        var environment = readyEnvironment()
        #expect(
            environment.shutdownRequested(at: milliseconds(500)) == [
                .refuse([PollID(1)], refusedNext), .cancelTimer, .discard(.shutdown),
            ]
        )
        var starting = EnvironmentLifecycle()
        #expect(starting.shutdownRequested(at: milliseconds(1)) == [.cancelTimer, .discard(.shutdown)])
        #expect(starting.sandboxReady(at: milliseconds(2)) == [])
    }
}
