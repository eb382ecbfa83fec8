// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InvocationCore
import LambdaModel
import NIOCore
import Synchronization
import Testing

@testable import HTTPAPI

@Suite(.timeLimit(.minutes(10)))
struct FunctionURLRouteTests {
    private static let functions = "/2015-03-31/functions/f"
    private static let policy = "\(functions)/policy"
    private static let url = "/2021-10-31/functions/f/url"

    private static func permission(_ sid: String, _ extra: [String: JSONValue]) -> [UInt8] {
        var members: [String: JSONValue] = [
            "StatementId": .string(sid), "Action": .string("lambda:InvokeFunctionUrl"), "Principal": .string("*"),
        ]
        members.merge(extra) { _, new in new }
        return JSONValue.object(members).bytes
    }

    private static let viaURL: [String: JSONValue] = [
        "Action": .string("lambda:InvokeFunction"), "InvokedViaFunctionUrl": .bool(true),
    ]

    /// Runs `test` with the path of a URL of the function `f`, which everybody may call.
    private func withURL(
        _ configuration: [String: JSONValue] = [:],
        isPublic: Bool = true,
        isSigned: Bool = true,
        invoke: @escaping LambdaAPI.Invoke = APIFixture.echoPayload,
        stream: LambdaAPI.Stream? = nil,
        _ test: @Sendable @escaping (APIFixture, APIFixture.Client, String) async throws -> Void
    ) async throws {
        let fixture = try APIFixture(isSigned: isSigned, invoke: invoke, stream: stream)
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            try await client.createActive("f")
            let body = JSONValue.object(["AuthType": .string("NONE")].merging(configuration) { $1 }).bytes
            let made = try await client.send(.post, Self.url, body: body)
            #expect(made.status == .created)
            let text = try made.json["FunctionUrl"]?.string ?? ""
            let id = text.dropFirst("http://".count).prefix { $0 != "." }
            if isPublic {
                let type = ["FunctionUrlAuthType": JSONValue.string("NONE")]
                _ = try await client.send(.post, Self.policy, body: Self.permission("url", type))
                _ = try await client.send(.post, Self.policy, body: Self.permission("via", Self.viaURL))
            }
            try await test(fixture, client, "/_martlet/url/\(id)")
        }
    }

    private static func answering(_ payload: String) -> LambdaAPI.Invoke {
        { _ in
            InvocationResponse(
                executedVersion: "$LATEST",
                outcome: .success(payload: Array(payload.utf8)),
                logTail: nil
            )
        }
    }

    @Test func `a request becomes an event and the payload the answer`() async throws {
        try await withURL { _, client, path async throws in
            let answer = try await client.send(.put, "\(path)/x?a=1", headers: [("X-A", "b")], key: nil)
            #expect(answer.status == .ok && answer.header("content-type") == "application/json")
            let event = try answer.json
            #expect(event["rawPath"] == .string("/x") && event["rawQueryString"] == .string("a=1"))
            #expect(event["headers"]?["x-a"] == .string("b"))
            #expect(event["requestContext"]?["http"]?["method"] == .string("PUT"))
            #expect(event["requestContext"]?["http"]?["sourceIp"] == .string("127.0.0.1"))
            #expect(answer.header("x-amzn-RequestId").map(JSONValue.string) == event["requestContext"]?["requestId"])
        }
    }

    @Test func `a function error and a payload that is no answer are a bad gateway`() async throws {
        let failing: LambdaAPI.Invoke = { _ in
            InvocationResponse(
                executedVersion: "$LATEST",
                outcome: .functionError(type: "Error", payload: Array(#"{"secret":1}"#.utf8)),
                logTail: nil
            )
        }
        for invoke in [failing, Self.answering(#"{"statusCode":"x"}"#), Self.answering("<html>")] {
            try await withURL(invoke: invoke) { _, client, path async throws in
                let answer = try await client.send(.get, path, key: nil)
                #expect(answer.status == .badGateway && answer.bytes == Array("Internal Server Error".utf8))
            }
        }
    }

    @Test func `throttling and what the machine gets wrong`() async throws {
        let throttled: LambdaAPI.Invoke = { _ in
            throw LambdaError.tooManyRequests(.reservedFunctionConcurrentInvocationLimitExceeded)
        }
        try await withURL(["Cors": .object(["AllowOrigins": .array([.string("*")])])], invoke: throttled) {
            _,
            client,
            path async throws in
            let answer = try await client.send(.get, path, headers: [("Origin", "https://a")], key: nil)
            #expect(answer.status == .tooManyRequests)
            #expect(try answer.json["Reason"] == .string("ReservedFunctionConcurrentInvocationLimitExceeded"))
            #expect(answer.header("access-control-allow-origin") == "*")
        }
    }

    @Test func `no body where HTTP has none`() async throws {
        try await withURL(invoke: Self.answering(#"{"statusCode":204,"body":"x"}"#)) { _, client, path async throws in
            let answer = try await client.send(.get, path, key: nil)
            #expect(answer.status == .noContent && answer.bytes.isEmpty && answer.header("content-length") == nil)
        }
        try await withURL(invoke: Self.answering(#""hello""#)) { _, client, path async throws in
            let answer = try await client.send(.head, path, key: nil)
            #expect(answer.status == .ok && answer.bytes.isEmpty && answer.header("content-length") == "5")
        }
    }

    @Test func `both permissions are needed, and no other`() async throws {
        try await withURL(isPublic: false) { _, client, path async throws in
            func isForbidden() async throws -> Bool {
                let answer = try await client.send(.get, path, key: nil)
                guard answer.status == .forbidden else { return false }
                #expect(answer.header("x-amzn-ErrorType") == "AccessDeniedException")
                #expect(try answer.json["Message"]?.string?.hasPrefix("Forbidden. For troubleshooting ") == true)
                return true
            }
            #expect(try await isForbidden())
            let wrong = ["FunctionUrlAuthType": JSONValue.string("AWS_IAM")]
            _ = try await client.send(.post, Self.policy, body: Self.permission("wrong", wrong))
            _ = try await client.send(.post, Self.policy, body: Self.permission("via", Self.viaURL))
            #expect(try await isForbidden())
            let right = ["FunctionUrlAuthType": JSONValue.string("NONE")]
            _ = try await client.send(.post, Self.policy, body: Self.permission("right", right))
            #expect(try await !isForbidden())
            _ = try await client.send(.delete, "\(Self.policy)/via")
            #expect(try await isForbidden())
        }
    }

    @Test func `an unknown URL is forbidden without a word`() async throws {
        try await withURL { _, client, path async throws in
            let answer = try await client.send(.get, String(path.dropLast()) + "0", key: nil)
            #expect(answer.status == .forbidden)
            #expect(try answer.json == .object(["Message": .null]))
        }
    }

    @Test func `with AWS_IAM a signature is needed, and the owner's is enough`() async throws {
        try await withURL(["AuthType": .string("AWS_IAM")], isPublic: false) { _, client, path async throws in
            #expect(try await client.send(.get, path, key: nil).status == .forbidden)
            let wrong = AccessKey(id: APIFixture.key.id, secret: "other")
            let refused = try await client.send(.get, path, key: wrong)
            #expect(refused.status == .forbidden)
            #expect(refused.header("x-amzn-ErrorType") == "InvalidSignatureException")
            #expect(try await client.send(.get, path, service: "logs").status == .forbidden)
            let answer = try await client.send(.post, "\(path)/a%20b?x=%2F", body: Array("body".utf8))
            #expect(answer.status == .ok)
            let identity = try answer.json["requestContext"]?["authorizer"]?["iam"]
            #expect(identity?["accessKey"] == .string("AKIAEXAMPLE"))
            #expect(identity?["userArn"] == .string("arn:aws:iam::000000000000:root"))
        }
    }

    @Test func `without authentication everybody is the owner`() async throws {
        try await withURL(["AuthType": .string("AWS_IAM")], isPublic: false, isSigned: false) {
            _,
            client,
            path async throws in
            #expect(try await client.send(.get, path, key: nil).status == .ok)
        }
    }

    @Test func `a browser's question is answered here, and the function's own words are replaced`() async throws {
        let asked = Mutex(0)
        let cors: [String: JSONValue] = [
            "AllowOrigins": .array([.string("https://a")]), "AllowMethods": .array([.string("GET")]),
            "MaxAge": .number("5"),
        ]
        let invoke: LambdaAPI.Invoke = { _ in
            asked.withLock { $0 += 1 }
            return InvocationResponse(
                executedVersion: "$LATEST",
                outcome: .success(
                    payload: Array(#"{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"https://evil"}}"#.utf8)
                ),
                logTail: nil
            )
        }
        try await withURL(["Cors": .object(cors)], invoke: invoke) { _, client, path async throws in
            let question = [("Origin", "https://a"), ("Access-Control-Request-Method", "GET")]
            let preflight = try await client.send(.options, path, headers: question, key: nil)
            #expect(preflight.status == .ok && preflight.header("access-control-allow-methods") == "GET")
            #expect(preflight.header("access-control-max-age") == "5")
            #expect(asked.withLock { $0 } == 0)
            let known = try await client.send(.get, path, headers: [("Origin", "https://a")], key: nil)
            #expect(known.header("access-control-allow-origin") == "https://a" && known.header("vary") == "Origin")
            let other = try await client.send(.get, path, headers: [("Origin", "https://evil")], key: nil)
            #expect(other.status == .ok && other.header("access-control-allow-origin") == nil)
        }
    }

    @Test func `a request beyond 6 MB is refused`() async throws {
        try await withURL { _, client, path async throws in
            // In base64 it doesn't fit, as text it does.
            let body = [UInt8](repeating: 97, count: 5_000_000)
            #expect(try await client.send(.post, path, body: body, key: nil).status == .contentTooLarge)
            let text = [("Content-Type", "text/plain")]
            #expect(try await client.send(.post, path, headers: text, body: body, key: nil).status == .ok)
            let more = [UInt8](repeating: 97, count: LimitsProfile.synchronousPayloadBytesMax + 1)
            #expect(try await client.send(.post, path, headers: text, body: more, key: nil).status == .contentTooLarge)
        }
    }

    private static func streaming(
        _ chunks: [String],
        type: String?,
        end: PayloadStream.End = .complete,
        failure: InvocationStream.Completion.Failure? = nil
    ) -> LambdaAPI.Stream {
        { _ in
            let payload = PayloadStream(contentType: type)
            let stream = InvocationStream(executedVersion: "$LATEST", payload: payload)
            for chunk in chunks { payload.write(Array(chunk.utf8)) }
            payload.close(end)
            stream.complete(.init(failure: failure))
            return stream
        }
    }

    private static let streamed: [String: JSONValue] = ["InvokeMode": .string("RESPONSE_STREAM")]

    @Test func `a stream's head is in its first bytes`() async throws {
        let prelude = #"{"statusCode":201,"headers":{"x-a":"b"},"cookies":["c=d"]}"#
        let stream = Self.streaming(
            [prelude + "\0\0\0", "\0\0\0\0\0first", " second"],
            type: "application/vnd.awslambda.http-integration-response"
        )
        try await withURL(Self.streamed, stream: stream) { _, client, path async throws in
            let answer = try await client.send(.get, path, key: nil)
            #expect(answer.status == .created && answer.bytes == Array("first second".utf8))
            #expect(answer.header("x-a") == "b" && answer.header("set-cookie") == "c=d")
        }
    }

    @Test(arguments: [
        ("text/plain", "text/plain"), (nil, "application/octet-stream"), ("a\r\nb: c", "application/octet-stream"),
    ])
    func `a stream without a head has the runtime's type`(type: String?, shown: String) async throws {
        try await withURL(Self.streamed, stream: Self.streaming(["a"], type: type)) { _, client, path async throws in
            let answer = try await client.send(.get, path, key: nil)
            #expect(answer.status == .ok && answer.bytes == [97] && answer.header("content-type") == shown)
        }
    }

    @Test func `a stream that fails before its head, or has none, is a bad gateway`() async throws {
        let type = "application/vnd.awslambda.http-integration-response"
        for stream in [
            Self.streaming([], type: nil, end: .cut, failure: .init(type: "Error", details: [])),
            Self.streaming(["no head"], type: type), Self.streaming(["{}", "\0\0\0\0"], type: type),
            Self.streaming([#"{"statusCode":"x"}"# + "\0\0\0\0\0\0\0\0"], type: type),
        ] {
            try await withURL(Self.streamed, stream: stream) { _, client, path async throws in
                #expect(try await client.send(.get, path, key: nil).status == .badGateway)
            }
        }
    }

    @Test func `an empty stream is an empty answer`() async throws {
        let stream = Self.streaming([], type: "text/plain")
        try await withURL(Self.streamed, stream: stream) { _, client, path async throws in
            let answer = try await client.send(.get, path, key: nil)
            #expect(answer.status == .ok && answer.bytes.isEmpty)
        }
    }
}

@Suite
struct FunctionURLAuthorizationTests {
    @Test func `another account needs the resource's word and its own`() throws {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
        let statements = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"].map { action in
            AccessStatement(
                effect: .allow,
                principals: .listed([.aws("111111111111")]),
                actions: .listed([action]),
                resources: .listed([arn])
            )
        }
        func isPermitted(_ account: String, _ statements: [AccessStatement], _ own: AccessDecision) -> Bool {
            FunctionURLAuthorization(
                target: .init(
                    function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
                    qualifier: nil,
                    url: .init(
                        id: "x",
                        authType: .awsIAM,
                        cors: nil,
                        invokeMode: .buffered,
                        created: APIFixture.now,
                        modified: APIFixture.now
                    ),
                    policy: AccessPolicy(statements: statements)
                ),
                identity: .root(of: account),
                identityDecision: { _ in own }
            ).isPermitted
        }
        #expect(isPermitted("111111111111", statements, .allow))
        #expect(!isPermitted("111111111111", statements, .noMatch))
        #expect(!isPermitted("111111111111", [statements[0]], .allow))
        #expect(!isPermitted("222222222222", statements, .allow))
        #expect(isPermitted("000000000000", [], .allow))
        #expect(!isPermitted("000000000000", [], .noMatch))
        #expect(!isPermitted("000000000000", statements, .explicitDeny))
    }
}
