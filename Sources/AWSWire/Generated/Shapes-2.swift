// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.

extension Shapes {
    package static let listEventSourceMappingsRequest = Shape.structure(
        .init("EventSourceArn", arn),
        .init("FunctionName", namespacedFunctionName),
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let listFunctionEventInvokeConfigsRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxFunctionEventInvokeConfigListItems)
    )
    package static let listFunctionUrlConfigsRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxItems)
    )
    package static let listFunctionVersionsByCapacityProviderRequest = Shape.structure(
        .init("CapacityProviderName", capacityProviderName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxFiftyListItems)
    )
    package static let listFunctionsByCodeSigningConfigRequest = Shape.structure(
        .init("CodeSigningConfigArn", codeSigningConfigArn, required: true),
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let listFunctionsRequest = Shape.structure(
        .init("MasterRegion", masterRegion),
        .init("FunctionVersion", functionVersion),
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let listLayerVersionsRequest = Shape.structure(
        .init("CompatibleRuntime", runtime),
        .init("LayerName", layerName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxLayerListItems),
        .init("CompatibleArchitecture", architecture)
    )
    package static let listLayersRequest = Shape.structure(
        .init("CompatibleRuntime", runtime),
        .init("Marker", string),
        .init("MaxItems", maxLayerListItems),
        .init("CompatibleArchitecture", architecture)
    )
    package static let listProvisionedConcurrencyConfigsRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxProvisionedConcurrencyConfigListItems)
    )
    package static let listTagsRequest = Shape.structure(.init("Resource", taggableResource, required: true))
    package static let listVersionsByFunctionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Marker", string),
        .init("MaxItems", maxListItems)
    )
    package static let localMountPath = Shape.string(nil, 160, pattern: #"/mnt/[a-zA-Z0-9-_.]+"#)
    package static let logFormat = Shape.string(values: ["JSON", "Text"])
    package static let logGroup = Shape.string(1, 512, pattern: #"[\.\-_/#A-Za-z0-9]+"#)
    package static let logType = Shape.string(values: ["None", "Tail"])
    package static let loggingConfig = Shape.structure(
        .init("LogFormat", logFormat),
        .init("ApplicationLogLevel", applicationLogLevel),
        .init("SystemLogLevel", systemLogLevel),
        .init("LogGroup", logGroup)
    )
    package static let masterRegion = Shape.string(pattern: #"ALL|[a-z]{2}(-gov)?-[a-z]+-\d{1}"#)
    package static let maxAge = Shape.integer(0, 86400)
    package static let maxFiftyListItems = Shape.integer(1, 50)
    package static let maxFunctionEventInvokeConfigListItems = Shape.integer(1, 50)
    package static let maxItems = Shape.integer(1, 50)
    package static let maxLayerListItems = Shape.integer(1, 50)
    package static let maxListItems = Shape.integer(1, 10000)
    package static let maxProvisionedConcurrencyConfigListItems = Shape.integer(1, 50)
    package static let maximumBatchingWindowInSeconds = Shape.integer(0, 300)
    package static let maximumConcurrency = Shape.integer(2, 1000)
    package static let maximumEventAgeInSeconds = Shape.integer(60, 21600)
    package static let maximumNumberOfPollers = Shape.integer(1, 2000)
    package static let maximumRecordAgeInSeconds = Shape.integer(-1, 604800)
    package static let maximumRetryAttempts = Shape.integer(0, 2)
    package static let maximumRetryAttemptsEventSourceMapping = Shape.integer(-1, 10000)
    package static let memorySize = Shape.integer(128, 32768)
    package static let method = Shape.string(nil, 6, pattern: #".*"#)
    package static let metricTargetValue = Shape.double(0, 100)
    package static let minimumNumberOfPollers = Shape.integer(1, 200)
    package static let namespacedFunctionName = Shape.string(
        1,
        256,
        pattern:
            #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"#
    )
    package static let namespacedStatementId = Shape.string(1, 100, pattern: #"([a-zA-Z0-9-_.]+)"#)
    package static let nullableBoolean = Shape.boolean
    package static let numericLatestPublishedOrAliasQualifier = Shape.string(
        1,
        128,
        pattern: #"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#
    )
    package static let onFailure = Shape.structure(.init("Destination", destinationArn))
    package static let onSuccess = Shape.structure(.init("Destination", destinationArn))
    package static let operationAction = Shape.string(values: ["START", "SUCCEED", "FAIL", "RETRY", "CANCEL"])
    package static let operationId = Shape.string(1, 64, pattern: #"[a-zA-Z0-9-_]+"#)
    package static let operationName = Shape.string(1, 256, pattern: #"[\x20-\x7E]+"#)
    package static let operationPayload = Shape.string(nil, 6291456, sensitive: true)
    package static let operationSubType = Shape.string(1, 32, pattern: #"[a-zA-Z0-9-_]+"#)
    package static let operationType = Shape.string(values: [
        "EXECUTION", "CONTEXT", "STEP", "WAIT", "CALLBACK", "CHAINED_INVOKE",
    ])
    package static let operationUpdate = Shape.structure(
        .init("Id", operationId, required: true),
        .init("ParentId", operationId),
        .init("Name", operationName),
        .init("Type", operationType, required: true),
        .init("SubType", operationSubType),
        .init("Action", operationAction, required: true),
        .init("Payload", operationPayload),
        .init("Error", errorObject),
        .init("ContextOptions", contextOptions),
        .init("StepOptions", stepOptions),
        .init("WaitOptions", waitOptions),
        .init("CallbackOptions", callbackOptions),
        .init("ChainedInvokeOptions", chainedInvokeOptions)
    )
    package static let operationUpdates = Shape.list(operationUpdate)
    package static let organizationId = Shape.string(nil, 34, pattern: #"o-[a-z0-9]{10,32}"#)
    package static let origin = Shape.string(1, 253, pattern: #".*"#)
    package static let packageType = Shape.string(values: ["Zip", "Image"])
    package static let parallelizationFactor = Shape.integer(1, 10)
    package static let pattern = Shape.string(nil, 4096, pattern: #".*"#)
    package static let perExecutionEnvironmentMaxConcurrency = Shape.integer(1, 1600)
    package static let positiveInteger = Shape.integer(1)
    package static let principal = Shape.string(pattern: #"[^\s]+"#)
    package static let principalOrgID = Shape.string(12, 34, pattern: #"o-[a-z0-9]{10,32}"#)
    package static let provisionedPollerConfig = Shape.structure(
        .init("MinimumPollers", minimumNumberOfPollers),
        .init("MaximumPollers", maximumNumberOfPollers),
        .init("PollerGroupName", provisionedPollerGroupName)
    )
    package static let provisionedPollerGroupName = Shape.string(nil, 128, pattern: #"[a-zA-Z0-9-_]*"#)
    package static let publishLayerVersionRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("Description", description),
        .init("Content", layerVersionContentInput, required: true),
        .init("CompatibleRuntimes", compatibleRuntimes),
        .init("LicenseInfo", licenseInfo),
        .init("CompatibleArchitectures", compatibleArchitectures)
    )
    package static let publishVersionRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("CodeSha256", string),
        .init("Description", description),
        .init("RevisionId", string),
        .init("PublishTo", functionVersionLatestPublished)
    )
    package static let publishedFunctionQualifier = Shape.string(1, 128, pattern: #"(\$LATEST\.PUBLISHED|[0-9]+)"#)
    package static let putFunctionCodeSigningConfigRequest = Shape.structure(
        .init("CodeSigningConfigArn", codeSigningConfigArn, required: true),
        .init("FunctionName", namespacedFunctionName, required: true)
    )
    package static let putFunctionConcurrencyRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("ReservedConcurrentExecutions", reservedConcurrentExecutions, required: true)
    )
    package static let putFunctionEventInvokeConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("MaximumRetryAttempts", maximumRetryAttempts),
        .init("MaximumEventAgeInSeconds", maximumEventAgeInSeconds),
        .init("DestinationConfig", destinationConfig)
    )
    package static let putFunctionRecursionConfigRequest = Shape.structure(
        .init("FunctionName", unqualifiedFunctionName, required: true),
        .init("RecursiveLoop", recursiveLoop, required: true)
    )
    package static let putFunctionScalingConfigRequest = Shape.structure(
        .init("FunctionName", unqualifiedFunctionName, required: true),
        .init("Qualifier", publishedFunctionQualifier, required: true),
        .init("FunctionScalingConfig", functionScalingConfig)
    )
    package static let putProvisionedConcurrencyConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", qualifier, required: true),
        .init("ProvisionedConcurrentExecutions", positiveInteger, required: true)
    )
    package static let putRuntimeManagementConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("UpdateRuntimeOn", updateRuntimeOn, required: true),
        .init("RuntimeVersionArn", runtimeVersionArn)
    )
    package static let qualifier = Shape.string(1, 128, pattern: #"(|[a-zA-Z0-9$_-]+)"#)
    package static let queue = Shape.string(1, 1000, pattern: #"[\s\S]*"#)
    package static let queues = Shape.list(queue, 1, 1)
    package static let recursiveLoop = Shape.string(values: ["Allow", "Terminate"])
    package static let removeLayerVersionPermissionRequest = Shape.structure(
        .init("LayerName", layerName, required: true),
        .init("VersionNumber", layerVersionNumber, required: true),
        .init("StatementId", statementId, required: true),
        .init("RevisionId", string)
    )
    package static let removePermissionRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("StatementId", namespacedStatementId, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("RevisionId", string)
    )
    package static let replayChildren = Shape.boolean
    package static let reservedConcurrentExecutions = Shape.integer(0)
    package static let resourceArn = Shape.string(pattern: #"(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"#)
    package static let responseStreamingInvocationType = Shape.string(values: ["RequestResponse", "DryRun"])
    package static let retentionPeriodInDays = Shape.integer(1, 90)
    package static let reverseOrder = Shape.boolean
    package static let roleArn = Shape.string(
        pattern: #"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#
    )
    package static let runtime = Shape.string()
    package static let runtimeVersionArn = Shape.string(
        26,
        2048,
        pattern: #"arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}::runtime:.+"#
    )
    package static let s3Bucket = Shape.string(3, 63, pattern: #"[0-9A-Za-z\.\-_]*(?<!\.)"#)
    package static let s3Key = Shape.string(1, 1024)
    package static let s3ObjectVersion = Shape.string(1, 1024)
    package static let scalingConfig = Shape.structure(.init("MaximumConcurrency", maximumConcurrency))
    package static let schemaRegistryEventRecordFormat = Shape.string(values: ["JSON", "SOURCE"])
    package static let schemaRegistryUri = Shape.string(1, 10000, pattern: #"[a-zA-Z0-9-\/*:_+=.@-]*"#)
    package static let securityGroupId = Shape.string()
    package static let securityGroupIds = Shape.list(securityGroupId, nil, 5)
    package static let selfManagedEventSource = Shape.structure(.init("Endpoints", endpoints))
    package static let selfManagedKafkaEventSourceConfig = Shape.structure(
        .init("ConsumerGroupId", uri),
        .init("SchemaRegistryConfig", kafkaSchemaRegistryConfig)
    )
    package static let sendDurableExecutionCallbackFailureRequest = Shape.structure(
        .init("CallbackId", callbackId, required: true),
        .init("Error", errorObject)
    )
    package static let sendDurableExecutionCallbackHeartbeatRequest = Shape.structure(
        .init("CallbackId", callbackId, required: true)
    )
    package static let sendDurableExecutionCallbackSuccessRequest = Shape.structure(
        .init("CallbackId", callbackId, required: true)
    )
    package static let signingProfileVersionArns = Shape.list(arn, 1, 20)
    package static let snapStart = Shape.structure(.init("ApplyOn", snapStartApplyOn))
    package static let snapStartApplyOn = Shape.string(values: ["PublishedVersions", "None"])
    package static let sourceAccessConfiguration = Shape.structure(.init("Type", sourceAccessType), .init("URI", uri))
    package static let sourceAccessConfigurations = Shape.list(sourceAccessConfiguration, nil, 22)
    package static let sourceAccessType = Shape.string(values: [
        "BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP", "SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "VIRTUAL_HOST",
        "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE",
    ])
    package static let sourceOwner = Shape.string(nil, 12, pattern: #"\d{12}"#)
    package static let stackTraceEntries = Shape.list(stackTraceEntry)
    package static let stackTraceEntry = Shape.string(sensitive: true)
    package static let statementId = Shape.string(1, 100, pattern: #"([a-zA-Z0-9-_]+)"#)
    package static let stepOptions = Shape.structure(
        .init("NextAttemptDelaySeconds", stepOptionsNextAttemptDelaySecondsInteger)
    )
    package static let stepOptionsNextAttemptDelaySecondsInteger = Shape.integer(1, 31622400)
    package static let stopDurableExecutionRequest = Shape.structure(
        .init("DurableExecutionArn", durableExecutionArn, required: true),
        .init("Error", errorObject)
    )
    package static let string = Shape.string()
    package static let stringList = Shape.list(string, nil, 1500)
    package static let subnetId = Shape.string()
    package static let subnetIds = Shape.list(subnetId, nil, 16)
    package static let systemLogLevel = Shape.string(values: ["DEBUG", "INFO", "WARN"])
    package static let tagKey = Shape.string()
    package static let tagKeyList = Shape.list(tagKey)
    package static let tagResourceRequest = Shape.structure(
        .init("Resource", taggableResource, required: true),
        .init("Tags", tags, required: true)
    )
    package static let tagValue = Shape.string()
    package static let taggableResource = Shape.string(
        1,
        256,
        pattern:
            #"arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"#
    )
    package static let tags = Shape.map(tagKey, tagValue)
    package static let targetTrackingScalingPolicy = Shape.structure(
        .init("PredefinedMetricType", capacityProviderPredefinedMetricType, required: true),
        .init("TargetValue", metricTargetValue, required: true)
    )
    package static let tenancyConfig = Shape.structure(
        .init("TenantIsolationMode", tenantIsolationMode, required: true)
    )
    package static let tenantId = Shape.string(1, 256, pattern: #"[a-zA-Z0-9\._:\/=+\-@ ]+"#)
    package static let tenantIsolationMode = Shape.string(values: ["PER_TENANT"])
    package static let timeout = Shape.integer(1)
    package static let topic = Shape.string(1, 249, pattern: #"[^.]([a-zA-Z0-9\-_.]+)"#)
    package static let topics = Shape.list(topic, 1, 1)
    package static let tracingConfig = Shape.structure(.init("Mode", tracingMode))
    package static let tracingMode = Shape.string(values: ["Active", "PassThrough"])
    package static let tumblingWindowInSeconds = Shape.integer(0, 900)
    package static let uri = Shape.string(1, 200, pattern: #"[a-zA-Z0-9-\/*:_+=.@-]*"#)
    package static let unqualifiedFunctionName = Shape.string(
        1,
        140,
        pattern:
            #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)"#
    )
    package static let untagResourceRequest = Shape.structure(
        .init("Resource", taggableResource, required: true),
        .init("TagKeys", tagKeyList, required: true)
    )
    package static let updateAliasRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Name", alias, required: true),
        .init("FunctionVersion", versionWithLatestPublished),
        .init("Description", description),
        .init("RoutingConfig", aliasRoutingConfiguration),
        .init("RevisionId", string)
    )
    package static let updateCapacityProviderRequest = Shape.structure(
        .init("CapacityProviderName", capacityProviderName, required: true),
        .init("CapacityProviderScalingConfig", capacityProviderScalingConfig)
    )
    package static let updateCodeSigningConfigRequest = Shape.structure(
        .init("CodeSigningConfigArn", codeSigningConfigArn, required: true),
        .init("Description", description),
        .init("AllowedPublishers", allowedPublishers),
        .init("CodeSigningPolicies", codeSigningPolicies)
    )
    package static let updateEventSourceMappingRequest = Shape.structure(
        .init("UUID", string, required: true),
        .init("FunctionName", namespacedFunctionName),
        .init("Enabled", enabled),
        .init("BatchSize", batchSize),
        .init("FilterCriteria", filterCriteria),
        .init("MaximumBatchingWindowInSeconds", maximumBatchingWindowInSeconds),
        .init("DestinationConfig", destinationConfig),
        .init("MaximumRecordAgeInSeconds", maximumRecordAgeInSeconds),
        .init("BisectBatchOnFunctionError", bisectBatchOnFunctionError),
        .init("MaximumRetryAttempts", maximumRetryAttemptsEventSourceMapping),
        .init("ParallelizationFactor", parallelizationFactor),
        .init("SourceAccessConfigurations", sourceAccessConfigurations),
        .init("TumblingWindowInSeconds", tumblingWindowInSeconds),
        .init("FunctionResponseTypes", functionResponseTypeList),
        .init("ScalingConfig", scalingConfig),
        .init("AmazonManagedKafkaEventSourceConfig", amazonManagedKafkaEventSourceConfig),
        .init("SelfManagedKafkaEventSourceConfig", selfManagedKafkaEventSourceConfig),
        .init("DocumentDBEventSourceConfig", documentDBEventSourceConfig),
        .init("KMSKeyArn", kmsKeyArn),
        .init("MetricsConfig", eventSourceMappingMetricsConfig),
        .init("LoggingConfig", eventSourceMappingLoggingConfig),
        .init("ProvisionedPollerConfig", provisionedPollerConfig)
    )
    package static let updateFunctionCodeRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("ZipFile", blob),
        .init("S3Bucket", s3Bucket),
        .init("S3Key", s3Key),
        .init("S3ObjectVersion", s3ObjectVersion),
        .init("ImageUri", string),
        .init("Publish", boolean),
        .init("DryRun", boolean),
        .init("RevisionId", string),
        .init("Architectures", architecturesList),
        .init("SourceKMSKeyArn", kmsKeyArn),
        .init("PublishTo", functionVersionLatestPublished)
    )
    package static let updateFunctionConfigurationRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Role", roleArn),
        .init("Handler", handler),
        .init("Description", description),
        .init("Timeout", timeout),
        .init("MemorySize", memorySize),
        .init("VpcConfig", vpcConfig),
        .init("Environment", environment),
        .init("Runtime", runtime),
        .init("DeadLetterConfig", deadLetterConfig),
        .init("KMSKeyArn", kmsKeyArn),
        .init("TracingConfig", tracingConfig),
        .init("RevisionId", string),
        .init("Layers", layerList),
        .init("FileSystemConfigs", fileSystemConfigList),
        .init("ImageConfig", imageConfig),
        .init("EphemeralStorage", ephemeralStorage),
        .init("SnapStart", snapStart),
        .init("LoggingConfig", loggingConfig),
        .init("CapacityProviderConfig", capacityProviderConfig),
        .init("DurableConfig", durableConfig)
    )
    package static let updateFunctionEventInvokeConfigRequest = Shape.structure(
        .init("FunctionName", namespacedFunctionName, required: true),
        .init("Qualifier", numericLatestPublishedOrAliasQualifier),
        .init("MaximumRetryAttempts", maximumRetryAttempts),
        .init("MaximumEventAgeInSeconds", maximumEventAgeInSeconds),
        .init("DestinationConfig", destinationConfig)
    )
    package static let updateFunctionUrlConfigRequest = Shape.structure(
        .init("FunctionName", functionName, required: true),
        .init("Qualifier", functionUrlQualifier),
        .init("AuthType", functionUrlAuthType),
        .init("Cors", cors),
        .init("InvokeMode", invokeMode)
    )
    package static let updateRuntimeOn = Shape.string(values: ["Auto", "Manual", "FunctionUpdate"])
    package static let versionWithLatestPublished = Shape.string(1, 1024, pattern: #"(\$LATEST(\.PUBLISHED)?|[0-9]+)"#)
    package static let vpcConfig = Shape.structure(
        .init("SubnetIds", subnetIds),
        .init("SecurityGroupIds", securityGroupIds),
        .init("Ipv6AllowedForDualStack", nullableBoolean)
    )
    package static let waitOptions = Shape.structure(.init("WaitSeconds", waitOptionsWaitSecondsInteger))
    package static let waitOptionsWaitSecondsInteger = Shape.integer(1, 31622400)
    package static let weight = Shape.double(0, 1)
    package static let workingDirectory = Shape.string(nil, 1000)
}
