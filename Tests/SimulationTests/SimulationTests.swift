// SPDX-License-Identifier: Apache-2.0
import Foundation
import InvocationCore
import LambdaModel
import Testing

/// Scheduler and lifecycles together, through random histories.
///
/// `MARTLET_SIMULATION_HISTORIES` says how many (2,000 by default), `MARTLET_SIMULATION_SEED` where the seeds begin.
@Suite struct SimulationTests {
    private static func number(_ name: String, default value: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? value
    }

    @Test func `every promise holds in every history`() {
        let first = Self.number("MARTLET_SIMULATION_SEED", default: 1)
        let count = Self.number("MARTLET_SIMULATION_HISTORIES", default: 2_000)
        var events = 0
        for seed in first..<(first + count) {
            // A trap ends the process; then this line says where to look.
            if seed % 500 == 1 { print("simulation: seeds from \(seed)") }
            var fleet = Fleet(seed: seed)
            fleet.run()
            events += fleet.events
            guard fleet.violations.isEmpty else {
                Issue.record("MARTLET_SIMULATION_SEED=\(seed): \(fleet.violations) after \(fleet.events) events")
                return
            }
        }
        print("simulation: \(count) histories, \(events) events")
    }

    @Test func `a history follows from its seed alone`() {
        for seed in UInt64(1)...20 {
            var (first, second) = (Fleet(seed: seed), Fleet(seed: seed))
            first.run()
            second.run()
            #expect(first.events == second.events, "seed \(seed)")
            #expect(first.scheduler == second.scheduler, "seed \(seed)")
        }
    }
}
