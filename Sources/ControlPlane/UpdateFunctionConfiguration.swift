// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Changes what a request has and leaves the rest; the old configuration runs until the new one is active.
    func updateFunctionConfiguration(
        _ request: API.UpdateFunctionConfigurationRequest,
        caller: Caller
    ) async throws -> API.FunctionConfiguration {
        let key = try Self.function(request.functionName, caller: caller, action: .updateFunctionConfiguration)
        let change = ConfigurationChange(request)
        let revisionID = request.revisionId
        guard let record = try await withStores({ try await metadata.function(key) }) else { throw Self.notFound(key) }
        try Self.checkChangeable(record, revisionID: revisionID)
        try ConfigurationRules.checkUnavailable([
            ("ImageConfig", request.imageConfig?.wire),
            ("CapacityProviderConfig", request.capacityProviderConfig?.wire),
            ("DurableConfig", request.durableConfig?.wire),
        ])
        try rules.check(change)
        var layers: [LayerReference]?
        if let arns = change.layers { layers = try await self.layers(arns, caller: caller) }
        // Code that another update brings meanwhile is newer than the keeping of sizes.
        let codeBytes = layers?.isEmpty == false ? try await measured(record.configuration.code).unzippedBytes : nil
        let modified = now()
        let (updated, unused, unsigned) = try await withStores { [layers] in
            try await metadata.change { transaction in
                var record = try transaction.latest(key)
                try Self.checkChangeable(record, revisionID: revisionID)
                let before = record.codeObjectIDs
                var unsigned: CodeSigningConfiguration.Policy?
                try change.apply(to: &record.configuration)
                if let layers {
                    let code = record.configuration.code
                    try Self.checkTogether(codeBytes: code.unzippedBytes ?? codeBytes ?? 0, layers)
                    // Layers are held to the function's code signing configuration when they are added.
                    if !Set(layers).isSubset(of: record.configuration.layers) {
                        unsigned = try transaction.refuseUnsigned(key)
                    }
                    record.configuration.layers = layers
                }
                Self.begin(&record.configuration, modified: modified)
                try transaction.update(record)
                return (record.configuration, before.subtracting(record.codeObjectIDs), unsigned)
            }
        }
        try checkUnsigned(unsigned, key)
        await collector.discardLater(unused)
        await activator.wake()
        logger.info("function configuration updated", metadata: ["function": "\(key.arn)"])
        return ConfigurationAnswer.of(updated)
    }
}
