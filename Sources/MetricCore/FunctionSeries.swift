// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
import Synchronization

/// Whose values a series holds: AWS's dimensions, in an account and region.
package struct SeriesKey: Hashable, Sendable {
    package enum Level: Int, Sendable {
        /// An account in a region as a whole, and a function as a whole.
        case account, function
        /// What was invoked, and the version that ran.
        case resource
    }

    package var level: Level
    package var function: FunctionKey
    /// As the caller gave it; empty for none.
    package var qualifier: String
    /// Empty where none was chosen.
    package var version: String

    package init(_ function: FunctionKey, qualifier: String? = nil, version: String = "") {
        level = .resource
        self.function = function
        self.qualifier = qualifier ?? ""
        self.version = version
    }

    package init(level: Level, _ function: FunctionKey, qualifier: String = "", version: String = "") {
        self.level = level
        self.function = function
        self.qualifier = qualifier
        self.version = version
    }

    /// AWS's dimension of that name: the function's name, or it with the qualifier.
    package var resource: String { qualifier.isEmpty ? function.name : "\(function.name):\(qualifier)" }

    /// No function has such a name.
    static let otherName = "(other)"
}

/// The values of one series, counted from any thread.
///
/// An invocation takes one lock for a moment at its beginning and one at its end, and no memory once each kind of value has come up.
package final class FunctionSeries: Sendable {
    /// What Prometheus is told: all since the start.
    package struct Total: Equatable, Sendable {
        package var count: UInt64 = 0
        package var sum = 0.0
        package var last = 0.0
        package var histogram: Histogram?
    }

    /// Since it was taken last.
    private struct Recent {
        var count: UInt64 = 0
        var sum = 0.0
        var low = 0.0
        var high = 0.0
        var sketch = ValueSketch()

        mutating func add(_ value: Double, hasSketch: Bool) {
            low = count == 0 ? value : min(low, value)
            high = count == 0 ? value : max(high, value)
            count += 1
            sum += value
            if hasSketch { sketch.add(value) }
        }

        func distribution(_ filled: [(bucket: Int, count: UInt32)]) -> Distribution {
            Distribution(count: count, sum: sum, low: low, high: high, sketch: SparseSketch(filled))
        }
    }

    private struct State {
        var totals = FunctionMetric.allCases.map { metric in
            Total(histogram: metric.bounds.map { Histogram(bounds: $0) })
        }
        var recent = Array(repeating: Recent(), count: FunctionMetric.allCases.count)
        var inHand = 0
        var provisionedInHand = 0
        /// Since a batch of a stream was sent.
        var minutesWithoutAge = 0
        /// By event source mapping.
        var lags: [String: (metric: FunctionMetric, value: Double)] = [:]

        mutating func record(_ metric: FunctionMetric, _ value: Double) {
            totals[metric.rawValue].count += 1
            totals[metric.rawValue].sum += value
            totals[metric.rawValue].last = value
            totals[metric.rawValue].histogram?.add(value / 1_000)
            recent[metric.rawValue].add(value, hasSketch: metric.hasSketch)
        }
    }

    /// One invocation that has ended, as its usage record has it.
    package struct Ended: Sendable {
        package var isError: Bool
        /// Milliseconds.
        package var duration: Double
        package var billed: Double
        /// Of the initialisation before the environment's first invocation.
        package var initialization: Double?
        package var sentBytes: Int64
        package var receivedBytes: Int64

        package init(
            isError: Bool,
            duration: Double,
            billed: Double,
            initialization: Double? = nil,
            sentBytes: Int64 = 0,
            receivedBytes: Int64 = 0
        ) {
            self.isError = isError
            self.duration = duration
            self.billed = billed
            self.initialization = initialization
            self.sentBytes = sentBytes
            self.receivedBytes = receivedBytes
        }
    }

    private static let ageShownMinutes = 5

    package let key: SeriesKey
    /// Of the function and of the account as a whole; none for those themselves.
    private let wholes: [FunctionSeries]
    private let state = Mutex(State())
    /// Since it was asked for.
    private let minutesUnused = Atomic(0)

    init(_ key: SeriesKey, wholes: [FunctionSeries] = []) {
        self.key = key
        self.wholes = wholes
    }

    package func record(_ metric: FunctionMetric, _ value: Double = 1) {
        state.withLock { $0.record(metric, value) }
    }

    package func invocationEnded(_ ended: Ended) {
        state.withLock { state in
            state.record(.invocations, 1)
            // AWS has a value of it for each invocation: its average is the share of those that failed.
            state.record(.errors, ended.isError ? 1 : 0)
            state.record(.duration, ended.duration)
            state.record(.billedDuration, ended.billed)
            if let initialization = ended.initialization { state.record(.initDuration, initialization) }
            if ended.sentBytes > 0 { state.record(.egressBytes, Double(ended.sentBytes)) }
            if ended.receivedBytes > 0 { state.record(.ingressBytes, Double(ended.receivedBytes)) }
        }
    }

    /// An invocation was admitted; `left` says that it is over.
    package func entered() {
        enterOne()
        for whole in wholes { whole.enterOne() }
    }

    package func left() {
        leaveOne()
        for whole in wholes { whole.leaveOne() }
    }

    private func enterOne() {
        state.withLock { state in
            state.inHand += 1
            state.record(.concurrentExecutions, Double(state.inHand))
        }
    }

    private func leaveOne() { state.withLock { $0.inHand -= 1 } }

    /// An invocation has an environment of provisioned concurrency, of which there are so many.
    package func enteredProvisioned(of allocated: Int) {
        state.withLock { state in
            state.provisionedInHand += 1
            state.record(.provisionedConcurrencyInvocations, 1)
            state.record(.provisionedConcurrentExecutions, Double(state.provisionedInHand))
            guard allocated > 0 else { return }
            state.record(.provisionedConcurrencyUtilization, Double(state.provisionedInHand) / Double(allocated))
        }
    }

    package func leftProvisioned() { state.withLock { $0.provisionedInHand -= 1 } }

    /// So much waits in the source of a mapping; nil where that is not known any more.
    func setLag(_ metric: FunctionMetric, of mapping: String, to value: Int?) {
        state.withLock { state in
            state.lags[mapping] = value.map { (metric, Double($0)) }
            if let value { state.record(metric, Double(value)) }
        }
    }

    // MARK: - Use

    func use() {
        minutesUnused.store(0, ordering: .relaxed)
        for whole in wholes { whole.minutesUnused.store(0, ordering: .relaxed) }
    }

    func passMinute() { minutesUnused.add(1, ordering: .relaxed) }

    /// For so long nobody has asked for it, and nothing of it is in hand.
    func isUnused(minutes: Int) -> Bool {
        minutesUnused.load(ordering: .relaxed) >= minutes && state.withLock { $0.inHand == 0 }
    }

    // MARK: - Reading

    /// By metric.
    package var totals: [Total] {
        state.withLock { state in
            var totals = state.totals
            // How old records were that were sent long ago says nothing of now.
            if state.minutesWithoutAge >= Self.ageShownMinutes {
                totals[FunctionMetric.iteratorAge.rawValue].count = 0
            }
            for metric in FunctionMetric.lags {
                let most = state.lags.values.filter { $0.metric == metric }.map(\.value).max()
                if most == nil { totals[metric.rawValue].count = 0 }
                totals[metric.rawValue].last = most ?? 0
            }
            totals[FunctionMetric.concurrentExecutions.rawValue].last = Double(state.inHand)
            totals[FunctionMetric.provisionedConcurrentExecutions.rawValue].last = Double(state.provisionedInHand)
            return totals
        }
    }

    /// What has come since this was asked for last; what is in hand still is the next stretch's first value.
    package func take() -> [(metric: FunctionMetric, values: Distribution)] {
        state.withLock { state in
            var taken: [(metric: FunctionMetric, values: Distribution)] = []
            let isAgeNew = state.recent[FunctionMetric.iteratorAge.rawValue].count > 0
            state.minutesWithoutAge = isAgeNew ? 0 : state.minutesWithoutAge + 1
            for metric in FunctionMetric.allCases where state.recent[metric.rawValue].count > 0 {
                let filled = state.recent[metric.rawValue].sketch.take()
                if metric.awsName != nil {
                    taken.append((metric, state.recent[metric.rawValue].distribution(filled)))
                }
                state.recent[metric.rawValue].count = 0
                state.recent[metric.rawValue].sum = 0
            }
            if state.inHand > 0 {
                state.recent[FunctionMetric.concurrentExecutions.rawValue].add(Double(state.inHand), hasSketch: false)
            }
            return taken
        }
    }

    /// The same without taking it.
    package func recent(_ metric: FunctionMetric) -> Distribution {
        state.withLock { $0.recent[metric.rawValue].distribution($0.recent[metric.rawValue].sketch.filled) }
    }
}
