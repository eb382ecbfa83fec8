// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import ServerConfiguration

/// A setting, three values for it, and what shows which of them counts.
struct PrecedenceCase: Sendable, CustomTestStringConvertible {
    var setting: Setting
    var option: [String]
    var variable: String
    /// The value's YAML, one line.
    var file: String
    var expected: (option: String, variable: String, file: String, standard: String)
    var read: @Sendable (ServeConfiguration) -> String

    var testDescription: String { setting.rawValue }

    static let all: [PrecedenceCase] = [
        PrecedenceCase(
            setting: .listen,
            option: ["127.0.0.2:1"],
            variable: "127.0.0.3:2",
            file: "'[::1]:3'",
            expected: ("127.0.0.2:1", "127.0.0.3:2", "[::1]:3", "127.0.0.1:4566"),
            read: { $0.listen.description }
        ),
        PrecedenceCase(
            setting: .limits,
            option: ["current"],
            variable: "current",
            file: "current",
            expected: ("current", "current", "current", "classic"),
            read: { $0.limits.rawValue }
        ),
        PrecedenceCase(
            setting: .auth,
            option: ["none"],
            variable: "none",
            file: "none",
            expected: ("none", "none", "none", "sigv4"),
            read: { $0.authentication.rawValue }
        ),
        PrecedenceCase(
            setting: .region,
            option: ["eu-west-1"],
            variable: "eu-west-2",
            file: "eu-west-3",
            expected: ("eu-west-1", "eu-west-2", "eu-west-3", "us-east-1"),
            read: { $0.region }
        ),
        PrecedenceCase(
            setting: .accountID,
            option: ["111111111111"],
            variable: "222222222222",
            file: "012345678901",
            expected: ("111111111111", "222222222222", "012345678901", "000000000000"),
            read: { $0.accountID }
        ),
        PrecedenceCase(
            setting: .runtime,
            option: ["python3.12=/o", "nodejs22.x=/n"],
            variable: "python3.12=/v;nodejs22.x=w",
            file: "{python3.12: /f, nodejs22.x: g}",
            expected: (
                "nodejs22.x=/n python3.12=/o", "nodejs22.x=/cwd/w python3.12=/v", "nodejs22.x=DIR/g python3.12=/f", ""
            ),
            read: { pairs($0.runtimes) }
        ),
        PrecedenceCase(
            setting: .runtimeLibraries,
            option: ["python3.12=/o"],
            variable: "python3.12=/v",
            file: "[python3.12=/f]",
            expected: ("python3.12=/o", "python3.12=/v", "python3.12=/f", ""),
            read: { pairs($0.runtimeLibraries) }
        ),
        PrecedenceCase(
            setting: .egress,
            option: ["allow=10.0.0.0/8:443,192.0.2.1", "none"],
            variable: "deny=::1/128; none",
            file: "[none]",
            expected: ("allow=10.0.0.0/8:443,192.0.2.1|none", "deny=::1/128|none", "none", ""),
            read: { $0.egress.joined(separator: "|") }
        ),
        PrecedenceCase(
            setting: .functionEnvironment,
            option: ["AA=1;2"],
            variable: "AA=a;b\nBB=c=d",
            file: "{AA: x, BB: 7}",
            expected: ("AA=1;2", "AA=a;b BB=c=d", "AA=x BB=7", ""),
            read: { pairs($0.functionEnvironment) }
        ),
        PrecedenceCase(
            setting: .resolver,
            option: ["10.0.0.1", "[::1]:5353"],
            variable: "10.0.0.2:54;fd00::53",
            file: "[fd00::53]",
            expected: ("10.0.0.1:53 [::1]:5353", "10.0.0.2:54 [fd00::53]:53", "[fd00::53]:53", ""),
            read: { $0.resolvers.map(\.description).joined(separator: " ") }
        ),
        PrecedenceCase(
            setting: .accountConcurrency,
            option: ["1"],
            variable: "2",
            file: "3",
            expected: ("1", "2", "3", "1000"),
            read: { String($0.accountConcurrency) }
        ),
        PrecedenceCase(
            setting: .accountCodeStorage,
            option: ["1"],
            variable: "2",
            file: "3",
            expected: ("1", "2", "3", "76800"),
            read: { String($0.accountCodeStorageMiB) }
        ),
        PrecedenceCase(
            setting: .memory,
            option: ["256"],
            variable: "512",
            file: "1024",
            expected: ("256", "512", "1024", "14746"),
            read: { String($0.functionMemoryMiB) }
        ),
        PrecedenceCase(
            setting: .pool,
            option: ["exec"],
            variable: "blank",
            file: "exec",
            expected: ("exec", "blank", "exec", "auto"),
            read: { $0.pool.rawValue }
        ),
        PrecedenceCase(
            setting: .keepAlive,
            option: ["1h"],
            variable: "500ms",
            file: "30",
            expected: ("3600.0 seconds", "0.5 seconds", "30.0 seconds", "auto"),
            read: { $0.keepAlive?.description ?? "auto" }
        ),
        PrecedenceCase(
            setting: .asyncRetryDelay,
            option: ["1m"],
            variable: "100ms",
            file: "5s",
            expected: ("60.0 seconds", "0.1 seconds", "5.0 seconds", "60.0 seconds"),
            read: { $0.asyncRetryDelay.description }
        ),
        PrecedenceCase(
            setting: .asyncEvents,
            option: ["1"],
            variable: "2",
            file: "3",
            expected: ("1", "2", "3", "100000"),
            read: { String($0.asyncEventsMax) }
        ),
        PrecedenceCase(
            setting: .journalReserve,
            option: ["0"],
            variable: "2",
            file: "32",
            expected: ("0", "2", "32", "16"),
            read: { String($0.journalReserveMiB) }
        ),
        PrecedenceCase(
            setting: .kafkaMemory,
            option: ["16"],
            variable: "32",
            file: "64",
            expected: ("16", "32", "64", "1024"),
            read: { String($0.kafkaMemoryMiB) }
        ),
        PrecedenceCase(
            setting: .streamStorage,
            option: ["1"],
            variable: "2",
            file: "3",
            expected: ("1", "2", "3", "10240"),
            read: { String($0.streamStorageMiB) }
        ),
        PrecedenceCase(
            setting: .secrets,
            option: ["a.json"],
            variable: "/b.json",
            file: "/c.json",
            expected: ("/cwd/a.json", "/b.json", "/c.json", "none"),
            read: { $0.secrets ?? "none" }
        ),
        PrecedenceCase(
            setting: .drainTimeout,
            option: ["1m"],
            variable: "0",
            file: "5s",
            expected: ("60.0 seconds", "0.0 seconds", "5.0 seconds", "60.0 seconds"),
            read: { $0.drainTimeout.description }
        ),
        PrecedenceCase(
            setting: .awsEndpoint,
            option: ["http://127.0.0.1:5000/"],
            variable: "HTTPS://aws.example",
            file: "'http://[::1]:5001'",
            expected: ("http://127.0.0.1:5000", "https://aws.example", "http://[::1]:5001", ""),
            read: { $0.awsEndpoint ?? "" }
        ),
        PrecedenceCase(
            setting: .throttleAPI,
            option: ["true"],
            variable: "1",
            file: "true",
            expected: ("true", "true", "true", "false"),
            read: { String($0.throttlesAPI) }
        ),
        PrecedenceCase(
            setting: .s3Endpoint,
            option: ["http://127.0.0.1:9000/"],
            variable: "https://s3.example",
            file: "'http://[::1]:9001'",
            expected: ("http://127.0.0.1:9000", "https://s3.example", "http://[::1]:9001", ""),
            read: { $0.s3?.endpoint ?? "" }
        ),
        PrecedenceCase(
            setting: .metrics,
            option: ["off"],
            variable: "open",
            file: "signed",
            expected: ("off", "open", "signed", "signed"),
            read: { $0.metrics.rawValue }
        ),
        PrecedenceCase(
            setting: .otlpEndpoint,
            option: ["http://127.0.0.1:4318"],
            variable: "https://otel.example",
            file: "http://[::1]:4318/",
            expected: ("http://127.0.0.1:4318", "https://otel.example", "http://[::1]:4318", ""),
            read: { $0.otlpEndpoint ?? "" }
        ),
        PrecedenceCase(
            setting: .logLevel,
            option: ["trace"],
            variable: "debug",
            file: "error",
            expected: ("trace", "debug", "error", "info"),
            read: { $0.logLevel.rawValue }
        ),
        PrecedenceCase(
            setting: .masterKeyFile,
            option: ["/o"],
            variable: "/v",
            file: "f",
            expected: ("/o", "/v", "DIR/f", "DIR/master.key"),
            read: { masterKey($0) }
        ),
        PrecedenceCase(
            setting: .masterKeyCommand,
            option: ["pass o"],
            variable: "pass v",
            file: "pass f",
            expected: ("command pass o", "command pass v", "command pass f", "DIR/master.key"),
            read: { masterKey($0) }
        ),
    ]

    private static func pairs(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    private static func masterKey(_ configuration: ServeConfiguration) -> String {
        switch configuration.masterKey {
        case .file(let path): path
        case .base64(let text): "base64 \(text)"
        case .command(let text): "command \(text)"
        }
    }
}
