// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Deletes an alias with what belongs to it; one that isn't there is no error.
    func deleteAlias(_ request: API.DeleteAliasRequest, caller: Caller) async throws {
        let key = try Self.function(request.functionName, caller: caller, action: .deleteAlias)
        try await withStores {
            try await metadata.change { transaction in
                guard try transaction.remove(Alias.self, of: key, qualifier: request.name) else { return }
                try transaction.deleteDocuments(key, qualifier: request.name)
            }
            try await reservations.refresh()
        }
        logger.info("alias deleted", metadata: ["alias": "\(key.arn(qualifier: request.name))"])
    }
}
