// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import RuntimeAPI

/// Responses in streaming mode, which the handler has while they arrive.
struct StreamedResponseTests {
    private static let head = """
        POST /2018-06-01/runtime/invocation/s/response HTTP/1.1\r
        Host: x\r
        Transfer-Encoding: chunked\r
        Lambda-Runtime-Function-Response-Mode: streaming\r
        Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r
        \r

        """

    private func stream(
        _ runtime: RecordingRuntime,
        _ test: @escaping @Sendable (LoopbackClient) throws -> Void
    ) async throws {
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.head)
            try test(client)
        }
    }

    @Test func `the body arrives in its parts, and the connection ends after it`() async throws {
        let runtime = RecordingRuntime()
        try await stream(runtime) { client in
            // The handler is asked before the body is complete.
            #expect(runtime.waitsBlocking { !$0.requests.isEmpty })
            try client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            let answer = try client.readAnswer()
            #expect(answer.head.hasPrefix("HTTP/1.1 202 ") && answer.head.contains("Connection: close"))
        }
        #expect(runtime.streams == [.init(id: "s", body: Array("abcde".utf8), end: .complete)])
    }

    @Test func `trailers make it an error`() async throws {
        let runtime = RecordingRuntime()
        try await stream(runtime) { client in
            try client.send(
                "3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: Function.Late\r\n"
                    + "Lambda-Runtime-Function-Error-Body: eyJlIjoxfQ==\r\n\r\n"
            )
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
        }
        let end = PayloadStream.End.failed(type: "Function.Late", body: Array("{\"e\":1}".utf8))
        #expect(runtime.streams == [.init(id: "s", body: Array("abc".utf8), end: end)])
    }

    @Test func `a connection that ends before the body does truncates it`() async throws {
        let runtime = RecordingRuntime()
        try await stream(runtime) { client in
            try client.send("3\r\nabc\r\n5\r\nde")
            #expect(runtime.waitsBlocking { !$0.requests.isEmpty })
            client.endOutput()
            #expect(runtime.waitsBlocking { !$0.streams.isEmpty })
        }
        #expect(runtime.streams.map(\.end) == [.truncated])
    }

    @Test func `what nobody reads is not taken from the connection`() async throws {
        let runtime = RecordingRuntime(holdsStreams: true)
        defer { runtime.readStreams() }
        try await stream(runtime) { client in
            let chunk = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
            var sent = 0
            // The kernel's buffers and the stream's own take a few hundred KiB, then the writer waits.
            while sent < 256, client.sendsAtOnce(chunk) { sent += 1 }
            #expect(sent < 128, "\(sent) chunks of 64 KiB were taken")
        }
    }

    @Test func `a mode that there is none of is refused`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(
                "POST /2018-06-01/runtime/invocation/s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                    + "Lambda-Runtime-Function-Response-Mode: x\r\n\r\n1"
            )
            let refused = try client.readAnswer()
            #expect(refused.head.hasPrefix("HTTP/1.1 400 "))
            #expect(
                String(decoding: refused.body, as: UTF8.self)
                    == "{\"errorMessage\":\"Invalid function response mode\",\"errorType\":\"InvalidFunctionResponseMode\"}\n"
            )
        }
    }
}
