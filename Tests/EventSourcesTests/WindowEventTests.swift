// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Testing

@testable import EventSources

struct WindowEventTests {
    private let source = EventSourcePlan.StreamSource(
        kind: .kinesis,
        arn: "arn:aws:kinesis:us-east-1:123456789012:stream/s",
        start: .latest,
        settings: .init(batchSize: 1, tumblingSeconds: 120)
    )

    private func event(_ state: [UInt8], isConclusion: Bool, _ records: [String]) throws -> JSONValue {
        // The example of AWS's guide.
        let window = StreamWindow(
            start: Timestamp(millisecondsSinceEpoch: 1_607_497_440_000),
            end: Timestamp(millisecondsSinceEpoch: 1_607_497_560_000),
            state: state
        )
        let event = WindowEvent(window, "shardId-000000000006", source, isConclusion: isConclusion)
        return try JSONValue(parsing: event.bytes(records.map { Array($0.utf8) }))
    }

    private func expected(_ records: String, isFinal: Bool) throws -> JSONValue {
        try JSONValue(
            parsing: Array(
                """
                {"Records": \(records), "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
                "state": {"1": 282, "2": 715}, "shardId": "shardId-000000000006",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
                "isFinalInvokeForWindow": \(isFinal), "isWindowTerminatedEarly": false}
                """.utf8
            )
        )
    }

    @Test func `an event has its window's members, and the final one no records`() throws {
        let state = Array(#"{"1":282,"2":715}"#.utf8)
        #expect(
            try event(state, isConclusion: false, [#"{"a":1}"#, #"{"b":2}"#])
                == expected(#"[{"a": 1}, {"b": 2}]"#, isFinal: false)
        )
        #expect(try event(state, isConclusion: true, []) == expected("[]", isFinal: true))
    }

    @Test func `an early end is not the final invocation`() throws {
        let filler = String(repeating: "x", count: StreamWindow.stateBytesMax)
        let event = try event(Array(#"{"f":"\#(filler)"}"#.utf8), isConclusion: true, [])
        #expect(event["isFinalInvokeForWindow"] == .bool(false) && event["isWindowTerminatedEarly"] == .bool(true))
        #expect(event["state"]?["f"] == .string(filler))
    }

    @Test func `an answer without a state has none, and neither has one that no event has room for`() {
        func state(_ text: String) -> String? {
            WindowEvent.state(in: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(state(#"{"state": {"a": [1, 2.50]}, "batchItemFailures": []}"#) == #"{"a":[1,2.50]}"#)
        #expect(state(#"{"state": {}}"#) == "{}")
        #expect(state(#"{"state":{"a":1},"\u0073tate":{"b":"\ud800"}}"#) == #"{"b":"\ud800"}"#)
        let many = "{\"a\":[" + String(repeating: "0,", count: 200_000) + "0]}"
        #expect(state("{\"state\":\(many)}") == many)
        let deep = String(repeating: "{\"a\":", count: 900) + "1" + String(repeating: "}", count: 900)
        #expect(state("{\"state\":\(deep)}") == deep)
        for text in ["null", "{}", #"{"state": null}"#, #"{"state": 1}"#, "[]", "", "x"] { #expect(state(text) == nil) }
        let room = LimitsProfile.synchronousPayloadBytesMax - StreamWindow.memberBytesMax
        func filled(_ bytes: Int) -> String { #"{"f":"\#(String(repeating: "x", count: bytes - 8))"}"# }
        #expect(state(#"{"state":\#(filled(room))}"#)?.utf8.count == room)
        #expect(state(#"{"state":\#(filled(room + 1))}"#) == nil)
    }
}
