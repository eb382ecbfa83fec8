// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import LogStore
import Testing

struct LogRouteTests {
    static let group = LogGroupKey(accountID: "000000000000", region: "us-east-1", name: "/aws/lambda/f")
    let fixture: APIFixture

    init() throws {
        fixture = try APIFixture()
    }

    func filter(_ client: APIFixture.Client, _ members: [String: JSONValue]) async throws -> TestResponse {
        try await client.send(
            .post,
            "/",
            headers: [("X-Amz-Target", "Logs_20140328.FilterLogEvents")],
            body: JSONValue.object(members).bytes,
            service: "logs"
        )
    }

    @Test func `events come in order, in pages`() async throws {
        defer { try? fixture.remove() }
        let events = (0..<250).map {
            LogEvent(timestamp: Timestamp(millisecondsSinceEpoch: 1_000 + Int64($0)), message: "line \($0)")
        }
        try await fixture.logs.append(JournalEntry(group: Self.group, stream: "s", events: events, usage: nil))
        try await fixture.serve { client async throws in
            let all = try await filter(client, ["logGroupName": .string("/aws/lambda/f")])
            #expect(all.header("content-type") == "application/x-amz-json-1.1")
            let messages = try all.json["events"]?.array?.map { $0["message"]?.string }
            #expect(messages == (0..<250).map { "line \($0)" })
            #expect(try all.json["nextToken"] == nil)
            let first = try await filter(
                client,
                ["logGroupName": .string("/aws/lambda/f"), "limit": .integer(3), "startTime": .integer(1_010)]
            )
            #expect(try first.json["events"]?.array?.first?["message"] == .string("line 10"))
            let token = try #require(try first.json["nextToken"])
            let next = try await filter(
                client,
                [
                    "logGroupIdentifier": .string("arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:*"),
                    "limit": .integer(3), "startTime": .integer(1_010), "nextToken": token,
                ]
            )
            #expect(try next.json["events"]?.array?.first?["message"] == .string("line 13"))
        }
    }

    @Test(
        arguments: [
            [:], ["logGroupName": .string("g"), "filterPattern": .string("a-b")],
            ["logGroupName": .string("g"), "limit": .integer(0)],
            ["logGroupName": .string("g"), "limit": .integer(10_001)],
            ["logGroupName": .string("g"), "nextToken": .string("forged")],
            ["logGroupName": .string("g"), "startTime": .integer(-1)],
            ["logGroupName": .string("g"), "logStreamNames": .array([])],
        ] as [[String: JSONValue]]
    )
    func `what breaks a rule is refused`(members: [String: JSONValue]) async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let answer = try await filter(client, members)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["__type"] == .string("InvalidParameterException"))
        }
    }

    @Test func `what is not there is told apart from what is unknown`() async throws {
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            let missing = try await filter(client, ["logGroupName": .string("g")])
            #expect(try missing.json["__type"] == .string("ResourceNotFoundException"))
            let unknown = try await client.send(
                .post,
                "/",
                headers: [("X-Amz-Target", "Logs_20140328.StartQuery")],
                body: Array("{}".utf8),
                service: "logs"
            )
            #expect(unknown.status == .badRequest)
            #expect(try unknown.json["__type"] == .string("UnknownOperationException"))
        }
    }

    @Test func `usage is one object a line`() async throws {
        defer { try? fixture.remove() }
        let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
        let record = UsageRecord(
            requestID: "r",
            function: function,
            version: "$LATEST",
            startedAt: APIFixture.now,
            memoryMiB: 1_024,
            durationMicroseconds: 999_500,
            billedMilliseconds: 1_000,
            initMicroseconds: nil,
            maxMemoryUsedMiB: 30,
            ephemeralStorageMiB: 512,
            egressBytes: 5,
            ingressBytes: 6,
            outcome: "success",
            architecture: .x86_64,
            executedEnvironmentID: "e"
        )
        try await fixture.logs.append(JournalEntry(group: Self.group, stream: "s", events: [], usage: record))
        try await fixture.serve { client async throws in
            let answer = try await client.send(.get, "/_martlet/usage?month=2025-11")
            let lines = String(buffer: answer.body).split(separator: "\n")
            #expect(lines.count == 1)
            let line = try JSONValue(parsing: Array((lines.first ?? "").utf8))
            #expect(line["function"] == .string("f") && line["requests"] == .integer(1))
            #expect(line["billedMilliseconds"] == .integer(1_000) && line["gbSeconds"] == .number("1.0"))
            #expect(try await client.send(.get, "/_martlet/usage?month=2025-10").bytes.isEmpty)
            #expect(try await client.send(.get, "/_martlet/usage").status == .ok)
            for month in ["2025", "2025-13", "2025-1", "x-01", "2025-00", "99999-01"] {
                #expect(try await client.send(.get, "/_martlet/usage?month=\(month)").status == .badRequest)
            }
        }
    }

    @Test func `on a full disk usage is refused with the reason, and environments are shown`() async throws {
        defer { try? fixture.remove() }
        let full = try APIFixture(logPagesMax: 60)
        defer { try? full.remove() }
        // More than the database has room for.
        for _ in 0..<300 {
            let event = LogEvent(timestamp: APIFixture.now, message: String(repeating: "x", count: 3_000))
            let entry = JournalEntry(group: Self.group, stream: "s", events: [event], usage: nil)
            try await withCheckedThrowingContinuation { continuation in
                full.logs.journal(entry) { continuation.resume(with: $0.mapError { $0 as any Error }) }
            }
        }
        try await full.serve { client async throws in
            let usage = try await client.send(.get, "/_martlet/usage")
            #expect(usage.status == .internalServerError)
            #expect(String(buffer: usage.body).contains("disk is full"))
            let environments = try await client.send(.get, "/_martlet/environments")
            #expect(environments.status == .ok)
            #expect(try environments.json["Functions"] == .array([]))
        }
    }
}
