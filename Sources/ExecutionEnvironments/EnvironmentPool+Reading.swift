// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
package import LambdaModel

extension EnvironmentPool {
    package static let listedMax = 1_000

    /// The environments of one account in one region.
    package func status(accountID: String, region: String) -> EnvironmentsStatus {
        func isMeant(_ function: FunctionKey) -> Bool {
            function.accountID == accountID && function.region == region
        }
        var status = EnvironmentsStatus()
        let all = scheduler.environments.filter { isMeant($0.value.key.function) }
        for (id, each) in all.sorted(by: { $0.key.number < $1.key.number }) {
            let function = each.key.function
            let state = EnvironmentStatus.State(each.phase)
            status.counts[function, default: [:]][state, default: 0] += 1
            if status.invocations[function] == nil {
                status.invocations[function] = scheduler.ledger.invocations(of: function)
            }
            guard status.environments.count < Self.listedMax else {
                status.isTruncated = true
                continue
            }
            let environment = environments[id]
            status.environments.append(
                EnvironmentStatus(
                    id: id,
                    function: function,
                    version: each.key.version,
                    state: state,
                    isProvisioned: each.isProvisioned,
                    memoryMiB: each.demand.memoryMiB,
                    reckonedMiB: each.reckonedMiB,
                    logGroup: environment?.configuration.logging.logGroup ?? "",
                    logStream: environment?.log.stream ?? ""
                )
            )
        }
        status.memoryInUseMiB = scheduler.memoryInUseMiB
        status.memoryMaxMiB = scheduler.settings.memoryMiB
        return status
    }

    /// The provisioned environments that serve or could, by what they run.
    package var provisionedInUse: [(configuration: FunctionConfiguration, count: Int)] {
        var counts: [EnvironmentKey: Int] = [:]
        for environment in scheduler.environments.values where environment.isProvisioned {
            switch environment.phase {
            case .idle, .busy: counts[environment.key, default: 0] += 1
            case .awaitingMemory, .starting, .leaving: break
            }
        }
        return counts.compactMap { key, count in provisioned[key].map { ($0, count) } }
    }
}
