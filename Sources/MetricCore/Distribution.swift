// SPDX-License-Identifier: Apache-2.0

/// What is known of the values of a metric in a stretch of time: AWS's statistic set, and a sketch where percentiles are asked for.
package struct Distribution: Equatable, Sendable {
    package var count: UInt64
    package var sum: Double
    /// Of no meaning where `count` is 0.
    package var low: Double
    package var high: Double
    package var sketch: SparseSketch

    package init(count: UInt64 = 0, sum: Double = 0, low: Double = 0, high: Double = 0, sketch: SparseSketch = .init())
    {
        self.count = count
        self.sum = sum
        self.low = low
        self.high = high
        self.sketch = sketch
    }

    package mutating func add(_ other: Distribution) {
        guard other.count > 0 else { return }
        low = count == 0 ? other.low : min(low, other.low)
        high = count == 0 ? other.high : max(high, other.high)
        count &+= other.count
        sum += other.sum
        sketch.add(other.sketch)
    }
}

/// What GetMetricStatistics and GetMetricData say of a distribution.
package enum Statistic: Hashable, Sendable {
    case sampleCount, average, sum, minimum, maximum
    /// Above 0, up to 100.
    case percentile(Double)

    /// By AWS's name, such as `Average` or `p99.9`; nil for others.
    package init?(_ name: String) {
        switch name {
        case "SampleCount": self = .sampleCount
        case "Average": self = .average
        case "Sum": self = .sum
        case "Minimum": self = .minimum
        case "Maximum": self = .maximum
        default:
            let digits = name.utf8.dropFirst()
            guard name.utf8.first == UInt8(ascii: "p"), (1...13).contains(digits.count),
                digits.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }),
                digits.first != UInt8(ascii: "."), digits.last != UInt8(ascii: "."),
                let value = Double(String(name.dropFirst())), value > 0, value <= 100
            else { return nil }
            self = .percentile(value)
        }
    }

    /// nil where there is nothing to say.
    package func value(of values: Distribution) -> Double? {
        guard values.count > 0 else { return nil }
        switch self {
        case .sampleCount: return Double(values.count)
        case .average: return values.sum / Double(values.count)
        case .sum: return values.sum
        case .minimum: return values.low
        case .maximum: return values.high
        case .percentile(let share):
            // Without a sketch all values are one or two, a minute's least and largest.
            guard let value = values.sketch.percentile(share / 100) else { return values.high }
            return min(max(value, values.low), values.high)
        }
    }
}
