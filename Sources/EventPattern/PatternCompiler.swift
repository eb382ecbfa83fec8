// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// Makes nodes from a pattern's JSON, and says what is wrong where it is none.
struct PatternCompiler {
    /// Names that no field inside `$or` may have (event-ruler, Constants.RESERVED_FIELD_NAMES_IN_OR_RELATIONSHIP).
    private static let reserved: Set<String> = [
        "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
        "html",
        "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
        "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
    ]

    /// Of the place that is looked at: names of fields, for the event.
    private var fields: [FieldName] = []
    /// The same with `$or` and indices, for errors.
    private var steps: [String] = []

    mutating func compile(_ pattern: JSONValue) throws(EventPatternError) -> PatternNode {
        guard case .object(let members) = pattern else { throw failure("Filter is not an object") }
        let node = try node(members, isInAlternative: false)
        guard node.combinations(max: EventPattern.combinationsMax) <= EventPattern.combinationsMax else {
            throw failure("The pattern has more than \(EventPattern.combinationsMax) rule combinations")
        }
        var resolved = try node.resolved()
        var next = 0
        resolved.number(from: &next)
        return resolved
    }

    private mutating func node(
        _ members: [String: JSONValue],
        isInAlternative: Bool
    ) throws(EventPatternError) -> PatternNode {
        guard !members.isEmpty else { throw failure("Empty objects are not allowed") }
        guard steps.count < EventPattern.depthMax else { throw failure("The pattern is nested too deeply") }
        var node = PatternNode()
        // In the order of names, so that of several faults always the same one is told.
        for (name, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            if name == "$or", let alternatives = Self.alternatives(value) {
                node.groups.append(try group(alternatives))
                continue
            }
            guard !isInAlternative || !Self.reserved.contains(name) else {
                throw failure("\(name) is Ruler reserved fieldName which cannot be used inside $or.")
            }
            fields.append(FieldName(text: name))
            steps.append(name)
            defer {
                fields.removeLast()
                steps.removeLast()
            }
            let content: PatternField.Content
            switch value {
            case .object(let nested): content = .node(try self.node(nested, isInAlternative: isInAlternative))
            case .array(let values): content = .leaf(try leaf(values))
            case .null, .bool, .number, .string: throw failure("\"\(name)\" must be an object or an array")
            }
            node.fields.append(PatternField(name: FieldName(text: name), content: content))
        }
        node.fields.sort { $0.precedes($1) }
        return node
    }

    /// Nil where `$or` is the name of a field: event-ruler takes it for one unless two or more objects without reserved
    /// names are listed (README, "The backward compatibility of using $or").
    private static func alternatives(_ value: JSONValue) -> [[String: JSONValue]]? {
        guard case .array(let values) = value, values.count > 1 else { return nil }
        let objects = values.compactMap(\.object)
        guard objects.count == values.count, objects.allSatisfy({ $0.keys.allSatisfy { !reserved.contains($0) } })
        else {
            return nil
        }
        return objects
    }

    private mutating func group(_ alternatives: [[String: JSONValue]]) throws(EventPatternError) -> [PatternNode] {
        var nodes: [PatternNode] = []
        for (index, members) in alternatives.enumerated() {
            steps.append("$or[\(index)]")
            defer { steps.removeLast() }
            nodes.append(try node(members, isInAlternative: true))
        }
        return nodes
    }

    private mutating func leaf(_ values: [JSONValue]) throws(EventPatternError) -> PatternLeaf {
        guard !values.isEmpty else { throw failure("Empty arrays are not allowed") }
        var leaf = PatternLeaf(path: fields, tests: [], allowsAbsence: false)
        for (index, value) in values.enumerated() {
            switch try compiled(value, index) {
            case .test(let test): leaf.tests.append(test)
            case .absence: leaf.allowsAbsence = true
            }
        }
        return leaf
    }

    private func compiled(_ value: JSONValue, _ index: Int) throws(EventPatternError) -> Comparison {
        do {
            return try Comparison(value)
        } catch {
            throw failure(error.reason, index)
        }
    }

    private func failure(_ reason: String, _ index: Int? = nil) -> EventPatternError {
        EventPatternError(reason: reason, path: steps.joined(separator: ".") + (index.map { "[\($0)]" } ?? ""))
    }
}
