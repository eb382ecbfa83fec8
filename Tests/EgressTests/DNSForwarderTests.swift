// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Egress

/// A name server on 127.0.0.1, UDP and TCP on one port, that answers as it is told.
private final class Upstream: Sendable {
    let port: UInt16
    private let sockets: [CInt]
    private let stopped = Atomic<Bool>(false)
    private let seen = Mutex<[[UInt8]]>([])

    var queries: [[UInt8]] { seen.withLock { $0 } }

    /// `answer` gets a query, and whether it came over TCP; each element that it returns is sent.
    init(_ answer: @escaping @Sendable ([UInt8], Bool) -> [[UInt8]]) throws {
        (port, sockets) = try Self.bound(tries: 20)
        blockingThreads.submit { [self] _ in serveDatagrams(answer) }
        blockingThreads.submit { [self] _ in serveStreams(answer) }
    }

    /// The same port for both; another one if the stream one is taken.
    private static func bound(tries: Int) throws -> (UInt16, [CInt]) {
        let datagrams = try LoopbackSocket.listener(datagrams: true)
        do {
            return (
                datagrams.port, [datagrams.descriptor, try LoopbackSocket.listener(port: datagrams.port).descriptor]
            )
        } catch  where tries > 1 {
            close(datagrams.descriptor)
            return try bound(tries: tries - 1)
        }
    }

    func stop() {
        stopped.store(true, ordering: .relaxed)
    }

    private func isReadable(_ descriptor: CInt) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waited, 1, 20) == 1
    }

    private func serveDatagrams(_ answer: ([UInt8], Bool) -> [[UInt8]]) {
        defer { close(sockets[0]) }
        while !stopped.load(ordering: .relaxed) {
            guard isReadable(sockets[0]) else { continue }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            var from = LoopbackSocket.loopback(port: 0)
            var length = socklen_t(from.count)
            from.withUnsafeMutableBytes { raw in
                guard let address = raw.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
                let count = recvfrom(sockets[0], &buffer, buffer.count, 0, address, &length)
                guard count > 0 else { return }
                let query = Array(buffer.prefix(count))
                seen.withLock { $0.append(query) }
                for bytes in answer(query, false) { sendto(sockets[0], bytes, bytes.count, 0, address, length) }
            }
        }
    }

    private func serveStreams(_ answer: ([UInt8], Bool) -> [[UInt8]]) {
        defer { close(sockets[1]) }
        while !stopped.load(ordering: .relaxed) {
            guard isReadable(sockets[1]) else { continue }
            let client = LoopbackSocket(descriptor: accept(sockets[1], nil, nil))
            defer { client.close() }
            do {
                let query = try client.readFrame()
                for bytes in answer(query, true) { try client.sendFrame(bytes) }
            } catch {
                Issue.record(error)
            }
        }
    }
}

extension LoopbackSocket {
    fileprivate func sendFrame(_ bytes: [UInt8]) throws {
        try send([UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes)
    }

    fileprivate func readFrame() throws -> [UInt8] {
        func exactly(_ count: Int) throws -> [UInt8] {
            var bytes: [UInt8] = []
            while bytes.count < count {
                guard let part = try read(max: count - bytes.count) else { throw Failed(call: "end", errno: 0) }
                bytes += part
            }
            return bytes
        }
        let length = try exactly(2)
        return try exactly(Int(length[0]) << 8 | Int(length[1]))
    }
}

@Suite(.timeLimit(.minutes(10)))
struct DNSForwarderTests {
    static func query(_ name: String, type: UInt16 = 1, id: UInt16 = 0x1234, options: UInt16? = nil) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF), 1, 0, 0, 1, 0, 0, 0, 0, 0, options == nil ? 0 : 1]
        for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + Array(label.utf8) }
        bytes += [0, UInt8(type >> 8), UInt8(type & 0xFF), 0, 1]
        if let options { bytes += [0, 0, 41, UInt8(options >> 8), UInt8(options & 0xFF), 0, 0, 0, 0, 0, 0] }
        return bytes
    }

    /// The query as an answer, with `extra` behind it.
    static func answer(_ query: [UInt8], extra: Int = 16, truncated: Bool = false) -> [UInt8] {
        var bytes = query
        bytes[2] = truncated ? 0x83 : 0x81
        bytes[3] = 0x80
        return bytes + [UInt8](repeating: 0xEE, count: extra)
    }

    /// For queries that nobody answers; one that is answered has the longest time, since the answer may be late.
    private static let hasty = "options timeout:1 attempts:1"

    private func withForwarder<Result: Sendable>(
        _ upstream: Upstream?,
        policy: EgressPolicy = EgressPolicy(),
        configuration: String = "options timeout:30 attempts:1",
        _ body: @Sendable (_ datagrams: UInt16, _ streams: UInt16) async throws -> Result
    ) async throws -> Result {
        let datagrams = try LoopbackSocket.listener(datagrams: true)
        let stream = try LoopbackSocket.listener()
        let servers = upstream == nil ? "" : "nameserver 127.0.0.1\n"
        let forwarder = try await DNSForwarder.start(
            datagrams: [datagrams.descriptor],
            streams: [stream.descriptor],
            group: eventLoops,
            policy: policy,
            resolvers: {
                var found = ResolverConfiguration(parsing: servers + configuration)
                for index in found.servers.indices { found.servers[index].port = upstream?.port ?? 53 }
                return found
            },
            share: EgressBudget(descriptors: 16_384).share(),
            logger: Logger(label: "test")
        )
        defer { upstream?.stop() }
        do {
            let result = try await body(datagrams.port, stream.port)
            await forwarder.stop()
            return result
        } catch {
            await forwarder.stop()
            throw error
        }
    }

    private func ask(_ port: UInt16, _ query: [UInt8]) async throws -> [UInt8] {
        try await blocking {
            let client = try LoopbackSocket(port: port, datagrams: true)
            defer { client.close() }
            try client.send(query)
            return try client.read() ?? []
        }
    }

    @Test func `a query is forwarded under another id, and the answer comes back as it was`() async throws {
        let upstream = try Upstream { query, _ in [Self.answer(query)] }
        let query = Self.query("Example.com", options: 1_232)
        try await withForwarder(upstream) { datagrams, streams in
            let answer = try await ask(datagrams, query)
            #expect(answer == Self.answer(query))
            let overTCP = try await blocking {
                let client = try LoopbackSocket(port: streams)
                defer { client.close() }
                // Two in one write: answered in order.
                let second = Self.query("second.example.com", id: 7)
                try client.send([0, UInt8(query.count)] + query + [0, UInt8(second.count)] + second)
                let first = try client.readFrame()
                #expect(try client.readFrame() == Self.answer(second))
                return first
            }
            #expect(overTCP == Self.answer(query))
        }
        let queries = upstream.queries
        #expect(queries.count == 3)
        #expect(queries.first.map { Array($0.dropFirst(2)) } == Array(query.dropFirst(2)))
        #expect(Set(queries.map { Array($0.prefix(2)) }).count > 1)
    }

    @Test func `an answer that is cut is fetched over TCP, and cut for the client who takes no more`() async throws {
        let upstream = try Upstream { query, isStream in
            [isStream ? Self.answer(query, extra: 2_000) : Self.answer(query, extra: 0, truncated: true)]
        }
        try await withForwarder(upstream) { datagrams, streams in
            let wide = Self.query("a.example", options: 4_096)
            let whole = try await ask(datagrams, wide)
            #expect(whole == Self.answer(wide, extra: 2_000))
            let narrow = Self.query("a.example")
            let cut = try await ask(datagrams, narrow)
            #expect(cut == Self.answer(narrow, extra: 0, truncated: true))
            let overTCP = try await blocking {
                let client = try LoopbackSocket(port: streams)
                defer { client.close() }
                try client.sendFrame(narrow)
                return try client.readFrame()
            }
            #expect(overTCP == Self.answer(narrow, extra: 2_000))
        }
    }

    @Test func `answers to other questions do not count`() async throws {
        let upstream = try Upstream { query, _ in
            var otherID = Self.answer(query)
            otherID[0] ^= 1
            var otherName = Self.answer(query)
            otherName[13] ^= 1
            return [otherID, otherName, query, [], Array(query.prefix(11)), Self.answer(query, extra: 3)]
        }
        let query = Self.query("example.com")
        try await withForwarder(upstream) { datagrams, _ in
            let answer = try await ask(datagrams, query)
            #expect(answer == Self.answer(query, extra: 3))
        }
    }

    @Test func `without an answer, or without a server, it is SERVFAIL`() async throws {
        let query = Self.query("example.com")
        for upstream in [try Upstream { _, _ in [] }, nil] {
            try await withForwarder(upstream, configuration: Self.hasty) { datagrams, _ in
                let answer = try await ask(datagrams, query)
                #expect(answer.count == query.count && answer[3] == 0x82 && answer.prefix(2) == query.prefix(2))
            }
        }
    }

    @Test func `names of the sandbox are answered here`() async throws {
        let upstream = try Upstream { query, _ in [Self.answer(query)] }
        try await withForwarder(upstream) { datagrams, _ in
            for (name, type, address) in [
                ("host.martlet.internal", 1, "169.254.100.3"), ("HOST.Martlet.internal", 28, "fd00:6d61:7274::3"),
                ("localhost", 1, "127.0.0.1"), ("a.localhost", 28, "::1"),
            ] as [(String, UInt16, String)] {
                let answer = try await ask(datagrams, Self.query(name, type: type))
                let bytes = try #require(IPAddress(address)).bytes
                #expect(answer[3] == 0x80 && answer[7] == 1 && answer.suffix(bytes.count) == bytes[...], "\(name)")
            }
            let text = try await ask(datagrams, Self.query("host.martlet.internal", type: 16))
            #expect(text[3] == 0x80 && text[7] == 0)
            let other = try await ask(datagrams, Self.query("other.martlet.internal"))
            #expect(other[3] == 0x83)
            let transfer = try await ask(datagrams, Self.query("example.com", type: 252))
            #expect(transfer[3] == 0x85)
        }
        #expect(upstream.queries.isEmpty)
    }

    @Test func `with egress off only localhost has an address`() async throws {
        let upstream = try Upstream { query, _ in [Self.answer(query)] }
        try await withForwarder(upstream, policy: try EgressPolicy(parsing: ["none"])) { datagrams, _ in
            for name in ["example.com", "host.martlet.internal"] {
                let answer = try await ask(datagrams, Self.query(name))
                #expect(answer[3] == 0x85)
            }
            let local = try await ask(datagrams, Self.query("localhost"))
            #expect(local[3] == 0x80 && local.suffix(4) == [127, 0, 0, 1])
        }
        #expect(upstream.queries.isEmpty)
    }

    @Test func `more queries than may wait are dropped, and the next ones are answered`() async throws {
        let upstream = try Upstream { _, _ in [] }
        try await withForwarder(upstream, configuration: Self.hasty) { datagrams, streams in
            try await blocking {
                let flood = try LoopbackSocket(port: datagrams, datagrams: true)
                defer { flood.close() }
                let start = ContinuousClock.now
                for id in 0..<2_000 { try flood.send(Self.query("example.com", id: UInt16(id))) }
                usleep(200_000)
                // Each waits for a second: where all this took longer, as many more may have come in.
                let asked = upstream.queries.count
                let seconds = Int(start.duration(to: .now).components.seconds)
                #expect(asked <= (seconds + 1) * DNSForwarder.queriesMax)
                let client = try LoopbackSocket(port: streams)
                defer { client.close() }
                try client.sendFrame(Self.query("example.com"))
                #expect(try client.readFrame()[3] == 0x82)
            }
            let local = try await blocking { () throws -> [UInt8] in
                let client = try LoopbackSocket(port: datagrams, datagrams: true)
                defer { client.close() }
                // Dropped as well until those before it have had their time.
                for _ in 0..<120 {
                    try client.send(Self.query("localhost"))
                    if client.hasInput(within: 1_000) { break }
                }
                return try client.read() ?? []
            }
            #expect(local.suffix(4) == [127, 0, 0, 1])
        }
    }

    /// Random and nearly right bytes get an error or nothing, and the forwarder lives: 32 seeds × 100 datagrams.
    @Test(arguments: UInt64(0)..<32)
    func `random bytes do no harm`(seed: UInt64) async throws {
        try await withForwarder(nil) { datagrams, streams in
            try await blocking {
                var random = SeededBytes(state: seed)
                let client = try LoopbackSocket(port: datagrams, datagrams: true)
                let stream = try LoopbackSocket(port: streams)
                for _ in 0..<100 {
                    var bytes = Self.query("some.name.example", options: 512)
                    for _ in 0..<Int(random.next() % 4) {
                        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                    }
                    bytes = Array(bytes.prefix(Int(random.next() % 60)))
                    try client.send(bytes)
                    do {
                        try stream.sendFrame(bytes)
                    } catch is LoopbackSocket.Failed {
                        // The server closed the connection, as it may.
                    }
                }
                client.close()
                stream.close()
            }
            let local = try await ask(datagrams, Self.query("localhost"))
            #expect(local.suffix(4) == [127, 0, 0, 1], "seed \(seed)")
        }
    }
}
