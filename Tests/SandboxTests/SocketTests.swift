// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import LinuxSandbox
import Testing

@testable import ExecutionEnvironments

/// Sockets that a sandbox's init makes for the server.
@Suite struct SocketTests {
    private func openSocket(_ sandbox: Sandbox) async throws -> CInt {
        try await withCheckedThrowingContinuation { continuation in
            sandbox.openSocket { continuation.resume(with: $0.mapError { $0 }) }
        }
    }

    private func connect(_ socket: CInt, port: UInt16) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result != 0, errno == EINPROGRESS else { return result == 0 ? 0 : errno }
        var ready = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        guard poll(&ready, 1, 120_000) == 1 else { return ETIMEDOUT }
        var failure: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &length)
        return failure
    }

    /// A port of the host's loopback on which nobody listens, nor can as long as the descriptor is open.
    private func reservedPort() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) + getsockname(descriptor, $0, &length)
            }
        }
        try #require(code == 0)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    @Test func `a socket reaches the sandbox's own loopback, and neither another's nor the host's`() async throws {
        let fixture = try SandboxFixture.shared()
        let (reserved, port) = try reservedPort()
        defer { close(reserved) }
        let (sandbox, other) = (try await fixture.make(), try await fixture.make())
        let listen = """
            import socket
            server = socket.create_server(('127.0.0.1', \(port)))
            print('listens', flush=True)
            connection, peer = server.accept()
            connection.sendall(b'from ' + peer[0].encode())
            """
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        try sandbox.run(
            ProcessPlan(
                executables: ["/usr/bin/python3"],
                arguments: ["-c", listen],
                environment: [],
                workingDirectory: "/",
                hasTelemetry: false,
                dataMiB: 0
            ),
            output: ends[1],
            telemetry: nil
        )
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(read(ends[0], &buffer, 64) == 8)
        close(ends[0])
        let foreign = try await openSocket(other)
        #expect(connect(foreign, port: port) == ECONNREFUSED)
        close(foreign)
        let host = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #expect(connect(host, port: port) == ECONNREFUSED)
        close(host)
        let own = try await openSocket(sandbox)
        #expect(connect(own, port: port) == 0)
        var ready = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
        #expect(poll(&ready, 1, 120_000) == 1)
        let count = read(own, &buffer, 64)
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "from 127.0.0.1")
        close(own)
        await sandbox.destroy()
        await other.destroy()
        await #expect(throws: SyscallError.self) { try await openSocket(sandbox) }
    }
}
