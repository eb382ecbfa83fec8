// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import TestSupport
import Testing

@testable import Monitoring

struct CloudWatchProtocolTests {
    private static let answer: [CloudWatchValue.Member] = [
        .init("Label", .text("a<b")),
        .init(
            "Datapoints",
            .list([
                .structure([
                    .init("Timestamp", .time(Timestamp(millisecondsSinceEpoch: 1_764_025_920_000))),
                    .init("Sum", .number(1.5)), .init("ExtendedStatistics", .map([.init("p99.9", .number(2))])),
                ])
            ])
        ),
    ]

    @Test func `forms of the Query protocol become structures and lists`() throws {
        let body =
            "Action=GetMetricStatistics&Dimensions.member.2.Name=B&Dimensions.member.1.Name=FunctionName"
            + "&Dimensions.member.1.Value=a%2Bb+c&Statistics.member.1=Sum&Period=60&Empty="
        let input = try CloudWatchProtocol.query.input(Array(body.utf8))
        #expect(
            JSONValue.object(input).text
                == #"{"Action":"GetMetricStatistics","Dimensions":[{"Name":"FunctionName","Value":"a+b c"},{"Name":"B"}],"#
                + #""Empty":"","Period":"60","Statistics":["Sum"]}"#
        )
        #expect(throws: CloudWatchError.self) {
            try CloudWatchProtocol.query.input(
                Array((Array(repeating: "a", count: 20).joined(separator: ".") + "=1").utf8)
            )
        }
    }

    @Test func `answers are JSON, XML or CBOR`() {
        func text(_ spoken: CloudWatchProtocol) -> String {
            String(decoding: spoken.bytes(of: Self.answer, .getMetricStatistics, requestID: "ID"), as: UTF8.self)
        }
        #expect(
            text(.json)
                == #"{"Datapoints":[{"ExtendedStatistics":{"p99.9":2.0},"Sum":1.5,"Timestamp":1764025920.000}],"Label":"a<b"}"#
        )
        #expect(
            text(.query)
                == #"<GetMetricStatisticsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">"#
                + "<GetMetricStatisticsResult><Label>a&lt;b</Label><Datapoints><member>"
                + "<Timestamp>2025-11-24T23:12:00.000Z</Timestamp><Sum>1.5</Sum>"
                + "<ExtendedStatistics><entry><key>p99.9</key><value>2.0</value></entry></ExtendedStatistics>"
                + "</member></Datapoints></GetMetricStatisticsResult>"
                + "<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></GetMetricStatisticsResponse>"
        )
        let bytes = CloudWatchProtocol.cbor.bytes(of: Self.answer, .getMetricStatistics, requestID: "ID")
        #expect(
            CBOR.decode(bytes)?.text
                == #"{"Datapoints":[{"ExtendedStatistics":{"p99.9":2},"Sum":1.5,"Timestamp":1764025920}],"Label":"a<b"}"#
        )
    }

    @Test func `CBOR is read as RFC 8949 has it`() {
        // Its appendix A, as far as requests have such values.
        let examples: [([UInt8], String)] = [
            ([0x00], "0"), ([0x17], "23"), ([0x18, 0x18], "24"), ([0x19, 0x03, 0xE8], "1000"),
            ([0x1A, 0x00, 0x0F, 0x42, 0x40], "1000000"), ([0x20], "-1"), ([0x38, 0x63], "-100"),
            ([0x1B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "18446744073709551615"),
            ([0xFB, 0x3F, 0xF1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9A], "1.1"),
            ([0xFA, 0x47, 0xC3, 0x50, 0x00], "100000"),
            ([0xF4], "false"), ([0xF5], "true"), ([0xF6], "null"),
            ([0xC1, 0x1A, 0x51, 0x4B, 0x67, 0xB0], "1363896240"),
            ([0x60], #""""#), ([0x64, 0x49, 0x45, 0x54, 0x46], #""IETF""#), ([0x80], "[]"),
            ([0x83, 0x01, 0x02, 0x03], "[1,2,3]"),
            ([0x9F, 0x01, 0x82, 0x02, 0x03, 0xFF], "[1,[2,3]]"), ([0xA1, 0x61, 0x61, 0x01], #"{"a":1}"#),
            ([0xBF, 0x61, 0x61, 0x01, 0xFF], #"{"a":1}"#),
        ]
        for (bytes, text) in examples { #expect(CBOR.decode(bytes)?.text == text, "\(bytes)") }
    }

    @Test func `what is no CBOR, or has no place in a request, is refused`() {
        let refused: [[UInt8]] = [
            [], [0x18], [0x61], [0x62, 0x61], [0x61, 0xFF], [0x9F, 0x01], [0xA1, 0x01, 0x01], [0xA1, 0x61, 0x61],
            [0x00, 0x00],
            [0x1C], [0x41, 0x00], [0xC2, 0x41, 0x00], [0xC1, 0x61, 0x61], [0xFB, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0], [0xFF],
            [0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x7B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [UInt8](repeating: 0x81, count: 1_000), [UInt8](repeating: 0xC1, count: 1_000),
        ]
        for bytes in refused { #expect(CBOR.decode(bytes) == nil, "\(bytes.prefix(12))") }
    }

    /// Requests with bytes changed, cut out and put in: each is understood or refused, and what is understood is CBOR again.
    @Test(arguments: UInt64(0)..<64)
    func `any bytes are a request or a refusal`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bodies = [
            CBOR.encode(.structure(Self.answer)), Array(#"{"MetricName":"Errors","Dimensions":[{"Name":"a"}]}"#.utf8),
            Array("Action=ListMetrics&Dimensions.member.1.Name=a%20b&Dimensions.member.1.Value=".utf8),
        ]
        for step in 0..<100 {
            var body = bodies[random.below(bodies.count)]
            for _ in 0..<(1 + random.below(4)) {
                let place = random.below(body.count + 1)
                switch random.below(3) {
                case 0 where place < body.count: body[place] = UInt8(random.below(256))
                case 1 where place < body.count: body.removeSubrange(place..<min(body.count, place + random.below(8)))
                default: body.insert(contentsOf: (0..<random.below(8)).map { _ in UInt8(random.below(256)) }, at: place)
                }
            }
            for spoken in [CloudWatchProtocol.json, .cbor, .query] {
                do throws(CloudWatchError) {
                    let input = CloudWatchInput(try spoken.input(body))
                    _ = try input.structures("Dimensions").map { each throws(CloudWatchError) in try each.text("Name") }
                    _ = try input.text("MetricName")
                } catch {
                    #expect(error.status == 400, "seed \(seed), step \(step)")
                }
            }
        }
    }
}
