// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct PutProvisionedConcurrencyConfigResponse: WireEncodable, Sendable {
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
    package struct PutRuntimeManagementConfigRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?
        package var updateRuntimeOn: String
        package var runtimeVersionArn: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
            updateRuntimeOn = try members.required("UpdateRuntimeOn")
            runtimeVersionArn = try members.optional("RuntimeVersionArn")
        }
    }
}

extension API {
    package struct PutRuntimeManagementConfigResponse: WireEncodable, Sendable {
        package var updateRuntimeOn: String
        package var functionArn: String
        package var runtimeVersionArn: String?

        package init(updateRuntimeOn: String, functionArn: String, runtimeVersionArn: String? = nil) {
            self.updateRuntimeOn = updateRuntimeOn
            self.functionArn = functionArn
            self.runtimeVersionArn = runtimeVersionArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["UpdateRuntimeOn"] = updateRuntimeOn.wire
            members["FunctionArn"] = functionArn.wire
            members["RuntimeVersionArn"] = runtimeVersionArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct RemoveLayerVersionPermissionRequest: WireDecodable, Sendable {
        package var layerName: String
        package var versionNumber: Int
        package var statementId: String
        package var revisionId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            layerName = try members.required("LayerName")
            versionNumber = try members.required("VersionNumber")
            statementId = try members.required("StatementId")
            revisionId = try members.optional("RevisionId")
        }
    }
}

extension API {
    package struct RemovePermissionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var statementId: String
        package var qualifier: String?
        package var revisionId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            statementId = try members.required("StatementId")
            qualifier = try members.optional("Qualifier")
            revisionId = try members.optional("RevisionId")
        }
    }
}

extension API {
    package struct RetryDetails: WireEncodable, Sendable {
        package var currentAttempt: Int?
        package var nextAttemptDelaySeconds: Int?

        package init(currentAttempt: Int? = nil, nextAttemptDelaySeconds: Int? = nil) {
            self.currentAttempt = currentAttempt
            self.nextAttemptDelaySeconds = nextAttemptDelaySeconds
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CurrentAttempt"] = currentAttempt?.wire
            members["NextAttemptDelaySeconds"] = nextAttemptDelaySeconds?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct RuntimeVersionConfig: WireEncodable, Sendable {
        package var runtimeVersionArn: String?
        package var error: RuntimeVersionError?

        package init(runtimeVersionArn: String? = nil, error: RuntimeVersionError? = nil) {
            self.runtimeVersionArn = runtimeVersionArn
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["RuntimeVersionArn"] = runtimeVersionArn?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct RuntimeVersionError: WireEncodable, Sendable {
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
    package struct ScalingConfig: WireDecodable, WireEncodable, Sendable {
        package var maximumConcurrency: Int?

        package init(maximumConcurrency: Int? = nil) {
            self.maximumConcurrency = maximumConcurrency
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            maximumConcurrency = try members.optional("MaximumConcurrency")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["MaximumConcurrency"] = maximumConcurrency?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct SelfManagedEventSource: WireDecodable, WireEncodable, Sendable {
        package var endpoints: [String: [String]]?

        package init(endpoints: [String: [String]]? = nil) {
            self.endpoints = endpoints
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            endpoints = try members.optional("Endpoints")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Endpoints"] = endpoints?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct SelfManagedKafkaEventSourceConfig: WireDecodable, WireEncodable, Sendable {
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
    package struct SendDurableExecutionCallbackFailureRequest: WireDecodable, Sendable {
        package var callbackId: String
        package var error: ErrorObject?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            callbackId = try members.required("CallbackId")
            error = try members.optional("Error")
        }
    }
}

extension API {
    package struct SendDurableExecutionCallbackFailureResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct SendDurableExecutionCallbackHeartbeatRequest: WireDecodable, Sendable {
        package var callbackId: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            callbackId = try members.required("CallbackId")
        }
    }
}

extension API {
    package struct SendDurableExecutionCallbackHeartbeatResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct SendDurableExecutionCallbackSuccessRequest: WireDecodable, Sendable {
        package var callbackId: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            callbackId = try members.required("CallbackId")
        }
    }
}

extension API {
    package struct SendDurableExecutionCallbackSuccessResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct SnapStart: WireDecodable, Sendable {
        package var applyOn: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            applyOn = try members.optional("ApplyOn")
        }
    }
}

extension API {
    package struct SnapStartResponse: WireEncodable, Sendable {
        package var applyOn: String?
        package var optimizationStatus: String?

        package init(applyOn: String? = nil, optimizationStatus: String? = nil) {
            self.applyOn = applyOn
            self.optimizationStatus = optimizationStatus
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ApplyOn"] = applyOn?.wire
            members["OptimizationStatus"] = optimizationStatus?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct SourceAccessConfiguration: WireDecodable, WireEncodable, Sendable {
        package var type: String?
        package var uri: String?

        package init(type: String? = nil, uri: String? = nil) {
            self.type = type
            self.uri = uri
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            type = try members.optional("Type")
            uri = try members.optional("URI")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Type"] = type?.wire
            members["URI"] = uri?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct StepDetails: WireEncodable, Sendable {
        package var attempt: Int?
        package var nextAttemptTimestamp: Timestamp?
        package var result: String?
        package var error: ErrorObject?

        package init(
            attempt: Int? = nil,
            nextAttemptTimestamp: Timestamp? = nil,
            result: String? = nil,
            error: ErrorObject? = nil
        ) {
            self.attempt = attempt
            self.nextAttemptTimestamp = nextAttemptTimestamp
            self.result = result
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Attempt"] = attempt?.wire
            members["NextAttemptTimestamp"] = nextAttemptTimestamp?.wire
            members["Result"] = result?.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct StepFailedDetails: WireEncodable, Sendable {
        package var error: EventError
        package var retryDetails: RetryDetails

        package init(error: EventError, retryDetails: RetryDetails) {
            self.error = error
            self.retryDetails = retryDetails
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Error"] = error.wire
            members["RetryDetails"] = retryDetails.wire
            return .object(members)
        }
    }
}

extension API {
    package struct StepOptions: WireDecodable, Sendable {
        package var nextAttemptDelaySeconds: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            nextAttemptDelaySeconds = try members.optional("NextAttemptDelaySeconds")
        }
    }
}

extension API {
    package struct StepStartedDetails: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct StepSucceededDetails: WireEncodable, Sendable {
        package var result: EventResult
        package var retryDetails: RetryDetails

        package init(result: EventResult, retryDetails: RetryDetails) {
            self.result = result
            self.retryDetails = retryDetails
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Result"] = result.wire
            members["RetryDetails"] = retryDetails.wire
            return .object(members)
        }
    }
}
