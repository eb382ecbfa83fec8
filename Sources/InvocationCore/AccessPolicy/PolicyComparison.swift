// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// What condition operators compare, without what stands before and after it in an operator's name.
enum PolicyComparison: String, Hashable, Sendable {
    case stringEquals = "StringEquals"
    case stringNotEquals = "StringNotEquals"
    case stringEqualsIgnoreCase = "StringEqualsIgnoreCase"
    case stringNotEqualsIgnoreCase = "StringNotEqualsIgnoreCase"
    case stringLike = "StringLike"
    case stringNotLike = "StringNotLike"
    case arnEquals = "ArnEquals"
    case arnNotEquals = "ArnNotEquals"
    case arnLike = "ArnLike"
    case arnNotLike = "ArnNotLike"
    case bool = "Bool"
    case binaryEquals = "BinaryEquals"
    case numericEquals = "NumericEquals"
    case numericNotEquals = "NumericNotEquals"
    case numericLessThan = "NumericLessThan"
    case numericLessThanEquals = "NumericLessThanEquals"
    case numericGreaterThan = "NumericGreaterThan"
    case numericGreaterThanEquals = "NumericGreaterThanEquals"
    case dateEquals = "DateEquals"
    case dateNotEquals = "DateNotEquals"
    case dateLessThan = "DateLessThan"
    case dateLessThanEquals = "DateLessThanEquals"
    case dateGreaterThan = "DateGreaterThan"
    case dateGreaterThanEquals = "DateGreaterThanEquals"
    case ipAddress = "IpAddress"
    case notIPAddress = "NotIpAddress"
    case null = "Null"

    /// True where none of the values match.
    var isNegated: Bool {
        switch self {
        case .stringNotEquals, .stringNotEqualsIgnoreCase, .stringNotLike, .arnNotEquals, .arnNotLike,
            .numericNotEquals, .dateNotEquals, .notIPAddress:
            true
        default: false
        }
    }

    /// Whether one value of a policy and one of the request match; of a negated operator, what it negates.
    func matches(_ wanted: String, _ value: String, for request: AccessRequest) -> Bool {
        switch self {
        case .stringEquals, .stringNotEquals: PolicyPattern.text(wanted, for: request) == value
        case .stringEqualsIgnoreCase, .stringNotEqualsIgnoreCase:
            PolicyPattern.text(wanted, for: request)?.lowercased() == value.lowercased()
        case .stringLike, .stringNotLike: PolicyPattern(wanted, for: request)?.matches(value) == true
        // The two pairs are one: "ArnEquals" takes wildcards as well.
        case .arnEquals, .arnNotEquals, .arnLike, .arnNotLike:
            PolicyPattern(wanted, for: request)?.matchesARN(value) == true
        case .bool: wanted.lowercased() == value.lowercased()
        case .binaryEquals: wanted == value
        case .numericEquals, .numericNotEquals: Self.compare(wanted, value, Self.number, ==)
        case .numericLessThan: Self.compare(wanted, value, Self.number, <)
        case .numericLessThanEquals: Self.compare(wanted, value, Self.number, <=)
        case .numericGreaterThan: Self.compare(wanted, value, Self.number, >)
        case .numericGreaterThanEquals: Self.compare(wanted, value, Self.number, >=)
        case .dateEquals, .dateNotEquals: Self.compare(wanted, value, Self.time, ==)
        case .dateLessThan: Self.compare(wanted, value, Self.time, <)
        case .dateLessThanEquals: Self.compare(wanted, value, Self.time, <=)
        case .dateGreaterThan: Self.compare(wanted, value, Self.time, >)
        case .dateGreaterThanEquals: Self.compare(wanted, value, Self.time, >=)
        case .ipAddress, .notIPAddress: Self.contains(wanted, value)
        case .null: false
        }
    }

    /// Whether a policy may have that value.
    func accepts(_ value: String) -> Bool {
        switch self {
        case .bool, .null: ["true", "false"].contains(value.lowercased())
        case .numericEquals, .numericNotEquals, .numericLessThan, .numericLessThanEquals, .numericGreaterThan,
            .numericGreaterThanEquals:
            Self.number(value) != nil
        case .dateEquals, .dateNotEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan,
            .dateGreaterThanEquals:
            Self.time(value) != nil
        case .ipAddress, .notIPAddress: NetworkPrefix(value) != nil
        default: true
        }
    }

    /// The request's value stands on the left.
    private static func compare<Value>(
        _ wanted: String,
        _ value: String,
        _ read: (String) -> Value?,
        _ isInOrder: (Value, Value) -> Bool
    ) -> Bool {
        guard let wanted = read(wanted), let value = read(value) else { return false }
        return isInOrder(value, wanted)
    }

    private static func contains(_ network: String, _ address: String) -> Bool {
        guard let network = NetworkPrefix(network), let address = NetworkPrefix(address) else { return false }
        return network.contains(address)
    }

    /// Decimal, at most 32 characters.
    private static func number(_ text: String) -> Double? {
        let isPlain = text.utf8.allSatisfy { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
        guard isPlain, text.utf8.count <= 32, let number = Double(text), number.isFinite else { return nil }
        return number
    }

    /// A W3C date, with a time or without, or seconds since 1970.
    private static func time(_ text: String) -> Timestamp? {
        if text.utf8.count <= 11, let seconds = Int64(text) {
            return Timestamp(millisecondsSinceEpoch: seconds * 1_000)
        }
        switch text.utf8.count {
        case 10: return Timestamp(rfc3339: text + "T00:00:00Z")
        // 2025-11-24T23:12Z
        case 17 where text.hasSuffix("Z"): return Timestamp(rfc3339: text.dropLast() + ":00Z")
        default: return Timestamp(rfc3339: text)
        }
    }
}
