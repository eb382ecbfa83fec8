// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Which queue: the account and region it belongs to, and its name.
package struct QueueKey: Hashable, Sendable, Codable {
    /// Twelve digits.
    package var accountID: String
    package var region: String
    /// 1 to 80 letters, digits, `-` and `_`; that of a FIFO queue ends in `.fifo`.
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    /// nil for what is no ARN of a queue.
    package init?(arn: String) {
        guard let arn = ARN(arn), arn.service == "sqs", !arn.region.isEmpty, ARN.isAccountID(arn.accountID),
            Self.isName(arn.resource)
        else { return nil }
        self.init(accountID: arn.accountID, region: arn.region, name: arn.resource)
    }

    /// From a queue URL, of which only the path counts: `…/ACCOUNT/NAME`; nil for anything else.
    ///
    /// A server has several names, so a URL that was made under one of them is good under all.
    package init?(url: String, region: String) {
        let tail = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        // What has a scheme has a host before its first slash; a path alone begins with one.
        guard url.utf8.count <= 2_048, let slash = tail.firstIndex(of: "/") else { return nil }
        let parts = tail[tail.index(after: slash)...].split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, ARN.isAccountID(parts[0]), Self.isName(String(parts[1])) else { return nil }
        self.init(accountID: String(parts[0]), region: region, name: String(parts[1]))
    }

    package var arn: String {
        ARN(service: "sqs", region: region, accountID: accountID, resource: name).description
    }

    package var path: String { "/\(accountID)/\(name)" }
    package var isFIFO: Bool { name.hasSuffix(".fifo") }

    /// Whether a text may be a queue's name; the suffix `.fifo` counts among its 80 characters.
    package static func isName(_ text: String) -> Bool {
        let stem = text.hasSuffix(".fifo") ? text.dropLast(5) : text[...]
        return (1...80).contains(text.utf8.count) && !stem.isEmpty && stem.utf8.allSatisfy(isWordByte)
    }

    static func isWordByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
