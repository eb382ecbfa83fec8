// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct FunctionEventInvokeConfig: WireEncodable, Sendable {
        package var lastModified: Timestamp?
        package var functionArn: String?
        package var maximumRetryAttempts: Int?
        package var maximumEventAgeInSeconds: Int?
        package var destinationConfig: DestinationConfig?

        package init(
            lastModified: Timestamp? = nil,
            functionArn: String? = nil,
            maximumRetryAttempts: Int? = nil,
            maximumEventAgeInSeconds: Int? = nil,
            destinationConfig: DestinationConfig? = nil
        ) {
            self.lastModified = lastModified
            self.functionArn = functionArn
            self.maximumRetryAttempts = maximumRetryAttempts
            self.maximumEventAgeInSeconds = maximumEventAgeInSeconds
            self.destinationConfig = destinationConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["LastModified"] = lastModified?.wire
            members["FunctionArn"] = functionArn?.wire
            members["MaximumRetryAttempts"] = maximumRetryAttempts?.wire
            members["MaximumEventAgeInSeconds"] = maximumEventAgeInSeconds?.wire
            members["DestinationConfig"] = destinationConfig?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FunctionScalingConfig: WireDecodable, WireEncodable, Sendable {
        package var minExecutionEnvironments: Int?
        package var maxExecutionEnvironments: Int?

        package init(minExecutionEnvironments: Int? = nil, maxExecutionEnvironments: Int? = nil) {
            self.minExecutionEnvironments = minExecutionEnvironments
            self.maxExecutionEnvironments = maxExecutionEnvironments
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            minExecutionEnvironments = try members.optional("MinExecutionEnvironments")
            maxExecutionEnvironments = try members.optional("MaxExecutionEnvironments")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["MinExecutionEnvironments"] = minExecutionEnvironments?.wire
            members["MaxExecutionEnvironments"] = maxExecutionEnvironments?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FunctionUrlConfig: WireEncodable, Sendable {
        package var functionUrl: String
        package var functionArn: String
        package var creationTime: String
        package var lastModifiedTime: String
        package var cors: Cors?
        package var authType: String
        package var invokeMode: String?

        package init(
            functionUrl: String,
            functionArn: String,
            creationTime: String,
            lastModifiedTime: String,
            cors: Cors? = nil,
            authType: String,
            invokeMode: String? = nil
        ) {
            self.functionUrl = functionUrl
            self.functionArn = functionArn
            self.creationTime = creationTime
            self.lastModifiedTime = lastModifiedTime
            self.cors = cors
            self.authType = authType
            self.invokeMode = invokeMode
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionUrl"] = functionUrl.wire
            members["FunctionArn"] = functionArn.wire
            members["CreationTime"] = creationTime.wire
            members["LastModifiedTime"] = lastModifiedTime.wire
            members["Cors"] = cors?.wire
            members["AuthType"] = authType.wire
            members["InvokeMode"] = invokeMode?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct FunctionVersionsByCapacityProviderListItem: WireEncodable, Sendable {
        package var functionArn: String
        package var state: String

        package init(functionArn: String, state: String) {
            self.functionArn = functionArn
            self.state = state
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionArn"] = functionArn.wire
            members["State"] = state.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetAccountSettingsRequest: WireDecodable, Sendable {

        package init(wire: JSONValue) throws(LambdaError) {
        }
    }
}

extension API {
    package struct GetAccountSettingsResponse: WireEncodable, Sendable {
        package var accountLimit: AccountLimit?
        package var accountUsage: AccountUsage?

        package init(accountLimit: AccountLimit? = nil, accountUsage: AccountUsage? = nil) {
            self.accountLimit = accountLimit
            self.accountUsage = accountUsage
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["AccountLimit"] = accountLimit?.wire
            members["AccountUsage"] = accountUsage?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetAliasRequest: WireDecodable, Sendable {
        package var functionName: String
        package var name: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            name = try members.required("Name")
        }
    }
}

extension API {
    package struct GetCapacityProviderRequest: WireDecodable, Sendable {
        package var capacityProviderName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderName = try members.required("CapacityProviderName")
        }
    }
}

extension API {
    package struct GetCapacityProviderResponse: WireEncodable, Sendable {
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

extension API {
    package struct GetCodeSigningConfigRequest: WireDecodable, Sendable {
        package var codeSigningConfigArn: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            codeSigningConfigArn = try members.required("CodeSigningConfigArn")
        }
    }
}

extension API {
    package struct GetCodeSigningConfigResponse: WireEncodable, Sendable {
        package var codeSigningConfig: CodeSigningConfig

        package init(codeSigningConfig: CodeSigningConfig) {
            self.codeSigningConfig = codeSigningConfig
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CodeSigningConfig"] = codeSigningConfig.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetDurableExecutionHistoryRequest: WireDecodable, Sendable {
        package var durableExecutionArn: String
        package var includeExecutionData: Bool?
        package var maxItems: Int?
        package var marker: String?
        package var reverseOrder: Bool?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            durableExecutionArn = try members.required("DurableExecutionArn")
            includeExecutionData = try members.optional("IncludeExecutionData")
            maxItems = try members.optional("MaxItems")
            marker = try members.optional("Marker")
            reverseOrder = try members.optional("ReverseOrder")
        }
    }
}

extension API {
    package struct GetDurableExecutionHistoryResponse: WireEncodable, Sendable {
        package var events: [Event]
        package var nextMarker: String?

        package init(events: [Event], nextMarker: String? = nil) {
            self.events = events
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Events"] = events.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetDurableExecutionRequest: WireDecodable, Sendable {
        package var durableExecutionArn: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            durableExecutionArn = try members.required("DurableExecutionArn")
        }
    }
}

extension API {
    package struct GetDurableExecutionResponse: WireEncodable, Sendable {
        package var durableExecutionArn: String
        package var durableExecutionName: String
        package var functionArn: String
        package var inputPayload: String?
        package var result: String?
        package var error: ErrorObject?
        package var startTimestamp: Timestamp
        package var status: String
        package var endTimestamp: Timestamp?
        package var version: String?
        package var traceHeader: TraceHeader?

        package init(
            durableExecutionArn: String,
            durableExecutionName: String,
            functionArn: String,
            inputPayload: String? = nil,
            result: String? = nil,
            error: ErrorObject? = nil,
            startTimestamp: Timestamp,
            status: String,
            endTimestamp: Timestamp? = nil,
            version: String? = nil,
            traceHeader: TraceHeader? = nil
        ) {
            self.durableExecutionArn = durableExecutionArn
            self.durableExecutionName = durableExecutionName
            self.functionArn = functionArn
            self.inputPayload = inputPayload
            self.result = result
            self.error = error
            self.startTimestamp = startTimestamp
            self.status = status
            self.endTimestamp = endTimestamp
            self.version = version
            self.traceHeader = traceHeader
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["DurableExecutionArn"] = durableExecutionArn.wire
            members["DurableExecutionName"] = durableExecutionName.wire
            members["FunctionArn"] = functionArn.wire
            members["InputPayload"] = inputPayload?.wire
            members["Result"] = result?.wire
            members["Error"] = error?.wire
            members["StartTimestamp"] = startTimestamp.wire
            members["Status"] = status.wire
            members["EndTimestamp"] = endTimestamp?.wire
            members["Version"] = version?.wire
            members["TraceHeader"] = traceHeader?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetDurableExecutionStateRequest: WireDecodable, Sendable {
        package var durableExecutionArn: String
        package var checkpointToken: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            durableExecutionArn = try members.required("DurableExecutionArn")
            checkpointToken = try members.required("CheckpointToken")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct GetDurableExecutionStateResponse: WireEncodable, Sendable {
        package var operations: [Operation]
        package var nextMarker: String?

        package init(operations: [Operation], nextMarker: String? = nil) {
            self.operations = operations
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Operations"] = operations.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct GetEventSourceMappingRequest: WireDecodable, Sendable {
        package var uuid: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            uuid = try members.required("UUID")
        }
    }
}

extension API {
    package struct GetFunctionCodeSigningConfigRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct GetFunctionCodeSigningConfigResponse: WireEncodable, Sendable {
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
    package struct GetFunctionConcurrencyRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct GetFunctionConcurrencyResponse: WireEncodable, Sendable {
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
    package struct GetFunctionConfigurationRequest: WireDecodable, Sendable {
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
    package struct GetFunctionEventInvokeConfigRequest: WireDecodable, Sendable {
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
    package struct GetFunctionRecursionConfigRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}
