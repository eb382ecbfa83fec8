// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// The scheduler, event by event; environments are numbered from 1 in the order in which they are asked for.
struct EnvironmentSchedulerTests {
    private let start = MonotonicTime(nanoseconds: 0)

    private func key(_ name: String, version: String = "$LATEST", revision: String = "1") -> EnvironmentKey {
        EnvironmentKey(
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: name),
            version: version,
            revision: revision
        )
    }

    private func scheduler(
        memoryMiB: Int = 10_000,
        limits: ConcurrencyLimits = ConcurrencyLimits(),
        waitersMax: Int = 100
    ) -> EnvironmentScheduler {
        EnvironmentScheduler(
            settings: EnvironmentScheduler.Settings(memoryMiB: memoryMiB, waitersMax: waitersMax),
            limits: limits
        )
    }

    private func arrive(
        _ id: String,
        _ key: EnvironmentKey,
        memoryMiB: Int = 128,
        at seconds: Int = 0,
        in scheduler: inout EnvironmentScheduler
    ) -> [EnvironmentScheduler.Command] {
        scheduler.invocationArrived(
            InvocationID(id),
            key: key,
            demand: EnvironmentDemand(memoryMiB: memoryMiB),
            at: start + .seconds(seconds)
        )
    }

    private func ready(
        _ number: UInt64,
        at seconds: Int = 0,
        in scheduler: inout EnvironmentScheduler
    ) -> [EnvironmentScheduler.Command] {
        scheduler.environmentReady(EnvironmentID(number), at: start + .seconds(seconds))
    }

    private func lost(_ number: UInt64, in scheduler: inout EnvironmentScheduler) -> [EnvironmentScheduler.Command] {
        scheduler.environmentLost(EnvironmentID(number), at: start)
    }

    @Test func `cold, then warm, then expired`() {
        var scheduler = scheduler()
        let f = key("f")
        #expect(arrive("a", f, in: &scheduler) == [.start(EnvironmentID(1), f)])
        #expect(ready(1, in: &scheduler) == [.assign(InvocationID("a"), EnvironmentID(1))])
        #expect(ready(1, at: 10, in: &scheduler) == [.nextTick(start + .seconds(610))])
        #expect(arrive("b", f, at: 20, in: &scheduler) == [.assign(InvocationID("b"), EnvironmentID(1))])
        #expect(ready(1, at: 30, in: &scheduler) == [])
        #expect(scheduler.tick(at: start + .seconds(610)) == [.nextTick(start + .seconds(630))])
        #expect(scheduler.tick(at: start + .seconds(630)) == [.destroy(EnvironmentID(1))])
        #expect(scheduler.memoryInUseMiB == 128)
        #expect(lost(1, in: &scheduler) == [])
        #expect(scheduler.isEmpty && scheduler.memoryInUseMiB == 0 && scheduler.ledger.total == 0)
    }

    @Test func `an invocation takes whichever environment is ready first`() {
        var scheduler = scheduler()
        let f = key("f")
        _ = arrive("a", f, in: &scheduler)
        _ = ready(1, in: &scheduler)
        #expect(arrive("b", f, in: &scheduler) == [.start(EnvironmentID(2), f)])
        #expect(ready(1, in: &scheduler) == [.assign(InvocationID("b"), EnvironmentID(1))])
        #expect(arrive("c", f, in: &scheduler) == [], "the start under way is enough")
        #expect(ready(2, in: &scheduler) == [.assign(InvocationID("c"), EnvironmentID(2))])
    }

    @Test func `the most recently used environment serves next, waiters are served in order`() {
        var scheduler = scheduler()
        let f = key("f")
        for id in ["a", "b", "c"] { _ = arrive(id, f, in: &scheduler) }
        #expect(ready(2, in: &scheduler) == [.assign(InvocationID("a"), EnvironmentID(2))])
        #expect(ready(3, in: &scheduler) == [.assign(InvocationID("b"), EnvironmentID(3))])
        #expect(ready(1, in: &scheduler) == [.assign(InvocationID("c"), EnvironmentID(1))])
        for number in [3, 1, 2] as [UInt64] { _ = ready(number, in: &scheduler) }
        #expect(arrive("d", f, in: &scheduler) == [.assign(InvocationID("d"), EnvironmentID(2))])
        #expect(arrive("e", f, in: &scheduler) == [.assign(InvocationID("e"), EnvironmentID(1))])
    }

    @Test func `an environment serves its own version and revision only`() {
        var scheduler = scheduler()
        _ = arrive("a", key("f"), in: &scheduler)
        _ = ready(1, in: &scheduler)
        _ = ready(1, in: &scheduler)
        for other in [key("g"), key("f", version: "1"), key("f", revision: "2")] {
            #expect(arrive("\(other)", other, in: &scheduler).count == 1)
        }
        #expect(scheduler.environments.count == 4)
        #expect(scheduler.idle(of: key("f")) == [EnvironmentID(1)])
    }

    @Test func `beyond the account's concurrency invocations are throttled`() {
        var scheduler = scheduler(limits: ConcurrencyLimits(account: 2, reserved: [key("r").function: 1]))
        #expect(arrive("a", key("f"), in: &scheduler).count == 1)
        #expect(
            arrive("b", key("g"), in: &scheduler)
                == [.throttle(InvocationID("b"), .concurrentInvocationLimitExceeded)]
        )
        #expect(arrive("c", key("r"), in: &scheduler).count == 1)
        #expect(
            arrive("d", key("r"), in: &scheduler)
                == [.throttle(InvocationID("d"), .reservedFunctionConcurrentInvocationLimitExceeded)]
        )
        _ = scheduler.waiterCancelled(InvocationID("a"), at: start)
        #expect(arrive("e", key("g"), in: &scheduler).count == 1)
    }

    @Test func `idle environments make room, the least recently used first, and starts wait until it is there`() {
        var scheduler = scheduler(memoryMiB: 300)
        for (number, name) in [(UInt64(1), "f"), (2, "g")] {
            _ = arrive(name, key(name), in: &scheduler)
            _ = ready(number, in: &scheduler)
            _ = ready(number, at: Int(number), in: &scheduler)
        }
        #expect(arrive("h", key("h"), in: &scheduler) == [.destroy(EnvironmentID(1))])
        #expect(arrive("i", key("i"), memoryMiB: 172, in: &scheduler) == [.destroy(EnvironmentID(2))])
        #expect(
            arrive("j", key("j"), in: &scheduler)
                == [.throttle(InvocationID("j"), .concurrentInvocationLimitExceeded)]
        )
        #expect(lost(2, in: &scheduler) == [.start(EnvironmentID(3), key("h"))], "in the order of arrival")
        #expect(lost(1, in: &scheduler) == [.start(EnvironmentID(4), key("i"))])
        #expect(scheduler.memoryInUseMiB == 300)
    }

    @Test func `a function that comes at regular times is waited for, and makes no room for one that does not`() {
        var scheduler = scheduler(memoryMiB: 300)
        var number = UInt64(1)
        var kept: [Bool] = []
        for turn in 0..<6 {
            let came = turn * 700
            let commands = arrive("f\(turn)", key("f"), at: came, in: &scheduler)
            if commands == [.start(EnvironmentID(number), key("f"))] { _ = ready(number, at: came, in: &scheduler) }
            _ = ready(number, at: came, in: &scheduler)
            kept.append(!scheduler.tick(at: start + .seconds(came + 650)).contains(.destroy(EnvironmentID(number))))
            guard kept.last == false else { continue }
            _ = lost(number, in: &scheduler)
            number += 1
        }
        #expect(kept == [false, false, false, false, true, true])
        let came = 6 * 700
        _ = arrive("f6", key("f"), at: came, in: &scheduler)
        _ = ready(number, at: came, in: &scheduler)
        _ = arrive("g", key("g"), at: came + 300, in: &scheduler)
        for _ in 0..<2 { _ = ready(number + 1, at: came + 300, in: &scheduler) }
        let commands = arrive("h", key("h"), at: came + 400, in: &scheduler)
        #expect(commands == [.destroy(EnvironmentID(number + 1))], "not the least recently used")
    }

    @Test func `a start that nobody needs any more is taken back while it awaits memory`() {
        var scheduler = scheduler(memoryMiB: 128)
        _ = arrive("a", key("f"), in: &scheduler)
        _ = ready(1, in: &scheduler)
        _ = ready(1, in: &scheduler)
        #expect(arrive("b", key("g"), in: &scheduler) == [.destroy(EnvironmentID(1))])
        #expect(scheduler.waiterCancelled(InvocationID("b"), at: start) == [])
        #expect(arrive("c", key("f"), in: &scheduler) == [])
        #expect(lost(1, in: &scheduler) == [.start(EnvironmentID(3), key("f"))])
    }

    @Test func `a function that the machine cannot hold fails`() {
        var scheduler = scheduler(memoryMiB: 512)
        #expect(
            arrive("a", key("f"), memoryMiB: 513, in: &scheduler)
                == [.fail(InvocationID("a"), .memoryBeyondMachine)]
        )
    }

    @Test func `waiting invocations are bounded`() {
        var scheduler = scheduler(waitersMax: 2)
        #expect(arrive("a", key("f"), in: &scheduler).count == 1)
        #expect(arrive("b", key("g"), in: &scheduler).count == 1)
        #expect(
            arrive("c", key("f"), in: &scheduler)
                == [.throttle(InvocationID("c"), .concurrentInvocationLimitExceeded)]
        )
        #expect(scheduler.ledger.total == 2)
    }

    @Test func `starts that fail are tried again, but not for ever`() {
        var scheduler = scheduler()
        let f = key("f")
        _ = arrive("a", f, in: &scheduler)
        _ = arrive("b", f, in: &scheduler)
        #expect(lost(1, in: &scheduler) == [.start(EnvironmentID(3), f)])
        #expect(lost(2, in: &scheduler) == [.start(EnvironmentID(4), f)])
        #expect(lost(3, in: &scheduler) == [.fail(InvocationID("a"), .environmentsDoNotStart)])
        #expect(ready(4, in: &scheduler) == [.assign(InvocationID("b"), EnvironmentID(4))])
        _ = arrive("c", f, in: &scheduler)
        #expect(lost(5, in: &scheduler) == [.start(EnvironmentID(6), f)], "a success starts the count anew")
    }

    @Test func `a replaced revision goes: what is idle at once, what is busy when it is done`() {
        var scheduler = scheduler()
        let (old, new) = (key("f"), key("f", revision: "2"))
        for id in ["a", "b"] { _ = arrive(id, old, in: &scheduler) }
        for number in [1, 2, 1] as [UInt64] { _ = ready(number, in: &scheduler) }
        _ = arrive("v", key("f", version: "1"), in: &scheduler)
        for _ in 0..<2 { _ = ready(3, in: &scheduler) }
        #expect(
            scheduler.retire(old.function, version: "$LATEST", keepingRevision: "2", at: start)
                == [.destroy(EnvironmentID(1))]
        )
        #expect(arrive("c", new, in: &scheduler) == [.start(EnvironmentID(4), new)])
        #expect(ready(2, in: &scheduler) == [.destroy(EnvironmentID(2))])
        #expect(scheduler.idle(of: key("f", version: "1")) == [EnvironmentID(3)])
        #expect(
            scheduler.retire(old.function, keepingRevision: nil, at: start) == [.destroy(EnvironmentID(3))],
            "a deleted function keeps nothing"
        )
    }

    @Test func `shutdown serves who waits and takes no one in`() {
        var scheduler = scheduler()
        let f = key("f")
        for id in ["a", "b"] { _ = arrive(id, f, in: &scheduler) }
        for number in [1, 2, 2] as [UInt64] { _ = ready(number, in: &scheduler) }
        _ = arrive("c", key("g"), in: &scheduler)
        #expect(scheduler.shutdown(at: start) == [.destroy(EnvironmentID(2))])
        #expect(arrive("d", f, in: &scheduler) == [.fail(InvocationID("d"), .shuttingDown)])
        #expect(ready(3, in: &scheduler) == [.assign(InvocationID("c"), EnvironmentID(3))])
        #expect(ready(1, in: &scheduler) == [.destroy(EnvironmentID(1))])
        #expect(scheduler.abandon(at: start) == [.destroy(EnvironmentID(3))])
        for number in [1, 2, 3] as [UInt64] { #expect(lost(number, in: &scheduler) == []) }
        #expect(scheduler.isEmpty && scheduler.ledger.total == 0)
    }

    @Test func `abandoning fails who waits`() {
        var scheduler = scheduler()
        _ = arrive("a", key("f"), in: &scheduler)
        #expect(
            scheduler.abandon(at: start) == [.fail(InvocationID("a"), .shuttingDown), .destroy(EnvironmentID(1))]
        )
        #expect(ready(1, in: &scheduler) == [], "its readiness crossed the command")
        #expect(lost(1, in: &scheduler) == [])
        #expect(scheduler.isEmpty)
    }

    @Test func `a busy environment beside an idle one costs no memory over time`() {
        var scheduler = scheduler()
        for id in ["a", "b"] { _ = arrive(id, key("f"), in: &scheduler) }
        for number in [1, 2, 1, 2] as [UInt64] { _ = ready(number, in: &scheduler) }
        let size = "\(scheduler)".utf8.count
        for turn in 0..<2_000 {
            #expect(arrive("\(turn)", key("f"), in: &scheduler).count == 1)
            _ = ready(2, in: &scheduler)
        }
        #expect("\(scheduler)".utf8.count < size + 20_000)
    }
}

struct ConcurrencyLedgerTests {
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    @Test func `accounts and regions do not share`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 1))
        var other = function
        other.region = "eu-west-1"
        #expect(ledger.admit(function) == nil)
        #expect(ledger.admit(function) == .concurrentInvocationLimitExceeded)
        #expect(ledger.admit(other) == nil)
    }

    @Test func `a reservation of nothing switches a function off`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 10, reserved: [function: 0]))
        #expect(ledger.admit(function) == .reservedFunctionConcurrentInvocationLimitExceeded)
    }

    @Test func `a changed reservation moves what is in hand`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 2))
        var other = function
        other.name = "g"
        #expect(ledger.admit(function) == nil)
        ledger.setReserved([function: 1], turn: 1)
        #expect(ledger.admit(other) == nil)
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
        ledger.setReserved([:], turn: 2)
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
        ledger.release(function)
        #expect(ledger.admit(other) == nil)
        #expect(ledger.total == 2)
    }

    @Test func `what is in hand beyond a lower reservation ends in its own time`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 10, reserved: [function: 2]))
        for _ in 0..<2 { #expect(ledger.admit(function) == nil) }
        ledger.setReserved([function: 0], turn: 1)
        #expect(ledger.admit(function) == .reservedFunctionConcurrentInvocationLimitExceeded)
        for _ in 0..<2 { ledger.release(function) }
        #expect(ledger.admit(function) == .reservedFunctionConcurrentInvocationLimitExceeded)
        ledger.setReserved([:], turn: 2)
        #expect(ledger.admit(function) == nil && ledger.total == 1)
    }

    @Test func `a reservation is a floor under what the others ask for`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 3, reserved: [function: 2]))
        var other = function
        other.name = "g"
        #expect(ledger.admit(other) == nil)
        #expect(ledger.admit(other) == .concurrentInvocationLimitExceeded)
        for _ in 0..<2 { #expect(ledger.admit(function) == nil) }
        #expect(ledger.admit(function) == .reservedFunctionConcurrentInvocationLimitExceeded)
    }

    @Test func `reservations of a lower turn come too late`() {
        var ledger = ConcurrencyLedger(limits: ConcurrencyLimits(account: 10))
        ledger.setReserved([function: 0], turn: 2)
        for turn in UInt64(1)...2 { ledger.setReserved([:], turn: turn) }
        #expect(ledger.limits == ConcurrencyLimits(account: 10, reserved: [function: 0]))
        ledger.setReserved([:], turn: 3)
        #expect(ledger.limits == ConcurrencyLimits(account: 10))
    }
}
