// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    func createAlias(_ request: API.CreateAliasRequest, caller: Caller) async throws -> API.AliasConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .createAlias)
        let alias = Alias(
            version: request.functionVersion,
            description: request.description ?? "",
            additional: try Self.additional(request.routingConfig),
            revisionID: RandomIdentifier.uuid()
        )
        try await withStores {
            try await metadata.change { transaction in
                try Self.checkVersions(of: alias, key, transaction)
                guard try transaction.document(Alias.self, of: key, qualifier: request.name) == nil else {
                    throw LambdaError.resourceConflict(
                        message: "Alias already exists: \(key.arn(qualifier: request.name))"
                    )
                }
                try transaction.put(alias, of: key, qualifier: request.name)
            }
        }
        return alias.answer(key, name: request.name)
    }

    /// The one other version of a routing configuration; an empty one has none.
    static func additional(_ routing: API.AliasRoutingConfiguration?) throws(LambdaError) -> Alias.Additional? {
        guard let weights = routing?.additionalVersionWeights, let (version, weight) = weights.first else { return nil }
        guard weights.count == 1 else {
            throw .invalidParameterValue(
                message: "Number of items in AdditionalVersionWeights cannot be greater than 1"
            )
        }
        return Alias.Additional(version: version, weight: weight)
    }

    /// Throws where the versions aren't there, or don't go together.
    static func checkVersions(of alias: Alias, _ key: FunctionKey, _ transaction: MetadataTransaction) throws {
        if let additional = alias.additional {
            guard alias.version != FunctionVersionKey.latest else {
                throw LambdaError.invalidParameterValue(
                    message: "$LATEST is not supported for an alias pointing to more than 1 version"
                )
            }
            guard additional.version != alias.version else {
                throw LambdaError.invalidParameterValue(
                    message: "Invalid function version \(alias.version). Function version \(alias.version) is already "
                        + "included in routing configuration."
                )
            }
        }
        for version in [alias.version] + [alias.additional?.version].compactMap(\.self)
        where try transaction.record(key, version) == nil {
            throw notFound(key, qualifier: version)
        }
    }
}
