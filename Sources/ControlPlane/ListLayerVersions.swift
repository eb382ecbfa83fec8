// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// One page of a layer's versions, the newest first; of a layer that isn't there, none.
    func listLayerVersions(
        _ request: API.ListLayerVersionsRequest,
        caller: Caller
    ) async throws -> API.ListLayerVersionsResponse {
        let key = try Self.layer(request.layerName, caller: caller, action: .listLayerVersions)
        let filter = try layerFilter(request.compatibleRuntime, request.compatibleArchitecture)
        let before = try Self.text(marker: request.marker).map { text throws(LambdaError) in
            guard let number = Int(text) else { throw Self.invalidMarker }
            return number
        }
        let limit = Self.pageLimit(request.maxItems)
        let (page, next) = try await withStores {
            try await metadata.layerVersions(of: key, filter, before: before, limit: limit)
        }
        return .init(nextMarker: next.map { Self.marker(String($0)) }, layerVersions: page.map(Self.item))
    }
}
