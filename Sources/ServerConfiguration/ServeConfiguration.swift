// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Everything `martlet serve` was told, read once at start.
///
/// Each property names its option and its default.
package struct ServeConfiguration: Equatable, Sendable {
    /// How callers are known.
    package enum Authentication: String, CaseIterable, Sendable {
        case sigv4
        /// Everybody is the one account. Only on a loopback address.
        case none
    }

    /// Who answers requests for SQS, or for EventBridge and its Scheduler.
    package enum Answering: String, CaseIterable, Sendable {
        /// This server.
        case embedded
        /// The one that `--aws-endpoint` names.
        case awsEndpoint = "aws-endpoint"
    }

    /// What is there or is not.
    package enum Switch: String, CaseIterable, Sendable {
        case on, off
    }

    /// Who may read `/metrics`.
    package enum MetricsAccess: String, CaseIterable, Sendable {
        /// The administrator, and keys whose policy allows it.
        case signed
        /// Also whoever asks from this machine.
        case open
        case off
    }

    /// How execution environments begin.
    package enum Pool: String, CaseIterable, Sendable {
        /// With a sandbox and a process of their own.
        case exec
        /// In blank ones that were started ahead of need, where a function allows it, each with an interpreter executed anew.
        case blank
        /// The same, forked from one that has started where the runtime can be.
        case fork
        /// `fork`, but `blank` where all that is forked would share the limits that the spawner can take away from their sum.
        case auto
    }

    /// swift-log's levels.
    package enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// PEM files, absolute paths.
    package struct TLSFiles: Equatable, Sendable {
        package var certificate: String
        package var key: String
    }

    /// Where the key that wraps every object's key comes from.
    package enum MasterKeySource: Equatable, Sendable {
        /// Mode 0600; made when it is absent.
        case file(String)
        /// 32 bytes in base64. Secret.
        case base64(String)
        /// A shell command that prints what `base64` holds.
        case command(String)
    }

    /// `--listen`, 127.0.0.1:4566.
    package var listen: ListenAddress
    /// `--data`, absolute; see `HostFacts.defaultDataDirectory`.
    package var dataDirectory: String
    /// `--limits`, classic.
    package var limits: LimitsProfile
    /// `--auth`, sigv4.
    package var authentication: Authentication
    /// `--tls-cert` and `--tls-key`; plain HTTP without them.
    package var tls: TLSFiles?
    /// `--console`, on where `--listen` is a loopback address: whether there is a page at `/console`.
    package var console: Switch
    /// `--region`, us-east-1.
    package var region: String
    /// `--account-id`, 000000000000.
    package var accountID: String
    /// `--runtime`: name to the interpreter's absolute path; by default what is found on the machine.
    package var runtimes: [String: String]
    /// `--runtime-libs`: runtime's name to a directory, absolute; by default none.
    package var runtimeLibraries: [String: String]
    /// `--egress`, in the order given, not parsed here; empty for the default policy.
    package var egress: [String]
    /// `--resolver`, at most three; empty for those of /etc/resolv.conf.
    package var resolvers: [ListenAddress]
    /// `--function-env`: set in every function; secret, by default none.
    package var functionEnvironment: [String: String]
    /// `--account-concurrency`, 1,000 invocations at once of each account in each region.
    package var accountConcurrency: Int
    /// `--account-code-storage`, 76,800 MiB of zips of each account in each region.
    package var accountCodeStorageMiB: Int
    /// `--memory`, MiB that all environments may use together; see `HostFacts.defaultFunctionMemoryMiB`.
    package var functionMemoryMiB: Int
    /// `--pool`, auto.
    package var pool: Pool
    /// `--keep-alive`: how long every idle environment is kept; nil for `auto`, by how its function has been called.
    package var keepAlive: Duration?
    /// `--drain-timeout`, 60 seconds: how long running invocations may take after SIGTERM.
    package var drainTimeout: Duration
    /// `--async-retry-delay`, 60 seconds: before an asynchronous event that failed is tried again.
    package var asyncRetryDelay: Duration
    /// `--async-events`, 100,000 of an account that may wait.
    package var asyncEventsMax: Int
    /// `--journal-reserve`, 16: what is kept on the disk for the log lines and usage records of invocations.
    package var journalReserveMiB: Int
    /// `--kafka-memory`, 1,024 MiB that topics may take of an account that is alone.
    package var kafkaMemoryMiB: Int
    /// `--aws-endpoint`, none: where AWS's other services are, as scheme, host and port without a slash at the end.
    package var awsEndpoint: String?
    /// `--sqs`, embedded unless `--aws-endpoint` is given.
    package var queues: Answering
    /// `--kinesis`, embedded unless `--aws-endpoint` is given.
    package var streams: Answering
    /// `--stream-storage`, 10,240: what the streams of this server may have on its disk.
    package var streamStorageMiB: Int
    /// `--schedules`, embedded unless `--aws-endpoint` is given.
    package var schedules: Answering
    /// `--metrics`, signed.
    package var metrics: MetricsAccess
    /// `--otlp-endpoint`, none: scheme, host and port without a slash at the end.
    package var otlpEndpoint: String?
    /// `--throttle-api`, false: whether calls of the API are limited in their rate as AWS limits them.
    package var throttlesAPI: Bool
    /// `--sqs-endpoint`, as `--aws-endpoint` where `--sqs` says so; nil for the queues of this server.
    package var sqs: ServiceAccess?
    /// `--sns-endpoint`, likewise.
    package var sns: ServiceAccess?
    /// `--events-endpoint`, likewise: EventBridge.
    package var events: ServiceAccess?
    /// `--kinesis-endpoint`, as `--aws-endpoint` where `--kinesis` says so: streams that functions read; nil for those of this server.
    package var kinesis: ServiceAccess?
    /// `--dynamodb-streams-endpoint`, likewise: streams of tables.
    package var dynamoDBStreams: ServiceAccess?
    /// `--rabbitmq-endpoint` and `--rabbitmq-ca`: where the brokers are whose queues functions read.
    package var rabbitMQ: RabbitMQAccess
    /// `--s3-endpoint` and its siblings, as `--aws-endpoint`: where code may come from, and records go to; nil for nowhere.
    package var s3: S3Access?
    /// `--code-store`, the directory DATA/code: the bucket that code is kept in, at `s3`, which then has a key.
    package var codeStore: CodeStoreLocation?
    /// `--secrets`, absolute: what mappings sign in to brokers with; nil for none.
    package var secrets: String?
    /// `--log-level`, info.
    package var logLevel: LogLevel
    /// `--master-key-file`, `MARTLET_MASTER_KEY` or `--master-key-command`; DATA/master.key.
    package var masterKey: MasterKeySource
    /// The file that was read, if any.
    package var file: String?
}

extension ServeConfiguration: CustomStringConvertible {
    /// Without secrets, for a log line.
    package var description: String {
        "\(listen), data \(dataDirectory), limits \(limits), auth \(authentication), region \(region), "
            + "account \(accountID), file \(file ?? "none")"
    }
}

extension ServeConfiguration {
    /// Option over variable over file over default.
    ///
    /// The file is the one that `--config` names; without it DATA/martlet.yaml, if there is one.
    /// Relative paths in it start from its directory; those given as options or variables from `workingDirectory`.
    package init(
        options: [Setting: [String]],
        environment: [String: String],
        host: HostFacts,
        workingDirectory: String
    ) async throws(ConfigurationError) {
        var layers = Layers(options: options, environment: environment, workingDirectory: workingDirectory)
        let configPath = try layers.path(.config)
        if let configPath { layers.file = try await ConfigurationFile(path: configPath) }
        guard let data = try layers.path(.data) ?? host.defaultDataDirectory(environment: environment) else {
            throw ConfigurationError(
                "This user has no home directory: name a data directory (\(Setting.data.names))."
            )
        }
        let dataFile = data + "/martlet.yaml"
        if configPath == nil, Layers.exists(dataFile) {
            let file = try await ConfigurationFile(path: dataFile)
            if try file.values(.data) != nil {
                throw ConfigurationError(
                    "'data' in \(dataFile) has no effect: the file was found by the data directory."
                )
            }
            layers.file = file
        }
        try self.init(layers: layers, dataDirectory: data, host: host)
    }

    private init(layers: Layers, dataDirectory: String, host: HostFacts) throws(ConfigurationError) {
        self.dataDirectory = dataDirectory
        file = layers.file?.path
        listen =
            try layers.one(.listen, expected: "is not ADDRESS:PORT, such as 127.0.0.1:4566 or [::1]:4566") {
                ListenAddress($0)
            } ?? .standard
        limits = try layers.choice(.limits) ?? .classic
        authentication = try layers.choice(.auth) ?? .sigv4
        console = try layers.choice(.console) ?? (listen.isLoopback ? .on : .off)
        region =
            try layers.one(.region, expected: Layers.noRegion) {
                RegionName.isValid($0) ? $0 : nil
            } ?? "us-east-1"
        accountID =
            try layers.one(.accountID, expected: "is not an account id of twelve digits") {
                ARN.isAccountID($0) ? $0 : nil
            } ?? "000000000000"
        runtimes = try layers.paths(.runtime)
        runtimeLibraries = try layers.paths(.runtimeLibraries)
        egress = try layers.texts(.egress)
        resolvers = try layers.resolvers()
        functionEnvironment = try layers.functionEnvironment()
        accountConcurrency =
            try layers.number(.accountConcurrency, in: 1...100_000, unit: "concurrent invocations")
            ?? LimitsProfile.accountConcurrencyDefault
        accountCodeStorageMiB =
            try layers.number(.accountCodeStorage, in: 1...(1 << 30), unit: "MiB")
            ?? LimitsProfile.storedCodeBytesDefault >> 20
        functionMemoryMiB =
            try layers.number(.memory, in: 128...(1 << 30), unit: "MiB") ?? host.defaultFunctionMemoryMiB
        pool = try layers.choice(.pool) ?? .auto
        keepAlive = try layers.keepAlive()
        drainTimeout = try layers.duration(.drainTimeout, upTo: .seconds(3_600)) ?? .seconds(60)
        asyncRetryDelay = try layers.duration(.asyncRetryDelay, upTo: .seconds(3_600)) ?? .seconds(60)
        asyncEventsMax = try layers.number(.asyncEvents, in: 1...10_000_000, unit: "events") ?? 100_000
        journalReserveMiB = try layers.number(.journalReserve, in: 0...32, unit: "MiB") ?? 16
        kafkaMemoryMiB = try layers.number(.kafkaMemory, in: 16...(1 << 20), unit: "MiB") ?? 1_024
        awsEndpoint = try layers.endpoint(.awsEndpoint)
        queues = try layers.choice(.queues) ?? (awsEndpoint == nil ? .embedded : .awsEndpoint)
        guard queues == .embedded || awsEndpoint != nil else {
            throw ConfigurationError(
                "Requests for SQS can't go elsewhere (\(Setting.queues.names)) without an endpoint "
                    + "(\(Setting.awsEndpoint.names))."
            )
        }
        streams = try layers.choice(.streams) ?? (awsEndpoint == nil ? .embedded : .awsEndpoint)
        guard streams == .embedded || awsEndpoint != nil else {
            throw ConfigurationError(
                "Requests for Kinesis can't go elsewhere (\(Setting.streams.names)) without an endpoint "
                    + "(\(Setting.awsEndpoint.names))."
            )
        }
        streamStorageMiB = try layers.number(.streamStorage, in: 1...(1 << 30), unit: "MiB") ?? 10_240
        schedules = try layers.choice(.schedules) ?? (awsEndpoint == nil ? .embedded : .awsEndpoint)
        guard schedules == .embedded || awsEndpoint != nil else {
            throw ConfigurationError(
                "Requests for EventBridge can't go elsewhere (\(Setting.schedules.names)) without an endpoint "
                    + "(\(Setting.awsEndpoint.names))."
            )
        }
        metrics = try layers.choice(.metrics) ?? .signed
        otlpEndpoint = try layers.endpoint(.otlpEndpoint)
        throttlesAPI = try layers.flag(.throttleAPI)
        sqs = try layers.service(.sqsEndpoint, standardEndpoint: queues == .embedded ? nil : awsEndpoint)
        sns = try layers.service(.snsEndpoint, standardEndpoint: awsEndpoint)
        events = try layers.service(.eventsEndpoint, standardEndpoint: awsEndpoint)
        kinesis = try layers.service(.kinesisEndpoint, standardEndpoint: streams == .embedded ? nil : awsEndpoint)
        dynamoDBStreams = try layers.service(.dynamoDBStreamsEndpoint, standardEndpoint: awsEndpoint)
        rabbitMQ = try layers.rabbitMQ()
        s3 = try layers.s3(standardEndpoint: awsEndpoint, standardRegion: region)
        codeStore = try layers.codeStore(s3)
        secrets = try layers.path(.secrets)
        logLevel = try layers.choice(.logLevel) ?? .info
        masterKey = try layers.masterKey() ?? .file(dataDirectory + "/master.key")
        tls = try Self.tlsFiles(certificate: layers.path(.tlsCertificate), key: layers.path(.tlsKey))
        try Self.checkExposure(
            listen,
            authentication,
            isProtected: layers.flag(.insecureHTTP) || tls != nil
        )
    }

    /// Throws for what would let strangers in.
    private static func checkExposure(
        _ listen: ListenAddress,
        _ authentication: Authentication,
        isProtected: Bool
    ) throws(ConfigurationError) {
        guard !listen.isLoopback else { return }
        guard authentication == .sigv4 else {
            throw ConfigurationError(
                "Without authentication anybody who reaches \(listen) could run code here: \(Setting.auth.names) may "
                    + "be 'none' only on a loopback address (\(Setting.listen.names))."
            )
        }
        guard isProtected else {
            throw ConfigurationError(
                "\(listen) is not a loopback address, and without TLS code, payloads and environment variables would "
                    + "cross the network readable by others: give a certificate (\(Setting.tlsCertificate.names)), or "
                    + "allow plain HTTP (\(Setting.insecureHTTP.names))."
            )
        }
    }

    private static func tlsFiles(certificate: String?, key: String?) throws(ConfigurationError) -> TLSFiles? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
        default:
            let missing = certificate == nil ? Setting.tlsCertificate : .tlsKey
            throw ConfigurationError("TLS takes a certificate and its key, and one is missing (\(missing.names)).")
        }
    }
}
