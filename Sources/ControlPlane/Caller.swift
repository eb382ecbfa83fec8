// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel

/// Who asks, and in which region: taken from the access key and the scope of the signature.
package struct Caller: Hashable, Sendable {
    /// Twelve digits.
    package var accountID: String
    package var region: String
    package var identity: AccessIdentity
    /// What the identity's own policies say; nil for one that may do everything in its account.
    package var policy: AccessPolicy?
    /// Whether it may make and delete access keys.
    package var isAdministrator: Bool
    /// The ARN of the function whose session signed, if one did.
    package var sourceFunction: String?
    /// ARNs of other accounts' resources that their policies, and the caller's own, let this request use, as
    /// `OperationAccess` names them.
    package var grants: Set<String> = []

    /// A caller; without an identity it is the account itself.
    package init(
        accountID: String,
        region: String,
        identity: AccessIdentity? = nil,
        policy: AccessPolicy? = nil,
        isAdministrator: Bool = false,
        sourceFunction: String? = nil
    ) {
        self.accountID = accountID
        self.region = region
        self.identity = identity ?? .root(of: accountID)
        self.policy = policy
        self.isAdministrator = isAdministrator
        self.sourceFunction = sourceFunction
    }

    /// What the caller's own policies say to a request.
    package func decision(on request: AccessRequest) -> AccessDecision {
        policy?.decision(on: request) ?? .allow
    }

    /// AWS's words for what may not be done.
    package func denied(_ action: String, on resource: String, _ reason: String) -> LambdaError {
        .accessDenied(
            name: "AccessDeniedException",
            message: "User: \(identity.arn) is not authorized to perform: \(action) on resource: \(resource) \(reason)"
        )
    }

    /// Holds every operation to what was found out before it began: it uses nothing of another account's without a grant.
    ///
    /// - Throws: `LambdaError.accessDenied`.
    func requireReach(of accountID: String, _ resource: String, for operation: LambdaOperation) throws(LambdaError) {
        guard accountID != self.accountID, !grants.contains(resource) else { return }
        let action = operation.action
        throw denied(action, on: resource, AccessRefusal.noResourcePolicy.reason(action: action))
    }
}
