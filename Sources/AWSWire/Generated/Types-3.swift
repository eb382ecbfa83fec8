// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct CreateCodeSigningConfigRequest: WireDecodable, Sendable {
        package var description: String?
        package var allowedPublishers: AllowedPublishers
        package var codeSigningPolicies: CodeSigningPolicies?
        package var tags: [String: String]?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            description = try members.optional("Description")
            allowedPublishers = try members.required("AllowedPublishers")
            codeSigningPolicies = try members.optional("CodeSigningPolicies")
            tags = try members.optional("Tags")
        }
    }
}

extension API {
    package struct CreateCodeSigningConfigResponse: WireEncodable, Sendable {
        package var codeSigningConfig: CodeSigningConfig

        package init(codeSigningConfig: CodeSigningConfig) {
            self.codeSigningConfig = codeSigningConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CodeSigningConfig"] = codeSigningConfig.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CreateEventSourceMappingRequest: WireDecodable, Sendable {
        package var eventSourceArn: String?
        package var functionName: String
        package var enabled: Bool?
        package var batchSize: Int?
        package var filterCriteria: FilterCriteria?
        package var maximumBatchingWindowInSeconds: Int?
        package var parallelizationFactor: Int?
        package var startingPosition: String?
        package var startingPositionTimestamp: Timestamp?
        package var destinationConfig: DestinationConfig?
        package var maximumRecordAgeInSeconds: Int?
        package var bisectBatchOnFunctionError: Bool?
        package var maximumRetryAttempts: Int?
        package var tags: [String: String]?
        package var tumblingWindowInSeconds: Int?
        package var topics: [String]?
        package var queues: [String]?
        package var sourceAccessConfigurations: [SourceAccessConfiguration]?
        package var selfManagedEventSource: SelfManagedEventSource?
        package var functionResponseTypes: [String]?
        package var amazonManagedKafkaEventSourceConfig: AmazonManagedKafkaEventSourceConfig?
        package var selfManagedKafkaEventSourceConfig: SelfManagedKafkaEventSourceConfig?
        package var scalingConfig: ScalingConfig?
        package var documentDBEventSourceConfig: DocumentDBEventSourceConfig?
        package var kmsKeyArn: String?
        package var metricsConfig: EventSourceMappingMetricsConfig?
        package var loggingConfig: EventSourceMappingLoggingConfig?
        package var provisionedPollerConfig: ProvisionedPollerConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            eventSourceArn = try members.optional("EventSourceArn")
            functionName = try members.required("FunctionName")
            enabled = try members.optional("Enabled")
            batchSize = try members.optional("BatchSize")
            filterCriteria = try members.optional("FilterCriteria")
            maximumBatchingWindowInSeconds = try members.optional("MaximumBatchingWindowInSeconds")
            parallelizationFactor = try members.optional("ParallelizationFactor")
            startingPosition = try members.optional("StartingPosition")
            startingPositionTimestamp = try members.optional("StartingPositionTimestamp")
            destinationConfig = try members.optional("DestinationConfig")
            maximumRecordAgeInSeconds = try members.optional("MaximumRecordAgeInSeconds")
            bisectBatchOnFunctionError = try members.optional("BisectBatchOnFunctionError")
            maximumRetryAttempts = try members.optional("MaximumRetryAttempts")
            tags = try members.optional("Tags")
            tumblingWindowInSeconds = try members.optional("TumblingWindowInSeconds")
            topics = try members.optional("Topics")
            queues = try members.optional("Queues")
            sourceAccessConfigurations = try members.optional("SourceAccessConfigurations")
            selfManagedEventSource = try members.optional("SelfManagedEventSource")
            functionResponseTypes = try members.optional("FunctionResponseTypes")
            amazonManagedKafkaEventSourceConfig = try members.optional("AmazonManagedKafkaEventSourceConfig")
            selfManagedKafkaEventSourceConfig = try members.optional("SelfManagedKafkaEventSourceConfig")
            scalingConfig = try members.optional("ScalingConfig")
            documentDBEventSourceConfig = try members.optional("DocumentDBEventSourceConfig")
            kmsKeyArn = try members.optional("KMSKeyArn")
            metricsConfig = try members.optional("MetricsConfig")
            loggingConfig = try members.optional("LoggingConfig")
            provisionedPollerConfig = try members.optional("ProvisionedPollerConfig")
        }
    }
}

extension API {
    package struct CreateFunctionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var runtime: String?
        package var role: String
        package var handler: String?
        package var code: FunctionCode
        package var description: String?
        package var timeout: Int?
        package var memorySize: Int?
        package var publish: Bool?
        package var vpcConfig: VpcConfig?
        package var packageType: String?
        package var deadLetterConfig: DeadLetterConfig?
        package var environment: Environment?
        package var kmsKeyArn: String?
        package var tracingConfig: TracingConfig?
        package var tags: [String: String]?
        package var layers: [String]?
        package var fileSystemConfigs: [FileSystemConfig]?
        package var imageConfig: ImageConfig?
        package var codeSigningConfigArn: String?
        package var architectures: [String]?
        package var ephemeralStorage: EphemeralStorage?
        package var snapStart: SnapStart?
        package var loggingConfig: LoggingConfig?
        package var capacityProviderConfig: CapacityProviderConfig?
        package var publishTo: String?
        package var durableConfig: DurableConfig?
        package var tenancyConfig: TenancyConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            runtime = try members.optional("Runtime")
            role = try members.required("Role")
            handler = try members.optional("Handler")
            code = try members.required("Code")
            description = try members.optional("Description")
            timeout = try members.optional("Timeout")
            memorySize = try members.optional("MemorySize")
            publish = try members.optional("Publish")
            vpcConfig = try members.optional("VpcConfig")
            packageType = try members.optional("PackageType")
            deadLetterConfig = try members.optional("DeadLetterConfig")
            environment = try members.optional("Environment")
            kmsKeyArn = try members.optional("KMSKeyArn")
            tracingConfig = try members.optional("TracingConfig")
            tags = try members.optional("Tags")
            layers = try members.optional("Layers")
            fileSystemConfigs = try members.optional("FileSystemConfigs")
            imageConfig = try members.optional("ImageConfig")
            codeSigningConfigArn = try members.optional("CodeSigningConfigArn")
            architectures = try members.optional("Architectures")
            ephemeralStorage = try members.optional("EphemeralStorage")
            snapStart = try members.optional("SnapStart")
            loggingConfig = try members.optional("LoggingConfig")
            capacityProviderConfig = try members.optional("CapacityProviderConfig")
            publishTo = try members.optional("PublishTo")
            durableConfig = try members.optional("DurableConfig")
            tenancyConfig = try members.optional("TenancyConfig")
        }
    }
}

extension API {
    package struct CreateFunctionUrlConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?
        package var authType: String
        package var cors: Cors?
        package var invokeMode: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
            authType = try members.required("AuthType")
            cors = try members.optional("Cors")
            invokeMode = try members.optional("InvokeMode")
        }
    }
}

extension API {
    package struct CreateFunctionUrlConfigResponse: WireEncodable, Sendable {
        package var functionUrl: String
        package var functionArn: String
        package var authType: String
        package var cors: Cors?
        package var creationTime: String
        package var invokeMode: String?

        package init(
            functionUrl: String,
            functionArn: String,
            authType: String,
            cors: Cors? = nil,
            creationTime: String,
            invokeMode: String? = nil
        ) {
            self.functionUrl = functionUrl
            self.functionArn = functionArn
            self.authType = authType
            self.cors = cors
            self.creationTime = creationTime
            self.invokeMode = invokeMode
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionUrl"] = functionUrl.wire
            members["FunctionArn"] = functionArn.wire
            members["AuthType"] = authType.wire
            members["Cors"] = cors?.wire
            members["CreationTime"] = creationTime.wire
            members["InvokeMode"] = invokeMode?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct DeadLetterConfig: WireDecodable, WireEncodable, Sendable {
        package var targetArn: String?

        package init(targetArn: String? = nil) {
            self.targetArn = targetArn
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            targetArn = try members.optional("TargetArn")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["TargetArn"] = targetArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct DeleteAliasRequest: WireDecodable, Sendable {
        package var functionName: String
        package var name: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            name = try members.required("Name")
        }
    }
}

extension API {
    package struct DeleteCapacityProviderRequest: WireDecodable, Sendable {
        package var capacityProviderName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderName = try members.required("CapacityProviderName")
        }
    }
}

extension API {
    package struct DeleteCapacityProviderResponse: WireEncodable, Sendable {
        package var capacityProvider: CapacityProvider

        package init(capacityProvider: CapacityProvider) {
            self.capacityProvider = capacityProvider
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProvider"] = capacityProvider.wire
            return .object(members)
        }
    }
}

extension API {
    package struct DeleteCodeSigningConfigRequest: WireDecodable, Sendable {
        package var codeSigningConfigArn: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            codeSigningConfigArn = try members.required("CodeSigningConfigArn")
        }
    }
}

extension API {
    package struct DeleteCodeSigningConfigResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct DeleteEventSourceMappingRequest: WireDecodable, Sendable {
        package var uuid: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            uuid = try members.required("UUID")
        }
    }
}

extension API {
    package struct DeleteFunctionCodeSigningConfigRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct DeleteFunctionConcurrencyRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct DeleteFunctionEventInvokeConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
        }
    }
}

extension API {
    package struct DeleteFunctionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
        }
    }
}

extension API {
    package struct DeleteFunctionResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct DeleteFunctionUrlConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
        }
    }
}

extension API {
    package struct DeleteLayerVersionRequest: WireDecodable, Sendable {
        package var layerName: String
        package var versionNumber: Int

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            layerName = try members.required("LayerName")
            versionNumber = try members.required("VersionNumber")
        }
    }
}

extension API {
    package struct DeleteProvisionedConcurrencyConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.required("Qualifier")
        }
    }
}

extension API {
    package struct DestinationConfig: WireDecodable, WireEncodable, Sendable {
        package var onSuccess: OnSuccess?
        package var onFailure: OnFailure?

        package init(onSuccess: OnSuccess? = nil, onFailure: OnFailure? = nil) {
            self.onSuccess = onSuccess
            self.onFailure = onFailure
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            onSuccess = try members.optional("OnSuccess")
            onFailure = try members.optional("OnFailure")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["OnSuccess"] = onSuccess?.wire
            members["OnFailure"] = onFailure?.wire
            return .object(members)
        }
    }
}
