// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

/// Which function a request means, and which version of it.
extension ControlPlane {
    /// The function, and the qualifier that came in its name or beside it.
    static func target(
        _ name: String,
        qualifier: String? = nil,
        caller: Caller,
        action: LambdaOperation
    ) throws(LambdaError) -> (key: FunctionKey, qualifier: String?) {
        let identifier = try FunctionIdentifier(reading: name, qualifier: qualifier)
        let key = try identifier.key(accountID: caller.accountID, region: caller.region)
        try caller.requireReach(of: key.accountID, key.arn(qualifier: identifier.qualifier), for: action)
        return (key, identifier.qualifier)
    }

    /// The function that a request means as a whole; `$LATEST` counts as that.
    ///
    /// - Throws: `LambdaError.invalidParameterValue` for another qualifier.
    static func function(_ name: String, caller: Caller, action: LambdaOperation) throws(LambdaError) -> FunctionKey {
        let (key, qualifier) = try target(name, caller: caller, action: action)
        guard qualifier == nil || qualifier == FunctionVersionKey.latest else {
            throw .invalidParameterValue(
                message:
                    "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                    + "operation. Please specify either a function name or an unqualified function ARN."
            )
        }
        return key
    }

    static func notFound(_ key: FunctionKey, qualifier: String? = nil) -> LambdaError {
        .resourceNotFound(message: "Function not found: \(key.arn(qualifier: qualifier))")
    }
}

extension MetadataTransaction {
    /// - Throws: `LambdaError.resourceNotFound` without a qualifier where there is no such function.
    func latest(_ key: FunctionKey) throws -> FunctionRecord {
        guard let record = try record(key) else { throw ControlPlane.notFound(key) }
        return record
    }

    /// The version that a qualifier names: an alias's own one, not another of its weights.
    ///
    /// - Throws: `LambdaError.resourceNotFound` with the qualifier in the ARN; without, when the function isn't there.
    func resolve(_ key: FunctionKey, qualifier: String?) throws -> FunctionRecord {
        guard let qualifier, qualifier != FunctionVersionKey.latest else { return try latest(key) }
        let version = try document(Alias.self, of: key, qualifier: qualifier)?.version ?? qualifier
        if let record = try record(key, version) { return record }
        _ = try latest(key)
        throw ControlPlane.notFound(key, qualifier: qualifier)
    }

    /// Whether the function has that version or alias; nil stands for `$LATEST`.
    func has(_ key: FunctionKey, qualifier: String?) throws -> Bool {
        guard let qualifier, qualifier != FunctionVersionKey.latest else { return try record(key) != nil }
        return try document(Alias.self, of: key, qualifier: qualifier) != nil || record(key, qualifier) != nil
    }
}
