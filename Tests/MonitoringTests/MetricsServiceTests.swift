// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel
import Logging
import MetricCore
import MetricStore
import Synchronization
import Testing

@testable import Monitoring

/// CloudWatch's operations over a store in a directory of its own, at a time that the test sets.
final class MetricsServiceTests {
    private static let caller = CloudWatchCaller(accountID: "000000000000", region: "us-east-1")
    /// 2025-11-24T23:12:00Z.
    private static let start: Int64 = 1_764_025_920
    private let directory = NSTemporaryDirectory() + "martlet-\(UUID().uuidString)"
    private let registry = MetricRegistry()
    private let clock = Clock()
    private let service: MetricsService
    private let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")

    private final class Clock: Sendable {
        let seconds = Mutex(MetricsServiceTests.start)
        var now: Timestamp { Timestamp(millisecondsSinceEpoch: seconds.withLock { $0 } * 1_000) }
        func pass(_ count: Int64) { seconds.withLock { $0 += count } }
    }

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        service = MetricsService(
            registry: registry,
            store: try MetricStore(directory: directory),
            now: { [clock] in clock.now },
            clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Three minutes of an alias, the last of which is not stored yet.
    private func fill() async {
        let series = registry.series(function, qualifier: "live", version: "2")
        for minute in 0..<3 {
            for number in 1...10 {
                series.entered()
                let duration = Double(minute * 100 + number)
                series.invocationEnded(.init(isError: number == 1, duration: duration, billed: duration))
                series.left()
            }
            guard minute < 2 else { break }
            clock.pass(60)
            await service.flush()
        }
        registry.series(function, version: "$LATEST").record(.throttles)
    }

    private func ask(_ operation: CloudWatchOperation, _ json: String) async throws -> JSONValue {
        let input = try CloudWatchProtocol.json.input(Array(json.utf8))
        let answer = try await service.perform(operation, CloudWatchInput(input), Self.caller)
        return try JSONValue(parsing: CloudWatchProtocol.json.bytes(of: answer, operation, requestID: ""))
    }

    private func refusal(_ operation: CloudWatchOperation, _ json: String) async -> CloudWatchError? {
        do {
            _ = try await ask(operation, json)
            return nil
        } catch {
            return error as? CloudWatchError
        }
    }

    private static func statistics(_ metric: String, _ rest: String, minutes: Int64 = 3) -> String {
        """
        {"Namespace":"AWS/Lambda","MetricName":"\(metric)","StartTime":\(start),"EndTime":\(start + minutes * 60),\(rest)}
        """
    }

    @Test func `statistics are those of stored minutes and of the one that runs`() async throws {
        await fill()
        let name = #""Dimensions":[{"Name":"FunctionName","Value":"f"}]"#
        let answer = try await ask(
            .getMetricStatistics,
            Self.statistics(
                "Duration",
                name
                    + #","Period":60,"Statistics":["Sum","SampleCount","Minimum","Maximum","Average"],"ExtendedStatistics":["p90"]"#
            )
        )
        #expect(answer["Label"] == .string("Duration"))
        let points = try #require(answer["Datapoints"]?.array)
        #expect(points.count == 3)
        let last = points[2]
        #expect(last["Timestamp"] == .number("\(Self.start + 120).000") && last["Unit"] == .string("Milliseconds"))
        #expect(last["Sum"] == .number("2055.0") && last["SampleCount"] == .number("10.0"))
        #expect(last["Minimum"] == .number("201.0") && last["Maximum"] == .number("210.0"))
        guard case .number(let digits)? = last["ExtendedStatistics"]?["p90"], let share = Double(digits) else {
            Issue.record("no p90")
            return
        }
        #expect(abs(share - 209) < 2.1)
        let whole = try await ask(
            .getMetricStatistics,
            Self.statistics("Errors", name + #","Period":180,"Statistics":["Sum","Average"],"Unit":"Count""#)
        )
        #expect(whole["Datapoints"]?.array?.count == 1)
        #expect(whole["Datapoints"]?.array?.first?["Sum"] == .number("3.0"))
        #expect(whole["Datapoints"]?.array?.first?["Average"] == .number("0.1"))
    }

    @Test(
        arguments: [
            (#"[]"#, 10.0), (#"[{"Name":"FunctionName","Value":"f"}]"#, 10),
            (#"[{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"f:live"}]"#, 10),
            (
                #"[{"Name":"ExecutedVersion","Value":"2"},{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"f:live"}]"#,
                10
            ),
            (#"[{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"f"}]"#, nil),
            (#"[{"Name":"FunctionName","Value":"g"}]"#, nil), (#"[{"Name":"Resource","Value":"f:live"}]"#, nil),
            (#"[{"Name":"FunctionName","Value":"f"},{"Name":"Color","Value":"red"}]"#, nil),
            (#"[{"Name":"FunctionName","Value":"f"},{"Name":"Resource","Value":"g:live"}]"#, nil),
        ] as [(String, Double?)]
    )
    func `dimensions are AWS's, and all of them count`(_ dimensions: String, _ expected: Double?) async throws {
        await fill()
        let answer = try await ask(
            .getMetricStatistics,
            Self.statistics(
                "Invocations",
                #""Dimensions":\#(dimensions),"Period":60,"Statistics":["Sum"]"#,
                minutes: 1
            )
        )
        let sums = answer["Datapoints"]?.array?.compactMap { $0["Sum"] }
        #expect(sums == expected.map { [.number("\($0)")] } ?? [])
    }

    @Test func `concurrency is the function's and the account's own, and other accounts see nothing`() async throws {
        await fill()
        for dimensions in ["[]", #"[{"Name":"FunctionName","Value":"f"}]"#] {
            let answer = try await ask(
                .getMetricStatistics,
                Self.statistics(
                    "ConcurrentExecutions",
                    #""Dimensions":\#(dimensions),"Period":180,"Statistics":["Maximum","SampleCount"]"#
                )
            )
            let point = answer["Datapoints"]?.array?.first
            #expect(point?["Maximum"] == .number("1.0") && point?["SampleCount"] == .number("30.0"), "\(dimensions)")
        }
        let input = try CloudWatchProtocol.json.input(Array("{}".utf8))
        let others = try await service.perform(
            .listMetrics,
            CloudWatchInput(input),
            CloudWatchCaller(accountID: "111111111111", region: "us-east-1")
        )
        #expect(others == [.init("Metrics", .list([]))])
    }

    @Test func `initialisations have a namespace of their own, and percentiles`() async throws {
        let series = registry.series(function, version: "$LATEST")
        for number in 1...4 {
            let initialization = number > 1 ? Double(number * 100) : nil
            series.invocationEnded(.init(isError: false, duration: 1, billed: 1, initialization: initialization))
        }
        clock.pass(60)
        await service.flush()
        let question = Self.statistics(
            "InitDuration",
            #""Dimensions":[{"Name":"FunctionName","Value":"f"}],"Period":180,"Statistics":["SampleCount"],"ExtendedStatistics":["p50"]"#
        )
        #expect(try await ask(.getMetricStatistics, question)["Datapoints"] == .array([]))
        let ours = try await ask(
            .getMetricStatistics,
            question.replacing("AWS/Lambda", with: FunctionMetric.initDuration.namespace)
        )
        let point = try #require(ours["Datapoints"]?.array?.first)
        #expect(point["SampleCount"] == .number("3.0"))
        guard case .number(let digits)? = point["ExtendedStatistics"]?["p50"], let median = Double(digits) else {
            Issue.record("no p50")
            return
        }
        #expect(abs(median - 300) < 3.1)
        let listed = try await ask(.listMetrics, #"{"Namespace":"Martlet/Lambda"}"#)["Metrics"]?.array ?? []
        #expect(listed.count == 4 && listed.allSatisfy { $0["Namespace"] == .string("Martlet/Lambda") })
    }

    private static func query(_ id: String, _ stat: String, _ period: Int = 60, _ more: String = "") -> String {
        #"{"Id":"\#(id)","MetricStat":{"Metric":{"Namespace":"AWS/Lambda","MetricName":"Invocations"},"#
            + #""Period":\#(period),"Stat":"\#(stat)"}\#(more)}"#
    }

    private static func data(_ queries: [String], _ more: String = "") -> String {
        #"{"MetricDataQueries":[\#(queries.joined(separator: ","))],"StartTime":\#(start),"EndTime":\#(start + 180)\#(more)}"#
    }

    @Test func `GetMetricData answers several queries, newest first unless told otherwise, and by pages`() async throws
    {
        await fill()
        let queries = [
            Self.query("a", "Sum"), Self.query("b", "SampleCount", 180, #","Label":"all""#),
            Self.query("c", "Sum", 60, #","ReturnData":false"#),
        ]
        let answer = try await ask(.getMetricData, Self.data(queries))
        let results = try #require(answer["MetricDataResults"]?.array)
        #expect(results.map { $0["Id"] } == [.string("a"), .string("b")])
        #expect(results[0]["Timestamps"]?.array?.first == .number("\(Self.start + 120).000"))
        #expect(results[0]["Values"]?.text == "[10.0,10.0,10.0]" && results[1]["Values"]?.text == "[30.0]")
        #expect(results[1]["Label"] == .string("all") && results[0]["StatusCode"] == .string("Complete"))
        #expect(answer["NextToken"] == nil)
        let ascending = try await ask(.getMetricData, Self.data(queries, #","ScanBy":"TimestampAscending""#))
        #expect(
            ascending["MetricDataResults"]?.array?.first?["Timestamps"]?.array?.first == .number("\(Self.start).000")
        )
        var (seen, token, pages) = (0, "", 0)
        repeat {
            let page = try await ask(.getMetricData, Self.data(queries, #","MaxDatapoints":2"# + token))
            seen += page["MetricDataResults"]?.array?.reduce(0) { $0 + ($1["Values"]?.array?.count ?? 0) } ?? 0
            token = page["NextToken"]?.string.map { #","NextToken":"\#($0)""# } ?? ""
            pages += 1
        } while !token.isEmpty && pages < 10
        #expect(seen == 4 && pages == 2)
    }

    @Test func `ListMetrics shows each metric with each set of dimensions, filtered and by pages`() async throws {
        await fill()
        let all = try #require(try await ask(.listMetrics, #"{"Namespace":"AWS/Lambda"}"#)["Metrics"]?.array)
        // Invocations, Errors and Duration with four sets each, Throttles and ConcurrentExecutions.
        #expect(
            Set(all.compactMap { $0["MetricName"]?.string }) == [
                "ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles",
            ]
        )
        let named = try await ask(
            .listMetrics,
            #"{"MetricName":"Duration","Dimensions":[{"Name":"Resource","Value":"f:live"}]}"#
        )
        #expect(named["Metrics"]?.array?.count == 2)
        #expect(try await ask(.listMetrics, #"{"Namespace":"AWS/SQS"}"#)["Metrics"] == .array([]))
        for number in 0..<300 {
            registry.series(FunctionKey(accountID: "000000000000", region: "us-east-1", name: "g\(number)")).record(
                .throttles
            )
        }
        let first = try await ask(.listMetrics, #"{"MetricName":"Throttles"}"#)
        #expect(first["Metrics"]?.array?.count == 500)
        let token = try #require(first["NextToken"]?.string)
        let second = try await ask(.listMetrics, #"{"MetricName":"Throttles","NextToken":"\#(token)"}"#)
        #expect(second["NextToken"] == nil && (second["Metrics"]?.array?.count ?? 0) > 100)
    }

    @Test func `what can't be answered is refused with AWS's codes`() async {
        let period = #""Period":60"#
        let cases: [(CloudWatchOperation, String, String)] = [
            (.getMetricStatistics, "{}", "MissingParameter"),
            (.getMetricStatistics, Self.statistics("Errors", period), "InvalidParameterCombination"),
            (
                .getMetricStatistics, Self.statistics("Errors", #""Period":30,"Statistics":["Sum"]"#),
                "InvalidParameterValue"
            ),
            (
                .getMetricStatistics, Self.statistics("Errors", period + #","Statistics":["sum"]"#),
                "InvalidParameterValue"
            ),
            (
                .getMetricStatistics, Self.statistics("Errors", period + #","ExtendedStatistics":["tm99"]"#),
                "InvalidParameterValue"
            ),
            (
                .getMetricStatistics, Self.statistics("Errors", period + #","Statistics":["Sum"]"#, minutes: 1_441),
                "InvalidParameterCombination"
            ),
            (
                .getMetricStatistics, Self.statistics("Errors", period + #","Statistics":["Sum"]"#, minutes: 0),
                "InvalidParameterValue"
            ),
            (
                .getMetricStatistics, Self.statistics("Errors", period + #","Statistics":"Sum""#),
                "InvalidParameterValue"
            ),
            (.getMetricData, Self.data([]), "ValidationError"),
            (.getMetricData, Self.data([Self.query("A", "Sum")]), "ValidationError"),
            (.getMetricData, Self.data([Self.query("a", "Sum"), Self.query("a", "Sum")]), "ValidationError"),
            (.getMetricData, Self.data([#"{"Id":"a","Expression":"m1/m2"}"#]), "ValidationError"),
            (.getMetricData, Self.data([Self.query("a", "Nothing")]), "InvalidParameterValue"),
            (.getMetricData, Self.data([Self.query("a", "Sum")], #","NextToken":"x""#), "InvalidNextToken"),
            (.getMetricData, Self.data([Self.query("a", "Sum")], #","MaxDatapoints":0"#), "ValidationError"),
            (
                .getMetricData, Self.data([Self.query("a", "Sum")], #","NextToken":"9223372036854775807""#),
                "InvalidNextToken"
            ),
            (.listMetrics, #"{"NextToken":"9223372036854775807"}"#, "InvalidParameterValue"),
            (.listMetrics, #"{"NextToken":"-1"}"#, "InvalidParameterValue"),
            (.listMetrics, #"{"RecentlyActive":"PT4H"}"#, "InvalidParameterValue"),
            (.listMetrics, "[]", "MalformedInput"), (.listMetrics, "{", "MalformedInput"),
        ]
        for (operation, input, code) in cases {
            #expect(await refusal(operation, input)?.code == code, "\(input)")
        }
        let math = await refusal(.getMetricData, Self.data([#"{"Id":"a","Expression":"m1/m2"}"#]))
        #expect(math?.message.contains("metric math") == true)
    }

    @Test func `times far from now are no values, and no failure`() async throws {
        await fill()
        for (start, end) in [("0", "60"), ("-99999999999", "99999999999")] {
            let input =
                #"{"MetricDataQueries":[\#(Self.query("a", "Sum", 86_400))],"StartTime":\#(start),"EndTime":\#(end)}"#
            #expect(await refusal(.getMetricData, input) == nil)
        }
    }

    @Test func `more data points than one answer has are refused, whatever is kept of them`() async {
        let span = #""StartTime":\#(Self.start - 20_000 * 60),"EndTime":\#(Self.start)"#
        func ask(_ count: Int, _ period: Int) async -> CloudWatchError? {
            let queries = (0..<count).map { Self.query("q\($0)", "Sum", period) }.joined(separator: ",")
            return await refusal(.getMetricData, "{\"MetricDataQueries\":[\(queries)],\(span)}")
        }
        #expect(await ask(6, 60)?.code == "ValidationError")
        #expect(await ask(5, 60) == nil)
        #expect(await ask(50, 3_600) == nil)
    }

    /// Questions while a minute is stored find each value once.
    @Test func `a minute that is being stored is found once`() async throws {
        let (series, service) = (registry.series(function), service)
        for _ in 0..<30 {
            series.record(.invocations)
            clock.pass(60)
            async let flushed: Void = service.flush()
            async let first = service.values(of: .invocations, Self.all, minutes: 0..<1 << 40)
            async let second = service.values(of: .invocations, Self.all, minutes: 0..<1 << 40)
            let (one, two) = try await (first, second)
            await flushed
            let count = try await service.values(of: .invocations, Self.all, minutes: 0..<1 << 40).values.reduce(0) {
                $0 + $1.count
            }
            for found in [one, two] { #expect(found.values.reduce(0) { $0 + $1.count } == count) }
        }
    }

    private static let all = MetricStore.Filter(accountID: "000000000000", region: "us-east-1", level: .resource)
}
