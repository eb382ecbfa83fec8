// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPTypes
import Hummingbird
import LambdaModel
import NIOCore
import Testing

@testable import HTTPAPI

@Suite(.timeLimit(.minutes(10)))
struct StreamRouteTests {
    private static let path = "/2021-11-15/functions/f/response-streaming-invocations"

    @Test func `an answer is chunks of payload and one end`() async throws {
        let payload = [UInt8](repeating: 7, count: 300_000)
        let fixture = try APIFixture(stream: { request in
            let stream = InvocationStream(executedVersion: "$LATEST", payload: PayloadStream(whole: payload))
            stream.complete(
                .init(
                    failure: .init(type: "Function.Late", details: Array("{}".utf8)),
                    logTail: request.logType == .tail ? Array("END\n".utf8) : nil
                )
            )
            return stream
        })
        defer { try? fixture.remove() }
        let answer = try await fixture.serve { client async throws in
            try await client.createActive("f")
            return try await client.send(.post, Self.path, headers: [("X-Amz-Log-Type", "Tail")])
        }
        #expect(answer.header("content-type") == "application/vnd.amazon.eventstream")
        #expect(answer.header("X-Amz-Executed-Version") == "$LATEST")
        var decoder = EventStreamDecoder()
        decoder.append(answer.bytes)
        var messages: [EventStreamMessage] = []
        while let message = try decoder.next() { messages.append(message) }
        #expect(messages.dropLast().flatMap(\.payload) == payload)
        #expect(
            try messages.last.map { try JSONValue(parsing: $0.payload) }
                == .object([
                    "ErrorCode": .string("Function.Late"), "ErrorDetails": .string("{}"),
                    "LogResult": .string("RU5ECg=="),
                ])
        )
    }

    @Test func `a stream that nobody comes to read is given up`() async throws {
        let payload = PayloadStream()
        let fixture = try APIFixture(
            isSigned: false,
            stream: { _ in InvocationStream(executedVersion: "$LATEST", payload: payload) }
        )
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in
            try await client.createActive("f")
            payload.write([UInt8](repeating: 0, count: PayloadStream.bufferedBytesMax))
            #expect(!payload.whenRoom {})
            let head = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: Self.path)
            let request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
            #expect(try await fixture.api.respond(to: request).status == .ok)
            #expect(payload.whenRoom {})
        }
    }
}
