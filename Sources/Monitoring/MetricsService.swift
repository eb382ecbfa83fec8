// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import Logging
package import MetricCore
package import MetricStore
import ServiceLifecycle
import Synchronization

/// Keeps functions' metrics minute by minute, and answers CloudWatch's questions about them.
///
/// Runs until the shutdown begins, and stores what is left of the last minute then: so it is to be the last that ends.
package final class MetricsService: Service {
    let registry: MetricRegistry
    let store: MetricStore
    let now: @Sendable () -> Timestamp
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        /// Since when values are counted that were not taken yet.
        var minute: Int64
        /// Taken, and being written.
        var taken: (minute: Int64, points: [MetricStore.Point]) = (0, [])
        /// Changes whenever values go from one place to another.
        var generation = 0
        var lost = 0
        /// Questions that wait for what is being written.
        var waiting: [CheckedContinuation<Int, Never>] = []
    }

    /// Minutes between two looks at what is too old.
    private static let trimInterval: Int64 = 60

    package init(
        registry: MetricRegistry,
        store: MetricStore,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.registry = registry
        self.store = store
        self.now = now
        self.clock = clock
        self.logger = logger
        state = Mutex(State(minute: now().minute))
    }

    /// Points that could not be stored, since the start.
    package var lostCount: Int { state.withLock { $0.lost } }

    package func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            var trimmed = now().minute
            while !Task.isCancelled {
                let wait = 60_000 - now().millisecondsSinceEpoch % 60_000
                guard (try? await clock.sleep(for: .milliseconds(max(1, wait)))) != nil else { return }
                let minute = now().minute
                guard minute != state.withLock({ $0.minute }) else { continue }
                // The shutdown cancels what runs here, and would cut off the writing.
                await Task { await flush() }.value
                if abs(minute - trimmed) >= Self.trimInterval {
                    await trim()
                    trimmed = minute
                }
            }
        }
        await Task { await flush() }.value
    }

    /// Stores what was counted since the last time, under the minute in which that was.
    package func flush() async {
        let current = now().minute
        registry.passMinute()
        let (minute, points) = state.withLock { state in
            let points = registry.all.flatMap { series in
                series.take().map { MetricStore.Point(series.key, $0.metric, $0.values) }
            }
            state.generation += 1
            state.taken = (state.minute, points)
            state.minute = current
            return state.taken
        }
        do { try await store.append(points, minute: minute) } catch {
            state.withLock { $0.lost += points.count }
            logger.error("values of metrics not stored", metadata: ["count": "\(points.count)", "error": "\(error)"])
        }
        let (waiting, generation) = state.withLock { state in
            state.generation += 1
            state.taken = (0, [])
            defer { state.waiting = [] }
            return (state.waiting, state.generation)
        }
        for question in waiting { question.resume(returning: generation) }
    }

    /// Until nothing is on its way into the store, where it could be found twice or not at all: the generation of that moment.
    private func settled() async -> Int {
        await withCheckedContinuation { continuation in
            let generation = state.withLock { state -> Int? in
                guard state.taken.points.isEmpty else {
                    state.waiting.append(continuation)
                    return nil
                }
                return state.generation
            }
            if let generation { continuation.resume(returning: generation) }
        }
    }

    private func trim() async {
        let keptMinutes = MetricStore.keptFor.components.seconds / 60
        do { try await store.trim(before: now().minute - keptMinutes) } catch {
            logger.error("old values of metrics not dropped", metadata: ["error": "\(error)"])
        }
    }

    /// What matching series together had, by minute, that which is not stored yet among it.
    func values(
        of metric: FunctionMetric,
        _ filter: MetricStore.Filter,
        minutes: Range<Int64>
    ) async throws -> [Int64: Distribution] {
        var found: [Int64: Distribution] = [:]
        for _ in 0..<Self.readsMax {
            let before = await settled()
            found = try await store.values(of: metric, filter, minutes: minutes)
            let isWhole = state.withLock { state in
                if minutes.contains(state.minute) {
                    for series in registry.all(accountID: filter.accountID, region: filter.region)
                    where filter.matches(series.key) {
                        let recent = series.recent(metric)
                        if recent.count > 0 { found[state.minute, default: Distribution()].add(recent) }
                    }
                }
                return state.generation == before
            }
            if isWhole { break }
        }
        return found
    }

    /// Values are written once a minute: so often in a row no question meets that.
    private static let readsMax = 3

    /// The series of an account in a region that have values from that minute on, and of which metrics.
    func list(
        accountID: String,
        region: String,
        since minute: Int64
    ) async throws -> [(key: SeriesKey, metric: FunctionMetric)] {
        let stored = try await store.list(accountID: accountID, region: region, since: minute)
        let recent = registry.all(accountID: accountID, region: region).flatMap { series in
            FunctionMetric.allCases
                .filter { $0.awsName != nil && series.recent($0).count > 0 }
                .map { (key: series.key, metric: $0) }
        }
        return stored + recent
    }
}

extension Timestamp {
    /// Minutes since 1970.
    package var minute: Int64 {
        let (quotient, rest) = millisecondsSinceEpoch.quotientAndRemainder(dividingBy: 60_000)
        return rest < 0 ? quotient - 1 : quotient
    }
}
