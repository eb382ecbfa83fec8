// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Where a RabbitMQ broker is.
package struct RabbitMQBroker: Equatable, Sendable {
    package var host: String
    package var port: Int
    /// PEM file of those who vouch for the broker's certificate, which is checked with its name; nil for a connection without TLS.
    package var authorities: String?

    package init(host: String, port: Int, authorities: String? = nil) {
        self.host = host
        self.port = port
        self.authorities = authorities
    }
}

/// Where brokers are found.
package struct RabbitMQBrokers: Equatable, Sendable {
    /// Mappings that are read at one time, each with a thread.
    static let mappingsMax = 256

    /// By the names in their ARNs.
    private let named: [String: RabbitMQBroker]
    /// For all others.
    private let other: RabbitMQBroker?

    package init(named: [String: RabbitMQBroker] = [:], other: RabbitMQBroker? = nil) {
        self.named = named
        self.other = other
    }

    /// The broker of an ARN (`arn:aws:mq:REGION:ACCOUNT:broker:NAME:ID`); nil where nobody said where it is.
    package func broker(arn: String) -> RabbitMQBroker? {
        guard let parts = ARN(arn)?.resourceParts, parts.count == 3, parts[0] == "broker" else { return nil }
        return named[parts[1]] ?? other
    }
}
