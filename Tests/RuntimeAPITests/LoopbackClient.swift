// SPDX-License-Identifier: Apache-2.0
import Glibc
import LambdaModel
import Logging
import NIOPosix
import RuntimeAPI

/// A blocking TCP client with nothing between the test's bytes and the wire.
///
/// Reads and writes give up after five minutes.
struct LoopbackClient {
    struct Failed: Error {
        var call: String
        var errno: CInt
    }

    private let descriptor: CInt

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = Self.loopback(port: port)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed(call: "connect", errno: errno) }
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

    /// False when the other end takes no more for a fifth of a second; a part of it may have gone.
    func sendsAtOnce(_ text: String) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            guard poll(&ready, 1, 200) == 1 else { return false }
            let count = bytes.withUnsafeBytes { raw in
                let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
                return Glibc.send(descriptor, raw.baseAddress.map { $0 + sent }, bytes.count - sent, flags)
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits for bytes, or the end of the connection, and takes nothing.
    func waitsForInput() -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 300_000) == 1
    }

    /// Everything up to the end of the connection.
    func readToEnd() throws -> String {
        var all: [UInt8] = []
        while let part = try read() { all += part }
        return String(decoding: all, as: UTF8.self)
    }

    /// One answer with `Content-Length`: its head and its body.
    func readAnswer() throws -> (head: String, body: [UInt8]) {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let byte = try read(max: 1) else { throw Failed(call: "end of head", errno: 0) }
            head += byte
        }
        let text = String(decoding: head, as: UTF8.self)
        var length = 0
        for line in text.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
            length = Int(line.dropFirst(16)) ?? 0
        }
        var body: [UInt8] = []
        while body.count < length {
            guard let part = try read(max: length - body.count) else { throw Failed(call: "end of body", errno: 0) }
            body += part
        }
        return (text, body)
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

    /// A listening socket on 127.0.0.1 and the port that it got; one that does not listen refuses who connects.
    static func listener(listens: Bool = true) throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) + (listens ? listen(descriptor, 128) : 0)
                    + getsockname(descriptor, $0, &length)
            }
        }
        guard code == 0 else { throw Failed(call: "listen", errno: errno) }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

/// Threads for clients that block: many, since most of the time they wait for a handler, which waits for its turn.
private let blockingThreads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 32)
    pool.start()
    return pool
}()

/// Starts a server for `handler`, runs `body` with its port on a thread of its own, and stops the server.
func withServer<Result: Sendable>(
    _ handler: any RuntimeAPIHandler,
    streamRate: StreamRate? = nil,
    _ body: @escaping @Sendable (UInt16) throws -> Result
) async throws -> Result {
    let (listener, port) = try LoopbackClient.listener()
    let server = try await RuntimeAPIServer.start(
        listener: listener,
        handler: handler,
        group: MultiThreadedEventLoopGroup.singleton,
        streamRate: streamRate,
        logger: Logger(label: "test")
    )
    do {
        let result = try await blockingThreads.runIfActive { try body(port) }
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}
