// SPDX-License-Identifier: Apache-2.0
// Made by `make model` from the service model of Lambda in botocore 1.43.11. Not to be edited.
package import LambdaModel

extension API {
    package struct UpdateFunctionUrlConfigResponse: WireEncodable, Sendable {
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
    package struct VpcConfig: WireDecodable, Sendable {
        package var subnetIds: [String]?
        package var securityGroupIds: [String]?
        package var ipv6AllowedForDualStack: Bool?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            subnetIds = try members.optional("SubnetIds")
            securityGroupIds = try members.optional("SecurityGroupIds")
            ipv6AllowedForDualStack = try members.optional("Ipv6AllowedForDualStack")
        }
    }
}

extension API {
    package struct VpcConfigResponse: WireEncodable, Sendable {
        package var subnetIds: [String]?
        package var securityGroupIds: [String]?
        package var vpcId: String?
        package var ipv6AllowedForDualStack: Bool?

        package init(
            subnetIds: [String]? = nil,
            securityGroupIds: [String]? = nil,
            vpcId: String? = nil,
            ipv6AllowedForDualStack: Bool? = nil
        ) {
            self.subnetIds = subnetIds
            self.securityGroupIds = securityGroupIds
            self.vpcId = vpcId
            self.ipv6AllowedForDualStack = ipv6AllowedForDualStack
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["SubnetIds"] = subnetIds?.wire
            members["SecurityGroupIds"] = securityGroupIds?.wire
            members["VpcId"] = vpcId?.wire
            members["Ipv6AllowedForDualStack"] = ipv6AllowedForDualStack?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct WaitCancelledDetails: WireEncodable, Sendable {
        package var error: EventError?

        package init(error: EventError? = nil) {
            self.error = error
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Error"] = error?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct WaitDetails: WireEncodable, Sendable {
        package var scheduledEndTimestamp: Timestamp?

        package init(scheduledEndTimestamp: Timestamp? = nil) {
            self.scheduledEndTimestamp = scheduledEndTimestamp
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["ScheduledEndTimestamp"] = scheduledEndTimestamp?.wire
            return .object(members)
        }
    }
}

extension API {
    package struct WaitOptions: WireDecodable, Sendable {
        package var waitSeconds: Int?

        package init(wire: JSONValue) throws(LambdaError) {
            let members = try WireMembers(wire)
            waitSeconds = try members.optional("WaitSeconds")
        }
    }
}

extension API {
    package struct WaitStartedDetails: WireEncodable, Sendable {
        package var duration: Int
        package var scheduledEndTimestamp: Timestamp

        package init(duration: Int, scheduledEndTimestamp: Timestamp) {
            self.duration = duration
            self.scheduledEndTimestamp = scheduledEndTimestamp
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Duration"] = duration.wire
            members["ScheduledEndTimestamp"] = scheduledEndTimestamp.wire
            return .object(members)
        }
    }
}

extension API {
    package struct WaitSucceededDetails: WireEncodable, Sendable {
        package var duration: Int?

        package init(duration: Int? = nil) {
            self.duration = duration
        }

        package var wire: JSONValue {
            var members: [String: JSONValue] = [:]
            members["Duration"] = duration?.wire
            return .object(members)
        }
    }
}
