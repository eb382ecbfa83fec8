// SPDX-License-Identifier: Apache-2.0

/// One thing that can be configured: the raw value is its name in the configuration file.
///
/// The option is the name after `--`, the variable is `MARTLET_` and the name in capitals with `_` for `-`.
package enum Setting: String, CaseIterable, Sendable {
    case config
    case listen
    case data
    case limits
    case auth
    case insecureHTTP = "insecure-http"
    case tlsCertificate = "tls-cert"
    case tlsKey = "tls-key"
    case console
    case region
    case accountID = "account-id"
    case runtime
    case runtimeLibraries = "runtime-libs"
    case egress
    case resolver
    case functionEnvironment = "function-env"
    case accountConcurrency = "account-concurrency"
    case accountCodeStorage = "account-code-storage"
    case memory
    case pool
    case keepAlive = "keep-alive"
    case drainTimeout = "drain-timeout"
    case asyncRetryDelay = "async-retry-delay"
    case asyncEvents = "async-events"
    case journalReserve = "journal-reserve"
    case kafkaMemory = "kafka-memory"
    case awsEndpoint = "aws-endpoint"
    case queues = "sqs"
    case streams = "kinesis"
    case streamStorage = "stream-storage"
    case schedules
    case throttleAPI = "throttle-api"
    case sqsEndpoint = "sqs-endpoint"
    case snsEndpoint = "sns-endpoint"
    case eventsEndpoint = "events-endpoint"
    case kinesisEndpoint = "kinesis-endpoint"
    case dynamoDBStreamsEndpoint = "dynamodb-streams-endpoint"
    case rabbitMQEndpoint = "rabbitmq-endpoint"
    case rabbitMQAuthorities = "rabbitmq-ca"
    case s3Endpoint = "s3-endpoint"
    case s3Region = "s3-region"
    case s3AccessKeyID = "s3-access-key-id"
    /// No option, since options are seen by every user of the machine.
    case s3SecretAccessKey = "s3-secret-access-key"
    case codeStore = "code-store"
    case secrets
    case metrics
    case otlpEndpoint = "otlp-endpoint"
    case logLevel = "log-level"
    case masterKeyFile = "master-key-file"
    case masterKeyCommand = "master-key-command"
    /// The key itself: only in the environment, since options are seen by every user of the machine and files are copied.
    case masterKey = "master-key"

    /// Where a value may come from, the strongest first.
    package enum Source: Equatable, Sendable {
        case option
        case variable
        case file(String)
    }

    package var option: String? { self == .masterKey || self == .s3SecretAccessKey ? nil : "--\(rawValue)" }

    package var variable: String {
        "MARTLET_" + rawValue.uppercased().replacing("-", with: "_")
    }

    package var fileKey: String? { self == .masterKey || self == .config ? nil : rawValue }

    /// What it means where no option's help says it.
    package var meaning: String? {
        switch self {
        case .s3SecretAccessKey:
            "Secret of the access key for S3, never shown; no option, since every user of the machine sees options (default: AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN)."
        case .masterKey:
            "The 32 bytes that all encryption starts from, in base64, never shown; neither an option, which every user of the machine sees, nor in a file, which is copied (default: none)."
        default: nil
        }
    }

    /// May be given several times; all values of the strongest source count.
    var isRepeatable: Bool { self == .egress || self == .resolver || self == .rabbitMQEndpoint || isPair }

    /// Its values are `NAME=VALUE`; in the file also a mapping.
    var isPair: Bool { self == .runtime || self == .runtimeLibraries || self == .functionEnvironment }

    /// What separates several values within the variable; a function's may hold anything but a line break.
    var variableSeparator: Character { self == .functionEnvironment ? "\n" : ";" }

    /// Its value is never shown.
    var isSecret: Bool { self == .functionEnvironment || self == .masterKey || self == .s3SecretAccessKey }

    /// Every name it goes by, for error texts.
    var names: String {
        let names = [option, variable, fileKey.map { "'\($0)' in the configuration file" }].compactMap(\.self)
        guard let last = names.last, names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}

/// A configuration mistake, as one line that says what is wrong, with which setting, and where it was given.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// A setting's values as they were given, and by what.
struct GivenValues: Equatable, Sendable {
    var setting: Setting
    var texts: [String]
    var source: Setting.Source

    /// The error for `text`; `problem` reads on after the value: `is not a port`.
    func refused(_ text: String, _ problem: String) -> ConfigurationError {
        let given =
            switch source {
            case .option: "as an option"
            case .variable: "by the variable"
            case .file(let path): "in \(path)"
            }
        let shown = setting.isSecret ? "A value" : "'\(text.debugEscaped)'"
        return ConfigurationError("\(shown) \(problem) (\(setting.names); given \(given)).")
    }
}

extension String {
    /// On one line and without control characters, for an error text.
    var debugEscaped: String {
        unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? $0.escaped(asASCII: true) : String($0) }.joined()
    }
}
