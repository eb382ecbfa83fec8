// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import LambdaModel
import NIOCore
import NIOPosix
import Testing

struct LiveServerTests {
    /// What a server on a real socket answers to `bytes`, until `isComplete` says that it is enough.
    static func exchange(
        _ port: Int,
        _ bytes: String,
        until isComplete: @Sendable (String) -> Bool
    ) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "localhost", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: bytes))
            var text = ""
            for try await buffer in inbound {
                text += String(buffer: buffer)
                if isComplete(text) { break }
            }
            return text
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a client that waits for 100 Continue gets it`() async throws {
        let fixture = try APIFixture(isSigned: false)
        defer { try? fixture.remove() }
        try await fixture.serve(.live) { client async throws in
            try await client.createActive("f")
            let port = try #require(client.client.port)
            let head = """
                POST \(APIFixture.functions)/f/invocations HTTP/1.1\r
                Host: localhost\r
                Content-Length: 2\r
                Expect: 100-continue\r
                \r

                """
            let text = try await Self.exchange(port, head) { $0.contains("\r\n\r\n") }
            #expect(text.hasPrefix("HTTP/1.1 100 Continue\r\n"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a body that says it is too long is refused before it comes`() async throws {
        let fixture = try APIFixture(isSigned: false)
        defer { try? fixture.remove() }
        try await fixture.serve(.live) { client async throws in
            let port = try #require(client.client.port)
            let head = """
                POST \(APIFixture.functions) HTTP/1.1\r
                Host: localhost\r
                Content-Length: 70167212\r
                \r

                """
            let text = try await Self.exchange(port, head) { $0.contains("operation") }
            #expect(text.hasPrefix("HTTP/1.1 413 "))
            #expect(text.contains("Request must be smaller than 70167211 bytes for the CreateFunction operation"))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `bytes that are no HTTP end the connection`() async throws {
        let fixture = try APIFixture()
        defer { try? fixture.remove() }
        try await fixture.serve(.live) { client async throws in
            let port = try #require(client.client.port)
            for bytes in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
                let text = try await Self.exchange(port, bytes) { _ in false }
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 400 "), "\(bytes)")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `one connection serves many requests, refused ones too`() async throws {
        let fixture = try APIFixture(isSigned: false)
        defer { try? fixture.remove() }
        try await fixture.serve(.live) { client async throws in
            try await client.createActive("f")
            for _ in 0..<5 {
                let refused = try await client.send(
                    .put,
                    APIFixture.functions + "/f/code",
                    body: [UInt8](repeating: UInt8(ascii: "x"), count: 300_000),
                    key: nil
                )
                #expect(refused.status == .badRequest)
                let answer = try await client.send(
                    .post,
                    APIFixture.functions + "/f/invocations",
                    body: Array("[1]".utf8),
                    key: nil
                )
                #expect(String(buffer: answer.body) == "[1]")
            }
        }
    }
}
