// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore

/// What librdkafka is told for one mapping: its own settings, and never one that a caller names.
///
/// Of what callers write only the servers, the group and what is in their secrets comes in here; nothing of it names a file.
struct KafkaConfiguration: Sendable {
    /// What one answer of a broker may have; a record that is larger stops its partition.
    static let answerBytesMax = 32 << 20
    /// What is fetched ahead of one partition, and at one time.
    private static let aheadBytes = 256 << 10
    /// Of a page that there is no room for, for a partition that has nothing in hand.
    static let smallPageBytesMax = 256 << 10
    /// What a partition takes by itself, but for what one record has more.
    static let partitionBytes = 2 * aheadBytes + smallPageBytesMax

    let topic: String
    let start: ShardSet.Start
    /// In the order in which they are set.
    let properties: [(name: String, value: String)]

    /// - Throws: where a secret is missing, or has not what it is for.
    init(_ source: EventSourcePlan.KafkaSource, secret: (String) throws(SecretFailure) -> Secret) throws(SecretFailure)
    {
        topic = source.topic
        start = source.start
        guard source.servers.allSatisfy(Self.isServer), Self.isTopic(source.topic) else {
            throw SecretFailure("A bootstrap server or the topic has characters that none has.")
        }
        properties =
            [
                ("bootstrap.servers", source.servers.joined(separator: ",")), ("group.id", source.group),
                ("client.id", "martlet"),
                ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
                // For an offset that is not there any more; where to begin is looked up.
                ("auto.offset.reset", "earliest"),
                ("allow.auto.create.topics", "false"), ("topic.metadata.refresh.interval.ms", "60000"),
                // Who was killed keeps its partitions for that long.
                ("session.timeout.ms", "10000"), ("heartbeat.interval.ms", "3000"),
                ("socket.connection.setup.timeout.ms", "10000"), ("socket.keepalive.enable", "true"),
                // A broker that hangs is not waited for at the end of a process for longer.
                ("socket.timeout.ms", "10000"),
                // A certificate has to be for the broker's name; librdkafka before 2.0 took any.
                ("ssl.endpoint.identification.algorithm", "https"),
                ("receive.message.max.bytes", String(Self.answerBytesMax)), ("fetch.max.bytes", String(8 << 20)),
                ("max.partition.fetch.bytes", String(Self.aheadBytes)),
                ("queued.max.messages.kbytes", String(Self.aheadBytes >> 10)), ("queued.min.messages", "2000"),
                ("log.queue", "true"), ("log.connection.close", "false"),
            ] + (try Self.access(source.access, secret: secret))
    }

    private static func access(
        _ access: [EventSourcePlan.KafkaSource.Access],
        secret: (String) throws(SecretFailure) -> Secret
    ) throws(SecretFailure) -> [(name: String, value: String)] {
        guard !access.isEmpty else { return [("security.protocol", "plaintext")] }
        var properties: [(name: String, value: String)] = []
        var hasPassword = false
        for item in access {
            let found = try secret(item.secret)
            func member(_ name: String) throws(SecretFailure) -> String {
                guard let value = found[name], !value.isEmpty else {
                    throw SecretFailure(
                        "The secret \(item.secret) has no '\(name)', which \(item.kind.rawValue) needs."
                    )
                }
                return try checked(value)
            }
            func checked(_ value: String) throws(SecretFailure) -> String {
                guard !value.utf8.contains(0) else {
                    throw SecretFailure("The secret \(item.secret) has a NUL, at which what reads it would stop.")
                }
                return value
            }
            switch item.kind {
            case .password, .scram256, .scram512:
                hasPassword = true
                properties += [
                    ("sasl.mechanisms", item.kind.mechanism), ("sasl.username", try member("username")),
                    ("sasl.password", try member("password")),
                ]
            case .clientCertificate:
                properties += [
                    ("ssl.certificate.pem", try member("certificate")), ("ssl.key.pem", try member("privateKey")),
                ]
                if let password = found["privateKeyPassword"] {
                    properties.append(("ssl.key.password", try checked(password)))
                }
            case .authority:
                let certificate: String
                if let text = found.text {
                    certificate = try checked(text)
                } else {
                    certificate = try member("certificate")
                }
                properties.append(("ssl.ca.pem", certificate))
            }
        }
        // As on AWS, where passwords go to brokers that have shown their certificate, and to no others.
        return [("security.protocol", hasPassword ? "sasl_ssl" : "ssl")] + properties
    }

    /// `HOST:PORT`, whose host is a name or an address; librdkafka knows more, which nobody means here.
    static func isServer(_ text: String) -> Bool {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
        let (host, port) = (text[..<colon], text[text.index(after: colon)...])
        return (1...300).contains(host.utf8.count) && host.utf8.allSatisfy(isNameByte)
            && (1...5).contains(port.utf8.count) && port.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// As Kafka has them; to librdkafka one that begins with `^` is a pattern.
    static func isTopic(_ text: String) -> Bool {
        (1...249).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }
}

extension EventSourcePlan.KafkaSource.Access.Kind {
    fileprivate var mechanism: String {
        switch self {
        case .password: "PLAIN"
        case .scram256: "SCRAM-SHA-256"
        case .scram512: "SCRAM-SHA-512"
        case .clientCertificate, .authority: ""
        }
    }
}
