// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct DocumentDBEventSourceConfig: WireDecodable, WireEncodable, Sendable {
        package var databaseName: String?
        package var collectionName: String?
        package var fullDocument: String?

        package init(databaseName: String? = nil, collectionName: String? = nil, fullDocument: String? = nil) {
            self.databaseName = databaseName
            self.collectionName = collectionName
            self.fullDocument = fullDocument
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            databaseName = try members.optional("DatabaseName")
            collectionName = try members.optional("CollectionName")
            fullDocument = try members.optional("FullDocument")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["DatabaseName"] = databaseName?.wire
            members["CollectionName"] = collectionName?.wire
            members["FullDocument"] = fullDocument?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct DurableConfig: WireDecodable, WireEncodable, Sendable {
        package var retentionPeriodInDays: Int?
        package var executionTimeout: Int?

        package init(retentionPeriodInDays: Int? = nil, executionTimeout: Int? = nil) {
            self.retentionPeriodInDays = retentionPeriodInDays
            self.executionTimeout = executionTimeout
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            retentionPeriodInDays = try members.optional("RetentionPeriodInDays")
            executionTimeout = try members.optional("ExecutionTimeout")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["RetentionPeriodInDays"] = retentionPeriodInDays?.wire
            members["ExecutionTimeout"] = executionTimeout?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Environment: WireDecodable, Sendable {
        package var variables: [String: String]?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            variables = try members.optional("Variables")
        }
    }
}

extension API {
    package struct EnvironmentError: WireEncodable, Sendable {
        package var errorCode: String?
        package var message: String?

        package init(errorCode: String? = nil, message: String? = nil) {
            self.errorCode = errorCode
            self.message = message
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ErrorCode"] = errorCode?.wire
            members["Message"] = message?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EnvironmentResponse: WireEncodable, Sendable {
        package var variables: [String: String]?
        package var error: EnvironmentError?

        package init(variables: [String: String]? = nil, error: EnvironmentError? = nil) {
            self.variables = variables
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Variables"] = variables?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EphemeralStorage: WireDecodable, WireEncodable, Sendable {
        package var size: Int

        package init(size: Int) {
            self.size = size
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            size = try members.required("Size")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Size"] = size.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ErrorObject: WireDecodable, WireEncodable, Sendable {
        package var errorMessage: String?
        package var errorType: String?
        package var errorData: String?
        package var stackTrace: [String]?

        package init(
            errorMessage: String? = nil,
            errorType: String? = nil,
            errorData: String? = nil,
            stackTrace: [String]? = nil
        ) {
            self.errorMessage = errorMessage
            self.errorType = errorType
            self.errorData = errorData
            self.stackTrace = stackTrace
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            errorMessage = try members.optional("ErrorMessage")
            errorType = try members.optional("ErrorType")
            errorData = try members.optional("ErrorData")
            stackTrace = try members.optional("StackTrace")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ErrorMessage"] = errorMessage?.wire
            members["ErrorType"] = errorType?.wire
            members["ErrorData"] = errorData?.wire
            members["StackTrace"] = stackTrace?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Event: WireEncodable, Sendable {
        package var eventType: String?
        package var subType: String?
        package var eventId: Int?
        package var id: String?
        package var name: String?
        package var eventTimestamp: Timestamp?
        package var parentId: String?
        package var executionStartedDetails: ExecutionStartedDetails?
        package var executionSucceededDetails: ExecutionSucceededDetails?
        package var executionFailedDetails: ExecutionFailedDetails?
        package var executionTimedOutDetails: ExecutionTimedOutDetails?
        package var executionStoppedDetails: ExecutionStoppedDetails?
        package var contextStartedDetails: ContextStartedDetails?
        package var contextSucceededDetails: ContextSucceededDetails?
        package var contextFailedDetails: ContextFailedDetails?
        package var waitStartedDetails: WaitStartedDetails?
        package var waitSucceededDetails: WaitSucceededDetails?
        package var waitCancelledDetails: WaitCancelledDetails?
        package var stepStartedDetails: StepStartedDetails?
        package var stepSucceededDetails: StepSucceededDetails?
        package var stepFailedDetails: StepFailedDetails?
        package var chainedInvokeStartedDetails: ChainedInvokeStartedDetails?
        package var chainedInvokeSucceededDetails: ChainedInvokeSucceededDetails?
        package var chainedInvokeFailedDetails: ChainedInvokeFailedDetails?
        package var chainedInvokeTimedOutDetails: ChainedInvokeTimedOutDetails?
        package var chainedInvokeStoppedDetails: ChainedInvokeStoppedDetails?
        package var callbackStartedDetails: CallbackStartedDetails?
        package var callbackSucceededDetails: CallbackSucceededDetails?
        package var callbackFailedDetails: CallbackFailedDetails?
        package var callbackTimedOutDetails: CallbackTimedOutDetails?
        package var invocationCompletedDetails: InvocationCompletedDetails?

        package init(
            eventType: String? = nil,
            subType: String? = nil,
            eventId: Int? = nil,
            id: String? = nil,
            name: String? = nil,
            eventTimestamp: Timestamp? = nil,
            parentId: String? = nil,
            executionStartedDetails: ExecutionStartedDetails? = nil,
            executionSucceededDetails: ExecutionSucceededDetails? = nil,
            executionFailedDetails: ExecutionFailedDetails? = nil,
            executionTimedOutDetails: ExecutionTimedOutDetails? = nil,
            executionStoppedDetails: ExecutionStoppedDetails? = nil,
            contextStartedDetails: ContextStartedDetails? = nil,
            contextSucceededDetails: ContextSucceededDetails? = nil,
            contextFailedDetails: ContextFailedDetails? = nil,
            waitStartedDetails: WaitStartedDetails? = nil,
            waitSucceededDetails: WaitSucceededDetails? = nil,
            waitCancelledDetails: WaitCancelledDetails? = nil,
            stepStartedDetails: StepStartedDetails? = nil,
            stepSucceededDetails: StepSucceededDetails? = nil,
            stepFailedDetails: StepFailedDetails? = nil,
            chainedInvokeStartedDetails: ChainedInvokeStartedDetails? = nil,
            chainedInvokeSucceededDetails: ChainedInvokeSucceededDetails? = nil,
            chainedInvokeFailedDetails: ChainedInvokeFailedDetails? = nil,
            chainedInvokeTimedOutDetails: ChainedInvokeTimedOutDetails? = nil,
            chainedInvokeStoppedDetails: ChainedInvokeStoppedDetails? = nil,
            callbackStartedDetails: CallbackStartedDetails? = nil,
            callbackSucceededDetails: CallbackSucceededDetails? = nil,
            callbackFailedDetails: CallbackFailedDetails? = nil,
            callbackTimedOutDetails: CallbackTimedOutDetails? = nil,
            invocationCompletedDetails: InvocationCompletedDetails? = nil
        ) {
            self.eventType = eventType
            self.subType = subType
            self.eventId = eventId
            self.id = id
            self.name = name
            self.eventTimestamp = eventTimestamp
            self.parentId = parentId
            self.executionStartedDetails = executionStartedDetails
            self.executionSucceededDetails = executionSucceededDetails
            self.executionFailedDetails = executionFailedDetails
            self.executionTimedOutDetails = executionTimedOutDetails
            self.executionStoppedDetails = executionStoppedDetails
            self.contextStartedDetails = contextStartedDetails
            self.contextSucceededDetails = contextSucceededDetails
            self.contextFailedDetails = contextFailedDetails
            self.waitStartedDetails = waitStartedDetails
            self.waitSucceededDetails = waitSucceededDetails
            self.waitCancelledDetails = waitCancelledDetails
            self.stepStartedDetails = stepStartedDetails
            self.stepSucceededDetails = stepSucceededDetails
            self.stepFailedDetails = stepFailedDetails
            self.chainedInvokeStartedDetails = chainedInvokeStartedDetails
            self.chainedInvokeSucceededDetails = chainedInvokeSucceededDetails
            self.chainedInvokeFailedDetails = chainedInvokeFailedDetails
            self.chainedInvokeTimedOutDetails = chainedInvokeTimedOutDetails
            self.chainedInvokeStoppedDetails = chainedInvokeStoppedDetails
            self.callbackStartedDetails = callbackStartedDetails
            self.callbackSucceededDetails = callbackSucceededDetails
            self.callbackFailedDetails = callbackFailedDetails
            self.callbackTimedOutDetails = callbackTimedOutDetails
            self.invocationCompletedDetails = invocationCompletedDetails
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["EventType"] = eventType?.wire
            members["SubType"] = subType?.wire
            members["EventId"] = eventId?.wire
            members["Id"] = id?.wire
            members["Name"] = name?.wire
            members["EventTimestamp"] = eventTimestamp?.wire
            members["ParentId"] = parentId?.wire
            members["ExecutionStartedDetails"] = executionStartedDetails?.wire
            members["ExecutionSucceededDetails"] = executionSucceededDetails?.wire
            members["ExecutionFailedDetails"] = executionFailedDetails?.wire
            members["ExecutionTimedOutDetails"] = executionTimedOutDetails?.wire
            members["ExecutionStoppedDetails"] = executionStoppedDetails?.wire
            members["ContextStartedDetails"] = contextStartedDetails?.wire
            members["ContextSucceededDetails"] = contextSucceededDetails?.wire
            members["ContextFailedDetails"] = contextFailedDetails?.wire
            members["WaitStartedDetails"] = waitStartedDetails?.wire
            members["WaitSucceededDetails"] = waitSucceededDetails?.wire
            members["WaitCancelledDetails"] = waitCancelledDetails?.wire
            members["StepStartedDetails"] = stepStartedDetails?.wire
            members["StepSucceededDetails"] = stepSucceededDetails?.wire
            members["StepFailedDetails"] = stepFailedDetails?.wire
            members["ChainedInvokeStartedDetails"] = chainedInvokeStartedDetails?.wire
            members["ChainedInvokeSucceededDetails"] = chainedInvokeSucceededDetails?.wire
            members["ChainedInvokeFailedDetails"] = chainedInvokeFailedDetails?.wire
            members["ChainedInvokeTimedOutDetails"] = chainedInvokeTimedOutDetails?.wire
            members["ChainedInvokeStoppedDetails"] = chainedInvokeStoppedDetails?.wire
            members["CallbackStartedDetails"] = callbackStartedDetails?.wire
            members["CallbackSucceededDetails"] = callbackSucceededDetails?.wire
            members["CallbackFailedDetails"] = callbackFailedDetails?.wire
            members["CallbackTimedOutDetails"] = callbackTimedOutDetails?.wire
            members["InvocationCompletedDetails"] = invocationCompletedDetails?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EventError: WireEncodable, Sendable {
        package var payload: ErrorObject?
        package var truncated: Bool?

        package init(payload: ErrorObject? = nil, truncated: Bool? = nil) {
            self.payload = payload
            self.truncated = truncated
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Payload"] = payload?.wire
            members["Truncated"] = truncated?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EventInput: WireEncodable, Sendable {
        package var payload: String?
        package var truncated: Bool?

        package init(payload: String? = nil, truncated: Bool? = nil) {
            self.payload = payload
            self.truncated = truncated
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Payload"] = payload?.wire
            members["Truncated"] = truncated?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EventResult: WireEncodable, Sendable {
        package var payload: String?
        package var truncated: Bool?

        package init(payload: String? = nil, truncated: Bool? = nil) {
            self.payload = payload
            self.truncated = truncated
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Payload"] = payload?.wire
            members["Truncated"] = truncated?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EventSourceMappingConfiguration: WireEncodable, Sendable {
        package var uuid: String?
        package var startingPosition: String?
        package var startingPositionTimestamp: Timestamp?
        package var batchSize: Int?
        package var maximumBatchingWindowInSeconds: Int?
        package var parallelizationFactor: Int?
        package var eventSourceArn: String?
        package var filterCriteria: FilterCriteria?
        package var functionArn: String?
        package var lastModified: Timestamp?
        package var lastProcessingResult: String?
        package var state: String?
        package var stateTransitionReason: String?
        package var destinationConfig: DestinationConfig?
        package var topics: [String]?
        package var queues: [String]?
        package var sourceAccessConfigurations: [SourceAccessConfiguration]?
        package var selfManagedEventSource: SelfManagedEventSource?
        package var maximumRecordAgeInSeconds: Int?
        package var bisectBatchOnFunctionError: Bool?
        package var maximumRetryAttempts: Int?
        package var tumblingWindowInSeconds: Int?
        package var functionResponseTypes: [String]?
        package var amazonManagedKafkaEventSourceConfig: AmazonManagedKafkaEventSourceConfig?
        package var selfManagedKafkaEventSourceConfig: SelfManagedKafkaEventSourceConfig?
        package var scalingConfig: ScalingConfig?
        package var documentDBEventSourceConfig: DocumentDBEventSourceConfig?
        package var kmsKeyArn: String?
        package var filterCriteriaError: FilterCriteriaError?
        package var eventSourceMappingArn: String?
        package var metricsConfig: EventSourceMappingMetricsConfig?
        package var loggingConfig: EventSourceMappingLoggingConfig?
        package var provisionedPollerConfig: ProvisionedPollerConfig?

        package init(
            uuid: String? = nil,
            startingPosition: String? = nil,
            startingPositionTimestamp: Timestamp? = nil,
            batchSize: Int? = nil,
            maximumBatchingWindowInSeconds: Int? = nil,
            parallelizationFactor: Int? = nil,
            eventSourceArn: String? = nil,
            filterCriteria: FilterCriteria? = nil,
            functionArn: String? = nil,
            lastModified: Timestamp? = nil,
            lastProcessingResult: String? = nil,
            state: String? = nil,
            stateTransitionReason: String? = nil,
            destinationConfig: DestinationConfig? = nil,
            topics: [String]? = nil,
            queues: [String]? = nil,
            sourceAccessConfigurations: [SourceAccessConfiguration]? = nil,
            selfManagedEventSource: SelfManagedEventSource? = nil,
            maximumRecordAgeInSeconds: Int? = nil,
            bisectBatchOnFunctionError: Bool? = nil,
            maximumRetryAttempts: Int? = nil,
            tumblingWindowInSeconds: Int? = nil,
            functionResponseTypes: [String]? = nil,
            amazonManagedKafkaEventSourceConfig: AmazonManagedKafkaEventSourceConfig? = nil,
            selfManagedKafkaEventSourceConfig: SelfManagedKafkaEventSourceConfig? = nil,
            scalingConfig: ScalingConfig? = nil,
            documentDBEventSourceConfig: DocumentDBEventSourceConfig? = nil,
            kmsKeyArn: String? = nil,
            filterCriteriaError: FilterCriteriaError? = nil,
            eventSourceMappingArn: String? = nil,
            metricsConfig: EventSourceMappingMetricsConfig? = nil,
            loggingConfig: EventSourceMappingLoggingConfig? = nil,
            provisionedPollerConfig: ProvisionedPollerConfig? = nil
        ) {
            self.uuid = uuid
            self.startingPosition = startingPosition
            self.startingPositionTimestamp = startingPositionTimestamp
            self.batchSize = batchSize
            self.maximumBatchingWindowInSeconds = maximumBatchingWindowInSeconds
            self.parallelizationFactor = parallelizationFactor
            self.eventSourceArn = eventSourceArn
            self.filterCriteria = filterCriteria
            self.functionArn = functionArn
            self.lastModified = lastModified
            self.lastProcessingResult = lastProcessingResult
            self.state = state
            self.stateTransitionReason = stateTransitionReason
            self.destinationConfig = destinationConfig
            self.topics = topics
            self.queues = queues
            self.sourceAccessConfigurations = sourceAccessConfigurations
            self.selfManagedEventSource = selfManagedEventSource
            self.maximumRecordAgeInSeconds = maximumRecordAgeInSeconds
            self.bisectBatchOnFunctionError = bisectBatchOnFunctionError
            self.maximumRetryAttempts = maximumRetryAttempts
            self.tumblingWindowInSeconds = tumblingWindowInSeconds
            self.functionResponseTypes = functionResponseTypes
            self.amazonManagedKafkaEventSourceConfig = amazonManagedKafkaEventSourceConfig
            self.selfManagedKafkaEventSourceConfig = selfManagedKafkaEventSourceConfig
            self.scalingConfig = scalingConfig
            self.documentDBEventSourceConfig = documentDBEventSourceConfig
            self.kmsKeyArn = kmsKeyArn
            self.filterCriteriaError = filterCriteriaError
            self.eventSourceMappingArn = eventSourceMappingArn
            self.metricsConfig = metricsConfig
            self.loggingConfig = loggingConfig
            self.provisionedPollerConfig = provisionedPollerConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["UUID"] = uuid?.wire
            members["StartingPosition"] = startingPosition?.wire
            members["StartingPositionTimestamp"] = startingPositionTimestamp?.wire
            members["BatchSize"] = batchSize?.wire
            members["MaximumBatchingWindowInSeconds"] = maximumBatchingWindowInSeconds?.wire
            members["ParallelizationFactor"] = parallelizationFactor?.wire
            members["EventSourceArn"] = eventSourceArn?.wire
            members["FilterCriteria"] = filterCriteria?.wire
            members["FunctionArn"] = functionArn?.wire
            members["LastModified"] = lastModified?.wire
            members["LastProcessingResult"] = lastProcessingResult?.wire
            members["State"] = state?.wire
            members["StateTransitionReason"] = stateTransitionReason?.wire
            members["DestinationConfig"] = destinationConfig?.wire
            members["Topics"] = topics?.wire
            members["Queues"] = queues?.wire
            members["SourceAccessConfigurations"] = sourceAccessConfigurations?.wire
            members["SelfManagedEventSource"] = selfManagedEventSource?.wire
            members["MaximumRecordAgeInSeconds"] = maximumRecordAgeInSeconds?.wire
            members["BisectBatchOnFunctionError"] = bisectBatchOnFunctionError?.wire
            members["MaximumRetryAttempts"] = maximumRetryAttempts?.wire
            members["TumblingWindowInSeconds"] = tumblingWindowInSeconds?.wire
            members["FunctionResponseTypes"] = functionResponseTypes?.wire
            members["AmazonManagedKafkaEventSourceConfig"] = amazonManagedKafkaEventSourceConfig?.wire
            members["SelfManagedKafkaEventSourceConfig"] = selfManagedKafkaEventSourceConfig?.wire
            members["ScalingConfig"] = scalingConfig?.wire
            members["DocumentDBEventSourceConfig"] = documentDBEventSourceConfig?.wire
            members["KMSKeyArn"] = kmsKeyArn?.wire
            members["FilterCriteriaError"] = filterCriteriaError?.wire
            members["EventSourceMappingArn"] = eventSourceMappingArn?.wire
            members["MetricsConfig"] = metricsConfig?.wire
            members["LoggingConfig"] = loggingConfig?.wire
            members["ProvisionedPollerConfig"] = provisionedPollerConfig?.wire
            return .object(members)
        }
    }
}
