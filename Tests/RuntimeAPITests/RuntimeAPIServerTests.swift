// SPDX-License-Identifier: Apache-2.0
import Glibc
import LambdaModel
import Logging
import NIOPosix
import RuntimeAPI
import Testing

/// The Runtime API over real sockets, with bytes as clients send them.
@Suite(.timeLimit(.minutes(10)))
struct RuntimeAPIServerTests {
    private static let path = "/2018-06-01/runtime/"

    private static func event(_ id: String, payload: String = "{}") -> RuntimeInvocation {
        RuntimeInvocation(
            requestID: id,
            deadlineMilliseconds: 1_700_000_000_123,
            invokedFunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f",
            traceID: "Root=1-5e1b4151;Sampled=1",
            clientContextJSON: "{\n\"a\": \"ü\"}",
            payload: Array(payload.utf8)
        )
    }

    private static func get(_ path: String) -> String {
        "GET \(Self.path)\(path) HTTP/1.1\r\nHost: x\r\n\r\n"
    }

    private static func post(_ path: String, _ body: String, headers: String = "") -> String {
        "POST \(Self.path)\(path) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func `an event comes with its headers, and is answered on the same connection`() async throws {
        let runtime = RecordingRuntime(events: [Self.event("id-1", payload: "{\"n\":1}"), Self.event("id-2")])
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.get("invocation/next"))
            let first = try client.readAnswer()
            #expect(first.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            for line in [
                "Lambda-Runtime-Aws-Request-Id: id-1", "Lambda-Runtime-Deadline-Ms: 1700000000123",
                "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f",
                "Lambda-Runtime-Trace-Id: Root=1-5e1b4151;Sampled=1",
                "Lambda-Runtime-Client-Context: { \"a\": \"ü\"}", "Content-Type: application/json",
            ] {
                #expect(first.head.contains("\r\n\(line)\r\n"), "\(line)")
            }
            #expect(!first.head.contains("Cognito"))
            #expect(first.body == Array("{\"n\":1}".utf8))
            // As our bootstraps do: the response and the next poll in one write.
            try client.send(Self.post("invocation/id-1/response", "\"ok\"") + Self.get("invocation/next"))
            let accepted = try client.readAnswer()
            #expect(accepted.head.hasPrefix("HTTP/1.1 202 Accepted\r\n"))
            #expect(accepted.body == Array("{\"status\":\"OK\"}\n".utf8))
            #expect(try client.readAnswer().head.contains("Lambda-Runtime-Aws-Request-Id: id-2\r\n"))
        }
        #expect(
            runtime.requests == [
                .next, .response(id: "id-1", body: Array("\"ok\"".utf8), contentType: nil), .next,
            ]
        )
    }

    @Test func `a response is answered although the poll behind it waits`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.post("invocation/a/response", "1") + Self.get("invocation/next"))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            // Of a client that had gone by then it would not be asked.
            #expect(runtime.waitsBlocking { $0.requests.last == .next })
        }
    }

    /// However busy the machine is, they take no less time.
    @Test func `calls that are no part of an invocation are taken at their rate, those in one write too`() async throws
    {
        try await withServer(RecordingRuntime()) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            let began = ContinuousClock.now
            let count = 80
            for _ in 0..<count {
                try client.send(String(repeating: Self.post("init/error", "e"), count: 16))
                for _ in 0..<16 { #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 ")) }
            }
            // A thousand at once, and 200 a second: 1,280 take 1.4 seconds at the least.
            #expect(began.duration(to: .now) > .seconds(1))
        }
    }

    @Test func `errors keep their type and their bytes`() async throws {
        let runtime = RecordingRuntime()
        let type = "Lambda-Runtime-Function-Error-Type: "
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            let cause = "Lambda-Runtime-Function-XRay-Error-Cause: {}\r\n"
            try client.send(Self.post("invocation/a/error", "{ }", headers: type + "Function.Bad\r\n" + cause))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            try client.send(Self.post("init/error", "e", headers: type + "Odd\r\n"))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            try client.send(Self.post("restore/error", "r") + Self.get("restore/next"))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
        #expect(
            runtime.requests == [
                .error(id: "a", type: "Function.Bad", body: Array("{ }".utf8), xrayCause: "{}"),
                .initError(type: "Runtime.Unknown", body: [UInt8(ascii: "e")]),
                .restoreError(type: "Runtime.Unknown", body: [UInt8(ascii: "r")]), .restoreNext,
            ]
        )
    }

    @Test func `a response of the largest size is taken, one byte more is refused, and the connection goes on`()
        async throws
    {
        let runtime = RecordingRuntime()
        let most = LimitsProfile.responsePayloadBytesMax
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(Self.post("invocation/a/response", String(repeating: "x", count: most)))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            try client.send(Self.post("invocation/b/response", String(repeating: "x", count: most + 1)))
            let refused = try client.readAnswer()
            #expect(refused.head.hasPrefix("HTTP/1.1 413 "))
            #expect(String(decoding: refused.body, as: UTF8.self).contains("Exceeded \\\"maximum\\\"."))
            try client.send(Self.get("restore/next"))
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
        #expect(runtime.requests.count == 3)
        #expect(runtime.requests.dropFirst().first == .responseTooLarge(id: "b"))
    }

    @Test func `a client that expects it is told to continue`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(
                "POST \(Self.path)invocation/a/response HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            )
            #expect(try client.readAnswer().head == "HTTP/1.1 100 Continue\r\n\r\n")
            try client.send("{}")
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 202 "))
        }
    }

    @Test(arguments: [
        ("GET /2018-06-01/ping", 200), ("GET http://127.0.0.1/2018-06-01/ping?a=b", 200),
        ("POST /2018-06-01/ping", 405),
        ("GET /2018-06-01/runtime/invocation/x/response", 405), ("POST /2018-06-01/runtime/invocation/next", 405),
        ("GET /2017-01-01/runtime/invocation/next", 404), ("GET /", 404),
        ("GET /2018-06-01/runtime/invocation//error", 404),
        ("GET /2018-06-01/runtime/invocation/next/", 404), ("POST /2022-07-01/telemetry", 405),
        ("GET /2020-01-01/extension/register", 405),
        ("GET /2020-08-15/logs/", 405), ("PUT /2022-07-01/telemetries", 404), ("PUT /2022-07-01/logs", 404),
        ("OPTIONS *", 404),
    ])
    func `what is not there is refused`(request: String, status: Int) async throws {
        try await withServer(RecordingRuntime()) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send("\(request) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            #expect(try client.readAnswer().head.hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test func `subscriptions are handed on`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            for (path, header) in [
                ("2022-07-01/telemetry", "Lambda-Extension-Identifier: a\r\n"), ("2022-07-01/telemetry/", ""),
                ("2020-08-15/logs", ""),
            ] {
                try client.send("PUT /\(path) HTTP/1.1\r\n\(header)Content-Length: 2\r\n\r\n{}")
                let answer = try client.readAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
                #expect(String(decoding: answer.body, as: UTF8.self) == "\"OK\"")
            }
        }
        let body = Array("{}".utf8)
        #expect(
            runtime.requests == [
                .subscribe(identifier: "a", isLogs: false, body: body),
                .subscribe(identifier: nil, isLogs: false, body: body),
                .subscribe(identifier: nil, isLogs: true, body: body),
            ]
        )
    }

    private static let malformed = [
        "no request": "hello\r\n\r\n", "version": "GET / HTTP/3.7\r\n\r\n",
        "long header": "GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 70_000))\r\n\r\n",
        "long target": "GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\n\r\n",
        "two lengths": "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "negative length": "POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
        "no header name": "GET / HTTP/1.1\r\n\u{0}: b\r\n\r\n",
        "behind good ones": String(repeating: "GET /2018-06-01/ping HTTP/1.1\r\n\r\n", count: 10) + "\u{1}\r\n\r\n",
    ]

    @Test(arguments: malformed.keys.sorted())
    func `malformed requests are answered, and their connection is closed`(name: String) async throws {
        try await withServer(RecordingRuntime()) { port in
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send(#require(Self.malformed[name]))
            let answer = try client.readToEnd()
            #expect(answer.contains("HTTP/1.1 4") && answer.contains("Connection: close\r\n"), "\(answer.prefix(200))")
        }
    }

    @Test func `a client that goes away ends its own wait only`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let stays = try LoopbackClient(port: port)
            try stays.send(Self.get("invocation/next"))
            let closes = try LoopbackClient(port: port)
            try closes.send(Self.get("invocation/next"))
            let halfCloses = try LoopbackClient(port: port)
            try halfCloses.send(Self.get("invocation/next"))
            while runtime.requests.count < 3 { usleep(1_000) }
            closes.close()
            halfCloses.endOutput()
            #expect(try halfCloses.readToEnd().isEmpty)
            #expect(runtime.waitsBlocking { $0.cancelledCount >= 2 })
            usleep(50_000)
            #expect(runtime.cancelledCount == 2)
            halfCloses.close()
            stays.close()
        }
        #expect(try await runtime.waits { $0.cancelledCount == 3 })
    }

    @Test func `a half-closed client is still answered, and a cut response is told`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            let whole = try LoopbackClient(port: port)
            try whole.send(Self.post("invocation/a/response", "1"))
            whole.endOutput()
            #expect(try whole.readToEnd().hasPrefix("HTTP/1.1 202 "))
            whole.close()
            let cut = try LoopbackClient(port: port)
            try cut.send("POST \(Self.path)invocation/b/response HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
            cut.endOutput()
            #expect(try cut.readToEnd().hasPrefix("HTTP/1.1 400 "))
            cut.close()
            let gone = try LoopbackClient(port: port)
            try gone.send("POST \(Self.path)invocation/c/response HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
            gone.close()
            #expect(runtime.waitsBlocking { $0.requests.contains(.truncatedResponse(id: "c")) })
        }
        #expect(runtime.requests.contains(.truncatedResponse(id: "b")))
    }

    @Test func `a sixty-fifth connection is closed, and a place is free again when one goes`() async throws {
        try await withServer(RecordingRuntime()) { port in
            var clients: [LoopbackClient] = []
            for _ in 0..<64 {
                let client = try LoopbackClient(port: port)
                try client.send("GET /2018-06-01/ping HTTP/1.1\r\n\r\n")
                #expect(try client.readAnswer().body == Array("pong".utf8))
                clients.append(client)
            }
            let extra = try LoopbackClient(port: port)
            #expect(try extra.read() == nil)
            extra.close()
            clients.removeLast().close()
            // Free once the server has seen that end: until then others are closed as well.
            var isServed = false
            for _ in 0..<1_200 where !isServed {
                let again = try LoopbackClient(port: port)
                do {
                    try again.send("GET /2018-06-01/ping HTTP/1.1\r\n\r\n")
                    isServed = try again.readAnswer().body == Array("pong".utf8)
                } catch is LoopbackClient.Failed {
                    usleep(100_000)
                }
                again.close()
            }
            #expect(isServed)
            for client in clients { client.close() }
        }
    }

    @Test func `clients that send without end hold up nobody but themselves for long`() async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            // Three bodies of 6 MB that never end are more than one environment may hold: the third stops being read.
            let part = [UInt8](repeating: 120, count: 64 * 1_024)
            var clients: [LoopbackClient] = []
            for id in 0..<3 {
                let client = try LoopbackClient(port: port)
                try client.send(
                    "POST \(Self.path)invocation/\(id)/response HTTP/1.1\r\nContent-Length: 6291456\r\n\r\n"
                )
                clients.append(client)
                if id < 2 { for _ in 0..<95 { try client.send(part) } }
            }
            for client in clients.prefix(2) { client.close() }
            for _ in 0..<96 { try clients[2].send(part) }
            #expect(try clients[2].readAnswer().head.hasPrefix("HTTP/1.1 202 "))
            clients[2].close()
        }
    }

    @Test func `clients that do not read their events are cut off`() async throws {
        let payload = String(repeating: "x", count: LimitsProfile.synchronousPayloadBytesMax)
        let runtime = RecordingRuntime(events: (0..<20).map { Self.event("id-\($0)", payload: payload) })
        try await withServer(runtime) { port in
            let clients = try (0..<20).map { _ in try LoopbackClient(port: port) }
            for client in clients { try client.send(Self.get("invocation/next")) }
            // Each has its answer, or its end, before any is read.
            for client in clients { #expect(client.waitsForInput()) }
            var cut = 0
            for client in clients {
                do {
                    if try client.readAnswer().body.count < payload.utf8.count { cut += 1 }
                } catch is LoopbackClient.Failed {
                    cut += 1
                }
                client.close()
            }
            #expect(cut > 0 && cut < 20)
        }
    }

    @Test func `what was sent before the connections are closed is not asked after`() async throws {
        let (listener, port) = try LoopbackClient.listener()
        let runtime = RecordingRuntime()
        let server = try await RuntimeAPIServer.start(
            listener: listener,
            handler: runtime,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test")
        )
        for _ in 0..<20 {
            var clients: [LoopbackClient] = []
            for _ in 0..<60 {
                let client = try LoopbackClient(port: port)
                try client.send(Self.get("invocation/next"))
                clients.append(client)
            }
            for client in clients { client.close() }
            await server.closeConnections()
            let asked = runtime.requests.count
            try await Task.sleep(for: .milliseconds(5))
            #expect(runtime.requests.count == asked)
        }
        let client = try LoopbackClient(port: port)
        try client.send("GET /2018-06-01/ping HTTP/1.1\r\n\r\n")
        #expect(try client.readAnswer().body == Array("pong".utf8))
        client.close()
        await server.stop()
        await server.closeConnections()
        await server.stop()
    }

    /// Whatever the bytes are, the server lives, and answers the next client: 48 seeds × 40 connections.
    @Test(arguments: UInt64(0)..<48)
    func `random bytes do no harm`(seed: UInt64) async throws {
        let runtime = RecordingRuntime()
        try await withServer(runtime) { port in
            var random = SeededBytes(state: seed)
            let pieces = [
                "GET ", "POST ", "\(Self.path)invocation/next", "\(Self.path)invocation/a/response", " HTTP/1.1\r\n",
                "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "\r\n\r\n", "5\r\nabcde\r\n",
                "0\r\n\r\n",
                "Expect: 100-continue\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "\u{0}", "abcde", "CONNECT x:1",
            ]
            for _ in 0..<40 {
                let client = try LoopbackClient(port: port)
                var bytes: [UInt8] = []
                for _ in 0..<Int(random.next() % 24) {
                    bytes += Array(pieces[Int(random.next() % UInt64(pieces.count))].utf8)
                    if random.next() % 8 == 0 { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
                }
                do {
                    try client.send(bytes)
                } catch is LoopbackClient.Failed {
                    // The server closed early, as it may.
                }
                client.close()
            }
            let client = try LoopbackClient(port: port)
            defer { client.close() }
            try client.send("GET /2018-06-01/ping HTTP/1.1\r\n\r\n")
            #expect(try client.readAnswer().body == Array("pong".utf8), "seed \(seed)")
        }
        // Counted anew each time: one that was asked at the end may not have come to the handler yet.
        #expect(
            try await runtime.waits { runtime in
                runtime.cancelledCount == runtime.requests.count { $0 == .next }
            },
            "seed \(seed)"
        )
    }

    @Test func `what is no stream socket is refused`() async throws {
        for descriptor in [CInt(-1), open("/dev/null", O_RDONLY), socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)] {
            defer { close(descriptor) }
            await #expect(throws: SocketRefused.self) {
                _ = try await RuntimeAPIServer.start(
                    listener: descriptor,
                    handler: RecordingRuntime(),
                    group: MultiThreadedEventLoopGroup.singleton,
                    logger: Logger(label: "test")
                )
            }
        }
    }
}

/// SplitMix64.
struct SeededBytes {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
