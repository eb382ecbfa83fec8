// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// The options of `martlet serve`; `ServeConfiguration` is what they and the other places amount to.
package struct ServeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "YAML or JSON file with these settings (default: DATA/martlet.yaml, if it is there).",
            valueName: "file"
        )
    )
    private var config: String?

    @Option(
        help: ArgumentHelp(
            "IP address and port to serve on, such as [::1]:4566; port 0 picks a free one (default: 127.0.0.1:4566).",
            valueName: "address:port"
        )
    )
    private var listen: String?

    @Option(
        help: ArgumentHelp(
            "Directory for functions, logs and keys (default: /var/lib/martlet for root, else ~/.local/share/martlet).",
            valueName: "dir"
        )
    )
    private var data: String?

    @Option(
        help: ArgumentHelp(
            "Limits of functions: classic (memory up to 3072 MB in 64 MB steps, timeout up to 300 s) or current, AWS's of today (default: classic).",
            valueName: "profile"
        )
    )
    private var limits: String?

    @Option(
        help: ArgumentHelp(
            "How callers are known: sigv4, or none, on a loopback address only (default: sigv4).",
            valueName: "mode"
        )
    )
    private var auth: String?

    @Flag(
        name: .customLong("insecure-http"),
        help: "Allow plain HTTP on an address that is not loopback."
    )
    private var insecureHTTP = false

    @Option(
        name: .customLong("tls-cert"),
        help: ArgumentHelp(
            "Serve HTTPS with the certificate in this PEM file, its chain after it; read again when it changes (default: none, plain HTTP).",
            valueName: "file"
        )
    )
    private var tlsCertificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp(
            "PEM file with the certificate's private key, without a passphrase, not readable by others (default: none).",
            valueName: "file"
        )
    )
    private var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "The page at /console: on or off (default: on where only this machine reaches the address, else off).",
            valueName: "on|off"
        )
    )
    private var console: String?

    @Option(
        help: ArgumentHelp(
            "Region of requests that name none, and of the administrator's key (default: us-east-1).",
            valueName: "name"
        )
    )
    private var region: String?

    @Option(
        name: .customLong("account-id"),
        help: ArgumentHelp(
            "Account of the administrator's key, and of keys made without one (default: 000000000000).",
            valueName: "digits"
        )
    )
    private var accountID: String?

    @Option(
        help: ArgumentHelp(
            "Interpreter for a runtime, such as python3.12=/usr/bin/python3.12; may be repeated (default: those that are found on this machine).",
            valueName: "name=path"
        )
    )
    private var runtime: [String] = []

    @Option(
        name: .customLong("runtime-libs"),
        help: ArgumentHelp(
            "Directory of libraries that come with a runtime (boto3 for Python, say); may be repeated (default: none).",
            valueName: "name=dir"
        )
    )
    private var runtimeLibraries: [String] = []

    @Option(
        help: ArgumentHelp(
            "What functions may reach: allow=CIDR[:PORT],…, deny=CIDR[:PORT],… or none; may be repeated (default: all TCP but this machine, link-local addresses and port 25).",
            valueName: "policy"
        )
    )
    private var egress: [String] = []

    @Option(
        help: ArgumentHelp(
            "Name server that functions' names are looked up by, such as 10.0.0.53 or [::1]:5353; may be repeated, three at the most (default: those of /etc/resolv.conf).",
            valueName: "address[:port]"
        )
    )
    private var resolver: [String] = []

    @Option(
        name: .customLong("function-env"),
        help: ArgumentHelp(
            "Environment variable for every function, never shown; may be repeated (default: none).",
            valueName: "name=value"
        )
    )
    private var functionEnvironment: [String] = []

    @Option(
        name: .customLong("account-concurrency"),
        help: ArgumentHelp(
            "Invocations that may run at once of each account in each region, 1 to 100000 (default: 1000).",
            valueName: "count"
        )
    )
    private var accountConcurrency: String?

    @Option(
        name: .customLong("account-code-storage"),
        help: ArgumentHelp(
            "Zips of all functions, versions and layers of each account in each region together, in MiB, up to 2^30 (default: 76800).",
            valueName: "mib"
        )
    )
    private var accountCodeStorage: String?

    @Option(
        help: ArgumentHelp(
            "Memory that all functions may use together, in MiB (default: this machine's, less a tenth and at least 512 MiB).",
            valueName: "mib"
        )
    )
    private var memory: String?

    @Option(
        help: ArgumentHelp(
            "How execution environments begin: fork, in ones that are started ahead of need, from a process that has loaded the interpreter where it can be forked; blank, the same, each with an interpreter executed anew; exec, each by itself; or auto, fork unless the server is root's without CAP_SYS_RESOURCE (default: auto).",
            valueName: "mode"
        )
    )
    private var pool: String?

    @Option(
        name: .customLong("keep-alive"),
        help: ArgumentHelp(
            "How long an idle execution environment is kept: a time up to 24h, or auto, by how its function was called so far (default: auto).",
            valueName: "time"
        )
    )
    private var keepAlive: String?

    @Option(
        name: .customLong("drain-timeout"),
        help: ArgumentHelp(
            "How long running invocations may take after SIGTERM, up to 1h (default: 60s).",
            valueName: "time"
        )
    )
    private var drainTimeout: String?

    @Option(
        name: .customLong("async-retry-delay"),
        help: ArgumentHelp(
            "Wait before an asynchronous event that failed is tried again, up to 1h; the second wait is twice as long (default: 60s).",
            valueName: "time"
        )
    )
    private var asyncRetryDelay: String?

    @Option(
        name: .customLong("async-events"),
        help: ArgumentHelp(
            "Asynchronous events of an account that may wait, twice as many of all accounts together; more are answered with 429 (default: 100000).",
            valueName: "count"
        )
    )
    private var asyncEvents: String?

    @Option(
        name: .customLong("journal-reserve"),
        help: ArgumentHelp(
            "Room on the disk that is kept for the log lines and usage records of invocations, in MiB, up to 32; when half of it is used on a "
                + "full disk, invocations are refused; 0 keeps none and refuses none (default: 16).",
            valueName: "MiB"
        )
    )
    private var journalReserve: String?

    @Option(
        name: .customLong("kafka-memory"),
        help: ArgumentHelp(
            "Memory that topics of Kafka may take of an account that is alone, in MiB, 16 to 2^20, twice as much of all accounts together; partitions beyond that wait (default: 1024).",
            valueName: "MiB"
        )
    )
    private var kafkaMemory: String?

    @Option(
        name: .customLong("aws-endpoint"),
        help: ArgumentHelp(
            "Where AWS's other services are, such as http://127.0.0.1:5000 (default: nowhere).",
            valueName: "url"
        )
    )
    private var awsEndpoint: String?

    @Option(
        name: .customLong("sqs"),
        help: ArgumentHelp(
            "Who answers requests for SQS: 'embedded' is this server, 'aws-endpoint' that other one (default: embedded, "
                + "unless --aws-endpoint is given).",
            valueName: "server"
        )
    )
    private var queues: String?

    @Option(
        name: .customLong("kinesis"),
        help: ArgumentHelp(
            "Who answers requests for Kinesis: 'embedded' is this server, 'aws-endpoint' that other one (default: embedded, unless "
                + "--aws-endpoint is given).",
            valueName: "server"
        )
    )
    private var streams: String?

    @Option(
        name: .customLong("stream-storage"),
        help: ArgumentHelp(
            "What all streams of this server together may have on its disk, in MiB, up to 2^30 (default: 10240).",
            valueName: "MiB"
        )
    )
    private var streamStorage: String?

    @Option(
        name: .customLong("schedules"),
        help: ArgumentHelp(
            "Who answers requests for EventBridge and its Scheduler: 'embedded' is this server, 'aws-endpoint' that other one "
                + "(default: embedded, unless --aws-endpoint is given).",
            valueName: "server"
        )
    )
    private var schedules: String?

    @Option(
        help: ArgumentHelp(
            "Who may read /metrics: 'signed' is the administrator and keys that may, 'open' also whoever asks from this machine, 'off' is nobody "
                + "(default: signed).",
            valueName: "access"
        )
    )
    private var metrics: String?

    @Option(
        name: .customLong("otlp-endpoint"),
        help: ArgumentHelp(
            "OpenTelemetry collector that is told of invocations' phases by OTLP over HTTP, such as http://127.0.0.1:4318 (default: none).",
            valueName: "url"
        )
    )
    private var otlpEndpoint: String?

    @Flag(
        name: .customLong("throttle-api"),
        help: "Limit the rate of control-plane calls as AWS does: 15 a second, GetFunction 100."
    )
    private var throttleAPI = false

    @Option(
        name: .customLong("sqs-endpoint"),
        help: ArgumentHelp(
            "Where the queues are that asynchronous events end in, with the key of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (default: where requests for SQS are answered).",
            valueName: "url"
        )
    )
    private var sqsEndpoint: String?

    @Option(
        name: .customLong("sns-endpoint"),
        help: ArgumentHelp("Where topics are, with the same key (default: as --aws-endpoint).", valueName: "url")
    )
    private var snsEndpoint: String?

    @Option(
        name: .customLong("events-endpoint"),
        help: ArgumentHelp(
            "Where EventBridge's buses are, with the same key (default: as --aws-endpoint).",
            valueName: "url"
        )
    )
    private var eventsEndpoint: String?

    @Option(
        name: .customLong("kinesis-endpoint"),
        help: ArgumentHelp(
            "Where streams of Kinesis are that functions read, with the same key (default: where requests for Kinesis are answered).",
            valueName: "url"
        )
    )
    private var kinesisEndpoint: String?

    @Option(
        name: .customLong("dynamodb-streams-endpoint"),
        help: ArgumentHelp(
            "Where the streams of DynamoDB's tables are that functions read, with the same key (default: as --aws-endpoint).",
            valueName: "url"
        )
    )
    private var dynamoDBStreamsEndpoint: String?

    @Option(
        name: .customLong("rabbitmq-endpoint"),
        help: ArgumentHelp(
            "Where a RabbitMQ broker is whose queues functions read, such as amqp://127.0.0.1:5672 or orders=amqps://broker.example.org for the one of that name; repeatable (default: none).",
            valueName: "[name=]url"
        )
    )
    private var rabbitMQEndpoint: [String] = []

    @Option(
        name: .customLong("rabbitmq-ca"),
        help: ArgumentHelp(
            "PEM file of those who vouch for the certificates of RabbitMQ brokers (default: the machine's).",
            valueName: "file"
        )
    )
    private var rabbitMQAuthorities: String?

    @Option(
        name: .customLong("s3-endpoint"),
        help: ArgumentHelp(
            "Where the buckets are that code comes from and may be kept in, and records go to, such as http://127.0.0.1:9000 (default: as --aws-endpoint).",
            valueName: "url"
        )
    )
    private var s3Endpoint: String?

    @Option(
        name: .customLong("s3-region"),
        help: ArgumentHelp("Region that requests to S3 are signed for (default: as --region).", valueName: "region")
    )
    private var s3Region: String?

    @Option(
        name: .customLong("s3-access-key-id"),
        help: ArgumentHelp(
            "Access key for S3; its secret is in MARTLET_S3_SECRET_ACCESS_KEY (default: as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).",
            valueName: "id"
        )
    )
    private var s3AccessKeyID: String?

    @Option(
        name: .customLong("code-store"),
        help: ArgumentHelp(
            "Bucket at --s3-endpoint that code and layers are kept in, encrypted, such as s3://code/martlet (default: the directory DATA/code).",
            valueName: "s3://bucket/prefix"
        )
    )
    private var codeStore: String?

    @Option(
        help: ArgumentHelp(
            "JSON file of secrets' ARNs and values, by which mappings sign in to their brokers; not usable by others than its owner (default: none).",
            valueName: "file"
        )
    )
    private var secrets: String?

    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical (default: info).",
            valueName: "level"
        )
    )
    private var logLevel: String?

    @Option(
        name: .customLong("master-key-file"),
        help: ArgumentHelp(
            "File with the 32 bytes that all encryption starts from, mode 0600, made if absent; the key may also be in MARTLET_MASTER_KEY, in base64 (default: DATA/master.key).",
            valueName: "file"
        )
    )
    private var masterKeyFile: String?

    @Option(
        name: .customLong("master-key-command"),
        help: ArgumentHelp("Shell command that prints the master key in base64 (default: none).", valueName: "command")
    )
    private var masterKeyCommand: String?

    package init() {}

    /// What was given on the command line.
    package var values: [Setting: [String]] {
        let single: [(Setting, String?)] = [
            (.config, config), (.listen, listen), (.data, data), (.limits, limits), (.auth, auth),
            (.insecureHTTP, insecureHTTP ? "true" : nil), (.tlsCertificate, tlsCertificate), (.tlsKey, tlsKey),
            (.console, console),
            (.region, region), (.accountID, accountID),
            (.accountConcurrency, accountConcurrency), (.accountCodeStorage, accountCodeStorage), (.memory, memory),
            (.pool, pool),
            (.keepAlive, keepAlive),
            (.drainTimeout, drainTimeout), (.asyncRetryDelay, asyncRetryDelay), (.asyncEvents, asyncEvents),
            (.journalReserve, journalReserve),
            (.kafkaMemory, kafkaMemory),
            (.awsEndpoint, awsEndpoint), (.queues, queues), (.streams, streams), (.streamStorage, streamStorage),
            (.schedules, schedules), (.metrics, metrics), (.otlpEndpoint, otlpEndpoint),
            (.throttleAPI, throttleAPI ? "true" : nil),
            (.s3Endpoint, s3Endpoint), (.sqsEndpoint, sqsEndpoint), (.snsEndpoint, snsEndpoint),
            (.eventsEndpoint, eventsEndpoint), (.kinesisEndpoint, kinesisEndpoint),
            (.dynamoDBStreamsEndpoint, dynamoDBStreamsEndpoint), (.rabbitMQAuthorities, rabbitMQAuthorities),
            (.s3Region, s3Region), (.s3AccessKeyID, s3AccessKeyID), (.codeStore, codeStore), (.secrets, secrets),
            (.logLevel, logLevel),
            (.masterKeyFile, masterKeyFile), (.masterKeyCommand, masterKeyCommand),
        ]
        var values: [Setting: [String]] = [
            .runtime: runtime, .runtimeLibraries: runtimeLibraries, .egress: egress, .resolver: resolver,
            .functionEnvironment: functionEnvironment, .rabbitMQEndpoint: rabbitMQEndpoint,
        ]
        for case (let setting, let value?) in single { values[setting] = [value] }
        return values.filter { !$0.value.isEmpty }
    }

    /// The configuration of this process: these options, its environment, the file, the defaults.
    package func configuration() async throws(ConfigurationError) -> ServeConfiguration {
        let environment = ProcessInfo.processInfo.environment
        return try await ServeConfiguration(
            options: values,
            environment: environment,
            host: .read(environment: environment),
            workingDirectory: FileManager.default.currentDirectoryPath
        )
    }
}
