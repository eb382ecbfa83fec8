// SPDX-License-Identifier: Apache-2.0

/// The host's name servers and how long to wait for them: what Martlet uses of resolv.conf(5).
package struct ResolverConfiguration: Sendable, Equatable {
    /// Further `nameserver` lines are ignored, as the C library does.
    package static let serversMax = 3

    package struct Server: Sendable, Equatable {
        package var address: IPAddress
        package var port: UInt16

        package init(_ address: IPAddress, port: UInt16 = 53) {
            self.address = address
            self.port = port
        }
    }

    package var servers: [Server] = []
    /// Seconds for one try, 1 to 30.
    package var timeoutSeconds = 5
    /// Rounds through the servers, 1 to 5.
    package var attempts = 2

    /// No servers.
    package init() {}

    /// These servers, with the C library's times; of more than `serversMax` the first.
    package init(servers: [Server]) {
        self.servers = Array(servers.prefix(Self.serversMax))
    }

    /// Lines that are not understood are passed over, as the C library does; addresses with a zone (`fe80::1%eth0`)
    /// are too.
    package init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            switch words.first {
            case "nameserver":
                if servers.count < Self.serversMax, words.count > 1, let server = IPAddress(words[1]) {
                    servers.append(Server(server))
                }
            case "options":
                for option in words.dropFirst() {
                    let parts = option.split(separator: ":", maxSplits: 1)
                    guard parts.count == 2, let value = Int(parts[1]) else { continue }
                    if parts[0] == "timeout" { timeoutSeconds = min(max(value, 1), 30) }
                    if parts[0] == "attempts" { attempts = min(max(value, 1), 5) }
                }
            default: continue
            }
        }
    }
}
