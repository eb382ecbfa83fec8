// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// Changes what the request has and leaves the rest; an empty routing configuration takes the second version away.
    func updateAlias(_ request: API.UpdateAliasRequest, caller: Caller) async throws -> API.AliasConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .updateAlias)
        let additional = try Self.additional(request.routingConfig)
        let revisionID = RandomIdentifier.uuid()
        let (alias, isProvisioned) = try await withStores {
            try await metadata.change { transaction in
                guard var alias = try transaction.document(Alias.self, of: key, qualifier: request.name) else {
                    throw LambdaError.resourceNotFound(
                        message: "Alias not found: \(key.arn(qualifier: request.name))"
                    )
                }
                try Self.check(request.revisionId, isCurrent: alias.revisionID)
                alias.version = request.functionVersion ?? alias.version
                alias.description = request.description ?? alias.description
                if request.routingConfig != nil { alias.additional = additional }
                alias.revisionID = revisionID
                try Self.checkVersions(of: alias, key, transaction)
                let isProvisioned = try Self.checkProvisioned(alias, name: request.name, key, transaction)
                try transaction.put(alias, of: key, qualifier: request.name)
                return (alias, isProvisioned)
            }
        }
        if isProvisioned { try await withStores { try await reservations.refresh() } }
        return alias.answer(key, name: request.name)
    }

    /// Whether the alias has provisioned concurrency, which moves with it.
    ///
    /// Throws where it could not.
    private static func checkProvisioned(
        _ alias: Alias,
        name: String,
        _ key: FunctionKey,
        _ transaction: MetadataTransaction
    ) throws -> Bool {
        let configuration = try transaction.document(ProvisionedConcurrency.self, of: key, qualifier: name)
        guard configuration != nil else { return false }
        guard alias.version != FunctionVersionKey.latest else { throw unpublished }
        try transaction.checkProvisioned(once: key, qualifier: name, alias: alias)
        return true
    }
}
