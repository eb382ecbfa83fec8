// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.

extension HTTPBinding {
    static let addLayerVersionPermission = HTTPBinding(
        "POST",
        [
            .literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions"),
            .label("VersionNumber"), .literal("policy"),
        ],
        query: [.init("RevisionId", "RevisionId")],
        status: 201,
        input: Shapes.addLayerVersionPermissionRequest
    )
    static let addPermission = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("policy")],
        query: [.init("Qualifier", "Qualifier")],
        status: 201,
        input: Shapes.addPermissionRequest
    )
    static let checkpointDurableExecution = HTTPBinding(
        "POST",
        [
            .literal("2025-12-01"), .literal("durable-executions"), .label("DurableExecutionArn"),
            .literal("checkpoint"),
        ],
        status: 200,
        input: Shapes.checkpointDurableExecutionRequest
    )
    static let createAlias = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("aliases")],
        status: 201,
        input: Shapes.createAliasRequest
    )
    static let createCapacityProvider = HTTPBinding(
        "POST",
        [.literal("2025-11-30"), .literal("capacity-providers")],
        status: 202,
        input: Shapes.createCapacityProviderRequest
    )
    static let createCodeSigningConfig = HTTPBinding(
        "POST",
        [.literal("2020-04-22"), .literal("code-signing-configs")],
        status: 201,
        input: Shapes.createCodeSigningConfigRequest
    )
    static let createEventSourceMapping = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("event-source-mappings")],
        status: 202,
        input: Shapes.createEventSourceMappingRequest
    )
    static let createFunction = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("functions")],
        status: 201,
        input: Shapes.createFunctionRequest
    )
    static let createFunctionUrlConfig = HTTPBinding(
        "POST",
        [.literal("2021-10-31"), .literal("functions"), .label("FunctionName"), .literal("url")],
        query: [.init("Qualifier", "Qualifier")],
        status: 201,
        input: Shapes.createFunctionUrlConfigRequest
    )
    static let deleteAlias = HTTPBinding(
        "DELETE",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("aliases"), .label("Name")],
        status: 204,
        input: Shapes.deleteAliasRequest
    )
    static let deleteCapacityProvider = HTTPBinding(
        "DELETE",
        [.literal("2025-11-30"), .literal("capacity-providers"), .label("CapacityProviderName")],
        status: 202,
        input: Shapes.deleteCapacityProviderRequest
    )
    static let deleteCodeSigningConfig = HTTPBinding(
        "DELETE",
        [.literal("2020-04-22"), .literal("code-signing-configs"), .label("CodeSigningConfigArn")],
        status: 204,
        input: Shapes.deleteCodeSigningConfigRequest
    )
    static let deleteEventSourceMapping = HTTPBinding(
        "DELETE",
        [.literal("2015-03-31"), .literal("event-source-mappings"), .label("UUID")],
        status: 202,
        input: Shapes.deleteEventSourceMappingRequest
    )
    static let deleteFunction = HTTPBinding(
        "DELETE",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName")],
        query: [.init("Qualifier", "Qualifier")],
        status: 204,
        input: Shapes.deleteFunctionRequest
    )
    static let deleteFunctionCodeSigningConfig = HTTPBinding(
        "DELETE",
        [.literal("2020-06-30"), .literal("functions"), .label("FunctionName"), .literal("code-signing-config")],
        status: 204,
        input: Shapes.deleteFunctionCodeSigningConfigRequest
    )
    static let deleteFunctionConcurrency = HTTPBinding(
        "DELETE",
        [.literal("2017-10-31"), .literal("functions"), .label("FunctionName"), .literal("concurrency")],
        status: 204,
        input: Shapes.deleteFunctionConcurrencyRequest
    )
    static let deleteFunctionEventInvokeConfig = HTTPBinding(
        "DELETE",
        [.literal("2019-09-25"), .literal("functions"), .label("FunctionName"), .literal("event-invoke-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 204,
        input: Shapes.deleteFunctionEventInvokeConfigRequest
    )
    static let deleteFunctionUrlConfig = HTTPBinding(
        "DELETE",
        [.literal("2021-10-31"), .literal("functions"), .label("FunctionName"), .literal("url")],
        query: [.init("Qualifier", "Qualifier")],
        status: 204,
        input: Shapes.deleteFunctionUrlConfigRequest
    )
    static let deleteLayerVersion = HTTPBinding(
        "DELETE",
        [
            .literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions"),
            .label("VersionNumber"),
        ],
        status: 204,
        input: Shapes.deleteLayerVersionRequest
    )
    static let deleteProvisionedConcurrencyConfig = HTTPBinding(
        "DELETE",
        [.literal("2019-09-30"), .literal("functions"), .label("FunctionName"), .literal("provisioned-concurrency")],
        query: [.init("Qualifier", "Qualifier")],
        status: 204,
        input: Shapes.deleteProvisionedConcurrencyConfigRequest
    )
    static let getAccountSettings = HTTPBinding(
        "GET",
        [.literal("2016-08-19"), .literal("account-settings")],
        status: 200,
        input: Shapes.getAccountSettingsRequest
    )
    static let getAlias = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("aliases"), .label("Name")],
        status: 200,
        input: Shapes.getAliasRequest
    )
    static let getCapacityProvider = HTTPBinding(
        "GET",
        [.literal("2025-11-30"), .literal("capacity-providers"), .label("CapacityProviderName")],
        status: 200,
        input: Shapes.getCapacityProviderRequest
    )
    static let getCodeSigningConfig = HTTPBinding(
        "GET",
        [.literal("2020-04-22"), .literal("code-signing-configs"), .label("CodeSigningConfigArn")],
        status: 200,
        input: Shapes.getCodeSigningConfigRequest
    )
    static let getDurableExecution = HTTPBinding(
        "GET",
        [.literal("2025-12-01"), .literal("durable-executions"), .label("DurableExecutionArn")],
        status: 200,
        input: Shapes.getDurableExecutionRequest
    )
    static let getDurableExecutionHistory = HTTPBinding(
        "GET",
        [.literal("2025-12-01"), .literal("durable-executions"), .label("DurableExecutionArn"), .literal("history")],
        query: [
            .init("IncludeExecutionData", "IncludeExecutionData"), .init("MaxItems", "MaxItems"),
            .init("Marker", "Marker"), .init("ReverseOrder", "ReverseOrder"),
        ],
        status: 200,
        input: Shapes.getDurableExecutionHistoryRequest
    )
    static let getDurableExecutionState = HTTPBinding(
        "GET",
        [.literal("2025-12-01"), .literal("durable-executions"), .label("DurableExecutionArn"), .literal("state")],
        query: [.init("CheckpointToken", "CheckpointToken"), .init("Marker", "Marker"), .init("MaxItems", "MaxItems")],
        status: 200,
        input: Shapes.getDurableExecutionStateRequest
    )
    static let getEventSourceMapping = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("event-source-mappings"), .label("UUID")],
        status: 200,
        input: Shapes.getEventSourceMappingRequest
    )
    static let getFunction = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getFunctionRequest
    )
    static let getFunctionCodeSigningConfig = HTTPBinding(
        "GET",
        [.literal("2020-06-30"), .literal("functions"), .label("FunctionName"), .literal("code-signing-config")],
        status: 200,
        input: Shapes.getFunctionCodeSigningConfigRequest
    )
    static let getFunctionConcurrency = HTTPBinding(
        "GET",
        [.literal("2019-09-30"), .literal("functions"), .label("FunctionName"), .literal("concurrency")],
        status: 200,
        input: Shapes.getFunctionConcurrencyRequest
    )
    static let getFunctionConfiguration = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("configuration")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getFunctionConfigurationRequest
    )
    static let getFunctionEventInvokeConfig = HTTPBinding(
        "GET",
        [.literal("2019-09-25"), .literal("functions"), .label("FunctionName"), .literal("event-invoke-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getFunctionEventInvokeConfigRequest
    )
    static let getFunctionRecursionConfig = HTTPBinding(
        "GET",
        [.literal("2024-08-31"), .literal("functions"), .label("FunctionName"), .literal("recursion-config")],
        status: 200,
        input: Shapes.getFunctionRecursionConfigRequest
    )
    static let getFunctionScalingConfig = HTTPBinding(
        "GET",
        [.literal("2025-11-30"), .literal("functions"), .label("FunctionName"), .literal("function-scaling-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getFunctionScalingConfigRequest
    )
    static let getFunctionUrlConfig = HTTPBinding(
        "GET",
        [.literal("2021-10-31"), .literal("functions"), .label("FunctionName"), .literal("url")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getFunctionUrlConfigRequest
    )
    static let getLayerVersion = HTTPBinding(
        "GET",
        [
            .literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions"),
            .label("VersionNumber"),
        ],
        status: 200,
        input: Shapes.getLayerVersionRequest
    )
    static let getLayerVersionByArn = HTTPBinding(
        "GET",
        [.literal("2018-10-31"), .literal("layers")],
        fixed: .init("find", "LayerVersion"),
        query: [.init("Arn", "Arn")],
        status: 200,
        input: Shapes.getLayerVersionByArnRequest
    )
    static let getLayerVersionPolicy = HTTPBinding(
        "GET",
        [
            .literal("2018-10-31"), .literal("layers"), .label("LayerName"), .literal("versions"),
            .label("VersionNumber"), .literal("policy"),
        ],
        status: 200,
        input: Shapes.getLayerVersionPolicyRequest
    )
    static let getPolicy = HTTPBinding(
        "GET",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("policy")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getPolicyRequest
    )
    static let getProvisionedConcurrencyConfig = HTTPBinding(
        "GET",
        [.literal("2019-09-30"), .literal("functions"), .label("FunctionName"), .literal("provisioned-concurrency")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getProvisionedConcurrencyConfigRequest
    )
    static let getRuntimeManagementConfig = HTTPBinding(
        "GET",
        [.literal("2021-07-20"), .literal("functions"), .label("FunctionName"), .literal("runtime-management-config")],
        query: [.init("Qualifier", "Qualifier")],
        status: 200,
        input: Shapes.getRuntimeManagementConfigRequest
    )
    static let invoke = HTTPBinding(
        "POST",
        [.literal("2015-03-31"), .literal("functions"), .label("FunctionName"), .literal("invocations")],
        query: [.init("Qualifier", "Qualifier")],
        payload: "Payload",
        status: 200,
        input: Shapes.invocationRequest
    )
    static let invokeAsync = HTTPBinding(
        "POST",
        [.literal("2014-11-13"), .literal("functions"), .label("FunctionName"), .literal("invoke-async")],
        payload: "InvokeArgs",
        status: 202,
        input: Shapes.invokeAsyncRequest
    )
    static let invokeWithResponseStream = HTTPBinding(
        "POST",
        [
            .literal("2021-11-15"), .literal("functions"), .label("FunctionName"),
            .literal("response-streaming-invocations"),
        ],
        query: [.init("Qualifier", "Qualifier")],
        payload: "Payload",
        status: 200,
        input: Shapes.invokeWithResponseStreamRequest
    )
}
