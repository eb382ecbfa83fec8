// SPDX-License-Identifier: Apache-2.0
import AWSWire
import EventPattern
import TestSupport
import Testing

/// The matcher beside one that does what event-ruler does, step by step and without regard for time.
@Suite struct PatternPropertyTests {
    /// 64 seeds × 600 patterns and events.
    @Test(arguments: UInt64(0)..<64)
    func `patterns match what event-ruler's steps match`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var matches = 0
        for round in 0..<600 {
            let pattern = JSONValue.object(Self.pattern(&random, depth: 0))
            let event = JSONValue.object(Self.event(&random, depth: 0))
            let rules = RulerSteps.rules(of: pattern)
            guard let compiled = try? EventPattern(pattern) else {
                #expect(rules == nil, "seed \(seed), round \(round): \(pattern.text)")
                continue
            }
            let expected = try #require(rules, "seed \(seed), round \(round): \(pattern.text)").contains {
                RulerSteps.matches($0, event)
            }
            #expect(
                compiled.matches(event) == expected,
                "seed \(seed), round \(round): \(pattern.text) and \(event.text)"
            )
            matches += expected ? 1 : 0
        }
        // Else the patterns are too strict to try anything.
        #expect(matches > 30)
    }

    @Test(arguments: UInt64(0)..<32)
    func `wildcards match what trying everything matches`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<400 {
            var pattern = ""
            for _ in 0..<random.below(7) {
                pattern +=
                    pattern.hasSuffix("*") ? ["a", "b"][random.below(2)] : ["a", "b", "*", "*"][random.below(4)]
            }
            let text = String((0..<random.below(9)).map { _ in random.oneIn(3) ? "b" : "a" })
            let compiled = try EventPattern(.object(["a": .array([.object(["wildcard": .string(pattern)])])]))
            #expect(
                compiled.matches(.object(["a": .string(text)])) == RulerSteps.glob(pattern[...], text[...]),
                "seed \(seed): \(pattern) and \(text)"
            )
        }
    }

    // MARK: - Choices

    /// Leaves and objects have names of their own: with both under one name, arrays inside arrays are looked at
    /// otherwise.
    private static func pattern(_ random: inout SplitMix64, depth: Int) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for _ in 0...random.below(2) {
            if depth < 2, random.oneIn(2) {
                members[["a", "b"][random.below(2)]] = .object(pattern(&random, depth: depth + 1))
            } else {
                members[["a-", "c", "d"][random.below(3)]] = .array((0...random.below(2)).map { _ in leaf(&random) })
            }
        }
        if depth < 3, random.oneIn(4) {
            members["$or"] = .array(
                (0...(1 + random.below(2))).map { _ in .object(pattern(&random, depth: depth + 1)) }
            )
        }
        return members
    }

    private static func leaf(_ random: inout SplitMix64) -> JSONValue {
        switch random.below(9) {
        case 0: .integer(1)
        case 1: .string("x")
        case 2: .object(["exists": .bool(true)])
        case 3, 4, 5: .object(["exists": .bool(false)])
        case 6: .object(["anything-but": .string("x")])
        case 7: .object(["prefix": .string("x")])
        default: .object(["numeric": .array([.string("<"), .integer(2)])])
        }
    }

    private static func event(_ random: inout SplitMix64, depth: Int) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for _ in 0..<random.below(5) {
            let name = ["a", "a", "b", "b", "a-", "c", "c", "d"][random.below(8)]
            // Mostly what patterns look for there.
            if random.oneIn(6) || depth > 3 {
                members[name] = value(&random, depth: depth + 1)
            } else if name == "a" || name == "b" {
                members[name] = .array((0..<random.below(4)).map { _ in .object(event(&random, depth: depth + 1)) })
            } else {
                members[name] = random.oneIn(2) ? .integer(1) : .string("x")
            }
        }
        return members
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> JSONValue {
        switch depth < 4 ? random.below(7) : random.below(3) {
        case 0: .integer(1 + random.below(2))
        case 1: .string(["x", "xy", "z"][random.below(3)])
        case 2: .null
        case 3, 4: .object(event(&random, depth: depth))
        default: .array((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
        }
    }
}

/// Event-ruler's way: the pattern as rules of paths (`JsonRuleCompiler`), the event as fields of which each knows the
/// array elements that it is in (`Event`), and a search through the paths in their order (`ACFinder`).
private enum RulerSteps {
    typealias Rule = [String: [JSONValue]]

    struct Field {
        var path: String
        var value: JSONValue
        var elements: [Int: Int]
    }

    /// Nil where two leaves have one path.
    static func rules(of pattern: JSONValue) -> [Rule]? { compile(pattern, "", [[:]]) }

    private static func compile(_ pattern: JSONValue, _ path: String, _ rules: [Rule]) -> [Rule]? {
        var rules = rules
        for (name, value) in pattern.object ?? [:] {
            switch value {
            case .array(let alternatives) where name == "$or":
                var all: [Rule] = []
                for alternative in alternatives {
                    guard let forked = compile(alternative, path, rules) else { return nil }
                    all += forked
                }
                rules = all
            case .array(let leaf):
                for index in rules.indices {
                    guard rules[index].updateValue(leaf, forKey: path + name) == nil else { return nil }
                }
            default:
                guard let nested = compile(value, path + name + ".", rules) else { return nil }
                rules = nested
            }
        }
        return rules
    }

    static func matches(_ rule: Rule, _ event: JSONValue) -> Bool {
        var fields: [Field] = []
        var arrays = 0
        flatten(event, "", [:], &arrays, &fields)
        return step(rule.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }[...], fields, [:])
    }

    private static func flatten(
        _ value: JSONValue,
        _ path: String,
        _ elements: [Int: Int],
        _ arrays: inout Int,
        _ fields: inout [Field]
    ) {
        switch value {
        case .object(let members):
            for (name, member) in members {
                flatten(member, path.isEmpty ? name : path + "." + name, elements, &arrays, &fields)
            }
        case .array(let values):
            let array = arrays
            arrays += 1
            for (index, value) in values.enumerated() {
                var inner = elements
                switch value {
                case .object, .array: inner[array] = index
                case .null, .bool, .number, .string: break
                }
                flatten(value, path, inner, &arrays, &fields)
            }
        case .null, .bool, .number, .string: fields.append(Field(path: path, value: value, elements: elements))
        }
    }

    private static func step(
        _ rule: ArraySlice<(key: String, value: [JSONValue])>,
        _ fields: [Field],
        _ elements: [Int: Int]
    ) -> Bool {
        guard let (path, leaf) = rule.first else { return true }
        let consistent = fields.filter { field in
            field.path == path && field.elements.allSatisfy { elements[$0.key] ?? $0.value == $0.value }
        }
        if consistent.isEmpty, leaf.contains(.object(["exists": .bool(false)])),
            step(rule.dropFirst(), fields, elements)
        {
            return true
        }
        return consistent.contains { field in
            leaf.contains { holds($0, field.value) }
                && step(rule.dropFirst(), fields, elements.merging(field.elements) { own, _ in own })
        }
    }

    private static func holds(_ test: JSONValue, _ value: JSONValue) -> Bool {
        guard let (name, operand) = test.object?.first else { return test == value }
        return switch name {
        case "exists": operand == .bool(true)
        case "anything-but": value != operand
        case "prefix": value.string?.hasPrefix(operand.string ?? "") ?? false
        default: (value.integer ?? .max) < 2
        }
    }

    static func glob(_ pattern: Substring, _ text: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return glob(pattern.dropFirst(), text) || !text.isEmpty && glob(pattern, text.dropFirst())
        }
        return text.first == first && glob(pattern.dropFirst(), text.dropFirst())
    }
}
