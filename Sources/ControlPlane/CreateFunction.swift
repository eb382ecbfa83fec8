// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Makes a function, and a version of it where that is asked for; both are durable, and Pending, when this returns.
    func createFunction(
        _ request: API.CreateFunctionRequest,
        caller: Caller
    ) async throws -> API.FunctionConfiguration {
        let change = ConfigurationChange(request)
        var configuration = try checkedCreation(request, change, caller: caller)
        let key = configuration.key
        let signing = request.codeSigningConfigArn.flatMap { $0.isEmpty ? nil : FunctionCodeSigning(arn: $0) }
        let (exists, policy) = try await withStores {
            try await metadata.read { transaction in
                (
                    try transaction.record(key) != nil,
                    try signing.map { try transaction.attachableCodeSigningConfig($0.arn, key).policy }
                )
            }
        }
        guard !exists else { throw alreadyExists(key) }
        try checkUnsigned(policy, key)
        let zip = try await zip(CodeSource(request.code))
        configuration.layers = try await layers(change.layers ?? [], caller: caller)
        let size = try await inspect(zip)
        try Self.checkTogether(codeBytes: size, configuration.layers)
        configuration.code = try await store(zip, size: size)
        let isPublished = request.publish == true
        let shown: FunctionConfiguration
        do {
            shown = try await withStores { [configuration, storedCodeBytesMax] in
                try await metadata.change { transaction in
                    let latest = FunctionRecord(configuration: configuration, active: nil)
                    try transaction.insert(latest)
                    if let signing {
                        _ = try transaction.attachableCodeSigningConfig(signing.arn, key)
                        try transaction.put(signing, of: key)
                        try transaction.refuseUnsigned(key)
                    }
                    var shown = configuration
                    if isPublished {
                        let version = try Self.publish(latest, configuration.lastModified, transaction)
                        try transaction.insert(version)
                        shown = version.configuration
                    }
                    try transaction.checkCodeStorage(
                        accountID: key.accountID,
                        region: key.region,
                        added: configuration.code.sizeBytes,
                        max: storedCodeBytesMax
                    )
                    return shown
                }
            }
        } catch {
            await collector.discardNow(configuration.code.objectID)
            throw error
        }
        await activator.wake()
        logger.info("function created", metadata: ["function": "\(key.arn)"])
        return ConfigurationAnswer.of(shown)
    }

    private func alreadyExists(_ key: FunctionKey) -> LambdaError {
        .resourceConflict(message: "Function already exist: \(key.name)")
    }

    /// What the values mean here: all but the code and the layers.
    private func checkedCreation(
        _ request: API.CreateFunctionRequest,
        _ change: ConfigurationChange,
        caller: Caller
    ) throws(LambdaError) -> FunctionConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .createFunction)
        try checkName(key.name)
        guard request.packageType ?? "Zip" == "Zip" else { throw ConfigurationRules.unavailable("PackageType Image") }
        try ConfigurationRules.checkUnavailable([
            ("ImageConfig", request.imageConfig?.wire),
            ("CapacityProviderConfig", request.capacityProviderConfig?.wire),
            ("DurableConfig", request.durableConfig?.wire), ("TenancyConfig", request.tenancyConfig?.wire),
            ("PublishTo", request.publishTo?.wire),
        ])
        guard let runtime = request.runtime, let handler = request.handler else {
            throw .invalidParameterValue(
                message: "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            )
        }
        try rules.check(change)
        try ConfigurationRules.checkHost(request.architectures)
        try ConfigurationRules.checkTags(request.tags ?? [:])
        var configuration = FunctionConfiguration(
            key: key,
            runtime: runtime,
            handler: handler,
            role: request.role,
            code: CodeReference(objectID: "", sha256: "", sizeBytes: 0),
            lastModified: now(),
            revisionID: RandomIdentifier.uuid()
        )
        configuration.tags = request.tags ?? [:]
        try change.apply(to: &configuration)
        return configuration
    }

    /// The one length that isn't the front door's.
    private func checkName(_ name: String) throws(LambdaError) {
        var violations = ConstraintViolations()
        violations.requireLength(name, at: "functionName", 1...FunctionIdentifier.nameLengthMax)
        if case .validation(let message)? = violations.error { throw .invalidParameterValue(message: message) }
    }
}
