package import AWSWire
import LambdaModel
// SPDX-License-Identifier: Apache-2.0
import Logging
import MetadataStore

extension ControlPlane {
    /// Changes what a request has and leaves the rest; the old configuration runs until the new one is active.
    package func updateFunctionConfiguration(
        _ name: String,
        _ body: [UInt8],
        caller: Caller
    ) async throws -> JSONValue {
        let request = try RequestMembers(body: body)
        var violations = ConstraintViolations()
        let change = try ConfigurationChange(request, &violations)
        let identifier = FunctionIdentifier.checked(name, namespaced: false, &violations)
        try violations.throwIfAny()
        guard let identifier else { preconditionFailure("an identifier that isn't parsed is a violation") }
        let key = try key(changing: identifier, caller: caller, action: "UpdateFunctionConfiguration")
        let revisionID = try request.string("RevisionId")
        guard let record = try await withStores({ try await metadata.function(key) }) else { throw Self.notFound(key) }
        try Self.checkChangeable(record, revisionID: revisionID)
        try ConfigurationRules.checkUnavailable(request)
        try rules.check(change)
        let modified = now()
        let updated = try await withStores {
            try await metadata.updateFunction(key) { record in
                try Self.checkChangeable(record, revisionID: revisionID)
                try change.apply(to: &record.configuration)
                Self.begin(&record.configuration, modified: modified)
                return record.configuration
            }
        }
        await activator.wake()
        logger.info("function configuration updated", metadata: ["function": "\(key.arn)"])
        return .object(ConfigurationAnswer.members(updated))
    }
}
