// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct GetFunctionRecursionConfigResponse: WireEncodable, Sendable {
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
    package struct GetFunctionRequest: WireDecodable, Sendable {
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
    package struct GetFunctionResponse: WireEncodable, Sendable {
        package var configuration: FunctionConfiguration?
        package var code: FunctionCodeLocation?
        package var tags: [String: String]?
        package var tagsError: TagsError?
        package var concurrency: Concurrency?

        package init(
            configuration: FunctionConfiguration? = nil,
            code: FunctionCodeLocation? = nil,
            tags: [String: String]? = nil,
            tagsError: TagsError? = nil,
            concurrency: Concurrency? = nil
        ) {
            self.configuration = configuration
            self.code = code
            self.tags = tags
            self.tagsError = tagsError
            self.concurrency = concurrency
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Configuration"] = configuration?.wire
            members["Code"] = code?.wire
            members["Tags"] = tags?.wire
            members["TagsError"] = tagsError?.wire
            members["Concurrency"] = concurrency?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetFunctionScalingConfigRequest: WireDecodable, Sendable {
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
    package struct GetFunctionScalingConfigResponse: WireEncodable, Sendable {
        package var functionArn: String?
        package var appliedFunctionScalingConfig: FunctionScalingConfig?
        package var requestedFunctionScalingConfig: FunctionScalingConfig?

        package init(
            functionArn: String? = nil,
            appliedFunctionScalingConfig: FunctionScalingConfig? = nil,
            requestedFunctionScalingConfig: FunctionScalingConfig? = nil
        ) {
            self.functionArn = functionArn
            self.appliedFunctionScalingConfig = appliedFunctionScalingConfig
            self.requestedFunctionScalingConfig = requestedFunctionScalingConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionArn"] = functionArn?.wire
            members["AppliedFunctionScalingConfig"] = appliedFunctionScalingConfig?.wire
            members["RequestedFunctionScalingConfig"] = requestedFunctionScalingConfig?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetFunctionUrlConfigRequest: WireDecodable, Sendable {
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
    package struct GetFunctionUrlConfigResponse: WireEncodable, Sendable {
        package var functionUrl: String
        package var functionArn: String
        package var authType: String
        package var cors: Cors?
        package var creationTime: String
        package var lastModifiedTime: String
        package var invokeMode: String?

        package init(
            functionUrl: String,
            functionArn: String,
            authType: String,
            cors: Cors? = nil,
            creationTime: String,
            lastModifiedTime: String,
            invokeMode: String? = nil
        ) {
            self.functionUrl = functionUrl
            self.functionArn = functionArn
            self.authType = authType
            self.cors = cors
            self.creationTime = creationTime
            self.lastModifiedTime = lastModifiedTime
            self.invokeMode = invokeMode
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionUrl"] = functionUrl.wire
            members["FunctionArn"] = functionArn.wire
            members["AuthType"] = authType.wire
            members["Cors"] = cors?.wire
            members["CreationTime"] = creationTime.wire
            members["LastModifiedTime"] = lastModifiedTime.wire
            members["InvokeMode"] = invokeMode?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetLayerVersionByArnRequest: WireDecodable, Sendable {
        package var arn: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            arn = try members.required("Arn")
        }
    }
}

extension API {
    package struct GetLayerVersionPolicyRequest: WireDecodable, Sendable {
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
    package struct GetLayerVersionPolicyResponse: WireEncodable, Sendable {
        package var policy: String?
        package var revisionId: String?

        package init(policy: String? = nil, revisionId: String? = nil) {
            self.policy = policy
            self.revisionId = revisionId
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Policy"] = policy?.wire
            members["RevisionId"] = revisionId?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetLayerVersionRequest: WireDecodable, Sendable {
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
    package struct GetLayerVersionResponse: WireEncodable, Sendable {
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
    package struct GetPolicyRequest: WireDecodable, Sendable {
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
    package struct GetPolicyResponse: WireEncodable, Sendable {
        package var policy: String?
        package var revisionId: String?

        package init(policy: String? = nil, revisionId: String? = nil) {
            self.policy = policy
            self.revisionId = revisionId
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Policy"] = policy?.wire
            members["RevisionId"] = revisionId?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetProvisionedConcurrencyConfigRequest: WireDecodable, Sendable {
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
    package struct GetProvisionedConcurrencyConfigResponse: WireEncodable, Sendable {
        package var requestedProvisionedConcurrentExecutions: Int?
        package var availableProvisionedConcurrentExecutions: Int?
        package var allocatedProvisionedConcurrentExecutions: Int?
        package var status: String?
        package var statusReason: String?
        package var lastModified: String?

        package init(
            requestedProvisionedConcurrentExecutions: Int? = nil,
            availableProvisionedConcurrentExecutions: Int? = nil,
            allocatedProvisionedConcurrentExecutions: Int? = nil,
            status: String? = nil,
            statusReason: String? = nil,
            lastModified: String? = nil
        ) {
            self.requestedProvisionedConcurrentExecutions = requestedProvisionedConcurrentExecutions
            self.availableProvisionedConcurrentExecutions = availableProvisionedConcurrentExecutions
            self.allocatedProvisionedConcurrentExecutions = allocatedProvisionedConcurrentExecutions
            self.status = status
            self.statusReason = statusReason
            self.lastModified = lastModified
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
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
    package struct GetRuntimeManagementConfigRequest: WireDecodable, Sendable {
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
    package struct GetRuntimeManagementConfigResponse: WireEncodable, Sendable {
        package var updateRuntimeOn: String?
        package var runtimeVersionArn: String?
        package var functionArn: String?

        package init(updateRuntimeOn: String? = nil, runtimeVersionArn: String? = nil, functionArn: String? = nil) {
            self.updateRuntimeOn = updateRuntimeOn
            self.runtimeVersionArn = runtimeVersionArn
            self.functionArn = functionArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["UpdateRuntimeOn"] = updateRuntimeOn?.wire
            members["RuntimeVersionArn"] = runtimeVersionArn?.wire
            members["FunctionArn"] = functionArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ImageConfig: WireDecodable, WireEncodable, Sendable {
        package var entryPoint: [String]?
        package var command: [String]?
        package var workingDirectory: String?

        package init(entryPoint: [String]? = nil, command: [String]? = nil, workingDirectory: String? = nil) {
            self.entryPoint = entryPoint
            self.command = command
            self.workingDirectory = workingDirectory
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            entryPoint = try members.optional("EntryPoint")
            command = try members.optional("Command")
            workingDirectory = try members.optional("WorkingDirectory")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["EntryPoint"] = entryPoint?.wire
            members["Command"] = command?.wire
            members["WorkingDirectory"] = workingDirectory?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ImageConfigError: WireEncodable, Sendable {
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
    package struct ImageConfigResponse: WireEncodable, Sendable {
        package var imageConfig: ImageConfig?
        package var error: ImageConfigError?

        package init(imageConfig: ImageConfig? = nil, error: ImageConfigError? = nil) {
            self.imageConfig = imageConfig
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ImageConfig"] = imageConfig?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct InstanceRequirements: WireDecodable, WireEncodable, Sendable {
        package var architectures: [String]?
        package var allowedInstanceTypes: [String]?
        package var excludedInstanceTypes: [String]?

        package init(
            architectures: [String]? = nil,
            allowedInstanceTypes: [String]? = nil,
            excludedInstanceTypes: [String]? = nil
        ) {
            self.architectures = architectures
            self.allowedInstanceTypes = allowedInstanceTypes
            self.excludedInstanceTypes = excludedInstanceTypes
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            architectures = try members.optional("Architectures")
            allowedInstanceTypes = try members.optional("AllowedInstanceTypes")
            excludedInstanceTypes = try members.optional("ExcludedInstanceTypes")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Architectures"] = architectures?.wire
            members["AllowedInstanceTypes"] = allowedInstanceTypes?.wire
            members["ExcludedInstanceTypes"] = excludedInstanceTypes?.wire
            return .object(members)
        }
    }
}
