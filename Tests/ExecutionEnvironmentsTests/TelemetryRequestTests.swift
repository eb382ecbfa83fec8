// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

@testable import ExecutionEnvironments

/// Bodies of subscriptions, well-formed and not.
@Suite struct TelemetryRequestTests {
    private func parsed(_ text: String) throws(TelemetryRefusal) -> TelemetryRequest {
        try TelemetryRequest(parsing: Array(text.utf8), for: .telemetry)
    }

    private func message(_ text: String) -> String? {
        do throws(TelemetryRefusal) {
            _ = try parsed(text)
            return nil
        } catch {
            #expect(error.status == 400)
            #expect(error.errorType == "Telemetry.DeserializationError")
            return error.errorMessage
        }
    }

    @Test func `a whole subscription`() throws {
        let text = """
            {"schemaVersion":"2022-07-01","types":["platform","function"],
            "buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":100},
            "destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080/p","method":"PUT","encoding":"JSON"}}
            """
        let expected = TelemetryRequest(
            schemaVersion: "2022-07-01",
            types: ["platform", "function"],
            itemsMax: 1_000,
            bytesMax: 262_144,
            timeoutMilliseconds: 100,
            destination: .http(uri: "http://sandbox.localdomain:8080/p", method: "PUT")
        )
        #expect(try parsed(text) == expected)
        #expect(
            try parsed(#"{"types":[],"destination":{"protocol":"TCP","port":1}}"#)
                == TelemetryRequest(schemaVersion: nil, types: [], destination: .tcp(port: 1))
        )
    }

    @Test(arguments: [
        (#"{"types":[]}"#, "missing field `destination`"),
        (#"{"destination":{"protocol":"TCP","port":1}}"#, "missing field `types`"),
        (#"{"types":[],"destination":{}}"#, "missing field `protocol`"),
        (#"{"types":[],"destination":{"protocol":"HTTP"}}"#, "missing field `URI`"),
        (#"{"types":[],"destination":{"protocol":"TCP"}}"#, "missing field `port`"),
        (
            #"{"types":[],"destination":{"protocol":"TCP","port":-1}}"#,
            "invalid type for `port`, expected an unsigned integer"
        ),
        (
            #"{"types":[],"destination":{"protocol":"TCP","port":1.5}}"#,
            "invalid type for `port`, expected an unsigned integer"
        ),
        (#"{"types":{},"destination":{"protocol":"TCP","port":1}}"#, "invalid type for `types`, expected a sequence"),
        (#"{"types":[1],"destination":{"protocol":"TCP","port":1}}"#, "invalid type for `types`, expected a string"),
        (#"{"types":[],"destination":null}"#, "invalid type for `destination`, expected an object"),
        (
            #"{"types":[],"destination":{"protocol":"TCP","port":1},"buffering":[]}"#,
            "invalid type for `buffering`, expected an object"
        ),
        (
            #"{"types":[],"destination":{"protocol":"TCP","port":1},"more":1}"#,
            "unknown field `more`, expected one of `schemaVersion`, `types`, `buffering`, `destination`"
        ),
        (
            #"{"types":[],"destination":{"protocol":"HTTP","URI":"u","method":"GET"}}"#,
            "unknown variant `GET`, expected one of `POST`, `PUT`"
        ),
        ("[]", "invalid type, expected a subscription"),
    ])
    func `what is malformed is named`(text: String, expected: String) {
        #expect(message(text) == expected)
    }

    @Test func `hostile bodies are refused`() {
        #expect(message("") != nil)
        #expect(message(String(repeating: "[", count: 60_000)) != nil)
        #expect(message("{\"\(String(repeating: "x", count: 60_000))\":1}").map { $0.utf8.count < 200 } == true)
        #expect(message(String(repeating: " ", count: 65_537)) == "the body is too large")
    }
}
