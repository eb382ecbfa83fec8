// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

// Started by the server with its end of the control socket as descriptor 3, and by nothing else.
private let server: CInt = 3

// The server's signals are its own: a terminal's SIGINT goes to the whole group, and must not end what the server drains.
signal(SIGINT, SIG_IGN)
signal(SIGTERM, SIG_IGN)
signal(SIGHUP, SIG_IGN)
signal(SIGPIPE, SIG_IGN)

do {
    guard CommandLine.argc == 1, var spawner = try Spawner(server: server) else { clinux_exit(1) }
    do {
        try spawner.run()
    } catch {
        print("martlet-spawner: \(error)")
    }
    spawner.end()
    clinux_exit(0)
} catch {
    print("martlet-spawner: \(error)")
    clinux_exit(1)
}
