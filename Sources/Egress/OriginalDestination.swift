// SPDX-License-Identifier: Apache-2.0
import Glibc
import NIOCore
import NIOPosix

/// Where a redirected connection was going: what netfilter's connection tracking remembers (linux/netfilter_ipv4.h).
enum OriginalDestination {
    /// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST.
    private static let option = NIOBSDSocket.Option(rawValue: 80)
    private static let ipv4 = NIOBSDSocket.OptionLevel(rawValue: 0)
    private static let ipv6 = NIOBSDSocket.OptionLevel(rawValue: 41)

    /// Fails if the connection was not redirected.
    static func look(up channel: any Channel) -> EventLoopFuture<SocketAddress> {
        guard let options = channel as? any SocketOptionProvider, let local = channel.localAddress else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        switch local.protocol {
        case .inet:
            let found: EventLoopFuture<sockaddr_in> = options.unsafeGetSocketOption(level: ipv4, name: option)
            return found.map { SocketAddress($0) }
        case .inet6:
            let found: EventLoopFuture<sockaddr_in6> = options.unsafeGetSocketOption(level: ipv6, name: option)
            return found.map { SocketAddress($0) }
        default:
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
    }
}

extension Channel {
    /// Closes so that the other end sees ECONNRESET rather than an orderly end; call it on the event loop.
    func reset() {
        if let options = self as? any SocketOptionProvider {
            // On a socket that is closed already there is nothing left to set.
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in self.close(promise: nil) }
        } else {
            close(promise: nil)
        }
    }
}
