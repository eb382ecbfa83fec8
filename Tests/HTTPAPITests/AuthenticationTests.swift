// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import Testing

struct AuthenticationTests {
    let fixture: APIFixture

    init() throws {
        fixture = try APIFixture()
    }

    @Test func `a request without a signature is refused, in the shape of its protocol`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let rest = try await client.send(.get, APIFixture.functions, key: nil)
            #expect(rest.status == .forbidden)
            #expect(rest.header("x-amzn-ErrorType") == "MissingAuthenticationTokenException")
            #expect(rest.header("x-amzn-RequestId")?.count == 36)
            #expect(try rest.json == .object(["message": .string("Missing Authentication Token")]))
            let logs = try await client.send(
                .post,
                "/",
                headers: [("X-Amz-Target", "Logs_20140328.FilterLogEvents")],
                body: Array("{}".utf8),
                key: nil
            )
            #expect(logs.status == .badRequest)
            #expect(
                try logs.json
                    == .object([
                        "__type": .string("MissingAuthenticationTokenException"),
                        "message": .string("Missing Authentication Token"),
                    ])
            )
        }
    }

    @Test func `a signed request is answered`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            #expect(try await client.send(.get, APIFixture.functions).status == .ok)
            #expect(try await client.send(.get, APIFixture.functions + "/?MaxItems=3").status == .ok)
        }
    }

    @Test func `another key, another secret, another service, another body`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let unknown = try await client.send(.get, APIFixture.functions, key: AccessKey(id: "AKIAX", secret: "s"))
            #expect(unknown.header("x-amzn-ErrorType") == "UnrecognizedClientException")
            let wrong = try await client.send(
                .get,
                APIFixture.functions,
                key: AccessKey(id: APIFixture.key.id, secret: "s")
            )
            #expect(wrong.header("x-amzn-ErrorType") == "InvalidSignatureException")
            let service = try await client.send(.get, APIFixture.functions, service: "logs")
            #expect(try service.json["message"]?.string?.contains("correct service: 'lambda'") == true)
        }
    }

    @Test func `a presigned URL is answered`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let signer = SigV4Signer(accessKey: APIFixture.key, region: "us-east-1", service: "lambda")
            let request = SigV4Request(
                method: "GET",
                path: APIFixture.functions,
                query: "MaxItems=2",
                headers: [.init("host", "localhost")]
            )
            let query = signer.presign(request, seconds: 60, at: APIFixture.now)
            let answer = try await client.send(.get, "\(APIFixture.functions)?\(query)", key: nil)
            #expect(answer.status == .ok)
        }
    }

    @Test func `a function's own session is accepted until it expires`() async throws {
        defer { try? fixture.remove() }
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        let good = fixture.sessions.issue(function: function, expires: APIFixture.now.advanced(by: .seconds(1)))
        let old = fixture.sessions.issue(function: function, expires: APIFixture.now)
        try await fixture.serve { client async throws in
            #expect(try await client.send(.get, APIFixture.functions, key: good).status == .ok)
            let expired = try await client.send(.get, APIFixture.functions, key: old)
            #expect(expired.header("x-amzn-ErrorType") == "ExpiredTokenException")
            var stolen = good
            stolen.sessionToken = nil
            let bare = try await client.send(.get, APIFixture.functions, key: stolen)
            #expect(bare.header("x-amzn-ErrorType") == "UnrecognizedClientException")
        }
    }

    @Test func `health needs no signature, and with --auth none nothing does`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let health = try await client.send(.get, "/healthz", key: nil)
            #expect(health.status == .ok && String(buffer: health.body) == "ok")
        }
        let open = try APIFixture(isSigned: false)
        defer { try? open.remove() }
        try await open.serve { client async throws in
            #expect(try await client.send(.get, APIFixture.functions, key: nil).status == .ok)
        }
    }
}
