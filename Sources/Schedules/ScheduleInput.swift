// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
package import ScheduleCore

/// The members of an operation's input, by type; `null` counts as absent.
package struct ScheduleInput: Sendable {
    private var members: [String: JSONValue]

    /// - Throws: `ScheduleError` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(ScheduleError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: body.isEmpty ? Array("{}".utf8) : body) } catch {
            throw ScheduleError(.serialization, "The request's body is no JSON: \(error)")
        }
        try self.init(value, "The request's body")
    }

    init(_ value: JSONValue, _ name: String) throws(ScheduleError) {
        guard let object = value.object else { throw ScheduleError(.serialization, "\(name) is no JSON object.") }
        members = object
    }

    /// What stands in a request's path or query counts like a member of that name.
    package mutating func set(_ name: String, _ value: String?) {
        members[name] = value.map(JSONValue.string)
    }

    package mutating func set(_ name: String, _ values: [String]) {
        members[name] = .array(values.map(JSONValue.string))
    }

    private func typed<T>(_ name: String, _ type: String, _ read: (JSONValue) -> T?) throws(ScheduleError) -> T? {
        guard let value = members[name], value != .null else { return nil }
        guard let typed = read(value) else { throw ScheduleError(.serialization, "\(name) must be \(type).") }
        return typed
    }

    /// Nil also for what is no string.
    package func text(_ name: String) -> String? { members[name]?.string }

    func has(_ name: String) -> Bool { members[name].map { $0 != .null } ?? false }

    func string(_ name: String) throws(ScheduleError) -> String? { try typed(name, "a string", \.string) }

    /// Of the body, or of a query's text.
    func integer(_ name: String) throws(ScheduleError) -> Int? {
        try typed(name, "an integer") { $0.integer ?? $0.string.flatMap { Int($0) } }
    }

    func bool(_ name: String) throws(ScheduleError) -> Bool? { try typed(name, "true or false", \.bool) }

    /// Seconds since 1970, with or without a fraction.
    func time(_ name: String) throws(ScheduleError) -> Timestamp? {
        try typed(name, "a number of seconds") { value in
            guard case .number(let text) = value, let seconds = Double(text), abs(seconds) < 1e11 else { return nil }
            return Timestamp(millisecondsSinceEpoch: Int64((seconds * 1_000).rounded()))
        }
    }

    func object(_ name: String) throws(ScheduleError) -> ScheduleInput? {
        guard let value = try typed(name, "an object", \.self) else { return nil }
        return try ScheduleInput(value, name)
    }

    func strings(_ name: String) throws(ScheduleError) -> [String]? {
        try typed(name, "a list of strings") { value in
            guard let array = value.array else { return nil }
            let strings = array.compactMap(\.string)
            return strings.count == array.count ? strings : nil
        }
    }

    func texts(_ name: String) throws(ScheduleError) -> [String: String]? {
        try typed(name, "a map of strings") { value in
            guard let object = value.object else { return nil }
            let texts = object.compactMapValues(\.string)
            return texts.count == object.count ? texts : nil
        }
    }

    package func objects(_ name: String) throws(ScheduleError) -> [ScheduleInput]? {
        guard let values = try typed(name, "a list", \.array) else { return nil }
        var objects: [ScheduleInput] = []
        for value in values { objects.append(try ScheduleInput(value, "An entry of \(name)")) }
        return objects
    }

    /// `[{"Key": …, "Value": …}]`.
    ///
    /// - Throws: `LambdaError.validation`.
    func tags(valueLength: ClosedRange<Int>) throws -> [String: String]? {
        guard let entries = try objects("Tags") else { return nil }
        var tags: [String: String] = [:]
        var violations = ConstraintViolations()
        for (index, entry) in entries.enumerated() {
            let at = "tags.\(index + 1).member"
            let key = try violations.required(entry.string("Key"), at: "\(at).key")
            let value = try violations.required(entry.string("Value"), at: "\(at).value")
            violations.requireLength(key, at: "\(at).key", 1...128)
            violations.requireLength(value, at: "\(at).value", valueLength)
            tags[key] = value
        }
        try violations.throwIfAny()
        return tags
    }
}

extension ConstraintViolations {
    /// An empty text stands for one that is missing, and is a violation already.
    mutating func required(_ value: String?, at field: String) -> String {
        if value == nil { add(nil, at: field, "Member must not be null") }
        return value ?? ""
    }

    /// A name of a schedule, a group or a rule.
    mutating func requireName(_ value: String, at field: String, pattern: String = "^[0-9a-zA-Z-_.]+$") {
        requirePattern(value, at: field, pattern, ScheduleKey.isName(String(value.prefix(64))) || value.isEmpty)
        requireLength(value, at: field, 1...64)
    }
}
