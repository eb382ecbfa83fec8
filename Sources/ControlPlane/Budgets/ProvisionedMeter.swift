// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import LogStore
package import Logging
import ServiceLifecycle

/// Counts how long provisioned environments are there, by a monotonic clock.
///
/// What is counted is written every few seconds, and at the end: a kill takes so much off the bill, and adds nothing to it.
package struct ProvisionedMeter<MonotonicClock: Clock<Duration>>: Service {
    /// How many of each version there are.
    package typealias InUse = @Sendable () async -> [(configuration: FunctionConfiguration, count: Int)]

    private let clock: MonotonicClock
    private let inUse: InUse
    private let logs: LogStore
    private let board: BudgetBoard
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    private var interval: Duration { .seconds(10) }
    /// Of versions and days that wait for a store that takes nothing.
    private var unstoredMax: Int { 10_000 }

    package init(
        clock: MonotonicClock,
        inUse: @escaping InUse,
        logs: LogStore,
        board: BudgetBoard,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.clock = clock
        self.inUse = inUse
        self.logs = logs
        self.board = board
        self.now = now
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var last = clock.now
            var unstored: [UsageLine.Key: Int64] = [:]
            var goesOn = true
            while goesOn {
                goesOn = (try? await clock.sleep(for: interval)) != nil
                // What is no whole millisecond is the next one's.
                let milliseconds = Int64(last.duration(to: clock.now) / .milliseconds(1))
                last = last.advanced(by: .milliseconds(milliseconds))
                // The shutdown cancels what runs here, and would cut off the writing.
                unstored = await Task { [unstored] in await count(milliseconds, unstored) }.value
            }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    /// - Returns: milliseconds that could not be stored.
    private func count(
        _ milliseconds: Int64,
        _ unstored: [UsageLine.Key: Int64]
    ) async -> [UsageLine.Key: Int64] {
        let time = now()
        var waiting = unstored
        for (configuration, count) in await inUse() {
            let key = UsageLine.Key(
                day: time.millisecondsSinceEpoch / UsageLine.dayMilliseconds,
                function: configuration.key,
                version: configuration.version,
                memoryMiB: configuration.memoryMiB,
                architecture: configuration.architecture
            )
            let use = ProvisionedUse(key: key, milliseconds: milliseconds * Int64(count))
            board.record(UsageQuantities(use), of: key.function, at: time)
            waiting[key, default: 0] += use.milliseconds
        }
        guard !waiting.isEmpty else { return [:] }
        do {
            try await logs.add(waiting.map { ProvisionedUse(key: $0.key, milliseconds: $0.value) })
            return [:]
        } catch {
            let isLost = waiting.count > unstoredMax
            logger.error(
                "provisioned time not recorded",
                metadata: ["error": "\(error)", "isTriedAgain": "\(!isLost)"]
            )
            return isLost ? [:] : waiting
        }
    }
}
