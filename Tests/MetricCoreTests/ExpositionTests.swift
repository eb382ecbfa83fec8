// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import MetricCore
import Testing

struct ExpositionTests {
    @Test func `labels, help texts and numbers are written as Prometheus reads them`() {
        let metric = MetricDefinition("m_total", .counter, "One \"two\"\nand \\", labels: ["a", "b"])
        var exposition = Exposition()
        exposition.begin(metric)
        exposition.add(metric, ["x\"y", "\\\n"], 1.5)
        exposition.add(metric, ["", "ü"], 3)
        #expect(
            String(decoding: exposition.bytes, as: UTF8.self) == """
                # HELP m_total One "two"\\nand \\\\
                # TYPE m_total counter
                m_total{a="x\\"y",b="\\\\\\n"} 1.5
                m_total{a="",b="ü"} 3

                """
        )
        #expect(Exposition.text(.infinity) == "+Inf" && Exposition.text(-.infinity) == "-Inf")
        #expect(
            Exposition.text(.nan) == "NaN" && Exposition.text(1e300) == "1e+300" && Exposition.text(-0.25) == "-0.25"
        )
    }

    @Test func `a histogram's buckets hold all that is below their bounds`() {
        let metric = MetricDefinition("h", .histogram, "H.", labels: ["a"])
        var histogram = Histogram(bounds: [1, 2.5])
        for value in [0.5, 1, 1.5, 2.5, 9] { histogram.add(value) }
        var exposition = Exposition()
        exposition.add(metric, ["x"], histogram)
        #expect(
            String(decoding: exposition.bytes, as: UTF8.self) == """
                h_bucket{a="x",le="1"} 2
                h_bucket{a="x",le="2.5"} 4
                h_bucket{a="x",le="+Inf"} 5
                h_sum{a="x"} 14.5
                h_count{a="x"} 5

                """
        )
    }

    @Test func `names, units and labels keep Prometheus's rules, and every metric is named once`() throws {
        let all = MetricDefinition.all
        #expect(Set(all.map(\.name)).count == all.count)
        for metric in all {
            #expect(metric.name.wholeMatch(of: /[a-z][a-z0-9_]*/) != nil, "\(metric.name)")
            #expect((metric.kind == .counter) == metric.name.hasSuffix("_total"), "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
            #expect(metric.labels.allSatisfy { $0.wholeMatch(of: /[a-z][a-z_]*/) != nil && $0 != "le" })
        }
    }

    @Test func `times are in seconds, and a function's metrics have its labels`() {
        let registry = MetricRegistry()
        registry.series(.test, qualifier: "live", version: "3")
            .invocationEnded(.init(isError: false, duration: 1_500, billed: 1_600))
        var exposition = Exposition()
        exposition.add(registry.all)
        let lines = String(decoding: exposition.bytes, as: UTF8.self).split(separator: "\n")
        let labels =
            #"account_id="000000000000",region="us-east-1",function_name="f",resource="f:live",executed_version="3""#
        #expect(lines.contains("martlet_lambda_duration_seconds_sum{\(labels)} 1.5"))
        #expect(lines.contains("martlet_lambda_billed_duration_seconds_total{\(labels)} 1.6"))
        #expect(lines.contains("martlet_lambda_errors_total{\(labels)} 0"))
        #expect(lines.contains(#"martlet_lambda_duration_seconds_bucket{\#(labels),le="2.5"} 1"#))
    }
}
