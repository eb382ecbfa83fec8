// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct CapacityProviderVpcConfig: WireDecodable, WireEncodable, Sendable {
        package var subnetIds: [String]
        package var securityGroupIds: [String]

        package init(subnetIds: [String], securityGroupIds: [String]) {
            self.subnetIds = subnetIds
            self.securityGroupIds = securityGroupIds
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            subnetIds = try members.required("SubnetIds")
            securityGroupIds = try members.required("SecurityGroupIds")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["SubnetIds"] = subnetIds.wire
            members["SecurityGroupIds"] = securityGroupIds.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ChainedInvokeDetails: WireEncodable, Sendable {
        package var result: String?
        package var error: ErrorObject?

        package init(result: String? = nil, error: ErrorObject? = nil) {
            self.result = result
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Result"] = result?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ChainedInvokeFailedDetails: WireEncodable, Sendable {
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
    package struct ChainedInvokeOptions: WireDecodable, Sendable {
        package var functionName: String
        package var tenantId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            tenantId = try members.optional("TenantId")
        }
    }
}

extension API {
    package struct ChainedInvokeStartedDetails: WireEncodable, Sendable {
        package var functionName: String
        package var tenantId: String?
        package var input: EventInput?
        package var executedVersion: String?
        package var durableExecutionArn: String?

        package init(
            functionName: String,
            tenantId: String? = nil,
            input: EventInput? = nil,
            executedVersion: String? = nil,
            durableExecutionArn: String? = nil
        ) {
            self.functionName = functionName
            self.tenantId = tenantId
            self.input = input
            self.executedVersion = executedVersion
            self.durableExecutionArn = durableExecutionArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionName"] = functionName.wire
            members["TenantId"] = tenantId?.wire
            members["Input"] = input?.wire
            members["ExecutedVersion"] = executedVersion?.wire
            members["DurableExecutionArn"] = durableExecutionArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ChainedInvokeStoppedDetails: WireEncodable, Sendable {
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
    package struct ChainedInvokeSucceededDetails: WireEncodable, Sendable {
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
    package struct ChainedInvokeTimedOutDetails: WireEncodable, Sendable {
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
    package struct CheckpointDurableExecutionRequest: WireDecodable, Sendable {
        package var durableExecutionArn: String
        package var checkpointToken: String
        package var updates: [OperationUpdate]?
        package var clientToken: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            durableExecutionArn = try members.required("DurableExecutionArn")
            checkpointToken = try members.required("CheckpointToken")
            updates = try members.optional("Updates")
            clientToken = try members.optional("ClientToken")
        }
    }
}

extension API {
    package struct CheckpointDurableExecutionResponse: WireEncodable, Sendable {
        package var checkpointToken: String?
        package var newExecutionState: CheckpointUpdatedExecutionState

        package init(checkpointToken: String? = nil, newExecutionState: CheckpointUpdatedExecutionState) {
            self.checkpointToken = checkpointToken
            self.newExecutionState = newExecutionState
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CheckpointToken"] = checkpointToken?.wire
            members["NewExecutionState"] = newExecutionState.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CheckpointUpdatedExecutionState: WireEncodable, Sendable {
        package var operations: [Operation]?
        package var nextMarker: String?

        package init(operations: [Operation]? = nil, nextMarker: String? = nil) {
            self.operations = operations
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Operations"] = operations?.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CodeSigningConfig: WireEncodable, Sendable {
        package var codeSigningConfigId: String
        package var codeSigningConfigArn: String
        package var description: String?
        package var allowedPublishers: AllowedPublishers
        package var codeSigningPolicies: CodeSigningPolicies
        package var lastModified: String

        package init(
            codeSigningConfigId: String,
            codeSigningConfigArn: String,
            description: String? = nil,
            allowedPublishers: AllowedPublishers,
            codeSigningPolicies: CodeSigningPolicies,
            lastModified: String
        ) {
            self.codeSigningConfigId = codeSigningConfigId
            self.codeSigningConfigArn = codeSigningConfigArn
            self.description = description
            self.allowedPublishers = allowedPublishers
            self.codeSigningPolicies = codeSigningPolicies
            self.lastModified = lastModified
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CodeSigningConfigId"] = codeSigningConfigId.wire
            members["CodeSigningConfigArn"] = codeSigningConfigArn.wire
            members["Description"] = description?.wire
            members["AllowedPublishers"] = allowedPublishers.wire
            members["CodeSigningPolicies"] = codeSigningPolicies.wire
            members["LastModified"] = lastModified.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CodeSigningPolicies: WireDecodable, WireEncodable, Sendable {
        package var untrustedArtifactOnDeployment: String?

        package init(untrustedArtifactOnDeployment: String? = nil) {
            self.untrustedArtifactOnDeployment = untrustedArtifactOnDeployment
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            untrustedArtifactOnDeployment = try members.optional("UntrustedArtifactOnDeployment")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["UntrustedArtifactOnDeployment"] = untrustedArtifactOnDeployment?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Concurrency: WireEncodable, Sendable {
        package var reservedConcurrentExecutions: Int?

        package init(reservedConcurrentExecutions: Int? = nil) {
            self.reservedConcurrentExecutions = reservedConcurrentExecutions
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ReservedConcurrentExecutions"] = reservedConcurrentExecutions?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ContextDetails: WireEncodable, Sendable {
        package var replayChildren: Bool?
        package var result: String?
        package var error: ErrorObject?

        package init(replayChildren: Bool? = nil, result: String? = nil, error: ErrorObject? = nil) {
            self.replayChildren = replayChildren
            self.result = result
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ReplayChildren"] = replayChildren?.wire
            members["Result"] = result?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ContextFailedDetails: WireEncodable, Sendable {
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
    package struct ContextOptions: WireDecodable, Sendable {
        package var replayChildren: Bool?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            replayChildren = try members.optional("ReplayChildren")
        }
    }
}

extension API {
    package struct ContextStartedDetails: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct ContextSucceededDetails: WireEncodable, Sendable {
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
    package struct Cors: WireDecodable, WireEncodable, Sendable {
        package var allowCredentials: Bool?
        package var allowHeaders: [String]?
        package var allowMethods: [String]?
        package var allowOrigins: [String]?
        package var exposeHeaders: [String]?
        package var maxAge: Int?

        package init(
            allowCredentials: Bool? = nil,
            allowHeaders: [String]? = nil,
            allowMethods: [String]? = nil,
            allowOrigins: [String]? = nil,
            exposeHeaders: [String]? = nil,
            maxAge: Int? = nil
        ) {
            self.allowCredentials = allowCredentials
            self.allowHeaders = allowHeaders
            self.allowMethods = allowMethods
            self.allowOrigins = allowOrigins
            self.exposeHeaders = exposeHeaders
            self.maxAge = maxAge
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            allowCredentials = try members.optional("AllowCredentials")
            allowHeaders = try members.optional("AllowHeaders")
            allowMethods = try members.optional("AllowMethods")
            allowOrigins = try members.optional("AllowOrigins")
            exposeHeaders = try members.optional("ExposeHeaders")
            maxAge = try members.optional("MaxAge")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["AllowCredentials"] = allowCredentials?.wire
            members["AllowHeaders"] = allowHeaders?.wire
            members["AllowMethods"] = allowMethods?.wire
            members["AllowOrigins"] = allowOrigins?.wire
            members["ExposeHeaders"] = exposeHeaders?.wire
            members["MaxAge"] = maxAge?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CreateAliasRequest: WireDecodable, Sendable {
        package var functionName: String
        package var name: String
        package var functionVersion: String
        package var description: String?
        package var routingConfig: AliasRoutingConfiguration?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            name = try members.required("Name")
            functionVersion = try members.required("FunctionVersion")
            description = try members.optional("Description")
            routingConfig = try members.optional("RoutingConfig")
        }
    }
}

extension API {
    package struct CreateCapacityProviderRequest: WireDecodable, Sendable {
        package var capacityProviderName: String
        package var vpcConfig: CapacityProviderVpcConfig
        package var permissionsConfig: CapacityProviderPermissionsConfig
        package var instanceRequirements: InstanceRequirements?
        package var capacityProviderScalingConfig: CapacityProviderScalingConfig?
        package var kmsKeyArn: String?
        package var tags: [String: String]?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderName = try members.required("CapacityProviderName")
            vpcConfig = try members.required("VpcConfig")
            permissionsConfig = try members.required("PermissionsConfig")
            instanceRequirements = try members.optional("InstanceRequirements")
            capacityProviderScalingConfig = try members.optional("CapacityProviderScalingConfig")
            kmsKeyArn = try members.optional("KmsKeyArn")
            tags = try members.optional("Tags")
        }
    }
}

extension API {
    package struct CreateCapacityProviderResponse: WireEncodable, Sendable {
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
