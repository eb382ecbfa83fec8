// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import NIOCore

/// Accepts no connection while none of them is read: those beyond what an environment's loop may cost wait in the kernel's queue.
final class RuntimeAPIAcceptPace: ChannelOutboundHandler {
    typealias OutboundIn = any Channel

    private let connections: RuntimeAPIConnections
    private var isWaiting = false

    init(_ connections: RuntimeAPIConnections) { self.connections = connections }

    func read(context: ChannelHandlerContext) {
        guard !isWaiting else { return }
        let loop = context.eventLoop
        let pause = connections.pause(at: .now(of: loop))
        guard pause > .zero else { return context.read() }
        isWaiting = true
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: loop)
        loop.scheduleTask(in: .nanoseconds(pause.wholeNanoseconds)) {
            let (handler, context) = bound.value
            handler.isWaiting = false
            if context.channel.isActive { handler.read(context: context) }
        }
    }
}
