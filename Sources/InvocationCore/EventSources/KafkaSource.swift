// SPDX-License-Identifier: Apache-2.0

extension EventSourcePlan {
    /// A topic of a Kafka cluster as a source, which is read as a member of a consumer group.
    package struct KafkaSource: Equatable, Sendable {
        /// What the cluster knows the reader by, or the reader the cluster; the value is in a secret.
        package struct Access: Equatable, Sendable {
            package enum Kind: String, CaseIterable, Sendable {
                /// SASL/PLAIN.
                case password = "BASIC_AUTH"
                case scram256 = "SASL_SCRAM_256_AUTH"
                case scram512 = "SASL_SCRAM_512_AUTH"
                case clientCertificate = "CLIENT_CERTIFICATE_TLS_AUTH"
                case authority = "SERVER_ROOT_CA_CERTIFICATE"
            }

            package var kind: Kind
            /// The secret's ARN.
            package var secret: String

            package init(_ kind: Kind, secret: String) {
                self.kind = kind
                self.secret = secret
            }
        }

        /// `HOST:PORT`, at least one; any of them leads to the cluster.
        package var servers: [String]
        package var topic: String
        package var group: String
        /// For partitions that the group has no offset of.
        package var start: ShardSet.Start
        package var access: [Access]
        package var settings: ShardPoller.Settings
        /// Whether the function says from which record on it failed (`ReportBatchItemFailures`).
        package var reportsItemFailures: Bool
        /// Patterns of EventBridge, one of which a record has to match; none lets all pass.
        package var filters: [String]
        /// ARN of what is told of records that are discarded.
        package var destination: String?

        package init(
            servers: [String],
            topic: String,
            group: String,
            start: ShardSet.Start,
            access: [Access] = [],
            settings: ShardPoller.Settings,
            reportsItemFailures: Bool = false,
            filters: [String] = [],
            destination: String? = nil
        ) {
            self.servers = servers
            self.topic = topic
            self.group = group
            self.start = start
            self.access = access
            self.settings = settings
            self.reportsItemFailures = reportsItemFailures
            self.filters = filters
            self.destination = destination
        }

        /// Whether what reads the one can go on with the other: who is asked for what, and by whom.
        func isLike(_ other: KafkaSource) -> Bool {
            servers == other.servers && topic == other.topic && group == other.group && start == other.start
                && access == other.access
        }
    }
}
