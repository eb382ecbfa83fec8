// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel

/// The members of a request's JSON object, by type; `null` counts as absent.
package struct RequestMembers: Sendable {
    private let members: [String: JSONValue]
    /// Of the object itself, for error texts: `` or `Environment.`.
    private let path: String

    /// - Throws: `LambdaError.invalidRequestContent` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(LambdaError) {
        path = ""
        guard !body.isEmpty else {
            members = [:]
            return
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            throw .invalidRequestContent(message: "Could not parse request body into json: \(error)")
        }
        guard let object = value.object else {
            throw .invalidRequestContent(message: "Could not parse request body into json: expected an object")
        }
        members = object
    }

    private init(members: [String: JSONValue], path: String) {
        self.members = members
        self.path = path
    }

    func value(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    func has(_ name: String) -> Bool { value(name) != nil }

    package func string(_ name: String) throws(LambdaError) -> String? {
        try typed(name, "a string", \.string)
    }

    package func integer(_ name: String) throws(LambdaError) -> Int? {
        try typed(name, "an integer", \.integer)
    }

    package func bool(_ name: String) throws(LambdaError) -> Bool? {
        try typed(name, "true or false", \.bool)
    }

    package func strings(_ name: String) throws(LambdaError) -> [String]? {
        guard let array = try typed(name, "an array", \.array) else { return nil }
        let strings = array.compactMap(\.string)
        guard strings.count == array.count else { throw mismatch(name, "an array of strings") }
        return strings
    }

    func structure(_ name: String) throws(LambdaError) -> RequestMembers? {
        guard let object = try typed(name, "an object", \.object) else { return nil }
        return RequestMembers(members: object, path: "\(path)\(name).")
    }

    /// An object whose values are strings.
    func map(_ name: String) throws(LambdaError) -> [String: String]? {
        guard let object = try typed(name, "an object", \.object) else { return nil }
        var map: [String: String] = [:]
        for (key, value) in object {
            guard let text = value.string else { throw mismatch("\(name).\(key)", "a string") }
            map[key] = text
        }
        return map
    }

    private func typed<T>(
        _ name: String,
        _ type: String,
        _ conversion: (JSONValue) -> T?
    ) throws(LambdaError) -> T? {
        guard let value = value(name) else { return nil }
        guard let converted = conversion(value) else { throw mismatch(name, type) }
        return converted
    }

    private func mismatch(_ name: String, _ type: String) -> LambdaError {
        .invalidRequestContent(message: "Could not parse request body into json: '\(path)\(name)' must be \(type)")
    }
}
