// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// A filter of an event source mapping: JSON in EventBridge's pattern syntax, as far as Lambda documents it.
///
/// Knows whether a pattern is one; matches nothing.
enum EventFilterPattern {
    /// Whether `text` is an object whose leaves are lists of values and comparisons.
    static func isValid(_ text: String) -> Bool {
        guard let pattern = try? JSONValue(parsing: Array(text.utf8)), case .object(let members) = pattern else {
            return false
        }
        return isPattern(members)
    }

    private static func isPattern(_ members: [String: JSONValue]) -> Bool {
        !members.isEmpty
            && members.allSatisfy { name, value in
                switch value {
                case .object(let nested): isPattern(nested)
                case .array(let values) where name == "$or": isAlternatives(values) || isLeaf(values)
                case .array(let values): isLeaf(values)
                case .null, .bool, .number, .string: false
                }
            }
    }

    private static func isAlternatives(_ values: [JSONValue]) -> Bool {
        values.count > 1 && values.allSatisfy { $0.object.map(isPattern) ?? false }
    }

    private static func isLeaf(_ values: [JSONValue]) -> Bool {
        !values.isEmpty
            && values.allSatisfy { value in
                switch value {
                case .null, .bool, .number, .string: true
                case .array: false
                case .object(let comparison): isComparison(comparison)
                }
            }
    }

    private static func isComparison(_ comparison: [String: JSONValue]) -> Bool {
        guard comparison.count == 1, let (name, operand) = comparison.first else { return false }
        return switch name {
        case "prefix", "suffix": operand.string != nil || isIgnoringCase(operand)
        case "equals-ignore-case": operand.string != nil
        case "exists": operand.bool != nil
        case "numeric": isRange(operand.array ?? [])
        case "anything-but": isExclusion(operand)
        default: false
        }
    }

    private static func isIgnoringCase(_ operand: JSONValue) -> Bool {
        guard let object = operand.object, object.count == 1 else { return false }
        return object["equals-ignore-case"]?.string != nil
    }

    private static func isExclusion(_ operand: JSONValue) -> Bool {
        switch operand {
        case .string, .number: return true
        case .array(let values): return isStrings(values) || !values.isEmpty && values.allSatisfy(isNumber)
        case .object(let object):
            guard object.count == 1, let (name, value) = object.first,
                ["prefix", "suffix", "equals-ignore-case"].contains(name)
            else { return false }
            return value.string != nil || isStrings(value.array ?? [])
        case .null, .bool: return false
        }
    }

    private static func isStrings(_ values: [JSONValue]) -> Bool {
        !values.isEmpty && values.allSatisfy { $0.string != nil }
    }

    private static func isNumber(_ value: JSONValue) -> Bool {
        if case .number = value { true } else { false }
    }

    /// `["=", 5]`, `[">", 0]` or `[">", 0, "<=", 5]`.
    private static func isRange(_ parts: [JSONValue]) -> Bool {
        switch parts.count {
        case 2:
            return ["=", "<", "<=", ">", ">="].contains(parts[0].string) && isNumber(parts[1])
        case 4:
            guard [">", ">="].contains(parts[0].string), ["<", "<="].contains(parts[2].string),
                case .number(let low) = parts[1], case .number(let high) = parts[3],
                let lower = Double(low), let upper = Double(high)
            else { return false }
            return lower < upper
        default: return false
        }
    }
}
