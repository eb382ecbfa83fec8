// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct LoggingConfig: WireDecodable, WireEncodable, Sendable {
        package var logFormat: String?
        package var applicationLogLevel: String?
        package var systemLogLevel: String?
        package var logGroup: String?

        package init(
            logFormat: String? = nil,
            applicationLogLevel: String? = nil,
            systemLogLevel: String? = nil,
            logGroup: String? = nil
        ) {
            self.logFormat = logFormat
            self.applicationLogLevel = applicationLogLevel
            self.systemLogLevel = systemLogLevel
            self.logGroup = logGroup
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            logFormat = try members.optional("LogFormat")
            applicationLogLevel = try members.optional("ApplicationLogLevel")
            systemLogLevel = try members.optional("SystemLogLevel")
            logGroup = try members.optional("LogGroup")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["LogFormat"] = logFormat?.wire
            members["ApplicationLogLevel"] = applicationLogLevel?.wire
            members["SystemLogLevel"] = systemLogLevel?.wire
            members["LogGroup"] = logGroup?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct OnFailure: WireDecodable, WireEncodable, Sendable {
        package var destination: String?

        package init(destination: String? = nil) {
            self.destination = destination
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            destination = try members.optional("Destination")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Destination"] = destination?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct OnSuccess: WireDecodable, WireEncodable, Sendable {
        package var destination: String?

        package init(destination: String? = nil) {
            self.destination = destination
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            destination = try members.optional("Destination")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Destination"] = destination?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Operation: WireEncodable, Sendable {
        package var id: String
        package var parentId: String?
        package var name: String?
        package var type: String
        package var subType: String?
        package var startTimestamp: Timestamp
        package var endTimestamp: Timestamp?
        package var status: String
        package var executionDetails: ExecutionDetails?
        package var contextDetails: ContextDetails?
        package var stepDetails: StepDetails?
        package var waitDetails: WaitDetails?
        package var callbackDetails: CallbackDetails?
        package var chainedInvokeDetails: ChainedInvokeDetails?

        package init(
            id: String,
            parentId: String? = nil,
            name: String? = nil,
            type: String,
            subType: String? = nil,
            startTimestamp: Timestamp,
            endTimestamp: Timestamp? = nil,
            status: String,
            executionDetails: ExecutionDetails? = nil,
            contextDetails: ContextDetails? = nil,
            stepDetails: StepDetails? = nil,
            waitDetails: WaitDetails? = nil,
            callbackDetails: CallbackDetails? = nil,
            chainedInvokeDetails: ChainedInvokeDetails? = nil
        ) {
            self.id = id
            self.parentId = parentId
            self.name = name
            self.type = type
            self.subType = subType
            self.startTimestamp = startTimestamp
            self.endTimestamp = endTimestamp
            self.status = status
            self.executionDetails = executionDetails
            self.contextDetails = contextDetails
            self.stepDetails = stepDetails
            self.waitDetails = waitDetails
            self.callbackDetails = callbackDetails
            self.chainedInvokeDetails = chainedInvokeDetails
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Id"] = id.wire
            members["ParentId"] = parentId?.wire
            members["Name"] = name?.wire
            members["Type"] = type.wire
            members["SubType"] = subType?.wire
            members["StartTimestamp"] = startTimestamp.wire
            members["EndTimestamp"] = endTimestamp?.wire
            members["Status"] = status.wire
            members["ExecutionDetails"] = executionDetails?.wire
            members["ContextDetails"] = contextDetails?.wire
            members["StepDetails"] = stepDetails?.wire
            members["WaitDetails"] = waitDetails?.wire
            members["CallbackDetails"] = callbackDetails?.wire
            members["ChainedInvokeDetails"] = chainedInvokeDetails?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct OperationUpdate: WireDecodable, Sendable {
        package var id: String
        package var parentId: String?
        package var name: String?
        package var type: String
        package var subType: String?
        package var action: String
        package var payload: String?
        package var error: ErrorObject?
        package var contextOptions: ContextOptions?
        package var stepOptions: StepOptions?
        package var waitOptions: WaitOptions?
        package var callbackOptions: CallbackOptions?
        package var chainedInvokeOptions: ChainedInvokeOptions?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            id = try members.required("Id")
            parentId = try members.optional("ParentId")
            name = try members.optional("Name")
            type = try members.required("Type")
            subType = try members.optional("SubType")
            action = try members.required("Action")
            payload = try members.optional("Payload")
            error = try members.optional("Error")
            contextOptions = try members.optional("ContextOptions")
            stepOptions = try members.optional("StepOptions")
            waitOptions = try members.optional("WaitOptions")
            callbackOptions = try members.optional("CallbackOptions")
            chainedInvokeOptions = try members.optional("ChainedInvokeOptions")
        }
    }
}

extension API {
    package struct ProvisionedConcurrencyConfigListItem: WireEncodable, Sendable {
        package var functionArn: String?
        package var requestedProvisionedConcurrentExecutions: Int?
        package var availableProvisionedConcurrentExecutions: Int?
        package var allocatedProvisionedConcurrentExecutions: Int?
        package var status: String?
        package var statusReason: String?
        package var lastModified: String?

        package init(
            functionArn: String? = nil,
            requestedProvisionedConcurrentExecutions: Int? = nil,
            availableProvisionedConcurrentExecutions: Int? = nil,
            allocatedProvisionedConcurrentExecutions: Int? = nil,
            status: String? = nil,
            statusReason: String? = nil,
            lastModified: String? = nil
        ) {
            self.functionArn = functionArn
            self.requestedProvisionedConcurrentExecutions = requestedProvisionedConcurrentExecutions
            self.availableProvisionedConcurrentExecutions = availableProvisionedConcurrentExecutions
            self.allocatedProvisionedConcurrentExecutions = allocatedProvisionedConcurrentExecutions
            self.status = status
            self.statusReason = statusReason
            self.lastModified = lastModified
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionArn"] = functionArn?.wire
            members["RequestedProvisionedConcurrentExecutions"] = requestedProvisionedConcurrentExecutions?.wire
            members["AvailableProvisionedConcurrentExecutions"] = availableProvisionedConcurrentExecutions?.wire
            members["AllocatedProvisionedConcurrentExecutions"] = allocatedProvisionedConcurrentExecutions?.wire
            members["Status"] = status?.wire
            members["StatusReason"] = statusReason?.wire
            members["LastModified"] = lastModified?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ProvisionedPollerConfig: WireDecodable, WireEncodable, Sendable {
        package var minimumPollers: Int?
        package var maximumPollers: Int?
        package var pollerGroupName: String?

        package init(minimumPollers: Int? = nil, maximumPollers: Int? = nil, pollerGroupName: String? = nil) {
            self.minimumPollers = minimumPollers
            self.maximumPollers = maximumPollers
            self.pollerGroupName = pollerGroupName
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            minimumPollers = try members.optional("MinimumPollers")
            maximumPollers = try members.optional("MaximumPollers")
            pollerGroupName = try members.optional("PollerGroupName")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["MinimumPollers"] = minimumPollers?.wire
            members["MaximumPollers"] = maximumPollers?.wire
            members["PollerGroupName"] = pollerGroupName?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct PublishLayerVersionRequest: WireDecodable, Sendable {
        package var layerName: String
        package var description: String?
        package var content: LayerVersionContentInput
        package var compatibleRuntimes: [String]?
        package var licenseInfo: String?
        package var compatibleArchitectures: [String]?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            layerName = try members.required("LayerName")
            description = try members.optional("Description")
            content = try members.required("Content")
            compatibleRuntimes = try members.optional("CompatibleRuntimes")
            licenseInfo = try members.optional("LicenseInfo")
            compatibleArchitectures = try members.optional("CompatibleArchitectures")
        }
    }
}

extension API {
    package struct PublishLayerVersionResponse: WireEncodable, Sendable {
        package var content: LayerVersionContentOutput?
        package var layerArn: String?
        package var layerVersionArn: String?
        package var description: String?
        package var createdDate: String?
        package var version: Int?
        package var compatibleRuntimes: [String]?
        package var licenseInfo: String?
        package var compatibleArchitectures: [String]?

        package init(
            content: LayerVersionContentOutput? = nil,
            layerArn: String? = nil,
            layerVersionArn: String? = nil,
            description: String? = nil,
            createdDate: String? = nil,
            version: Int? = nil,
            compatibleRuntimes: [String]? = nil,
            licenseInfo: String? = nil,
            compatibleArchitectures: [String]? = nil
        ) {
            self.content = content
            self.layerArn = layerArn
            self.layerVersionArn = layerVersionArn
            self.description = description
            self.createdDate = createdDate
            self.version = version
            self.compatibleRuntimes = compatibleRuntimes
            self.licenseInfo = licenseInfo
            self.compatibleArchitectures = compatibleArchitectures
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Content"] = content?.wire
            members["LayerArn"] = layerArn?.wire
            members["LayerVersionArn"] = layerVersionArn?.wire
            members["Description"] = description?.wire
            members["CreatedDate"] = createdDate?.wire
            members["Version"] = version?.wire
            members["CompatibleRuntimes"] = compatibleRuntimes?.wire
            members["LicenseInfo"] = licenseInfo?.wire
            members["CompatibleArchitectures"] = compatibleArchitectures?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct PublishVersionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var codeSha256: String?
        package var description: String?
        package var revisionId: String?
        package var publishTo: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            codeSha256 = try members.optional("CodeSha256")
            description = try members.optional("Description")
            revisionId = try members.optional("RevisionId")
            publishTo = try members.optional("PublishTo")
        }
    }
}

extension API {
    package struct PutFunctionCodeSigningConfigRequest: WireDecodable, Sendable {
        package var codeSigningConfigArn: String
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            codeSigningConfigArn = try members.required("CodeSigningConfigArn")
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct PutFunctionCodeSigningConfigResponse: WireEncodable, Sendable {
        package var codeSigningConfigArn: String
        package var functionName: String

        package init(codeSigningConfigArn: String, functionName: String) {
            self.codeSigningConfigArn = codeSigningConfigArn
            self.functionName = functionName
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CodeSigningConfigArn"] = codeSigningConfigArn.wire
            members["FunctionName"] = functionName.wire
            return .object(members)
        }
    }
}

extension API {
    package struct PutFunctionConcurrencyRequest: WireDecodable, Sendable {
        package var functionName: String
        package var reservedConcurrentExecutions: Int

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            reservedConcurrentExecutions = try members.required("ReservedConcurrentExecutions")
        }
    }
}

extension API {
    package struct PutFunctionEventInvokeConfigRequest: WireDecodable, Sendable {
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
    package struct PutFunctionRecursionConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var recursiveLoop: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            recursiveLoop = try members.required("RecursiveLoop")
        }
    }
}

extension API {
    package struct PutFunctionRecursionConfigResponse: WireEncodable, Sendable {
        package var recursiveLoop: String?

        package init(recursiveLoop: String? = nil) {
            self.recursiveLoop = recursiveLoop
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["RecursiveLoop"] = recursiveLoop?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct PutFunctionScalingConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String
        package var functionScalingConfig: FunctionScalingConfig?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.required("Qualifier")
            functionScalingConfig = try members.optional("FunctionScalingConfig")
        }
    }
}

extension API {
    package struct PutFunctionScalingConfigResponse: WireEncodable, Sendable {
        package var functionState: String?

        package init(functionState: String? = nil) {
            self.functionState = functionState
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionState"] = functionState?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct PutProvisionedConcurrencyConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String
        package var provisionedConcurrentExecutions: Int

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.required("Qualifier")
            provisionedConcurrentExecutions = try members.required("ProvisionedConcurrentExecutions")
        }
    }
}
