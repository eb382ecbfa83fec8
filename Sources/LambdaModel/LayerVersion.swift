// SPDX-License-Identifier: Apache-2.0

/// Which layer: the account and region it belongs to, and its name.
package struct LayerKey: Hashable, Sendable, Codable {
    /// Twelve digits.
    package var accountID: String
    /// For example `us-east-1`.
    package var region: String
    /// 1 to 140 of `[a-zA-Z0-9-_]`.
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    /// The layer's ARN, without a version.
    package var arn: String { ARN.lambda("layer:\(name)", accountID: accountID, region: region).description }

    package func arn(version: Int) -> String { "\(arn):\(version)" }
}

/// A published version of a layer; it never changes.
package struct LayerVersion: Equatable, Sendable, Codable {
    package var key: LayerKey
    /// From 1 on, and never given twice for one layer, deleted versions included.
    package var number: Int
    package var code: CodeReference
    package var description: String
    package var licenseInfo: String?
    /// nil where the request had none, which the API shows differently from an empty list.
    package var compatibleRuntimes: [String]?
    package var compatibleArchitectures: [String]?
    package var created: Timestamp

    package init(key: LayerKey, number: Int, code: CodeReference, created: Timestamp) {
        self.key = key
        self.number = number
        self.code = code
        self.description = ""
        self.licenseInfo = nil
        self.compatibleRuntimes = nil
        self.compatibleArchitectures = nil
        self.created = created
    }

    package var arn: String { key.arn(version: number) }
}

/// A layer version as a function has it: still good when the version has been deleted.
package struct LayerReference: Hashable, Sendable, Codable {
    /// Of the version.
    package var arn: String
    package var code: CodeReference

    package init(arn: String, code: CodeReference) {
        self.arn = arn
        self.code = code
    }
}
