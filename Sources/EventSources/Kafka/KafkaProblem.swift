// SPDX-License-Identifier: Apache-2.0
import CRDKafka

/// What keeps a topic from being read: in AWS's words for the mapping's owner, and with what librdkafka says for the server's log.
struct KafkaProblem: Error, Equatable, Sendable {
    var text: String
    /// Without what brokers could write into a log.
    var cause: String

    init(_ text: String, cause: String) {
        self.text = text
        self.cause = Self.shown(cause)
    }

    /// nil for what passes by itself, and is no problem.
    ///
    /// https://docs.aws.amazon.com/lambda/latest/dg/kafka-troubleshooting.html has the texts.
    init?(_ code: rd_kafka_resp_err_t, _ reason: String) {
        let text: String
        switch code {
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
            text = "SASL authentication failed."
        case RD_KAFKA_RESP_ERR__SSL:
            text = "Lambda failed to authenticate server, or server failed to authenticate Lambda."
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
            text = "Cluster failed to authorize Lambda."
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__TIMED_OUT:
            text = "Connection error. Please check your event source connection configuration."
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            text = "The topic is not there."
        // One broker of several, which is tried again; a rebalance or an election that is under way.
        case RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR__PARTITION_EOF,
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, RD_KAFKA_RESP_ERR__DESTROY:
            return nil
        default: text = "The topic could not be read. Error Code: \(Self.name(code))."
        }
        self.init(text, cause: "\(Self.name(code)): \(reason)")
    }

    static func name(_ code: rd_kafka_resp_err_t) -> String {
        rd_kafka_err2name(code).map { String(cString: $0) } ?? "UNKNOWN"
    }

    /// On one line, without control characters, and not long.
    static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(500).map { (0x20..<0x7F).contains($0.value) || $0.value > 0x9F ? $0 : "?" }
            )
        )
    }
}
