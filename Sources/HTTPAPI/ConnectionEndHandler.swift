// SPDX-License-Identifier: Apache-2.0
package import NIOCore
import Synchronization

/// Knows when a client has ended its side of a connection, so that nothing goes on waiting for who left.
///
/// The server reads on while it works on a request, so an end is seen at once. A client that ends only its own side and still wants its answer
/// gets it of all requests that don't wait.
package final class ConnectionEndHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    package typealias InboundIn = NIOAny

    private struct State {
        var hasEnded = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { end() }
        context.fireUserInboundEventTriggered(event)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when the client's side has ended, or the task is cancelled; one may wait at a time, as there is one request.
    func ended() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard !state.hasEnded, !Task.isCancelled else { return false }
                    precondition(state.waiting == nil, "a connection has one request at a time")
                    state.waiting = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }
    }
}

/// The client that asked is gone: there is nobody to answer.
struct ClientGone: Error {}

extension Channel {
    /// Does something that takes its time, and gives it up when the client goes.
    ///
    /// - Throws: what `body` throws, or `ClientGone`.
    func whileConnected<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        guard let handler = try? await pipeline.handler(type: ConnectionEndHandler.self).get() else {
            return try await body()
        }
        return try await withThrowingTaskGroup(of: T.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                await handler.ended()
                throw ClientGone()
            }
            guard let result = try await group.next() else { preconditionFailure("there are two tasks") }
            return result
        }
    }
}
