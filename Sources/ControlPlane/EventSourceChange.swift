// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// What a request says of a mapping's settings; a member that it doesn't have is nil.
struct EventSourceChange {
    var settings = API.EventSourceMappingConfiguration()
    /// The members that the request has, by their names, but those that every kind of source knows.
    var given: Set<String> = []

    init(_ request: API.CreateEventSourceMappingRequest) throws(LambdaError) {
        settings.eventSourceArn = request.eventSourceArn
        settings.selfManagedEventSource = request.selfManagedEventSource
        settings.batchSize = request.batchSize
        settings.maximumBatchingWindowInSeconds = request.maximumBatchingWindowInSeconds
        try take(request.kmsKeyArn)
        take("FilterCriteria", request.filterCriteria, \.filterCriteria)
        take("ParallelizationFactor", request.parallelizationFactor, \.parallelizationFactor)
        take("StartingPosition", request.startingPosition, \.startingPosition)
        take("StartingPositionTimestamp", request.startingPositionTimestamp, \.startingPositionTimestamp)
        take("DestinationConfig", request.destinationConfig, \.destinationConfig)
        take("MaximumRecordAgeInSeconds", request.maximumRecordAgeInSeconds, \.maximumRecordAgeInSeconds)
        take("BisectBatchOnFunctionError", request.bisectBatchOnFunctionError, \.bisectBatchOnFunctionError)
        take("MaximumRetryAttempts", request.maximumRetryAttempts, \.maximumRetryAttempts)
        take("TumblingWindowInSeconds", request.tumblingWindowInSeconds, \.tumblingWindowInSeconds)
        take("Topics", request.topics, \.topics)
        take("Queues", request.queues, \.queues)
        take("SourceAccessConfigurations", request.sourceAccessConfigurations, \.sourceAccessConfigurations)
        take("FunctionResponseTypes", request.functionResponseTypes, \.functionResponseTypes)
        take("ScalingConfig", request.scalingConfig, \.scalingConfig)
        take("MetricsConfig", request.metricsConfig, \.metricsConfig)
        take("LoggingConfig", request.loggingConfig, \.loggingConfig)
        take("ProvisionedPollerConfig", request.provisionedPollerConfig, \.provisionedPollerConfig)
        take("DocumentDBEventSourceConfig", request.documentDBEventSourceConfig, \.documentDBEventSourceConfig)
        take(
            "AmazonManagedKafkaEventSourceConfig",
            request.amazonManagedKafkaEventSourceConfig,
            \.amazonManagedKafkaEventSourceConfig
        )
        take(
            "SelfManagedKafkaEventSourceConfig",
            request.selfManagedKafkaEventSourceConfig,
            \.selfManagedKafkaEventSourceConfig
        )
    }

    init(_ request: API.UpdateEventSourceMappingRequest) throws(LambdaError) {
        settings.batchSize = request.batchSize
        settings.maximumBatchingWindowInSeconds = request.maximumBatchingWindowInSeconds
        try take(request.kmsKeyArn)
        take("FilterCriteria", request.filterCriteria, \.filterCriteria)
        take("ParallelizationFactor", request.parallelizationFactor, \.parallelizationFactor)
        take("DestinationConfig", request.destinationConfig, \.destinationConfig)
        take("MaximumRecordAgeInSeconds", request.maximumRecordAgeInSeconds, \.maximumRecordAgeInSeconds)
        take("BisectBatchOnFunctionError", request.bisectBatchOnFunctionError, \.bisectBatchOnFunctionError)
        take("MaximumRetryAttempts", request.maximumRetryAttempts, \.maximumRetryAttempts)
        take("TumblingWindowInSeconds", request.tumblingWindowInSeconds, \.tumblingWindowInSeconds)
        take("SourceAccessConfigurations", request.sourceAccessConfigurations, \.sourceAccessConfigurations)
        take("FunctionResponseTypes", request.functionResponseTypes, \.functionResponseTypes)
        take("ScalingConfig", request.scalingConfig, \.scalingConfig)
        take("MetricsConfig", request.metricsConfig, \.metricsConfig)
        take("LoggingConfig", request.loggingConfig, \.loggingConfig)
        take("ProvisionedPollerConfig", request.provisionedPollerConfig, \.provisionedPollerConfig)
        take("DocumentDBEventSourceConfig", request.documentDBEventSourceConfig, \.documentDBEventSourceConfig)
        take(
            "AmazonManagedKafkaEventSourceConfig",
            request.amazonManagedKafkaEventSourceConfig,
            \.amazonManagedKafkaEventSourceConfig
        )
        take(
            "SelfManagedKafkaEventSourceConfig",
            request.selfManagedKafkaEventSourceConfig,
            \.selfManagedKafkaEventSourceConfig
        )
        if settings.amazonManagedKafkaEventSourceConfig?.consumerGroupId != nil {
            throw Self.fixed("amazonManagedKafkaEventSourceConfig.consumerGroupId")
        }
        if settings.selfManagedKafkaEventSourceConfig?.consumerGroupId != nil {
            throw Self.fixed("selfManagedKafkaEventSourceConfig.consumerGroupId")
        }
    }

    private mutating func take<T>(
        _ name: String,
        _ value: T?,
        _ member: WritableKeyPath<API.EventSourceMappingConfiguration, T?>
    ) {
        guard let value else { return }
        settings[keyPath: member] = value
        given.insert(name)
    }

    /// Filters are stored as they are, so a key that they should be encrypted with is refused.
    private func take(_ kmsKeyARN: String?) throws(LambdaError) {
        if let kmsKeyARN, !kmsKeyARN.isEmpty {
            throw ConfigurationRules.unavailable("An event source mapping's KMSKeyArn")
        }
    }

    private static func fixed(_ parameter: String) -> LambdaError {
        .invalidParameterValue(
            message: "Unsupported '\(parameter)' parameter for given event source mapping type."
        )
    }

    /// Puts what the request has into `current`; an empty object takes away what is set.
    func apply(to current: inout API.EventSourceMappingConfiguration) {
        func replace<T>(_ member: WritableKeyPath<API.EventSourceMappingConfiguration, T?>) {
            if let value = settings[keyPath: member] { current[keyPath: member] = value }
        }
        replace(\.eventSourceArn)
        replace(\.selfManagedEventSource)
        replace(\.batchSize)
        replace(\.maximumBatchingWindowInSeconds)
        replace(\.parallelizationFactor)
        replace(\.startingPosition)
        replace(\.startingPositionTimestamp)
        replace(\.maximumRecordAgeInSeconds)
        replace(\.bisectBatchOnFunctionError)
        replace(\.maximumRetryAttempts)
        replace(\.tumblingWindowInSeconds)
        replace(\.topics)
        replace(\.queues)
        replace(\.sourceAccessConfigurations)
        replace(\.functionResponseTypes)
        replace(\.metricsConfig)
        replace(\.loggingConfig)
        replace(\.documentDBEventSourceConfig)
        if let criteria = settings.filterCriteria {
            current.filterCriteria = (criteria.filters ?? []).isEmpty ? nil : criteria
        }
        if let scaling = settings.scalingConfig {
            current.scalingConfig = scaling.maximumConcurrency == nil ? nil : scaling
        }
        if let destinations = settings.destinationConfig {
            // An empty ARN is how a destination is taken away.
            let onFailure = destinations.onFailure?.destination ?? ""
            current.destinationConfig = .init(
                onSuccess: destinations.onSuccess,
                onFailure: .init(destination: onFailure.isEmpty ? nil : onFailure)
            )
        }
        applyPollers(to: &current)
        applyRegistries(to: &current)
    }

    private func applyPollers(to current: inout API.EventSourceMappingConfiguration) {
        guard let change = settings.provisionedPollerConfig else { return }
        guard change.minimumPollers != nil || change.maximumPollers != nil || change.pollerGroupName != nil else {
            current.provisionedPollerConfig = nil
            return
        }
        var pollers = current.provisionedPollerConfig ?? .init()
        pollers.minimumPollers = change.minimumPollers ?? pollers.minimumPollers
        pollers.maximumPollers = change.maximumPollers ?? pollers.maximumPollers
        pollers.pollerGroupName = change.pollerGroupName ?? pollers.pollerGroupName
        current.provisionedPollerConfig = pollers
    }

    private func applyRegistries(to current: inout API.EventSourceMappingConfiguration) {
        func merged(
            _ registry: API.KafkaSchemaRegistryConfig?,
            _ old: API.KafkaSchemaRegistryConfig?
        ) -> API.KafkaSchemaRegistryConfig? {
            guard let registry else { return old }
            return registry.schemaRegistryURI == nil ? nil : registry
        }
        if let change = settings.amazonManagedKafkaEventSourceConfig {
            var config = current.amazonManagedKafkaEventSourceConfig ?? .init()
            config.consumerGroupId = change.consumerGroupId ?? config.consumerGroupId
            config.schemaRegistryConfig = merged(change.schemaRegistryConfig, config.schemaRegistryConfig)
            current.amazonManagedKafkaEventSourceConfig = config
        }
        if let change = settings.selfManagedKafkaEventSourceConfig {
            var config = current.selfManagedKafkaEventSourceConfig ?? .init()
            config.consumerGroupId = change.consumerGroupId ?? config.consumerGroupId
            config.schemaRegistryConfig = merged(change.schemaRegistryConfig, config.schemaRegistryConfig)
            current.selfManagedKafkaEventSourceConfig = config
        }
    }
}
