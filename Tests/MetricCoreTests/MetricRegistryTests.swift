// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetricCore
import Testing

extension FunctionKey {
    static let test = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    static func numbered(_ number: Int) -> FunctionKey {
        FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f\(number)")
    }
}

struct MetricRegistryTests {
    @Test func `what is beyond the bound is counted under one name, and nothing is lost`() {
        // Two for each function.
        let registry = MetricRegistry(seriesMax: 6)
        for number in 0..<10 {
            registry.series(.numbered(number)).record(.invocations)
            registry.series(.numbered(number)).record(.invocations)
        }
        let counts = Dictionary(
            uniqueKeysWithValues: registry.all.filter { $0.key.level == .resource }
                .map { ($0.key.function.name, $0.totals[FunctionMetric.invocations.rawValue].sum) }
        )
        #expect(counts == ["f0": 2, "f1": 2, "f2": 2, "(other)": 14])
        #expect(registry.count == 6)
        // What has no series of its own is in hand of the account all the same.
        registry.series(.numbered(9)).entered()
        let account = registry.all.first { $0.key.level == .account }
        #expect(account?.totals[FunctionMetric.concurrentExecutions.rawValue].last == 1)
    }

    @Test func `a minute's values are taken once, and what is in hand is there in the next`() throws {
        let series = MetricRegistry().series(.test, qualifier: "live", version: "3")
        series.entered()
        series.entered()
        series.left()
        series.invocationEnded(.init(isError: true, duration: 12.5, billed: 13, initialization: 80, sentBytes: 5))
        let first = Dictionary(uniqueKeysWithValues: series.take().map { ($0.metric, $0.values) })
        #expect(first[.concurrentExecutions]?.high == 2 && first[.errors]?.sum == 1 && first[.invocations]?.count == 1)
        #expect(first[.duration]?.sum == 12.5)
        #expect(first[.initDuration]?.count == 1 && first[.initDuration]?.sum == 80)
        // What CloudWatch's API does not have is not kept for it.
        #expect(first[.billedDuration] == nil && first[.egressBytes] == nil)
        let second = series.take()
        #expect(second.count == 1 && second.first?.metric == .concurrentExecutions)
        #expect(second.first?.values == Distribution(count: 1, sum: 1, low: 1, high: 1))
        // For Prometheus nothing is ever taken away.
        #expect(series.totals[FunctionMetric.duration.rawValue].sum == 12.5)
        #expect(series.totals[FunctionMetric.concurrentExecutions.rawValue].last == 1)
    }

    @Test func `a function's and an account's concurrency are those of all that is invoked of them`() {
        let registry = MetricRegistry()
        let others = [
            registry.series(.test), registry.series(.test, qualifier: "1", version: "1"), registry.series(.numbered(1)),
        ]
        for series in others { series.entered() }
        func inHand(_ level: SeriesKey.Level, _ name: String) -> Double? {
            registry.all.first { $0.key.level == level && $0.key.function.name == name }?
                .totals[FunctionMetric.concurrentExecutions.rawValue].last
        }
        #expect(inHand(.function, "f") == 2 && inHand(.function, "f1") == 1 && inHand(.account, "") == 3)
        for series in others { series.left() }
        #expect(inHand(.function, "f") == 0 && inHand(.account, "") == 0)
    }

    @Test func `provisioned concurrency is counted with its share in use`() {
        let series = MetricRegistry().series(.test, qualifier: "live", version: "1")
        series.enteredProvisioned(of: 4)
        series.enteredProvisioned(of: 4)
        series.leftProvisioned()
        let totals = series.totals
        #expect(totals[FunctionMetric.provisionedConcurrentExecutions.rawValue].last == 1)
        #expect(totals[FunctionMetric.provisionedConcurrencyUtilization.rawValue].last == 0.5)
        #expect(totals[FunctionMetric.provisionedConcurrencyInvocations.rawValue].sum == 2)
    }

    @Test func `functions that nobody asks for make room, unless something of them is in hand`() {
        let registry = MetricRegistry(seriesMax: 6)
        registry.series(.numbered(0), qualifier: "live", version: "1").record(.invocations)
        registry.series(.numbered(1)).entered()
        for _ in 0..<MetricRegistry.unusedMinutes - 1 { registry.passMinute() }
        registry.series(.numbered(2)).record(.invocations)
        #expect(registry.count == 6)
        registry.passMinute()
        #expect(Set(registry.all.map(\.key.function.name)) == ["", "f1", "f2"])
        registry.series(.numbered(3)).record(.invocations)
        #expect(registry.all.contains { $0.key.function.name == "f3" })
    }

    @Test func `a lag is the most of a function's mappings, as long as it is known`() {
        let registry = MetricRegistry()
        func set(_ mapping: String, _ value: Int?) {
            registry.setLag(.offsetLag, of: mapping, .test, qualifier: nil, to: value)
        }
        func lag() -> Double? {
            let total = registry.series(.test).totals[FunctionMetric.offsetLag.rawValue]
            return total.count > 0 ? total.last : nil
        }
        set("a", nil)
        #expect(registry.count == 0)
        set("a", 7)
        set("b", 3)
        #expect(lag() == 7)
        set("a", 0)
        #expect(lag() == 3)
        set("b", nil)
        #expect(lag() == 0)
        set("a", nil)
        #expect(lag() == nil)
        #expect(registry.series(.test).recent(.offsetLag).high == 7)
        #expect(registry.series(.test).totals[FunctionMetric.messagesWaiting.rawValue].count == 0)
    }

    @Test func `a lag that was counted under the other function goes with its mapping`() throws {
        let registry = MetricRegistry(seriesMax: 2)
        registry.series(.numbered(0)).record(.invocations)
        registry.setLag(.messagesWaiting, of: "a", .numbered(1), qualifier: "live", to: 5)
        let other = try #require(registry.all.first { $0.key.function.name == "(other)" })
        #expect(other.totals[FunctionMetric.messagesWaiting.rawValue].last == 5)
        registry.setLag(.messagesWaiting, of: "a", .numbered(1), qualifier: "live", to: nil)
        #expect(other.totals[FunctionMetric.messagesWaiting.rawValue].count == 0)
    }

    @Test func `an iterator's age is told while batches are sent`() {
        let series = MetricRegistry().series(.test)
        func isTold() -> Bool { series.totals[FunctionMetric.iteratorAge.rawValue].count > 0 }
        series.record(.iteratorAge, 1_000)
        for _ in 0..<5 { _ = series.take() }
        #expect(isTold())
        _ = series.take()
        #expect(!isTold())
        series.record(.iteratorAge, 2_000)
        _ = series.take()
        #expect(isTold())
    }
}
