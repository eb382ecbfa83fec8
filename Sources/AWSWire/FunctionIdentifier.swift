// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The ways to name a function: `NAME`, `NAME:QUALIFIER`, `ACCOUNT:function:NAME`, a partial or a whole ARN.
package struct FunctionIdentifier: Sendable, Equatable {
    package var region: String?
    package var accountID: String?
    package var name: String
    package var qualifier: String?

    /// Longest identifier with its qualifier.
    package static let qualifiedLengthMax = 256
    /// Longest name by itself.
    package static let nameLengthMax = 64

    package static let namespacedPattern =
        #"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"#
        + #"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"#
    package static let qualifierPattern = #"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"#

    /// Takes an identifier apart; nil when it doesn't have the form of the model's `FunctionName`, or `NamespacedFunctionName`.
    package init?(_ text: String, namespaced: Bool) {
        var parts = text.split(separator: ":", maxSplits: 8, omittingEmptySubsequences: false)[...]
        if parts.count > 3, parts[0] == "arn", Self.isPartition(parts[1]), parts[2] == "lambda" { parts.removeFirst(3) }
        if parts.count > 1, let first = parts.first, Self.isRegion(first) {
            region = String(first)
            parts.removeFirst()
        }
        if parts.count > 1, let first = parts.first, ARN.isAccountID(first) {
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
        let parsed = Self.checked(text, &violations)
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

    private static func checked(_ text: String, _ violations: inout ConstraintViolations) -> FunctionIdentifier? {
        let before = violations
        let parsed = FunctionIdentifier(text, namespaced: true)
        violations.requirePattern(text, at: "functionName", namespacedPattern, parsed != nil)
        violations.requireLength(text, at: "functionName", 1...qualifiedLengthMax)
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

    /// The function meant by a caller of that account in that region, wherever it is and whoever it belongs to.
    package func meant(accountID: String, region: String) -> FunctionKey {
        FunctionKey(accountID: self.accountID ?? accountID, region: self.region ?? region, name: name)
    }

    /// The same, where it is in that region.
    ///
    /// - Throws: `LambdaError.resourceNotFound` for another region.
    package func key(accountID: String, region: String) throws(LambdaError) -> FunctionKey {
        let key = meant(accountID: accountID, region: region)
        guard key.region == region else {
            throw .resourceNotFound(
                message: "Functions from '\(key.region)' are not reachable in this region ('\(region)')"
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
