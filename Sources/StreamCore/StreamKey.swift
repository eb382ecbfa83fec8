// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Which stream: the account and region it belongs to, and its name.
package struct StreamKey: Hashable, Sendable {
    /// Twelve digits.
    package var accountID: String
    package var region: String
    /// 1 to 128 letters, digits, `_`, `.` and `-`.
    package var name: String

    private static let prefix = "stream/"

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    /// nil for what is no ARN of a stream.
    package init?(arn: String) {
        guard let arn = ARN(arn), arn.service == "kinesis", !arn.region.isEmpty, ARN.isAccountID(arn.accountID),
            arn.resource.hasPrefix(Self.prefix)
        else { return nil }
        let name = String(arn.resource.dropFirst(Self.prefix.count))
        guard Self.isName(name) else { return nil }
        self.init(accountID: arn.accountID, region: arn.region, name: name)
    }

    package var arn: String {
        ARN(service: "kinesis", region: region, accountID: accountID, resource: Self.prefix + name).description
    }

    /// Whether a text may be a stream's name.
    package static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    /// Of names of streams and of shards.
    package static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "_.-".utf8.contains(byte)
    }
}
