// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// What a mapping signs in to its broker with: a secret's value, as AWS Secrets Manager keeps it.
///
/// Never to be logged, nor to be part of an error.
package struct Secret: Equatable, Sendable {
    /// Who a mapping of that account signs in as by the secret of that ARN.
    package typealias Finder = @Sendable (_ arn: String, _ accountID: String) throws(SecretFailure) -> Secret

    /// The members of a value that is an object, such as `username` and `password`; empty for any other.
    private let members: [String: String]
    /// A value that is a text alone, such as a certificate.
    package let text: String?

    /// `value` is a text or an object of texts; a text that holds such an object, as the service has it, is that object.
    ///
    /// nil for anything else.
    package init?(_ value: JSONValue) {
        switch value {
        case .string(let text):
            if text.utf8.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "{"),
                let object = try? JSONValue(parsing: Array(text.utf8)), let members = Self.texts(object)
            {
                self.members = members
                self.text = nil
            } else {
                members = [:]
                self.text = text
            }
        case .object:
            guard let members = Self.texts(value) else { return nil }
            self.members = members
            text = nil
        case .null, .bool, .number, .array: return nil
        }
    }

    package subscript(member: String) -> String? { members[member] }

    private static func texts(_ value: JSONValue) -> [String: String]? {
        guard let object = value.object else { return nil }
        var texts: [String: String] = [:]
        for (name, member) in object {
            guard let text = member.string else { return nil }
            texts[name] = text
        }
        return texts
    }
}

/// Why a mapping has no secret, for its owner to read.
package struct SecretFailure: Error, Equatable {
    package var problem: String

    package init(_ problem: String) { self.problem = problem }
}
