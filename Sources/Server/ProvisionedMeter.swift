// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import ExecutionEnvironments
import LambdaModel
import LogStore
import Logging
import ServiceLifecycle

/// Counts how long provisioned environments are there, by a monotonic clock.
///
/// What is counted is written every few seconds: a kill takes so much off the bill, and adds nothing to it.
struct ProvisionedMeter: Service {
    let pool: EnvironmentPool
    let logs: LogStore
    let board: BudgetBoard
    let now: @Sendable () -> Timestamp
    let logger: Logger

    private static let interval = Duration.seconds(10)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let clock = SuspendingClock()
            var last = clock.now
            while (try? await clock.sleep(for: Self.interval)) != nil {
                let elapsed = last.duration(to: clock.now)
                last = clock.now
                await count(elapsed)
            }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    private func count(_ elapsed: Duration) async {
        let milliseconds = Int64(elapsed / .milliseconds(1))
        let uses = await pool.provisionedInUse.map { configuration, count in
            ProvisionedUse(
                key: UsageLine.Key(
                    day: now().millisecondsSinceEpoch / UsageLine.dayMilliseconds,
                    function: configuration.key,
                    version: configuration.version,
                    memoryMiB: configuration.memoryMiB,
                    architecture: configuration.architecture
                ),
                milliseconds: milliseconds * Int64(count)
            )
        }
        guard !uses.isEmpty else { return }
        for use in uses { board.record(UsageQuantities(use), of: use.key.function, at: now()) }
        do { try await logs.add(uses) } catch {
            logger.error("provisioned time not recorded", metadata: ["error": "\(error)"])
        }
    }
}
