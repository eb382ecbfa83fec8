// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import InvocationCore
package import LinuxSandbox
import Synchronization

/// One thread that waits for the descriptors SwiftNIO cannot serve: control sockets whose messages carry descriptors, and log
/// pipes that must be empty before an invocation's last line is written.
///
/// Level-triggered: a handler that leaves something unread is called again. Handlers run on the reactor's thread and must not block.
/// A handler may ask for a rest: who writes line by line wakes the thread once for many lines.
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
            var resting = RestingWatches()
            while true {
                let timeout = resting.isEmpty ? -1 : resting.milliseconds(at: .now)
                let count = clinux_epoll_wait(epoll, &tokens, CInt(tokens.count), timeout)
                // EBADF or EINVAL would be a mistake of ours; nothing else is possible (epoll_wait(2)).
                precondition(count >= 0, "epoll_wait: errno \(-count)")
                for token in tokens.prefix(Int(count)) where self?.ready(token) == .rest {
                    resting.add(token, at: .now)
                }
                guard !resting.isEmpty else { continue }
                for token in resting.takeEnded(at: .now) { self?.rearm(token) }
            }
        }
    }

    /// Calls `handler` whenever `descriptor` is readable or its other end is gone, until it returns false or the watch is cancelled.
    package func watch(_ descriptor: CInt, _ handler: @escaping @Sendable () -> Bool) throws(SyscallError) -> Watch {
        try add(descriptor, rests: false) { handler() ? .goOn : .end }
    }

    /// The same with a handler that says itself when it is to be called again.
    func watchResting(
        _ descriptor: CInt,
        _ handler: @escaping @Sendable () -> Watch.Next
    ) throws(SyscallError) -> Watch {
        try add(descriptor, rests: true, handler)
    }

    private func add(
        _ descriptor: CInt,
        rests: Bool,
        _ handler: @escaping @Sendable () -> Watch.Next
    ) throws(SyscallError) -> Watch {
        let watch = watches.withLock { watches in
            let watch = Watch(
                reactor: self,
                descriptor: descriptor,
                token: watches.nextToken,
                rests: rests,
                handler: handler
            )
            watches.byToken[watch.token] = watch
            watches.nextToken += 1
            return watch
        }
        let added = clinux_epoll_add(epoll, descriptor, watch.token, rests ? 1 : 0)
        guard added == 0 else {
            watches.withLock { $0.byToken[watch.token] = nil }
            throw SyscallError(call: "epoll_ctl", errno: -added)
        }
        return watch
    }

    private func ready(_ token: UInt64) -> Watch.Next {
        guard let watch = watches.withLock({ $0.byToken[token] }) else { return .end }
        let next = watch.fire()
        switch next {
        case .goOn: if watch.rests { rearm(token) }
        case .rest: break
        case .end: remove(watch)
        }
        return next
    }

    private func rearm(_ token: UInt64) {
        watches.withLock { watches in
            // Under the lock, as in `remove`: the number is still this watch's.
            guard let watch = watches.byToken[token] else { return }
            _ = clinux_epoll_rearm(epoll, watch.descriptor, token)
        }
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
    /// When a handler is called again.
    enum Next {
        /// When there is something to read.
        case goOn
        /// The same, but not before `RestingWatches.interval` at most.
        case rest
        case end
    }

    fileprivate let descriptor: CInt
    fileprivate let token: UInt64
    fileprivate let rests: Bool
    private let reactor: DescriptorReactor
    private let handler: Mutex<(@Sendable () -> Next)?>

    fileprivate init(
        reactor: DescriptorReactor,
        descriptor: CInt,
        token: UInt64,
        rests: Bool,
        handler: @escaping @Sendable () -> Next
    ) {
        self.reactor = reactor
        self.descriptor = descriptor
        self.token = token
        self.rests = rests
        self.handler = Mutex(handler)
    }

    fileprivate func fire() -> Next { handler.withLock { $0?() ?? .goOn } }

    /// When this returns the handler is not running and will not run again: the descriptor may be closed.
    ///
    /// Must not be called from the handler itself, which returns false instead.
    package func cancel() {
        handler.withLock { $0 = nil }
        reactor.remove(self)
    }
}
