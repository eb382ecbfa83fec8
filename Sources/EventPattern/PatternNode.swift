// SPDX-License-Identifier: Apache-2.0

/// What a pattern asks of one object of the event: all of `fields`, and one alternative of each of `groups`.
struct PatternNode: Equatable, Sendable {
    /// In the order of their paths: it decides which comparisons `exists: false` comes after.
    var fields: [PatternField] = []
    /// Each a `$or`; its alternatives are about the same object.
    var groups: [[PatternNode]] = []
}

struct PatternField: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case leaf(PatternLeaf)
        case node(PatternNode)
    }

    var name: FieldName
    var content: Content

    /// The order of whole paths, in which a dot follows an object's name.
    func precedes(_ other: PatternField) -> Bool { sortKey.lexicographicallyPrecedes(other.sortKey) }

    private var sortKey: [UInt8] {
        if case .node = content { Array(name.text.utf8) + [UInt8(ascii: ".")] } else { Array(name.text.utf8) }
    }
}

/// The values and comparisons of one field, of which any has to hold for one value of the event.
struct PatternLeaf: Equatable, Sendable {
    /// From the event down, for `exists: false`.
    var path: [FieldName]
    var tests: [ValueTest]
    /// `exists: false` is among them.
    var allowsAbsence: Bool
    /// Of leaves that allow absence, which one it is; zero for the others.
    var number = 0
}

/// A member's name, compared by its UTF-8: `String` takes two spellings of one accented letter for the same.
struct FieldName: Hashable, Sendable {
    var text: String

    static func == (left: FieldName, right: FieldName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

// MARK: - Alternatives

extension PatternNode {
    /// Ways through all `$or` below, no more than `max` + 1.
    func combinations(max: Int) -> Int {
        var product = 1
        func multiply(by factor: Int) {
            let (result, overflow) = product.multipliedReportingOverflow(by: factor)
            product = overflow ? max + 1 : min(result, max + 1)
        }
        for case .node(let node) in fields.map(\.content) { multiply(by: node.combinations(max: max)) }
        for group in groups {
            multiply(by: group.reduce(0) { Swift.min($0 + $1.combinations(max: max), max + 1) })
        }
        return product
    }

    var leafCount: Int {
        fields.reduce(0) { count, field in
            if case .node(let node) = field.content { count + node.leafCount } else { count + 1 }
        } + groups.joined().reduce(0) { $0 + $1.leafCount }
    }

    /// The same pattern, in which every `$or` can be looked at by itself.
    ///
    /// It can't where two of its conditions are about one field, because they then have to hold in one element of an
    /// array, nor with `exists: false`, which depends on what else has matched. Such a `$or` is multiplied out, as
    /// event-ruler does with all.
    func resolved() throws(EventPatternError) -> PatternNode {
        guard !groups.isEmpty, allowsAbsence || repeatsName else {
            var groups: [[PatternNode]] = []
            for group in self.groups {
                var alternatives: [PatternNode] = []
                for alternative in group { alternatives.append(try alternative.resolved()) }
                groups.append(alternatives)
            }
            return PatternNode(fields: try resolvedFields(), groups: groups)
        }
        guard combinations(max: EventPattern.combinationsMax) * leafCount <= EventPattern.expandedLeavesMax else {
            throw EventPatternError(reason: "The combinations of $or are too many", path: "")
        }
        var alternatives: [PatternNode] = []
        for conjunction in try conjunctions() {
            alternatives.append(PatternNode(fields: try conjunction.resolvedFields()))
        }
        return PatternNode(groups: [alternatives])
    }

    private func resolvedFields() throws(EventPatternError) -> [PatternField] {
        var fields = self.fields
        for index in fields.indices {
            if case .node(let node) = fields[index].content { fields[index].content = .node(try node.resolved()) }
        }
        return fields
    }

    private var allowsAbsence: Bool {
        fields.contains { field in
            switch field.content {
            case .leaf(let leaf): leaf.allowsAbsence
            case .node(let node): node.allowsAbsence
            }
        } || groups.joined().contains(where: \.allowsAbsence)
    }

    private var repeatsName: Bool {
        var seen = Set(fields.map(\.name))
        for group in groups {
            let names = group.reduce(into: Set<FieldName>()) { $0.formUnion($1.namesOfLevel) }
            guard seen.isDisjoint(with: names) else { return true }
            seen.formUnion(names)
        }
        return false
    }

    private var namesOfLevel: Set<FieldName> {
        groups.joined().reduce(into: Set(fields.map(\.name))) { $0.formUnion($1.namesOfLevel) }
    }

    /// Every combination of alternatives as a node without groups.
    ///
    /// As deep as there are groups that follow one another, each of which doubles the combinations at least.
    private func conjunctions() throws(EventPatternError) -> [PatternNode] {
        guard let group = groups.first else { return [self] }
        var rest = self
        rest.groups.removeFirst()
        var all: [PatternNode] = []
        for alternative in group { all += try rest.merged(with: alternative).conjunctions() }
        return all
    }

    private func merged(with other: PatternNode) throws(EventPatternError) -> PatternNode {
        var merged = self
        for field in other.fields {
            switch field.content {
            case .leaf(let leaf):
                for case (let name, .leaf) in merged.fields.map({ ($0.name, $0.content) }) where name == field.name {
                    let path = leaf.path.map(\.text).joined(separator: ".")
                    throw EventPatternError(reason: "Path `\(path)` cannot be allowed multiple times", path: path)
                }
                merged.fields.append(field)
            case .node(let node):
                let place = merged.fields.firstIndex {
                    if case .node = $0.content { $0.name == field.name } else { false }
                }
                if let place, case .node(let own) = merged.fields[place].content {
                    merged.fields[place].content = .node(try own.merged(with: node))
                } else {
                    merged.fields.append(field)
                }
            }
        }
        merged.fields.sort { $0.precedes($1) }
        merged.groups += other.groups
        return merged
    }

    /// Numbers the leaves that allow absence, from `next` on.
    mutating func number(from next: inout Int) {
        for index in fields.indices {
            switch fields[index].content {
            case .leaf(var leaf) where leaf.allowsAbsence:
                leaf.number = next
                next += 1
                fields[index].content = .leaf(leaf)
            case .leaf: break
            case .node(var node):
                node.number(from: &next)
                fields[index].content = .node(node)
            }
        }
        for group in groups.indices {
            for alternative in groups[group].indices { groups[group][alternative].number(from: &next) }
        }
    }
}
