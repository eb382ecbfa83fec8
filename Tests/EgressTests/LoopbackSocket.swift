// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore
import NIOPosix

/// A blocking socket on 127.0.0.1 with nothing between the test's bytes and the wire.
///
/// Reads give up after five seconds.
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
        var address = Self.loopback(port: port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed(call: "connect", errno: errno) }
        limitWaiting()
    }

    private func limitWaiting() {
        var limit = timeval(tv_sec: 5, tv_usec: 0)
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

    func close() {
        Glibc.close(descriptor)
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A bound socket on 127.0.0.1 and the port that it got; a stream one listens.
    static func listener(
        datagrams: Bool = false,
        port: UInt16 = 0
    ) throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(datagrams ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue), 0)
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        var address = loopback(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) + (datagrams ? 0 : listen(descriptor, 128))
                    + getsockname(descriptor, $0, &length)
            }
        }
        guard code == 0 else { throw Failed(call: "listen", errno: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The next connection to a listening descriptor, within five seconds.
    static func accept(_ listener: CInt) throws -> LoopbackSocket {
        var waited = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        guard poll(&waited, 1, 5_000) == 1 else { throw Failed(call: "poll", errno: errno) }
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { throw Failed(call: "accept", errno: errno) }
        return LoopbackSocket(descriptor: descriptor)
    }
}

/// Runs blocking calls on a thread of their own.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await NIOThreadPool.singleton.runIfActive(body)
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
