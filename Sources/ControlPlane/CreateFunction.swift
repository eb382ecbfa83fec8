package import AWSWire
import LambdaModel
// SPDX-License-Identifier: Apache-2.0
import Logging
import MetadataStore

extension ControlPlane {
    /// Makes a function from the request's JSON; it is durable, and Pending, when this returns.
    package func createFunction(_ body: [UInt8], caller: Caller) async throws -> JSONValue {
        let request = try RequestMembers(body: body)
        var configuration: FunctionConfiguration
        let zip: [UInt8]
        (configuration, zip) = try checkedCreation(request, caller: caller)
        let key = configuration.key
        if try await withStores({ try await metadata.function(key) }) != nil { throw alreadyExists(configuration.key) }
        configuration.code = try await store(zip)
        do {
            let complete = configuration
            try await withStores { try await metadata.createFunction(complete) }
        } catch {
            await collector.discardNow(configuration.code.objectID)
            throw error
        }
        await activator.wake()
        logger.info("function created", metadata: ["function": "\(configuration.key.arn)"])
        return .object(ConfigurationAnswer.members(configuration))
    }

    private func alreadyExists(_ key: FunctionKey) -> LambdaError {
        .resourceConflict(message: "Function already exist: \(key.name)")
    }

    /// Both steps of checking, all but the code's own.
    private func checkedCreation(
        _ request: RequestMembers,
        caller: Caller
    ) throws(LambdaError) -> (FunctionConfiguration, zip: [UInt8]) {
        var violations = ConstraintViolations()
        let change = try ConfigurationChange(request, &violations)
        let architecture = try ConfigurationRules.checkArchitectures(request, &violations)
        let name = try request.string("FunctionName")
        let packageType = try request.string("PackageType") ?? "Zip"
        let tags = try request.map("Tags") ?? [:]
        violations.requireValue(packageType, at: "packageType", in: ["Zip", "Image"])
        if name == nil { violations.add(nil, at: "functionName", "Member must not be null") }
        if change.role == nil { violations.add(nil, at: "role", "Member must not be null") }
        if !request.has("Code") { violations.add(nil, at: "code", "Member must not be null") }
        let identifier = name.flatMap { FunctionIdentifier.checked($0, namespaced: false, &violations) }
        try violations.throwIfAny()
        guard let identifier, let role = change.role else { preconditionFailure("both were required above") }
        try checkName(identifier.name)
        let key = try key(changing: identifier, caller: caller, action: "CreateFunction")
        guard packageType == "Zip" else { throw ConfigurationRules.unavailable("PackageType Image") }
        try ConfigurationRules.checkUnavailable(request)
        guard let runtime = change.runtime, let handler = change.handler else {
            throw .invalidParameterValue(
                message: "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        }
        try rules.check(change)
        try ConfigurationRules.checkHost(architecture)
        try ConfigurationRules.checkTags(tags)
        let zip = try Self.zip(try request.structure("Code"))
        var configuration = FunctionConfiguration(
            key: key,
            runtime: runtime,
            handler: handler,
            role: role,
            code: CodeReference(objectID: "", sha256: "", sizeBytes: 0),
            lastModified: now(),
            revisionID: RandomIdentifier.uuid()
        )
        configuration.tags = tags
        try change.apply(to: &configuration)
        return (configuration, zip)
    }

    /// The one length that isn't the front door's.
    private func checkName(_ name: String) throws(LambdaError) {
        var violations = ConstraintViolations()
        violations.requireLength(name, at: "functionName", 1...FunctionIdentifier.nameLengthMax)
        if case .validation(let message)? = violations.error { throw .invalidParameterValue(message: message) }
    }
}
