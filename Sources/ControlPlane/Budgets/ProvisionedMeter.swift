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
            var backlog = ProvisionedBacklog()
            var goesOn = true
            while goesOn {
                goesOn = (try? await clock.sleep(for: interval)) != nil
                // What is no whole millisecond is the next one's.
                let milliseconds = Int64(last.duration(to: clock.now) / .milliseconds(1))
                last = last.advanced(by: .milliseconds(milliseconds))
                // The shutdown cancels what runs here, and would cut off the writing.
                backlog = await Task { [backlog, goesOn] in
                    await count(milliseconds, backlog, isLast: !goesOn)
                }.value
            }
        }
        // The group takes a service that ends before its turn for one that failed.
        try await gracefulShutdown()
    }

    /// - Returns: what could not be stored.
    private func count(_ milliseconds: Int64, _ earlier: ProvisionedBacklog, isLast: Bool) async -> ProvisionedBacklog {
        let time = now()
        var backlog = earlier
        for (configuration, count) in await inUse() {
            let key = UsageLine.Key(
                day: time.millisecondsSinceEpoch / UsageLine.dayMilliseconds,
                function: configuration.key,
                version: configuration.version,
                memoryMiB: configuration.memoryMiB,
                architecture: configuration.architecture
            )
            backlog.add(ProvisionedUse(key: key, milliseconds: milliseconds * Int64(count)))
        }
        let uses = backlog.uses
        guard !uses.isEmpty else { return backlog }
        do { try await logs.add(uses) } catch {
            let lost = isLast ? uses.count : backlog.bound()
            logger.error(
                "provisioned time not recorded",
                metadata: ["error": "\(error)", "isTriedAgain": "\(!isLast)", "lost": "\(lost)"]
            )
            return backlog
        }
        // Not before: who adds up anew meanwhile finds it stored, or is told of it.
        for use in uses {
            let dayEnd = Timestamp(millisecondsSinceEpoch: (use.key.day + 1) * UsageLine.dayMilliseconds - 1)
            board.record(UsageQuantities(use), of: use.key.function, at: min(time, dayEnd))
        }
        return ProvisionedBacklog()
    }
}

/// Time that is not stored yet, by version and day.
struct ProvisionedBacklog {
    static let countMax = 10_000

    private var milliseconds: [UsageLine.Key: Int64] = [:]
    /// As they came.
    private var keys: [UsageLine.Key] = []

    var uses: [ProvisionedUse] { keys.map { ProvisionedUse(key: $0, milliseconds: milliseconds[$0] ?? 0) } }

    mutating func add(_ use: ProvisionedUse) {
        if milliseconds[use.key] == nil { keys.append(use.key) }
        milliseconds[use.key, default: 0] += use.milliseconds
    }

    /// Drops what is too much, of which that is what came last.
    ///
    /// - Returns: of how many versions and days.
    mutating func bound() -> Int {
        let dropped = keys.dropFirst(Self.countMax)
        for key in dropped { milliseconds[key] = nil }
        keys.removeLast(dropped.count)
        return dropped.count
    }
}
