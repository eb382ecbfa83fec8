// SPDX-License-Identifier: Apache-2.0
import Foundation
import LambdaModel
import MetricCore
import MetricStore
import Testing

final class MetricStoreTests {
    private let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    init() throws { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private func point(
        _ key: SeriesKey,
        _ metric: FunctionMetric = .duration,
        _ values: Double...
    ) -> MetricStore.Point {
        let series = MetricRegistry().series(key.function)
        for value in values { series.record(metric, value) }
        return MetricStore.Point(key, metric, series.recent(metric))
    }

    private func filter(
        _ qualifier: String? = nil,
        version: String? = nil,
        account: String = "000000000000"
    ) -> MetricStore.Filter {
        MetricStore.Filter(
            accountID: account,
            region: "us-east-1",
            level: .resource,
            function: "f",
            qualifier: qualifier,
            version: version
        )
    }

    @Test func `values come back as they were, also to the next process, and those of one minute are added up`()
        async throws
    {
        let live = SeriesKey(function, qualifier: "live", version: "3")
        let plain = SeriesKey(function, version: "$LATEST")
        do {
            let store = try MetricStore(directory: directory)
            try await store.append([point(live, .duration, 10, 20), point(plain, .duration, 5)], minute: 100)
            try await store.append([point(live, .errors, 1)], minute: 100)
        }
        let store = try MetricStore(directory: directory)
        try await store.append([point(live, .duration, 40)], minute: 100)
        try await store.append([point(live, .duration, 1)], minute: 101)
        let all = try await store.values(of: .duration, filter(), minutes: 100..<101)
        #expect(all.count == 1 && all[100]?.count == 4 && all[100]?.sum == 75)
        #expect(all[100]?.low == 5 && all[100]?.high == 40)
        let median = try #require(all[100].flatMap { $0.sketch.percentile(0.5) })
        #expect(abs(median - 10) < 0.2)
        #expect(
            try await store.values(of: .duration, filter("live"), minutes: 0..<200).mapValues(\.count) == [
                100: 3, 101: 1,
            ]
        )
        #expect(try await store.values(of: .duration, filter("", version: "$LATEST"), minutes: 0..<200)[100]?.sum == 5)
        #expect(try await store.values(of: .duration, filter("other"), minutes: 0..<200).isEmpty)
        #expect(try await store.values(of: .duration, filter(account: "111111111111"), minutes: 0..<200).isEmpty)
        let listed = try await store.list(accountID: "000000000000", region: "us-east-1", since: 101)
        #expect(listed.map(\.key) == [live] && listed.map(\.metric) == [.duration])
    }

    @Test func `what is too old goes, and the oldest of what is too much`() async throws {
        let store = try MetricStore(directory: directory, rowsMax: 20)
        let key = SeriesKey(function, version: "$LATEST")
        for minute in Int64(0)..<50 { try await store.append([point(key, .invocations, 1)], minute: minute) }
        try await store.trim(before: 10)
        let kept = try await store.values(of: .invocations, filter(), minutes: 0..<100).keys.sorted()
        #expect(kept.count <= 20 && kept.count >= 18 && kept.last == 49)
        try await store.trim(before: 50)
        #expect(try await store.list(accountID: "000000000000", region: "us-east-1", since: 0).isEmpty)
    }

    @Test func `what only Prometheus is told is not kept`() async throws {
        let store = try MetricStore(directory: directory)
        try await store.append([point(SeriesKey(function), .billedDuration, 1)], minute: 1)
        #expect(try await store.list(accountID: "000000000000", region: "us-east-1", since: 0).isEmpty)
    }
}
