// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore

/// Connects a socket that was made in a sandbox's network namespace to that namespace's 127.0.0.1.
///
/// NIO connects only sockets that it made itself, and those are the host's.
enum LoopbackConnection {
    struct Failed: Error, Equatable {
        var errno: CInt
    }

    /// A listener whose queue is full does not answer: the kernel would go on asking for minutes.
    static let timeout = TimeAmount.seconds(2)
    private static let interval = TimeAmount.milliseconds(5)

    /// `socket` does not block, and stays the caller's; must be called on the loop.
    static func connect(_ socket: CInt, to port: UInt16, on loop: any EventLoop) -> EventLoopFuture<Void> {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(INADDR_LOOPBACK).bigEndian)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return loop.makeSucceededVoidFuture() }
        guard errno == EINPROGRESS else { return loop.makeFailedFuture(Failed(errno: errno)) }
        let promise = loop.makePromise(of: Void.self)
        wait(socket, until: .now() + timeout, on: loop, promise)
        return promise.futureResult
    }

    private static func wait(
        _ socket: CInt,
        until deadline: NIODeadline,
        on loop: any EventLoop,
        _ promise: EventLoopPromise<Void>
    ) {
        var waiting = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        if poll(&waiting, 1, 0) == 1 {
            var failure: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &length)
            return failure == 0 ? promise.succeed() : promise.fail(Failed(errno: failure))
        }
        guard NIODeadline.now() < deadline else { return promise.fail(Failed(errno: ETIMEDOUT)) }
        loop.scheduleTask(in: interval) { wait(socket, until: deadline, on: loop, promise) }
    }
}
