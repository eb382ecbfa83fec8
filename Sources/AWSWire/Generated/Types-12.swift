// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct StopDurableExecutionRequest: WireDecodable, Sendable {
        package var durableExecutionArn: String
        package var error: ErrorObject?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            durableExecutionArn = try members.required("DurableExecutionArn")
            error = try members.optional("Error")
        }
    }
}

extension API {
    package struct StopDurableExecutionResponse: WireEncodable, Sendable {
        package var stopTimestamp: Timestamp

        package init(stopTimestamp: Timestamp) {
            self.stopTimestamp = stopTimestamp
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["StopTimestamp"] = stopTimestamp.wire
            return .object(members)
        }
    }
}

extension API {
    package struct TagResourceRequest: WireDecodable, Sendable {
        package var resource: String
        package var tags: [String: String]

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            resource = try members.required("Resource")
            tags = try members.required("Tags")
        }
    }
}

extension API {
    package struct TagsError: WireEncodable, Sendable {
        package var errorCode: String
        package var message: String

        package init(errorCode: String, message: String) {
            self.errorCode = errorCode
            self.message = message
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ErrorCode"] = errorCode.wire
            members["Message"] = message.wire
            return .object(members)
        }
    }
}

extension API {
    package struct TargetTrackingScalingPolicy: WireDecodable, WireEncodable, Sendable {
        package var predefinedMetricType: String
        package var targetValue: Double

        package init(predefinedMetricType: String, targetValue: Double) {
            self.predefinedMetricType = predefinedMetricType
            self.targetValue = targetValue
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            predefinedMetricType = try members.required("PredefinedMetricType")
            targetValue = try members.required("TargetValue")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["PredefinedMetricType"] = predefinedMetricType.wire
            members["TargetValue"] = targetValue.wire
            return .object(members)
        }
    }
}

extension API {
    package struct TenancyConfig: WireDecodable, WireEncodable, Sendable {
        package var tenantIsolationMode: String

        package init(tenantIsolationMode: String) {
            self.tenantIsolationMode = tenantIsolationMode
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            tenantIsolationMode = try members.required("TenantIsolationMode")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["TenantIsolationMode"] = tenantIsolationMode.wire
            return .object(members)
        }
    }
}

extension API {
    package struct TraceHeader: WireEncodable, Sendable {
        package var xAmznTraceId: String?

        package init(xAmznTraceId: String? = nil) {
            self.xAmznTraceId = xAmznTraceId
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["XAmznTraceId"] = xAmznTraceId?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct TracingConfig: WireDecodable, Sendable {
        package var mode: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            mode = try members.optional("Mode")
        }
    }
}

extension API {
    package struct TracingConfigResponse: WireEncodable, Sendable {
        package var mode: String?

        package init(mode: String? = nil) {
            self.mode = mode
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Mode"] = mode?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct UntagResourceRequest: WireDecodable, Sendable {
        package var resource: String
        package var tagKeys: [String]

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            resource = try members.required("Resource")
            tagKeys = try members.required("TagKeys")
        }
    }
}

extension API {
    package struct UpdateAliasRequest: WireDecodable, Sendable {
        package var functionName: String
        package var name: String
        package var functionVersion: String?
        package var description: String?
        package var routingConfig: AliasRoutingConfiguration?
        package var revisionId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            name = try members.required("Name")
            functionVersion = try members.optional("FunctionVersion")
            description = try members.optional("Description")
            routingConfig = try members.optional("RoutingConfig")
            revisionId = try members.optional("RevisionId")
        }
    }
}

extension API {
    package struct UpdateCapacityProviderRequest: WireDecodable, Sendable {
        package var capacityProviderName: String
        package var capacityProviderScalingConfig: CapacityProviderScalingConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderName = try members.required("CapacityProviderName")
            capacityProviderScalingConfig = try members.optional("CapacityProviderScalingConfig")
        }
    }
}

extension API {
    package struct UpdateCapacityProviderResponse: WireEncodable, Sendable {
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
    package struct UpdateCodeSigningConfigRequest: WireDecodable, Sendable {
        package var codeSigningConfigArn: String
        package var description: String?
        package var allowedPublishers: AllowedPublishers?
        package var codeSigningPolicies: CodeSigningPolicies?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            codeSigningConfigArn = try members.required("CodeSigningConfigArn")
            description = try members.optional("Description")
            allowedPublishers = try members.optional("AllowedPublishers")
            codeSigningPolicies = try members.optional("CodeSigningPolicies")
        }
    }
}

extension API {
    package struct UpdateCodeSigningConfigResponse: WireEncodable, Sendable {
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
    package struct UpdateEventSourceMappingRequest: WireDecodable, Sendable {
        package var uuid: String
        package var functionName: String?
        package var enabled: Bool?
        package var batchSize: Int?
        package var filterCriteria: FilterCriteria?
        package var maximumBatchingWindowInSeconds: Int?
        package var destinationConfig: DestinationConfig?
        package var maximumRecordAgeInSeconds: Int?
        package var bisectBatchOnFunctionError: Bool?
        package var maximumRetryAttempts: Int?
        package var parallelizationFactor: Int?
        package var sourceAccessConfigurations: [SourceAccessConfiguration]?
        package var tumblingWindowInSeconds: Int?
        package var functionResponseTypes: [String]?
        package var scalingConfig: ScalingConfig?
        package var amazonManagedKafkaEventSourceConfig: AmazonManagedKafkaEventSourceConfig?
        package var selfManagedKafkaEventSourceConfig: SelfManagedKafkaEventSourceConfig?
        package var documentDBEventSourceConfig: DocumentDBEventSourceConfig?
        package var kmsKeyArn: String?
        package var metricsConfig: EventSourceMappingMetricsConfig?
        package var loggingConfig: EventSourceMappingLoggingConfig?
        package var provisionedPollerConfig: ProvisionedPollerConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            uuid = try members.required("UUID")
            functionName = try members.optional("FunctionName")
            enabled = try members.optional("Enabled")
            batchSize = try members.optional("BatchSize")
            filterCriteria = try members.optional("FilterCriteria")
            maximumBatchingWindowInSeconds = try members.optional("MaximumBatchingWindowInSeconds")
            destinationConfig = try members.optional("DestinationConfig")
            maximumRecordAgeInSeconds = try members.optional("MaximumRecordAgeInSeconds")
            bisectBatchOnFunctionError = try members.optional("BisectBatchOnFunctionError")
            maximumRetryAttempts = try members.optional("MaximumRetryAttempts")
            parallelizationFactor = try members.optional("ParallelizationFactor")
            sourceAccessConfigurations = try members.optional("SourceAccessConfigurations")
            tumblingWindowInSeconds = try members.optional("TumblingWindowInSeconds")
            functionResponseTypes = try members.optional("FunctionResponseTypes")
            scalingConfig = try members.optional("ScalingConfig")
            amazonManagedKafkaEventSourceConfig = try members.optional("AmazonManagedKafkaEventSourceConfig")
            selfManagedKafkaEventSourceConfig = try members.optional("SelfManagedKafkaEventSourceConfig")
            documentDBEventSourceConfig = try members.optional("DocumentDBEventSourceConfig")
            kmsKeyArn = try members.optional("KMSKeyArn")
            metricsConfig = try members.optional("MetricsConfig")
            loggingConfig = try members.optional("LoggingConfig")
            provisionedPollerConfig = try members.optional("ProvisionedPollerConfig")
        }
    }
}

extension API {
    package struct UpdateFunctionCodeRequest: WireDecodable, Sendable {
        package var functionName: String
        package var zipFile: Blob?
        package var s3Bucket: String?
        package var s3Key: String?
        package var s3ObjectVersion: String?
        package var imageUri: String?
        package var publish: Bool?
        package var dryRun: Bool?
        package var revisionId: String?
        package var architectures: [String]?
        package var sourceKMSKeyArn: String?
        package var publishTo: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            zipFile = try members.optional("ZipFile")
            s3Bucket = try members.optional("S3Bucket")
            s3Key = try members.optional("S3Key")
            s3ObjectVersion = try members.optional("S3ObjectVersion")
            imageUri = try members.optional("ImageUri")
            publish = try members.optional("Publish")
            dryRun = try members.optional("DryRun")
            revisionId = try members.optional("RevisionId")
            architectures = try members.optional("Architectures")
            sourceKMSKeyArn = try members.optional("SourceKMSKeyArn")
            publishTo = try members.optional("PublishTo")
        }
    }
}

extension API {
    package struct UpdateFunctionConfigurationRequest: WireDecodable, Sendable {
        package var functionName: String
        package var role: String?
        package var handler: String?
        package var description: String?
        package var timeout: Int?
        package var memorySize: Int?
        package var vpcConfig: VpcConfig?
        package var environment: Environment?
        package var runtime: String?
        package var deadLetterConfig: DeadLetterConfig?
        package var kmsKeyArn: String?
        package var tracingConfig: TracingConfig?
        package var revisionId: String?
        package var layers: [String]?
        package var fileSystemConfigs: [FileSystemConfig]?
        package var imageConfig: ImageConfig?
        package var ephemeralStorage: EphemeralStorage?
        package var snapStart: SnapStart?
        package var loggingConfig: LoggingConfig?
        package var capacityProviderConfig: CapacityProviderConfig?
        package var durableConfig: DurableConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            role = try members.optional("Role")
            handler = try members.optional("Handler")
            description = try members.optional("Description")
            timeout = try members.optional("Timeout")
            memorySize = try members.optional("MemorySize")
            vpcConfig = try members.optional("VpcConfig")
            environment = try members.optional("Environment")
            runtime = try members.optional("Runtime")
            deadLetterConfig = try members.optional("DeadLetterConfig")
            kmsKeyArn = try members.optional("KMSKeyArn")
            tracingConfig = try members.optional("TracingConfig")
            revisionId = try members.optional("RevisionId")
            layers = try members.optional("Layers")
            fileSystemConfigs = try members.optional("FileSystemConfigs")
            imageConfig = try members.optional("ImageConfig")
            ephemeralStorage = try members.optional("EphemeralStorage")
            snapStart = try members.optional("SnapStart")
            loggingConfig = try members.optional("LoggingConfig")
            capacityProviderConfig = try members.optional("CapacityProviderConfig")
            durableConfig = try members.optional("DurableConfig")
        }
    }
}

extension API {
    package struct UpdateFunctionEventInvokeConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?
        package var maximumRetryAttempts: Int?
        package var maximumEventAgeInSeconds: Int?
        package var destinationConfig: DestinationConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
            maximumRetryAttempts = try members.optional("MaximumRetryAttempts")
            maximumEventAgeInSeconds = try members.optional("MaximumEventAgeInSeconds")
            destinationConfig = try members.optional("DestinationConfig")
        }
    }
}

extension API {
    package struct UpdateFunctionUrlConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?
        package var authType: String?
        package var cors: Cors?
        package var invokeMode: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
            authType = try members.optional("AuthType")
            cors = try members.optional("Cors")
            invokeMode = try members.optional("InvokeMode")
        }
    }
}
