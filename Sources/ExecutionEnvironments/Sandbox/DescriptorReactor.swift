// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
package import LinuxSandbox
import Synchronization

/// One thread that waits for the descriptors SwiftNIO cannot serve: control sockets whose messages carry descriptors, and log
/// pipes that must be empty before an invocation's last line is written.
///
/// Level-triggered: a handler that leaves something unread is called again. Handlers run on the reactor's thread and must not block.
package final class DescriptorReactor: Sendable {
    private struct Watches {
        var byToken: [UInt64: Watch] = [:]
        var nextToken: UInt64 = 1
    }

    private let epoll: CInt
    private let watches = Mutex(Watches())

    /// Starts the thread, which lives as long as the process.
    package init() throws(SyscallError) {
        let epoll = try check("epoll_create", clinux_epoll_create())
        self.epoll = epoll
        Thread.detachNewThread { [weak self] in
            var tokens = [UInt64](repeating: 0, count: 64)
            while true {
                let count = clinux_epoll_wait(epoll, &tokens, CInt(tokens.count))
                // EBADF or EINVAL would be a mistake of ours; nothing else is possible (epoll_wait(2)).
                precondition(count >= 0, "epoll_wait: errno \(-count)")
                for token in tokens.prefix(Int(count)) { self?.ready(token) }
            }
        }
    }

    /// Calls `handler` whenever `descriptor` is readable or its other end is gone, until it returns false or the watch is cancelled.
    package func watch(_ descriptor: CInt, _ handler: @escaping @Sendable () -> Bool) throws(SyscallError) -> Watch {
        let watch = watches.withLock { watches in
            let watch = Watch(reactor: self, descriptor: descriptor, token: watches.nextToken, handler: handler)
            watches.byToken[watch.token] = watch
            watches.nextToken += 1
            return watch
        }
        let added = clinux_epoll_add(epoll, descriptor, watch.token)
        guard added == 0 else {
            watches.withLock { $0.byToken[watch.token] = nil }
            throw SyscallError(call: "epoll_ctl", errno: -added)
        }
        return watch
    }

    private func ready(_ token: UInt64) {
        guard let watch = watches.withLock({ $0.byToken[token] }), !watch.fire() else { return }
        remove(watch)
    }

    fileprivate func remove(_ watch: Watch) {
        watches.withLock { watches in
            guard watches.byToken.removeValue(forKey: watch.token) != nil else { return }
            // Before anybody can take it for removed and close it: the number may be another's then.
            _ = clinux_epoll_remove(epoll, watch.descriptor)
        }
    }
}

/// One descriptor's place in a `DescriptorReactor`.
package final class Watch: Sendable {
    fileprivate let descriptor: CInt
    fileprivate let token: UInt64
    private let reactor: DescriptorReactor
    private let handler: Mutex<(@Sendable () -> Bool)?>

    fileprivate init(
        reactor: DescriptorReactor,
        descriptor: CInt,
        token: UInt64,
        handler: @escaping @Sendable () -> Bool
    ) {
        self.reactor = reactor
        self.descriptor = descriptor
        self.token = token
        self.handler = Mutex(handler)
    }

    fileprivate func fire() -> Bool { handler.withLock { $0?() ?? true } }

    /// When this returns the handler is not running and will not run again: the descriptor may be closed.
    ///
    /// Must not be called from the handler itself, which returns false instead.
    package func cancel() {
        handler.withLock { $0 = nil }
        reactor.remove(self)
    }
}
