// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOPosix

/// A blocking socket on 127.0.0.1 with nothing between the test's bytes and the wire.
///
/// Reads and writes give up after five minutes.
struct LoopbackSocket {
    struct Failed: Error {
        var call: String
        var errno: CInt
    }

    let descriptor: CInt

    /// An adopted descriptor, such as an accepted one.
    init(descriptor: CInt) {
        self.descriptor = descriptor
        limitWaiting()
    }

    /// Connected to a port.
    init(port: UInt16, datagrams: Bool = false) throws {
        descriptor = socket(AF_INET, CInt(datagrams ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue), 0)
        let connected = Self.withAddress(Self.loopback(port: port)) { connect(descriptor, $0, $1) }
        guard connected == 0 else { throw Failed(call: "connect", errno: errno) }
        limitWaiting()
    }

    private func limitWaiting() {
        var limit = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(descriptor, raw.baseAddress.map { $0 + sent }, bytes.count - sent, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failed(call: "send", errno: errno) }
            sent += count
        }
    }

    /// Everything up to the end of the connection.
    func readToEnd() throws -> String {
        var all: [UInt8] = []
        while let part = try read() { all += part }
        return String(decoding: all, as: UTF8.self)
    }

    /// False if nothing has come by then.
    func hasInput(within milliseconds: CInt) -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waited, 1, milliseconds) == 1
    }

    /// nil at the end of the connection.
    func read(max: Int = 65_536) throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: max)
        let count = recv(descriptor, &buffer, max, 0)
        guard count >= 0 else { throw Failed(call: "recv", errno: errno) }
        return count == 0 ? nil : Array(buffer.prefix(count))
    }

    func endOutput() {
        shutdown(descriptor, CInt(SHUT_WR))
    }

    /// Closes with a reset.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        Glibc.close(descriptor)
    }

    /// The bytes of a sockaddr_in: family in host order, port and address in network order.
    static func loopback(port: UInt16) -> [UInt8] {
        withUnsafeBytes(of: UInt16(AF_INET), Array.init) + [UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1]
            + [UInt8](repeating: 0, count: 8)
    }

    static func withAddress<Result>(
        _ bytes: [UInt8],
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        bytes.withUnsafeBytes { raw in
            raw.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) }
        }
    }

    /// A bound socket on 127.0.0.1 and the port that it got; a stream one listens, or refuses who connects.
    static func listener(
        datagrams: Bool = false,
        port: UInt16 = 0,
        listens: Bool = true
    ) throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(datagrams ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue), 0)
        // The port of one that does not listen is not for others.
        var reuse: CInt = listens ? 1 : 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<CInt>.size))
        let code = withAddress(loopback(port: port)) {
            bind(descriptor, $0, $1) + (datagrams || !listens ? 0 : listen(descriptor, 128))
        }
        var name = loopback(port: 0)
        var length = socklen_t(name.count)
        let named = name.withUnsafeMutableBytes { raw in
            raw.baseAddress.map { getsockname(descriptor, $0.assumingMemoryBound(to: sockaddr.self), &length) }
        }
        guard code == 0, named == 0 else { throw Failed(call: "listen", errno: errno) }
        return (descriptor, UInt16(name[2]) << 8 | UInt16(name[3]))
    }

    /// The next connection to a listening descriptor, within five minutes.
    static func accept(_ listener: CInt) throws -> LoopbackSocket {
        var waited = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, 300_000) == 1 else { throw Failed(call: "poll", errno: errno) }
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { throw Failed(call: "accept", errno: errno) }
        return LoopbackSocket(descriptor: descriptor)
    }
}

/// These tests' own: others keep the common one's threads busy for seconds.
let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 2)

/// Threads for calls that block, so that no thread of Swift's or NIO's does.
///
/// Enough for all of these tests at once: a name server that waits for a thread answers too late.
let blockingThreads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 128)
    pool.start()
    return pool
}()

func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await blockingThreads.runIfActive(body)
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
