// SPDX-License-Identifier: Apache-2.0
import Foundation
import LambdaModel
import Testing

@testable import ServerConfiguration

/// A data directory that goes away with the test.
struct ConfigurationFixture: ~Copyable {
    let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "martlet-configuration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) }
    }

    func write(_ name: String, _ text: String) throws -> String {
        let path = "\(directory)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    func configuration(
        _ options: [Setting: [String]] = [:],
        _ environment: [String: String] = [:]
    ) async throws -> ServeConfiguration {
        var options = options
        if options[.data] == nil, environment["MARTLET_DATA"] == nil, options[.config] == nil {
            options[.data] = [directory]
        }
        return try await ServeConfiguration(
            options: options,
            environment: environment,
            host: .test,
            workingDirectory: "/cwd"
        )
    }

    /// The text of the error that these values give.
    func refusal(_ options: [Setting: [String]] = [:], _ environment: [String: String] = [:]) async throws -> String {
        do {
            _ = try await configuration(options, environment)
        } catch let error as ConfigurationError {
            return error.description
        }
        Issue.record("accepted: \(options) \(environment)")
        return ""
    }
}

extension HostFacts {
    static let test = HostFacts(isRoot: false, homeDirectory: "/home/user", memoryMiB: 16_384)
}

@Suite struct ServeConfigurationTests {
    @Test(arguments: PrecedenceCase.all)
    func `an option beats the variable, which beats the file, which beats the default`(
        _ row: PrecedenceCase
    ) async throws {
        let fixture = try ConfigurationFixture()
        func expect(_ configuration: ServeConfiguration, _ expected: String) {
            #expect(row.read(configuration) == expected.replacing("DIR", with: fixture.directory))
        }
        expect(try await fixture.configuration(), row.expected.standard)
        let file = try fixture.write("martlet.yaml", "\(row.setting.rawValue): \(row.file)\n")
        expect(try await fixture.configuration(), row.expected.file)
        let variable = [row.setting.variable: row.variable]
        expect(try await fixture.configuration([:], variable), row.expected.variable)
        expect(try await fixture.configuration([row.setting: row.option], variable), row.expected.option)
        // A file that is named is read from anywhere.
        let other = try fixture.write("other.yaml", try String(contentsOfFile: file, encoding: .utf8))
        let named = try await fixture.configuration([.config: [other], .data: [fixture.directory]])
        expect(named, row.expected.file)
        #expect(named.file == other)
    }

    @Test func `every setting but those that go together has a precedence test`() {
        let tested = Set(PrecedenceCase.all.map(\.setting))
        #expect(
            Set(Setting.allCases).subtracting(tested) == [
                .codeStore, .config, .console, .data, .dynamoDBStreamsEndpoint, .eventsEndpoint, .insecureHTTP,
                .kinesisEndpoint, .masterKey, .queues, .rabbitMQAuthorities, .rabbitMQEndpoint, .s3AccessKeyID,
                .s3Region,
                .s3SecretAccessKey, .schedules, .snsEndpoint, .sqsEndpoint, .streams, .tlsCertificate, .tlsKey,
            ]
        )
    }

    @Test func `the console is there by itself where only this machine reaches it`() async throws {
        let fixture = try ConfigurationFixture()
        let outside: [Setting: [String]] = [.listen: ["0.0.0.0:80"], .insecureHTTP: ["true"]]
        #expect(try await fixture.configuration([:]).console == .on)
        #expect(try await fixture.configuration([.listen: ["[::1]:80"]]).console == .on)
        #expect(try await fixture.configuration([.console: ["off"]]).console == .off)
        #expect(try await fixture.configuration(outside).console == .off)
        #expect(try await fixture.configuration(outside.merging([.console: ["on"]]) { $1 }).console == .on)
        #expect(try await fixture.refusal([.console: ["maybe"]]).contains("--console"))
    }

    @Test func `the data directory is the option's, the variable's, the file's, or the user's`() async throws {
        let fixture = try ConfigurationFixture()
        let file = try fixture.write("c.json", #"{"data": "state", "memory": 4096, "egress": ["none"]}"#)
        func data(_ options: [Setting: [String]], _ environment: [String: String] = [:]) async throws -> String {
            try await ServeConfiguration(
                options: options,
                environment: environment,
                host: .test,
                workingDirectory: "/cwd"
            ).dataDirectory
        }
        #expect(try await data([:]) == "/home/user/.local/share/martlet")
        #expect(try await data([:], ["XDG_DATA_HOME": "/xdg"]) == "/xdg/martlet")
        #expect(try await data([:], ["MARTLET_DATA": "v/./w/"]) == "/cwd/v/w")
        #expect(try await data([.data: ["/o"]], ["MARTLET_DATA": "v"]) == "/o")
        #expect(try await data([.config: [file]]) == fixture.directory + "/state")
        #expect(try await data([.config: [file]], ["MARTLET_DATA": "/v"]) == "/v")
        let root = HostFacts(isRoot: true, homeDirectory: "/root", memoryMiB: 1)
        #expect(root.defaultDataDirectory(environment: ["XDG_DATA_HOME": "/xdg"]) == "/var/lib/martlet")
        let homeless = HostFacts(isRoot: false, homeDirectory: nil, memoryMiB: 1)
        await #expect(throws: ConfigurationError.self) {
            try await ServeConfiguration(options: [:], environment: [:], host: homeless, workingDirectory: "/")
        }
    }

    @Test func `queues are here, unless AWS's services are elsewhere and nothing else is said`() async throws {
        let fixture = try ConfigurationFixture()
        let endpoint: [Setting: [String]] = [.awsEndpoint: ["http://127.0.0.1:5000"]]
        #expect(try await fixture.configuration(endpoint).queues == .awsEndpoint)
        let here = endpoint.merging([.queues: ["embedded"]]) { $1 }
        #expect(try await fixture.configuration(here).queues == .embedded)
        // The option beats the variable, which beats the file.
        _ = try fixture.write("martlet.yaml", "sqs: embedded\n")
        #expect(try await fixture.configuration(endpoint).queues == .embedded)
        let elsewhere = ["MARTLET_SQS": "aws-endpoint"]
        #expect(try await fixture.configuration(endpoint, elsewhere).queues == .awsEndpoint)
        #expect(try await fixture.configuration(here, elsewhere).queues == .embedded)
        #expect(try await fixture.refusal([.queues: ["aws-endpoint"]]).contains("--aws-endpoint"))
        // Schedules by an option of their own.
        #expect(try await fixture.configuration([:]).schedules == .embedded)
        #expect(try await fixture.configuration(here).schedules == .awsEndpoint)
        let both = here.merging([.schedules: ["embedded"]]) { $1 }
        #expect(try await fixture.configuration(both).schedules == .embedded)
        #expect(try await fixture.refusal([.schedules: ["aws-endpoint"]]).contains("--aws-endpoint"))
        // Streams are for themselves.
        #expect(try await fixture.configuration([:]).streams == .embedded)
        #expect(try await fixture.configuration(both).streams == .awsEndpoint)
        let all = both.merging([.streams: ["embedded"]]) { $1 }
        #expect(try await fixture.configuration(all).streams == .embedded)
        #expect(try await fixture.configuration(all).kinesis == nil)
        #expect(try await fixture.refusal([.streams: ["aws-endpoint"]]).contains("--aws-endpoint"))
    }

    @Test(arguments: [
        (Setting.listen, "4566"), (.listen, ":4566"), (.listen, "127.0.0.1:65536"), (.listen, "127.0.0.1"),
        (.listen, "::1:4566"), (.listen, "[127.0.0.1]:1"), (.listen, "example.org:80"), (.listen, "127.0.0.1:-1"),
        (.listen, "127.0.0.1:٣"), (.limits, "Classic"), (.auth, "basic"), (.region, "us_east"), (.region, ""),
        (.accountID, "12345"), (.accountID, "１２３４５６７８９０１２"), (.runtime, "python3.12"), (.runtime, "=x"),
        (.runtime, "../x=/y"), (.runtimeLibraries, "python3.12="), (.egress, ""), (.functionEnvironment, "A=1"),
        (.functionEnvironment, "_A=1"), (.functionEnvironment, "AB"), (.accountConcurrency, "0"),
        (.accountConcurrency, "-1"), (.accountConcurrency, "99999999999999999999"), (.memory, "12x"), (.memory, "127"),
        (.keepAlive, "2d"), (.keepAlive, "automatic"), (.keepAlive, "25h"), (.drainTimeout, "-1s"),
        (.awsEndpoint, "127.0.0.1:80"),
        (.awsEndpoint, "http://a/b"), (.awsEndpoint, "http://u@a"), (.awsEndpoint, "http://a:65536"),
        (.queues, "yes"), (.s3Endpoint, "http://a/b"), (.s3Region, "us_east"), (.s3AccessKeyID, "a b"),
        (.logLevel, "loud"), (.masterKeyFile, ""), (.pool, "zygote"),
        (.accountCodeStorage, "0"), (.codeStore, "code"), (.codeStore, "s3://a"), (.codeStore, "s3://abc/.."),
        (.codeStore, "s3://abc/a//b"), (.codeStore, "s3://abc./"), (.codeStore, "s3://a?c/x"), (.codeStore, "s3:///x"),
        (.data, ""), (.insecureHTTP, "perhaps"),
    ])
    func `a wrong value is one line that names option, variable and key`(
        _ setting: Setting,
        _ text: String
    ) async throws {
        let fixture = try ConfigurationFixture()
        let message = try await fixture.refusal([setting: [text]])
        #expect(!message.contains("\n"))
        for name in [setting.option, setting.variable, setting.fileKey].compactMap(\.self) {
            #expect(message.contains(name), "\(message)")
        }
    }

    @Test func `a value's place is named, a secret value is not shown`() async throws {
        let fixture = try ConfigurationFixture()
        #expect(
            try await fixture.refusal([:], ["MARTLET_MEMORY": "12x"])
                == "'12x' is not a whole number from 128 to 1073741824 (MiB) (--memory, MARTLET_MEMORY or 'memory' in "
                + "the configuration file; given by the variable)."
        )
        let secret = try await fixture.refusal([.functionEnvironment: ["secret-without-equals"]])
        #expect(!secret.contains("secret-without-equals"))
        let line = try await fixture.refusal([.region: ["a\nb"]])
        #expect(line.contains(#"'a\nb'"#))
        let file = try fixture.write("martlet.yaml", "region: nowhere\n")
        #expect(try await fixture.refusal().contains("given in \(file)"))
        _ = try fixture.write("martlet.yaml", "region: [eu-west-1, eu-west-2]\n")
        #expect(try await fixture.refusal().contains("is given several times"))
        let second = try ConfigurationFixture()
        #expect(try await second.refusal([.runtime: ["python3.12=/a", "python3.12=/b"]]).contains("a second time"))
    }

    @Test func `an unknown key in the file is named`() async throws {
        let fixture = try ConfigurationFixture()
        _ = try fixture.write("martlet.yaml", "memroy: 512\nlisten: 127.0.0.1:1\nmaster-key: AAAA\nregion: {a: b}\n")
        let message = try await fixture.refusal()
        #expect(message.contains("'master-key', 'memroy', 'region.a'"), "\(message)")
        #expect(message.contains("Known are: listen, data,"))
        let json = try fixture.write("c.json", #"{"liste": "x"}"#)
        #expect(try await fixture.refusal([.config: [json]]).contains("unknown key 'liste'"))
    }

    @Test(arguments: ["", "- a\n- b\n", "a: [", "\u{0}", "memory: {a: [1, [2]]}", "memory: ["])
    func `a file that is no configuration is refused in one line`(_ text: String) async throws {
        let fixture = try ConfigurationFixture()
        for name in ["c.yaml", "c.json"] {
            let path = try fixture.write(name, text)
            let message = try await fixture.refusal([.config: [path]])
            #expect(message.contains(path))
            #expect(!message.contains("\n"))
        }
        #expect(try await fixture.refusal([.config: ["/does/not/exist"]]).contains("can't be read"))
        #expect(try await fixture.refusal([.config: [fixture.directory]]).contains(fixture.directory))
    }

    @Test func `the file in the data directory may not move the data directory`() async throws {
        let fixture = try ConfigurationFixture()
        _ = try fixture.write("martlet.yaml", "data: /elsewhere\n")
        #expect(try await fixture.refusal().contains("has no effect"))
    }

    @Test func `only loopback is served without a signature or without asking for plain HTTP`() async throws {
        let fixture = try ConfigurationFixture()
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "[::ffff:127.0.0.1]:1"] {
            let configuration = try await fixture.configuration([.listen: [address], .auth: ["none"]])
            #expect(configuration.listen.isLoopback)
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1", "[::ffff:192.0.2.1]:1"] {
            let none = try await fixture.refusal([.listen: [address], .auth: ["none"], .insecureHTTP: ["true"]])
            #expect(none.contains("--auth"))
            let plain = try await fixture.refusal([.listen: [address]])
            #expect(plain.contains("TLS") && plain.contains("--insecure-http"))
            _ = try await fixture.configuration([.listen: [address]], ["MARTLET_INSECURE_HTTP": "1"])
            let files = ["MARTLET_TLS_CERT": "c.pem", "MARTLET_TLS_KEY": "/k.pem"]
            let tls = try await fixture.configuration([.listen: [address]], files).tls
            #expect(tls == .init(certificate: "/cwd/c.pem", key: "/k.pem"))
        }
    }

    @Test func `a certificate without its key is refused, and a key without its certificate`() async throws {
        let fixture = try ConfigurationFixture()
        #expect(try await fixture.refusal([.tlsCertificate: ["c"]]).contains("--tls-key"))
        #expect(try await fixture.refusal([.tlsKey: ["k"]]).contains("--tls-cert"))
    }

    @Test func `an S3 key is complete, and AWS's own variables count without it`() async throws {
        let fixture = try ConfigurationFixture()
        let endpoint: [Setting: [String]] = [.awsEndpoint: ["http://127.0.0.1:5000"], .region: ["eu-west-1"]]
        func key(
            _ options: [Setting: [String]] = [:],
            _ environment: [String: String] = [:]
        ) async throws -> S3Access? {
            try await fixture.configuration(endpoint.merging(options) { $1 }, environment).s3
        }
        #expect(try await key() == S3Access(endpoint: "http://127.0.0.1:5000", region: "eu-west-1", key: nil))
        let standard = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s/+=", "AWS_SESSION_TOKEN": "t"]
        #expect(try await key([:], standard)?.key == .init(id: "AKID", secret: "s/+=", sessionToken: "t"))
        let own = standard.merging(["MARTLET_S3_SECRET_ACCESS_KEY": "hidden"]) { $1 }
        let both = try await key([.s3AccessKeyID: ["a:b"], .s3Region: ["us-east-2"]], own)
        #expect(
            both
                == S3Access(
                    endpoint: "http://127.0.0.1:5000",
                    region: "us-east-2",
                    key: .init(id: "a:b", secret: "hidden")
                )
        )
        #expect(try await fixture.configuration([:], standard).s3 == nil)
        #expect(try await fixture.refusal([.s3AccessKeyID: ["a"]]).contains("MARTLET_S3_SECRET_ACCESS_KEY"))
        #expect(try await fixture.refusal([:], own).contains("--s3-access-key-id"))
        let broken = try await fixture.refusal([:], ["MARTLET_S3_SECRET_ACCESS_KEY": "hid den"])
        #expect(!broken.contains("hid den"))
        #expect(
            try await !"\(fixture.configuration(endpoint.merging([.s3AccessKeyID: ["a"]]) { $1 }, own))".contains(
                "hidden"
            )
        )
        let file = try fixture.write("martlet.yaml", "s3-access-key-id: i\ns3-secret-access-key: f\n")
        #expect(try await key([.config: [file]])?.key == .init(id: "i", secret: "f"))
    }

    @Test func `a bucket for code takes an endpoint and a key`() async throws {
        let fixture = try ConfigurationFixture()
        var options: [Setting: [String]] = [.codeStore: ["s3://code/teams/one/"]]
        #expect(try await fixture.configuration([:]).codeStore == nil)
        #expect(try await fixture.refusal(options).contains("--s3-endpoint"))
        options[.s3Endpoint] = ["http://127.0.0.1:9000"]
        #expect(try await fixture.refusal(options).contains("--s3-access-key-id"))
        options[.s3AccessKeyID] = ["k"]
        func location(_ text: String) async throws -> CodeStoreLocation? {
            options[.codeStore] = [text]
            return try await fixture.configuration(options, ["MARTLET_S3_SECRET_ACCESS_KEY": "s"]).codeStore
        }
        let nested = try #require(try await location("s3://code/teams/one/"))
        #expect(nested.bucket == "code" && nested.prefix == "teams/one")
        for text in ["s3://code", "s3://code/"] {
            let whole = try #require(try await location(text))
            #expect(whole.bucket == "code" && whole.prefix == "", "\(text)")
        }
    }

    @Test func `the master key has one source`() async throws {
        let fixture = try ConfigurationFixture()
        let environment = ["MARTLET_MASTER_KEY": "c2VjcmV0"]
        #expect(try await fixture.configuration([:], environment).masterKey == .base64("c2VjcmV0"))
        #expect(try await fixture.configuration([.masterKeyFile: ["k"]], environment).masterKey == .file("/cwd/k"))
        #expect(try await !"\(fixture.configuration([:], environment))".contains("c2VjcmV0"))
        let both = try await fixture.refusal([.masterKeyFile: ["k"], .masterKeyCommand: ["c"]])
        #expect(both.contains("one source"))
        let twice = try await fixture.refusal(
            [:],
            ["MARTLET_MASTER_KEY": "c2VjcmV0", "MARTLET_MASTER_KEY_COMMAND": "c"]
        )
        #expect(!twice.contains("c2VjcmV0"))
    }

    @Test func `memory defaults leave the machine a reserve`() {
        func memory(_ total: Int) -> Int {
            HostFacts(isRoot: true, homeDirectory: nil, memoryMiB: total).defaultFunctionMemoryMiB
        }
        #expect(memory(100) == 128)
        #expect(memory(600) == 300)
        #expect(memory(2_048) == 1_536)
        #expect(memory(100_000) == 90_000)
    }
}
