// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.

extension Shapes {
    package static let action = Shape.string(pattern: #"(lambda:[*]|lambda:[a-zA-Z]+|[*])"#)
    package static let addLayerVersionPermissionRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("VersionNumber", layerVersionNumber, required: true),
        .init("StatementId", statementId, required: true),
        .init("Action", layerPermissionAllowedAction, required: true),
        .init("Principal", layerPermissionAllowedPrincipal, required: true),
        .init("OrganizationId", organizationId),
        .init("RevisionId", string)
    )
    package static let addPermissionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("StatementId", statementId, required: true),
        .init("Action", action, required: true),
        .init("Principal", principal, required: true),
        .init("SourceArn", arn),
        .init("SourceAccount", sourceOwner),
        .init("EventSourceToken", eventSourceToken),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("RevisionId", string),
        .init("PrincipalOrgID", principalOrgID),
        .init("FunctionUrlAuthType", functionUrlAuthType),
        .init("InvokedViaFunctionUrl", invokedViaFunctionUrl)
    )
    package static let additionalVersion = Shape.string(1, 1024, pattern: #"[0-9]+"#)
    package static let additionalVersionWeights = Shape.map(additionalVersion, weight)
    package static let alias = Shape.string(1, 128, pattern: #"(?!^[0-9]+$)([a-zA-Z0-9-_]+)"#)
    package static let aliasRoutingConfiguration = Shape.structure(
        .init("AdditionalVersionWeights", additionalVersionWeights)
    )
    package static let allowCredentials = Shape.boolean
    package static let allowMethodsList = Shape.list(method, nil, 6)
    package static let allowOriginsList = Shape.list(origin, nil, 100)
    package static let allowedPublishers = Shape.structure(
        .init("SigningProfileVersionArns", signingProfileVersionArns, required: true)
    )
    package static let amazonManagedKafkaEventSourceConfig = Shape.structure(
        .init("ConsumerGroupId", uri),
        .init("SchemaRegistryConfig", kafkaSchemaRegistryConfig)
    )
    package static let applicationLogLevel = Shape.string(values: ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
    package static let architecture = Shape.string(values: ["x86_64", "arm64"])
    package static let architecturesList = Shape.list(architecture, 1, 1)
    package static let arn = Shape.string(
        pattern: #"arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#
    )
    package static let batchSize = Shape.integer(1, 10000)
    package static let binaryOperationPayload = Shape.blob(nil, 262144, sensitive: true)
    package static let bisectBatchOnFunctionError = Shape.boolean
    package static let blob = Shape.blob(sensitive: true)
    package static let blobStream = Shape.blob()
    package static let boolean = Shape.boolean
    package static let callbackId = Shape.string(1, 1024, pattern: #"[A-Za-z0-9+/]+={0,2}"#)
    package static let callbackOptions = Shape.structure(
        .init("TimeoutSeconds", durationSeconds),
        .init("HeartbeatTimeoutSeconds", durationSeconds)
    )
    package static let capacityProviderArn = Shape.string(
        1,
        140,
        pattern:
            #"arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+"#
    )
    package static let capacityProviderConfig = Shape.structure(
        .init(
            "LambdaManagedInstancesCapacityProviderConfig",
            lambdaManagedInstancesCapacityProviderConfig,
            required: true
        )
    )
    package static let capacityProviderMaxVCpuCount = Shape.integer(2, 15000)
    package static let capacityProviderName = Shape.string(
        1,
        140,
        pattern:
            #"(arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"#
    )
    package static let capacityProviderPermissionsConfig = Shape.structure(
        .init("CapacityProviderOperatorRoleArn", roleArn, required: true)
    )
    package static let capacityProviderPredefinedMetricType = Shape.string(values: [
        "LambdaCapacityProviderAverageCPUUtilization"
    ])
    package static let capacityProviderScalingConfig = Shape.structure(
        .init("MaxVCpuCount", capacityProviderMaxVCpuCount),
        .init("ScalingMode", capacityProviderScalingMode),
        .init("ScalingPolicies", capacityProviderScalingPoliciesList)
    )
    package static let capacityProviderScalingMode = Shape.string(values: ["Auto", "Manual"])
    package static let capacityProviderScalingPoliciesList = Shape.list(targetTrackingScalingPolicy, 1, 10)
    package static let capacityProviderSecurityGroupIds = Shape.list(securityGroupId, nil, 5)
    package static let capacityProviderState = Shape.string(values: ["Pending", "Active", "Failed", "Deleting"])
    package static let capacityProviderSubnetIds = Shape.list(subnetId, 1, 16)
    package static let capacityProviderVpcConfig = Shape.structure(
        .init("SubnetIds", capacityProviderSubnetIds, required: true),
        .init("SecurityGroupIds", capacityProviderSecurityGroupIds, required: true)
    )
    package static let chainedInvokeOptions = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("TenantId", tenantId)
    )
    package static let checkpointDurableExecutionRequest = Shape.structure(
        .init("DurableExecutionArn", durableExecutionArn, required: true),
        .init("CheckpointToken", checkpointToken, required: true),
        .init("Updates", operationUpdates),
        .init("ClientToken", clientToken)
    )
    package static let checkpointToken = Shape.string(1, 2048, pattern: #"[A-Za-z0-9+/]+={0,2}"#)
    package static let clientToken = Shape.string(1, 64, pattern: #"[\x21-\x7E]+"#)
    package static let codeSigningConfigArn = Shape.string(
        nil,
        200,
        pattern:
            #"arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}"#
    )
    package static let codeSigningPolicies = Shape.structure(.init("UntrustedArtifactOnDeployment", codeSigningPolicy))
    package static let codeSigningPolicy = Shape.string(values: ["Warn", "Enforce"])
    package static let collectionName = Shape.string(1, 57, pattern: #"(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)"#)
    package static let compatibleArchitectures = Shape.list(architecture, nil, 2)
    package static let compatibleRuntimes = Shape.list(runtime, nil, 15)
    package static let contextOptions = Shape.structure(.init("ReplayChildren", replayChildren))
    package static let cors = Shape.structure(
        .init("AllowCredentials", allowCredentials),
        .init("AllowHeaders", headersList),
        .init("AllowMethods", allowMethodsList),
        .init("AllowOrigins", allowOriginsList),
        .init("ExposeHeaders", headersList),
        .init("MaxAge", maxAge)
    )
    package static let createAliasRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Name", alias, required: true),
        .init("FunctionVersion", versionWithLatestPublished, required: true),
        .init("Description", description),
        .init("RoutingConfig", aliasRoutingConfiguration)
    )
    package static let createCapacityProviderRequest = Shape.structure(
        .init("CapacityProviderName", capacityProviderName, required: true),
        .init("VpcConfig", capacityProviderVpcConfig, required: true),
        .init("PermissionsConfig", capacityProviderPermissionsConfig, required: true),
        .init("InstanceRequirements", instanceRequirements),
        .init("CapacityProviderScalingConfig", capacityProviderScalingConfig),
        .init("KmsKeyArn", kmsKeyArnNonEmpty),
        .init("Tags", tags)
    )
    package static let createCodeSigningConfigRequest = Shape.structure(
        .init("Description", description),
        .init("AllowedPublishers", allowedPublishers, required: true),
        .init("CodeSigningPolicies", codeSigningPolicies),
        .init("Tags", tags)
    )
    package static let createEventSourceMappingRequest = Shape.structure(
        .init("EventSourceArn", arn),
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Enabled", enabled),
        .init("BatchSize", batchSize),
        .init("FilterCriteria", filterCriteria),
        .init("MaximumBatchingWindowInSeconds", maximumBatchingWindowInSeconds),
        .init("ParallelizationFactor", parallelizationFactor),
        .init("StartingPosition", eventSourcePosition),
        .init("StartingPositionTimestamp", date),
        .init("DestinationConfig", destinationConfig),
        .init("MaximumRecordAgeInSeconds", maximumRecordAgeInSeconds),
        .init("BisectBatchOnFunctionError", bisectBatchOnFunctionError),
        .init("MaximumRetryAttempts", maximumRetryAttemptsEventSourceMapping),
        .init("Tags", tags),
        .init("TumblingWindowInSeconds", tumblingWindowInSeconds),
        .init("Topics", topics),
        .init("Queues", queues),
        .init("SourceAccessConfigurations", sourceAccessConfigurations),
        .init("SelfManagedEventSource", selfManagedEventSource),
        .init("FunctionResponseTypes", functionResponseTypeList),
        .init("AmazonManagedKafkaEventSourceConfig", amazonManagedKafkaEventSourceConfig),
        .init("SelfManagedKafkaEventSourceConfig", selfManagedKafkaEventSourceConfig),
        .init("ScalingConfig", scalingConfig),
        .init("DocumentDBEventSourceConfig", documentDBEventSourceConfig),
        .init("KMSKeyArn", kmsKeyArn),
        .init("MetricsConfig", eventSourceMappingMetricsConfig),
        .init("LoggingConfig", eventSourceMappingLoggingConfig),
        .init("ProvisionedPollerConfig", provisionedPollerConfig)
    )
    package static let createFunctionRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Runtime", runtime),
        .init("Role", roleArn, required: true),
        .init("Handler", handler),
        .init("Code", functionCode, required: true),
        .init("Description", description),
        .init("Timeout", timeout),
        .init("MemorySize", memorySize),
        .init("Publish", boolean),
        .init("VpcConfig", vpcConfig),
        .init("PackageType", packageType),
        .init("DeadLetterConfig", deadLetterConfig),
        .init("Environment", environment),
        .init("KMSKeyArn", kmsKeyArn),
        .init("TracingConfig", tracingConfig),
        .init("Tags", tags),
        .init("Layers", layerList),
        .init("FileSystemConfigs", fileSystemConfigList),
        .init("ImageConfig", imageConfig),
        .init("CodeSigningConfigArn", codeSigningConfigArn),
        .init("Architectures", architecturesList),
        .init("EphemeralStorage", ephemeralStorage),
        .init("SnapStart", snapStart),
        .init("LoggingConfig", loggingConfig),
        .init("CapacityProviderConfig", capacityProviderConfig),
        .init("PublishTo", functionVersionLatestPublished),
        .init("DurableConfig", durableConfig),
        .init("TenancyConfig", tenancyConfig)
    )
    package static let createFunctionUrlConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", functionUrlQualifier),
        .init("AuthType", functionUrlAuthType, required: true),
        .init("Cors", cors),
        .init("InvokeMode", invokeMode)
    )
    package static let databaseName = Shape.string(1, 63, pattern: #"[^ /\.$\x22]*"#)
    package static let date = Shape.timestamp
    package static let deadLetterConfig = Shape.structure(.init("TargetArn", resourceArn))
    package static let deleteAliasRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Name", alias, required: true)
    )
    package static let deleteCapacityProviderRequest = Shape.structure(
        .init("CapacityProviderName", capacityProviderName, required: true)
    )
    package static let deleteCodeSigningConfigRequest = Shape.structure(
        .init("CodeSigningConfigArn", codeSigningConfigArn, required: true)
    )
    package static let deleteEventSourceMappingRequest = Shape.structure(.init("UUID", string, required: true))
    package static let deleteFunctionCodeSigningConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true)
    )
    package static let deleteFunctionConcurrencyRequest = Shape.structure(
        .init("FunctionName", functionName, required: true)
    )
    package static let deleteFunctionEventInvokeConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let deleteFunctionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let deleteFunctionUrlConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", functionUrlQualifier)
    )
    package static let deleteLayerVersionRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("VersionNumber", layerVersionNumber, required: true)
    )
    package static let deleteProvisionedConcurrencyConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", qualifier, required: true)
    )
    package static let description = Shape.string(nil, 256)
    package static let destinationArn = Shape.string(
        nil,
        350,
        pattern:
            #"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#
    )
    package static let destinationConfig = Shape.structure(.init("OnSuccess", onSuccess), .init("OnFailure", onFailure))
    package static let documentDBEventSourceConfig = Shape.structure(
        .init("DatabaseName", databaseName),
        .init("CollectionName", collectionName),
        .init("FullDocument", fullDocument)
    )
    package static let durableConfig = Shape.structure(
        .init("RetentionPeriodInDays", retentionPeriodInDays),
        .init("ExecutionTimeout", executionTimeout)
    )
    package static let durableExecutionArn = Shape.string(
        1,
        1024,
        pattern:
            #"arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+):(\$LATEST(?:\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)"#
    )
    package static let durableExecutionName = Shape.string(1, 64, pattern: #"[a-zA-Z0-9-_]+"#)
    package static let durationSeconds = Shape.integer(0)
    package static let enabled = Shape.boolean
    package static let endPointType = Shape.string(values: ["KAFKA_BOOTSTRAP_SERVERS"])
    package static let endpoint = Shape.string(
        1,
        300,
        pattern:
            #"(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9]):[0-9]{1,5}"#
    )
    package static let endpointLists = Shape.list(endpoint, 1, 10)
    package static let endpoints = Shape.map(endPointType, endpointLists, 1, 2)
    package static let environment = Shape.structure(.init("Variables", environmentVariables))
    package static let environmentVariableName = Shape.string(pattern: #"[a-zA-Z]([a-zA-Z0-9_])+"#, sensitive: true)
    package static let environmentVariableValue = Shape.string(sensitive: true)
    package static let environmentVariables = Shape.map(
        environmentVariableName,
        environmentVariableValue,
        sensitive: true
    )
    package static let ephemeralStorage = Shape.structure(.init("Size", ephemeralStorageSize, required: true))
    package static let ephemeralStorageSize = Shape.integer(512, 10240)
    package static let errorData = Shape.string(sensitive: true)
    package static let errorMessage = Shape.string(sensitive: true)
    package static let errorObject = Shape.structure(
        .init("ErrorMessage", errorMessage),
        .init("ErrorType", errorType),
        .init("ErrorData", errorData),
        .init("StackTrace", stackTraceEntries)
    )
    package static let errorType = Shape.string(sensitive: true)
    package static let eventSourceMappingLoggingConfig = Shape.structure(
        .init("SystemLogLevel", eventSourceMappingSystemLogLevel)
    )
    package static let eventSourceMappingMetric = Shape.string(values: ["EventCount", "ErrorCount", "KafkaMetrics"])
    package static let eventSourceMappingMetricList = Shape.list(eventSourceMappingMetric, nil, 3)
    package static let eventSourceMappingMetricsConfig = Shape.structure(.init("Metrics", eventSourceMappingMetricList))
    package static let eventSourceMappingSystemLogLevel = Shape.string(values: ["DEBUG", "INFO", "WARN"])
    package static let eventSourcePosition = Shape.string(values: ["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])
    package static let eventSourceToken = Shape.string(nil, 256, pattern: #"[a-zA-Z0-9._\-]+"#)
    package static let executionEnvironmentMemoryGiBPerVCpu = Shape.double(2, 8)
    package static let executionStatus = Shape.string(values: [
        "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED",
    ])
    package static let executionStatusList = Shape.list(executionStatus, 1, 10)
    package static let executionTimeout = Shape.integer(1, 31622400)
    package static let executionTimestamp = Shape.timestamp
    package static let fileSystemArn = Shape.string(
        nil,
        256,
        pattern:
            #"arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}"#
    )
    package static let fileSystemConfig = Shape.structure(
        .init("Arn", fileSystemArn, required: true),
        .init("LocalMountPath", localMountPath, required: true)
    )
    package static let fileSystemConfigList = Shape.list(fileSystemConfig, nil, 1)
    package static let filter = Shape.structure(.init("Pattern", pattern))
    package static let filterCriteria = Shape.structure(.init("Filters", filterList))
    package static let filterList = Shape.list(filter)
    package static let fullDocument = Shape.string(values: ["UpdateLookup", "Default"])
    package static let functionCode = Shape.structure(
        .init("ZipFile", blob),
        .init("S3Bucket", s3Bucket),
        .init("S3Key", s3Key),
        .init("S3ObjectVersion", s3ObjectVersion),
        .init("ImageUri", string),
        .init("SourceKMSKeyArn", kmsKeyArn)
    )
    package static let functionName = Shape.string(
        1,
        140,
        pattern:
            #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#
    )
    package static let functionResponseType = Shape.string(values: ["ReportBatchItemFailures"])
    package static let functionResponseTypeList = Shape.list(functionResponseType, nil, 1)
    package static let functionScalingConfig = Shape.structure(
        .init("MinExecutionEnvironments", functionScalingConfigExecutionEnvironments),
        .init("MaxExecutionEnvironments", functionScalingConfigExecutionEnvironments)
    )
    package static let functionScalingConfigExecutionEnvironments = Shape.integer(0, 15000)
    package static let functionUrlAuthType = Shape.string(values: ["NONE", "AWS_IAM"])
    package static let functionUrlQualifier = Shape.string(1, 128, pattern: #"((?!^\d+$)^[0-9a-zA-Z-_]+$)"#)
    package static let functionVersion = Shape.string(values: ["ALL"])
    package static let functionVersionLatestPublished = Shape.string(values: ["LATEST_PUBLISHED"])
    package static let getAccountSettingsRequest = Shape.structure()
    package static let getAliasRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Name", alias, required: true)
    )
    package static let getCapacityProviderRequest = Shape.structure(
        .init("CapacityProviderName", capacityProviderName, required: true)
    )
    package static let getCodeSigningConfigRequest = Shape.structure(
        .init("CodeSigningConfigArn", codeSigningConfigArn, required: true)
    )
    package static let getDurableExecutionHistoryRequest = Shape.structure(
        .init("DurableExecutionArn", durableExecutionArn, required: true),
        .init("IncludeExecutionData", includeExecutionData),
        .init("MaxItems", itemCount),
        .init("Marker", string),
        .init("ReverseOrder", reverseOrder)
    )
    package static let getDurableExecutionRequest = Shape.structure(
        .init("DurableExecutionArn", durableExecutionArn, required: true)
    )
    package static let getDurableExecutionStateRequest = Shape.structure(
        .init("DurableExecutionArn", durableExecutionArn, required: true),
        .init("CheckpointToken", checkpointToken, required: true),
        .init("Marker", string),
        .init("MaxItems", itemCount)
    )
    package static let getEventSourceMappingRequest = Shape.structure(.init("UUID", string, required: true))
    package static let getFunctionCodeSigningConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true)
    )
    package static let getFunctionConcurrencyRequest = Shape.structure(
        .init("FunctionName", functionName, required: true)
    )
    package static let getFunctionConfigurationRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let getFunctionEventInvokeConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let getFunctionRecursionConfigRequest = Shape.structure(
        .init("FunctionName", unqualifiedFunctionName, required: true)
    )
    package static let getFunctionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let getFunctionScalingConfigRequest = Shape.structure(
        .init("FunctionName", unqualifiedFunctionName, required: true),
        .init("Qualifier", publishedFunctionQualifier, required: true)
    )
    package static let getFunctionUrlConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", functionUrlQualifier)
    )
    package static let getLayerVersionByArnRequest = Shape.structure(.init("Arn", layerVersionArn, required: true))
    package static let getLayerVersionPolicyRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("VersionNumber", layerVersionNumber, required: true)
    )
    package static let getLayerVersionRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("VersionNumber", layerVersionNumber, required: true)
    )
    package static let getPolicyRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let getProvisionedConcurrencyConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", qualifier, required: true)
    )
    package static let getRuntimeManagementConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier)
    )
    package static let handler = Shape.string(nil, 128, pattern: #"[^\s]+"#)
    package static let header = Shape.string(nil, 1024, pattern: #".*"#)
    package static let headersList = Shape.list(header, nil, 100)
    package static let imageConfig = Shape.structure(
        .init("EntryPoint", stringList),
        .init("Command", stringList),
        .init("WorkingDirectory", workingDirectory)
    )
    package static let includeExecutionData = Shape.boolean
    package static let instanceRequirements = Shape.structure(
        .init("Architectures", architecturesList),
        .init("AllowedInstanceTypes", instanceTypeSet),
        .init("ExcludedInstanceTypes", instanceTypeSet)
    )
    package static let instanceType = Shape.string(1, 30, pattern: #"[a-zA-Z0-9\.\-]+"#)
    package static let instanceTypeSet = Shape.list(instanceType, nil, 400)
    package static let invocationRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("InvocationType", invocationType),
        .init("LogType", logType),
        .init("ClientContext", string),
        .init("DurableExecutionName", durableExecutionName),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("TenantId", tenantId)
    )
    package static let invocationType = Shape.string(values: ["Event", "RequestResponse", "DryRun"])
    package static let invokeAsyncRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true)
    )
    package static let invokeMode = Shape.string(values: ["BUFFERED", "RESPONSE_STREAM"])
    package static let invokeWithResponseStreamRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("InvocationType", responseStreamingInvocationType),
        .init("LogType", logType),
        .init("ClientContext", string),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("TenantId", tenantId)
    )
    package static let invokedViaFunctionUrl = Shape.boolean
    package static let itemCount = Shape.integer(0, 1000)
    package static let kmsKeyArn = Shape.string(pattern: #"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"#)
    package static let kmsKeyArnNonEmpty = Shape.string(nil, 10000, pattern: #"arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*"#)
    package static let kafkaSchemaRegistryAccessConfig = Shape.structure(
        .init("Type", kafkaSchemaRegistryAuthType),
        .init("URI", arn)
    )
    package static let kafkaSchemaRegistryAccessConfigList = Shape.list(kafkaSchemaRegistryAccessConfig)
    package static let kafkaSchemaRegistryAuthType = Shape.string(values: [
        "BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE",
    ])
    package static let kafkaSchemaRegistryConfig = Shape.structure(
        .init("SchemaRegistryURI", schemaRegistryUri),
        .init("EventRecordFormat", schemaRegistryEventRecordFormat),
        .init("AccessConfigs", kafkaSchemaRegistryAccessConfigList),
        .init("SchemaValidationConfigs", kafkaSchemaValidationConfigList)
    )
    package static let kafkaSchemaValidationAttribute = Shape.string(values: ["KEY", "VALUE"])
    package static let kafkaSchemaValidationConfig = Shape.structure(.init("Attribute", kafkaSchemaValidationAttribute))
    package static let kafkaSchemaValidationConfigList = Shape.list(kafkaSchemaValidationConfig)
    package static let lambdaManagedInstancesCapacityProviderConfig = Shape.structure(
        .init("CapacityProviderArn", capacityProviderArn, required: true),
        .init("PerExecutionEnvironmentMaxConcurrency", perExecutionEnvironmentMaxConcurrency),
        .init("ExecutionEnvironmentMemoryGiBPerVCpu", executionEnvironmentMemoryGiBPerVCpu)
    )
    package static let layerList = Shape.list(layerVersionArn)
    package static let layerName = Shape.string(
        1,
        140,
        pattern: #"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+"#
    )
    package static let layerPermissionAllowedAction = Shape.string(nil, 22, pattern: #"lambda:GetLayerVersion"#)
    package static let layerPermissionAllowedPrincipal = Shape.string(
        pattern: #"\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root"#
    )
    package static let layerVersionArn = Shape.string(
        1,
        140,
        pattern:
            #"(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"#
    )
    package static let layerVersionContentInput = Shape.structure(
        .init("S3Bucket", s3Bucket),
        .init("S3Key", s3Key),
        .init("S3ObjectVersion", s3ObjectVersion),
        .init("ZipFile", blob)
    )
    package static let layerVersionNumber = Shape.integer()
    package static let licenseInfo = Shape.string(nil, 512)
    package static let listAliasesRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("FunctionVersion", versionWithLatestPublished),
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let listCapacityProvidersRequest = Shape.structure(
        .init("State", capacityProviderState),
        .init("Marker", string),
        .init("MaxItems", maxFiftyListItems)
    )
    package static let listCodeSigningConfigsRequest = Shape.structure(
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let listDurableExecutionsByFunctionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("DurableExecutionName", durableExecutionName),
        .init("Statuses", executionStatusList),
        .init("StartedAfter", executionTimestamp),
        .init("StartedBefore", executionTimestamp),
        .init("ReverseOrder", reverseOrder),
        .init("Marker", string),
        .init("MaxItems", itemCount)
    )
}
