// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Egress

/// The proxy over real sockets; only where a connection was going is given, since nothing redirects here.
@Suite(.timeLimit(.minutes(1)))
struct EgressProxyTests {
    /// Runs `body` with the proxy's port and a listening socket that all connections go to.
    private func withProxy<Result: Sendable>(
        policy: String? = nil,
        meter: EgressMeter = EgressMeter(),
        closingTarget: Bool = false,
        _ body: @escaping @Sendable (UInt16, CInt) throws -> Result
    ) async throws -> Result {
        let (target, port) = try LoopbackSocket.listener()
        let (listener, proxyPort) = try LoopbackSocket.listener()
        if closingTarget { close(target) }
        // What the sandbox would have dialled: the alias of the host's loopback.
        let alias = try SocketAddress(ipAddress: "169.254.100.3", port: Int(port))
        let proxy = try await EgressProxy.start(
            listener: listener,
            group: MultiThreadedEventLoopGroup.singleton,
            policy: try EgressPolicy(parsing: [policy ?? "allow=host.martlet.internal:\(port)"]),
            hostAddresses: { [] },
            ownPort: 4_566,
            meter: meter,
            logger: Logger(label: "test"),
            destination: { $0.eventLoop.makeSucceededFuture(alias) }
        )
        do {
            let result = try await blocking { try body(proxyPort, target) }
            await proxy.stop()
            if !closingTarget { close(target) }
            return result
        } catch {
            await proxy.stop()
            throw error
        }
    }

    @Test func `bytes pass both ways, each end by itself, and are counted`() async throws {
        let meter = EgressMeter()
        let before = meter.snapshot()
        try await withProxy(meter: meter) { port, target in
            let near = try LoopbackSocket(port: port)
            let far = try LoopbackSocket.accept(target)
            try near.send("question")
            near.endOutput()
            #expect(try far.readToEnd() == "question")
            // The way back is still open.
            try far.send("answer")
            #expect(try near.read() == Array("answer".utf8))
            try far.send(" and more")
            far.endOutput()
            #expect(try near.readToEnd() == " and more")
            near.close()
            far.close()
        }
        #expect(meter.snapshot() - before == EgressMeter.Snapshot(sent: 8, received: 15))
    }

    @Test func `what was sent before the end arrives whole`() async throws {
        let size = 24 * 1_024 * 1_024
        let meter = EgressMeter()
        try await withProxy(meter: meter) { port, target in
            let near = try LoopbackSocket(port: port)
            let far = try LoopbackSocket.accept(target)
            let sending = Thread { 
                try near.send((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) })
                near.endOutput()
            }
            var at = 0
            while let part = try far.read() {
                for byte in part where byte != UInt8(truncatingIfNeeded: at &* 31) { Issue.record("byte \(at)") }
                at += part.count
            }
            try sending.join()
            #expect(at == size)
            near.close()
            far.close()
        }
        #expect(meter.snapshot().sent == Int64(size))
    }
}
