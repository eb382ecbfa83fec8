// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport

/// Provisioned concurrency that comes, goes, and moves to other versions.
extension Fleet {
    mutating func provisionSometimes() {
        let function = random.below(functions.count)
        if random.oneIn(12) {
            queue.schedule(
                .provision(function, executions: random.below(4)),
                after: random.duration(upTo: .seconds(1))
            )
        }
        if random.oneIn(20) { queue.schedule(.move(function), after: random.duration(upTo: .seconds(1))) }
    }

    /// Tells the scheduler what is reserved and provisioned; sometimes an earlier state comes late.
    mutating func refresh() {
        turn += 2
        let provisioned = functions.filter { $0.provisioned > 0 }
        checker.limits.provisioned = [:]
        checker.provisioned = [:]
        for function in provisioned {
            let version = FunctionVersionKey(function: function.key.function, version: function.key.version)
            checker.limits.provisioned[version] = function.provisioned
            checker.provisioned[function.key] = (function.provisioned, function.memoryMiB)
        }
        let shares = provisioned.map { function in
            ProvisionedShare(
                configuration: ProvisionedConfigurationID(function: function.key.function, qualifier: "live"),
                key: function.key,
                demand: EnvironmentDemand(memoryMiB: function.memoryMiB),
                wanted: function.provisioned
            )
        }
        let reserved = checker.limits.reserved
        obey(scheduler.setConcurrency(reserved: reserved, provisioned: shares, turn: turn, at: queue.now))
        if random.oneIn(3) {
            let late = scheduler.setConcurrency(reserved: [:], provisioned: [], turn: turn - 1, at: queue.now)
            if !late.isEmpty { violations.append("what came late is obeyed") }
        }
        if scheduler.ledger.limits != checker.limits { violations.append("other limits are in force") }
    }
}
