// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import LambdaModel

/// The kinds of event sources that a mapping may name.
enum EventSourceKind: Equatable {
    case queue
    case fifoQueue
    case kinesis
    case dynamoDB
    case managedKafka
    case selfManagedKafka
    case broker
    case documentDB

    /// By the ARN of the source; nil for what no mapping reads.
    init?(arn: String) {
        guard let arn = ARN(arn), !arn.region.isEmpty, !arn.accountID.isEmpty else { return nil }
        let resource = arn.resource
        let path = resource.split(separator: "/", omittingEmptySubsequences: false)
        let names = arn.resourceParts
        guard !path.contains(""), !names.contains("") else { return nil }
        switch arn.service {
        case "sqs" where path.count == 1 && names.count == 1:
            self = resource.hasSuffix(".fifo") ? .fifoQueue : .queue
        case "kinesis" where path.count > 1 && path[0] == "stream": self = .kinesis
        case "dynamodb" where path.count == 4 && path[0] == "table" && path[2] == "stream": self = .dynamoDB
        case "kafka" where path.count == 3 && path[0] == "cluster": self = .managedKafka
        case "mq" where names.count == 3 && names[0] == "broker": self = .broker
        case "rds" where names.count == 2 && names[0] == "cluster": self = .documentDB
        default: return nil
        }
    }

    /// - Throws: `LambdaError.invalidParameterValue` where the settings name no source, or one of no known kind.
    init(_ arn: String?, _ selfManaged: API.SelfManagedEventSource?) throws(LambdaError) {
        if selfManaged != nil, arn == nil {
            self = .selfManagedKafka
        } else if selfManaged == nil, let arn, let kind = EventSourceKind(arn: arn) {
            self = kind
        } else {
            throw .invalidParameterValue(message: "Unrecognized event source.")
        }
    }

    var isQueue: Bool { self == .queue || self == .fifoQueue }
    var isStream: Bool { self == .kinesis || self == .dynamoDB }
    var isKafka: Bool { self == .managedKafka || self == .selfManagedKafka }

    /// How the records of this kind are filtered; nil where they aren't.
    var filterSource: EventFilter.Source? {
        switch self {
        case .queue, .fifoQueue: .sqs
        case .kinesis: .kinesis
        case .dynamoDB: .dynamoDBStreams
        case .managedKafka, .selfManagedKafka: .kafka
        case .broker: .messageBroker
        case .documentDB: nil
        }
    }

    /// The members of a request that this kind knows, beside those that every kind does.
    private var parameters: Set<String> {
        switch self {
        case .queue, .fifoQueue:
            ["FilterCriteria", "FunctionResponseTypes", "MetricsConfig", "ProvisionedPollerConfig", "ScalingConfig"]
        case .kinesis, .dynamoDB:
            [
                "BisectBatchOnFunctionError", "DestinationConfig", "FilterCriteria", "FunctionResponseTypes",
                "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "MetricsConfig", "ParallelizationFactor",
                "StartingPosition", "StartingPositionTimestamp", "TumblingWindowInSeconds",
            ]
        case .managedKafka, .selfManagedKafka:
            [
                "BisectBatchOnFunctionError", "DestinationConfig", "FilterCriteria", "FunctionResponseTypes",
                "LoggingConfig", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "MetricsConfig",
                "ProvisionedPollerConfig", "SourceAccessConfigurations", "StartingPosition",
                "StartingPositionTimestamp", "Topics",
                self == .managedKafka ? "AmazonManagedKafkaEventSourceConfig" : "SelfManagedKafkaEventSourceConfig",
            ]
        case .broker: ["FilterCriteria", "Queues", "SourceAccessConfigurations"]
        case .documentDB:
            [
                "DocumentDBEventSourceConfig", "SourceAccessConfigurations", "StartingPosition",
                "StartingPositionTimestamp",
            ]
        }
    }

    func check(_ change: EventSourceChange) throws(LambdaError) {
        if isQueue, change.given.contains(where: { $0.hasPrefix("StartingPosition") }) {
            throw .invalidParameterValue(message: "StartingPosition is not valid for SQS event sources.")
        }
        // Sorted, so that one and the same request is always refused for the same reason.
        if let name = change.given.subtracting(parameters).sorted().first { throw Self.unsupported(name) }
    }

    static func unsupported(_ parameter: String) -> LambdaError {
        .invalidParameterValue(
            message: "Unsupported \(parameter) parameter for given event source mapping type."
        )
    }

    /// What a new mapping has where its request says nothing.
    ///
    /// The 500 ms that Kafka, MQ and DocumentDB wait for a batch by default can't be said in whole seconds; AWS leaves
    /// the member out.
    var defaults: API.EventSourceMappingConfiguration {
        var settings = API.EventSourceMappingConfiguration()
        settings.batchSize = isQueue ? 10 : 100
        if isQueue || isStream {
            settings.maximumBatchingWindowInSeconds = 0
            settings.functionResponseTypes = []
        }
        if isStream {
            settings.parallelizationFactor = 1
            settings.destinationConfig = .init(onFailure: .init())
            settings.maximumRecordAgeInSeconds = -1
            settings.bisectBatchOnFunctionError = false
            settings.maximumRetryAttempts = -1
            settings.tumblingWindowInSeconds = 0
        }
        switch self {
        case .managedKafka, .selfManagedKafka: settings.startingPosition = "TRIM_HORIZON"
        case .documentDB: settings.startingPosition = "LATEST"
        case .queue, .fifoQueue, .kinesis, .dynamoDB, .broker: break
        }
        return settings
    }

    /// Why a mapping is in its state where its caller wanted that.
    var userAction: String { isStream ? "User action" : "USER_INITIATED" }
}
