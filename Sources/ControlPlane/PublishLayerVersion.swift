// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Makes a layer's next version; it is durable when this returns.
    func publishLayerVersion(
        _ request: API.PublishLayerVersionRequest,
        origin: String,
        caller: Caller
    ) async throws -> API.PublishLayerVersionResponse {
        let key = try Self.layer(request.layerName, caller: caller, action: .publishLayerVersion)
        try checkCompatibleRuntimes(request.compatibleRuntimes)
        let zip = try await zip(CodeSource(request.content))
        let code = try await store(zip, size: try await inspect(zip))
        var layer = LayerVersion(key: key, number: 0, code: code, created: now())
        layer.description = request.description ?? ""
        layer.licenseInfo = request.licenseInfo
        layer.compatibleRuntimes = request.compatibleRuntimes
        layer.compatibleArchitectures = request.compatibleArchitectures
        let published: LayerVersion
        do {
            let complete = layer
            published = try await withStores { [storedCodeBytesMax] in
                try await metadata.change { transaction in
                    let published = try transaction.publish(complete)
                    try transaction.checkCodeStorage(
                        accountID: key.accountID,
                        region: key.region,
                        added: code.sizeBytes,
                        max: storedCodeBytesMax
                    )
                    return published
                }
            }
        } catch {
            await collector.discardNow(code.objectID)
            throw error
        }
        logger.info("layer version published", metadata: ["layer": "\(published.arn)"])
        return .init(
            content: content(of: published, origin: origin),
            layerArn: published.key.arn,
            layerVersionArn: published.arn,
            description: published.description,
            createdDate: published.created.iso8601(suffix: "+0000"),
            version: published.number,
            compatibleRuntimes: published.compatibleRuntimes,
            licenseInfo: published.licenseInfo,
            compatibleArchitectures: published.compatibleArchitectures
        )
    }

    /// What the answers say of a layer's zip.
    func content(of layer: LayerVersion, origin: String) -> API.LayerVersionContentOutput {
        .init(
            location: location.url(of: layer.code, origin: origin, now: now()),
            codeSha256: layer.code.sha256,
            codeSize: layer.code.sizeBytes
        )
    }

    /// The layer that a name or ARN means; `version` is the number of the version of it that is asked for.
    static func layer(
        _ name: String,
        version: Int? = nil,
        caller: Caller,
        action: LambdaOperation
    ) throws(LambdaError) -> LayerKey {
        guard let identifier = LayerIdentifier(name) else {
            throw .validation(message: "The layer name is not valid.")
        }
        let key = try identifier.key(accountID: caller.accountID, region: caller.region)
        try caller.requireReach(of: key.accountID, version.map(key.arn(version:)) ?? key.arn, for: action)
        return key
    }

    /// Names that AWS has retired are accepted: many layers in use list them, and nothing here depends on the list.
    private func checkCompatibleRuntimes(_ names: [String]?) throws(LambdaError) {
        var violations = ConstraintViolations()
        for name in names ?? [] {
            guard case .unknown(let valueSet) = rules.runtimes(name) else { continue }
            violations.add(
                "[\(names?.joined(separator: ", ") ?? "")]",
                at: "compatibleRuntimes",
                "Member must satisfy enum value set: [\(valueSet.joined(separator: ", "))]"
            )
            break
        }
        try violations.throwIfAny()
    }
}
