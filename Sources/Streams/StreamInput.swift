// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import StreamCore

/// The members of an operation's input, by type; `null` counts as absent.
///
/// What breaks a rule of the service's model is collected, and refused all together by `check`, in AWS's words.
package struct StreamInput: Sendable {
    /// Members that may be wrong in one refusal.
    private static let problemsMax = 10

    private let members: [String: JSONValue]
    /// Before the members' names in refusals: `records.1.member.`.
    private var path = ""
    private var problems: [String] = []

    /// - Throws: `StreamError` when `body` is no JSON object. No bytes at all stand for `{}`.
    package init(body: [UInt8]) throws(StreamError) {
        let value: JSONValue
        do { value = try JSONValue(parsing: body.isEmpty ? Array("{}".utf8) : body) } catch {
            throw StreamError(.serialization, "The request's body is no JSON: \(error)")
        }
        try self.init(value, "The request's body")
    }

    private init(_ value: JSONValue, _ name: String) throws(StreamError) {
        guard let object = value.object else { throw StreamError(.serialization, "\(name) is no JSON object.") }
        members = object
    }

    private func value(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    func has(_ name: String) -> Bool { value(name) != nil }

    /// Nil also for what is no string.
    func text(_ name: String) -> String? { value(name)?.string }

    private func typed<T>(
        _ name: String,
        _ type: String,
        _ read: (JSONValue) -> T?
    ) throws(StreamError) -> T? {
        guard let value = value(name) else { return nil }
        guard let typed = read(value) else {
            throw StreamError(.serialization, "\(path)\(name) must be \(type).")
        }
        return typed
    }

    // MARK: Rules

    /// What a text must be.
    struct Rule: Sendable {
        var lengths: ClosedRange<Int>
        var pattern: String?
        var matches: @Sendable (String) -> Bool = { _ in true }

        private static func isNumber(_ text: String, digitsMax: Int) -> Bool {
            (1...digitsMax).contains(text.utf8.count) && text.utf8.allSatisfy { (48...57).contains($0) }
                && (text == "0" || !text.hasPrefix("0"))
        }

        static let name = Rule(lengths: 1...128, pattern: "[a-zA-Z0-9_.-]+") {
            $0.utf8.allSatisfy(StreamKey.isNameByte)
        }
        static let streamARN = Rule(lengths: 1...2_048, pattern: #"arn:aws.*:kinesis:.*:\d{12}:stream/\S+"#) {
            StreamKey(arn: $0) != nil
        }
        static let hashKey = Rule(lengths: 0...Int.max, pattern: #"0|([1-9]\d{0,38})"#) {
            isNumber($0, digitsMax: 39)
        }
        static let sequenceNumber = Rule(lengths: 0...Int.max, pattern: #"0|([1-9]\d{0,128})"#) {
            isNumber($0, digitsMax: 129)
        }
        static let partitionKey = Rule(lengths: 1...StreamLimits.partitionKeyMax)
        static let iterator = Rule(lengths: 1...512)
        static let token = Rule(lengths: 1...1_048_576)
    }

    private mutating func refuse(_ shown: String?, _ name: String, _ rule: String) {
        guard problems.count < Self.problemsMax else { return }
        let value = shown.map { " '\($0.prefix(StreamError.shownMax))'" } ?? ""
        problems.append("Value\(value) at '\(path)\(Self.lowered(name))' failed to satisfy constraint: \(rule)")
    }

    private static func lowered(_ name: String) -> String { name.prefix(1).lowercased() + name.dropFirst() }

    private mutating func missing(_ name: String) {
        guard problems.count < Self.problemsMax else { return }
        problems.append(
            "Value null at '\(path)\(Self.lowered(name))' failed to satisfy constraint: Member must not be null"
        )
    }

    mutating func string(_ name: String, _ rule: Rule) throws(StreamError) -> String? {
        guard let text = try typed(name, "a string", \.string) else { return nil }
        // As Java counts.
        let length = text.utf16.count
        if length < rule.lengths.lowerBound {
            refuse(text, name, "Member must have length greater than or equal to \(rule.lengths.lowerBound)")
        } else if length > rule.lengths.upperBound {
            refuse(text, name, "Member must have length less than or equal to \(rule.lengths.upperBound)")
        }
        if let pattern = rule.pattern, !rule.matches(text) {
            refuse(text, name, "Member must satisfy regular expression pattern: \(pattern)")
        }
        return text
    }

    /// An empty text where it is absent, which `check` refuses.
    mutating func required(_ name: String, _ rule: Rule) throws(StreamError) -> String {
        guard let text = try string(name, rule) else {
            missing(name)
            return ""
        }
        return text
    }

    mutating func choice<Value: RawRepresentable<String>>(
        _ name: String,
        _ values: [Value]
    ) throws(StreamError) -> Value? {
        guard let text = try typed(name, "a string", \.string) else { return nil }
        guard let value = values.first(where: { $0.rawValue == text }) else {
            let list = values.map(\.rawValue).joined(separator: ", ")
            refuse(text, name, "Member must satisfy enum value set: [\(list)]")
            return nil
        }
        return value
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(StreamError) -> Int? {
        guard let number = try typed(name, "an integer", \.integer) else { return nil }
        if number < range.lowerBound {
            refuse("\(number)", name, "Member must have value greater than or equal to \(range.lowerBound)")
        } else if number > range.upperBound {
            refuse("\(number)", name, "Member must have value less than or equal to \(range.upperBound)")
        }
        return number
    }

    mutating func require(_ names: String...) {
        for name in names where !has(name) { missing(name) }
    }

    func bool(_ name: String) throws(StreamError) -> Bool? { try typed(name, "a boolean", \.bool) }

    /// Seconds since 1970, with or without a fraction, to the millisecond.
    func time(_ name: String) throws(StreamError) -> Int64? {
        try typed(name, "a number of seconds") { value in
            guard case .number(let text) = value, let seconds = Double(text), abs(seconds) < 1e12 else { return nil }
            return Int64((seconds * 1_000).rounded())
        }
    }

    /// Nil for an absent member; `bytesMax` is for the decoded bytes.
    mutating func bytes(_ name: String, bytesMax: Int) throws(StreamError) -> [UInt8]? {
        guard let text = try typed(name, "a string in base64", \.string) else { return nil }
        guard let bytes = Base64.decode(text) else {
            throw StreamError(.serialization, "\(path)\(name) is no base64.")
        }
        if bytes.count > bytesMax { refuse(nil, name, "Member must have length less than or equal to \(bytesMax)") }
        return bytes
    }

    func object(_ name: String) throws(StreamError) -> StreamInput? {
        guard let value = value(name) else { return nil }
        var input = try StreamInput(value, path + name)
        input.path = path + Self.lowered(name) + "."
        return input
    }

    /// What was found wrong in a member that is an object of its own.
    mutating func take(_ other: StreamInput) {
        problems += other.problems.prefix(Self.problemsMax - problems.count)
    }

    /// A list of objects, which has a length of `counts`.
    mutating func objects(_ name: String, counts: ClosedRange<Int>) throws(StreamError) -> [StreamInput] {
        guard let values = try typed(name, "a list", \.array) else {
            missing(name)
            return []
        }
        guard isCount(values.count, name, counts) else { return [] }
        var inputs: [StreamInput] = []
        for (index, value) in values.enumerated() {
            var input = try StreamInput(value, "An entry of \(name)")
            input.path = "\(path)\(Self.lowered(name)).\(index + 1).member."
            inputs.append(input)
        }
        return inputs
    }

    mutating func strings(_ name: String, counts: ClosedRange<Int>) throws(StreamError) -> [String] {
        let strings = try typed(name, "a list of strings") { value -> [String]? in
            guard let array = value.array else { return nil }
            let strings = array.compactMap(\.string)
            return strings.count == array.count ? strings : nil
        }
        guard let strings else {
            missing(name)
            return []
        }
        return isCount(strings.count, name, counts) ? strings : []
    }

    mutating func texts(_ name: String, counts: ClosedRange<Int>) throws(StreamError) -> [String: String]? {
        let texts = try typed(name, "a map of strings") { value -> [String: String]? in
            guard let object = value.object else { return nil }
            let texts = object.compactMapValues(\.string)
            return texts.count == object.count ? texts : nil
        }
        guard let texts, isCount(texts.count, name, counts) else { return nil }
        return texts
    }

    private mutating func isCount(_ count: Int, _ name: String, _ counts: ClosedRange<Int>) -> Bool {
        if count < counts.lowerBound {
            refuse(nil, name, "Member must have length greater than or equal to \(counts.lowerBound)")
        } else if count > counts.upperBound {
            refuse(nil, name, "Member must have length less than or equal to \(counts.upperBound)")
        }
        return counts.contains(count)
    }

    /// - Throws: `StreamError` when a rule was broken by what has been read.
    func check() throws(StreamError) {
        guard !problems.isEmpty else { return }
        throw StreamError(
            .validation,
            "\(problems.count) validation error\(problems.count == 1 ? "" : "s") detected: "
                + problems.joined(separator: "; ")
        )
    }
}
