// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// Scheduler and lifecycles together, through random histories.
@Suite struct SimulationTests {
    @Test func `every promise holds in every history`() {
        let seeds = Histories.seeds(first: 1, count: 2_000)
        var events = 0
        for seed in seeds {
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
        print("simulation: \(seeds.count) histories, \(events) events")
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
