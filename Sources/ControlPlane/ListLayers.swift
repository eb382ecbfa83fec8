// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// One page of layers, each with its newest version that matches.
    func listLayers(_ request: API.ListLayersRequest, caller: Caller) async throws -> API.ListLayersResponse {
        let filter = try layerFilter(request.compatibleRuntime, request.compatibleArchitecture)
        let after = try Self.text(marker: request.marker)
        let limit = Self.pageLimit(request.maxItems)
        let (page, next) = try await withStores {
            try await metadata.layers(
                accountID: caller.accountID,
                region: caller.region,
                filter,
                after: after,
                limit: limit
            )
        }
        return .init(
            nextMarker: next.map(Self.marker),
            layers: page.map { layer in
                .init(layerName: layer.key.name, layerArn: layer.key.arn, latestMatchingVersion: Self.item(layer))
            }
        )
    }

    func layerFilter(_ runtime: String?, _ architecture: String?) throws(LambdaError) -> LayerFilter {
        if let runtime, case .unknown(let valueSet) = rules.runtimes(runtime) {
            var violations = ConstraintViolations()
            violations.requireValue(runtime, at: "compatibleRuntime", in: valueSet)
            try violations.throwIfAny()
        }
        return LayerFilter(runtime: runtime, architecture: architecture)
    }

    /// As listings show a version.
    static func item(_ layer: LayerVersion) -> API.LayerVersionsListItem {
        .init(
            layerVersionArn: layer.arn,
            version: layer.number,
            description: layer.description,
            createdDate: layer.created.iso8601(suffix: "+0000"),
            compatibleRuntimes: layer.compatibleRuntimes,
            licenseInfo: layer.licenseInfo,
            compatibleArchitectures: layer.compatibleArchitectures
        )
    }
}
