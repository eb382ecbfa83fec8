// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel
import MetadataStore

/// What a policy must allow for an operation: an action of IAM's, on a resource, with the condition keys that the request
/// decides (Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda").
///
/// Resources are what the request's identifiers mean once they are taken apart, as the operation itself takes them apart:
/// how a caller spells them makes no difference.
package struct OperationAccess: Equatable, Sendable {
    /// What has a policy of its own.
    package enum Owner: Equatable, Sendable {
        case function(FunctionKey, qualifier: String?)
        case layerVersion(LayerKey, number: Int)

        package var accountID: String {
            switch self {
            case .function(let key, _): key.accountID
            case .layerVersion(let key, _): key.accountID
            }
        }
    }

    /// Such as `lambda:InvokeFunction`.
    package var action: String
    /// An ARN, or `*` for actions that have none.
    package var resource: String
    /// Another ARN of the same resource: a function is its `$LATEST`.
    package var otherName: String?
    /// Whose policy counts beside the caller's own; nil where that decides alone.
    package var owner: Owner?
    /// Whether the owner's policy may let another account do it.
    package var isOpenToOthers = false
    /// Values by condition key.
    package var context: [String: [String]]

    package init(_ action: String, _ resource: String = "*", context: [String: [String]] = [:]) {
        self.action = action
        self.resource = resource
        self.context = context
    }

    private init(_ action: String, _ named: Named, isOpenToOthers: Bool, context: [String: [String]] = [:]) {
        self.init(action, named.arn, context: context)
        otherName = named.otherARN
        owner = named.owner
        self.isOpenToOthers = isOpenToOthers
    }

    /// Of the operations that invoke, whose body is no input but the payload.
    package static func invocation(
        _ operation: LambdaOperation,
        _ labels: [String: String],
        qualifier: String?,
        _ caller: Caller
    ) -> [OperationAccess] {
        let names = Names(caller)
        let named = names.function(labels["FunctionName"] ?? "", qualifier: qualifier)
        return [
            OperationAccess(
                operation.action,
                named,
                isOpenToOthers: operation.isOpenToOtherAccounts,
                context: names.sourceFunction
            )
        ]
    }

    /// Of every other operation: its own action first, then those that its parts need.
    ///
    /// `input` is as `LambdaOperation.input` made it.
    package static func all(_ operation: LambdaOperation, _ input: JSONValue, _ caller: Caller) -> [OperationAccess] {
        let names = Names(caller)
        let context = context(operation, input, names).merging(names.sourceFunction) { own, _ in own }
        var accesses = [
            OperationAccess(
                operation.action,
                resource(operation, input, names),
                isOpenToOthers: operation.isOpenToOtherAccounts,
                context: context
            )
        ]
        switch operation {
        case .createFunction, .updateFunctionConfiguration:
            let action = LambdaOperation.getLayerVersion.action
            accesses += layers(input).map { OperationAccess(action, names.layerVersion($0), isOpenToOthers: true) }
            if let role = input["Role"]?.string {
                let service = ["iam:PassedToService": ["lambda.amazonaws.com"]]
                accesses.append(OperationAccess("iam:PassRole", Names.canonical(role), context: service))
            }
        case .putFunctionEventInvokeConfig, .updateFunctionEventInvokeConfig:
            // On AWS the function's role needs it; here a role gives no rights, and who sets the destination stands in
            // for it. Another account's function is refused as a destination whatever its policy says.
            for (key, qualifier) in destinations(input) where key.accountID == caller.accountID {
                let named = Named(key, qualifier: qualifier)
                accesses.append(OperationAccess(LambdaOperation.invoke.action, named, isOpenToOthers: false))
            }
        case .createEventSourceMapping, .updateEventSourceMapping:
            // As there, or who may not read a secret could have it sent to a broker of his own.
            accesses += secrets(input).map { OperationAccess("secretsmanager:GetSecretValue", Names.canonical($0)) }
        default: break
        }
        return accesses
    }

    private static func resource(_ operation: LambdaOperation, _ input: JSONValue, _ names: Names) -> Named {
        func text(_ member: String) -> String { input[member]?.string ?? "" }
        switch operation {
        case .listFunctions, .listLayers, .getAccountSettings, .createCodeSigningConfig, .listCodeSigningConfigs,
            .createEventSourceMapping, .listEventSourceMappings, .createCapacityProvider, .listCapacityProviders,
            .sendDurableExecutionCallbackFailure, .sendDurableExecutionCallbackHeartbeat,
            .sendDurableExecutionCallbackSuccess:
            return Named(arn: "*")
        case .publishLayerVersion, .listLayerVersions: return names.layer(text("LayerName"))
        case .getLayerVersion, .deleteLayerVersion, .addLayerVersionPermission, .removeLayerVersionPermission,
            .getLayerVersionPolicy:
            return names.layer(text("LayerName"), number: input["VersionNumber"]?.integer)
        case .getLayerVersionByArn: return names.layerVersion(text("Arn"))
        case .getEventSourceMapping, .updateEventSourceMapping, .deleteEventSourceMapping:
            return Named(arn: names.arn("event-source-mapping:\(text("UUID"))"))
        case .getCodeSigningConfig, .updateCodeSigningConfig, .deleteCodeSigningConfig,
            .listFunctionsByCodeSigningConfig:
            return Named(arn: Names.canonical(text("CodeSigningConfigArn")))
        case .getCapacityProvider, .updateCapacityProvider, .deleteCapacityProvider,
            .listFunctionVersionsByCapacityProvider:
            return Named(arn: names.capacityProvider(text("CapacityProviderName")))
        case .tagResource, .untagResource, .listTags: return names.tagged(text("Resource"))
        case .getDurableExecution, .getDurableExecutionHistory, .getDurableExecutionState, .stopDurableExecution,
            .checkpointDurableExecution:
            return Named(arn: Names.canonical(text("DurableExecutionArn")))
        default: return names.function(text("FunctionName"), qualifier: input["Qualifier"]?.string)
        }
    }

    /// The functions that are told what became of events.
    private static func destinations(_ input: JSONValue) -> [(key: FunctionKey, qualifier: String?)] {
        ["OnSuccess", "OnFailure"].compactMap { outcome in
            input["DestinationConfig"]?[outcome]?["Destination"]?.string.flatMap { ARN($0)?.function }
        }
    }

    /// By whose content a mapping signs in to its source.
    private static func secrets(_ input: JSONValue) -> [String] {
        (input["SourceAccessConfigurations"]?.array ?? []).compactMap { item in
            let isPlace = ["VPC_SUBNET", "VPC_SECURITY_GROUP", "VIRTUAL_HOST"].contains(item["Type"]?.string)
            return isPlace ? nil : item["URI"]?.string
        }
    }

    private static func layers(_ input: JSONValue) -> [String] {
        input["Layers"]?.array?.compactMap(\.string) ?? []
    }

    /// The condition keys of Lambda's own, and of tags, as far as the request itself has their values.
    private static func context(
        _ operation: LambdaOperation,
        _ input: JSONValue,
        _ names: Names
    ) -> [String: [String]] {
        var context: [String: [String]] = [:]
        func set(_ key: String, _ text: String?) { context[key] = text.map { [$0] } }
        func set(_ key: String, _ list: JSONValue?) {
            let texts = list?.array?.compactMap(\.string) ?? []
            if !texts.isEmpty { context[key] = texts }
        }
        switch operation {
        case .createFunction, .updateFunctionConfiguration:
            let layers = Self.layers(input).map { names.layerVersion($0).arn }
            if !layers.isEmpty { context["lambda:Layer"] = layers }
            set("lambda:SubnetIds", input["VpcConfig"]?["SubnetIds"])
            set("lambda:SecurityGroupIds", input["VpcConfig"]?["SecurityGroupIds"])
            set("lambda:CodeSigningConfigArn", input["CodeSigningConfigArn"]?.string.map(Names.canonical))
        case .putFunctionCodeSigningConfig:
            set("lambda:CodeSigningConfigArn", input["CodeSigningConfigArn"]?.string.map(Names.canonical))
        case .addPermission, .addLayerVersionPermission:
            set("lambda:Principal", input["Principal"]?.string)
            set("lambda:FunctionUrlAuthType", input["FunctionUrlAuthType"]?.string)
        case .createFunctionUrlConfig, .updateFunctionUrlConfig:
            set("lambda:FunctionUrlAuthType", input["AuthType"]?.string)
            set("lambda:FunctionArn", names.function(input["FunctionName"]?.string ?? "").arn)
        case .getFunctionUrlConfig, .deleteFunctionUrlConfig, .listFunctionUrlConfigs:
            set("lambda:FunctionArn", names.function(input["FunctionName"]?.string ?? "").arn)
        case .createEventSourceMapping, .updateEventSourceMapping, .listEventSourceMappings:
            set("lambda:FunctionArn", input["FunctionName"]?.string.map { names.function($0).arn })
        default: break
        }
        for (name, value) in input["Tags"]?.object ?? [:] {
            set("aws:RequestTag/\(name)", value.string)
            context["aws:TagKeys", default: []].append(name)
        }
        set("aws:TagKeys", operation == .untagResource ? input["TagKeys"] : nil)
        return context
    }

    /// ARNs as a caller of that account in that region means them.
    private struct Names {
        let caller: Caller

        init(_ caller: Caller) { self.caller = caller }

        var sourceFunction: [String: [String]] {
            caller.sourceFunction.map { ["lambda:SourceFunctionArn": [$0]] } ?? [:]
        }

        func arn(_ resource: String) -> String {
            ARN.lambda(resource, accountID: caller.accountID, region: caller.region).description
        }

        /// What is no ARN stands for itself: it is refused later, in its own words.
        static func canonical(_ text: String) -> String { ARN(text)?.canonical.description ?? text }

        func function(_ name: String, qualifier: String? = nil) -> Named {
            guard let identifier = FunctionIdentifier(name, namespaced: true) else {
                return Named(arn: arn("function:\(name)"))
            }
            let key = identifier.meant(accountID: caller.accountID, region: caller.region)
            return Named(key, qualifier: identifier.qualifier ?? qualifier)
        }

        func layer(_ name: String, number: Int? = nil) -> Named {
            guard let identifier = LayerIdentifier(name) else { return Named(arn: arn("layer:\(name)")) }
            let key = identifier.meant(accountID: caller.accountID, region: caller.region)
            return number.map { Named(key, number: $0) } ?? Named(arn: key.arn)
        }

        func layerVersion(_ text: String) -> Named {
            guard let identifier = LayerVersionIdentifier(text) else { return Named(arn: Self.canonical(text)) }
            return Named(
                identifier.layer.meant(accountID: caller.accountID, region: caller.region),
                number: identifier.number
            )
        }

        func tagged(_ text: String) -> Named {
            if let (key, qualifier) = ARN(text)?.function { return Named(key, qualifier: qualifier) }
            return Named(arn: Self.canonical(text))
        }

        func capacityProvider(_ name: String) -> String {
            ARN(name)?.canonical.description ?? arn("capacity-provider:\(name)")
        }
    }

    /// What a request's identifier means.
    private struct Named {
        var arn: String
        var otherARN: String?
        var owner: Owner?

        init(arn: String) { self.arn = arn }

        init(_ key: FunctionKey, qualifier: String?) {
            let latest = FunctionVersionKey.latest
            arn = key.arn(qualifier: qualifier)
            switch qualifier {
            case nil: otherARN = key.arn(qualifier: latest)
            case latest: otherARN = key.arn
            default: break
            }
            owner = .function(key, qualifier: qualifier)
        }

        init(_ key: LayerKey, number: Int) {
            arn = key.arn(version: number)
            owner = .layerVersion(key, number: number)
        }
    }
}

extension LambdaOperation {
    /// Whether it runs a function, and has that function's payload as its body.
    package var isInvocation: Bool { self == .invoke || self == .invokeAsync || self == .invokeWithResponseStream }

    /// The action under which IAM knows it; most have their own names.
    var action: String {
        switch self {
        case .invoke, .invokeWithResponseStream: "lambda:InvokeFunction"
        case .getLayerVersionByArn: "lambda:GetLayerVersion"
        default: "lambda:\(rawValue)"
        }
    }

    /// Whether a resource's policy may let another account do it (AWS Lambda Developer Guide, "Using resource-based
    /// policies for AWS Lambda", Cross-account APIs); to all others of an account's operations its own identities alone
    /// can be let.
    var isOpenToOtherAccounts: Bool {
        switch self {
        case .invoke, .invokeWithResponseStream, .getFunction, .getFunctionConfiguration, .updateFunctionCode,
            .deleteFunction, .publishVersion, .listVersionsByFunction, .createAlias, .getAlias, .listAliases,
            .updateAlias, .deleteAlias, .getPolicy, .putFunctionConcurrency, .deleteFunctionConcurrency, .listTags,
            .tagResource, .untagResource, .getLayerVersion, .getLayerVersionByArn:
            true
        default: false
        }
    }
}
