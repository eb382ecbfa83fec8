// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct EventSourceMappingLoggingConfig: WireDecodable, WireEncodable, Sendable {
        package var systemLogLevel: String?

        package init(systemLogLevel: String? = nil) {
            self.systemLogLevel = systemLogLevel
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            systemLogLevel = try members.optional("SystemLogLevel")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["SystemLogLevel"] = systemLogLevel?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct EventSourceMappingMetricsConfig: WireDecodable, WireEncodable, Sendable {
        package var metrics: [String]?

        package init(metrics: [String]? = nil) {
            self.metrics = metrics
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            metrics = try members.optional("Metrics")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Metrics"] = metrics?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Execution: WireEncodable, Sendable {
        package var durableExecutionArn: String
        package var durableExecutionName: String
        package var functionArn: String
        package var status: String
        package var startTimestamp: Timestamp
        package var endTimestamp: Timestamp?

        package init(
            durableExecutionArn: String,
            durableExecutionName: String,
            functionArn: String,
            status: String,
            startTimestamp: Timestamp,
            endTimestamp: Timestamp? = nil
        ) {
            self.durableExecutionArn = durableExecutionArn
            self.durableExecutionName = durableExecutionName
            self.functionArn = functionArn
            self.status = status
            self.startTimestamp = startTimestamp
            self.endTimestamp = endTimestamp
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["DurableExecutionArn"] = durableExecutionArn.wire
            members["DurableExecutionName"] = durableExecutionName.wire
            members["FunctionArn"] = functionArn.wire
            members["Status"] = status.wire
            members["StartTimestamp"] = startTimestamp.wire
            members["EndTimestamp"] = endTimestamp?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionDetails: WireEncodable, Sendable {
        package var inputPayload: String?

        package init(inputPayload: String? = nil) {
            self.inputPayload = inputPayload
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["InputPayload"] = inputPayload?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionFailedDetails: WireEncodable, Sendable {
        package var error: EventError

        package init(error: EventError) {
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Error"] = error.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionStartedDetails: WireEncodable, Sendable {
        package var input: EventInput
        package var executionTimeout: Int

        package init(input: EventInput, executionTimeout: Int) {
            self.input = input
            self.executionTimeout = executionTimeout
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Input"] = input.wire
            members["ExecutionTimeout"] = executionTimeout.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionStoppedDetails: WireEncodable, Sendable {
        package var error: EventError

        package init(error: EventError) {
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Error"] = error.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionSucceededDetails: WireEncodable, Sendable {
        package var result: EventResult

        package init(result: EventResult) {
            self.result = result
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Result"] = result.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ExecutionTimedOutDetails: WireEncodable, Sendable {
        package var error: EventError?

        package init(error: EventError? = nil) {
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FileSystemConfig: WireDecodable, WireEncodable, Sendable {
        package var arn: String
        package var localMountPath: String

        package init(arn: String, localMountPath: String) {
            self.arn = arn
            self.localMountPath = localMountPath
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            arn = try members.required("Arn")
            localMountPath = try members.required("LocalMountPath")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Arn"] = arn.wire
            members["LocalMountPath"] = localMountPath.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Filter: WireDecodable, WireEncodable, Sendable {
        package var pattern: String?

        package init(pattern: String? = nil) {
            self.pattern = pattern
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            pattern = try members.optional("Pattern")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Pattern"] = pattern?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FilterCriteria: WireDecodable, WireEncodable, Sendable {
        package var filters: [Filter]?

        package init(filters: [Filter]? = nil) {
            self.filters = filters
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            filters = try members.optional("Filters")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Filters"] = filters?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FilterCriteriaError: WireEncodable, Sendable {
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
    package struct FunctionCode: WireDecodable, Sendable {
        package var zipFile: Blob?
        package var s3Bucket: String?
        package var s3Key: String?
        package var s3ObjectVersion: String?
        package var imageUri: String?
        package var sourceKMSKeyArn: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            zipFile = try members.optional("ZipFile")
            s3Bucket = try members.optional("S3Bucket")
            s3Key = try members.optional("S3Key")
            s3ObjectVersion = try members.optional("S3ObjectVersion")
            imageUri = try members.optional("ImageUri")
            sourceKMSKeyArn = try members.optional("SourceKMSKeyArn")
        }
    }
}

extension API {
    package struct FunctionCodeLocation: WireEncodable, Sendable {
        package var repositoryType: String?
        package var location: String?
        package var imageUri: String?
        package var resolvedImageUri: String?
        package var sourceKMSKeyArn: String?

        package init(
            repositoryType: String? = nil,
            location: String? = nil,
            imageUri: String? = nil,
            resolvedImageUri: String? = nil,
            sourceKMSKeyArn: String? = nil
        ) {
            self.repositoryType = repositoryType
            self.location = location
            self.imageUri = imageUri
            self.resolvedImageUri = resolvedImageUri
            self.sourceKMSKeyArn = sourceKMSKeyArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["RepositoryType"] = repositoryType?.wire
            members["Location"] = location?.wire
            members["ImageUri"] = imageUri?.wire
            members["ResolvedImageUri"] = resolvedImageUri?.wire
            members["SourceKMSKeyArn"] = sourceKMSKeyArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FunctionConfiguration: WireEncodable, Sendable {
        package var functionName: String?
        package var functionArn: String?
        package var runtime: String?
        package var role: String?
        package var handler: String?
        package var codeSize: Int?
        package var description: String?
        package var timeout: Int?
        package var memorySize: Int?
        package var lastModified: String?
        package var codeSha256: String?
        package var version: String?
        package var vpcConfig: VpcConfigResponse?
        package var deadLetterConfig: DeadLetterConfig?
        package var environment: EnvironmentResponse?
        package var kmsKeyArn: String?
        package var tracingConfig: TracingConfigResponse?
        package var masterArn: String?
        package var revisionId: String?
        package var layers: [Layer]?
        package var state: String?
        package var stateReason: String?
        package var stateReasonCode: String?
        package var lastUpdateStatus: String?
        package var lastUpdateStatusReason: String?
        package var lastUpdateStatusReasonCode: String?
        package var fileSystemConfigs: [FileSystemConfig]?
        package var packageType: String?
        package var imageConfigResponse: ImageConfigResponse?
        package var signingProfileVersionArn: String?
        package var signingJobArn: String?
        package var architectures: [String]?
        package var ephemeralStorage: EphemeralStorage?
        package var snapStart: SnapStartResponse?
        package var runtimeVersionConfig: RuntimeVersionConfig?
        package var loggingConfig: LoggingConfig?
        package var capacityProviderConfig: CapacityProviderConfig?
        package var configSha256: String?
        package var durableConfig: DurableConfig?
        package var tenancyConfig: TenancyConfig?

        package init(
            functionName: String? = nil,
            functionArn: String? = nil,
            runtime: String? = nil,
            role: String? = nil,
            handler: String? = nil,
            codeSize: Int? = nil,
            description: String? = nil,
            timeout: Int? = nil,
            memorySize: Int? = nil,
            lastModified: String? = nil,
            codeSha256: String? = nil,
            version: String? = nil,
            vpcConfig: VpcConfigResponse? = nil,
            deadLetterConfig: DeadLetterConfig? = nil,
            environment: EnvironmentResponse? = nil,
            kmsKeyArn: String? = nil,
            tracingConfig: TracingConfigResponse? = nil,
            masterArn: String? = nil,
            revisionId: String? = nil,
            layers: [Layer]? = nil,
            state: String? = nil,
            stateReason: String? = nil,
            stateReasonCode: String? = nil,
            lastUpdateStatus: String? = nil,
            lastUpdateStatusReason: String? = nil,
            lastUpdateStatusReasonCode: String? = nil,
            fileSystemConfigs: [FileSystemConfig]? = nil,
            packageType: String? = nil,
            imageConfigResponse: ImageConfigResponse? = nil,
            signingProfileVersionArn: String? = nil,
            signingJobArn: String? = nil,
            architectures: [String]? = nil,
            ephemeralStorage: EphemeralStorage? = nil,
            snapStart: SnapStartResponse? = nil,
            runtimeVersionConfig: RuntimeVersionConfig? = nil,
            loggingConfig: LoggingConfig? = nil,
            capacityProviderConfig: CapacityProviderConfig? = nil,
            configSha256: String? = nil,
            durableConfig: DurableConfig? = nil,
            tenancyConfig: TenancyConfig? = nil
        ) {
            self.functionName = functionName
            self.functionArn = functionArn
            self.runtime = runtime
            self.role = role
            self.handler = handler
            self.codeSize = codeSize
            self.description = description
            self.timeout = timeout
            self.memorySize = memorySize
            self.lastModified = lastModified
            self.codeSha256 = codeSha256
            self.version = version
            self.vpcConfig = vpcConfig
            self.deadLetterConfig = deadLetterConfig
            self.environment = environment
            self.kmsKeyArn = kmsKeyArn
            self.tracingConfig = tracingConfig
            self.masterArn = masterArn
            self.revisionId = revisionId
            self.layers = layers
            self.state = state
            self.stateReason = stateReason
            self.stateReasonCode = stateReasonCode
            self.lastUpdateStatus = lastUpdateStatus
            self.lastUpdateStatusReason = lastUpdateStatusReason
            self.lastUpdateStatusReasonCode = lastUpdateStatusReasonCode
            self.fileSystemConfigs = fileSystemConfigs
            self.packageType = packageType
            self.imageConfigResponse = imageConfigResponse
            self.signingProfileVersionArn = signingProfileVersionArn
            self.signingJobArn = signingJobArn
            self.architectures = architectures
            self.ephemeralStorage = ephemeralStorage
            self.snapStart = snapStart
            self.runtimeVersionConfig = runtimeVersionConfig
            self.loggingConfig = loggingConfig
            self.capacityProviderConfig = capacityProviderConfig
            self.configSha256 = configSha256
            self.durableConfig = durableConfig
            self.tenancyConfig = tenancyConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionName"] = functionName?.wire
            members["FunctionArn"] = functionArn?.wire
            members["Runtime"] = runtime?.wire
            members["Role"] = role?.wire
            members["Handler"] = handler?.wire
            members["CodeSize"] = codeSize?.wire
            members["Description"] = description?.wire
            members["Timeout"] = timeout?.wire
            members["MemorySize"] = memorySize?.wire
            members["LastModified"] = lastModified?.wire
            members["CodeSha256"] = codeSha256?.wire
            members["Version"] = version?.wire
            members["VpcConfig"] = vpcConfig?.wire
            members["DeadLetterConfig"] = deadLetterConfig?.wire
            members["Environment"] = environment?.wire
            members["KMSKeyArn"] = kmsKeyArn?.wire
            members["TracingConfig"] = tracingConfig?.wire
            members["MasterArn"] = masterArn?.wire
            members["RevisionId"] = revisionId?.wire
            members["Layers"] = layers?.wire
            members["State"] = state?.wire
            members["StateReason"] = stateReason?.wire
            members["StateReasonCode"] = stateReasonCode?.wire
            members["LastUpdateStatus"] = lastUpdateStatus?.wire
            members["LastUpdateStatusReason"] = lastUpdateStatusReason?.wire
            members["LastUpdateStatusReasonCode"] = lastUpdateStatusReasonCode?.wire
            members["FileSystemConfigs"] = fileSystemConfigs?.wire
            members["PackageType"] = packageType?.wire
            members["ImageConfigResponse"] = imageConfigResponse?.wire
            members["SigningProfileVersionArn"] = signingProfileVersionArn?.wire
            members["SigningJobArn"] = signingJobArn?.wire
            members["Architectures"] = architectures?.wire
            members["EphemeralStorage"] = ephemeralStorage?.wire
            members["SnapStart"] = snapStart?.wire
            members["RuntimeVersionConfig"] = runtimeVersionConfig?.wire
            members["LoggingConfig"] = loggingConfig?.wire
            members["CapacityProviderConfig"] = capacityProviderConfig?.wire
            members["ConfigSha256"] = configSha256?.wire
            members["DurableConfig"] = durableConfig?.wire
            members["TenancyConfig"] = tenancyConfig?.wire
            return .object(members)
        }
    }
}
