package import AWSWire
import LambdaModel
// SPDX-License-Identifier: Apache-2.0
import Logging
import MetadataStore

extension ControlPlane {
    /// Replaces a function's code; the old code runs until the new one has been found good.
    package func updateFunctionCode(_ name: String, _ body: [UInt8], caller: Caller) async throws -> JSONValue {
        let request = try RequestMembers(body: body)
        var violations = ConstraintViolations()
        let architecture = try ConfigurationRules.checkArchitectures(request, &violations)
        let identifier = FunctionIdentifier.checked(name, namespaced: false, &violations)
        try violations.throwIfAny()
        guard let identifier else { preconditionFailure("an identifier that isn't parsed is a violation") }
        let key = try key(changing: identifier, caller: caller, action: "UpdateFunctionCode")
        let revisionID = try request.string("RevisionId")
        let isDryRun = try request.bool("DryRun") ?? false
        guard let record = try await withStores({ try await metadata.function(key) }) else { throw Self.notFound(key) }
        try Self.checkChangeable(record, revisionID: revisionID)
        try ConfigurationRules.checkUnavailable(request)
        try ConfigurationRules.checkHost(architecture)
        let zip = try Self.zip(request)
        if isDryRun {
            try await inspect(zip)
            return .object(ConfigurationAnswer.members(record.configuration))
        }
        let code = try await store(zip)
        let modified = now()
        let updated: FunctionConfiguration
        let replaced: CodeReference?
        do {
            (updated, replaced) = try await withStores {
                try await metadata.updateFunction(key) { record in
                    // Somebody else may have come between.
                    try Self.checkChangeable(record, revisionID: revisionID)
                    // Code that never became active has no user left.
                    let replaced = record.configuration.code == record.active?.code ? nil : record.configuration.code
                    record.configuration.code = code
                    Self.begin(&record.configuration, modified: modified)
                    return (record.configuration, replaced)
                }
            }
        } catch {
            await collector.discardNow(code.objectID)
            throw error
        }
        if let replaced { await collector.discardLater(replaced.objectID) }
        await activator.wake()
        logger.info("function code updated", metadata: ["function": "\(key.arn)"])
        return .object(ConfigurationAnswer.members(updated))
    }

    /// What every update does to a configuration besides its own change.
    static func begin(_ configuration: inout FunctionConfiguration, modified: Timestamp) {
        configuration.lastModified = modified
        configuration.revisionID = RandomIdentifier.uuid()
        configuration.lastUpdateStatus = .inProgress
        configuration.failure = nil
    }
}
