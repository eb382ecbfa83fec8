// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct AccountLimit: WireEncodable, Sendable {
        package var totalCodeSize: Int?
        package var codeSizeUnzipped: Int?
        package var codeSizeZipped: Int?
        package var concurrentExecutions: Int?
        package var unreservedConcurrentExecutions: Int?

        package init(
            totalCodeSize: Int? = nil,
            codeSizeUnzipped: Int? = nil,
            codeSizeZipped: Int? = nil,
            concurrentExecutions: Int? = nil,
            unreservedConcurrentExecutions: Int? = nil
        ) {
            self.totalCodeSize = totalCodeSize
            self.codeSizeUnzipped = codeSizeUnzipped
            self.codeSizeZipped = codeSizeZipped
            self.concurrentExecutions = concurrentExecutions
            self.unreservedConcurrentExecutions = unreservedConcurrentExecutions
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["TotalCodeSize"] = totalCodeSize?.wire
            members["CodeSizeUnzipped"] = codeSizeUnzipped?.wire
            members["CodeSizeZipped"] = codeSizeZipped?.wire
            members["ConcurrentExecutions"] = concurrentExecutions?.wire
            members["UnreservedConcurrentExecutions"] = unreservedConcurrentExecutions?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AccountUsage: WireEncodable, Sendable {
        package var totalCodeSize: Int?
        package var functionCount: Int?

        package init(totalCodeSize: Int? = nil, functionCount: Int? = nil) {
            self.totalCodeSize = totalCodeSize
            self.functionCount = functionCount
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["TotalCodeSize"] = totalCodeSize?.wire
            members["FunctionCount"] = functionCount?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AddLayerVersionPermissionRequest: WireDecodable, Sendable {
        package var layerName: String
        package var versionNumber: Int
        package var statementId: String
        package var action: String
        package var principal: String
        package var organizationId: String?
        package var revisionId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            layerName = try members.required("LayerName")
            versionNumber = try members.required("VersionNumber")
            statementId = try members.required("StatementId")
            action = try members.required("Action")
            principal = try members.required("Principal")
            organizationId = try members.optional("OrganizationId")
            revisionId = try members.optional("RevisionId")
        }
    }
}

extension API {
    package struct AddLayerVersionPermissionResponse: WireEncodable, Sendable {
        package var statement: String?
        package var revisionId: String?

        package init(statement: String? = nil, revisionId: String? = nil) {
            self.statement = statement
            self.revisionId = revisionId
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Statement"] = statement?.wire
            members["RevisionId"] = revisionId?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AddPermissionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var statementId: String
        package var action: String
        package var principal: String
        package var sourceArn: String?
        package var sourceAccount: String?
        package var eventSourceToken: String?
        package var qualifier: String?
        package var revisionId: String?
        package var principalOrgID: String?
        package var functionUrlAuthType: String?
        package var invokedViaFunctionUrl: Bool?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            statementId = try members.required("StatementId")
            action = try members.required("Action")
            principal = try members.required("Principal")
            sourceArn = try members.optional("SourceArn")
            sourceAccount = try members.optional("SourceAccount")
            eventSourceToken = try members.optional("EventSourceToken")
            qualifier = try members.optional("Qualifier")
            revisionId = try members.optional("RevisionId")
            principalOrgID = try members.optional("PrincipalOrgID")
            functionUrlAuthType = try members.optional("FunctionUrlAuthType")
            invokedViaFunctionUrl = try members.optional("InvokedViaFunctionUrl")
        }
    }
}

extension API {
    package struct AddPermissionResponse: WireEncodable, Sendable {
        package var statement: String?

        package init(statement: String? = nil) {
            self.statement = statement
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Statement"] = statement?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AliasConfiguration: WireEncodable, Sendable {
        package var aliasArn: String?
        package var name: String?
        package var functionVersion: String?
        package var description: String?
        package var routingConfig: AliasRoutingConfiguration?
        package var revisionId: String?

        package init(
            aliasArn: String? = nil,
            name: String? = nil,
            functionVersion: String? = nil,
            description: String? = nil,
            routingConfig: AliasRoutingConfiguration? = nil,
            revisionId: String? = nil
        ) {
            self.aliasArn = aliasArn
            self.name = name
            self.functionVersion = functionVersion
            self.description = description
            self.routingConfig = routingConfig
            self.revisionId = revisionId
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["AliasArn"] = aliasArn?.wire
            members["Name"] = name?.wire
            members["FunctionVersion"] = functionVersion?.wire
            members["Description"] = description?.wire
            members["RoutingConfig"] = routingConfig?.wire
            members["RevisionId"] = revisionId?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AliasRoutingConfiguration: WireDecodable, WireEncodable, Sendable {
        package var additionalVersionWeights: [String: Double]?

        package init(additionalVersionWeights: [String: Double]? = nil) {
            self.additionalVersionWeights = additionalVersionWeights
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            additionalVersionWeights = try members.optional("AdditionalVersionWeights")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["AdditionalVersionWeights"] = additionalVersionWeights?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AllowedPublishers: WireDecodable, WireEncodable, Sendable {
        package var signingProfileVersionArns: [String]

        package init(signingProfileVersionArns: [String]) {
            self.signingProfileVersionArns = signingProfileVersionArns
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            signingProfileVersionArns = try members.required("SigningProfileVersionArns")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["SigningProfileVersionArns"] = signingProfileVersionArns.wire
            return .object(members)
        }
    }
}

extension API {
    package struct AmazonManagedKafkaEventSourceConfig: WireDecodable, WireEncodable, Sendable {
        package var consumerGroupId: String?
        package var schemaRegistryConfig: KafkaSchemaRegistryConfig?

        package init(consumerGroupId: String? = nil, schemaRegistryConfig: KafkaSchemaRegistryConfig? = nil) {
            self.consumerGroupId = consumerGroupId
            self.schemaRegistryConfig = schemaRegistryConfig
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            consumerGroupId = try members.optional("ConsumerGroupId")
            schemaRegistryConfig = try members.optional("SchemaRegistryConfig")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ConsumerGroupId"] = consumerGroupId?.wire
            members["SchemaRegistryConfig"] = schemaRegistryConfig?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CallbackDetails: WireEncodable, Sendable {
        package var callbackId: String?
        package var result: String?
        package var error: ErrorObject?

        package init(callbackId: String? = nil, result: String? = nil, error: ErrorObject? = nil) {
            self.callbackId = callbackId
            self.result = result
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CallbackId"] = callbackId?.wire
            members["Result"] = result?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CallbackFailedDetails: WireEncodable, Sendable {
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
    package struct CallbackOptions: WireDecodable, Sendable {
        package var timeoutSeconds: Int?
        package var heartbeatTimeoutSeconds: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            timeoutSeconds = try members.optional("TimeoutSeconds")
            heartbeatTimeoutSeconds = try members.optional("HeartbeatTimeoutSeconds")
        }
    }
}

extension API {
    package struct CallbackStartedDetails: WireEncodable, Sendable {
        package var callbackId: String
        package var heartbeatTimeout: Int?
        package var timeout: Int?

        package init(callbackId: String, heartbeatTimeout: Int? = nil, timeout: Int? = nil) {
            self.callbackId = callbackId
            self.heartbeatTimeout = heartbeatTimeout
            self.timeout = timeout
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CallbackId"] = callbackId.wire
            members["HeartbeatTimeout"] = heartbeatTimeout?.wire
            members["Timeout"] = timeout?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CallbackSucceededDetails: WireEncodable, Sendable {
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
    package struct CallbackTimedOutDetails: WireEncodable, Sendable {
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
    package struct CapacityProvider: WireEncodable, Sendable {
        package var capacityProviderArn: String
        package var state: String
        package var vpcConfig: CapacityProviderVpcConfig
        package var permissionsConfig: CapacityProviderPermissionsConfig
        package var instanceRequirements: InstanceRequirements?
        package var capacityProviderScalingConfig: CapacityProviderScalingConfig?
        package var kmsKeyArn: String?
        package var lastModified: String?

        package init(
            capacityProviderArn: String,
            state: String,
            vpcConfig: CapacityProviderVpcConfig,
            permissionsConfig: CapacityProviderPermissionsConfig,
            instanceRequirements: InstanceRequirements? = nil,
            capacityProviderScalingConfig: CapacityProviderScalingConfig? = nil,
            kmsKeyArn: String? = nil,
            lastModified: String? = nil
        ) {
            self.capacityProviderArn = capacityProviderArn
            self.state = state
            self.vpcConfig = vpcConfig
            self.permissionsConfig = permissionsConfig
            self.instanceRequirements = instanceRequirements
            self.capacityProviderScalingConfig = capacityProviderScalingConfig
            self.kmsKeyArn = kmsKeyArn
            self.lastModified = lastModified
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProviderArn"] = capacityProviderArn.wire
            members["State"] = state.wire
            members["VpcConfig"] = vpcConfig.wire
            members["PermissionsConfig"] = permissionsConfig.wire
            members["InstanceRequirements"] = instanceRequirements?.wire
            members["CapacityProviderScalingConfig"] = capacityProviderScalingConfig?.wire
            members["KmsKeyArn"] = kmsKeyArn?.wire
            members["LastModified"] = lastModified?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CapacityProviderConfig: WireDecodable, WireEncodable, Sendable {
        package var lambdaManagedInstancesCapacityProviderConfig: LambdaManagedInstancesCapacityProviderConfig

        package init(lambdaManagedInstancesCapacityProviderConfig: LambdaManagedInstancesCapacityProviderConfig) {
            self.lambdaManagedInstancesCapacityProviderConfig = lambdaManagedInstancesCapacityProviderConfig
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            lambdaManagedInstancesCapacityProviderConfig = try members.required(
                "LambdaManagedInstancesCapacityProviderConfig"
            )
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["LambdaManagedInstancesCapacityProviderConfig"] = lambdaManagedInstancesCapacityProviderConfig.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CapacityProviderPermissionsConfig: WireDecodable, WireEncodable, Sendable {
        package var capacityProviderOperatorRoleArn: String

        package init(capacityProviderOperatorRoleArn: String) {
            self.capacityProviderOperatorRoleArn = capacityProviderOperatorRoleArn
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderOperatorRoleArn = try members.required("CapacityProviderOperatorRoleArn")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProviderOperatorRoleArn"] = capacityProviderOperatorRoleArn.wire
            return .object(members)
        }
    }
}

extension API {
    package struct CapacityProviderScalingConfig: WireDecodable, WireEncodable, Sendable {
        package var maxVCpuCount: Int?
        package var scalingMode: String?
        package var scalingPolicies: [TargetTrackingScalingPolicy]?

        package init(
            maxVCpuCount: Int? = nil,
            scalingMode: String? = nil,
            scalingPolicies: [TargetTrackingScalingPolicy]? = nil
        ) {
            self.maxVCpuCount = maxVCpuCount
            self.scalingMode = scalingMode
            self.scalingPolicies = scalingPolicies
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            maxVCpuCount = try members.optional("MaxVCpuCount")
            scalingMode = try members.optional("ScalingMode")
            scalingPolicies = try members.optional("ScalingPolicies")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["MaxVCpuCount"] = maxVCpuCount?.wire
            members["ScalingMode"] = scalingMode?.wire
            members["ScalingPolicies"] = scalingPolicies?.wire
            return .object(members)
        }
    }
}
