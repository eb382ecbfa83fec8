// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import InvocationCore
import LambdaModel
import Testing

@testable import AWSWire

struct OperationAccessTests {
    private let caller = Caller(accountID: "000000000000", region: "eu-west-1")

    private func first(_ operation: LambdaOperation, _ members: [String: JSONValue]) throws -> OperationAccess {
        try #require(OperationAccess.all(operation, .object(members), caller).first)
    }

    @Test func `every operation has an action and an ARN or a star`() throws {
        for operation in LambdaOperation.allCases {
            let members: [String: JSONValue] = [
                "FunctionName": .string("f"), "LayerName": .string("l"), "VersionNumber": .number("3"),
                "Arn": .string("arn:aws:lambda:eu-west-1:000000000000:layer:l:3"), "UUID": .string("u"),
                "CodeSigningConfigArn": .string("arn:aws:lambda:eu-west-1:000000000000:code-signing-config:c"),
                "CapacityProviderName": .string("c"),
                "Resource": .string("arn:aws:lambda:eu-west-1:000000000000:function:f"),
                "DurableExecutionArn": .string(
                    "arn:aws:lambda:eu-west-1:000000000000:function:f:1/durable-execution/a/b"
                ),
            ]
            let access = try first(operation, members)
            #expect(access.action.hasPrefix("lambda:"))
            #expect(access.resource == "*" || access.resource.hasPrefix("arn:aws:lambda:eu-west-1:000000000000:"))
        }
    }

    @Test func `actions that have another name than their operation`() throws {
        #expect(try first(.getLayerVersionByArn, ["Arn": .string("a")]).action == "lambda:GetLayerVersion")
        let invocation = OperationAccess.invocation(
            .invokeWithResponseStream,
            ["FunctionName": "f:live"],
            qualifier: nil,
            caller
        )
        #expect(invocation.map(\.action) == ["lambda:InvokeFunction"])
        #expect(invocation.map(\.resource) == ["arn:aws:lambda:eu-west-1:000000000000:function:f:live"])
    }

    @Test func `resources are those that are meant, however they are named`() throws {
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:f"
        for name in ["f", arn, "000000000000:function:f", "function:f"] {
            #expect(try first(.getFunction, ["FunctionName": .string(name)]).resource == arn)
        }
        let qualified: [String: JSONValue] = ["FunctionName": .string("f"), "Qualifier": .string("1")]
        #expect(try first(.getFunction, qualified).resource == arn + ":1")
        let other = "arn:aws:lambda:us-east-1:111111111111:function:f"
        #expect(try first(.getFunction, ["FunctionName": .string(other)]).resource == other)
        let layer: [String: JSONValue] = ["LayerName": .string("l"), "VersionNumber": .number("3")]
        #expect(try first(.deleteLayerVersion, layer).resource == "arn:aws:lambda:eu-west-1:000000000000:layer:l:3")
        #expect(try first(.listFunctions, [:]).resource == "*")
    }

    @Test func `the request's own condition keys, layers and role`() throws {
        let accesses = OperationAccess.all(
            .createFunction,
            .object([
                "FunctionName": .string("f"), "Role": .string("arn:aws:iam::000000000000:role/r"),
                "Layers": .array([.string("arn:l:1"), .string("arn:l:2")]), "Tags": .object(["team": .string("a")]),
                "VpcConfig": .object(["SubnetIds": .array([.string("subnet-1")])]),
            ]),
            caller
        )
        #expect(
            accesses.map(\.action) == [
                "lambda:CreateFunction", "lambda:GetLayerVersion", "lambda:GetLayerVersion", "iam:PassRole",
            ]
        )
        #expect(
            accesses[0].context == [
                "lambda:Layer": ["arn:l:1", "arn:l:2"], "lambda:SubnetIds": ["subnet-1"],
                "aws:RequestTag/team": ["a"], "aws:TagKeys": ["team"],
            ]
        )
        #expect(accesses[3].context == ["iam:PassedToService": ["lambda.amazonaws.com"]])
        let url = try first(.createFunctionUrlConfig, ["FunctionName": .string("f"), "AuthType": .string("NONE")])
        #expect(url.context["lambda:FunctionUrlAuthType"] == ["NONE"])
    }

    @Test func `a function as a destination has to be one that the caller may invoke`() {
        let input = JSONValue.object([
            "FunctionName": .string("f"),
            "DestinationConfig": .object([
                "OnSuccess": .object(["Destination": .string("arn:aws-cn:lambda:\(Self.place):function:g:live")]),
                "OnFailure": .object(["Destination": .string("arn:aws:sqs:\(Self.place):q")]),
            ]),
        ])
        for operation in [LambdaOperation.putFunctionEventInvokeConfig, .updateFunctionEventInvokeConfig] {
            let accesses = OperationAccess.all(operation, input, caller)
            #expect(accesses.map(\.action) == ["lambda:\(operation.rawValue)", "lambda:InvokeFunction"])
            #expect(accesses[1].resource == "arn:aws:lambda:\(Self.place):function:g:live")
        }
    }

    @Test func `secrets of a mapping have to be ones that the caller may read`() {
        let secret = "secretsmanager:\(Self.place):secret:s"
        func item(_ type: String, _ uri: String) -> JSONValue {
            .object(["Type": .string(type), "URI": .string(uri)])
        }
        let input = JSONValue.object([
            "FunctionName": .string("f"), "UUID": .string("u"),
            "SourceAccessConfigurations": .array([
                item("VPC_SUBNET", "subnet:subnet-1"), item("BASIC_AUTH", "arn:aws-cn:\(secret)"),
                item("SERVER_ROOT_CA_CERTIFICATE", "arn:aws:\(secret)2"), item("ANY_NEW_TYPE", "arn:aws:\(secret)3"),
            ]),
        ])
        for operation in [LambdaOperation.createEventSourceMapping, .updateEventSourceMapping] {
            let accesses = OperationAccess.all(operation, input, caller).dropFirst()
            #expect(accesses.map(\.action) == Array(repeating: "secretsmanager:GetSecretValue", count: 3))
            #expect(accesses.map(\.resource) == ["", "2", "3"].map { "arn:aws:\(secret)\($0)" })
            #expect(accesses.allSatisfy { $0.owner == nil })
        }
    }

    // MARK: - Spellings

    private static let place = "eu-west-1:000000000000"

    /// Every way to write the function `f` that is not its ARN.
    private static let functions: [(name: String, qualifier: String?)] = {
        let names = [
            "f", "function:f", "000000000000:function:f", "000000000000:f", "\(place):function:f", "\(place):f",
            "arn:aws:lambda:\(place):function:f", "arn:aws-cn:lambda:\(place):function:f",
            "arn:awsABC:lambda:\(place):function:f", "arn::lambda:\(place):function:f", "arn:aws:lambda:f",
            "arn:aws:lambda:function:f",
        ]
        return names.flatMap { name -> [(name: String, qualifier: String?)] in
            [(name, nil), (name + ":$LATEST", nil), (name, "$LATEST"), (name + ":$LATEST", "$LATEST")]
        }
    }()

    private static let layers = [
        "l", "arn:aws:lambda:\(place):layer:l", "arn:aws-cn:lambda:\(place):layer:l", "arn:x:lambda:\(place):layer:l",
    ]

    /// By operation: its members, spelt in every way, and what denies it.
    private static func spellings(_ operation: LambdaOperation) -> (denied: String, [[String: JSONValue]])? {
        let names = operation.inputMembers
        let layerVersion = "arn:aws:lambda:\(place):layer:l:3"
        switch operation {
        // They have no resource, or are not there.
        case .createEventSourceMapping, .listEventSourceMappings, .updateEventSourceMapping: return nil
        case _ where names.contains("FunctionName"):
            return (
                "arn:aws:lambda:\(place):function:f",
                functions.filter { $0.qualifier == nil || names.contains("Qualifier") }.map { spelling in
                    var members: [String: JSONValue] = ["FunctionName": .string(spelling.name)]
                    members["Qualifier"] = spelling.qualifier.map(JSONValue.string)
                    return members
                }
            )
        case _ where names.contains("VersionNumber"):
            return (layerVersion, layers.map { ["LayerName": .string($0), "VersionNumber": .number("3")] })
        case _ where names.contains("LayerName"):
            return ("arn:aws:lambda:\(place):layer:l", layers.map { ["LayerName": .string($0)] })
        case .getLayerVersionByArn:
            let arns = layers.dropFirst().flatMap { ["\($0):3", "\($0):03"] }
            return (layerVersion, arns.map { ["Arn": .string($0)] })
        case .tagResource, .untagResource, .listTags:
            let arns = ["aws", "aws-cn", "aws-"].map { "arn:\($0):lambda:\(place):function:f" }
            return ("arn:aws:lambda:\(place):function:f", arns.map { ["Resource": .string($0)] })
        case _ where names.contains("CodeSigningConfigArn"):
            let arns = ["aws", "aws-cn"].map { "arn:\($0):lambda:\(place):code-signing-config:csc-1" }
            return (arns[0], arns.map { ["CodeSigningConfigArn": .string($0)] })
        case _ where names.contains("UUID"):
            return ("arn:aws:lambda:\(place):event-source-mapping:u", [["UUID": .string("u")]])
        default: return nil
        }
    }

    private func decision(_ access: OperationAccess, denying arn: String) -> AccessDecision {
        let deny = AccessStatement(effect: .deny, actions: .listed(["lambda:*"]), resources: .listed([arn]))
        let allow = AccessStatement(effect: .allow, actions: .listed(["*"]), resources: .listed(["*"]))
        return AccessPolicy(statements: [deny, allow]).decision(
            on: AccessRequest(
                principal: .identity(caller.identity),
                action: access.action,
                resource: access.resource,
                otherName: access.otherName,
                context: access.context
            )
        )
    }

    @Test func `no spelling gets past a denial by ARN`() {
        var count = 0
        for operation in LambdaOperation.allCases {
            guard let (arn, spellings) = Self.spellings(operation) else { continue }
            for members in spellings {
                var accesses = OperationAccess.all(operation, .object(members), caller)
                if operation.isInvocation {
                    let labels = ["FunctionName": members["FunctionName"]?.string ?? ""]
                    let qualifier = members["Qualifier"]?.string
                    accesses = OperationAccess.invocation(operation, labels, qualifier: qualifier, caller)
                }
                #expect(
                    accesses.contains { decision($0, denying: arn) == .explicitDeny },
                    "\(operation): \(members)"
                )
                count += 1
            }
        }
        #expect(count > 1_000)
    }

    @Test(arguments: ["aws", "aws-cn", "x"])
    func `layers and roles of a function are known by their ARNs`(partition: String) {
        let layer = "arn:aws:lambda:\(Self.place):layer:l:3"
        let role = "arn:aws:iam::000000000000:role/r"
        let accesses = OperationAccess.all(
            .createFunction,
            .object([
                "FunctionName": .string("f"),
                "Layers": .array([.string("arn:\(partition):lambda:\(Self.place):layer:l:03")]),
                "Role": .string("arn:\(partition):iam::000000000000:role/r"),
            ]),
            caller
        )
        #expect(accesses[0].context["lambda:Layer"] == [layer])
        #expect(accesses.map { decision($0, denying: layer) } == [.allow, .explicitDeny, .allow])
        #expect(accesses.map(\.resource).last == role)
    }

    @Test func `other functions, versions and aliases are not denied with it`() throws {
        let arn = "arn:aws:lambda:\(Self.place):function:f"
        for name in ["g", "f:1", "f:live", "ff", "111111111111:function:f"] {
            let access = try first(.getFunction, ["FunctionName": .string(name)])
            #expect(decision(access, denying: arn) == .allow)
        }
        let latest = try first(.getFunction, ["FunctionName": .string("f")])
        #expect(decision(latest, denying: arn + ":$LATEST") == .explicitDeny)
    }
}

extension LambdaOperation {
    /// The members of its request.
    fileprivate var inputMembers: Set<String> { Set(httpBinding.input?.members.map(\.name) ?? []) }
}
