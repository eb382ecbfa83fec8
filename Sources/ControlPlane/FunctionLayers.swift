// SPDX-License-Identifier: Apache-2.0
import AWSWire
import CodeStore
import LambdaModel
import MetadataStore

/// The layers of a function: what a request may name, and what they come to together.
extension ControlPlane {
    /// The versions that the ARNs name, in their order.
    ///
    /// - Throws: `LambdaError.invalidParameterValue` in AWS's words; `.accessDenied` for another account's layer.
    func layers(_ arns: [String], caller: Caller) async throws -> [LayerReference] {
        let identifiers = try Self.checked(arns, caller: caller)
        var layers: [LayerReference] = []
        for (arn, identifier) in Swift.zip(arns, identifiers) {
            let key = try identifier.map { identifier throws(LambdaError) in
                let key = try identifier.layer.key(accountID: caller.accountID, region: caller.region)
                try caller.requireReach(of: key.accountID, key.arn(version: identifier.number), for: .getLayerVersion)
                return key
            }
            guard let identifier, let key,
                let layer = try await withStores({
                    try await metadata.layerVersion(key, number: identifier.number)
                })
            else { throw LambdaError.invalidParameterValue(message: "Layer version \(arn) does not exist.") }
            layers.append(LayerReference(arn: layer.arn, code: try await measured(layer.code)))
        }
        return layers
    }

    /// nil for an ARN of AWS's own (`awslayer`), which nobody has here.
    private static func checked(_ arns: [String], caller: Caller) throws(LambdaError) -> [LayerVersionIdentifier?] {
        let identifiers = arns.map { LayerVersionIdentifier($0) }
        guard identifiers.allSatisfy({ $0?.layer.region == nil || $0?.layer.region == caller.region }) else {
            throw .invalidParameterValue(
                message: "Layers are not in the same region as the function. Layers are expected to be in region "
                    + "\(caller.region)."
            )
        }
        guard arns.count <= LimitsProfile.layersMax else {
            throw .invalidParameterValue(message: "Cannot reference more than \(LimitsProfile.layersMax) layers.")
        }
        for (index, identifier) in identifiers.enumerated() {
            guard let identifier, let other = identifiers[..<index].firstIndex(where: { $0?.layer == identifier.layer })
            else { continue }
            throw .invalidParameterValue(
                message: "Two different versions of the same layer are not allowed to be referenced in the same "
                    + "function. \(arns[other]) and \(arns[index]) are versions of the same layer."
            )
        }
        return identifiers
    }

    /// Code with its unpacked size, which is measured now for what was stored before sizes were kept.
    func measured(_ reference: CodeReference) async throws -> CodeReference {
        guard reference.unzippedBytes == nil else { return reference }
        var reference = reference
        let zip = try await withStores { [reference] in try await code.zip(reference) }
        reference.unzippedBytes = try await inspect(zip)
        return reference
    }

    /// Function and layers share the limit of a package.
    ///
    /// The sizes are known: `measured` was here before.
    static func checkTogether(codeBytes: Int, _ layers: [LayerReference]) throws(LambdaError) {
        guard !layers.isEmpty else { return }
        let bytes = layers.reduce(codeBytes) { $0 + ($1.code.unzippedBytes ?? 0) }
        guard bytes <= LimitsProfile.unzippedBytesMax else {
            throw .invalidParameterValue(
                message: "Function code combined with layers exceeds the maximum allowed size of "
                    + "\(LimitsProfile.unzippedBytesMax) bytes. The actual size is \(bytes) bytes."
            )
        }
    }
}
