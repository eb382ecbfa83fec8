// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetricCore
import MetricStore

/// Of which metric values are asked for.
struct MetricQuery: Equatable {
    /// nil for a metric that there is not, of which there are no values.
    let metric: FunctionMetric?
    let dimensions: [String: String]

    init(namespace: String, name: String, dimensions: [String: String], unit: String?) {
        metric = FunctionMetric(awsName: name).flatMap { metric in
            metric.namespace == namespace && (unit == nil || unit == metric.unit.rawValue) ? metric : nil
        }
        self.dimensions = dimensions
    }

    /// nil where no series has exactly such dimensions.
    func filter(_ caller: CloudWatchCaller) -> MetricStore.Filter? {
        var rest = dimensions
        let (function, resource) = (rest.removeValue(forKey: "FunctionName"), rest.removeValue(forKey: "Resource"))
        let version = rest.removeValue(forKey: "ExecutedVersion")
        guard let metric, rest.isEmpty else { return nil }
        var filter = MetricStore.Filter(accountID: caller.accountID, region: caller.region, level: .resource)
        switch (function, resource, version) {
        case (nil, nil, nil): if metric.isOfLevels { filter.level = .account }
        case (let function?, nil, nil):
            filter.function = function
            if metric.isOfLevels { filter.level = .function }
        case (let function?, let resource?, _):
            filter.function = function
            filter.version = version
            if resource == function {
                filter.qualifier = ""
            } else if resource.hasPrefix(function + ":") {
                filter.qualifier = String(resource.dropFirst(function.count + 1))
            } else {
                return nil
            }
        default: return nil
        }
        return filter
    }
}

/// A metric with dimensions, as ListMetrics shows it.
struct MetricName: Hashable {
    struct Dimension: Hashable {
        var name: String
        var value: String
    }

    var metric: FunctionMetric
    var dimensions: [Dimension]

    /// All under which AWS publishes the values of a series.
    static func dimensions(of key: SeriesKey, _ metric: FunctionMetric) -> [[Dimension]] {
        let function = Dimension(name: "FunctionName", value: key.function.name)
        let resource = [function, Dimension(name: "Resource", value: key.resource)]
        let executed = key.version.isEmpty ? [] : [resource + [Dimension(name: "ExecutedVersion", value: key.version)]]
        switch key.level {
        case .account: return metric.isOfLevels ? [[]] : []
        case .function: return metric.isOfLevels ? [[function]] : []
        case .resource: return (metric.isOfLevels ? [] : [[], [function]]) + [resource] + executed
        }
    }

    var order: String {
        ([metric.awsName ?? ""] + dimensions.flatMap { [$0.name, $0.value] }).joined(separator: "\u{0}")
    }

    var value: CloudWatchValue {
        let texts = dimensions.map { dimension in
            CloudWatchValue.structure([
                .init("Name", .text(dimension.name)), .init("Value", .text(dimension.value)),
            ])
        }
        return .structure([
            .init("Namespace", .text(metric.namespace)), .init("MetricName", .text(metric.awsName ?? "")),
            .init("Dimensions", .list(texts)),
        ])
    }
}

/// Minutes since 1970, in periods of whole minutes that begin with the first of them.
struct TimeStretch: Equatable {
    var start: Int64
    /// The first that is not asked for.
    var end: Int64
    /// Minutes.
    var period: Int64

    var count: Int64 { (end - start + period - 1) / period }

    /// What of it is in those minutes; nil where nothing is.
    func clamped(to minutes: Range<Int64>) -> TimeStretch? {
        guard end > minutes.lowerBound, start < minutes.upperBound else { return nil }
        var stretch = self
        stretch.start = max(start, minutes.lowerBound)
        stretch.end = min(end, minutes.upperBound)
        return stretch
    }

    init(from start: Timestamp, to end: Timestamp, period seconds: Int) throws(CloudWatchError) {
        guard seconds > 0, seconds % 60 == 0, seconds <= 86_400 * 365 else {
            throw CloudWatchError(
                .invalidParameterValue,
                "The parameter Period must be a multiple of 60: values are kept by the minute."
            )
        }
        guard start < end else {
            throw CloudWatchError(
                .invalidParameterValue,
                "The parameter StartTime must be less than the parameter EndTime."
            )
        }
        self.start = start.minute
        self.end = end.millisecondsSinceEpoch % 60_000 == 0 ? end.minute : end.minute + 1
        period = Int64(seconds / 60)
    }
}

extension Statistic {
    var isPercentile: Bool {
        if case .percentile = self { true } else { false }
    }
}
