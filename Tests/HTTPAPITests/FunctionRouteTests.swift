// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import Testing

struct FunctionRouteTests {
    let fixture: APIFixture

    init() throws {
        fixture = try APIFixture()
    }

    @Test func `a function's life`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let created = try await client.create("f")
            #expect(created.status == .created)
            #expect(created.header("content-type") == "application/json")
            #expect(try created.json["State"] == .string("Pending"))
            let again = try await client.create("f")
            #expect(again.status == .conflict)
            #expect(
                try again.json
                    == .object(["message": .string("Function already exist: f"), "Type": .string("User")])
            )
            let shown = try await client.send(.get, APIFixture.functions + "/f?Qualifier=%24LATEST")
            #expect(try shown.json["Configuration"]?["FunctionArn"]?.string?.hasSuffix(":$LATEST") == true)
            let listed = try await client.send(.get, APIFixture.functions + "/")
            #expect(try listed.json["Functions"]?.array?.count == 1)
            let deleted = try await client.send(.delete, APIFixture.functions + "/f")
            #expect(deleted.status == .noContent && deleted.bytes.isEmpty)
            #expect(deleted.header("content-length") == nil)
            let absent = try await client.send(.get, APIFixture.functions + "/f")
            #expect(absent.status == .notFound)
            #expect(absent.header("x-amzn-ErrorType") == "ResourceNotFoundException")
            #expect(
                try absent.json
                    == .object([
                        "Message": .string("Function not found: arn:aws:lambda:us-east-1:000000000000:function:f"),
                        "Type": .string("User"),
                    ])
            )
        }
    }

    @Test func `updates`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            try await client.createActive("f")
            let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"
            let changed = try await client.send(
                .put,
                "\(APIFixture.functions)/\(arn)/configuration",
                body: Array(#"{"Timeout":7}"#.utf8)
            )
            #expect(changed.status == .ok)
            #expect(try changed.json["Timeout"] == .integer(7))
            #expect(try changed.json["LastUpdateStatus"] == .string("InProgress"))
        }
    }

    @Test func `code is downloaded from its Location without a signature`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            try await client.createActive("f")
            let shown = try await client.send(.get, APIFixture.functions + "/f")
            let location = try #require(try shown.json["Code"]?["Location"]?.string)
            #expect(location.hasPrefix("http://localhost/"))
            let target = String(location.dropFirst("http://localhost".count))
            let zip = try await client.send(.get, target, key: nil)
            #expect(zip.status == .ok && zip.bytes == Base64.decode(SampleCode.echo))
            #expect(try await client.send(.get, target + "0", key: nil).status == .forbidden)
            #expect(try await client.send(.get, "/_martlet/code/x", key: nil).status == .forbidden)
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/2025-11-30/capacity-providers/", "ListCapacityProviders"),
        (.get, "/2025-12-01/functions/f/durable-executions", "ListDurableExecutionsByFunction"),
    ])
    func `an operation that isn't built says so`(
        method: HTTPRequest.Method,
        path: String,
        operation: String
    ) async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let answer = try await client.send(method, path)
            #expect(answer.status == .notFound)
            #expect(answer.header("x-amzn-ErrorType") == "UnknownOperationException")
            #expect(try answer.json["Message"]?.string?.hasPrefix(operation) == true)
        }
    }

    @Test(arguments: ["/", "/x", "/2015-03-31/function", "//", "/2015-03-31/functions/f/x/y/z", "/%2e%2e/%00"])
    func `other paths are nobody's`(path: String) async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let answer = try await client.send(.get, path, key: nil)
            #expect(answer.status == .notFound)
            #expect(answer.header("x-amzn-ErrorType") == "UnknownOperationException")
        }
    }

    @Test func `another service's request is told whose API this is`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let answer = try await client.send(
                .post,
                "/",
                headers: [("X-Amz-Target", "DynamoDB_20120810.ListTables")],
                body: Array("{}".utf8)
            )
            #expect(answer.status == .badRequest)
            #expect(try answer.json["__type"] == .string("UnknownOperationException"))
            let form = try await client.send(
                .post,
                "/",
                headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
                body: Array("Action=GetCallerIdentity".utf8)
            )
            #expect(String(buffer: form.body).contains("<Code>UnknownOperationException</Code>"))
        }
    }

    @Test func `a body over the operation's limit is refused`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let body = [UInt8](repeating: UInt8(ascii: " "), count: 1_048_577)
            let answer = try await client.send(.put, APIFixture.functions + "/f/configuration", body: body)
            #expect(answer.status == .contentTooLarge)
            #expect(answer.header("x-amzn-ErrorType") == "RequestEntityTooLargeException")
            let invoke = try await client.send(
                .post,
                APIFixture.functions + "/f/invocations",
                body: [UInt8](repeating: UInt8(ascii: " "), count: LimitsProfile.synchronousPayloadBytesMax + 1)
            )
            #expect(
                try invoke.json["message"]
                    == .string("Request must be smaller than 6291456 bytes for the InvokeFunction operation")
            )
        }
    }
}
