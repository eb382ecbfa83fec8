// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import LambdaModel

/// What the settings of an event source mapping must be, beyond the model's constraints, by the kind of source.
///
/// Looks at the settings alone: whether a queue, a stream or a secret is there is not asked.
struct EventSourceRules {
    /// AWS's quota for one mapping.
    static let filtersMax = 5
    /// Longest timeout of a function that reads from Kafka, MQ or DocumentDB.
    static let timeoutSecondsMax = 840

    var kind: EventSourceKind
    var settings: API.EventSourceMappingConfiguration
    var now: Timestamp

    func check() throws(LambdaError) {
        try checkDestination()
        if kind.isQueue { try checkBatch() }
        try checkStartingPosition()
        try checkRetries()
        try checkAccess()
        if kind.isKafka { try checkKafka() }
        if kind == .broker, settings.queues == nil { throw Self.missing("queues") }
        if kind == .documentDB, settings.documentDBEventSourceConfig?.databaseName == nil {
            throw Self.missing("documentDBEventSourceConfig.databaseName")
        }
        try checkPollers()
        try checkFilters()
    }

    private func checkBatch() throws(LambdaError) {
        let (batch, window) = (settings.batchSize ?? 10, settings.maximumBatchingWindowInSeconds ?? 0)
        if batch > 10, window == 0 {
            throw Self.refusal(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
            )
        }
        guard kind == .fifoQueue else { return }
        if window > 0 { throw Self.refusal("Batching window is not supported for FIFO queues") }
    }

    private func checkStartingPosition() throws(LambdaError) {
        let timestamp = settings.startingPositionTimestamp
        if kind.isStream, settings.startingPosition == nil {
            throw Self.refusal(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member "
                    + "must not be null."
            )
        }
        guard settings.startingPosition == "AT_TIMESTAMP" else {
            if timestamp != nil { throw Self.refusal("Timestamp only valid with StartingPosition AT_TIMESTAMP") }
            return
        }
        if kind == .dynamoDB {
            throw Self.refusal("Unsupported starting position for arn type: \(settings.eventSourceArn ?? "")")
        }
        guard let timestamp else { throw Self.missing("startingPositionTimestamp") }
        if timestamp.millisecondsSinceEpoch < 0 {
            throw Self.refusal(
                "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a "
                    + "Timestamp"
            )
        }
        if timestamp > now { throw Self.refusal("StartingPositionTimestamp cannot be in the future.") }
    }

    private func checkRetries() throws(LambdaError) {
        if let age = settings.maximumRecordAgeInSeconds, age != -1, age < 60 {
            throw Self.refusal("MaximumRecordAgeInSeconds must be -1, or from 60 to 604800.")
        }
    }

    private func checkDestination() throws(LambdaError) {
        guard let config = settings.destinationConfig else { return }
        if config.onSuccess != nil { throw EventSourceKind.unsupported("DestinationConfig") }
        guard let destination = config.onFailure?.destination else { return }
        let isKnown =
            switch ARN(destination)?.service {
            case "sqs", "sns": !destination.hasSuffix(".fifo")
            case "s3": true
            default: kind.isKafka && destination.hasPrefix("kafka://")
            }
        guard isKnown else { throw Self.refusal("The destination ARN \(destination) is invalid.") }
        if kind == .selfManagedKafka, destination.hasPrefix("kafka://") {
            throw ConfigurationRules.unavailable("A topic of Kafka as a destination")
        }
    }

    private func checkAccess() throws(LambdaError) {
        let configurations = settings.sourceAccessConfigurations ?? []
        let known: Set<String> =
            switch kind {
            case .selfManagedKafka:
                [
                    "BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH",
                    "SERVER_ROOT_CA_CERTIFICATE", "VPC_SECURITY_GROUP", "VPC_SUBNET",
                ]
            case .managedKafka: ["CLIENT_CERTIFICATE_TLS_AUTH", "SASL_SCRAM_512_AUTH"]
            case .broker: ["BASIC_AUTH", "VIRTUAL_HOST"]
            case .documentDB: ["BASIC_AUTH"]
            case .queue, .fifoQueue, .kinesis, .dynamoDB: []
            }
        for configuration in configurations {
            guard let type = configuration.type else { throw Self.missing("sourceAccessConfigurations.type") }
            guard configuration.uri != nil else { throw Self.missing("sourceAccessConfigurations.uRI") }
            guard known.contains(type) else { throw EventSourceKind.unsupported("'\(type)' source access") }
        }
        if kind == .selfManagedKafka, configurations.isEmpty { throw Self.missing("sourceAccessConfigurations") }
        if kind == .broker || kind == .documentDB {
            guard configurations.filter({ $0.type == "BASIC_AUTH" }).count == 1,
                configurations.filter({ $0.type == "VIRTUAL_HOST" }).count <= 1
            else { throw Self.missing("sourceAccessConfigurations") }
        }
    }

    private func checkKafka() throws(LambdaError) {
        if settings.topics == nil { throw Self.missing("topics") }
        if kind == .selfManagedKafka { try checkCluster() }
        guard settings.provisionedPollerConfig == nil else { return }
        let registry =
            settings.amazonManagedKafkaEventSourceConfig?.schemaRegistryConfig
            ?? settings.selfManagedKafkaEventSourceConfig?.schemaRegistryConfig
        let others: [(name: String, isSet: Bool)] = [
            ("BisectBatchOnFunctionError", settings.bisectBatchOnFunctionError == true),
            ("FunctionResponseTypes", !(settings.functionResponseTypes ?? []).isEmpty),
            ("LoggingConfig", settings.loggingConfig != nil),
            ("MaximumRecordAgeInSeconds", (settings.maximumRecordAgeInSeconds ?? -1) != -1),
            ("MaximumRetryAttempts", (settings.maximumRetryAttempts ?? -1) != -1),
            ("MetricsConfig", !(settings.metricsConfig?.metrics ?? []).isEmpty),
            ("SchemaRegistryConfig", registry != nil),
        ]
        if let other = others.first(where: \.isSet) {
            throw Self.refusal(
                "\(other.name) is only available for Provisioned Mode. Enable Provisioned Mode by specifying "
                    + "MinimumPollers in ProvisionedPollerConfig."
            )
        }
    }

    /// Of Kafka that AWS does not manage.
    private func checkCluster() throws(LambdaError) {
        guard let endpoints = settings.selfManagedEventSource?.endpoints else {
            throw Self.missing("selfManagedEventSource.endpoints")
        }
        let servers = endpoints["KAFKA_BOOTSTRAP_SERVERS"] ?? []
        guard !servers.isEmpty else { throw Self.missing("selfManagedEventSource.endpoints.KAFKA_BOOTSTRAP_SERVERS") }
        for server in servers {
            let port = server.split(separator: ":").last.flatMap { Int($0) } ?? 0
            guard (1...65_535).contains(port) else { throw Self.refusal("The bootstrap server \(server) is invalid.") }
        }
        // Of the model's names some are patterns to those who read topics.
        for topic in settings.topics ?? [] where !topic.utf8.allSatisfy(Self.isTopicByte) || topic == ".." {
            throw Self.refusal("The topic name \(topic) is invalid.")
        }
        let methods = (settings.sourceAccessConfigurations ?? []).compactMap(\.type).filter {
            !["VPC_SUBNET", "VPC_SECURITY_GROUP"].contains($0)
        }
        guard methods.filter({ $0 != "SERVER_ROOT_CA_CERTIFICATE" }).count <= 1, Set(methods).count == methods.count
        else { throw Self.refusal("More than one authentication method was provided in sourceAccessConfigurations.") }
    }

    private static func isTopicByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || [45, 46, 95].contains(byte)
    }

    private func checkPollers() throws(LambdaError) {
        guard let pollers = settings.provisionedPollerConfig else { return }
        if kind.isQueue, settings.scalingConfig?.maximumConcurrency != nil {
            throw Self.refusal(
                "Provisioned mode for SQS ESM does not support maximum concurrency feature. Use MaximumPollers as the "
                    + "control mechanism and remove maximum concurrency."
            )
        }
        if kind.isQueue, pollers.pollerGroupName != nil { throw EventSourceKind.unsupported("PollerGroupName") }
        let least = kind.isQueue ? 2 : 1
        let minimum = pollers.minimumPollers ?? least
        guard minimum >= least, pollers.maximumPollers ?? max(200, minimum) >= minimum else {
            throw Self.refusal(
                "MinimumPollers should be between [\(least), 200] and MaximumPollers should be between "
                    + "[MinimumPollers, 2000]"
            )
        }
    }

    private func checkFilters() throws(LambdaError) {
        let filters = settings.filterCriteria?.filters ?? []
        guard filters.count <= Self.filtersMax else {
            throw Self.refusal("FilterCriteria has \(filters.count) filters, the limit is \(Self.filtersMax).")
        }
        guard !filters.isEmpty, let source = kind.filterSource else { return }
        let patterns = filters.compactMap(\.pattern)
        guard patterns.count == filters.count, (try? EventFilter(patterns: patterns, source: source)) != nil else {
            throw Self.refusal("Invalid filter pattern definition.")
        }
    }

    /// Throws where the function may run for longer than the source waits; a queue for its `visibility` in seconds.
    func check(timeoutOf function: FunctionConfiguration, visibility: Int?) throws(LambdaError) {
        if let visibility, visibility < function.timeoutSeconds {
            throw Self.refusal(
                "Queue visibility timeout: \(visibility) seconds is less than Function timeout: "
                    + "\(function.timeoutSeconds) seconds"
            )
        }
        guard kind.isKafka || kind == .broker || kind == .documentDB,
            function.timeoutSeconds > Self.timeoutSecondsMax
        else { return }
        throw Self.refusal(
            "The function's timeout is \(function.timeoutSeconds) seconds, this event source allows at most "
                + "\(Self.timeoutSecondsMax)."
        )
    }

    private static func missing(_ parameter: String) -> LambdaError {
        refusal("Required '\(parameter)' parameter is missing.")
    }

    private static func refusal(_ message: String) -> LambdaError { .invalidParameterValue(message: message) }
}
