// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel

/// The members of an operation's input, by type; `null` counts as absent.
///
/// What breaks a rule of the service's model is collected, and refused all together by `check`, in AWS's words.
package struct LogsInput: Sendable {
    private let members: [String: JSONValue]
    private var violations = ConstraintViolations()

    /// - Throws: `LogsError` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(LogsError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: body.isEmpty ? Array("{}".utf8) : body) } catch {
            throw LogsError(.serialization, "The request's body is no JSON: \(error)")
        }
        guard let object = value.object else {
            throw LogsError(.serialization, "The request's body is no JSON object.")
        }
        members = object
    }

    private func typed<T>(_ name: String, _ type: String, _ read: (JSONValue) -> T?) throws(LogsError) -> T? {
        guard let value = members[name], value != .null else { return nil }
        guard let typed = read(value) else { throw LogsError(.serialization, "\(name) must be \(type).") }
        return typed
    }

    func has(_ name: String) -> Bool { members[name].map { $0 != .null } ?? false }

    /// Nil also for what is no string.
    func text(_ name: String) -> String? { members[name]?.string }

    /// Nil also for what is no list of strings.
    func texts(_ name: String) -> [String]? { members[name].flatMap(Self.list) }

    private static func list(_ value: JSONValue) -> [String]? {
        guard let array = value.array else { return nil }
        let strings = array.compactMap(\.string)
        return strings.count == array.count ? strings : nil
    }

    // MARK: Rules

    /// What a text must be.
    struct Rule: Sendable {
        var lengths: ClosedRange<Int>
        var pattern: String?
        var matches: @Sendable (String) -> Bool = { _ in true }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (97...122).contains(byte | 0x20) || "._/#-".utf8.contains(byte)
        }

        static let group = Rule(lengths: 1...512, pattern: #"[\.\-_/#A-Za-z0-9]+"#) {
            !$0.isEmpty && $0.utf8.allSatisfy(isNameByte)
        }
        static let groupPart = Rule(lengths: 0...512, pattern: #"[\.\-_/#A-Za-z0-9]*"#) {
            $0.utf8.allSatisfy(isNameByte)
        }
        static let stream = Rule(lengths: 1...512, pattern: "[^:*]*") {
            $0.utf8.allSatisfy { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "*") }
        }
        static let identifier = Rule(lengths: 1...2_048, pattern: #"[\w#+=/:,.@-]*"#) { text in
            text.utf8.allSatisfy { isNameByte($0) || "+=:,@*".utf8.contains($0) }
        }
        static let filterPattern = Rule(lengths: 0...1_024)
        static let token = Rule(lengths: 1...2_048)
    }

    private mutating func check(_ text: String, at field: String, _ rule: Rule) {
        if let pattern = rule.pattern { violations.requirePattern(text, at: field, pattern, rule.matches(text)) }
        violations.requireLength(text, at: field, rule.lengths)
    }

    mutating func string(_ name: String, _ rule: Rule) throws(LogsError) -> String? {
        guard let text = try typed(name, "a string", \.string) else { return nil }
        check(text, at: name, rule)
        return text
    }

    /// An empty text where it is absent, which `check` refuses.
    mutating func required(_ name: String, _ rule: Rule) throws(LogsError) -> String {
        if let text = try string(name, rule) { return text }
        missing(name)
        return ""
    }

    mutating func missing(_ name: String) { violations.add(nil, at: name, "Member must not be null") }

    mutating func choice(_ name: String, _ values: [String]) throws(LogsError) -> String? {
        guard let text = try typed(name, "a string", \.string) else { return nil }
        violations.requireValue(text, at: name, in: values)
        return text
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(LogsError) -> Int? {
        guard let number = try typed(name, "an integer", \.integer) else { return nil }
        violations.requireRange(number, at: name, range)
        return number
    }

    /// Milliseconds since 1970.
    mutating func time(_ name: String) throws(LogsError) -> Int64? {
        try integer(name, in: 0...Int(Int64.max)).map { Int64($0) }
    }

    func bool(_ name: String) throws(LogsError) -> Bool? { try typed(name, "true or false", \.bool) }

    mutating func strings(_ name: String, counts: ClosedRange<Int>, _ rule: Rule) throws(LogsError) -> [String]? {
        guard let strings = try typed(name, "a list of strings", Self.list) else { return nil }
        guard isCount(strings.count, name, counts) else { return strings }
        for (index, text) in strings.enumerated() { check(text, at: "\(name).\(index + 1).member", rule) }
        return strings
    }

    mutating func tags(_ name: String) throws(LogsError) -> [String: String]? {
        let tags = try typed(name, "a map of strings") { value -> [String: String]? in
            guard let object = value.object else { return nil }
            let texts = object.compactMapValues(\.string)
            return texts.count == object.count ? texts : nil
        }
        guard let tags, isCount(tags.count, name, 1...50) else { return tags }
        let keys = Rule(lengths: 1...128, pattern: #"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$"#, matches: Self.isTagText)
        let values = Rule(lengths: 0...256, pattern: #"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"#, matches: Self.isTagText)
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            check(key, at: "\(name).key", keys)
            check(value, at: "\(name).value", values)
        }
        return tags
    }

    private static func isTagText(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            let properties = scalar.properties
            switch properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .spaceSeparator,
                .lineSeparator, .paragraphSeparator, .decimalNumber, .letterNumber, .otherNumber:
                return true
            default: return "_.:/=+-@".unicodeScalars.contains(scalar)
            }
        }
    }

    private mutating func isCount(_ count: Int, _ name: String, _ counts: ClosedRange<Int>) -> Bool {
        guard !counts.contains(count) else { return true }
        let bound =
            count < counts.lowerBound
            ? "greater than or equal to \(counts.lowerBound)" : "less than or equal to \(counts.upperBound)"
        violations.add("[\(count) entries]", at: name, "Member must have length \(bound)")
        return false
    }

    /// Events of `logEvents`, in their order.
    mutating func events() throws(LogsError) -> [(timestamp: Int64, message: String)] {
        guard let values = try typed("logEvents", "a list", \.array) else {
            missing("logEvents")
            return []
        }
        guard isCount(values.count, "logEvents", 1...LogsService.putEventsMax) else { return [] }
        var events: [(timestamp: Int64, message: String)] = []
        events.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            guard let members = value.object else {
                throw LogsError(.serialization, "An entry of logEvents is no JSON object.")
            }
            let at = "logEvents.\(index + 1).member"
            guard let message = members["message"]?.string else {
                violations.add(nil, at: "\(at).message", "Member must not be null")
                break
            }
            guard let timestamp = members["timestamp"]?.integer else {
                violations.add(nil, at: "\(at).timestamp", "Member must not be null")
                break
            }
            if message.isEmpty { violations.requireLength(message, at: "\(at).message", 1...Int.max) }
            violations.requireRange(timestamp, at: "\(at).timestamp", 0...Int.max)
            // What is wrong with the first of them is enough.
            guard violations.isEmpty else { break }
            events.append((Int64(timestamp), message))
        }
        return events
    }

    /// - Throws: `LogsError` when a rule was broken by what has been read.
    func check() throws(LogsError) {
        if let error = violations.error { throw .parameter(error.wire.message) }
    }
}
