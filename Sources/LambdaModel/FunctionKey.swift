// SPDX-License-Identifier: Apache-2.0

/// Which function: the account and region it belongs to, and its name.
///
/// Every store and every pool is keyed by this, never by the name alone: two accounts may have functions of one name.
package struct FunctionKey: Hashable, Sendable, Codable {
    /// Twelve digits.
    package var accountID: String
    /// For example `us-east-1`.
    package var region: String
    /// 1 to 64 of `[a-zA-Z0-9-_]`.
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    /// The unqualified function ARN.
    package var arn: String { ARN.lambda("function:\(name)", accountID: accountID, region: region).description }

    /// The ARN with a version or alias appended, or the unqualified ARN where there is none.
    package func arn(qualifier: String?) -> String {
        qualifier.map { "\(arn):\($0)" } ?? arn
    }
}
