// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetricCore
import MetricStore

/// CloudWatch's operations on the metrics of functions.
extension MetricsService {
    /// AWS's: points of one GetMetricStatistics and of one GetMetricData, queries of the latter, entries of one ListMetrics.
    static let statisticsPointsMax: Int64 = 1_440
    static let dataPointsMax = 100_800
    static let queriesMax = 500
    static let listMax = 500

    /// Does what an operation asks for.
    ///
    /// - Throws: `CloudWatchError` for every refusal.
    package func perform(
        _ operation: CloudWatchOperation,
        _ input: CloudWatchInput,
        _ caller: CloudWatchCaller
    ) async throws -> [CloudWatchValue.Member] {
        switch operation {
        case .listMetrics: try await listMetrics(input, caller)
        case .getMetricStatistics: try await metricStatistics(input, caller)
        case .getMetricData: try await metricData(input, caller)
        }
    }

    // MARK: - ListMetrics

    private func listMetrics(
        _ input: CloudWatchInput,
        _ caller: CloudWatchCaller
    ) async throws -> [CloudWatchValue.Member] {
        let (namespace, name) = (try input.text("Namespace"), try input.text("MetricName"))
        var wanted: [(name: String, value: String?)] = []
        for filter in try input.structures("Dimensions") {
            wanted.append((try filter.required("Name"), try filter.text("Value")))
        }
        let recently = try input.text("RecentlyActive")
        guard recently == nil || recently == "PT3H" else {
            throw CloudWatchError(.invalidParameterValue, "The parameter RecentlyActive must be PT3H.")
        }
        let token = try input.text("NextToken")
        guard let start = Self.place(token) else {
            throw CloudWatchError(.invalidParameterValue, "The parameter NextToken is invalid.")
        }
        guard namespace.map({ FunctionMetric.namespaces.contains($0) }) ?? true else {
            return [.init("Metrics", .list([]))]
        }
        let since = recently == nil ? keptMinutes.lowerBound : now().minute - 180
        let known = try await list(accountID: caller.accountID, region: caller.region, since: since)
        var found: Set<MetricName> = []
        for (key, metric) in known where name == nil || metric.awsName == name {
            guard namespace == nil || metric.namespace == namespace else { continue }
            for dimensions in MetricName.dimensions(of: key, metric) {
                let isMeant = wanted.allSatisfy { filter in
                    dimensions.contains { $0.name == filter.name && (filter.value == nil || $0.value == filter.value) }
                }
                if isMeant { found.insert(MetricName(metric: metric, dimensions: dimensions)) }
            }
        }
        let sorted = found.sorted { $0.order < $1.order }
        var answer: [CloudWatchValue.Member] = [
            .init("Metrics", .list(sorted.dropFirst(start).prefix(Self.listMax).map(\.value)))
        ]
        if start + Self.listMax < sorted.count { answer.append(.init("NextToken", .text("\(start + Self.listMax)"))) }
        return answer
    }

    // MARK: - GetMetricStatistics

    private func metricStatistics(
        _ input: CloudWatchInput,
        _ caller: CloudWatchCaller
    ) async throws -> [CloudWatchValue.Member] {
        let namespace = try input.required("Namespace")
        let name = try input.required("MetricName")
        let dimensions = try input.dimensions("Dimensions")
        let names = try input.texts("Statistics")
        let extended = try input.texts("ExtendedStatistics")
        guard !names.isEmpty || !extended.isEmpty else {
            throw CloudWatchError(
                .invalidParameterCombination,
                "At least one of the parameters Statistics and ExtendedStatistics must be specified."
            )
        }
        var statistics: [(name: String, statistic: Statistic)] = []
        for name in names {
            guard let statistic = Statistic(name), !statistic.isPercentile else {
                throw CloudWatchError(
                    .invalidParameterValue,
                    "The value \(name.prefix(64)) for parameter Statistics is not one of SampleCount, Average, Sum, "
                        + "Minimum, Maximum."
                )
            }
            statistics.append((name, statistic))
        }
        var percentiles: [(name: String, statistic: Statistic)] = []
        for name in extended {
            guard let statistic = Statistic(name), statistic.isPercentile else { throw Self.noStatistic(name) }
            percentiles.append((name, statistic))
        }
        guard let period = try input.integer("Period") else { throw input.missing("Period") }
        let stretch = try TimeStretch(from: input.time("StartTime"), to: input.time("EndTime"), period: period)
        guard stretch.count <= Self.statisticsPointsMax else {
            throw CloudWatchError(
                .invalidParameterCombination,
                "You have requested up to \(stretch.count) datapoints, which exceeds the limit of "
                    + "\(Self.statisticsPointsMax). You may reduce the datapoints requested by increasing Period, or "
                    + "decreasing the time range."
            )
        }
        var points: [CloudWatchValue] = []
        let query = MetricQuery(namespace: namespace, name: name, dimensions: dimensions, unit: try input.text("Unit"))
        for (time, values) in try await distributions(query, stretch, caller) {
            var members: [CloudWatchValue.Member] = [.init("Timestamp", .time(time))]
            for (name, statistic) in statistics {
                if let value = statistic.value(of: values) { members.append(.init(name, .number(value))) }
            }
            members.append(.init("Unit", .text(query.metric?.unit.rawValue ?? "None")))
            let texts = percentiles.compactMap { name, statistic in
                statistic.value(of: values).map { CloudWatchValue.Member(name, .number($0)) }
            }
            if !texts.isEmpty { members.append(.init("ExtendedStatistics", .map(texts))) }
            points.append(.structure(members))
        }
        return [.init("Label", .text(name)), .init("Datapoints", .list(points))]
    }

    private static func noStatistic(_ name: String) -> CloudWatchError {
        CloudWatchError(
            .invalidParameterValue,
            "The statistic \(name.prefix(64)) is not available in this version of Martlet: it has SampleCount, Average, "
                + "Sum, Minimum, Maximum, and percentiles such as p99 or p99.9."
        )
    }

    // MARK: - GetMetricData

    private struct DataQuery {
        var id: String
        var label: String
        var query: MetricQuery
        var statistic: Statistic
        var stretch: TimeStretch
    }

    private func metricData(
        _ input: CloudWatchInput,
        _ caller: CloudWatchCaller
    ) async throws -> [CloudWatchValue.Member] {
        let inputs = try input.structures("MetricDataQueries")
        guard (1...Self.queriesMax).contains(inputs.count) else {
            throw CloudWatchError(
                .validation,
                "The parameter MetricDataQueries must have 1 to \(Self.queriesMax) entries."
            )
        }
        let (start, end) = (try input.time("StartTime"), try input.time("EndTime"))
        let scan = try input.text("ScanBy") ?? "TimestampDescending"
        guard ["TimestampDescending", "TimestampAscending"].contains(scan) else {
            throw CloudWatchError(.validation, "ScanBy must be TimestampDescending or TimestampAscending.")
        }
        let pointsMax = try input.integer("MaxDatapoints") ?? Self.dataPointsMax
        guard (1...Self.dataPointsMax).contains(pointsMax) else {
            throw CloudWatchError(.validation, "MaxDatapoints must be from 1 to \(Self.dataPointsMax).")
        }
        let token = try input.text("NextToken")
        guard var skipped = Self.place(token) else {
            throw CloudWatchError(.invalidNextToken, "The specified nextToken is invalid.")
        }
        let offset = skipped
        var queries: [DataQuery] = []
        var ids: Set<String> = []
        for each in inputs {
            guard let query = try dataQuery(each, start, end, &ids) else { continue }
            queries.append(query)
        }
        let kept = keptMinutes
        let asked = queries.reduce(Int64(0)) { $0 + ($1.stretch.clamped(to: kept)?.count ?? 0) }
        guard asked <= Self.dataPointsMax else {
            throw CloudWatchError(
                .validation,
                "The queries ask for up to \(asked) data points, which exceeds the limit of \(Self.dataPointsMax): "
                    + "increase Period, or decrease the time range."
            )
        }
        var left = pointsMax
        var isCut = false
        var results: [CloudWatchValue] = []
        for each in queries {
            var points: [(time: Timestamp, value: Double)] = []
            if left > 0 {
                points = try await distributions(each.query, each.stretch, caller).compactMap { time, values in
                    each.statistic.value(of: values).map { (time, $0) }
                }
            } else {
                isCut = true
            }
            if scan == "TimestampDescending" { points.reverse() }
            let passed = min(skipped, points.count)
            skipped -= passed
            let shown = points.dropFirst(passed).prefix(left)
            let isPartial = passed + shown.count < points.count || (left == 0 && isCut)
            if isPartial { isCut = true }
            left -= shown.count
            results.append(
                .structure([
                    .init("Id", .text(each.id)), .init("Label", .text(each.label)),
                    .init("Timestamps", .list(shown.map { .time($0.time) })),
                    .init("Values", .list(shown.map { .number($0.value) })),
                    .init("StatusCode", .text(isPartial ? "PartialData" : "Complete")),
                ])
            )
        }
        var answer: [CloudWatchValue.Member] = [
            .init("MetricDataResults", .list(results)), .init("Messages", .list([])),
        ]
        if isCut { answer.append(.init("NextToken", .text("\(offset + pointsMax)"))) }
        return answer
    }

    /// nil for what is not to be shown.
    private func dataQuery(
        _ input: CloudWatchInput,
        _ start: Timestamp,
        _ end: Timestamp,
        _ ids: inout Set<String>
    ) throws(CloudWatchError) -> DataQuery? {
        let id = try input.required("Id")
        guard let first = id.utf8.first, (97...122).contains(first),
            id.utf8.allSatisfy({ (97...122).contains($0 | 0x20) || (48...57).contains($0) || $0 == UInt8(ascii: "_") })
        else {
            throw CloudWatchError(
                .validation,
                "The value \(id.prefix(64)) for parameter \(input.path)Id is not matching the expected pattern "
                    + "^[a-z][a-zA-Z0-9_]*$."
            )
        }
        guard ids.insert(id).inserted else {
            throw CloudWatchError(.validation, "The values for parameter id in MetricDataQueries are not unique.")
        }
        guard try input.text("Expression", max: 2_048) == nil else {
            throw CloudWatchError(
                .validation,
                "\(input.path)Expression: metric math and Metrics Insights are not available in this version of Martlet; ask "
                    + "for each metric by MetricStat."
            )
        }
        guard let wanted = try input.structure("MetricStat") else { throw input.missing("MetricStat") }
        guard let metric = try wanted.structure("Metric") else { throw wanted.missing("Metric") }
        guard let period = try wanted.integer("Period") else { throw wanted.missing("Period") }
        let name = try metric.required("MetricName")
        let query = MetricQuery(
            namespace: try metric.required("Namespace"),
            name: name,
            dimensions: try metric.dimensions("Dimensions"),
            unit: try wanted.text("Unit")
        )
        let statisticName = try wanted.required("Stat")
        guard let statistic = Statistic(statisticName) else { throw Self.noStatistic(statisticName) }
        let found = DataQuery(
            id: id,
            label: try input.text("Label") ?? name,
            query: query,
            statistic: statistic,
            stretch: try TimeStretch(from: start, to: end, period: period)
        )
        return try input.flag("ReturnData") == false ? nil : found
    }

    // MARK: - Values

    /// Those of which there may be values, a day from now as well: a clock that was set back has been there.
    private var keptMinutes: Range<Int64> {
        let minute = now().minute
        return minute - MetricStore.keptFor.components.seconds / 60..<minute + 1_440
    }

    /// Where a listing goes on: no answer has a token beyond this bound.
    private static func place(_ token: String?) -> Int? {
        guard let token else { return 0 }
        return Int(token).flatMap { (0...1 << 32).contains($0) ? $0 : nil }
    }

    /// By period, the oldest first; those without values are left out.
    private func distributions(
        _ query: MetricQuery,
        _ stretch: TimeStretch,
        _ caller: CloudWatchCaller
    ) async throws -> [(time: Timestamp, values: Distribution)] {
        guard let metric = query.metric, let filter = query.filter(caller) else { return [] }
        guard let kept = stretch.clamped(to: keptMinutes) else { return [] }
        let minutes = kept.start..<kept.end
        var periods: [Int64: Distribution] = [:]
        for (minute, values) in try await values(of: metric, filter, minutes: minutes) {
            periods[(minute - stretch.start) / stretch.period, default: Distribution()].add(values)
        }
        return periods.sorted { $0.key < $1.key }.map { number, values in
            let minute = stretch.start + number * stretch.period
            return (Timestamp(millisecondsSinceEpoch: minute * 60_000), values)
        }
    }
}
