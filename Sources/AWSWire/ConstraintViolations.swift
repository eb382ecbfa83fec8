// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What a request gets wrong at the front door, before anything is looked up: all of it comes in one `ValidationException`.
package struct ConstraintViolations: Sendable, Equatable {
    /// Longest value that an error text repeats, in characters.
    static let shownMax = 1_024

    private var texts: [String] = []

    package init() {}

    package var isEmpty: Bool { texts.isEmpty }

    /// - Parameters:
    ///   - value: as it was sent; nil where it is missing.
    ///   - field: in lower camel case with dots, for example `ephemeralStorage.size`.
    ///   - constraint: for example `Member must not be null`.
    package mutating func add(_ value: String?, at field: String, _ constraint: String) {
        let shown = value.map { "'\($0.prefix(Self.shownMax))'" } ?? "null"
        texts.append("Value \(shown) at '\(field)' failed to satisfy constraint: \(constraint)")
    }

    package mutating func requirePattern(_ value: String, at field: String, _ pattern: String, _ matches: Bool) {
        guard !matches else { return }
        add(value, at: field, "Member must satisfy regular expression pattern: \(pattern)")
    }

    package mutating func requireLength(_ value: String, at field: String, _ range: ClosedRange<Int>) {
        let length = value.unicodeScalars.count
        if length > range.upperBound {
            add(value, at: field, "Member must have length less than or equal to \(range.upperBound)")
        } else if length < range.lowerBound {
            add(value, at: field, "Member must have length greater than or equal to \(range.lowerBound)")
        }
    }

    package mutating func requireRange(_ value: Int, at field: String, _ range: ClosedRange<Int>) {
        if value > range.upperBound {
            add(String(value), at: field, "Member must have value less than or equal to \(range.upperBound)")
        } else if value < range.lowerBound {
            add(String(value), at: field, "Member must have value greater than or equal to \(range.lowerBound)")
        }
    }

    package mutating func requireValue(_ value: String, at field: String, in set: [String]) {
        guard !set.contains(value) else { return }
        add(value, at: field, "Member must satisfy enum value set: [\(set.joined(separator: ", "))]")
    }

    /// `N validation error(s) detected: …`; nil when there is none.
    package var error: LambdaError? {
        guard !texts.isEmpty else { return nil }
        let count = texts.count == 1 ? "1 validation error" : "\(texts.count) validation errors"
        return .validation(message: "\(count) detected: \(texts.joined(separator: "; "))")
    }

    package func throwIfAny() throws(LambdaError) {
        if let error { throw error }
    }
}
