// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// A layer version with a URL of its zip, which begins with `origin`.
    func getLayerVersion(
        _ request: API.GetLayerVersionRequest,
        origin: String,
        caller: Caller
    ) async throws -> API.GetLayerVersionResponse {
        try Self.checkLayerNumber(request.versionNumber)
        let number = request.versionNumber
        let key = try Self.layer(request.layerName, version: number, caller: caller, action: .getLayerVersion)
        return try await getLayerVersion(key, number, origin: origin)
    }

    /// The same, by the version's ARN.
    func getLayerVersionByArn(
        _ request: API.GetLayerVersionByArnRequest,
        origin: String,
        caller: Caller
    ) async throws -> API.GetLayerVersionResponse {
        // Nobody here has a layer of AWS's own, which the model's pattern lets through too.
        guard let identifier = LayerVersionIdentifier(request.arn) else { throw Self.noSuchResource }
        let number = identifier.number
        let key = try identifier.layer.key(accountID: caller.accountID, region: caller.region)
        try caller.requireReach(of: key.accountID, key.arn(version: number), for: .getLayerVersionByArn)
        try Self.checkLayerNumber(number)
        return try await getLayerVersion(key, number, origin: origin)
    }

    private func getLayerVersion(
        _ key: LayerKey,
        _ number: Int,
        origin: String
    ) async throws -> API.GetLayerVersionResponse {
        guard let layer = try await withStores({ try await metadata.layerVersion(key, number: number) }) else {
            throw Self.noSuchResource
        }
        return .init(
            content: content(of: layer, origin: origin),
            layerArn: layer.key.arn,
            layerVersionArn: layer.arn,
            description: layer.description,
            createdDate: layer.created.iso8601(suffix: "+0000"),
            version: layer.number,
            compatibleRuntimes: layer.compatibleRuntimes,
            licenseInfo: layer.licenseInfo,
            compatibleArchitectures: layer.compatibleArchitectures
        )
    }

    static func checkLayerNumber(_ number: Int) throws(LambdaError) {
        guard number >= 1 else { throw .invalidParameterValue(message: "Layer Version Cannot be less than 1") }
    }
}
