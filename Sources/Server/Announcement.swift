// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import NIOCore
import ServerConfiguration
import Synchronization

/// Tells whoever started the server that it serves: a line on standard error, a file for the commands, and systemd.
struct Announcement: Sendable {
    let listen: ListenAddress
    let isEncrypted: Bool
    let path: String
    let listening: Listening

    func ready(at address: SocketAddress?) {
        let port = address?.port ?? listen.port
        listening.port = port
        // Every address is no address to call.
        let host =
            switch listen.host {
            case "0.0.0.0": "127.0.0.1"
            case "::": "[::1]"
            default: listen.isIPv6 ? "[\(listen.host)]" : listen.host
            }
        let url = "\(isEncrypted ? "https" : "http")://\(host):\(port)"
        do {
            try ServerDataDirectory.replace("\(path)/endpoint", with: Array("\(url)\n".utf8))
        } catch {
            FileHandle.standardError.write(Data("martlet: \(error)\n".utf8))
        }
        FileHandle.standardError.write(Data("martlet ready on \(url)\n".utf8))
        Notification.send("READY=1")
    }
}

/// The port that is really listened on, once it is.
final class Listening: Sendable {
    private let number = Mutex(0)

    var port: Int {
        get { number.withLock { $0 } }
        set { number.withLock { $0 = newValue } }
    }
}

/// sd_notify(3): one datagram to the socket that NOTIFY_SOCKET names, where there is one.
enum Notification {
    static func send(_ text: String) {
        guard let name = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"], name.utf8.count < 108 else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name.utf8)
            // An abstract name is written with an @.
            if name.hasPrefix("@") { path[0] = 0 }
        }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return }
        defer { close(socket) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = sendto(socket, text, text.utf8.count, Int32(MSG_NOSIGNAL), pointer, length)
            }
        }
    }
}
