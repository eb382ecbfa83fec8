// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where RabbitMQ brokers are, and who vouches for their certificates.
package struct RabbitMQAccess: Equatable, Sendable {
    package struct Endpoint: Equatable, Sendable {
        /// In letters or numbers, without brackets.
        package var host: String
        package var port: Int
        /// `amqps`.
        package var hasTLS: Bool
    }

    /// Debian's, and that of others that keep to its paths.
    package static let machineAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// By the names in the brokers' ARNs.
    package var named: [String: Endpoint] = [:]
    /// For all others; nil for nowhere.
    package var other: Endpoint?
    /// PEM file, absolute.
    package var authorities = Self.machineAuthorities
}

extension Layers {
    /// `[NAME=]amqp://HOST[:PORT]` values, or `amqps`, of which one at most has no name.
    func rabbitMQ() throws(ConfigurationError) -> RabbitMQAccess {
        var access = RabbitMQAccess()
        if let path = try path(.rabbitMQAuthorities) { access.authorities = path }
        guard let given = try given(.rabbitMQEndpoint) else { return access }
        for text in given.texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts.count == 2 ? parts[0] : nil
            guard let endpoint = Self.broker(parts.last ?? ""), name?.isEmpty != true else {
                throw given.refused(
                    text,
                    "is not the address of a broker, such as amqp://127.0.0.1:5672 or NAME=amqps://broker.example.org:5671"
                )
            }
            guard name.map({ access.named[$0] == nil }) ?? (access.other == nil) else {
                throw given.refused(text, "says a second time where a broker is")
            }
            if let name { access.named[name] = endpoint } else { access.other = endpoint }
        }
        let hasTLS = access.other?.hasTLS == true || access.named.values.contains(where: \.hasTLS)
        guard !hasTLS || Self.exists(access.authorities) else {
            throw ConfigurationError(
                "Brokers' certificates can't be checked: \(access.authorities.debugEscaped) is not there "
                    + "(\(Setting.rabbitMQAuthorities.names))."
            )
        }
        return access
    }

    private static func broker(_ text: String) -> RabbitMQAccess.Endpoint? {
        guard text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }), let url = URLComponents(string: text),
            let scheme = url.scheme?.lowercased(), ["amqp", "amqps"].contains(scheme),
            var host = url.host, !host.isEmpty, url.port.map({ (1...65_535).contains($0) }) ?? true,
            url.path.isEmpty || url.path == "/", url.query == nil, url.fragment == nil, url.user == nil
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let hasTLS = scheme == "amqps"
        return RabbitMQAccess.Endpoint(host: host, port: url.port ?? (hasTLS ? 5_671 : 5_672), hasTLS: hasTLS)
    }
}
