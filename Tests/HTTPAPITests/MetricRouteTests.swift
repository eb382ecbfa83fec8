// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import MetricCore
import Testing

@testable import HTTPAPI

/// `/metrics` and CloudWatch: who may read them, and how they answer.
struct MetricRouteTests {
    private static func basic(_ id: String, _ secret: String) -> [(String, String)] {
        [("Authorization", "Basic \(Base64.encode(Array("\(id):\(secret)".utf8)))")]
    }

    @Test func `the metrics are for who signs with the administrator's key`() async throws {
        let fixture = try APIFixture()
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let answer = try await client.send(.get, "/metrics")
            #expect(answer.status == .ok && answer.headers[.contentType] == Exposition.contentType)
            #expect(String(buffer: answer.body).hasPrefix("# TYPE"))
            #expect(try await client.send(.get, "/metrics", key: nil).status == .forbidden)
            #expect(try await client.send(.post, "/metrics").status == .notFound)
            let function = fixture.sessions.issue(
                function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
                expires: APIFixture.now.advanced(by: .seconds(60))
            )
            #expect(try await client.send(.get, "/metrics", key: function).status == .forbidden)
        }
    }

    /// A request that came over no network is none of this machine's.
    @Test func `a secret is not taken in the clear from elsewhere`() async throws {
        let fixture = try APIFixture(metricsAccess: .open)
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let right = Self.basic(APIFixture.key.id, APIFixture.key.secret)
            let answer = try await client.send(.get, "/metrics", headers: right, key: nil)
            #expect(answer.status == .forbidden && String(buffer: answer.body).contains("in the clear"))
            #expect(try await client.send(.get, "/metrics", key: nil).status == .forbidden)
        }
    }

    @Test func `metrics that are off are nobody's`() async throws {
        let fixture = try APIFixture(metricsAccess: .off)
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            #expect(try await client.send(.get, "/metrics").status == .notFound)
        }
    }

    @Test func `CloudWatch is told by its target, its path or its signature, and errors are of its protocol`()
        async throws
    {
        let fixture = try APIFixture()
        defer { try? fixture.remove() }
        fixture.metrics.series(FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")).record(
            .throttles
        )
        try await fixture.serve { client async throws in
            let target = [("X-Amz-Target", "GraniteServiceVersion20100801.ListMetrics")]
            let json = try await client.send(.post, "/", headers: target, body: Array("{}".utf8), service: "monitoring")
            #expect(json.status == .ok && String(buffer: json.body).contains(#""MetricName":"Throttles""#))
            let path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
            let cbor = try await client.send(.post, path, body: [0xA0], service: "monitoring")
            #expect(cbor.status == .ok && cbor.headers[.contentType] == "application/cbor")
            let form = Array("Action=ListMetrics&Version=2010-08-01".utf8)
            let query = try await client.send(.post, "/", body: form, service: "monitoring")
            #expect(query.status == .ok && String(buffer: query.body).contains("<MetricName>Throttles</MetricName>"))
            let absent = try await client.send(
                .post,
                "/",
                headers: [("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricAlarm")],
                body: Array("{}".utf8),
                service: "monitoring"
            )
            #expect(
                absent.status == .badRequest && String(buffer: absent.body).contains("PutMetricAlarm is not available")
            )
            let wrong = try await client.send(.post, "/", body: Array("Action=Nothing".utf8), service: "monitoring")
            #expect(wrong.status == .badRequest && String(buffer: wrong.body).contains("<Code>InvalidAction</Code>"))
            let unsigned = try await client.send(.post, path, body: [0xA0], key: nil)
            #expect(unsigned.status == .forbidden && unsigned.headers[.contentType] == "application/cbor")
            let other = try await client.send(.post, "/", headers: target, body: Array("{}".utf8), service: "lambda")
            #expect(other.status == .forbidden)
        }
    }

    @Test func `a host is this machine's by its address or as localhost, and by nothing that looks like it`() {
        for host in ["localhost", "localhost:4566", "127.0.0.1", "127.1.2.3:80", "[::1]:4566", "[::1]"] {
            #expect(LambdaAPI.isOwnHost(host), "\(host)")
        }
        for host in [
            "", "127.0.0.1.evil.example", "127.evil.example:4566", "localhost.evil.example", "127.0.0", "127.0.0.256",
            "127.0.0.+1",
            "host.martlet.internal:4566", "10.0.0.1", "[::2]", "[::1.evil.example]",
        ] {
            #expect(!LambdaAPI.isOwnHost(host), "\(host)")
        }
    }
}
