// SPDX-License-Identifier: Apache-2.0

/// What the service model says of a value: its type and its constraints.
///
/// Made by `make model`, never by hand.
package final class Shape: Sendable {
    package enum Kind: Sendable {
        /// Empty `values` are any; `length` is in Unicode scalars.
        case string(values: [String], pattern: Pattern?)
        case integer
        case double
        case boolean
        /// Base64 in JSON.
        case blob
        /// Seconds since 1970.
        case timestamp
        case list(Shape)
        case map(key: Shape, value: Shape)
        case structure([Member])
    }

    package struct Member: Sendable {
        package var name: String
        package var shape: Shape
        package var isRequired: Bool

        package init(_ name: String, _ shape: Shape, required: Bool = false) {
            self.name = name
            self.shape = shape
            self.isRequired = required
        }
    }

    package let kind: Kind
    /// Of a number's value, a text's length or a collection's count.
    let minimum: Int?
    let maximum: Int?
    /// Error texts don't repeat the value.
    let isSensitive: Bool

    private init(_ kind: Kind, _ minimum: Int?, _ maximum: Int?, _ isSensitive: Bool) {
        self.kind = kind
        self.minimum = minimum
        self.maximum = maximum
        self.isSensitive = isSensitive
    }

    static func string(
        _ minimum: Int? = nil,
        _ maximum: Int? = nil,
        pattern: String? = nil,
        values: [String] = [],
        sensitive: Bool = false
    ) -> Shape {
        Shape(.string(values: values, pattern: pattern.map(Pattern.init)), minimum, maximum, sensitive)
    }

    static func integer(_ minimum: Int? = nil, _ maximum: Int? = nil) -> Shape {
        Shape(.integer, minimum, maximum, false)
    }

    static func double(_ minimum: Int? = nil, _ maximum: Int? = nil) -> Shape {
        Shape(.double, minimum, maximum, false)
    }

    static func blob(_ minimum: Int? = nil, _ maximum: Int? = nil, sensitive: Bool = false) -> Shape {
        Shape(.blob, minimum, maximum, sensitive)
    }

    static let boolean = Shape(.boolean, nil, nil, false)
    static let timestamp = Shape(.timestamp, nil, nil, false)

    static func list(_ item: Shape, _ minimum: Int? = nil, _ maximum: Int? = nil) -> Shape {
        Shape(.list(item), minimum, maximum, item.isSensitive)
    }

    static func map(
        _ key: Shape,
        _ value: Shape,
        _ minimum: Int? = nil,
        _ maximum: Int? = nil,
        sensitive: Bool = false
    ) -> Shape {
        Shape(.map(key: key, value: value), minimum, maximum, sensitive)
    }

    static func structure(_ members: Member...) -> Shape { Shape(.structure(members), nil, nil, false) }

    /// The members of a structure; none of what isn't one.
    package var members: [Member] {
        if case .structure(let members) = kind { members } else { [] }
    }
}
