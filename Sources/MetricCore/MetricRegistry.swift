// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
import Synchronization

/// All series of functions, and the server's own counts that nobody else has.
package final class MetricRegistry: Sendable {
    /// How an execution environment came to be.
    package enum Producer: Int, CaseIterable, Sendable {
        case fork, blank, exec, snapstart
    }

    /// Beyond it what is new is counted under `(other)`; none is ever forgotten, since a counter never goes back.
    package static let seriesMax = 2_000

    private let seriesMax: Int
    private let state = Mutex<[SeriesKey: FunctionSeries]>([:])
    private let starts = Mutex(Array(repeating: 0, count: Producer.allCases.count))
    private let other = FunctionSeries(.other)

    package init(seriesMax: Int = seriesMax) { self.seriesMax = seriesMax }

    /// The series of what is invoked by that qualifier and runs as that version; without a version, of what is known before one is chosen.
    package func series(_ function: FunctionKey, qualifier: String? = nil, version: String = "") -> FunctionSeries {
        let key = SeriesKey(function, qualifier: qualifier, version: version)
        return state.withLock { series in
            if let known = series[key] { return known }
            let account = SeriesKey(
                level: .account,
                FunctionKey(accountID: function.accountID, region: function.region, name: "")
            )
            let wholes = [SeriesKey(level: .function, function), account]
            let missing = wholes.count { series[$0] == nil }
            guard series.count + missing + 1 <= seriesMax else { return other }
            for whole in wholes where series[whole] == nil { series[whole] = FunctionSeries(whole) }
            let made = FunctionSeries(key, wholes: wholes.compactMap { series[$0] })
            series[key] = made
            return made
        }
    }

    /// An environment came to be for an invocation, or for provisioned concurrency.
    package func environmentStarted(_ producer: Producer) { starts.withLock { $0[producer.rawValue] += 1 } }

    package func environmentStarts(_ producer: Producer) -> Int { starts.withLock { $0[producer.rawValue] } }

    /// In the order of their names.
    package var all: [FunctionSeries] {
        let known = state.withLock { Array($0.values) }
        func order(_ key: SeriesKey) -> (String, String, String, String, String) {
            (key.function.accountID, key.function.region, key.function.name, key.qualifier, key.version)
        }
        return known.sorted { order($0.key) < order($1.key) } + [other]
    }

    /// What is known of an account in a region.
    package func all(accountID: String, region: String) -> [FunctionSeries] {
        state.withLock { series in
            series.values.filter { $0.key.function.accountID == accountID && $0.key.function.region == region }
        }
    }

    package var count: Int { state.withLock { $0.count } }
    package var countMax: Int { seriesMax }
}
