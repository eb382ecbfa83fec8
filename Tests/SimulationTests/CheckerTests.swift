// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// The checkers see what they are there to see: each broken promise, injected by hand, is reported.
struct CheckerTests {
    private static let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    private static let key = EnvironmentKey(function: function, version: "$LATEST", revision: "1")
    private static let otherKey = EnvironmentKey(function: function, version: "$LATEST", revision: "2")

    /// Room for two environments and two invocations.
    private func violations(
        arrived ids: String...,
        of history: (inout SchedulingChecker) -> Void
    ) -> [String] {
        var checker = SchedulingChecker(memoryMiB: 300, waitersMax: 10, limits: ConcurrencyLimits(account: 2))
        for id in ids { checker.arrived(InvocationID(id), key: Self.key, memoryMiB: 128) }
        history(&checker)
        return checker.violations
    }

    @Test func `a history that keeps its promises is let pass`() {
        let found = violations(arrived: "a") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.settle()
            checker.ready(EnvironmentID(1))
            checker.commanded(.assign(InvocationID("a"), EnvironmentID(1)))
            checker.settle()
            checker.ready(EnvironmentID(1))
            checker.settle()
            checker.commanded(.destroy(EnvironmentID(1)))
            checker.lost(EnvironmentID(1))
            checker.settleForGood(after: [InvocationID("a")])
        }
        #expect(found.isEmpty)
    }

    @Test func `more starts than waiters are seen`() {
        let found = violations(arrived: "a") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.commanded(.start(EnvironmentID(2), Self.key))
        }
        #expect(found == ["more environments start than invocations wait for them"])
    }

    @Test func `memory beyond the machine's is seen`() {
        let found = violations(arrived: "a", "b", "c") { checker in
            for number in UInt64(1)...3 { checker.commanded(.start(EnvironmentID(number), Self.key)) }
        }
        #expect(found == ["environment 3 is started beyond the machine's memory"])
    }

    @Test func `two events at once, another revision's environment and overtaking are seen`() {
        let found = violations(arrived: "a", "b") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.ready(EnvironmentID(1))
            checker.commanded(.assign(InvocationID("b"), EnvironmentID(1)))
            checker.commanded(.assign(InvocationID("a"), EnvironmentID(1)))
            checker.arrived(InvocationID("c"), key: Self.otherKey, memoryMiB: 128)
            checker.ready(EnvironmentID(1))
            checker.commanded(.assign(InvocationID("c"), EnvironmentID(1)))
        }
        #expect(found.count == 3)
        #expect(found.first == "b overtakes another")
        #expect(found.dropFirst().first?.hasPrefix("a is assigned to environment 1, which is busy") == true)
        #expect(found.last == "c is assigned to another key's environment")
    }

    @Test func `a waiter beside an idle environment is seen`() {
        let found = violations(arrived: "a") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.ready(EnvironmentID(1))
            checker.settle()
        }
        #expect(found == ["a waits while an environment of its key is idle", "a waits for nothing"])
    }

    @Test func `more invocations than the limit are seen`() {
        let found = violations(arrived: "a", "b", "c") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.commanded(.start(EnvironmentID(2), Self.key))
            checker.settle()
        }
        #expect(found.contains("3 invocations in hand are beyond the limit"))
    }

    @Test func `needless throttling, ending twice and what is left behind are seen`() {
        let found = violations(arrived: "a") { checker in
            checker.commanded(.throttle(InvocationID("a"), .concurrentInvocationLimitExceeded))
            checker.commanded(.fail(InvocationID("a"), .environmentsDoNotStart))
            checker.arrived(InvocationID("b"), key: Self.key, memoryMiB: 128)
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.settleForGood(after: [InvocationID("a"), InvocationID("b")])
        }
        #expect(
            found == [
                "a is throttled without need", "a ends twice", "1 environments are left behind",
                "1 invocations never ended",
            ]
        )
    }

    @Test func `an environment destroyed under its invocation is seen`() {
        let found = violations(arrived: "a") { checker in
            checker.commanded(.start(EnvironmentID(1), Self.key))
            checker.ready(EnvironmentID(1))
            checker.commanded(.assign(InvocationID("a"), EnvironmentID(1)))
            checker.commanded(.destroy(EnvironmentID(1)))
        }
        #expect(found == ["environment 1 is destroyed under a"])
    }

    @Test func `contradictory actions of a lifecycle are seen`() {
        let id = InvocationID("a")
        let report = InvocationReport(id: id, status: .success, duration: .zero, initDuration: nil)
        func violations(_ actions: EnvironmentLifecycle.Action...) -> Int {
            var checker = LifecycleChecker()
            checker.assigned(id)
            for action in actions { checker.acted(action) }
            return checker.violations.count
        }
        let deadline = MonotonicTime(nanoseconds: 0)
        #expect(violations(.startRuntime, .respond(id, .response), .finish(report), .becomeIdle(.ready)) == 0)
        #expect(violations(.deliver(id, to: PollID(1), deadline: deadline)) == 2)
        #expect(violations(.startRuntime, .startRuntime) == 1)
        #expect(violations(.killProcesses) == 1)
        #expect(violations(.respond(id, .response), .respond(id, .response)) == 1)
        #expect(violations(.finish(report)) == 1)
        #expect(violations(.becomeIdle(.ready)) == 1)
        #expect(violations(.respond(id, .response), .finish(report), .discard(.shutdown), .startRuntime) == 1)
    }
}
