// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
import Synchronization

/// All series of functions, and the server's own counts that nobody else has.
package final class MetricRegistry: Sendable {
    /// How an execution environment came to be.
    package enum Producer: Int, CaseIterable, Sendable {
        case fork, blank, exec, snapstart
    }

    /// Of functions: beyond it what is new is counted under its account's `(other)`, so that no count is lost.
    package static let seriesMax = 2_000
    /// Nobody has asked for it for so long: where there is little room a function's series go, and their counters begin anew if it comes back.
    package static let unusedMinutes = 60

    private struct State {
        var series: [SeriesKey: FunctionSeries] = [:]
        /// One for each account in a region, and its `(other)`: beside the bound.
        var accounts: [SeriesKey: FunctionSeries] = [:]
    }

    private let seriesMax: Int
    private let state = Mutex(State())
    private let starts = Mutex(Array(repeating: 0, count: Producer.allCases.count))

    package init(seriesMax: Int = seriesMax) { self.seriesMax = seriesMax }

    /// The series of what is invoked by that qualifier and runs as that version; without a version, of what is known before one is chosen.
    package func series(_ function: FunctionKey, qualifier: String? = nil, version: String = "") -> FunctionSeries {
        let key = SeriesKey(function, qualifier: qualifier, version: version)
        return state.withLock { state in
            let found = state.series[key] ?? Self.make(key, &state, seriesMax)
            found.use()
            return found
        }
    }

    private static func make(_ key: SeriesKey, _ state: inout State, _ seriesMax: Int) -> FunctionSeries {
        let function = key.function
        func named(_ name: String) -> FunctionKey {
            FunctionKey(accountID: function.accountID, region: function.region, name: name)
        }
        func known(
            _ key: SeriesKey,
            wholes: [FunctionSeries] = [],
            in place: inout [SeriesKey: FunctionSeries]
        )
            -> FunctionSeries
        {
            if let known = place[key] { return known }
            let made = FunctionSeries(key, wholes: wholes)
            place[key] = made
            return made
        }
        let account = known(SeriesKey(level: .account, named("")), in: &state.accounts)
        let whole = SeriesKey(level: .function, function)
        guard state.series.count + (state.series[whole] == nil ? 2 : 1) <= seriesMax else {
            return known(SeriesKey(named(SeriesKey.otherName)), wholes: [account], in: &state.accounts)
        }
        let ofFunction = known(whole, in: &state.series)
        return known(key, wholes: [ofFunction, account], in: &state.series)
    }

    /// So much waits in the source of a mapping of that function; nil where that is not known any more.
    package func setLag(
        _ metric: FunctionMetric,
        of mapping: String,
        _ function: FunctionKey,
        qualifier: String?,
        to value: Int?
    ) {
        let current = value.map { _ in series(function, qualifier: qualifier) }
        let other = FunctionKey(accountID: function.accountID, region: function.region, name: SeriesKey.otherName)
        // It may have been counted under the other one before.
        let known = state.withLock { state in
            [state.series[SeriesKey(function, qualifier: qualifier)], state.accounts[SeriesKey(other)]]
        }
        for case let series? in known where series !== current { series.setLag(metric, of: mapping, to: nil) }
        current?.setLag(metric, of: mapping, to: value)
    }

    /// To be called once a minute: where three quarters of the room are taken, functions that nobody asks for any more make some.
    package func passMinute() {
        state.withLock { state in
            for series in state.series.values { series.passMinute() }
            guard state.series.count > seriesMax * 3 / 4 else { return }
            // Whoever asks for a series of a function asks for the whole too.
            let unused = state.series.values
                .filter { $0.key.level == .function && $0.isUnused(minutes: Self.unusedMinutes) }
                .map(\.key.function)
            guard !unused.isEmpty else { return }
            let gone = Set(unused)
            state.series = state.series.filter { !gone.contains($0.key.function) }
        }
    }

    /// An environment came to be for an invocation, or for provisioned concurrency.
    package func environmentStarted(_ producer: Producer) { starts.withLock { $0[producer.rawValue] += 1 } }

    package func environmentStarts(_ producer: Producer) -> Int { starts.withLock { $0[producer.rawValue] } }

    /// In the order of their names.
    package var all: [FunctionSeries] {
        let known = state.withLock { Array($0.series.values) + Array($0.accounts.values) }
        func order(_ key: SeriesKey) -> (String, String, String, String, String) {
            (key.function.accountID, key.function.region, key.function.name, key.qualifier, key.version)
        }
        return known.sorted { order($0.key) < order($1.key) }
    }

    /// What is known of an account in a region.
    package func all(accountID: String, region: String) -> [FunctionSeries] {
        state.withLock { state in
            (Array(state.series.values) + Array(state.accounts.values)).filter {
                $0.key.function.accountID == accountID && $0.key.function.region == region
            }
        }
    }

    package var count: Int { state.withLock { $0.series.count } }
    package var countMax: Int { seriesMax }
}
