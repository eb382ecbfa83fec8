// SPDX-License-Identifier: Apache-2.0

/// How often values up to each of a few bounds were seen, as Prometheus counts them.
package struct Histogram: Equatable, Sendable {
    /// Ascending; what is above the last is counted too.
    package let bounds: [Double]
    /// Of each bound's bucket alone, and of what is above the last.
    package private(set) var counts: [UInt64]
    package private(set) var sum: Double = 0

    package init(bounds: [Double]) {
        precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds ascend")
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// Seconds, from a millisecond to Lambda's longest timeout.
    package static let invocationBounds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
    ]
    /// Seconds, from a second to the week that a stream keeps its records for.
    package static let ageBounds: [Double] = [0.1, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400, 604_800]
    /// Seconds, of what takes a millisecond where all is well.
    package static let promptBounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
    ]

    package var count: UInt64 { counts.reduce(0, +) }

    package mutating func add(_ value: Double) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index] += 1
        sum += value
    }
}
