// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// What a host's operator is told of the limits: each of them in its own line, and none that is not so.
struct LimitStatementTests {
    private func weaker(_ version: UInt8, _ missing: [String]) -> [String] {
        LimitStatement.all(ControlGroupSummary(version: version, missing: missing)).filter { !$0.isFull }.map(\.subject)
    }

    @Test func `all controllers hold all limits`() {
        #expect(weaker(1, []) == [])
        #expect(weaker(2, []) == [])
    }

    @Test func `what is missing is named and nothing else`() {
        #expect(weaker(2, ["cpu"]) == ["cpu"])
        #expect(weaker(2, ["memory.peak"]) == ["max memory used"])
        #expect(weaker(2, ["memory", "memory.peak"]) == ["memory", "max memory used"])
        #expect(
            weaker(0, ["memory", "cpu", "pids", "freezer"]) == [
                "memory", "cpu", "processes", "freezing", "max memory used",
            ]
        )
    }
}
