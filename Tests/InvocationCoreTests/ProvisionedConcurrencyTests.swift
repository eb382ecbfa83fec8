// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// Environments that are there before anybody asks, event by event; they are numbered from 1 in the order of their starts.
struct ProvisionedConcurrencyTests {
    private static let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    private let start = MonotonicTime(nanoseconds: 0)

    private func key(_ version: String, revision: String = "1") -> EnvironmentKey {
        EnvironmentKey(function: Self.function, version: version, revision: revision)
    }

    /// A world with one scheduler; times are seconds since its start.
    private struct World {
        var scheduler: EnvironmentScheduler
        var turn: UInt64 = 0

        init(memoryMiB: Int = 10_000, startsMax: Int = 10, limits: ConcurrencyLimits = ConcurrencyLimits()) {
            scheduler = EnvironmentScheduler(
                settings: .init(memoryMiB: memoryMiB, provisionedStartsMax: startsMax),
                limits: limits
            )
        }

        func time(_ seconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

        mutating func provision(
            _ wanted: [(EnvironmentKey, Int)],
            memoryMiB: Int = 128,
            at seconds: Int = 0
        ) -> [EnvironmentScheduler.Command] {
            turn += 1
            let shares = wanted.map { key, count in
                ProvisionedShare(
                    configuration: ProvisionedConfigurationID(function: key.function, qualifier: "live"),
                    key: key,
                    demand: EnvironmentDemand(memoryMiB: memoryMiB),
                    wanted: count
                )
            }
            return scheduler.setConcurrency(reserved: [:], provisioned: shares, turn: turn, at: time(seconds))
        }

        mutating func arrive(
            _ id: String,
            _ key: EnvironmentKey,
            memoryMiB: Int = 128,
            at seconds: Int = 0
        ) -> [EnvironmentScheduler.Command] {
            let demand = EnvironmentDemand(memoryMiB: memoryMiB)
            return scheduler.invocationArrived(InvocationID(id), key: key, demand: demand, at: time(seconds))
        }

        mutating func ready(_ number: UInt64, at seconds: Int = 0) -> [EnvironmentScheduler.Command] {
            scheduler.environmentReady(EnvironmentID(number), at: time(seconds))
        }

        mutating func lost(
            _ number: UInt64,
            isInitFailure: Bool = false,
            at seconds: Int = 0
        ) -> [EnvironmentScheduler.Command] {
            scheduler.environmentLost(EnvironmentID(number), isInitFailure: isInitFailure, at: time(seconds))
        }

        func state(_ key: EnvironmentKey) -> ProvisionedState { scheduler.provisionedState(of: key) }
    }

    @Test func `provisioned environments come unasked, serve first, and stay`() {
        var world = World()
        let one = key("1")
        #expect(
            world.provision([(one, 2)])
                == [.startProvisioned(EnvironmentID(1), one), .startProvisioned(EnvironmentID(2), one)]
        )
        #expect(world.state(one) == ProvisionedState(allocated: 2, available: 0))
        for number in [1, 2] as [UInt64] { #expect(world.ready(number) == []) }
        #expect(world.state(one) == ProvisionedState(allocated: 2, available: 2))
        #expect(world.arrive("a", one) == [.assign(InvocationID("a"), EnvironmentID(2))])
        #expect(world.arrive("b", one) == [.assign(InvocationID("b"), EnvironmentID(1))])
        #expect(world.arrive("c", one) == [.start(EnvironmentID(3), one)], "what is beyond spills over")
        #expect(world.ready(3) == [.assign(InvocationID("c"), EnvironmentID(3))])
        #expect(world.state(one) == ProvisionedState(allocated: 2, available: 2))
        #expect(world.ready(3) == [.nextTick(world.time(600))])
        for number in [1, 2] as [UInt64] { #expect(world.ready(number) == []) }
        #expect(world.scheduler.tick(at: world.time(600)) == [.destroy(EnvironmentID(3))], "only this one expires")
        #expect(world.arrive("d", one, at: 10_000) == [.assign(InvocationID("d"), EnvironmentID(2))])
    }

    @Test func `so many start at one time, and no more`() {
        var world = World(startsMax: 2)
        let one = key("1")
        #expect(world.provision([(one, 4)]).count == 2)
        #expect(world.ready(1) == [.startProvisioned(EnvironmentID(3), one)])
        #expect(world.ready(2) == [.startProvisioned(EnvironmentID(4), one)])
        #expect(world.state(one) == ProvisionedState(allocated: 4, available: 2))
    }

    @Test func `fewer are wanted: what is idle goes at once, what is busy with its invocation`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 3)])
        for number in [1, 2] as [UInt64] { _ = world.ready(number) }
        _ = world.arrive("a", one)
        #expect(world.provision([(one, 1)]) == [.destroy(EnvironmentID(3)), .destroy(EnvironmentID(1))])
        #expect(world.state(one) == ProvisionedState(allocated: 1, available: 1))
        #expect(world.provision([]) == [])
        #expect(world.ready(2) == [.destroy(EnvironmentID(2))])
        for number in [1, 2, 3] as [UInt64] { #expect(world.lost(number) == []) }
        #expect(world.scheduler.isEmpty && world.scheduler.ledger.total == 0 && world.scheduler.memoryInUseMiB == 0)
    }

    @Test func `when an alias moves, the new version's come before the old one's go`() {
        var world = World()
        let (one, two) = (key("1"), key("2"))
        _ = world.provision([(one, 2)])
        for number in [1, 2] as [UInt64] { _ = world.ready(number) }
        #expect(
            world.provision([(two, 2)])
                == [.startProvisioned(EnvironmentID(3), two), .startProvisioned(EnvironmentID(4), two)]
        )
        #expect(world.ready(3) == [])
        #expect(world.arrive("a", one) == [.assign(InvocationID("a"), EnvironmentID(2))], "until then they serve")
        #expect(world.ready(4) == [.destroy(EnvironmentID(1))])
        #expect(world.ready(2) == [.destroy(EnvironmentID(2))])
        #expect(world.state(one) == ProvisionedState())
        #expect(world.state(two) == ProvisionedState(allocated: 2, available: 2))
    }

    @Test func `where there is no room for both, the old version's make it`() {
        var world = World(memoryMiB: 300)
        let (one, two) = (key("1"), key("2"))
        _ = world.provision([(one, 2)])
        for number in [1, 2] as [UInt64] { _ = world.ready(number) }
        #expect(world.provision([(two, 2)]) == [.destroy(EnvironmentID(2)), .destroy(EnvironmentID(1))])
        #expect(world.lost(1) == [.startProvisioned(EnvironmentID(3), two)])
        #expect(world.lost(2) == [.startProvisioned(EnvironmentID(4), two)])
    }

    @Test func `idle environments make room for provisioned ones, and never the other way round`() {
        var world = World(memoryMiB: 256)
        let (one, two) = (key("1"), key("2"))
        _ = world.arrive("a", two)
        _ = world.ready(1)
        _ = world.ready(1)
        #expect(world.provision([(one, 2)]).contains(.destroy(EnvironmentID(1))))
        #expect(world.lost(1) == [.startProvisioned(EnvironmentID(3), one)])
        for number in [2, 3] as [UInt64] { _ = world.ready(number) }
        #expect(world.arrive("b", two) == [.throttle(InvocationID("b"), .concurrentInvocationLimitExceeded)])
    }

    @Test func `what the machine can't hold is not begun, and tells why`() {
        var world = World(memoryMiB: 300)
        let (one, two) = (key("1"), key("2"))
        #expect(world.provision([(one, 3)]) == [])
        #expect(world.state(one) == ProvisionedState(failure: .memoryBeyondMachine))
        #expect(world.arrive("a", two) == [.start(EnvironmentID(1), two)], "nothing was taken from the others")
        #expect(world.provision([(one, 1)]) == [.startProvisioned(EnvironmentID(2), one)])
        #expect(world.state(one).failure == nil)
    }

    @Test func `failing starts are tried again after ever longer times, one at a time`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 2)])
        #expect(world.lost(1, isInitFailure: true) == [], "the other one is the next try")
        #expect(world.state(one) == ProvisionedState(allocated: 1, failure: .initialization))
        #expect(world.lost(2, at: 1) == [.nextTick(world.time(2))])
        #expect(world.state(one) == ProvisionedState(failure: .environmentsDoNotStart))
        #expect(world.scheduler.tick(at: world.time(2)) == [.startProvisioned(EnvironmentID(3), one)])
        var at = 2
        for delay in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let number = UInt64(world.scheduler.environments.keys.map(\.number).max() ?? 0)
            #expect(world.lost(number, isInitFailure: true, at: at) == [.nextTick(world.time(at + delay))])
            at += delay
            #expect(world.scheduler.tick(at: world.time(at)).count == 1)
        }
        let number = UInt64(world.scheduler.environments.keys.map(\.number).max() ?? 0)
        #expect(world.ready(number, at: at) == [.startProvisioned(EnvironmentID(number + 1), one)])
        #expect(world.state(one) == ProvisionedState(allocated: 2, available: 1))
    }

    @Test func `a new number is worth a new try`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 1)])
        _ = world.lost(1, isInitFailure: true)
        _ = world.lost(2, isInitFailure: true)
        #expect(world.provision([(one, 1)]) == [])
        #expect(world.provision([(one, 2)]).count == 2)
        #expect(world.state(one).failure == nil)
    }

    @Test func `what dies is replaced; what dies again and again is a failure`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 1)])
        _ = world.ready(1)
        #expect(world.lost(1) == [.startProvisioned(EnvironmentID(2), one)], "at once")
        _ = world.ready(2)
        #expect(world.lost(2) == [.nextTick(world.time(1))])
        #expect(world.state(one) == ProvisionedState())
        #expect(world.scheduler.tick(at: world.time(1)) == [.startProvisioned(EnvironmentID(3), one)])
        _ = world.ready(3, at: 1)
        #expect(world.lost(3, at: 1) == [.nextTick(world.time(3))])
        #expect(world.state(one) == ProvisionedState(failure: .environmentsEnd))
        _ = world.scheduler.tick(at: world.time(3))
        _ = world.ready(4, at: 3)
        _ = world.arrive("a", one, at: 3)
        #expect(world.ready(4, at: 3) == [])
        #expect(world.lost(4, at: 4) == [.startProvisioned(EnvironmentID(5), one)], "an invocation was served")
    }

    @Test func `one that dies under its invocation is replaced, and its invocation is over`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 1)])
        _ = world.ready(1)
        _ = world.arrive("a", one)
        #expect(world.lost(1) == [.startProvisioned(EnvironmentID(2), one)])
        #expect(world.scheduler.ledger.total == 0)
    }

    @Test func `a waiting invocation takes a provisioned environment that comes up first`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 1)])
        #expect(world.arrive("a", one) == [.start(EnvironmentID(2), one)])
        #expect(world.ready(1) == [.assign(InvocationID("a"), EnvironmentID(1))])
        #expect(world.ready(2) == [.nextTick(world.time(600))])
    }

    @Test func `a deleted version keeps nothing, and news that came late bring nothing back`() {
        var world = World()
        let one = key("1")
        _ = world.provision([(one, 1)])
        _ = world.ready(1)
        _ = world.arrive("a", one)
        #expect(world.scheduler.retire(Self.function, version: "1", keepingRevision: nil, at: start) == [])
        #expect(world.provision([(one, 1)]) == [])
        #expect(world.ready(1) == [.destroy(EnvironmentID(1))])
    }

    @Test func `a shutdown starts nothing and lets go of everything`() {
        var world = World(startsMax: 1)
        let one = key("1")
        _ = world.provision([(one, 3)])
        _ = world.ready(1)
        #expect(world.scheduler.shutdown(at: start) == [.destroy(EnvironmentID(2)), .destroy(EnvironmentID(1))])
        #expect(world.provision([(one, 3)]) == [])
        for number in [1, 2] as [UInt64] { #expect(world.lost(number) == []) }
        #expect(world.scheduler.isEmpty)
    }

    // MARK: - Concurrency

    @Test func `what is provisioned is its version's floor, and taken from what the others share`() {
        var other = Self.function
        other.name = "g"
        let limits = ConcurrencyLimits(
            account: 4,
            provisioned: [FunctionVersionKey(function: Self.function, version: "1"): 2]
        )
        var ledger = ConcurrencyLedger(limits: limits)
        for _ in 0..<2 { #expect(ledger.admit(other) == nil) }
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
        #expect(ledger.admit(Self.function, version: "2") == .concurrentInvocationLimitExceeded)
        for _ in 0..<2 { #expect(ledger.admit(Self.function, version: "1") == nil) }
        #expect(ledger.admit(Self.function, version: "1") == .concurrentInvocationLimitExceeded)
        ledger.release(other)
        #expect(ledger.admit(Self.function, version: "1") == nil, "it spills over into what is shared")
        ledger.release(Self.function, version: "1")
        #expect(ledger.admit(other) == nil)
        for _ in 0..<2 {
            ledger.release(Self.function, version: "1")
            ledger.release(other)
        }
        #expect(ledger.total == 0)
    }

    @Test func `within a reservation what is provisioned takes nothing more from the others`() {
        let version = FunctionVersionKey(function: Self.function, version: "1")
        let limits = ConcurrencyLimits(account: 3, reserved: [Self.function: 2], provisioned: [version: 2])
        var ledger = ConcurrencyLedger(limits: limits)
        var other = Self.function
        other.name = "g"
        #expect(ledger.admit(other) == nil)
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
        for _ in 0..<2 { #expect(ledger.admit(Self.function, version: "1") == nil) }
        #expect(ledger.admit(Self.function, version: "1") == .reservedFunctionConcurrentInvocationLimitExceeded)
        ledger.setReserved([:], provisioned: [version: 1], turn: 1)
        ledger.release(Self.function, version: "1")
        #expect(ledger.admit(other) == nil)
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
    }

    // MARK: - Scaling

    private func scaling(limits: ConcurrencyLimits) -> EnvironmentScheduler {
        EnvironmentScheduler(
            settings: .init(memoryMiB: 100_000, scalingBurst: 3, scalingRate: 1),
            limits: limits
        )
    }

    @Test(arguments: [
        (nil, ThrottleReason.functionInvocationRateLimitExceeded),
        (50, ThrottleReason.reservedFunctionInvocationRateLimitExceeded),
    ])
    func `a function scales by so many environments in a time`(reserved: Int?, reason: ThrottleReason) {
        let reservations = reserved.map { [Self.function: $0] } ?? [:]
        var scheduler = scaling(limits: ConcurrencyLimits(account: 100, reserved: reservations))
        let demand = EnvironmentDemand(memoryMiB: 128)
        func arrive(_ id: String, at seconds: Int) -> [EnvironmentScheduler.Command] {
            scheduler.invocationArrived(InvocationID(id), key: key("1"), demand: demand, at: start + .seconds(seconds))
        }
        for id in ["a", "b", "c"] { #expect(arrive(id, at: 0).count == 1) }
        #expect(arrive("d", at: 0) == [.throttle(InvocationID("d"), reason)])
        #expect(scheduler.ledger.total == 3)
        #expect(arrive("e", at: 1) == [.start(EnvironmentID(4), key("1"))])
        #expect(arrive("f", at: 1) == [.throttle(InvocationID("f"), reason)])
        #expect(scheduler.ledger.total == 4)
        for id in ["g", "h", "i"] { #expect(arrive(id, at: 100).count == 1, "no more than the burst is kept") }
        #expect(arrive("j", at: 100) == [.throttle(InvocationID("j"), reason)])
    }

    @Test func `an environment that is there needs no scaling, and functions scale by themselves`() {
        var scheduler = scaling(limits: ConcurrencyLimits())
        let demand = EnvironmentDemand(memoryMiB: 128)
        for turn in 0..<10 {
            _ = scheduler.invocationArrived(InvocationID("\(turn)"), key: key("1"), demand: demand, at: start)
            _ = scheduler.environmentReady(EnvironmentID(1), at: start)
            if turn == 0 { _ = scheduler.environmentReady(EnvironmentID(1), at: start) }
        }
        #expect(scheduler.environments.count == 1)
        var other = key("1")
        other.function.name = "g"
        for id in ["a", "b", "c"] {
            #expect(scheduler.invocationArrived(InvocationID(id), key: other, demand: demand, at: start).count == 1)
        }
    }

    // MARK: - Its life

    private func lifecycle() -> EnvironmentLifecycle {
        var lifecycle = EnvironmentLifecycle(initTimeout: .seconds(130), origin: .provisioned)
        _ = lifecycle.sandboxReady(at: start)
        return lifecycle
    }

    @Test func `a provisioned environment that does not initialise is of no use`() {
        for seconds in [1, 130] {
            var lifecycle = lifecycle()
            let now = start + .seconds(seconds)
            let failed =
                seconds == 130
                ? lifecycle.timerFired(at: now) : lifecycle.runtimeExited(.exited(code: 1), at: now)
            #expect(failed.contains(.killProcesses))
            #expect(lifecycle.processesGone(at: now) == [.cancelTimer, .discard(.notInitialized)])
        }
        var unstartable = lifecycle()
        let actions = unstartable.runtimeFailedToStart(.exited(.exited(code: 127)), at: start)
        #expect(actions.last == .discard(.notInitialized) && unstartable.state == .dead)
    }

    @Test func `its initialisation has its own time, and is no invocation's`() {
        var lifecycle = lifecycle()
        let later = start + .seconds(100)
        #expect(lifecycle.timerFired(at: later) == [.setTimer(start + .seconds(130))])
        _ = lifecycle.runtimeAsksNext(PollID(1), at: later)
        let ticket = InvocationTicket(id: InvocationID("a"), timeout: .seconds(3))
        _ = lifecycle.invocationAssigned(ticket, at: later)
        _ = lifecycle.runtimeResponds(ticket.id, at: later)
        let report = lifecycle.runtimeAsksNext(PollID(2), at: later).compactMap { action -> InvocationReport? in
            if case .finish(let report) = action { report } else { nil }
        }
        #expect(report.map(\.initDuration) == [nil])
    }

    @Test func `it goes when its processes end between invocations`() {
        var lifecycle = lifecycle()
        _ = lifecycle.runtimeAsksNext(PollID(1), at: start)
        #expect(lifecycle.state == .ready)
        _ = lifecycle.runtimeExited(.exited(code: 0), at: start)
        #expect(lifecycle.processesGone(at: start) == [.cancelTimer, .discard(.notInitialized)])
    }
}
