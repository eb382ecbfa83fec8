// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import MetadataStore

/// The code signing configuration that a function is under.
struct FunctionCodeSigning: FunctionDocument, Equatable {
    static let kind = "codeSigning"

    var arn: String
    var lookup: String? { arn }
}

extension ControlPlane {
    /// Puts a function under a configuration; the code that it has stays.
    func putFunctionCodeSigningConfig(
        _ request: API.PutFunctionCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.PutFunctionCodeSigningConfigResponse {
        let key = try Self.function(request.functionName, caller: caller, action: .putFunctionCodeSigningConfig)
        let arn = request.codeSigningConfigArn
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.attachableCodeSigningConfig(arn, key)
                _ = try transaction.latest(key)
                try transaction.put(FunctionCodeSigning(arn: arn), of: key)
            }
        }
        return .init(codeSigningConfigArn: arn, functionName: key.name)
    }

    /// - Returns: nil where the function is under none, which is no error.
    func getFunctionCodeSigningConfig(
        _ request: API.GetFunctionCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.GetFunctionCodeSigningConfigResponse? {
        let key = try Self.function(request.functionName, caller: caller, action: .getFunctionCodeSigningConfig)
        let attached = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.latest(key)
                return try transaction.document(FunctionCodeSigning.self, of: key)
            }
        }
        return attached.map { .init(codeSigningConfigArn: $0.arn, functionName: key.name) }
    }

    func deleteFunctionCodeSigningConfig(
        _ request: API.DeleteFunctionCodeSigningConfigRequest,
        caller: Caller
    ) async throws {
        let key = try Self.function(request.functionName, caller: caller, action: .deleteFunctionCodeSigningConfig)
        try await withStores {
            try await metadata.change { transaction in
                _ = try transaction.latest(key)
                try transaction.remove(FunctionCodeSigning.self, of: key)
            }
        }
    }

    /// One page of the functions under a configuration, by ARN.
    func listFunctionsByCodeSigningConfig(
        _ request: API.ListFunctionsByCodeSigningConfigRequest,
        caller: Caller
    ) async throws -> API.ListFunctionsByCodeSigningConfigResponse {
        let arn = request.codeSigningConfigArn
        let functions = try await withStores {
            try await metadata.read { transaction in
                _ = try transaction.codeSigningConfig(arn, caller.accountID, caller.region)
                return try transaction.documents(FunctionCodeSigning.self, lookup: arn).map(\.function.arn)
            }
        }
        let (page, next) = try Self.page(functions, by: \.self, after: request.marker, limit: request.maxItems)
        return .init(nextMarker: next, functionArns: page)
    }

    /// What is to be said of code or layers that come to a function under that configuration, signed or not: AWS
    /// Signer's signatures can't be verified here, so nothing counts as signed.
    ///
    /// - Throws: `LambdaError.codeVerificationFailed` where the configuration enforces signatures.
    func checkUnsigned(_ policy: CodeSigningConfiguration.Policy?, _ key: FunctionKey) throws(LambdaError) {
        switch policy {
        case nil: break
        case .warn:
            logger.warning(
                "code or a layer without a verified signature deployed",
                metadata: ["function": "\(key.arn)"]
            )
        case .enforce: throw Self.unsigned(key)
        }
    }

    static func unsigned(_ key: FunctionKey) -> LambdaError {
        .codeVerificationFailed(
            message: "Lambda cannot deploy the function. The function or layer might be signed using a signature that "
                + "the client is not configured to accept. Check the provided signature for \(key.name)."
        )
    }
}

extension MetadataTransaction {
    /// A configuration that may be attached to that function.
    ///
    /// - Throws: `LambdaError.codeSigningConfigNotFound`.
    func attachableCodeSigningConfig(_ arn: String, _ key: FunctionKey) throws -> CodeSigningConfiguration {
        guard let found = try codeSigningConfigIfAny(arn, key.accountID, key.region) else {
            throw LambdaError.codeSigningConfigNotFound(
                message: "The code signing configuration cannot be found. Check that the provided configuration is not "
                    + "deleted: \(arn)."
            )
        }
        return found
    }

    /// What the configuration says that the function is under; nil where it is under none.
    func codeSigningPolicy(_ key: FunctionKey) throws -> CodeSigningConfiguration.Policy? {
        guard let attached = try document(FunctionCodeSigning.self, of: key) else { return nil }
        return try codeSigningConfig(attached.arn, key.accountID, key.region).policy
    }

    /// - Returns: what is to be said of code that comes nevertheless, see `checkUnsigned`.
    /// - Throws: `LambdaError.codeVerificationFailed` where the function's configuration enforces signatures.
    @discardableResult
    func refuseUnsigned(_ key: FunctionKey) throws -> CodeSigningConfiguration.Policy? {
        let policy = try codeSigningPolicy(key)
        if policy == .enforce { throw ControlPlane.unsigned(key) }
        return policy
    }
}
