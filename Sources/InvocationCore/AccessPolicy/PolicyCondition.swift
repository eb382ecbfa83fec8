// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// One test of a statement's condition: a key of the request against values (IAM User Guide, "Condition operators").
package struct PolicyCondition: Hashable, Sendable, Codable {
    /// How values are compared, under AWS's name.
    package struct Operator: Hashable, Sendable, Codable {
        /// Which values of a key that has several count.
        enum Quantifier: String, Sendable {
            case forAnyValue = "ForAnyValue:"
            case forAllValues = "ForAllValues:"
        }

        /// As AWS writes it, such as `ForAnyValue:StringLikeIfExists`.
        package let text: String
        let comparison: PolicyComparison
        let quantifier: Quantifier?
        /// True of a request that does not have the key.
        let isIfExists: Bool

        private init(_ comparison: PolicyComparison) {
            text = comparison.rawValue
            self.comparison = comparison
            quantifier = nil
            isIfExists = false
        }

        /// nil for what is no operator.
        package init?(_ text: String) {
            var rest = text[...]
            quantifier = [Quantifier.forAnyValue, .forAllValues].first { rest.hasPrefix($0.rawValue) }
            if let quantifier { rest = rest.dropFirst(quantifier.rawValue.count) }
            let suffix = "IfExists"
            isIfExists = rest.hasSuffix(suffix)
            if isIfExists { rest = rest.dropLast(suffix.count) }
            guard let comparison = PolicyComparison(rawValue: String(rest)),
                comparison != .null || !isIfExists && quantifier == nil
            else { return nil }
            self.text = text
            self.comparison = comparison
        }

        package init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let known = Operator(text) else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "\(text) is no condition operator")
                )
            }
            self = known
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }

        package static let stringEquals = Operator(.stringEquals)
        package static let arnLike = Operator(.arnLike)
        package static let bool = Operator(.bool)

        /// Whether a policy may have that value: a number, a time, a network of the operator's kind.
        package func accepts(_ value: String) -> Bool { comparison.accepts(value) }
    }

    package var operation: Operator
    /// As it was written; compared without case.
    package var key: String
    package var values: [String]

    package init(_ operation: Operator, key: String, values: [String]) {
        self.operation = operation
        self.key = key
        self.values = values
    }

    /// Whether the request fulfils it.
    ///
    /// A request without the key fulfils only what is negated, `…IfExists`, `ForAllValues:` and `Null` of `true`.
    package func holds(for request: AccessRequest) -> Bool {
        let given = request.values(key)
        if operation.comparison == .null {
            let isAbsent = given?.isEmpty ?? true
            return values.contains { ($0.lowercased() == "true") == isAbsent }
        }
        guard let given, !given.isEmpty else {
            if operation.isIfExists { return true }
            switch operation.quantifier {
            case .forAllValues: return true
            case .forAnyValue: return false
            case nil: return operation.comparison.isNegated
            }
        }
        let isNegated = operation.comparison.isNegated
        func fulfils(_ value: String) -> Bool {
            isNegated != values.contains { operation.comparison.matches($0, value, for: request) }
        }
        switch operation.quantifier {
        case .forAnyValue: return given.contains(where: fulfils)
        case .forAllValues: return given.allSatisfy(fulfils)
        case nil: return isNegated ? given.allSatisfy(fulfils) : given.contains(where: fulfils)
        }
    }
}
