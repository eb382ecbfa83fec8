// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import MetadataStore

extension ControlPlane {
    /// The policy of a function, a version or an alias; where there is none, it is all the same what else is missing.
    func getPolicy(_ request: API.GetPolicyRequest, caller: Caller) async throws -> API.GetPolicyResponse {
        let (key, qualifier) = try Self.target(
            request.functionName,
            qualifier: request.qualifier,
            caller: caller,
            action: .getPolicy
        )
        return try await withStores {
            try await metadata.read { transaction in
                guard
                    let policy = try transaction.document(FunctionPolicy.self, of: key, qualifier: qualifier ?? "")
                else { throw Self.noSuchResource }
                let owner = try FunctionPolicyOwner(key, qualifier, transaction)
                return .init(policy: PolicyText.policy(policy.statements), revisionId: owner.revisionID)
            }
        }
    }

    static let noSuchResource = LambdaError.resourceNotFound(
        message: "The resource you requested does not exist."
    )
}
