// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import Testing

struct InvokeRouteTests {
    static let path = APIFixture.functions + "/f/invocations"

    /// One invocation, signed, of a function that `invoke` stands for.
    func answer(
        _ headers: [(String, String)] = [],
        body: [UInt8] = Array("{}".utf8),
        target: String = path,
        invoke: @escaping LambdaAPI.Invoke = APIFixture.echoPayload
    ) async throws -> TestResponse {
        let fixture = try APIFixture(invoke: invoke)
        defer { try? fixture.remove() }
        return try await fixture.serve { client async throws in
            try await client.createActive("f")
            return try await client.send(.post, target, headers: headers, body: body)
        }
    }

    @Test func `an answer comes byte for byte`() async throws {
        let body = Array(#" {"k" : [1, "é"]} "#.utf8)
        let answer = try await answer(body: body)
        #expect(answer.status == .ok && answer.bytes == body)
        #expect(answer.header("X-Amz-Executed-Version") == "$LATEST")
        #expect(answer.header("content-type") == "application/json")
        #expect(answer.header("X-Amz-Function-Error") == nil && answer.header("X-Amz-Log-Result") == nil)
    }

    @Test func `no body is an empty object`() async throws {
        #expect(String(buffer: try await answer(body: []).body) == "{}")
    }

    @Test func `the log's tail comes in base64`() async throws {
        #expect(try await answer([("X-Amz-Log-Type", "Tail")]).header("X-Amz-Log-Result") == "RU5ECg==")
    }

    @Test func `a function's error is a success with a header`() async throws {
        let answer = try await answer { _ in
            InvocationResponse(
                executedVersion: "$LATEST",
                outcome: .functionError(type: "Runtime.ExitError", payload: Array("{}".utf8)),
                logTail: nil
            )
        }
        #expect(answer.status == .ok && answer.header("X-Amz-Function-Error") == "Unhandled")
    }

    @Test func `what was asked reaches the invoker`() async throws {
        let context = Base64.encode(Array(#"{"client":{}}"#.utf8))
        let answer = try await answer(
            [("X-Amz-Client-Context", context), ("X-Amzn-Trace-Id", "Root=1-2-3")],
            target: APIFixture.functions
                + "/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af:live/invocations"
        ) { request in
            #expect(request.function.name == "f" && request.qualifier == "live" && request.logType == .none)
            #expect(request.clientContext == #"{"client":{}}"# && request.traceHeader == "Root=1-2-3")
            return InvocationResponse(
                executedVersion: "1",
                outcome: .success(payload: Array("\"\(request.requestID)\"".utf8)),
                logTail: nil,
                traceHeader: "Root=1-2-4"
            )
        }
        #expect(try answer.json.string == answer.header("x-amzn-RequestId"))
        #expect(answer.header("X-Amzn-Trace-Id") == "Root=1-2-4")
    }

    @Test func `a trace header of more than a kilobyte is not looked at`() async throws {
        let answer = try await answer([("X-Amzn-Trace-Id", String(repeating: "a", count: 1_025))]) { request in
            #expect(request.traceHeader == nil)
            return InvocationResponse(executedVersion: "1", outcome: .success(payload: [0x31]), logTail: nil)
        }
        #expect(answer.status == .ok && answer.header("X-Amzn-Trace-Id") == nil)
    }

    @Test func `a dry run answers nothing, and finds what is absent`() async throws {
        let dry = [("X-Amz-Invocation-Type", "DryRun")]
        let found = try await answer(dry) { _ in throw LambdaError.service(message: "must not be invoked") }
        #expect(found.status == .noContent && found.bytes.isEmpty)
        let absent = try await answer(dry, target: APIFixture.functions + "/absent/invocations")
        #expect(
            try absent.json["Message"]
                == .string("Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent:$LATEST")
        )
    }

    @Test(arguments: [
        ("X-Amz-Invocation-Type", "Sometimes", "ValidationException"),
        ("X-Amz-Log-Type", "Head", "ValidationException"),
        ("X-Amz-Client-Context", "?", "InvalidRequestContentException"),
        ("X-Amz-Client-Context", "W10=", "InvalidRequestContentException"),
        ("X-Amz-Client-Context", "e30", "InvalidRequestContentException"),
        ("X-Amz-Client-Context", String(repeating: "A", count: 3_584), "InvalidRequestContentException"),
        ("X-Amz-Tenant-Id", "t", "InvalidParameterValueException"),
    ])
    func `headers out of bounds`(name: String, value: String, exception: String) async throws {
        let answer = try await answer([(name, value)])
        #expect(answer.status == .badRequest && answer.header("x-amzn-ErrorType") == exception)
    }

    @Test(arguments: ["{", "{}{}", "not json", "[1,]", "\u{FEFF}{}"])
    func `a payload that is no JSON`(text: String) async throws {
        let answer = try await answer(body: Array(text.utf8))
        #expect(answer.status == .badRequest)
        #expect(answer.header("x-amzn-ErrorType") == "InvalidRequestContentException")
        let message = try #require(try answer.json["message"]?.string)
        #expect(message.hasPrefix("Could not parse request body into json: Could not parse payload into json: "))
    }

    @Test func `a payload that is no UTF-8`() async throws {
        #expect(try await answer(body: [0x22, 0xC3, 0x28, 0x22]).status == .badRequest)
    }

    @Test func `throttling has its reason and asks for patience`() async throws {
        let answer = try await answer { _ in throw LambdaError.tooManyRequests(.concurrentInvocationLimitExceeded) }
        #expect(answer.status == .tooManyRequests && answer.header("Retry-After") == "1")
        #expect(
            try answer.json
                == .object([
                    "Reason": .string("ConcurrentInvocationLimitExceeded"), "Type": .string("User"),
                    "message": .string("Rate Exceeded."),
                ])
        )
    }

    @Test func `the machine's own failure hides its cause`() async throws {
        struct Cause: Error {}
        let answer = try await answer { _ in throw Cause() }
        #expect(answer.status == .internalServerError && answer.header("x-amzn-ErrorType") == "ServiceException")
        #expect(!String(buffer: answer.body).contains("Cause"))
        #expect(String(buffer: answer.body).contains(answer.header("x-amzn-RequestId") ?? "-"))
    }
}
