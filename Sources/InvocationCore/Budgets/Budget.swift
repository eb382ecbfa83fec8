// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What functions may use in a day or a month, and what is done when they have.
package struct Budget: Codable, Equatable, Sendable {
    /// Which functions, of one account in one region.
    package enum Scope: Codable, Equatable, Sendable {
        case function(name: String)
        /// Those that have the tag.
        case tag(key: String, value: String)
    }

    package enum Unit: String, Codable, CaseIterable, Sendable {
        case requests
        case gigabyteSeconds = "gb-seconds"
        /// At AWS's list prices of today.
        case dollars = "usd"
    }

    package enum Period: String, Codable, CaseIterable, Sendable {
        case day
        case month

        /// In UTC, from its first moment to the first of the next.
        package func range(at time: Timestamp) -> Range<Timestamp> {
            let day: Int64 = 86_400_000
            let today = time.millisecondsSinceEpoch - ((time.millisecondsSinceEpoch % day) + day) % day
            func timestamp(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }
            guard self == .month else { return timestamp(today)..<timestamp(today + day) }
            let first = today - Int64(time.civilDate.day - 1) * day
            // No month has more days.
            let later = first + 31 * day
            let excess = timestamp(later).civilDate
            return timestamp(first)..<timestamp(excess.day == 1 ? later : later - Int64(excess.day - 1) * day)
        }
    }

    package enum Action: String, Codable, CaseIterable, Sendable {
        case warn
        /// Its functions get no concurrency until the period ends.
        case stop
    }

    package var scope: Scope
    package var unit: Unit
    /// Millionths of the unit.
    package var limit: Int64
    package var period: Period
    package var action: Action

    package init(scope: Scope, unit: Unit, limit: Int64, period: Period, action: Action) {
        self.scope = scope
        self.unit = unit
        self.limit = limit
        self.period = period
        self.action = action
    }

    /// Whether that much is all there may be.
    package func isReached(by used: UsageQuantities, prices: PriceList = .current) -> Bool {
        switch unit {
        case .requests: Int128(used.requests) * 1_000_000 >= Int128(limit)
        case .gigabyteSeconds: Int128(used.duration) * 1_000_000 >= Int128(limit) * Int128(GigabyteSeconds.unit)
        case .dollars: used.cost(prices) >= Money(millionths: limit)
        }
    }
}
