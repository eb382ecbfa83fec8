// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// Why a value of a pattern's leaf is none.
struct ComparisonFailure: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A value of a pattern's leaf, as it is read: what a value of the event has to be, or that there be none.
enum Comparison {
    case test(ValueTest)
    /// `exists: false`.
    case absence

    init(_ value: JSONValue) throws(ComparisonFailure) {
        switch value {
        case .null: self = .test(.null)
        case .bool(let flag): self = .test(.bool(flag))
        case .number(let digits): self = .test(.number(ComparableNumber(digits), digits: digits))
        case .string(let text): self = .test(.string(Array(text.utf8)))
        case .array: throw ComparisonFailure("Match value must be String, number, true, false, or null")
        case .object(let members):
            let (name, operand) = try Self.only(members, "Match expression name not found")
            switch (name, operand) {
            case ("exists", .bool(false)): self = .absence
            case ("exists", .bool(true)): self = .test(.any)
            case ("exists", _): throw ComparisonFailure("exists match pattern must be either true or false.")
            case ("anything-but", _): self = .test(.anythingBut(try Self.exclusions(operand)))
            case ("numeric", _): self = .test(.numeric(try Self.range(operand)))
            case ("prefix", .object(let nested)): self = .test(try Self.affix(nested, of: "prefix", .beginning))
            case ("suffix", .object(let nested)): self = .test(try Self.affix(nested, of: "suffix", .end))
            default:
                guard let text = operand.string else { throw try Self.failure(notAString: name) }
                self = .test(try Self.test(name, text))
            }
        }
    }

    private static func only(
        _ members: [String: JSONValue],
        _ none: String
    ) throws(ComparisonFailure) -> (String, JSONValue) {
        guard let member = members.first else { throw ComparisonFailure(none) }
        guard members.count == 1 else { throw ComparisonFailure("Only one key allowed in match expression") }
        return (member.key, member.value)
    }

    /// The comparisons whose operand is a text.
    private static func test(_ name: String, _ text: String) throws(ComparisonFailure) -> ValueTest {
        switch name {
        case "prefix": return .prefix(Array(text.utf8))
        case "suffix": return .suffix(Array(text.utf8))
        case "equals-ignore-case": return .ignoringCase(CaselessText(text), .whole)
        case "wildcard": return .wildcard(try WildcardText(text))
        case "cidr": return .cidr(try AddressBlock(text))
        default: throw ComparisonFailure("Unrecognized match type \(name)")
        }
    }

    private static func failure(notAString name: String) throws(ComparisonFailure) -> ComparisonFailure {
        guard ["prefix", "suffix", "equals-ignore-case", "wildcard", "cidr"].contains(name) else {
            throw ComparisonFailure("Unrecognized match type \(name)")
        }
        return ComparisonFailure("\(name) match pattern must be a string")
    }

    private static func affix(
        _ members: [String: JSONValue],
        of name: String,
        _ place: CaselessText.Place
    ) throws(ComparisonFailure) -> ValueTest {
        let (inner, operand) = try only(members, "\(name) expression name not found")
        guard inner == "equals-ignore-case" else { throw ComparisonFailure("Unsupported \(name) pattern: \(inner)") }
        guard let text = operand.string else { throw try failure(notAString: inner) }
        return .ignoringCase(CaselessText(text), place)
    }

    // MARK: - anything-but

    private static func exclusions(_ operand: JSONValue) throws(ComparisonFailure) -> [ValueTest] {
        if case .object(let members) = operand {
            let (name, inner) = try only(members, "Anything-But expression name not found")
            guard ["prefix", "suffix", "equals-ignore-case", "wildcard"].contains(name) else {
                throw ComparisonFailure("Unsupported anything-but pattern: \(name)")
            }
            return try list(inner).map { value throws(ComparisonFailure) in
                guard let text = value.string else { throw try failure(notAString: name) }
                // Every text begins and ends with nothing.
                if text.isEmpty, name.hasSuffix("fix") { throw ComparisonFailure("Null prefix/suffix not allowed") }
                return try test(name, text)
            }
        }
        let values = try list(operand)
        let texts = values.compactMap(\.string)
        if texts.count == values.count { return texts.map { .string(Array($0.utf8)) } }
        return try values.map { value throws(ComparisonFailure) in
            guard case .number(let digits) = value else {
                throw ComparisonFailure(
                    "Inside anything but list, either all values are number or string, mixed type is not supported"
                )
            }
            return .number(try number(digits), digits: digits)
        }
    }

    /// A value stands for the list of it.
    private static func list(_ operand: JSONValue) throws(ComparisonFailure) -> [JSONValue] {
        guard case .array(let values) = operand else {
            switch operand {
            case .string, .number: return [operand]
            default:
                throw ComparisonFailure("Value of anything-but must be an array or single string/number value.")
            }
        }
        guard !values.isEmpty else { throw ComparisonFailure("Empty arrays are not allowed") }
        return values
    }

    // MARK: - numeric

    private static func number(_ digits: String) throws(ComparisonFailure) -> ComparableNumber {
        guard let number = ComparableNumber(digits) else {
            throw ComparisonFailure(
                "Value must be between -5.0E9 and 5.0E9, inclusive, with up to \(ComparableNumber.decimals) decimals"
            )
        }
        return number
    }

    /// `["=", 5]`, `[">", 0]` or `[">", 0, "<=", 5]`: of a range the lower bound comes first.
    private static func range(_ operand: JSONValue) throws(ComparisonFailure) -> NumericRange {
        guard case .array(let parts) = operand else { throw ComparisonFailure("Value of numeric must be an array.") }
        guard let first = parts.first?.string else { throw ComparisonFailure("Invalid member in numeric match") }
        guard ["=", "<", "<=", ">", ">="].contains(first) else {
            throw ComparisonFailure("Unrecognized numeric range operator: \(first)")
        }
        let number = try bound(parts, 1, first)
        if parts.count == 2 {
            let bound = NumericRange.Bound(number: number, isIncluded: first != "<" && first != ">")
            return NumericRange(
                lower: first.hasPrefix("<") ? nil : bound,
                upper: first.hasPrefix(">") ? nil : bound
            )
        }
        guard first.hasPrefix(">") else { throw ComparisonFailure("Too many elements in numeric expression") }
        guard let second = parts[2].string else { throw ComparisonFailure("Bad value in numeric range") }
        guard second == "<" || second == "<=" else { throw ComparisonFailure("Bad numeric range operator: \(second)") }
        let top = try bound(parts, 3, second)
        guard parts.count == 4 else { throw ComparisonFailure("Too many terms in numeric range expression") }
        guard number < top else { throw ComparisonFailure("Bottom must be less than top") }
        return NumericRange(
            lower: NumericRange.Bound(number: number, isIncluded: first == ">="),
            upper: NumericRange.Bound(number: top, isIncluded: second == "<=")
        )
    }

    private static func bound(
        _ parts: [JSONValue],
        _ index: Int,
        _ name: String
    ) throws(ComparisonFailure) -> ComparableNumber {
        guard index < parts.count, case .number(let digits) = parts[index] else {
            throw ComparisonFailure("Value of \(name == "=" ? "equals" : name) must be numeric")
        }
        return try number(digits)
    }
}
