// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// SnapStart: what is initialised to be forked from, and what was forked.
struct SnapshotTests {
    private typealias Action = EnvironmentLifecycle.Action

    private let id = InvocationID("8a7c")

    private func at(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    // MARK: - What is forked from

    private func snapshot() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle(initTimeout: .seconds(130), origin: .snapshot)
        _ = environment.sandboxReady(at: at(0))
        return environment
    }

    @Test func `its initialisation ends when the runtime asks to be restored, and is reported by itself`() {
        var environment = snapshot()
        #expect(environment.runtimeAsksNext(PollID(1), at: at(10)).first?.isRefusal == true, "it gets no invocation")
        let report = InitReport(phase: .initialization, status: .success, duration: .milliseconds(400))
        #expect(
            environment.runtimeAsksRestore(PollID(2), at: at(400))
                == [.initEnded(report), .applyRunLimits, .cancelTimer, .becomeIdle(.ready)]
        )
        #expect(environment.state == .ready)
        #expect(environment.runtimeAsksRestore(PollID(3), at: at(500)).first?.isRefusal == true, "once")
        #expect(environment.runtimeAsksNext(PollID(4), at: at(500)).isEmpty)
    }

    @Test func `its process may end without the end of those that were forked from it`() {
        var environment = snapshot()
        _ = environment.runtimeAsksRestore(PollID(1), at: at(400))
        #expect(environment.runtimeExited(.exited(code: 0), at: at(500)).isEmpty)
        let actions = environment.shutdownRequested(at: at(600))
        #expect(!actions.contains(.killProcesses) && actions.last == .discard(.shutdown))
    }

    @Test func `one that fails is of no use`() {
        for failing in 0..<3 {
            var environment = snapshot()
            let actions =
                switch failing {
                case 0: environment.runtimeReportsInitError(type: "ValueError", at: at(10))
                case 1: environment.runtimeExited(.exited(code: 1), at: at(10))
                default: environment.timerFired(at: at(130_000))
                }
            #expect(actions.contains(.killProcesses))
            #expect(environment.processesGone(at: at(130_001)).last == .discard(.notInitialized))
        }
    }

    @Test func `nobody else is restored`() {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: at(0))
        #expect(environment.runtimeAsksRestore(PollID(1), at: at(1)).first?.isRefusal == true)
        let refused = environment.runtimeReportsRestoreError(type: "X", at: at(1))
        #expect(refused == [.answer(.invalidStateTransition(from: .started, to: .ready))])
    }

    // MARK: - What was forked

    private func restored() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle()
        environment.isRestored(since: at(1_000))
        _ = environment.sandboxReady(at: at(1_004))
        return environment
    }

    private func serve(_ environment: inout EnvironmentLifecycle, at now: MonotonicTime) -> InvocationReport? {
        _ = environment.invocationAssigned(InvocationTicket(id: id, timeout: .seconds(3)), at: now)
        _ = environment.runtimeResponds(id, at: now)
        return environment.runtimeAsksNext(PollID(9), at: now).compactMap { action -> InvocationReport? in
            if case .finish(let report) = action { report } else { nil }
        }.first
    }

    @Test func `a restore is reported, and once with the first invocation`() {
        var environment = restored()
        let report = RestoreReport(status: .success, duration: .milliseconds(10))
        #expect(environment.runtimeAsksNext(PollID(1), at: at(1_010)).first == .restoreEnded(report))
        let first = serve(&environment, at: at(2_000))
        #expect(first?.restore == RestoreDuration(total: .milliseconds(10), billed: .milliseconds(6)))
        #expect(first?.initDuration == nil)
        #expect(serve(&environment, at: at(3_000))?.restore == nil)
    }

    @Test func `what runs after a restore fails its environment at once`() {
        var reporting = restored()
        let actions = reporting.runtimeReportsRestoreError(type: "Runtime.AfterRestoreError", at: at(1_010))
        let report = RestoreReport(status: .error(type: "Runtime.AfterRestoreError"), duration: .milliseconds(10))
        #expect(actions.prefix(2) == [.answer(.accepted), .restoreEnded(report)])
        #expect(actions.last == .discard(.restoreFailed(.error)))
        var ending = restored()
        #expect(ending.runtimeExited(.exited(code: 65), at: at(1_010)).last == .discard(.restoreFailed(.error)))
        var hanging = restored()
        #expect(hanging.timerFired(at: at(11_003)) == [.setTimer(at(11_004))])
        #expect(hanging.timerFired(at: at(11_004)).last == .discard(.restoreFailed(.timeout)))
        // The server's end in the same moment.
        var dying = EnvironmentLifecycle()
        _ = dying.shutdownRequested(at: at(1))
        dying.isRestored(since: at(2))
        #expect(dying.state == .dead)
    }

    @Test func `without its process it goes: the next is restored anew`() {
        var environment = restored()
        _ = environment.runtimeAsksNext(PollID(1), at: at(1_010))
        _ = environment.runtimeExited(.exited(code: 1), at: at(2_000))
        #expect(environment.processesGone(at: at(2_010)).last == .discard(.notInitialized))
    }

    @Test func `who has waited longest fails with a restore that failed`() {
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        let key = EnvironmentKey(function: function, version: "1", revision: "r")
        let demand = EnvironmentDemand(memoryMiB: 128)
        var scheduler = EnvironmentScheduler(settings: .init(memoryMiB: 1_024), limits: ConcurrencyLimits())
        for name in ["a", "b"] {
            _ = scheduler.invocationArrived(InvocationID(name), key: key, demand: demand, at: at(0))
        }
        let commands = scheduler.environmentLost(EnvironmentID(1), restoreFailure: .timeout, at: at(10))
        #expect(commands.first == .fail(InvocationID("a"), .restoreFailed(.timeout)))
        #expect(scheduler.waiters(of: key) == 1)
    }

    // MARK: - What is said of it

    @Test func `the lines of a restore`() {
        let report = InvocationReport(
            id: id,
            status: .success,
            duration: .milliseconds(2),
            initDuration: nil,
            restore: RestoreDuration(total: .microseconds(10_250), billed: .microseconds(4_100))
        )
        let line = PlatformLogLine.report(report, memoryMiB: 128, maxMemoryUsedMiB: 40, trace: nil)
        #expect(
            line.text
                == "REPORT RequestId: 8a7c\tDuration: 2.00 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
                + "Max Memory Used: 40 MB\tRestore Duration: 10.25 ms\tBilled Restore Duration: 5 ms\t\n"
        )
        let json = line.json(at: Timestamp(millisecondsSinceEpoch: 0)) ?? ""
        #expect(json.contains(#""restoreDurationMs":10.25,"billedRestoreDurationMs":5"#))
    }

    // MARK: - Room

    private func key(_ version: Int) -> EnvironmentKey {
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        return EnvironmentKey(function: function, version: String(version), revision: "r")
    }

    @Test func `those used longest ago give way`() {
        var room = SnapshotRoom(sizeMiB: 512)
        for version in 1...4 { #expect(room.admit(key(version), memoryMiB: 128) == []) }
        #expect(room.takenMiB == 512)
        room.use(key(1))
        #expect(room.admit(key(5), memoryMiB: 256) == [key(2), key(3)])
        #expect(room.admit(key(6), memoryMiB: 513) == nil && room.takenMiB == 512)
        #expect(room.resize(toMiB: 200) == [key(4), key(1), key(5)])
        #expect(room.admit(key(7), memoryMiB: 201) == nil)
        #expect(room.admit(key(7), memoryMiB: 200) == [])
        room.remove { $0 == key(7) }
        #expect(!room.has(key(7)) && room.takenMiB == 0)
        #expect(room.resize(toMiB: -5) == [])
    }
}

extension EnvironmentLifecycle.Action {
    fileprivate var isRefusal: Bool { if case .refuse = self { true } else { false } }
}
