// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import Testing

@testable import EventSources

struct KafkaConfigurationTests {
    private typealias Access = EventSourcePlan.KafkaSource.Access

    private static func source(
        servers: [String] = ["k:9092"],
        topic: String = "t",
        group: String = "g",
        access: [Access] = []
    ) -> EventSourcePlan.KafkaSource {
        EventSourcePlan.KafkaSource(
            servers: servers,
            topic: topic,
            group: group,
            start: .trimHorizon,
            access: access,
            settings: .init(batchSize: 10, isPushed: true)
        )
    }

    private static func properties(
        _ source: EventSourcePlan.KafkaSource,
        _ secrets: [String: JSONValue] = [:]
    ) throws(SecretFailure) -> [String: String] {
        let configuration = try KafkaConfiguration(source) { name throws(SecretFailure) in
            guard let secret = secrets[name].flatMap(Secret.init) else { throw SecretFailure("none") }
            return secret
        }
        return Dictionary(configuration.properties.map { ($0.name, $0.value) }) { _, _ in "twice" }
    }

    private static let login: JSONValue = .object(["username": .string("u"), "password": .string("p,w")])

    @Test func `no secret is plain text, and any is TLS`() throws {
        let plain = try Self.properties(Self.source())
        #expect(plain["security.protocol"] == "plaintext" && plain["enable.auto.commit"] == "false")
        let authority = Access(.authority, secret: "ca")
        let text = try Self.properties(Self.source(access: [authority]), ["ca": .string("PEM")])
        #expect(text["security.protocol"] == "ssl" && text["ssl.ca.pem"] == "PEM")
        let object = try Self.properties(
            Self.source(access: [authority]),
            ["ca": .object(["certificate": .string("P")])]
        )
        #expect(object["ssl.ca.pem"] == "P")
    }

    @Test(arguments: [
        (EventSourcePlan.KafkaSource.Access.Kind.password, "PLAIN"), (.scram256, "SCRAM-SHA-256"),
        (.scram512, "SCRAM-SHA-512"),
    ])
    func `a password goes by TLS only`(kind: EventSourcePlan.KafkaSource.Access.Kind, mechanism: String) throws {
        let found = try Self.properties(Self.source(access: [Access(kind, secret: "s")]), ["s": Self.login])
        #expect(found["security.protocol"] == "sasl_ssl" && found["sasl.mechanisms"] == mechanism)
        #expect(found["sasl.username"] == "u" && found["sasl.password"] == "p,w")
    }

    @Test func `a certificate has to be for the broker's name, whatever the library's default is`() throws {
        let sources = [
            Self.source(), Self.source(access: [Access(.authority, secret: "s")]),
            Self.source(access: [Access(.password, secret: "s")]),
        ]
        for (source, secret) in zip(sources, [.null, .string("PEM"), Self.login]) {
            let found = try Self.properties(source, ["s": secret])
            #expect(found["ssl.endpoint.identification.algorithm"] == "https")
            #expect(!found.keys.contains("enable.ssl.certificate.verification"))
        }
    }

    @Test func `a client's certificate may have a key with a password`() throws {
        let source = Self.source(access: [Access(.clientCertificate, secret: "s")])
        var members: [String: JSONValue] = ["certificate": .string("C"), "privateKey": .string("K")]
        let open = try Self.properties(source, ["s": .object(members)])
        #expect(open["ssl.certificate.pem"] == "C" && open["ssl.key.pem"] == "K" && open["ssl.key.password"] == nil)
        members["privateKeyPassword"] = .string("x")
        #expect(try Self.properties(source, ["s": .object(members)])["ssl.key.password"] == "x")
    }

    @Test func `a secret that lacks something is named, and not shown`() {
        let source = Self.source(access: [Access(.password, secret: "arn")])
        #expect(throws: SecretFailure("none")) { try Self.properties(source) }
        for secret: JSONValue in [
            .string("text"), .object(["username": .string("hidden")]),
            .object(["username": .string("hidden"), "password": .string("")]),
            .object(["username": .string("hidden\0"), "password": .string("p")]),
        ] {
            do {
                _ = try Self.properties(source, ["arn": secret])
                Issue.record("taken: \(secret)")
            } catch {
                #expect(error.problem.contains("arn") && !error.problem.contains("hidden"))
            }
        }
    }

    @Test func `servers and topics are what they seem`() {
        for server in ["k:1", "127.0.0.1:9092", "a.b-c:65535"] { #expect(KafkaConfiguration.isServer(server)) }
        for server in ["", "k", ":1", "k:", "k:x", "k:123456", "SSL://k:1", "k:1,l", "k l:1", "k\0:1", "é:1"] {
            #expect(!KafkaConfiguration.isServer(server), "\(server)")
            #expect(throws: SecretFailure.self) { try Self.properties(Self.source(servers: ["k:1", server])) }
        }
        for topic in ["t", "a.b_c-d"] { #expect(KafkaConfiguration.isTopic(topic)) }
        for topic in ["", "^t", "t*", ".", "..", "t\0", "t,u", String(repeating: "t", count: 250)] {
            #expect(throws: SecretFailure.self) { try Self.properties(Self.source(topic: topic)) }
        }
    }

    /// What callers write is the value of what it is for, never the name of a setting, nor a file's.
    @Test func `nothing that a caller writes sets anything else`() throws {
        let hostile = "g\nssl.ca.location=/etc/shadow"
        let all: [Access] = [
            Access(.password, secret: "s"), Access(.authority, secret: "ca"),
        ]
        let found = try Self.properties(
            Self.source(group: hostile, access: all),
            ["s": Self.login, "ca": .string("/etc/shadow")]
        )
        #expect(found["group.id"] == hostile && found["ssl.ca.pem"] == "/etc/shadow")
        let files = found.keys.filter { $0.contains("location") || $0.contains("path") || $0.contains("keytab") }
        #expect(files.isEmpty)
    }
}
