// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// An identity of an account: who signed a request.
package struct AccessIdentity: Hashable, Sendable {
    /// Twelve digits.
    package var accountID: String
    /// `arn:aws:iam::ACCOUNT:root`, `…:user/NAME`, or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    package var arn: String
    /// Of an assumed role: `arn:aws:iam::ACCOUNT:role/ROLE`, path included.
    package var roleARN: String?

    package init(accountID: String, arn: String, roleARN: String? = nil) {
        self.accountID = accountID
        self.arn = arn
        self.roleARN = roleARN
    }

    /// The account itself.
    package static func root(of accountID: String) -> AccessIdentity {
        AccessIdentity(accountID: accountID, arn: arn("root", of: accountID))
    }

    /// A user of an account.
    package static func user(_ name: String, of accountID: String) -> AccessIdentity {
        AccessIdentity(accountID: accountID, arn: arn("user/\(name)", of: accountID))
    }

    private static func arn(_ resource: String, of accountID: String) -> String {
        ARN(service: "iam", region: "", accountID: accountID, resource: resource).description
    }
}

/// Who asks for something.
package enum AccessPrincipal: Hashable, Sendable {
    /// Nobody known: the request has no signature.
    case anonymous
    case identity(AccessIdentity)
    /// A service of AWS's on its own behalf, such as `s3.amazonaws.com`.
    case service(String)
}

/// What is asked for, as policies see it.
package struct AccessRequest: Hashable, Sendable {
    package var principal: AccessPrincipal
    /// Such as `lambda:InvokeFunction`.
    package var action: String
    /// An ARN, or `*` for actions that have none.
    package var resource: String
    /// Another ARN of the same resource: a `Deny` of it counts too, an `Allow` does not.
    package var otherName: String?
    /// The values of condition keys, by key in lower case.
    package private(set) var context: [String: [String]]

    /// A request; the case of the keys in `context` makes no difference.
    package init(
        principal: AccessPrincipal,
        action: String,
        resource: String,
        otherName: String? = nil,
        context: [String: [String]] = [:]
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.otherName = otherName
        self.context = Dictionary(context.map { ($0.key.lowercased(), $0.value) }) { first, second in first + second }
    }

    /// The values of a condition key; nil where the request has none.
    package func values(_ key: String) -> [String]? { context[key.lowercased()] }
}
