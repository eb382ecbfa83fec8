// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct ListCodeSigningConfigsResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var codeSigningConfigs: [CodeSigningConfig]?

        package init(nextMarker: String? = nil, codeSigningConfigs: [CodeSigningConfig]? = nil) {
            self.nextMarker = nextMarker
            self.codeSigningConfigs = codeSigningConfigs
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["CodeSigningConfigs"] = codeSigningConfigs?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListDurableExecutionsByFunctionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var qualifier: String?
        package var durableExecutionName: String?
        package var statuses: [String]?
        package var startedAfter: Timestamp?
        package var startedBefore: Timestamp?
        package var reverseOrder: Bool?
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            qualifier = try members.optional("Qualifier")
            durableExecutionName = try members.optional("DurableExecutionName")
            statuses = try members.optional("Statuses")
            startedAfter = try members.optional("StartedAfter")
            startedBefore = try members.optional("StartedBefore")
            reverseOrder = try members.optional("ReverseOrder")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListDurableExecutionsByFunctionResponse: WireEncodable, Sendable {
        package var durableExecutions: [Execution]?
        package var nextMarker: String?

        package init(durableExecutions: [Execution]? = nil, nextMarker: String? = nil) {
            self.durableExecutions = durableExecutions
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["DurableExecutions"] = durableExecutions?.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListEventSourceMappingsRequest: WireDecodable, Sendable {
        package var eventSourceArn: String?
        package var functionName: String?
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            eventSourceArn = try members.optional("EventSourceArn")
            functionName = try members.optional("FunctionName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListEventSourceMappingsResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var eventSourceMappings: [EventSourceMappingConfiguration]?

        package init(nextMarker: String? = nil, eventSourceMappings: [EventSourceMappingConfiguration]? = nil) {
            self.nextMarker = nextMarker
            self.eventSourceMappings = eventSourceMappings
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["EventSourceMappings"] = eventSourceMappings?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListFunctionEventInvokeConfigsRequest: WireDecodable, Sendable {
        package var functionName: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListFunctionEventInvokeConfigsResponse: WireEncodable, Sendable {
        package var functionEventInvokeConfigs: [FunctionEventInvokeConfig]?
        package var nextMarker: String?

        package init(functionEventInvokeConfigs: [FunctionEventInvokeConfig]? = nil, nextMarker: String? = nil) {
            self.functionEventInvokeConfigs = functionEventInvokeConfigs
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionEventInvokeConfigs"] = functionEventInvokeConfigs?.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListFunctionUrlConfigsRequest: WireDecodable, Sendable {
        package var functionName: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListFunctionUrlConfigsResponse: WireEncodable, Sendable {
        package var functionUrlConfigs: [FunctionUrlConfig]
        package var nextMarker: String?

        package init(functionUrlConfigs: [FunctionUrlConfig], nextMarker: String? = nil) {
            self.functionUrlConfigs = functionUrlConfigs
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["FunctionUrlConfigs"] = functionUrlConfigs.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListFunctionVersionsByCapacityProviderRequest: WireDecodable, Sendable {
        package var capacityProviderName: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderName = try members.required("CapacityProviderName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListFunctionVersionsByCapacityProviderResponse: WireEncodable, Sendable {
        package var capacityProviderArn: String
        package var functionVersions: [FunctionVersionsByCapacityProviderListItem]
        package var nextMarker: String?

        package init(
            capacityProviderArn: String,
            functionVersions: [FunctionVersionsByCapacityProviderListItem],
            nextMarker: String? = nil
        ) {
            self.capacityProviderArn = capacityProviderArn
            self.functionVersions = functionVersions
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProviderArn"] = capacityProviderArn.wire
            members["FunctionVersions"] = functionVersions.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListFunctionsByCodeSigningConfigRequest: WireDecodable, Sendable {
        package var codeSigningConfigArn: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            codeSigningConfigArn = try members.required("CodeSigningConfigArn")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListFunctionsByCodeSigningConfigResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var functionArns: [String]?

        package init(nextMarker: String? = nil, functionArns: [String]? = nil) {
            self.nextMarker = nextMarker
            self.functionArns = functionArns
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["FunctionArns"] = functionArns?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListFunctionsRequest: WireDecodable, Sendable {
        package var masterRegion: String?
        package var functionVersion: String?
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            masterRegion = try members.optional("MasterRegion")
            functionVersion = try members.optional("FunctionVersion")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListFunctionsResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var functions: [FunctionConfiguration]?

        package init(nextMarker: String? = nil, functions: [FunctionConfiguration]? = nil) {
            self.nextMarker = nextMarker
            self.functions = functions
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["Functions"] = functions?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListLayerVersionsRequest: WireDecodable, Sendable {
        package var compatibleRuntime: String?
        package var layerName: String
        package var marker: String?
        package var maxItems: Int?
        package var compatibleArchitecture: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            compatibleRuntime = try members.optional("CompatibleRuntime")
            layerName = try members.required("LayerName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
            compatibleArchitecture = try members.optional("CompatibleArchitecture")
        }
    }
}

extension API {
    package struct ListLayerVersionsResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var layerVersions: [LayerVersionsListItem]?

        package init(nextMarker: String? = nil, layerVersions: [LayerVersionsListItem]? = nil) {
            self.nextMarker = nextMarker
            self.layerVersions = layerVersions
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["LayerVersions"] = layerVersions?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListLayersRequest: WireDecodable, Sendable {
        package var compatibleRuntime: String?
        package var marker: String?
        package var maxItems: Int?
        package var compatibleArchitecture: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            compatibleRuntime = try members.optional("CompatibleRuntime")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
            compatibleArchitecture = try members.optional("CompatibleArchitecture")
        }
    }
}

extension API {
    package struct ListLayersResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var layers: [LayersListItem]?

        package init(nextMarker: String? = nil, layers: [LayersListItem]? = nil) {
            self.nextMarker = nextMarker
            self.layers = layers
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["Layers"] = layers?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListProvisionedConcurrencyConfigsRequest: WireDecodable, Sendable {
        package var functionName: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListProvisionedConcurrencyConfigsResponse: WireEncodable, Sendable {
        package var provisionedConcurrencyConfigs: [ProvisionedConcurrencyConfigListItem]?
        package var nextMarker: String?

        package init(
            provisionedConcurrencyConfigs: [ProvisionedConcurrencyConfigListItem]? = nil,
            nextMarker: String? = nil
        ) {
            self.provisionedConcurrencyConfigs = provisionedConcurrencyConfigs
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ProvisionedConcurrencyConfigs"] = provisionedConcurrencyConfigs?.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListTagsRequest: WireDecodable, Sendable {
        package var resource: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            resource = try members.required("Resource")
        }
    }
}

extension API {
    package struct ListTagsResponse: WireEncodable, Sendable {
        package var tags: [String: String]?

        package init(tags: [String: String]? = nil) {
            self.tags = tags
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Tags"] = tags?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListVersionsByFunctionRequest: WireDecodable, Sendable {
        package var functionName: String
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListVersionsByFunctionResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var versions: [FunctionConfiguration]?

        package init(nextMarker: String? = nil, versions: [FunctionConfiguration]? = nil) {
            self.nextMarker = nextMarker
            self.versions = versions
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["Versions"] = versions?.wire
            return .object(members)
        }
    }
}
