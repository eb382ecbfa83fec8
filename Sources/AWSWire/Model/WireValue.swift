// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The types of the service model; made by `make model`.
package enum API {}

/// The constraints of what requests hold; made by `make model`.
package enum Shapes {}

/// Made from a value that its shape found right; throws where it is not.
package protocol WireDecodable {
    init(wire: JSONValue) throws(LambdaError)
}

package protocol WireEncodable {
    var wire: JSONValue { get }
}

/// Bytes, in JSON as Base64.
package struct Blob: Equatable, Sendable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// The members of a structure.
struct WireMembers {
    private let members: [String: JSONValue]

    init(_ value: JSONValue) throws(LambdaError) {
        guard let members = value.object else { throw WireMembers.mismatch("the request") }
        self.members = members
    }

    func required<T: WireDecodable>(_ name: String) throws(LambdaError) -> T {
        guard let value: T = try optional(name) else { throw Self.mismatch(name) }
        return value
    }

    /// `null` counts as absent.
    func optional<T: WireDecodable>(_ name: String) throws(LambdaError) -> T? {
        guard let value = members[name], value != .null else { return nil }
        do {
            return try T(wire: value)
        } catch  where T.self == Blob.self {
            throw .invalidRequestContent(
                message: "Could not parse request body into json: '\(name)' is not valid base64"
            )
        }
    }

    /// What the shape's check lets through to nobody.
    static func mismatch(_ name: String) -> LambdaError {
        .invalidRequestContent(message: "Could not parse request body into json: \(name) has another type")
    }
}

extension String: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let text = wire.string else { throw WireMembers.mismatch("a text") }
        self = text
    }

    package var wire: JSONValue { .string(self) }
}

extension Int: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let number = wire.integer else { throw WireMembers.mismatch("an integer") }
        self = number
    }

    package var wire: JSONValue { .integer(self) }
}

extension Double: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard case .number(let text) = wire, let number = Double(text), number.isFinite else {
            throw WireMembers.mismatch("a number")
        }
        self = number
    }

    package var wire: JSONValue { .number(description) }
}

extension Bool: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let value = wire.bool else { throw WireMembers.mismatch("true or false") }
        self = value
    }

    package var wire: JSONValue { .bool(self) }
}

extension Blob: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let text = wire.string, let bytes = Base64.decode(text) else { throw WireMembers.mismatch("a blob") }
        self.bytes = bytes
    }

    package var wire: JSONValue { .string(Base64.encode(bytes)) }
}

/// Seconds since 1970 on the wire, with a fraction; read also as RFC 3339 text.
extension Timestamp: WireDecodable, WireEncodable {
    package init(wire: JSONValue) throws(LambdaError) {
        if let text = wire.string, let time = Timestamp(rfc3339: text) {
            self = time
            return
        }
        let seconds = try Double(wire: wire)
        // Far beyond any time that is meant, and exact in milliseconds.
        guard abs(seconds) < 1e12 else { throw WireMembers.mismatch("a time") }
        self.init(millisecondsSinceEpoch: Int64((seconds * 1_000).rounded()))
    }

    package var wire: JSONValue { .number((Double(millisecondsSinceEpoch) / 1_000).description) }
}

extension Array: WireDecodable where Element: WireDecodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let values = wire.array else { throw WireMembers.mismatch("an array") }
        self = []
        reserveCapacity(values.count)
        for value in values { append(try Element(wire: value)) }
    }
}

extension Array: WireEncodable where Element: WireEncodable {
    package var wire: JSONValue { .array(map(\.wire)) }
}

extension Dictionary: WireDecodable where Key == String, Value: WireDecodable {
    package init(wire: JSONValue) throws(LambdaError) {
        guard let entries = wire.object else { throw WireMembers.mismatch("an object") }
        self = [:]
        for (key, value) in entries { self[key] = try Value(wire: value) }
    }
}

extension Dictionary: WireEncodable where Key == String, Value: WireEncodable {
    package var wire: JSONValue { .object(mapValues(\.wire)) }
}
