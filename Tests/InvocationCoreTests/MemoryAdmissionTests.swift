// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// Memory that is admitted by use; environments are numbered from 1 in the order in which they are asked for.
struct MemoryAdmissionTests {
    private let start = MonotonicTime(nanoseconds: 0)
    private let demand = EnvironmentDemand(memoryMiB: 128)

    private func key(_ name: String) -> EnvironmentKey {
        EnvironmentKey(
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: name),
            version: "$LATEST",
            revision: "1"
        )
    }

    private func scheduler(memoryMiB: Int, admitsByUse: Bool = true) -> EnvironmentScheduler {
        EnvironmentScheduler(
            settings: EnvironmentScheduler.Settings(
                memoryMiB: memoryMiB,
                admitsByUse: admitsByUse,
                reserveMiB: 100
            ),
            limits: ConcurrencyLimits(account: 2_000)
        )
    }

    private func arrive(
        _ id: Int,
        _ key: EnvironmentKey,
        in scheduler: inout EnvironmentScheduler
    ) -> [EnvironmentScheduler.Command] {
        scheduler.invocationArrived(InvocationID("\(id)"), key: key, demand: demand, at: start)
    }

    /// One environment, which used that much in its first invocation and is idle.
    private func runOne(
        _ key: EnvironmentKey,
        usedMiB: Int,
        in scheduler: inout EnvironmentScheduler
    ) {
        _ = arrive(0, key, in: &scheduler)
        _ = scheduler.environmentReady(EnvironmentID(1), at: start)
        _ = scheduler.environmentReady(EnvironmentID(1), usedKiB: usedMiB << 10, at: start)
    }

    @Test func `a thousand environments that use 3 MiB each fit in 6 GiB`() {
        var scheduler = scheduler(memoryMiB: 6_144)
        let f = key("f")
        runOne(f, usedMiB: 3, in: &scheduler)
        for number in 1...1_000 {
            let commands = arrive(number, f, in: &scheduler)
            #expect(commands.count == 1, "\(number): \(commands)")
            if case .throttle = commands.first { Issue.record("\(number) is throttled") }
        }
        #expect(scheduler.environments.count == 1_000)
        #expect(scheduler.memoryInUseMiB <= 6_144)
    }

    @Test func `where use is not measured each counts for its size`() {
        var scheduler = scheduler(memoryMiB: 300, admitsByUse: false)
        let f = key("f")
        runOne(f, usedMiB: 3, in: &scheduler)
        #expect(arrive(1, f, in: &scheduler) == [.assign(InvocationID("1"), EnvironmentID(1))])
        #expect(arrive(2, f, in: &scheduler) == [.start(EnvironmentID(2), f)])
        #expect(arrive(3, f, in: &scheduler) == [.throttle(InvocationID("3"), .concurrentInvocationLimitExceeded)])
    }

    @Test func `nothing is known of a version before its first invocation`() {
        var scheduler = scheduler(memoryMiB: 385)
        runOne(key("f"), usedMiB: 3, in: &scheduler)
        #expect(arrive(1, key("g"), in: &scheduler) == [.start(EnvironmentID(2), key("g"))])
        #expect(arrive(2, key("g"), in: &scheduler) == [.start(EnvironmentID(3), key("g"))])
        #expect(arrive(3, key("g"), in: &scheduler).first == .destroy(EnvironmentID(1)), "what is idle makes room")
    }

    @Test func `what turns out small lets those start that await its memory`() {
        var scheduler = scheduler(memoryMiB: 128)
        let (f, g) = (key("f"), key("g"))
        runOne(f, usedMiB: 100, in: &scheduler)
        #expect(scheduler.memoryInUseMiB == 127)
        // It has to go first, and has the memory until it has.
        #expect(arrive(1, g, in: &scheduler) == [.destroy(EnvironmentID(1))])
        #expect(scheduler.environmentLost(EnvironmentID(1), at: start) == [.start(EnvironmentID(2), g)])
        _ = scheduler.environmentReady(EnvironmentID(2), usedKiB: 4 << 10, at: start)
        #expect(scheduler.memoryInUseMiB == 7)
        #expect(arrive(2, g, in: &scheduler) == [.start(EnvironmentID(3), g)])
    }

    @Test func `where one grows idle ones make room, least valuable for their memory first`() {
        var scheduler = scheduler(memoryMiB: 135)
        let (f, g) = (key("f"), key("g"))
        runOne(f, usedMiB: 4, in: &scheduler)
        #expect(arrive(1, g, in: &scheduler) == [.start(EnvironmentID(2), g)])
        _ = scheduler.environmentReady(EnvironmentID(2), usedKiB: 5 << 10, at: start)
        #expect(arrive(2, g, in: &scheduler) == [.start(EnvironmentID(3), g)])
        _ = scheduler.environmentReady(EnvironmentID(3), usedKiB: 5 << 10, at: start)
        let grown = scheduler.environmentReady(EnvironmentID(2), usedKiB: 128 << 10, at: start)
        #expect(grown == [.destroy(EnvironmentID(2))], "what has grown is idle itself, and is least worth its memory")
        #expect(scheduler.environments[EnvironmentID(3)]?.phase == .busy(InvocationID("2")), "what runs is left alone")
    }

    @Test func `who waits for memory that others have grown by is refused`() {
        var scheduler = scheduler(memoryMiB: 300)
        let (f, g, h, i) = (key("f"), key("g"), key("h"), key("i"))
        runOne(h, usedMiB: 100, in: &scheduler)
        for (number, id) in [(1, UInt64(2)), (2, 3)] {
            #expect(arrive(number, f, in: &scheduler) == [.start(EnvironmentID(id), f)])
            _ = scheduler.environmentReady(EnvironmentID(id), usedKiB: 4 << 10, at: start)
        }
        #expect(arrive(3, i, in: &scheduler) == [.start(EnvironmentID(4), i)])
        _ = scheduler.environmentReady(EnvironmentID(4), at: start)
        // 127 idle, 7 and 7 and 128 running: the idle one makes room.
        #expect(arrive(4, g, in: &scheduler) == [.destroy(EnvironmentID(1))])
        #expect(arrive(5, f, in: &scheduler) == [])
        let grown = scheduler.environmentReady(EnvironmentID(2), usedKiB: 128 << 10, at: start)
        #expect(grown == [.assign(InvocationID("5"), EnvironmentID(2))])
        let gone = scheduler.environmentLost(EnvironmentID(1), at: start)
        #expect(gone == [.throttle(InvocationID("4"), .concurrentInvocationLimitExceeded)])
        #expect(scheduler.waitersCount == 0)
    }

    @Test func `a machine that runs short keeps nothing idle and starts nothing`() {
        var scheduler = scheduler(memoryMiB: 6_144)
        let (f, g) = (key("f"), key("g"))
        runOne(f, usedMiB: 40, in: &scheduler)
        #expect(scheduler.machineHas(availableMiB: 100, at: start) == [])
        #expect(!scheduler.isShort)
        #expect(scheduler.machineHas(availableMiB: 99, at: start) == [.destroy(EnvironmentID(1))])
        #expect(scheduler.environmentLost(EnvironmentID(1), at: start) == [])
        #expect(scheduler.needsWatching, "or it would be short for ever")
        #expect(arrive(1, g, in: &scheduler) == [.throttle(InvocationID("1"), .concurrentInvocationLimitExceeded)])
        _ = scheduler.machineHas(availableMiB: 149, at: start)
        #expect(scheduler.isShort, "a little more is not enough")
        _ = scheduler.machineHas(availableMiB: 150, at: start)
        #expect(arrive(2, g, in: &scheduler) == [.start(EnvironmentID(2), g)])
    }

    @Test func `a large use counts at once, a smaller one bit by bit`() {
        var memory = MemoryHistory()
        let f = IdleHistory.Key(function: key("f").function, version: "1")
        #expect(memory.reckoned(f, demand) == 128 << 10)
        memory.used(16 << 10, by: f)
        #expect(memory.reckoned(f, demand) == 22 << 10)
        memory.used(80 << 10, by: f)
        #expect(memory.reckoned(f, demand) == 102 << 10)
        memory.used(16 << 10, by: f)
        // 78 and a quarter, and 2.
        #expect(memory.reckoned(f, demand) == 101_888)
        for _ in 0..<100 { memory.used(16 << 10, by: f) }
        #expect((22 << 10...32 << 10).contains(memory.reckoned(f, demand)))
        memory.used(127 << 10, by: f)
        #expect(memory.reckoned(f, demand) == 128 << 10, "the kernel gives it no more")
    }

    @Test func `what is remembered is bounded, and the oldest is forgotten`() {
        var memory = MemoryHistory()
        let keys = (0..<5_000).map { IdleHistory.Key(function: key("f").function, version: "\($0)") }
        for key in keys { memory.used(1_024, by: key) }
        #expect(memory.versionsCount == 4_096)
        #expect(memory.reckoned(keys[0], demand) == 128 << 10)
        #expect(memory.reckoned(keys[4_999], demand) == 3_328)
    }
}
