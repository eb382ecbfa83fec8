// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RuntimeAPI

/// Sends batches to listeners of the test's own, polite and hostile ones.
@Suite struct TelemetryClientTests {
    /// Their own: other tests keep the common one's threads busy for seconds.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// One that listens on the host's loopback, where the client's sockets are made as well.
    private struct Listener {
        let descriptor: CInt
        let port: UInt16

        init() throws { (descriptor, port) = try LoopbackClient.listener() }

        /// Nothing on a connection waits for ever, whatever fails.
        private static func limit(_ descriptor: CInt) {
            var limit = timeval(tv_sec: 300, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
        }

        /// Runs `serve` for each of so many connections, on a thread of its own: it blocks.
        ///
        /// That thread waits as long as it takes: on a busy machine a test may be held up for a minute between two lines.
        func serve(
            connections: Int = 1,
            _ serve: @escaping @Sendable (CInt) -> Void
        ) -> EventLoopFuture<Void> {
            let promise = TelemetryClientTests.group.next().makePromise(of: Void.self)
            Thread.detachNewThread { [descriptor] in
                for _ in 0..<connections {
                    let connection = accept(descriptor, nil, nil)
                    guard connection >= 0 else { break }
                    Self.limit(connection)
                    serve(connection)
                    Glibc.close(connection)
                }
                promise.succeed()
            }
            return promise.futureResult
        }

        /// Accepts nothing more; what was accepted is served to its end.
        func stop() { shutdown(descriptor, CInt(SHUT_RDWR)) }

        func close() {
            stop()
            Glibc.close(descriptor)
        }
    }

    private static func send(_ text: String, to connection: CInt) {
        _ = Glibc.send(connection, text, text.utf8.count, CInt(MSG_NOSIGNAL))
    }

    /// All that comes until so many bytes of it are there.
    private static func receive(_ count: Int, from connection: CInt) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while all.count < count {
            let read = recv(connection, &buffer, buffer.count, 0)
            guard read > 0 else { break }
            all += buffer[..<read]
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// Sends the batches one after the other; whether each was accepted.
    ///
    /// Each is abandoned after `patience`, and `onAbandon` is told; or a moment after `end`.
    private func deliver(
        _ bodies: [String],
        to target: TelemetryClient.Target,
        patience: TimeAmount = .seconds(300),
        until end: EventLoopFuture<Void>? = nil,
        onAbandon: @escaping @Sendable () -> Void = {}
    ) async throws -> [Bool] {
        let loop = Self.group.next()
        let box = try await loop.submit {
            NIOLoopBound(
                TelemetryClient(target, loop: loop) {
                    loop.makeSucceededFuture(
                        socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
                    )
                },
                eventLoop: loop
            )
        }.get()
        var results: [Bool] = []
        for body in bodies {
            let accepted = try await loop.flatSubmit {
                let promise = loop.makePromise(of: Bool.self)
                let timer = loop.scheduleTask(in: patience) {
                    onAbandon()
                    box.value.abandon()
                }
                end?.whenSuccess { loop.scheduleTask(in: .milliseconds(500)) { box.value.abandon() } }
                box.value.send(ByteBuffer(string: body)) { accepted in
                    timer.cancel()
                    promise.succeed(accepted)
                }
                return promise.futureResult
            }.get()
            results.append(accepted)
        }
        try await loop.submit { box.value.close() }.get()
        return results
    }

    private func http(_ port: UInt16) -> TelemetryClient.Target {
        TelemetryClient.Target(port: port, http: .init(method: "POST", host: "sandbox:\(port)", path: "/p?q"))
    }

    private static let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

    @Test func `batches go over one connection`() async throws {
        let listener = try Listener()
        defer { listener.close() }
        let seen = Mutex<[String]>([])
        let serving = listener.serve { connection in
            for body in ["[1]", "[22]"] {
                let expected =
                    "POST /p?q HTTP/1.1\r\nHost: sandbox:\(listener.port)\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                let request = Self.receive(expected.utf8.count, from: connection)
                seen.withLock { $0.append(request == expected ? body : request) }
                Self.send(Self.head, to: connection)
            }
        }
        #expect(try await deliver(["[1]", "[22]"], to: http(listener.port)) == [true, true])
        listener.stop()
        try await serving.get()
        #expect(seen.withLock { $0 } == ["[1]", "[22]"])
    }

    @Test func `a connection that was closed meanwhile is made anew`() async throws {
        let listener = try Listener()
        defer { listener.close() }
        let serving = listener.serve(connections: 3) { connection in
            _ = Self.receive(1, from: connection)
            Self.send(Self.head, to: connection)
        }
        #expect(try await deliver(["[1]", "[2]", "[3]"], to: http(listener.port)) == [true, true, true])
        listener.stop()
        try await serving.get()
    }

    @Test(arguments: [
        ("HTTP/1.1 204 No Content\r\n\r\n", true), ("HTTP/1.0 200 OK\r\n\r\nuntil the end", true),
        ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false), ("HTTP/1.1 404 No\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", true), ("", false), ("nonsense\r\n\r\n", false),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", false),
    ])
    func `only the status counts`(response: String, isAccepted: Bool) async throws {
        let listener = try Listener()
        defer { listener.close() }
        let serving = listener.serve { connection in
            _ = Self.receive(1, from: connection)
            Self.send(response, to: connection)
        }
        #expect(try await deliver(["[]"], to: http(listener.port)) == [isAccepted])
        listener.stop()
        try await serving.get()
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", "x", true), ("HTTP/1.1 200 OK\r\n", "X-A: b\r\n", false),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", false),
    ])
    func `what has no end is cut off`(beginning: String, part: String, isAccepted: Bool) async throws {
        let listener = try Listener()
        defer { listener.close() }
        let sent = Mutex(0)
        let serving = listener.serve { connection in
            Self.send(beginning, to: connection)
            let parts = String(repeating: part, count: 1_000)
            while Glibc.send(connection, parts, parts.utf8.count, CInt(MSG_NOSIGNAL)) > 0 {
                sent.withLock { $0 += parts.utf8.count }
            }
        }
        #expect(try await deliver(["[]"], to: http(listener.port)) == [isAccepted])
        listener.stop()
        try await serving.get()
        // What the kernel holds of it included.
        #expect(sent.withLock { $0 } < 16 << 20)
    }

    @Test func `who takes nothing is left`() async throws {
        let listener = try Listener()
        defer { listener.close() }
        let body = String(repeating: "x", count: 8 << 20)
        for target in [http(listener.port), TelemetryClient.Target(port: listener.port)] {
            #expect(try await deliver([body], to: target, patience: .milliseconds(300)) == [false])
        }
    }

    @Test func `an answer that has begun counts when the time is up`() async throws {
        let listener = try Listener()
        defer { listener.close() }
        // The time is up when the answer has begun, however late that is on a busy machine.
        let begun = Self.group.next().makePromise(of: Void.self)
        defer { begun.succeed() }
        let serving = listener.serve { connection in
            _ = Self.receive(1, from: connection)
            Self.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", to: connection)
            begun.succeed()
            _ = Self.receive(1 << 20, from: connection)
        }
        #expect(try await deliver(["[]"], to: http(listener.port), until: begun.futureResult) == [true])
        listener.stop()
        try await serving.get()
    }

    @Test func `nobody there, or a queue that is full, is a failure in time`() async throws {
        // Nobody else gets that port meanwhile.
        let gone = try LoopbackClient.listener(listens: false)
        defer { Glibc.close(gone.descriptor) }
        #expect(try await deliver(["[]"], to: http(gone.port)) == [false])
        let full = try Listener()
        defer { full.close() }
        listen(full.descriptor, 0)
        let waiting = try (0..<1).map { _ in try LoopbackClient(port: full.port) }
        defer { for client in waiting { client.close() } }
        // By the client's loop, which is these tests' own: the test itself may be held up for a minute.
        let isLate = Mutex(false)
        let delivered = try await deliver(["[]"], to: http(full.port), patience: .seconds(20)) {
            isLate.withLock { $0 = true }
        }
        #expect(delivered == [false] && !isLate.withLock { $0 })
    }

    @Test func `plain TCP gets the bytes as they are`() async throws {
        let listener = try Listener()
        defer { listener.close() }
        let seen = Mutex("")
        let serving = listener.serve { connection in
            let all = Self.receive(6, from: connection)
            seen.withLock { $0 = all }
        }
        let target = TelemetryClient.Target(port: listener.port)
        // The kernel has taken the bytes; whether anybody reads them is seen after that.
        try #require(try await deliver(["1\n2\n", "3\n"], to: target) == [true, true])
        try await serving.get()
        #expect(seen.withLock { $0 } == "1\n2\n3\n")
    }
}
