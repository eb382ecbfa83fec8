// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

extension Shape {
    /// Checks a whole request: first every value's type, then all constraints of the model together.
    ///
    /// - Throws: `LambdaError.invalidRequestContent` for a value of another type, `.validation` with everything else that is
    ///   wrong in one text.
    package func validate(_ request: JSONValue) throws(LambdaError) {
        try checkType(request, at: "")
        var violations = ConstraintViolations()
        check(request, at: "", &violations)
        try violations.throwIfAny()
    }

    // MARK: - Types

    private func checkType(_ value: JSONValue, at path: String) throws(LambdaError) {
        switch (kind, value) {
        case (.string, .string), (.blob, .string), (.boolean, .bool), (.double, .number), (.timestamp, .number): return
        case (.integer, .number) where value.integer != nil: return
        case (.timestamp, .string(let text)) where Timestamp(rfc3339: text) != nil: return
        case (.list(let item), .array(let values)):
            for (index, value) in values.enumerated() where value != .null {
                try item.checkType(value, at: "\(path)[\(index)]")
            }
        case (.map(_, let item), .object(let entries)):
            for (key, value) in entries where value != .null { try item.checkType(value, at: "\(path).\(key)") }
        case (.structure(let members), .object(let values)):
            for member in members {
                guard let value = values[member.name], value != .null else { continue }
                try member.shape.checkType(value, at: path.isEmpty ? member.name : "\(path).\(member.name)")
            }
        default:
            throw .invalidRequestContent(
                message: "Could not parse request body into json: '\(path.prefix(256))' must be \(typeName)"
            )
        }
    }

    private var typeName: String {
        switch kind {
        case .string, .blob: "a string"
        case .integer: "an integer"
        case .double: "a number"
        case .boolean: "true or false"
        case .timestamp: "a time"
        case .list: "an array"
        case .map, .structure: "an object"
        }
    }

    // MARK: - Constraints

    private func check(_ value: JSONValue, at path: String, _ violations: inout ConstraintViolations) {
        switch (kind, value) {
        case (.structure(let members), .object(let values)):
            for member in members { Self.check(member, values[member.name] ?? .null, at: path, &violations) }
        case (.list(let item), .array(let values)):
            checkCount(values.count, value, at: path, &violations)
            if case .structure = item.kind {
                for (index, value) in values.enumerated() {
                    item.check(value, at: "\(path).\(index + 1).member", &violations)
                }
            } else if !values.allSatisfy(item.accepts) {
                violations.add(
                    shown(value),
                    at: path,
                    "Member must satisfy constraint: \(item.constraintList)"
                )
            }
        case (.map(let key, let item), .object(let entries)):
            checkCount(entries.count, value, at: path, &violations)
            if !entries.keys.allSatisfy({ key.accepts(.string($0)) }) {
                violations.add(shown(value), at: path, "Map keys must satisfy constraint: \(key.constraintList)")
            }
            if !entries.values.allSatisfy(item.accepts) {
                violations.add(shown(value), at: path, "Map value must satisfy constraint: \(item.constraintList)")
            }
        default:
            for constraint in broken(by: value) { violations.add(shown(value), at: path, constraint) }
        }
    }

    private static func check(
        _ member: Member,
        _ value: JSONValue,
        at path: String,
        _ violations: inout ConstraintViolations
    ) {
        let name = member.name.prefix(1).lowercased() + member.name.dropFirst()
        let path = path.isEmpty ? name : "\(path).\(name)"
        if value != .null {
            member.shape.check(value, at: path, &violations)
        } else if member.isRequired {
            violations.add(nil, at: path, Self.notNull)
        }
    }

    private func checkCount(
        _ count: Int,
        _ value: JSONValue,
        at path: String,
        _ violations: inout ConstraintViolations
    ) {
        for constraint in limits(count, of: "length") { violations.add(shown(value), at: path, constraint) }
    }

    /// An item of a list or a map, which is never null.
    private func accepts(_ value: JSONValue) -> Bool {
        guard value != .null else { return false }
        var violations = ConstraintViolations()
        check(value, at: "", &violations)
        return violations.isEmpty
    }

    /// The constraints that a value of the right type breaks, in AWS's words.
    private func broken(by value: JSONValue) -> [String] {
        switch (kind, value) {
        case (.string(let values, let pattern), .string(let text)):
            var constraints: [String] = []
            if let pattern, !pattern.matches(text) { constraints.append(Self.text(pattern)) }
            constraints += limits(text.unicodeScalars.count, of: "length")
            if !values.isEmpty, !values.contains(text) { constraints.append(Self.text(values)) }
            return constraints
        case (.integer, .number), (.double, .number):
            guard case .number(let text) = value, let number = Double(text) else { return [] }
            return limits(number, of: "value")
        default: return []
        }
    }

    private func limits<Number: BinaryInteger>(_ number: Number, of what: String) -> [String] {
        if let maximum, number > maximum { return ["Member must have \(what) less than or equal to \(maximum)"] }
        if let minimum, number < minimum { return ["Member must have \(what) greater than or equal to \(minimum)"] }
        return []
    }

    private func limits(_ number: Double, of what: String) -> [String] {
        if let maximum, number > Double(maximum) {
            return ["Member must have \(what) less than or equal to \(text(bound: maximum))"]
        }
        if let minimum, number < Double(minimum) {
            return ["Member must have \(what) greater than or equal to \(text(bound: minimum))"]
        }
        return []
    }

    private func text(bound: Int) -> String {
        if case .double = kind { "\(bound).0" } else { "\(bound)" }
    }

    private static let notNull = "Member must not be null"

    private static func text(_ pattern: Pattern) -> String {
        "Member must satisfy regular expression pattern: \(pattern.source)"
    }

    private static func text(_ values: [String]) -> String {
        "Member must satisfy enum value set: [\(values.joined(separator: ", "))]"
    }

    /// All constraints of an item, as one text names them whichever is broken.
    private var constraintList: String {
        var constraints: [String] = []
        let what =
            switch kind {
            case .integer, .double: "value"
            default: "length"
            }
        if let maximum { constraints.append("Member must have \(what) less than or equal to \(text(bound: maximum))") }
        if let minimum {
            constraints.append("Member must have \(what) greater than or equal to \(text(bound: minimum))")
        }
        if case .string(let values, let pattern) = kind {
            if let pattern { constraints.append(Self.text(pattern)) }
            if !values.isEmpty { constraints.append(Self.text(values)) }
        }
        constraints.append(Self.notNull)
        return "[\(constraints.joined(separator: ", "))]"
    }

    /// As Java prints the value.
    private func shown(_ value: JSONValue) -> String {
        guard !isSensitive else { return "***" }
        return Self.text(value)
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .number(let text), .string(let text): text
        case .array(let values): "[\(values.map(text).joined(separator: ", "))]"
        case .object(let entries):
            "{\(entries.sorted { $0.key < $1.key }.map { "\($0.key)=\(text($0.value))" }.joined(separator: ", "))}"
        }
    }
}
