// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Deletes a layer version; one that isn't there is no error.
    ///
    /// Functions that have it keep it: its zip goes when the last of them has gone.
    func deleteLayerVersion(_ request: API.DeleteLayerVersionRequest, caller: Caller) async throws {
        let number = request.versionNumber
        try Self.checkLayerNumber(number)
        let key = try Self.layer(request.layerName, version: number, caller: caller, action: .deleteLayerVersion)
        let deleted = try await withStores {
            try await metadata.change { transaction in
                try LayerPolicy.remove(of: key, number, transaction)
                return try transaction.deleteLayerVersion(key, number: number)
            }
        }
        guard let layer = deleted else { return }
        await collector.discardLater([layer.code.objectID])
        logger.info("layer version deleted", metadata: ["layer": "\(layer.arn)"])
    }
}
