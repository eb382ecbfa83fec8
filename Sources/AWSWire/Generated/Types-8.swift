// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct InvocationCompletedDetails: WireEncodable, Sendable {
        package var startTimestamp: Timestamp
        package var endTimestamp: Timestamp
        package var requestId: String
        package var error: EventError?

        package init(startTimestamp: Timestamp, endTimestamp: Timestamp, requestId: String, error: EventError? = nil) {
            self.startTimestamp = startTimestamp
            self.endTimestamp = endTimestamp
            self.requestId = requestId
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["StartTimestamp"] = startTimestamp.wire
            members["EndTimestamp"] = endTimestamp.wire
            members["RequestId"] = requestId.wire
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct InvocationRequest: WireDecodable, Sendable {
        package var functionName: String
        package var invocationType: String?
        package var logType: String?
        package var clientContext: String?
        package var durableExecutionName: String?
        package var qualifier: String?
        package var tenantId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            invocationType = try members.optional("InvocationType")
            logType = try members.optional("LogType")
            clientContext = try members.optional("ClientContext")
            durableExecutionName = try members.optional("DurableExecutionName")
            qualifier = try members.optional("Qualifier")
            tenantId = try members.optional("TenantId")
        }
    }
}

extension API {
    package struct InvocationResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct InvokeAsyncRequest: WireDecodable, Sendable {
        package var functionName: String

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
        }
    }
}

extension API {
    package struct InvokeAsyncResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct InvokeWithResponseStreamRequest: WireDecodable, Sendable {
        package var functionName: String
        package var invocationType: String?
        package var logType: String?
        package var clientContext: String?
        package var qualifier: String?
        package var tenantId: String?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            invocationType = try members.optional("InvocationType")
            logType = try members.optional("LogType")
            clientContext = try members.optional("ClientContext")
            qualifier = try members.optional("Qualifier")
            tenantId = try members.optional("TenantId")
        }
    }
}

extension API {
    package struct InvokeWithResponseStreamResponse: WireEncodable, Sendable {

        package init() {
        }

        package var wire: JSONValue {
            .object([:])
        }
    }
}

extension API {
    package struct KafkaSchemaRegistryAccessConfig: WireDecodable, WireEncodable, Sendable {
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
    package struct KafkaSchemaRegistryConfig: WireDecodable, WireEncodable, Sendable {
        package var schemaRegistryURI: String?
        package var eventRecordFormat: String?
        package var accessConfigs: [KafkaSchemaRegistryAccessConfig]?
        package var schemaValidationConfigs: [KafkaSchemaValidationConfig]?

        package init(
            schemaRegistryURI: String? = nil,
            eventRecordFormat: String? = nil,
            accessConfigs: [KafkaSchemaRegistryAccessConfig]? = nil,
            schemaValidationConfigs: [KafkaSchemaValidationConfig]? = nil
        ) {
            self.schemaRegistryURI = schemaRegistryURI
            self.eventRecordFormat = eventRecordFormat
            self.accessConfigs = accessConfigs
            self.schemaValidationConfigs = schemaValidationConfigs
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            schemaRegistryURI = try members.optional("SchemaRegistryURI")
            eventRecordFormat = try members.optional("EventRecordFormat")
            accessConfigs = try members.optional("AccessConfigs")
            schemaValidationConfigs = try members.optional("SchemaValidationConfigs")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["SchemaRegistryURI"] = schemaRegistryURI?.wire
            members["EventRecordFormat"] = eventRecordFormat?.wire
            members["AccessConfigs"] = accessConfigs?.wire
            members["SchemaValidationConfigs"] = schemaValidationConfigs?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct KafkaSchemaValidationConfig: WireDecodable, WireEncodable, Sendable {
        package var attribute: String?

        package init(attribute: String? = nil) {
            self.attribute = attribute
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            attribute = try members.optional("Attribute")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Attribute"] = attribute?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct LambdaManagedInstancesCapacityProviderConfig: WireDecodable, WireEncodable, Sendable {
        package var capacityProviderArn: String
        package var perExecutionEnvironmentMaxConcurrency: Int?
        package var executionEnvironmentMemoryGiBPerVCpu: Double?

        package init(
            capacityProviderArn: String,
            perExecutionEnvironmentMaxConcurrency: Int? = nil,
            executionEnvironmentMemoryGiBPerVCpu: Double? = nil
        ) {
            self.capacityProviderArn = capacityProviderArn
            self.perExecutionEnvironmentMaxConcurrency = perExecutionEnvironmentMaxConcurrency
            self.executionEnvironmentMemoryGiBPerVCpu = executionEnvironmentMemoryGiBPerVCpu
        }

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            capacityProviderArn = try members.required("CapacityProviderArn")
            perExecutionEnvironmentMaxConcurrency = try members.optional("PerExecutionEnvironmentMaxConcurrency")
            executionEnvironmentMemoryGiBPerVCpu = try members.optional("ExecutionEnvironmentMemoryGiBPerVCpu")
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProviderArn"] = capacityProviderArn.wire
            members["PerExecutionEnvironmentMaxConcurrency"] = perExecutionEnvironmentMaxConcurrency?.wire
            members["ExecutionEnvironmentMemoryGiBPerVCpu"] = executionEnvironmentMemoryGiBPerVCpu?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct Layer: WireEncodable, Sendable {
        package var arn: String?
        package var codeSize: Int?
        package var signingProfileVersionArn: String?
        package var signingJobArn: String?

        package init(
            arn: String? = nil,
            codeSize: Int? = nil,
            signingProfileVersionArn: String? = nil,
            signingJobArn: String? = nil
        ) {
            self.arn = arn
            self.codeSize = codeSize
            self.signingProfileVersionArn = signingProfileVersionArn
            self.signingJobArn = signingJobArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Arn"] = arn?.wire
            members["CodeSize"] = codeSize?.wire
            members["SigningProfileVersionArn"] = signingProfileVersionArn?.wire
            members["SigningJobArn"] = signingJobArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct LayerVersionContentInput: WireDecodable, Sendable {
        package var s3Bucket: String?
        package var s3Key: String?
        package var s3ObjectVersion: String?
        package var zipFile: Blob?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            s3Bucket = try members.optional("S3Bucket")
            s3Key = try members.optional("S3Key")
            s3ObjectVersion = try members.optional("S3ObjectVersion")
            zipFile = try members.optional("ZipFile")
        }
    }
}

extension API {
    package struct LayerVersionContentOutput: WireEncodable, Sendable {
        package var location: String?
        package var codeSha256: String?
        package var codeSize: Int?
        package var signingProfileVersionArn: String?
        package var signingJobArn: String?

        package init(
            location: String? = nil,
            codeSha256: String? = nil,
            codeSize: Int? = nil,
            signingProfileVersionArn: String? = nil,
            signingJobArn: String? = nil
        ) {
            self.location = location
            self.codeSha256 = codeSha256
            self.codeSize = codeSize
            self.signingProfileVersionArn = signingProfileVersionArn
            self.signingJobArn = signingJobArn
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Location"] = location?.wire
            members["CodeSha256"] = codeSha256?.wire
            members["CodeSize"] = codeSize?.wire
            members["SigningProfileVersionArn"] = signingProfileVersionArn?.wire
            members["SigningJobArn"] = signingJobArn?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct LayerVersionsListItem: WireEncodable, Sendable {
        package var layerVersionArn: String?
        package var version: Int?
        package var description: String?
        package var createdDate: String?
        package var compatibleRuntimes: [String]?
        package var licenseInfo: String?
        package var compatibleArchitectures: [String]?

        package init(
            layerVersionArn: String? = nil,
            version: Int? = nil,
            description: String? = nil,
            createdDate: String? = nil,
            compatibleRuntimes: [String]? = nil,
            licenseInfo: String? = nil,
            compatibleArchitectures: [String]? = nil
        ) {
            self.layerVersionArn = layerVersionArn
            self.version = version
            self.description = description
            self.createdDate = createdDate
            self.compatibleRuntimes = compatibleRuntimes
            self.licenseInfo = licenseInfo
            self.compatibleArchitectures = compatibleArchitectures
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["LayerVersionArn"] = layerVersionArn?.wire
            members["Version"] = version?.wire
            members["Description"] = description?.wire
            members["CreatedDate"] = createdDate?.wire
            members["CompatibleRuntimes"] = compatibleRuntimes?.wire
            members["LicenseInfo"] = licenseInfo?.wire
            members["CompatibleArchitectures"] = compatibleArchitectures?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct LayersListItem: WireEncodable, Sendable {
        package var layerName: String?
        package var layerArn: String?
        package var latestMatchingVersion: LayerVersionsListItem?

        package init(
            layerName: String? = nil,
            layerArn: String? = nil,
            latestMatchingVersion: LayerVersionsListItem? = nil
        ) {
            self.layerName = layerName
            self.layerArn = layerArn
            self.latestMatchingVersion = latestMatchingVersion
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["LayerName"] = layerName?.wire
            members["LayerArn"] = layerArn?.wire
            members["LatestMatchingVersion"] = latestMatchingVersion?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListAliasesRequest: WireDecodable, Sendable {
        package var functionName: String
        package var functionVersion: String?
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            functionName = try members.required("FunctionName")
            functionVersion = try members.optional("FunctionVersion")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListAliasesResponse: WireEncodable, Sendable {
        package var nextMarker: String?
        package var aliases: [AliasConfiguration]?

        package init(nextMarker: String? = nil, aliases: [AliasConfiguration]? = nil) {
            self.nextMarker = nextMarker
            self.aliases = aliases
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["NextMarker"] = nextMarker?.wire
            members["Aliases"] = aliases?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListCapacityProvidersRequest: WireDecodable, Sendable {
        package var state: String?
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            state = try members.optional("State")
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}

extension API {
    package struct ListCapacityProvidersResponse: WireEncodable, Sendable {
        package var capacityProviders: [CapacityProvider]
        package var nextMarker: String?

        package init(capacityProviders: [CapacityProvider], nextMarker: String? = nil) {
            self.capacityProviders = capacityProviders
            self.nextMarker = nextMarker
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["CapacityProviders"] = capacityProviders.wire
            members["NextMarker"] = nextMarker?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct ListCodeSigningConfigsRequest: WireDecodable, Sendable {
        package var marker: String?
        package var maxItems: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            marker = try members.optional("Marker")
            maxItems = try members.optional("MaxItems")
        }
    }
}
