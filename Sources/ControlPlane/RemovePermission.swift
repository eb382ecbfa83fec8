// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import Logging
import MetadataStore

extension ControlPlane {
    /// Takes a statement out of the policy of a function, a version or an alias; with the last one the policy goes.
    func removePermission(_ request: API.RemovePermissionRequest, caller: Caller) async throws {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .removePermission
        )
        try await withStores {
            try await metadata.change { transaction in
                guard try transaction.record(key) != nil else {
                    throw LambdaError.resourceNotFound(message: "No policy found for: \(key.arn)")
                }
                let owner = try FunctionPolicyOwner(key, qualifier, transaction)
                let policy = try transaction.document(FunctionPolicy.self, of: key, qualifier: qualifier ?? "")
                let statements = try Self.statements(policy?.statements, without: request.statementId)
                try Self.check(request.revisionId, isCurrent: owner.revisionID, operation: "GetPolicy")
                if statements.isEmpty {
                    try transaction.remove(FunctionPolicy.self, of: key, qualifier: qualifier ?? "")
                } else {
                    try transaction.put(FunctionPolicy(statements: statements), of: key, qualifier: qualifier ?? "")
                }
                try owner.touch(key, transaction)
            }
        }
        logger.info("permission removed", metadata: ["function": "\(key.arn(qualifier: qualifier))"])
    }

    /// - Throws: `LambdaError.resourceNotFound` where there is no policy (nil), or no such statement.
    static func statements(
        _ statements: [ResourcePolicyStatement]?,
        without sid: String
    ) throws(LambdaError) -> [ResourcePolicyStatement] {
        guard var statements else { throw noPolicy }
        guard let index = statements.firstIndex(where: { $0.sid == sid }) else {
            throw .resourceNotFound(message: "Statement \(sid) is not found in resource policy.")
        }
        statements.remove(at: index)
        return statements
    }

    static let noPolicy = LambdaError.resourceNotFound(
        message: "No policy is associated with the given resource."
    )
}
