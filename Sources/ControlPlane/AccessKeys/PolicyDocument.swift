// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import InvocationCore
package import LambdaModel

/// An identity's policy, or a resource's, as it is written: IAM's JSON (IAM User Guide, "Grammar of the IAM JSON policy language").
package enum PolicyDocument {
    package static let bytesMax = 20_480
    package static let statementsMax = 100

    /// The statements of a resource's policy say whom they speak of.
    ///
    /// - Throws: `LambdaError.invalidParameterValue` with the place of what is wrong, such as `Statement[1].Condition`.
    package static func parse(_ bytes: [UInt8], isOfResource: Bool = false) throws(LambdaError) -> AccessPolicy {
        guard bytes.count <= bytesMax else {
            throw fault("the document", "has \(bytes.count) bytes, and at most \(bytesMax) are allowed")
        }
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw fault("the document", "is not JSON: \(error)")
        }
        let members = try object(document, "the document", allowed: ["Version", "Id", "Statement"])
        let version = try members["Version"].map { value throws(LambdaError) in try string(value, "Version") }
        guard version == nil || ["2012-10-17", "2008-10-17"].contains(version) else {
            throw fault("Version", "must be 2012-10-17 or 2008-10-17")
        }
        if let id = members["Id"] { _ = try string(id, "Id") }
        guard let written = members["Statement"] else { throw fault("the document", "has no Statement") }
        let isList = written.array != nil
        let values = written.array ?? [written]
        guard (1...statementsMax).contains(values.count) else {
            throw fault("Statement", "has \(values.count) statements, and 1 to \(statementsMax) are allowed")
        }
        var statements: [AccessStatement] = []
        var names: Set<String> = []
        for (index, value) in values.enumerated() {
            let place = isList ? "Statement[\(index)]" : "Statement"
            // Variables came with the later version; in the earlier one they are text.
            let reader = StatementReader(
                place: place,
                hasVariables: version == "2012-10-17",
                isOfResource: isOfResource
            )
            let statement = try reader.statement(value)
            if let sid = statement.sid, !names.insert(sid).inserted {
                throw fault("\(place).Sid", "is another statement's: '\(sid)'")
            }
            statements.append(statement)
        }
        return AccessPolicy(statements: statements)
    }

    fileprivate static func fault(_ place: String, _ problem: String) -> LambdaError {
        .invalidParameterValue(message: "Malformed policy document: \(place) \(problem).")
    }

    fileprivate static func object(
        _ value: JSONValue,
        _ place: String,
        allowed: Set<String>
    ) throws(LambdaError) -> [String: JSONValue] {
        guard let members = value.object else { throw fault(place, "must be an object") }
        if let unknown = members.keys.filter({ !allowed.contains($0) }).min() {
            throw fault(place, "has an unknown member '\(unknown.prefix(64))'")
        }
        return members
    }

    fileprivate static func string(_ value: JSONValue, _ place: String) throws(LambdaError) -> String {
        guard let text = value.string else { throw fault(place, "must be a string") }
        return text
    }
}

private struct StatementReader {
    let place: String
    let hasVariables: Bool
    let isOfResource: Bool

    private static let members: Set<String> = [
        "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition",
    ]

    func statement(_ value: JSONValue) throws(LambdaError) -> AccessStatement {
        if !isOfResource, let object = value.object,
            let principal = ["Principal", "NotPrincipal"].first(where: { object[$0] != nil })
        {
            throw PolicyDocument.fault(
                "\(place).\(principal)",
                "is not allowed: the policy of a key speaks of whoever signs with it"
            )
        }
        let members = isOfResource ? Self.members.union(["Principal", "NotPrincipal"]) : Self.members
        let object = try PolicyDocument.object(value, place, allowed: members)
        let sid = try object["Sid"].map { value throws(LambdaError) in
            try PolicyDocument.string(value, "\(place).Sid")
        }
        if let sid, !isOfResource, !sid.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0 | 0x20) }) {
            throw PolicyDocument.fault("\(place).Sid", "may have letters and digits only")
        }
        guard let effect = object["Effect"]?.string.flatMap(AccessStatement.Effect.init) else {
            throw PolicyDocument.fault("\(place).Effect", "must be Allow or Deny")
        }
        return AccessStatement(
            sid: sid?.isEmpty == true ? nil : sid,
            effect: effect,
            principals: try isOfResource ? principals(object) : nil,
            actions: try names(object, "Action") {
                Self.isAction($0) ? nil : "is no action such as lambda:GetFunction"
            },
            resources: try names(object, "Resource") { Self.isResource($0) ? nil : "is neither an ARN nor *" },
            conditions: try conditions(object["Condition"])
        )
    }

    /// Of `Principal` and `NotPrincipal` the one that there is.
    private func principals(_ object: [String: JSONValue]) throws(LambdaError) -> AccessStatement.Principals {
        guard (object["Principal"] == nil) != (object["NotPrincipal"] == nil) else {
            throw PolicyDocument.fault(place, "must have either Principal or NotPrincipal")
        }
        let isNegated = object["Principal"] == nil
        let place = "\(place).\(isNegated ? "Not" : "")Principal"
        let value = object["Principal"] ?? object["NotPrincipal"] ?? .null
        if value.string == "*" { return isNegated ? .allBut([.aws("*")]) : .everybody }
        guard let kinds = value.object else { throw PolicyDocument.fault(place, "must be * or an object") }
        var patterns: [PrincipalPattern] = []
        for (kind, value) in kinds.sorted(by: { $0.key < $1.key }) {
            let texts = try strings(value, "\(place).\(kind.prefix(64))")
            switch kind {
            case "AWS": patterns += texts.map(PrincipalPattern.aws)
            case "Service": patterns += texts.map(PrincipalPattern.service)
            case "Federated": patterns += texts.map(PrincipalPattern.federated)
            case "CanonicalUser": patterns += texts.map(PrincipalPattern.canonicalUser)
            default: throw PolicyDocument.fault(place, "has an unknown kind '\(kind.prefix(64))'")
            }
        }
        guard !patterns.isEmpty else { throw PolicyDocument.fault(place, "is empty") }
        return isNegated ? .allBut(patterns) : .listed(patterns)
    }

    /// Of `Action` and `NotAction`, or of `Resource` and `NotResource`, the one that there is.
    private func names(
        _ object: [String: JSONValue],
        _ name: String,
        fault: (String) -> String?
    ) throws(LambdaError) -> AccessStatement.Names {
        guard (object[name] == nil) != (object["Not\(name)"] == nil) else {
            throw PolicyDocument.fault(place, "must have either \(name) or Not\(name)")
        }
        let isNegated = object[name] == nil
        let place = "\(place).\(isNegated ? "Not" : "")\(name)"
        let texts = try strings(object[name] ?? object["Not\(name)"] ?? .null, place)
        for text in texts {
            if let problem = fault(text) {
                throw PolicyDocument.fault(place, "has '\(text.prefix(128))', which \(problem)")
            }
        }
        let patterns = name == "Resource" ? texts.map(pattern) : texts
        return isNegated ? .allBut(patterns) : .listed(patterns)
    }

    private func conditions(_ value: JSONValue?) throws(LambdaError) -> [PolicyCondition] {
        guard let value else { return [] }
        let place = "\(place).Condition"
        guard let operators = value.object else { throw PolicyDocument.fault(place, "must be an object") }
        var conditions: [PolicyCondition] = []
        for (name, value) in operators.sorted(by: { $0.key < $1.key }) {
            guard let operation = PolicyCondition.Operator(name) else {
                throw PolicyDocument.fault(place, "has an unknown operator '\(name.prefix(64))'")
            }
            guard let keys = value.object else { throw PolicyDocument.fault("\(place).\(name)", "must be an object") }
            for (key, value) in keys.sorted(by: { $0.key < $1.key }) {
                let place = "\(place).\(name).\(key.prefix(128))"
                guard key.utf8.contains(UInt8(ascii: ":")) else {
                    throw PolicyDocument.fault(place, "is no condition key such as aws:SourceIp")
                }
                let values = try strings(value, place, isScalar: true)
                if let wrong = values.first(where: { !operation.accepts($0) }) {
                    throw PolicyDocument.fault(
                        place,
                        "has '\(wrong.prefix(128))', which \(name) can't be compared with"
                    )
                }
                conditions.append(PolicyCondition(operation, key: key, values: values.map(pattern)))
            }
        }
        return conditions
    }

    /// A string, or an array of some; of a condition, numbers and booleans are their texts.
    private func strings(
        _ value: JSONValue,
        _ place: String,
        isScalar: Bool = false
    ) throws(LambdaError) -> [String] {
        let values = value.array ?? [value]
        guard !values.isEmpty else { throw PolicyDocument.fault(place, "is empty") }
        var texts: [String] = []
        for value in values {
            switch value {
            case .string(let text): texts.append(text)
            case .bool(let value) where isScalar: texts.append(value ? "true" : "false")
            case .number(let digits) where isScalar: texts.append(digits)
            default: throw PolicyDocument.fault(place, "must be a string or an array of strings")
            }
        }
        return texts
    }

    /// As it is matched: where there are no variables, what looks like one stands for itself.
    private func pattern(_ text: String) -> String { hasVariables ? text : text.replacing("${", with: "${$}{") }

    private static func isAction(_ text: String) -> Bool {
        if text == "*" { return true }
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return false }
        return parts[0].allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "-") }
            && parts[1].allSatisfy { isNameByte($0) || "*?".utf8.contains($0) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20)
    }

    private static func isResource(_ text: String) -> Bool {
        text == "*" || text.hasPrefix("arn:") && text.utf8.filter { $0 == UInt8(ascii: ":") }.count >= 2
    }
}
