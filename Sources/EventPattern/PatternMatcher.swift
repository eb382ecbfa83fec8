// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// Looks for one choice of elements, one from each array of objects on the way, with which an event has what a pattern
/// asks for.
///
/// `exists: false` follows event-ruler (`ACFinder`, `NameState.getNameTransitions`): a field has to be missing from
/// everything that goes with what has matched before it in the order of paths. Where nothing has yet matched in the
/// element that was chosen from an array, that is the whole array.
///
/// Two things differ from it. A name that is asked for both as a value and as an object may find the two in different
/// arrays of an array of arrays. Of two names in one object that are canonically equivalent, `JSONValue` has kept only
/// one.
struct PatternMatcher {
    /// An object of the event that was chosen: the event itself, or an element of an array.
    private struct Place {
        var object: [String: JSONValue]
        /// Fields from the event down to it.
        var depth: Int
        /// By number of the leaf, whether the field is missing below this object: an array of n elements is not read n
        /// times.
        var absences: [Int: Bool] = [:]
    }

    private var places: [Place]

    init(event: [String: JSONValue]) {
        places = [Place(object: event, depth: 0)]
    }

    mutating func matches(_ node: PatternNode) -> Bool {
        places[0].absences.removeAll()
        return settled(node, in: places[0].object, depth: 0, settled: 1) != nil
    }

    /// How many of `places` are settled, by a comparison that holds in the last of them or below; nil where nothing
    /// matches.
    ///
    /// Of several ways to match it is the one that settles most, since then the least has to be missing.
    private mutating func settled(
        _ node: PatternNode,
        in object: [String: JSONValue]?,
        depth: Int,
        settled count: Int
    ) -> Int? {
        var count = count
        for field in node.fields {
            let value = object.flatMap { Self.member(field.name, of: $0) }
            let result =
                switch field.content {
                case .leaf(let leaf): settled(leaf, in: value, settled: count)
                case .node(let nested): settled(nested, below: value, depth: depth + 1, settled: count)
                }
            guard let result else { return nil }
            count = result
        }
        for group in node.groups {
            var best: Int?
            for alternative in group {
                guard let result = settled(alternative, in: object, depth: depth, settled: count) else { continue }
                best = max(best ?? 0, result)
                if result == places.count { break }
            }
            guard let best else { return nil }
            count = best
        }
        return count
    }

    private mutating func settled(
        _ node: PatternNode,
        below value: JSONValue?,
        depth: Int,
        settled count: Int
    ) -> Int? {
        switch value {
        case .object(let object): return settled(node, in: object, depth: depth, settled: count)
        case .array(let elements):
            var best: Int?
            Self.forEach(of: elements) { element in
                guard case .object(let object) = element else { return true }
                places.append(Place(object: object, depth: depth))
                let result = settled(node, in: object, depth: depth, settled: count)
                places.removeLast()
                if let result { best = max(best ?? 0, min(result, places.count)) }
                return best != places.count
            }
            // No element at all is a choice too, for fields that are to be missing.
            return best ?? settled(node, in: nil, depth: depth, settled: count)
        case .null, .bool, .number, .string, nil: return settled(node, in: nil, depth: depth, settled: count)
        }
    }

    private mutating func settled(_ leaf: PatternLeaf, in value: JSONValue?, settled count: Int) -> Int? {
        if let value, Self.hasLeaf(value, where: { scalar in leaf.tests.contains { $0.matches(scalar) } }) {
            return places.count
        }
        guard leaf.allowsAbsence else { return nil }
        let place = count - 1
        if let known = places[place].absences[leaf.number] { return known ? count : nil }
        let isAbsent = Self.isAbsent(leaf.path[places[place].depth...], from: places[place].object)
        places[place].absences[leaf.number] = isAbsent
        return isAbsent ? count : nil
    }

    /// Whether no way along `path`, through any elements of arrays, ends at a string, number, Boolean or null.
    private static func isAbsent(_ path: ArraySlice<FieldName>, from object: [String: JSONValue]) -> Bool {
        guard let name = path.first, let value = member(name, of: object) else { return true }
        let rest = path.dropFirst()
        if rest.isEmpty { return !hasLeaf(value) { _ in true } }
        switch value {
        case .object(let nested): return isAbsent(rest, from: nested)
        case .array(let elements):
            return forEach(of: elements) { element in
                if case .object(let nested) = element { isAbsent(rest, from: nested) } else { true }
            }
        case .null, .bool, .number, .string: return true
        }
    }

    private static func hasLeaf(_ value: JSONValue, where condition: (JSONValue) -> Bool) -> Bool {
        switch value {
        case .null, .bool, .number, .string: condition(value)
        case .object: false
        case .array(let elements):
            !forEach(of: elements) { element in
                if case .object = element { true } else { !condition(element) }
            }
        }
    }

    /// Each element that is no array, also of arrays inside arrays, until `body` returns false; whether it never did.
    @discardableResult
    private static func forEach(of elements: [JSONValue], _ body: (JSONValue) -> Bool) -> Bool {
        // A stack of its own: how deeply an event is nested is its sender's choice.
        var left = [elements[...]]
        while let next = left[left.count - 1].popFirst() ?? nil {
            if case .array(let inner) = next { left.append(inner[...]) } else if !body(next) { return false }
            while left.count > 1, left[left.count - 1].isEmpty { left.removeLast() }
        }
        return true
    }

    /// By the name's UTF-8, which a dictionary of strings doesn't look at.
    private static func member(_ name: FieldName, of object: [String: JSONValue]) -> JSONValue? {
        guard let index = object.index(forKey: name.text) else { return nil }
        return FieldName(text: object[index].key) == name ? object[index].value : nil
    }
}
