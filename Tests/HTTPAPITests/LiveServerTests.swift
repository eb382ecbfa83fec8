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
        try await exchange(port, [bytes]) { text, _ in isComplete(text) }.joined()
    }

    /// The same for one after the other over one connection; `isComplete` is told which one is answered.
    static func exchange(
        _ port: Int,
        _ requests: [String],
        until isComplete: @Sendable (String, Int) -> Bool
    ) async throws -> [String] {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.minutes(10))
            .connect(to: SocketAddress(ipAddress: "127.0.0.1", port: port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var iterator = inbound.makeAsyncIterator()
            var answers: [String] = []
            for (index, request) in requests.enumerated() {
                try await outbound.write(ByteBuffer(string: request))
                var text = ""
                while let buffer = try await iterator.next() {
                    text += String(buffer: buffer)
                    if isComplete(text, index) { break }
                }
                answers.append(text)
            }
            return answers
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a client that waits for 100 Continue gets it`() async throws {
        let fixture = try APIFixture(isSigned: false)
        defer { try? fixture.remove() }
        try await fixture.serve { client async throws in try await client.createActive("f") }
        try await fixture.serveLive { port async throws in
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
        try await fixture.serveLive { port async throws in
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
        try await fixture.serveLive { port async throws in
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
        try await fixture.serve { client async throws in try await client.createActive("f") }
        try await fixture.serveLive { port async throws in
            func request(_ line: String, _ body: String) -> String {
                "\(line) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            let refused = request("PUT \(APIFixture.functions)/f/code", String(repeating: "x", count: 300_000))
            let served = request("POST \(APIFixture.functions)/f/invocations", "[1]")
            let requests = (0..<10).map { $0.isMultiple(of: 2) ? refused : served }
            let answers = try await Self.exchange(port, requests) { text, index in
                text.hasSuffix(index.isMultiple(of: 2) ? "}" : "[1]")
            }
            for (index, answer) in answers.enumerated() {
                let (head, end) = index.isMultiple(of: 2) ? ("HTTP/1.1 400 ", "}") : ("HTTP/1.1 200 ", "\r\n\r\n[1]")
                #expect(answer.hasPrefix(head) && answer.hasSuffix(end), "\(answer)")
            }
        }
    }
}
