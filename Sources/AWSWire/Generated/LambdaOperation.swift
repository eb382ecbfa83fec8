// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.

/// An operation of the Lambda API, by AWS's name.
package enum LambdaOperation: String, CaseIterable, Sendable {
    case addLayerVersionPermission = "AddLayerVersionPermission"
    case addPermission = "AddPermission"
    case checkpointDurableExecution = "CheckpointDurableExecution"
    case createAlias = "CreateAlias"
    case createCapacityProvider = "CreateCapacityProvider"
    case createCodeSigningConfig = "CreateCodeSigningConfig"
    case createEventSourceMapping = "CreateEventSourceMapping"
    case createFunction = "CreateFunction"
    case createFunctionUrlConfig = "CreateFunctionUrlConfig"
    case deleteAlias = "DeleteAlias"
    case deleteCapacityProvider = "DeleteCapacityProvider"
    case deleteCodeSigningConfig = "DeleteCodeSigningConfig"
    case deleteEventSourceMapping = "DeleteEventSourceMapping"
    case deleteFunction = "DeleteFunction"
    case deleteFunctionCodeSigningConfig = "DeleteFunctionCodeSigningConfig"
    case deleteFunctionConcurrency = "DeleteFunctionConcurrency"
    case deleteFunctionEventInvokeConfig = "DeleteFunctionEventInvokeConfig"
    case deleteFunctionUrlConfig = "DeleteFunctionUrlConfig"
    case deleteLayerVersion = "DeleteLayerVersion"
    case deleteProvisionedConcurrencyConfig = "DeleteProvisionedConcurrencyConfig"
    case getAccountSettings = "GetAccountSettings"
    case getAlias = "GetAlias"
    case getCapacityProvider = "GetCapacityProvider"
    case getCodeSigningConfig = "GetCodeSigningConfig"
    case getDurableExecution = "GetDurableExecution"
    case getDurableExecutionHistory = "GetDurableExecutionHistory"
    case getDurableExecutionState = "GetDurableExecutionState"
    case getEventSourceMapping = "GetEventSourceMapping"
    case getFunction = "GetFunction"
    case getFunctionCodeSigningConfig = "GetFunctionCodeSigningConfig"
    case getFunctionConcurrency = "GetFunctionConcurrency"
    case getFunctionConfiguration = "GetFunctionConfiguration"
    case getFunctionEventInvokeConfig = "GetFunctionEventInvokeConfig"
    case getFunctionRecursionConfig = "GetFunctionRecursionConfig"
    case getFunctionScalingConfig = "GetFunctionScalingConfig"
    case getFunctionUrlConfig = "GetFunctionUrlConfig"
    case getLayerVersion = "GetLayerVersion"
    case getLayerVersionByArn = "GetLayerVersionByArn"
    case getLayerVersionPolicy = "GetLayerVersionPolicy"
    case getPolicy = "GetPolicy"
    case getProvisionedConcurrencyConfig = "GetProvisionedConcurrencyConfig"
    case getRuntimeManagementConfig = "GetRuntimeManagementConfig"
    case invoke = "Invoke"
    case invokeAsync = "InvokeAsync"
    case invokeWithResponseStream = "InvokeWithResponseStream"
    case listAliases = "ListAliases"
    case listCapacityProviders = "ListCapacityProviders"
    case listCodeSigningConfigs = "ListCodeSigningConfigs"
    case listDurableExecutionsByFunction = "ListDurableExecutionsByFunction"
    case listEventSourceMappings = "ListEventSourceMappings"
    case listFunctionEventInvokeConfigs = "ListFunctionEventInvokeConfigs"
    case listFunctionUrlConfigs = "ListFunctionUrlConfigs"
    case listFunctionVersionsByCapacityProvider = "ListFunctionVersionsByCapacityProvider"
    case listFunctions = "ListFunctions"
    case listFunctionsByCodeSigningConfig = "ListFunctionsByCodeSigningConfig"
    case listLayerVersions = "ListLayerVersions"
    case listLayers = "ListLayers"
    case listProvisionedConcurrencyConfigs = "ListProvisionedConcurrencyConfigs"
    case listTags = "ListTags"
    case listVersionsByFunction = "ListVersionsByFunction"
    case publishLayerVersion = "PublishLayerVersion"
    case publishVersion = "PublishVersion"
    case putFunctionCodeSigningConfig = "PutFunctionCodeSigningConfig"
    case putFunctionConcurrency = "PutFunctionConcurrency"
    case putFunctionEventInvokeConfig = "PutFunctionEventInvokeConfig"
    case putFunctionRecursionConfig = "PutFunctionRecursionConfig"
    case putFunctionScalingConfig = "PutFunctionScalingConfig"
    case putProvisionedConcurrencyConfig = "PutProvisionedConcurrencyConfig"
    case putRuntimeManagementConfig = "PutRuntimeManagementConfig"
    case removeLayerVersionPermission = "RemoveLayerVersionPermission"
    case removePermission = "RemovePermission"
    case sendDurableExecutionCallbackFailure = "SendDurableExecutionCallbackFailure"
    case sendDurableExecutionCallbackHeartbeat = "SendDurableExecutionCallbackHeartbeat"
    case sendDurableExecutionCallbackSuccess = "SendDurableExecutionCallbackSuccess"
    case stopDurableExecution = "StopDurableExecution"
    case tagResource = "TagResource"
    case untagResource = "UntagResource"
    case updateAlias = "UpdateAlias"
    case updateCapacityProvider = "UpdateCapacityProvider"
    case updateCodeSigningConfig = "UpdateCodeSigningConfig"
    case updateEventSourceMapping = "UpdateEventSourceMapping"
    case updateFunctionCode = "UpdateFunctionCode"
    case updateFunctionConfiguration = "UpdateFunctionConfiguration"
    case updateFunctionEventInvokeConfig = "UpdateFunctionEventInvokeConfig"
    case updateFunctionUrlConfig = "UpdateFunctionUrlConfig"
}

extension LambdaOperation {
    var httpBinding: HTTPBinding {
        switch self {
        case .addLayerVersionPermission: .addLayerVersionPermission
        case .addPermission: .addPermission
        case .checkpointDurableExecution: .checkpointDurableExecution
        case .createAlias: .createAlias
        case .createCapacityProvider: .createCapacityProvider
        case .createCodeSigningConfig: .createCodeSigningConfig
        case .createEventSourceMapping: .createEventSourceMapping
        case .createFunction: .createFunction
        case .createFunctionUrlConfig: .createFunctionUrlConfig
        case .deleteAlias: .deleteAlias
        case .deleteCapacityProvider: .deleteCapacityProvider
        case .deleteCodeSigningConfig: .deleteCodeSigningConfig
        case .deleteEventSourceMapping: .deleteEventSourceMapping
        case .deleteFunction: .deleteFunction
        case .deleteFunctionCodeSigningConfig: .deleteFunctionCodeSigningConfig
        case .deleteFunctionConcurrency: .deleteFunctionConcurrency
        case .deleteFunctionEventInvokeConfig: .deleteFunctionEventInvokeConfig
        case .deleteFunctionUrlConfig: .deleteFunctionUrlConfig
        case .deleteLayerVersion: .deleteLayerVersion
        case .deleteProvisionedConcurrencyConfig: .deleteProvisionedConcurrencyConfig
        case .getAccountSettings: .getAccountSettings
        case .getAlias: .getAlias
        case .getCapacityProvider: .getCapacityProvider
        case .getCodeSigningConfig: .getCodeSigningConfig
        case .getDurableExecution: .getDurableExecution
        case .getDurableExecutionHistory: .getDurableExecutionHistory
        case .getDurableExecutionState: .getDurableExecutionState
        case .getEventSourceMapping: .getEventSourceMapping
        case .getFunction: .getFunction
        case .getFunctionCodeSigningConfig: .getFunctionCodeSigningConfig
        case .getFunctionConcurrency: .getFunctionConcurrency
        case .getFunctionConfiguration: .getFunctionConfiguration
        case .getFunctionEventInvokeConfig: .getFunctionEventInvokeConfig
        case .getFunctionRecursionConfig: .getFunctionRecursionConfig
        case .getFunctionScalingConfig: .getFunctionScalingConfig
        case .getFunctionUrlConfig: .getFunctionUrlConfig
        case .getLayerVersion: .getLayerVersion
        case .getLayerVersionByArn: .getLayerVersionByArn
        case .getLayerVersionPolicy: .getLayerVersionPolicy
        case .getPolicy: .getPolicy
        case .getProvisionedConcurrencyConfig: .getProvisionedConcurrencyConfig
        case .getRuntimeManagementConfig: .getRuntimeManagementConfig
        case .invoke: .invoke
        case .invokeAsync: .invokeAsync
        case .invokeWithResponseStream: .invokeWithResponseStream
        case .listAliases: .listAliases
        case .listCapacityProviders: .listCapacityProviders
        case .listCodeSigningConfigs: .listCodeSigningConfigs
        case .listDurableExecutionsByFunction: .listDurableExecutionsByFunction
        case .listEventSourceMappings: .listEventSourceMappings
        case .listFunctionEventInvokeConfigs: .listFunctionEventInvokeConfigs
        case .listFunctionUrlConfigs: .listFunctionUrlConfigs
        case .listFunctionVersionsByCapacityProvider: .listFunctionVersionsByCapacityProvider
        case .listFunctions: .listFunctions
        case .listFunctionsByCodeSigningConfig: .listFunctionsByCodeSigningConfig
        case .listLayerVersions: .listLayerVersions
        case .listLayers: .listLayers
        case .listProvisionedConcurrencyConfigs: .listProvisionedConcurrencyConfigs
        case .listTags: .listTags
        case .listVersionsByFunction: .listVersionsByFunction
        case .publishLayerVersion: .publishLayerVersion
        case .publishVersion: .publishVersion
        case .putFunctionCodeSigningConfig: .putFunctionCodeSigningConfig
        case .putFunctionConcurrency: .putFunctionConcurrency
        case .putFunctionEventInvokeConfig: .putFunctionEventInvokeConfig
        case .putFunctionRecursionConfig: .putFunctionRecursionConfig
        case .putFunctionScalingConfig: .putFunctionScalingConfig
        case .putProvisionedConcurrencyConfig: .putProvisionedConcurrencyConfig
        case .putRuntimeManagementConfig: .putRuntimeManagementConfig
        case .removeLayerVersionPermission: .removeLayerVersionPermission
        case .removePermission: .removePermission
        case .sendDurableExecutionCallbackFailure: .sendDurableExecutionCallbackFailure
        case .sendDurableExecutionCallbackHeartbeat: .sendDurableExecutionCallbackHeartbeat
        case .sendDurableExecutionCallbackSuccess: .sendDurableExecutionCallbackSuccess
        case .stopDurableExecution: .stopDurableExecution
        case .tagResource: .tagResource
        case .untagResource: .untagResource
        case .updateAlias: .updateAlias
        case .updateCapacityProvider: .updateCapacityProvider
        case .updateCodeSigningConfig: .updateCodeSigningConfig
        case .updateEventSourceMapping: .updateEventSourceMapping
        case .updateFunctionCode: .updateFunctionCode
        case .updateFunctionConfiguration: .updateFunctionConfiguration
        case .updateFunctionEventInvokeConfig: .updateFunctionEventInvokeConfig
        case .updateFunctionUrlConfig: .updateFunctionUrlConfig
        }
    }
}
