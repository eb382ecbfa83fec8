// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Whom a statement of a resource policy allows something, as AddPermission's `Principal` names it.
package enum ResourcePolicyPrincipal: Hashable, Sendable, Codable {
    case everybody
    /// An ARN of IAM's or STS's; for an account the one that ends in `:root`.
    case aws(arn: String)
    case service(String)

    private static let serviceSuffixes = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"]

    /// nil for what is neither `*`, an account's twelve digits, an ARN of an identity nor the name of a service.
    package init?(_ text: String) {
        if text == "*" {
            self = .everybody
        } else if ARN.isAccountID(text) {
            self = .aws(arn: AccessIdentity.root(of: text).arn)
        } else if text.hasPrefix("arn:") {
            guard let arn = ARN(text), arn.partition.hasPrefix(ARN.partition), ["iam", "sts"].contains(arn.service),
                arn.region.isEmpty, ARN.isAccountID(arn.accountID), !arn.resource.contains("*")
            else { return nil }
            self = .aws(arn: text)
        } else if Self.serviceSuffixes.contains(where: text.hasSuffix), !text.hasPrefix(".") {
            self = .service(text)
        } else {
            return nil
        }
    }

    var principals: AccessStatement.Principals {
        switch self {
        case .everybody: .everybody
        case .aws(let arn): .listed([.aws(arn)])
        case .service(let name): .listed([.service(name)])
        }
    }
}

/// A statement of a function's or a layer version's policy: those only ever allow one action on the resource itself.
package struct ResourcePolicyStatement: Hashable, Sendable, Codable {
    package var sid: String
    package var principal: ResourcePolicyPrincipal
    /// A pattern, such as `lambda:InvokeFunction` or `lambda:*`.
    package var action: String
    /// The resource's ARN, with the qualifier where the policy is a version's or an alias's.
    package var resource: String
    /// In the order in which they are shown; those of one operator stand together.
    package var conditions: [PolicyCondition]

    package init(
        sid: String,
        principal: ResourcePolicyPrincipal,
        action: String,
        resource: String,
        conditions: [PolicyCondition]
    ) {
        self.sid = sid
        self.principal = principal
        self.action = action
        self.resource = resource
        self.conditions = conditions
    }

    package var access: AccessStatement {
        AccessStatement(
            sid: sid,
            effect: .allow,
            principals: principal.principals,
            actions: .listed([action]),
            resources: .listed([resource]),
            conditions: conditions
        )
    }
}
