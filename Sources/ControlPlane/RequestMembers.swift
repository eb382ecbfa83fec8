// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import LambdaModel

/// The members of a request's JSON object, by type; `null` counts as absent.
package struct RequestMembers: Sendable {
    private let members: [String: JSONValue]

    /// - Throws: `LambdaError.invalidRequestContent` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(LambdaError) {
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

    private func value(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    package func string(_ name: String) throws(LambdaError) -> String? {
        try typed(name, "a string", \.string)
    }

    package func integer(_ name: String) throws(LambdaError) -> Int? {
        try typed(name, "an integer", \.integer)
    }

    package func strings(_ name: String) throws(LambdaError) -> [String]? {
        guard let array = try typed(name, "an array", \.array) else { return nil }
        let strings = array.compactMap(\.string)
        guard strings.count == array.count else { throw mismatch(name, "an array of strings") }
        return strings
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
        .invalidRequestContent(message: "Could not parse request body into json: '\(name)' must be \(type)")
    }
}
