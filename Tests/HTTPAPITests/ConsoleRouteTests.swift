// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Console
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InvocationCore
import LambdaModel
import Synchronization
import Testing

@testable import HTTPAPI

struct ConsoleRouteTests {
    /// What a browser sends with every request of the page, and with those that change something.
    private static let own = [("X-Martlet-Console", "user"), ("Sec-Fetch-Site", "same-origin")]
    private static let change = own + [("Origin", "http://localhost")]
    private static let functions = "/console/api" + APIFixture.functions

    let fixture: APIFixture
    private let clock = ManualTime()

    init() throws {
        fixture = try APIFixture(console: ConsoleSessions(clock: { [clock] in clock.now }))
    }

    private final class ManualTime: Sendable {
        private let seconds = Mutex<Int64>(0)
        var now: MonotonicTime { MonotonicTime(nanoseconds: seconds.withLock { $0 } * 1_000_000_000) }
        func advance(_ count: Int64) { seconds.withLock { $0 += count } }
    }

    private static func credentials(_ key: AccessKey, region: String? = nil) -> [UInt8] {
        var members = ["AccessKeyId": JSONValue.string(key.id), "SecretAccessKey": .string(key.secret)]
        members["Region"] = region.map(JSONValue.string)
        return JSONValue.object(members).bytes
    }

    private static func signIn(
        _ client: APIFixture.Client,
        _ key: AccessKey = APIFixture.key,
        region: String? = nil,
        headers: [(String, String)] = change
    ) async throws -> TestResponse {
        try await client.send(
            .post,
            "/console/session",
            headers: headers,
            body: credentials(key, region: region),
            key: nil
        )
    }

    private static func cookie(_ answer: TestResponse) throws -> (String, String) {
        let field = try #require(answer.header("Set-Cookie"))
        return ("Cookie", String(field.prefix { $0 != ";" }))
    }

    @Test func `the page is there for everybody, and may do nothing but speak to its server`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            for path in ["/console", "/console/"] {
                let page = try await client.send(.get, path, key: nil)
                #expect(page.status == .ok)
                #expect(page.header("Content-Type") == "text/html; charset=utf-8")
                let policy = try #require(page.header("Content-Security-Policy"))
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"))
                #expect(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"))
                #expect(page.header("X-Content-Type-Options") == "nosniff")
                #expect(page.header("Referrer-Policy") == "no-referrer")
            }
            let script = try await client.send(.get, "/console/main.js", key: nil)
            #expect(script.header("Content-Type") == "text/javascript; charset=utf-8")
            let tag = try #require(script.header("ETag"))
            let again = try await client.send(.get, "/console/main.js", headers: [("If-None-Match", tag)], key: nil)
            #expect(again.status == .notModified)
            #expect(try await client.send(.get, "/console/../healthz", key: nil).status == .notFound)
            #expect(try await client.send(.get, "/console/absent.js", key: nil).status == .notFound)
            #expect(try await client.send(.post, "/console/main.js", key: nil).status == .methodNotAllowed)
        }
    }

    @Test func `without a session nothing is reachable, and with one what its key may`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let before = try await client.send(.get, Self.functions, headers: Self.own, key: nil)
            #expect(before.status == .unauthorized)
            let answer = try await Self.signIn(client)
            #expect(answer.status == .ok)
            #expect(try answer.json["UserArn"] == .string("arn:aws:iam::000000000000:root"))
            let setCookie = try #require(answer.header("Set-Cookie"))
            #expect(setCookie.contains("; Path=/console; HttpOnly; SameSite=Strict; Max-Age=43200"))
            #expect(!setCookie.contains("Secure"))
            let cookie = try Self.cookie(answer)
            let list = try await client.send(.get, Self.functions, headers: Self.own + [cookie], key: nil)
            #expect(list.status == .ok)
            #expect(try list.json["Functions"] == .array([]))
            #expect(list.header("Cache-Control") == "no-store")
            #expect(list.header("X-Content-Type-Options") == "nosniff")
            // The cookie is good for the console only.
            let direct = try await client.send(.get, APIFixture.functions, headers: Self.own + [cookie], key: nil)
            #expect(direct.status == .forbidden)
            // And what takes no signature takes what it takes still.
            let event = "/console/api/_martlet/s3/arn:aws:lambda:us-east-1:000000000000:function:f/token"
            let stranger = try await client.send(.post, event, headers: Self.change + [cookie], key: nil)
            #expect(stranger.status != .ok)
        }
    }

    @Test func `a wrong secret and an unknown key are refused alike, and not as often as one likes`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let wrong = try await Self.signIn(client, AccessKey(id: APIFixture.key.id, secret: "other"))
            let unknown = try await Self.signIn(client, AccessKey(id: "AKIAOTHER", secret: "secret"))
            #expect(wrong.status == .forbidden && unknown.status == .forbidden)
            #expect(try wrong.json == unknown.json)
            #expect(wrong.header("Set-Cookie") == nil)
            for _ in 2..<SignInRate.triesMax { _ = try await Self.signIn(client, AccessKey(id: "A", secret: "b")) }
            #expect(try await Self.signIn(client).status == .tooManyRequests)
            clock.advance(1)
            #expect(try await Self.signIn(client).status == .ok)
            clock.advance(100)
            let elsewhere = try await Self.signIn(client, region: "mars-1")
            #expect(elsewhere.status == .badRequest)
            let there = try await Self.signIn(client, region: "eu-west-1")
            #expect(try there.json["Region"] == .string("eu-west-1"))
            let long = try await client.send(
                .post,
                "/console/session",
                headers: Self.change,
                body: [UInt8](repeating: UInt8(ascii: " "), count: 5_000),
                key: nil
            )
            #expect(long.status == .contentTooLarge)
        }
    }

    @Test func `a session ends with sign-out, with time, and with its key`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            func status(_ cookie: (String, String), background: Bool = false) async throws -> HTTPResponse.Status {
                let headers = [("X-Martlet-Console", background ? "background" : "user"), cookie]
                return try await client.send(.get, "/console/session", headers: headers, key: nil).status
            }
            let first = try Self.cookie(try await Self.signIn(client))
            #expect(try await status(first) == .ok)
            let out = try await client.send(.delete, "/console/session", headers: Self.change + [first], key: nil)
            #expect(out.status == .noContent)
            #expect(out.header("Set-Cookie")?.contains("Max-Age=0") == true)
            #expect(try await status(first) == .noContent)

            let second = try Self.cookie(try await Self.signIn(client))
            clock.advance(1_799)
            #expect(try await status(second, background: true) == .ok)
            clock.advance(1)
            #expect(try await status(second) == .noContent)

            let made = try await client.send(
                .post,
                "/_martlet/keys",
                body: Array(#"{"AccessKeyId": "AKIATEMP", "SecretAccessKey": "s"}"#.utf8)
            )
            #expect(made.status == .created)
            let third = try Self.cookie(try await Self.signIn(client, AccessKey(id: "AKIATEMP", secret: "s")))
            #expect(try await status(third) == .ok)
            #expect(try await client.send(.delete, "/_martlet/keys/AKIATEMP").status == .noContent)
            #expect(try await status(third) == .noContent)
            let other = Array(#"{"AccessKeyId": "AKIATEMP", "SecretAccessKey": "t"}"#.utf8)
            #expect(try await client.send(.post, "/_martlet/keys", body: other).status == .created)
            #expect(try await status(third) == .noContent)
        }
    }

    @Test func `the key's policy holds in the console as for what it signs`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let policy =
                #"{"Statement": [{"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"}]}"#
            let made = try await client.send(
                .post,
                "/_martlet/keys",
                body: JSONValue.object([
                    "AccessKeyId": .string("AKIAREADER"), "SecretAccessKey": .string("s"),
                    "UserName": .string("reader"),
                    "PolicyDocument": .string(policy),
                ]).bytes
            )
            #expect(made.status == .created)
            let reader = AccessKey(id: "AKIAREADER", secret: "s")
            let cookie = try Self.cookie(try await Self.signIn(client, reader))
            #expect(
                try await client.send(.get, Self.functions, headers: Self.own + [cookie], key: nil).status == .ok
            )
            for (method, path) in [
                (HTTPRequest.Method.get, APIFixture.functions + "/f"), (.get, "/_martlet/usage"),
                (.get, "/_martlet/keys"), (.delete, APIFixture.functions + "/f"),
            ] {
                let signed = try await client.send(method, path, key: reader)
                let headers = Self.change + [cookie]
                let shown = try await client.send(method, "/console/api" + path, headers: headers, key: nil)
                #expect(shown.status == .forbidden)
                #expect(try shown.json == signed.json)
            }
        }
    }

    @Test func `what another origin's page has sent is refused`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let cookie = try Self.cookie(try await Self.signIn(client))
            let creation = APIFixture.creation("f")
            let attempts: [[(String, String)]] = [
                [], [("Origin", "http://localhost")], [("X-Martlet-Console", "user")],
                [("X-Martlet-Console", "user"), ("Origin", "http://evil.example")],
                [("X-Martlet-Console", "user"), ("Origin", "null")],
                [("X-Martlet-Console", "user"), ("Origin", "http://localhost.evil.example")],
                [("X-Martlet-Console", "user"), ("Origin", "http://localhost:81")],
                [("X-Martlet-Console", "user"), ("Origin", "http://localhost"), ("Sec-Fetch-Site", "same-site")],
                [("X-Martlet-Console", "user"), ("Origin", "http://localhost"), ("Sec-Fetch-Site", "cross-site")],
            ]
            for headers in attempts {
                let made = try await client.send(
                    .post,
                    Self.functions,
                    headers: headers + [cookie],
                    body: creation,
                    key: nil
                )
                #expect(made.status == .forbidden)
                #expect(made.header("x-amzn-ErrorType") == "CrossOriginException")
                #expect(made.header("Access-Control-Allow-Origin") == nil)
                #expect(try await Self.signIn(client, headers: headers).status == .forbidden)
                let out = try await client.send(.delete, "/console/session", headers: headers + [cookie], key: nil)
                #expect(out.status == .forbidden)
            }
            #expect(try await client.send(.get, Self.functions, headers: [cookie], key: nil).status == .forbidden)
            let preflight = try await client.send(
                .options,
                Self.functions,
                headers: [
                    ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "x-martlet-console"),
                ],
                key: nil
            )
            #expect(preflight.status == .forbidden)
            #expect(preflight.header("Access-Control-Allow-Origin") == nil)
            let list = try await client.send(.get, Self.functions, headers: Self.own + [cookie], key: nil)
            #expect(try list.json["Functions"] == .array([]))
            // A second cookie of the name is somebody else's.
            let two = ("Cookie", cookie.1 + "; " + cookie.1)
            #expect(
                try await client.send(.get, Self.functions, headers: Self.own + [two], key: nil).status == .unauthorized
            )
        }
    }

    @Test func `a secret is taken over plain HTTP from the machine itself only`() async throws {
        defer { try? fixture.remove() }
        let cases = [
            ("http://localhost:4566", true), ("http://a.localhost", true), ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566", true), ("https://martlet.example", true), ("http://martlet.example", false),
            ("http://127.0.0.1.evil.example", false), ("http://10.0.0.1:4566", false), ("ftp://localhost", nil),
        ]
        for (text, expected) in cases { #expect(WebOrigin(text)?.isTrustworthy == expected) }
    }

    @Test func `where it is switched off there is no console`() async throws {
        let without = try APIFixture()
        defer {
            try? without.remove()
            try? fixture.remove()
        }
        try await without.serve { client async throws in
            #expect(try await client.send(.get, "/console", key: nil).status == .notFound)
            #expect(try await Self.signIn(client).status == .notFound)
            #expect(try await client.send(.get, Self.functions, headers: Self.own, key: nil).status == .notFound)
        }
    }
}
