// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// A text in Prometheus's exposition format, version 0.0.4.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/
package struct Exposition {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Begins a metric: what follows are its samples.
    package mutating func begin(_ metric: MetricDefinition) {
        bytes += "# HELP \(metric.name) \(Self.escaped(metric.help, quotes: false))\n".utf8
        bytes += "# TYPE \(metric.name) \(metric.kind.rawValue)\n".utf8
    }

    /// `labels` are the values of the metric's labels, in their order.
    package mutating func add(_ metric: MetricDefinition, _ labels: [String], _ value: Double) {
        add(metric, text: Self.text(metric.labels, labels), value)
    }

    package mutating func add(_ metric: MetricDefinition, _ labels: [String], _ histogram: Histogram) {
        add(metric, text: Self.text(metric.labels, labels), histogram)
    }

    private mutating func add(_ metric: MetricDefinition, text labels: String, _ value: Double) {
        line(metric.name, labels, Self.text(value))
    }

    private mutating func add(_ metric: MetricDefinition, text labels: String, _ histogram: Histogram) {
        let others = labels.isEmpty ? "" : labels + ","
        var count: UInt64 = 0
        for (index, bucket) in histogram.counts.enumerated() {
            count += bucket
            let bound = index < histogram.bounds.count ? Self.text(histogram.bounds[index]) : "+Inf"
            line(metric.name + "_bucket", others + "le=\"\(bound)\"", String(count))
        }
        line(metric.name + "_sum", labels, Self.text(histogram.sum))
        line(metric.name + "_count", labels, String(count))
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        bytes += name.utf8
        if !labels.isEmpty { bytes += "{\(labels)}".utf8 }
        bytes += " \(value)\n".utf8
    }

    private static func text(_ names: [String], _ values: [String]) -> String {
        zip(names, values).map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whole numbers without a point.
    package static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { String($0) } ?? String(value)
    }
}

extension Exposition {
    /// The metrics of functions; those that were never measured are named without a sample, but for counters of what is known: their first
    /// step is from 0.
    package mutating func add(_ series: [FunctionSeries]) {
        let all = series.map { series -> (key: SeriesKey, totals: [FunctionSeries.Total], labels: String) in
            let key = series.key
            let labels = [key.function.accountID, key.function.region, key.function.name, key.resource, key.version]
            let metric: FunctionMetric = key.level == .function ? .concurrentExecutions : .invocations
            return (key, series.totals, Self.text(metric.definition.labels, labels))
        }
        for metric in FunctionMetric.allCases {
            let definition = metric.definition
            begin(definition)
            let scale = metric.unit == .milliseconds ? 1_000.0 : 1
            for (key, totals, labels) in all where key.level == (metric.isOfLevels ? .function : .resource) {
                let total = totals[metric.rawValue]
                guard total.count > 0 || definition.kind == .counter else { continue }
                if let histogram = total.histogram {
                    add(definition, text: labels, histogram)
                } else {
                    add(definition, text: labels, (definition.kind == .gauge ? total.last : total.sum) / scale)
                }
            }
        }
    }

    /// Values of the server's own metrics, in the order of `ServerMetric`.
    package mutating func add(_ values: ServerValues) {
        for metric in ServerMetric.allCases {
            let definition = metric.definition
            begin(definition)
            for (labels, value) in values.numbers[metric] ?? [] { add(definition, labels, value) }
            for (labels, histogram) in values.histograms[metric] ?? [] { add(definition, labels, histogram) }
        }
    }
}

/// What is measured of the server itself, at one moment.
package struct ServerValues: Sendable {
    package private(set) var numbers: [ServerMetric: [(labels: [String], value: Double)]] = [:]
    package private(set) var histograms: [ServerMetric: [(labels: [String], value: Histogram)]] = [:]

    package init() {}

    package mutating func set(_ metric: ServerMetric, _ labels: String..., to value: some BinaryInteger) {
        numbers[metric, default: []].append((labels, Double(value)))
    }

    package mutating func set(_ metric: ServerMetric, _ labels: String..., to value: Double) {
        numbers[metric, default: []].append((labels, value))
    }

    package mutating func set(_ metric: ServerMetric, _ labels: String..., to value: Histogram) {
        histograms[metric, default: []].append((labels, value))
    }
}

extension Duration {
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }

    package var inMilliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }
}
