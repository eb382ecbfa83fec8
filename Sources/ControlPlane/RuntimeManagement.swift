// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

/// When a version of a function gets a new version of its runtime; its qualifier is `$LATEST` or a number.
///
/// Kept and shown. A runtime here is the machine's own, which changes when the operator changes it, so each runtime has
/// one version: the one that `RuntimeVersionConfig` shows.
struct RuntimeManagementConfiguration: FunctionDocument, Equatable {
    static let kind = "runtimeManagement"
    /// Of a version that has never been given one.
    static let standard = "Auto"

    /// `Auto`, `FunctionUpdate` or `Manual`.
    var updateRuntimeOn: String
    /// Of `Manual` alone.
    var runtimeVersionARN: String?
}

extension ControlPlane {
    func putRuntimeManagementConfig(
        _ request: API.PutRuntimeManagementConfigRequest,
        caller: Caller
    ) async throws -> API.PutRuntimeManagementConfigResponse {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .putRuntimeManagementConfig
        )
        let isManual = request.updateRuntimeOn == "Manual"
        guard !isManual || request.runtimeVersionArn != nil else {
            throw LambdaError.invalidParameterValue(
                message: "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."
            )
        }
        let configuration = RuntimeManagementConfiguration(
            updateRuntimeOn: request.updateRuntimeOn,
            runtimeVersionARN: isManual ? request.runtimeVersionArn : nil
        )
        try await withStores {
            try await metadata.change { transaction in
                let version = try Self.managedVersion(key, qualifier, transaction)
                let own = RuntimeVersionARN.of(version.runtime, region: key.region)
                if let wanted = configuration.runtimeVersionARN, wanted != own {
                    throw LambdaError.invalidParameterValue(
                        message: "Runtime version \(wanted) is not available: this machine has \(own) for "
                            + "\(version.runtime) only."
                    )
                }
                try transaction.put(configuration, of: key, qualifier: version.version)
            }
        }
        return .init(
            updateRuntimeOn: configuration.updateRuntimeOn,
            functionArn: key.arn(qualifier: qualifier),
            runtimeVersionArn: configuration.runtimeVersionARN
        )
    }

    func getRuntimeManagementConfig(
        _ request: API.GetRuntimeManagementConfigRequest,
        caller: Caller
    ) async throws -> API.GetRuntimeManagementConfigResponse {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .getRuntimeManagementConfig
        )
        let configuration = try await withStores {
            try await metadata.read { transaction in
                let version = try Self.managedVersion(key, qualifier, transaction).version
                return try transaction.document(RuntimeManagementConfiguration.self, of: key, qualifier: version)
            }
        }
        return .init(
            updateRuntimeOn: configuration?.updateRuntimeOn ?? RuntimeManagementConfiguration.standard,
            runtimeVersionArn: configuration?.runtimeVersionARN,
            functionArn: key.arn(qualifier: qualifier)
        )
    }

    private static func managedVersion(
        _ key: FunctionKey,
        _ qualifier: String?,
        _ transaction: MetadataTransaction
    ) throws -> FunctionConfiguration {
        if let qualifier, try transaction.document(Alias.self, of: key, qualifier: qualifier) != nil {
            throw LambdaError.invalidParameterValue(
                message: "The provided function name \(key.arn(qualifier: qualifier)) is invalid. Aliases are not "
                    + "allowed."
            )
        }
        return try transaction.resolve(key, qualifier: qualifier).configuration
    }
}
