// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventStore
import InvocationCore
import LambdaModel
import Testing

@testable import Invoker

struct InvocationRecordTests {
    private let envelope = AsyncEvent.Envelope(
        requestID: "r",
        function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
        qualifier: nil,
        accepted: Timestamp(millisecondsSinceEpoch: 0)
    )

    private func record(
        _ condition: AsyncRetryPolicy.Condition,
        errors: Int = 0,
        _ outcome: InvocationOutcome?
    ) -> InvocationRecord {
        InvocationRecord(
            AsyncEvent(envelope: envelope, payload: Array(#"{"x":[1,2.50]}"#.utf8), errors: errors),
            condition,
            outcome.map { InvocationResponse(executedVersion: "$LATEST", outcome: $0, logTail: nil) },
            at: Timestamp(millisecondsSinceEpoch: 1_000)
        )
    }

    @Test func `a success as AWS records it`() {
        let text = String(decoding: record(.success, .success(payload: Array("[true]".utf8))).bytes, as: UTF8.self)
        #expect(
            text
                == #"{"version":"1.0","timestamp":"1970-01-01T00:00:01.000Z","requestContext":{"approximateInvokeCount":1,"#
                + #""condition":"Success","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","#
                + #""requestId":"r"},"requestPayload":{"x":[1,2.50]},"responseContext":{"executedVersion":"$LATEST","#
                + #""statusCode":200},"responsePayload":[true]}"#
        )
    }

    @Test func `a failure names the error, and what is no JSON is a string`() throws {
        let payload = Array(#"{"errorMessage":"as asked"}"#.utf8)
        let failed = record(.retriesExhausted, errors: 3, .functionError(type: "ValueError", payload: payload))
        let value = try JSONValue(parsing: failed.bytes)
        #expect(value["requestContext"]?["approximateInvokeCount"] == .integer(3))
        #expect(value["responseContext"]?["functionError"] == .string("Unhandled"))
        #expect(failed.errorMessage == "as asked")
        let text = record(.success, .success(payload: Array("not json".utf8)))
        #expect(try JSONValue(parsing: text.bytes)["responsePayload"] == .string("not json"))
    }

    @Test func `an event that was never tried has no response`() throws {
        let value = try JSONValue(parsing: record(.zeroReservedConcurrency, nil).bytes)
        #expect(value["responseContext"] == nil && value["responsePayload"] == nil)
        #expect(value["requestContext"]?["condition"] == .string("ZeroReservedConcurrency"))
    }
}
