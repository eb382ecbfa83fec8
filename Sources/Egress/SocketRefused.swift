// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a descriptor that was handed in can't be served.
package struct SocketRefused: Error, Equatable, CustomStringConvertible {
    enum Kind: String {
        case stream
        case datagram
    }

    package var description: String

    /// Throws unless the descriptor is a socket of this kind; leaves it as it is.
    static func unless(_ descriptor: CInt, isOf kind: Kind) throws(SocketRefused) {
        var type: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 else {
            throw SocketRefused(description: "descriptor \(descriptor) is not a socket: errno \(errno)")
        }
        let wanted = kind == .stream ? CInt(SOCK_STREAM.rawValue) : CInt(SOCK_DGRAM.rawValue)
        guard type == wanted else {
            throw SocketRefused(description: "descriptor \(descriptor) is not a \(kind.rawValue) socket")
        }
    }

    /// NIO does this for stream sockets only.
    static func setNonBlocking(_ descriptor: CInt) throws(SocketRefused) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw SocketRefused(description: "descriptor \(descriptor) can't be made non-blocking: errno \(errno)")
        }
    }
}
