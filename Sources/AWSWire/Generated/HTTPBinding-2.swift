// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.

extension HTTPBinding {
    static let listAliases = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("aliases")],
        query: [.init("FunctionVersion", "FunctionVersion"), .init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listAliasesRequest
    )
    static let listCapacityProviders = HTTPBinding(
        "GET",
        [.literal("2025-11-30"), .literal("capacity-providers")],
        query: [.init("State", "State"), .init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listCapacityProvidersRequest
    )
    static let listCodeSigningConfigs = HTTPBinding(
        "GET",
        [.literal("2020-04-22"), .literal("code-signing-configs")],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listCodeSigningConfigsRequest
    )
    static let listDurableExecutionsByFunction = HTTPBinding(
        "GET",
        [.literal("2025-12-01"), .literal("functions"), .label("FunctionName"), .literal("durable-executions")],
        query: [
            .init("Qualifier", "Qualifier"), .init("DurableExecutionName", "DurableExecutionName"),
            .init("Statuses", "Statuses"), .init("StartedAfter", "StartedAfter"),
            .init("StartedBefore", "StartedBefore"), .init("ReverseOrder", "ReverseOrder"), .init("Marker", "Marker"),
            .init("MaxItems", "MaxItems"),
        ],
        status: 200,
        input: Shapes.listDurableExecutionsByFunctionRequest
    )
    static let listEventSourceMappings = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("event-source-mappings")],
        query: [
            .init("EventSourceArn", "EventSourceArn"), .init("FunctionName", "FunctionName"), .init("Marker", "Marker"),
            .init("MaxItems", "MaxItems"),
        ],
        status: 200,
        input: Shapes.listEventSourceMappingsRequest
    )
    static let listFunctionEventInvokeConfigs = HTTPBinding(
        "GET",
        [
            .literal("2019-09-25"), .literal("functions"), .label("FunctionName"), .literal("event-invoke-config"),
            .literal("list"),
        ],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listFunctionEventInvokeConfigsRequest
    )
    static let listFunctionUrlConfigs = HTTPBinding(
        "GET",
        [.literal("2021-10-31"), .literal("functions"), .label("FunctionName"), .literal("urls")],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listFunctionUrlConfigsRequest
    )
    static let listFunctionVersionsByCapacityProvider = HTTPBinding(
        "GET",
        [
            .literal("2025-11-30"), .literal("capacity-providers"), .label("CapacityProviderName"),
            .literal("function-versions"),
        ],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listFunctionVersionsByCapacityProviderRequest
    )
    static let listFunctions = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions")],
        query: [
            .init("MasterRegion", "MasterRegion"), .init("FunctionVersion", "FunctionVersion"),
            .init("Marker", "Marker"), .init("MaxItems", "MaxItems"),
        ],
        status: 200,
        input: Shapes.listFunctionsRequest
    )
    static let listFunctionsByCodeSigningConfig = HTTPBinding(
        "GET",
        [
            .literal("2020-04-22"), .literal("code-signing-configs"), .label("CodeSigningConfigArn"),
            .literal("functions"),
        ],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listFunctionsByCodeSigningConfigRequest
    )
    static let listLayerVersions = HTTPBinding(
        "GET",
        [.literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions")],
        query: [
            .init("CompatibleRuntime", "CompatibleRuntime"), .init("Marker", "Marker"), .init("MaxItems", "MaxItems"),
            .init("CompatibleArchitecture", "CompatibleArchitecture"),
        ],
        status: 200,
        input: Shapes.listLayerVersionsRequest
    )
    static let listLayers = HTTPBinding(
        "GET",
        [.literal("2018-10-31"), .literal("layers")],
        query: [
            .init("CompatibleRuntime", "CompatibleRuntime"), .init("Marker", "Marker"), .init("MaxItems", "MaxItems"),
            .init("CompatibleArchitecture", "CompatibleArchitecture"),
        ],
        status: 200,
        input: Shapes.listLayersRequest
    )
    static let listProvisionedConcurrencyConfigs = HTTPBinding(
        "GET",
        [.literal("2019-09-30"), .literal("functions"), .label("FunctionName"), .literal("provisioned-concurrency")],
        fixed: .init("List", "ALL"),
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listProvisionedConcurrencyConfigsRequest
    )
    static let listTags = HTTPBinding(
        "GET",
        [.literal("2017-03-31"), .literal("tags"), .label("Resource")],
        status: 200,
        input: Shapes.listTagsRequest
    )
    static let listVersionsByFunction = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("versions")],
        query: [.init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.listVersionsByFunctionRequest
    )
    static let publishLayerVersion = HTTPBinding(
        "POST",
        [.literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions")],
        status: 201,
        input: Shapes.publishLayerVersionRequest
    )
    static let publishVersion = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("versions")],
        status: 201,
        input: Shapes.publishVersionRequest
    )
    static let putFunctionCodeSigningConfig = HTTPBinding(
        "PUT",
        [.literal("2020-06-30"), .literal("functions"), .label("FunctionName"), .literal("code-signing-config")],
        status: 200,
        input: Shapes.putFunctionCodeSigningConfigRequest
    )
    static let putFunctionConcurrency = HTTPBinding(
        "PUT",
        [.literal("2017-10-31"), .literal("functions"), .label("FunctionName"), .literal("concurrency")],
        status: 200,
        input: Shapes.putFunctionConcurrencyRequest
    )
    static let putFunctionEventInvokeConfig = HTTPBinding(
        "PUT",
        [.literal("2019-09-25"), .literal("functions"), .label("FunctionName"), .literal("event-invoke-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.putFunctionEventInvokeConfigRequest
    )
    static let putFunctionRecursionConfig = HTTPBinding(
        "PUT",
        [.literal("2024-08-31"), .literal("functions"), .label("FunctionName"), .literal("recursion-config")],
        status: 200,
        input: Shapes.putFunctionRecursionConfigRequest
    )
    static let putFunctionScalingConfig = HTTPBinding(
        "PUT",
        [.literal("2025-11-30"), .literal("functions"), .label("FunctionName"), .literal("function-scaling-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 202,
        input: Shapes.putFunctionScalingConfigRequest
    )
    static let putProvisionedConcurrencyConfig = HTTPBinding(
        "PUT",
        [.literal("2019-09-30"), .literal("functions"), .label("FunctionName"), .literal("provisioned-concurrency")],
        query: [.init("Qualifier", "Qualifier")],
        status: 202,
        input: Shapes.putProvisionedConcurrencyConfigRequest
    )
    static let putRuntimeManagementConfig = HTTPBinding(
        "PUT",
        [.literal("2021-07-20"), .literal("functions"), .label("FunctionName"), .literal("runtime-management-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.putRuntimeManagementConfigRequest
    )
    static let removeLayerVersionPermission = HTTPBinding(
        "DELETE",
        [
            .literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions"),
            .label("VersionNumber"), .literal("policy"), .label("StatementId"),
        ],
        query: [.init("RevisionId", "RevisionId")],
        status: 204,
        input: Shapes.removeLayerVersionPermissionRequest
    )
    static let removePermission = HTTPBinding(
        "DELETE",
        [
            .literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("policy"),
            .label("StatementId"),
        ],
        query: [.init("Qualifier", "Qualifier"), .init("RevisionId", "RevisionId")],
        status: 204,
        input: Shapes.removePermissionRequest
    )
    static let sendDurableExecutionCallbackFailure = HTTPBinding(
        "POST",
        [.literal("2025-12-01"), .literal("durable-execution-callbacks"), .label("CallbackId"), .literal("fail")],
        payload: "Error",
        status: 200,
        input: Shapes.sendDurableExecutionCallbackFailureRequest
    )
    static let sendDurableExecutionCallbackHeartbeat = HTTPBinding(
        "POST",
        [.literal("2025-12-01"), .literal("durable-execution-callbacks"), .label("CallbackId"), .literal("heartbeat")],
        status: 200,
        input: Shapes.sendDurableExecutionCallbackHeartbeatRequest
    )
    static let sendDurableExecutionCallbackSuccess = HTTPBinding(
        "POST",
        [.literal("2025-12-01"), .literal("durable-execution-callbacks"), .label("CallbackId"), .literal("succeed")],
        payload: "Result",
        status: 200,
        input: Shapes.sendDurableExecutionCallbackSuccessRequest
    )
    static let stopDurableExecution = HTTPBinding(
        "POST",
        [.literal("2025-12-01"), .literal("durable-executions"), .label("DurableExecutionArn"), .literal("stop")],
        payload: "Error",
        status: 200,
        input: Shapes.stopDurableExecutionRequest
    )
    static let tagResource = HTTPBinding(
        "POST",
        [.literal("2017-03-31"), .literal("tags"), .label("Resource")],
        status: 204,
        input: Shapes.tagResourceRequest
    )
    static let untagResource = HTTPBinding(
        "DELETE",
        [.literal("2017-03-31"), .literal("tags"), .label("Resource")],
        query: [.init("tagKeys", "TagKeys")],
        status: 204,
        input: Shapes.untagResourceRequest
    )
    static let updateAlias = HTTPBinding(
        "PUT",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("aliases"), .label("Name")],
        status: 200,
        input: Shapes.updateAliasRequest
    )
    static let updateCapacityProvider = HTTPBinding(
        "PUT",
        [.literal("2025-11-30"), .literal("capacity-providers"), .label("CapacityProviderName")],
        status: 202,
        input: Shapes.updateCapacityProviderRequest
    )
    static let updateCodeSigningConfig = HTTPBinding(
        "PUT",
        [.literal("2020-04-22"), .literal("code-signing-configs"), .label("CodeSigningConfigArn")],
        status: 200,
        input: Shapes.updateCodeSigningConfigRequest
    )
    static let updateEventSourceMapping = HTTPBinding(
        "PUT",
        [.literal("2015-03-31"), .literal("event-source-mappings"), .label("UUID")],
        status: 202,
        input: Shapes.updateEventSourceMappingRequest
    )
    static let updateFunctionCode = HTTPBinding(
        "PUT",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("code")],
        status: 200,
        input: Shapes.updateFunctionCodeRequest
    )
    static let updateFunctionConfiguration = HTTPBinding(
        "PUT",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("configuration")],
        status: 200,
        input: Shapes.updateFunctionConfigurationRequest
    )
    static let updateFunctionEventInvokeConfig = HTTPBinding(
        "POST",
        [.literal("2019-09-25"), .literal("functions"), .label("FunctionName"), .literal("event-invoke-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.updateFunctionEventInvokeConfigRequest
    )
    static let updateFunctionUrlConfig = HTTPBinding(
        "PUT",
        [.literal("2021-10-31"), .literal("functions"), .label("FunctionName"), .literal("url")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.updateFunctionUrlConfigRequest
    )
}
