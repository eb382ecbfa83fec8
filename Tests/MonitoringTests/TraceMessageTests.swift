// SPDX-License-Identifier: Apache-2.0
import AWSWire
import MetricCore
import Testing

@testable import Monitoring

struct TraceMessageTests {
    private static func span(_ function: String, _ number: Int) -> Span {
        Span(
            traceID: String(repeating: "a", count: 32),
            id: "000000000000000\(number)",
            parent: number == 1 ? nil : "0000000000000001",
            name: "invoke",
            kind: number == 1 ? .server : .inside,
            start: 1_764_025_920_000_000_000,
            end: 1_764_025_920_005_000_000,
            function: "arn:aws:lambda:eu-west-1:000000000000:function:\(function)",
            service: function
        )
    }

    @Test func `spans are OTLP's JSON, a function a resource`() throws {
        var first = Self.span("f", 1)
        first.attributes = [("faas.coldstart", .flag(true)), ("faas.max_memory", .integer(134_217_728))]
        first.error = "ValueError"
        let message = try JSONValue(parsing: TraceMessage.bytes([first, Self.span("g", 2), Self.span("f", 3)]))
        let resources = try #require(message["resourceSpans"]?.array)
        #expect(resources.count == 2)
        let attributes = resources[0]["resource"]?["attributes"]?.text ?? ""
        #expect(attributes.contains(#"{"key":"service.name","value":{"stringValue":"f"}}"#))
        #expect(attributes.contains(#"{"key":"cloud.region","value":{"stringValue":"eu-west-1"}}"#))
        let spans = try #require(resources[0]["scopeSpans"]?.array?.first?["spans"]?.array)
        #expect(
            spans[0].text
                == #"{"attributes":[{"key":"faas.coldstart","value":{"boolValue":true}},"#
                + #"{"key":"faas.max_memory","value":{"intValue":"134217728"}}],"endTimeUnixNano":"1764025920005000000","#
                + #""kind":2,"name":"invoke","spanId":"0000000000000001","startTimeUnixNano":"1764025920000000000","#
                + #""status":{"code":2,"message":"ValueError"},"traceId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#
        )
        #expect(spans[1]["parentSpanId"] == .string("0000000000000001") && spans[1]["status"] == nil)
    }

    @Test func `what the collector did not take is counted, whatever it answers`() {
        #expect(TraceMessage.rejectedCount(Array(#"{"partialSuccess":{"rejectedSpans":"3"}}"#.utf8)) == 3)
        #expect(TraceMessage.rejectedCount(Array(#"{"partialSuccess":{"rejectedSpans":2}}"#.utf8)) == 2)
        for text in ["", "{}", "[]", "x", #"{"partialSuccess":{"rejectedSpans":-1}}"#, #"{"partialSuccess":{}}"#] {
            #expect(TraceMessage.rejectedCount(Array(text.utf8)) == 0, "\(text)")
        }
    }

    @Test func `a collector that is away is asked again, more and more seldom`() {
        var retry = ExportRetry()
        #expect(retry.decide(status: nil) == .retry(after: .seconds(1)))
        #expect(retry.decide(status: 503) == .retry(after: .seconds(2)))
        for _ in 0..<10 { _ = retry.decide(status: 429) }
        #expect(retry.decide(status: 502) == .retry(after: .seconds(30)))
        #expect(retry.decide(status: 200) == .done)
        #expect(retry.decide(status: 504) == .retry(after: .seconds(1)))
        for status in [400, 401, 404, 413, 500, 302] { #expect(retry.decide(status: status) == .drop) }
    }

    @Test func `spans that have no room are dropped whole, and counted`() {
        let buffer = SpanBuffer(countMax: 5)
        for _ in 0..<3 { buffer.add([Self.span("f", 1), Self.span("f", 2)]) }
        #expect(buffer.counts == (waiting: 4, sent: 0, dropped: 2))
        #expect(buffer.take(3).count == 3)
        buffer.sent(3)
        #expect(buffer.counts == (waiting: 1, sent: 3, dropped: 2))
        #expect(buffer.take(10).count == 1 && buffer.take(10).isEmpty)
    }

    @Test func `refusals leave room for what ran`() {
        let buffer = SpanBuffer(countMax: 8)
        for _ in 0..<9 { buffer.addRefused(Self.span("f", 1)) }
        #expect(buffer.counts == (waiting: 2, sent: 0, dropped: 7))
        buffer.add((1...6).map { Self.span("g", $0) })
        buffer.addRefused(Self.span("f", 1))
        #expect(buffer.counts == (waiting: 8, sent: 0, dropped: 8))
    }
}
