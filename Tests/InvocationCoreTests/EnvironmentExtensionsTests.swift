// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

/// One environment with extensions, event by event.
struct EnvironmentExtensionsTests {
    private typealias Action = EnvironmentLifecycle.Action

    private let id = InvocationID("8a7c")

    private func milliseconds(_ count: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: count * 1_000_000) }

    /// One external extension "agent" that listens to both events, and an internal one "inner" that listens to INVOKE: ready at
    /// 100 ms.
    ///
    /// The runtime waits with poll 1, agent with 2, inner with 3.
    private func readyEnvironment() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(externalExtensions: ["agent"], at: milliseconds(0))
        _ = register(&environment, "agent", ["INVOKE", "SHUTDOWN"])
        _ = register(&environment, "inner", ["INVOKE"])
        _ = environment.extensionAsksNext("agent-id", PollID(2), at: milliseconds(40))
        _ = environment.runtimeAsksNext(PollID(1), at: milliseconds(50))
        _ = environment.extensionAsksNext("inner-id", PollID(3), at: milliseconds(100))
        return environment
    }

    private func register(_ environment: inout EnvironmentLifecycle, _ name: String, _ events: [String]) -> [Action] {
        environment.extensionRegisters(name: name, events: events, identifier: "\(name)-id", at: milliseconds(10))
    }

    private func begin(_ environment: inout EnvironmentLifecycle) -> [Action] {
        environment.invocationAssigned(InvocationTicket(id: id, timeout: .seconds(3)), at: milliseconds(1_000))
    }

    private func report(_ status: InvocationReport.Status, _ milliseconds: Int64) -> Action {
        .finish(
            InvocationReport(
                id: id,
                status: status,
                duration: .milliseconds(milliseconds),
                initDuration: .milliseconds(100)
            )
        )
    }

    private func refusal(_ actions: [Action]) -> String? {
        for action in actions {
            switch action {
            case .answer(.extensionRefused(let refusal)), .refuse(_, .extensionRefused(let refusal)):
                return refusal.errorType
            default: continue
            }
        }
        return nil
    }

    // MARK: - The usual

    @Test func `the runtime starts when the external extensions have registered, and init ends when all are back`() {
        var environment = EnvironmentLifecycle()
        #expect(
            environment.sandboxReady(externalExtensions: ["a", "b"], at: milliseconds(0)) == [
                .startExtensions(["a", "b"]), .setTimer(milliseconds(10_000)),
            ]
        )
        #expect(register(&environment, "b", []) == [.answer(.registered(identifier: "b-id"))])
        #expect(register(&environment, "a", ["INVOKE"]) == [.answer(.registered(identifier: "a-id")), .startRuntime])
        #expect(environment.extensionAsksNext("b-id", PollID(1), at: milliseconds(20)) == [])
        #expect(environment.runtimeAsksNext(PollID(2), at: milliseconds(50)) == [])
        #expect(
            environment.extensionAsksNext("a-id", PollID(3), at: milliseconds(70)) == [
                .initEnded(InitReport(phase: .initialization, status: .success, duration: .milliseconds(70))),
                .applyRunLimits, .cancelTimer, .becomeIdle(.ready),
            ]
        )
    }

    @Test func `an invocation is told to those who asked, and is over when all are back`() {
        var environment = readyEnvironment()
        let event = ExtensionEvent.invoke(id, deadline: milliseconds(4_000))
        #expect(
            begin(&environment) == [
                .setTimer(milliseconds(4_000)), .deliver(id, to: PollID(1), deadline: milliseconds(4_000)),
                .tell(event, to: [PollID(2), PollID(3)]),
            ]
        )
        #expect(environment.extensionAsksNext("inner-id", PollID(4), at: milliseconds(1_001)) == [])
        #expect(
            environment.runtimeResponds(id, at: milliseconds(1_005)) == [.answer(.accepted), .respond(id, .response)]
        )
        #expect(environment.runtimeAsksNext(PollID(5), at: milliseconds(1_006)) == [])
        #expect(
            environment.extensionAsksNext("agent-id", PollID(6), at: milliseconds(1_500)) == [
                .cancelTimer, report(.success, 500), .becomeIdle(.ready),
            ]
        )
    }

    @Test func `an event waits for an extension whose connection was gone`() {
        var environment = readyEnvironment()
        environment.stopsWaiting(PollID(2))
        let event = ExtensionEvent.invoke(id, deadline: milliseconds(4_000))
        #expect(begin(&environment).last == .tell(event, to: [PollID(3)]))
        #expect(
            environment.extensionAsksNext("agent-id", PollID(7), at: milliseconds(1_001))
                == [.tell(event, to: [PollID(7)])]
        )
    }

    // MARK: - Ends

    @Test func `an extension that overruns the timeout ends the invocation, whose answer stands`() {
        var environment = readyEnvironment()
        _ = begin(&environment)
        _ = environment.runtimeResponds(id, at: milliseconds(1_001))
        _ = environment.runtimeAsksNext(PollID(4), at: milliseconds(1_002))
        let actions = environment.timerFired(at: milliseconds(4_000))
        #expect(actions.first == report(.timeout, 3_000))
        #expect(actions.contains(.endRuntime(isForced: false)))
        #expect(!actions.contains { if case .respond = $0 { true } else { false } })
    }

    @Test func `a shutdown gives the runtime 600 ms, extensions the rest of 2 s, then kills`() {
        var environment = readyEnvironment()
        let refusedNext = RuntimeAPIReply.invalidStateTransition(from: .started, to: .ready)
        #expect(
            environment.shutdownRequested(at: milliseconds(5_000)) == [
                .endRuntime(isForced: false), .setTimer(milliseconds(5_600)),
            ]
        )
        #expect(
            environment.timerFired(at: milliseconds(5_600)) == [
                .endRuntime(isForced: true),
                .tell(.shutdown(.spindown, deadline: milliseconds(7_000)), to: [PollID(2)]),
                .setTimer(milliseconds(7_000)),
            ]
        )
        #expect(
            environment.timerFired(at: milliseconds(7_000)) == [
                .refuse([PollID(3)], .extensionRefused(.registrationClosed)), .refuse([PollID(1)], refusedNext),
                .killProcesses, .setTimer(milliseconds(12_000)),
            ]
        )
        #expect(environment.processesGone(at: milliseconds(7_001)) == [.cancelTimer, .discard(.shutdown)])
    }

    @Test func `whoever ends earlier makes the shutdown shorter`() {
        var environment = readyEnvironment()
        _ = environment.shutdownRequested(at: milliseconds(5_000))
        #expect(
            environment.runtimeExited(.signalled(15, outOfMemory: false), at: milliseconds(5_010)) == [
                .tell(.shutdown(.spindown, deadline: milliseconds(7_000)), to: [PollID(2)]),
                .setTimer(milliseconds(7_000)),
            ]
        )
        #expect(
            environment.extensionExited("agent", .exited(code: 0), at: milliseconds(5_020)).contains(.killProcesses)
        )
    }

    @Test func `internal extensions alone give the runtime 500 ms`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        _ = register(&environment, "inner", [])
        _ = environment.extensionAsksNext("inner-id", PollID(1), at: milliseconds(20))
        _ = environment.runtimeAsksNext(PollID(2), at: milliseconds(30))
        #expect(environment.shutdownRequested(at: milliseconds(100)).last == .setTimer(milliseconds(600)))
        #expect(environment.timerFired(at: milliseconds(600)).contains(.killProcesses))
    }

    // MARK: - Failures

    @Test func `an extension that ends in an invocation fails it`() {
        var environment = readyEnvironment()
        _ = begin(&environment)
        let status = InvocationCore.ExitStatus.exited(code: 2)
        let failure = InvocationFailure.extensionExited(type: "Extension.Crash", status)
        #expect(failure.message == "exit status 2")
        #expect(
            Array(environment.extensionExited("agent", status, at: milliseconds(1_010)).prefix(2)) == [
                .respond(id, .failure(failure)), report(.runtimeError(type: "Extension.Crash"), 10),
            ]
        )
    }

    @Test func `one that ends between invocations fails the next`() {
        var environment = readyEnvironment()
        #expect(environment.extensionExited("agent", .exited(code: 0), at: milliseconds(500)) == [])
        let failure = InvocationFailure.extensionExited(type: "Extension.Crash", .exited(code: 0))
        #expect(failure.message == "exit code 0")
        #expect(begin(&environment).first == .respond(id, .failure(failure)))
    }

    @Test func `an init error that an extension reports names its end`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(externalExtensions: ["agent"], at: milliseconds(0))
        _ = register(&environment, "agent", [])
        #expect(environment.extensionReportsInitError("agent-id", type: "Extension.NoKey") == [.answer(.accepted)])
        #expect(
            environment.extensionExited("agent", .exited(code: 1), at: milliseconds(30)).first
                == .initEnded(
                    InitReport(
                        phase: .initialization,
                        status: .error(type: "Extension.InitError"),
                        duration: .milliseconds(30)
                    )
                )
        )
    }

    @Test func `a program that cannot be executed fails the init`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(externalExtensions: ["agent"], at: milliseconds(0))
        let actions = environment.extensionFailedToStart(
            "agent",
            reason: "PermissionDenied",
            message: "fork/exec /opt/extensions/agent: permission denied",
            at: milliseconds(5)
        )
        #expect(
            actions.first
                == .initEnded(
                    InitReport(
                        phase: .initialization,
                        status: .error(type: "Extension.LaunchError"),
                        duration: .milliseconds(5)
                    )
                )
        )
        #expect(actions.contains(.killProcesses))
    }

    @Test func `more than ten, or a name that can't register, fail the init at once and start nothing`() {
        let eleven = (1...11).map { "e\($0)" }
        for (names, failing, reason) in [
            (eleven, "e11", "TooManyExtensions"), (["good", "a name"], "a name", "UnknownError"),
            ([String(repeating: "n", count: 129)], String(repeating: "n", count: 129), "UnknownError"),
        ] {
            var environment = EnvironmentLifecycle()
            let actions = environment.sandboxReady(externalExtensions: names, at: milliseconds(0))
            #expect(
                Array(actions.prefix(2)) == [
                    .startExtensions([]),
                    .initEnded(
                        InitReport(
                            phase: .initialization,
                            status: .error(type: "Extension.LaunchError"),
                            duration: .zero
                        )
                    ),
                ]
            )
            #expect(actions.contains(.killProcesses) && actions.last == .setTimer(milliseconds(5_000)))
            let shown = environment.extensions.atInitEnd?.first { $0.state == .launchError }
            #expect(shown?.name == failing && shown?.errorType == reason)
            _ = environment.processesGone(at: milliseconds(1))
            let again = begin(&environment)
            let failure = again.compactMap { if case .respond(id, .failure(let failure)) = $0 { failure } else { nil } }
            #expect(failure.map(\.errorType) == ["Extension.LaunchError"])
        }
    }

    @Test func `where everybody stood is known when the init has ended, whatever the reset did to them`() {
        func states(_ environment: EnvironmentLifecycle) -> [String] {
            (environment.extensions.atInitEnd ?? []).map { "\($0.name) \($0.state.rawValue)" }
        }
        #expect(states(readyEnvironment()) == ["agent Ready", "inner Ready"])
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(externalExtensions: ["a", "b"], at: milliseconds(0))
        _ = register(&environment, "a", ["SHUTDOWN"])
        _ = environment.extensionAsksNext("a-id", PollID(1), at: milliseconds(5))
        #expect(states(environment) == [])
        // Its end changes what it is, not what it was.
        _ = environment.extensionExited("b", .exited(code: 3), at: milliseconds(20))
        #expect(states(environment) == ["a Ready", "b Started"])
        _ = environment.extensionExited("a", .exited(code: 0), at: milliseconds(30))
        _ = environment.processesGone(at: milliseconds(40))
        _ = begin(&environment)
        #expect(states(environment) == [])
    }

    // MARK: - What an extension may not do

    @Test func `registration is refused in Lambda's words`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(externalExtensions: ["agent"], at: milliseconds(0))
        #expect(refusal(register(&environment, "", [])) == "Extension.InvalidExtensionName")
        #expect(refusal(register(&environment, "a b", [])) == "Extension.InvalidExtensionName")
        #expect(refusal(register(&environment, "inner", ["SHUTDOWN"])) == "Extension.InvalidEventType")
        #expect(refusal(register(&environment, "inner", ["REBOOT"])) == "Extension.InvalidEventType")
        #expect(refusal(register(&environment, "inner", [])) == nil)
        #expect(refusal(register(&environment, "inner", [])) == "Extension.InvalidExtensionState")
        #expect(refusal(register(&environment, "agent", ["SHUTDOWN"])) == nil)
        #expect(refusal(register(&environment, "agent", [])) == "Extension.InvalidExtensionState")
        for number in 2..<ExtensionRegistry.extensionsMax {
            #expect(refusal(register(&environment, "inner\(number)", [])) == nil)
        }
        #expect(refusal(register(&environment, "eleventh", [])) == "Extension.TooManyExtensions")
        _ = environment.runtimeAsksNext(PollID(1), at: milliseconds(50))
        #expect(refusal(register(&environment, "late", [])) == "Extension.RegistrationClosed")
    }

    @Test func `strangers and second calls are refused`() {
        var environment = readyEnvironment()
        #expect(
            refusal(environment.extensionAsksNext("nobody", PollID(9), at: milliseconds(200)))
                == "Extension.UnknownExtensionIdentifier"
        )
        #expect(
            refusal(environment.extensionAsksNext("agent-id", PollID(9), at: milliseconds(200)))
                == "Extension.InvalidExtensionState"
        )
        #expect(
            refusal(environment.extensionReportsInitError("agent-id", type: "x")) == "Extension.InvalidExtensionState"
        )
        #expect(
            refusal(environment.extensionReportsExitError("nobody", type: "x"))
                == "Extension.UnknownExtensionIdentifier"
        )
    }
}
