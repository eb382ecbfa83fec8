// SPDX-License-Identifier: Apache-2.0

/// An Amazon Resource Name, taken apart: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
///
/// A service of AWS's leaves region or account empty where its resources have none. Whether they are there is not asked.
package struct ARN: Hashable, Sendable, CustomStringConvertible {
    package static let bytesMax = 2_048
    /// Of everything that is made here; which other one a caller writes makes no difference.
    package static let partition = "aws"

    package var partition: String
    package var service: String
    package var region: String
    package var accountID: String
    /// All that follows the fifth colon.
    package var resource: String

    package init(service: String, region: String, accountID: String, resource: String) {
        partition = Self.partition
        self.service = service
        self.region = region
        self.accountID = accountID
        self.resource = resource
    }

    /// nil for what has not six parts, or one that no ARN has.
    package init?(_ text: String) {
        // By bytes: a colon with an accent is another character.
        let parts = text.utf8.split(separator: Self.colon, maxSplits: 5, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard text.utf8.count <= Self.bytesMax, parts.count == 6, parts[0] == "arn", Self.isWord(parts[1]),
            Self.isWord(parts[2]), parts[3].isEmpty || Self.isWord(parts[3]),
            parts[4].isEmpty || Self.isWord(parts[4]), !parts[5].isEmpty
        else { return nil }
        (partition, service, region, accountID, resource) = (parts[1], parts[2], parts[3], parts[4], parts[5])
    }

    /// One of Lambda's own resources.
    package static func lambda(_ resource: String, accountID: String, region: String) -> ARN {
        ARN(service: "lambda", region: region, accountID: accountID, resource: resource)
    }

    package var description: String { "arn:\(partition):\(service):\(region):\(accountID):\(resource)" }

    /// The same resource as all policies are to see it, whatever partition its caller wrote.
    package var canonical: ARN {
        ARN(service: service, region: region, accountID: accountID, resource: resource)
    }

    /// The resource's own parts, such as `function`, `NAME` and a qualifier.
    package var resourceParts: [String] {
        resource.utf8.split(separator: Self.colon, omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    /// The function, and the version or alias, that it names; nil where it names none.
    package var function: (key: FunctionKey, qualifier: String?)? {
        let parts = resourceParts
        guard service == "lambda", RegionName.isValid(region), Self.isAccountID(accountID), parts[0] == "function",
            (2...3).contains(parts.count), Self.isName(parts[1]),
            parts.count == 2 || parts[2] == "$LATEST" || Self.isName(parts[2])
        else { return nil }
        return (
            FunctionKey(accountID: accountID, region: region, name: parts[1]), parts.count == 3 ? parts[2] : nil
        )
    }

    /// Whether a text is an account's number: twelve digits.
    package static func isAccountID(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// `[a-zA-Z0-9-_]+`, as functions, layers and qualifiers are named.
    package static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isWordByte($0) || $0 == UInt8(ascii: "_") }
    }

    /// `[a-zA-Z0-9-]+`.
    private static func isWord(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isWordByte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "-")
    }

    private static let colon = UInt8(ascii: ":")
}
