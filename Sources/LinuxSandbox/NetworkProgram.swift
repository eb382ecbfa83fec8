// SPDX-License-Identifier: Apache-2.0

/// Addresses inside a sandbox's network namespace.
///
/// Nothing outside ever sees them.
package enum SandboxNetwork {
    /// Where AWS_LAMBDA_RUNTIME_API points, as on AWS.
    package static let runtimeAddress = "169.254.100.1"
    package static let runtimePort: UInt16 = 9_001
    /// The name server in /etc/resolv.conf.
    package static let resolverAddress = "169.254.100.2"
    /// Stands for the host's own loopback; not assigned, so connections to it reach the server like any other.
    package static let hostAddress = "169.254.100.3"
    package static let ipv6Address = "fd00:6d61:7274::1"
    /// The server's listener that every outbound TCP connection is redirected to, on the namespace's loopback.
    package static let egressPort: UInt16 = 9_002
}

/// What a network namespace is told over netlink: made once by the server, sent as it is by each sandbox's init.
package struct NetworkProgram: Equatable, Sendable {
    package struct Message: Equatable, Sendable {
        /// NETLINK_ROUTE or NETLINK_NETFILTER.
        package var netlinkProtocol: Int32
        package var acknowledgements: Int
        package var bytes: [UInt8]

        package init(netlinkProtocol: Int32, acknowledgements: Int, bytes: [UInt8]) {
            self.netlinkProtocol = netlinkProtocol
            self.acknowledgements = acknowledgements
            self.bytes = bytes
        }
    }

    package var messages: [Message]

    package init(messages: [Message]) { self.messages = messages }

    func write(to writer: inout MessageWriter) {
        writer.write(UInt32(messages.count))
        for message in messages {
            writer.write(message.netlinkProtocol)
            writer.write(UInt32(message.acknowledgements))
            writer.write(message.bytes)
        }
    }

    init(from reader: inout MessageReader) throws(MalformedMessage) {
        messages = []
        for _ in 0..<(try reader.count(max: 64)) {
            messages.append(
                Message(
                    netlinkProtocol: try reader.number(),
                    acknowledgements: Int(try reader.number(UInt32.self)),
                    bytes: try reader.content()
                )
            )
        }
    }
}
