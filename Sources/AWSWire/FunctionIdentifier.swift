// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The ways to name a function: `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME`, a partial or a whole ARN.
package struct FunctionIdentifier: Sendable, Equatable {
    package var region: String?
    package var accountID: String?
    package var name: String
    package var qualifier: String?

    /// Longest identifier where a function is made or changed.
    package static let lengthMax = 140
    /// Longest identifier elsewhere.
    package static let qualifiedLengthMax = 256
    /// Longest name by itself.
    package static let nameLengthMax = 64

    /// For requests that make or change a function.
    package static let pattern =
        #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"#
        + #"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"#
    /// For requests that read, delete or invoke.
    package static let namespacedPattern =
        #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"#
        + #"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"#
    package static let qualifierPattern = #"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#

    /// Takes an identifier apart; nil when it doesn't have the form of `pattern` or `namespacedPattern`.
    package init?(_ text: String, namespaced: Bool) {
        var parts = text.split(separator: ":", maxSplits: 8, omittingEmptySubsequences: false)[...]
        if parts.count > 3, parts[0] == "arn", Self.isPartition(parts[1]), parts[2] == "lambda" { parts.removeFirst(3) }
        if parts.count > 1, let first = parts.first, Self.isRegion(first) {
            region = String(first)
            parts.removeFirst()
        }
        if parts.count > 1, let first = parts.first, Self.isAccountID(first) {
            accountID = String(first)
            parts.removeFirst()
        }
        if parts.count > 1, parts.first == "function" { parts.removeFirst() }
        guard parts.count <= 2, let name = parts.popFirst(), !name.isEmpty,
            name.utf8.allSatisfy({ Self.isNameByte($0) || namespaced && $0 == UInt8(ascii: ".") })
        else { return nil }
        self.name = String(name)
        if let qualifier = parts.first {
            let isLatest = qualifier == "$LATEST" || namespaced && qualifier == "$LATEST.PUBLISHED"
            guard isLatest || !qualifier.isEmpty && qualifier.utf8.allSatisfy(Self.isNameByte) else { return nil }
            self.qualifier = String(qualifier)
        }
    }

    /// An identifier that only reads, deletes or invokes, with the `Qualifier` that came beside it.
    ///
    /// - Throws: `LambdaError.validation` for what the front door refuses, `.invalidParameterValue` when the two
    ///   qualifiers contradict each other.
    package init(reading text: String, qualifier: String?) throws(LambdaError) {
        var violations = ConstraintViolations()
        if let qualifier { Self.checkQualifier(qualifier, &violations) }
        let parsed = Self.checked(text, namespaced: true, &violations)
        try violations.throwIfAny()
        guard let parsed else { preconditionFailure("an identifier that isn't parsed is a violation") }
        self = parsed
        if let qualifier {
            guard self.qualifier == nil || self.qualifier == qualifier else {
                throw .invalidParameterValue(
                    message: "The derived qualifier from the function name does not match the specified qualifier."
                )
            }
            self.qualifier = qualifier
        }
    }

    /// An identifier of a function that is to be made or changed; what is wrong with it is added to `violations`.
    package static func checked(
        _ text: String,
        namespaced: Bool,
        _ violations: inout ConstraintViolations
    ) -> FunctionIdentifier? {
        let before = violations
        let parsed = FunctionIdentifier(text, namespaced: namespaced)
        violations.requirePattern(
            text,
            at: "functionName",
            namespaced ? namespacedPattern : pattern,
            parsed != nil
        )
        violations.requireLength(text, at: "functionName", 1...(namespaced ? qualifiedLengthMax : lengthMax))
        return violations == before ? parsed : nil
    }

    package static func checkQualifier(_ qualifier: String, _ violations: inout ConstraintViolations) {
        let isLatest = qualifier == "$LATEST.PUBLISHED"
        violations.requirePattern(
            qualifier,
            at: "qualifier",
            qualifierPattern,
            isLatest
                || !qualifier.isEmpty
                    && qualifier.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "$") }
        )
        violations.requireLength(qualifier, at: "qualifier", 1...128)
    }

    /// The function meant by a caller of that account in that region.
    ///
    /// - Throws: `LambdaError.resourceNotFound` for another region, `.accessDenied` for another account.
    package func key(accountID: String, region: String, action: String) throws(LambdaError) -> FunctionKey {
        if let other = self.region, other != region {
            throw .resourceNotFound(
                message: "Functions from '\(other)' are not reachable in this region ('\(region)')"
            )
        }
        let key = FunctionKey(accountID: self.accountID ?? accountID, region: region, name: name)
        guard key.accountID == accountID else {
            throw .accessDenied(
                name: "AccessDeniedException",
                message: "User: arn:aws:iam::\(accountID):root is not authorized to perform: lambda:\(action) on "
                    + "resource: \(key.arn) because no resource-based policy allows the lambda:\(action) action"
            )
        }
        return key
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isPartition(_ text: Substring) -> Bool {
        text.isEmpty
            || text.hasPrefix("aws")
                && text.utf8.allSatisfy { isLower($0 | 0x20) || $0 == UInt8(ascii: "-") }
    }

    private static func isAccountID(_ text: Substring) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy(isDigit)
    }

    /// `us-east-1`, `us-gov-west-1`, `us-isob-east-1`.
    private static func isRegion(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 4, let last = parts.last, last.utf8.count == 1,
            last.utf8.allSatisfy(isDigit), parts[0].utf8.count == 2, parts.dropLast().allSatisfy({ !$0.isEmpty }),
            parts.dropLast().allSatisfy({ $0.utf8.allSatisfy(isLower) })
        else { return false }
        return parts.count == 3 || parts[1] == "gov" || parts[1].hasPrefix("iso") && parts[1].utf8.count <= 4
    }
}
