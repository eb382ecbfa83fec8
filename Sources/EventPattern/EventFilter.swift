// SPDX-License-Identifier: Apache-2.0
package import AWSWire

/// The filters of an event source mapping: which records its function gets.
///
/// A record passes if any of the patterns matches it. A pattern may ask for the record's data under the source's data
/// key. A pattern with an object there is for data in JSON, one with a list for data that is plain text, and one
/// without the key doesn't look at the data. What happens to data of the other kind is the source's own.
///
/// Data counts as JSON if it is an object or an array: `123` and `"a"` alone are plain text here, on which AWS's tables
/// are silent. Data that is JSON but more than `JSONValue` holds (64 levels, 100,000 values), or no UTF-8, is of
/// neither kind.
///
/// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and the page of each source.
package struct EventFilter: Equatable, Sendable {
    /// What a mapping may have when the account's quota is raised; five otherwise, which the caller checks.
    package static let patternsMax = 10

    package enum Source: Equatable, Sendable, CaseIterable {
        case sqs, kinesis, dynamoDBStreams, kafka, messageBroker

        /// The member that holds the data in a record.
        package var dataKey: String {
            switch self {
            case .sqs: "body"
            case .kinesis, .messageBroker: "data"
            case .dynamoDBStreams: "dynamodb"
            case .kafka: "value"
            }
        }

        /// Whether a pattern for plain text may be set at all.
        ///
        /// Where not, "Lambda throws an exception at the time of the event source mapping creation or update".
        var takesPlainText: Bool {
            switch self {
            case .sqs, .kafka, .messageBroker: true
            case .kinesis, .dynamoDBStreams: false
            }
        }

        /// Whether a record whose data is of the other kind is filtered "on the other metadata properties only".
        ///
        /// Where not, "Lambda drops the message".
        var keepsOthers: Bool {
            switch self {
            case .sqs, .kinesis, .dynamoDBStreams: false
            case .kafka, .messageBroker: true
            }
        }
    }

    private struct Pattern: Equatable, Sendable {
        var pattern: EventPattern
        /// Without what it asks of the data.
        var ofMetadata: EventPattern
        var asksForJSON: Bool
        var asksForText: Bool
    }

    private let source: Source
    private let patterns: [Pattern]

    /// Without patterns, every record passes.
    ///
    /// - Throws: where one is no pattern, or is for plain text and the source has none; the path begins with its index.
    package init(patterns: [String], source: Source) throws(EventPatternError) {
        guard patterns.count <= Self.patternsMax else {
            throw EventPatternError(reason: "There are more than \(Self.patternsMax) patterns", path: "")
        }
        self.source = source
        var compiled: [Pattern] = []
        for (index, text) in patterns.enumerated() {
            do {
                compiled.append(try Self.compile(text, source))
            } catch {
                let path = error.path.isEmpty ? "[\(index)]" : "[\(index)].\(error.path)"
                throw EventPatternError(reason: error.reason, path: path)
            }
        }
        self.patterns = compiled
    }

    private static func compile(_ text: String, _ source: Source) throws(EventPatternError) -> Pattern {
        let pattern = try EventPattern(parsing: text)
        let key = FieldName(text: source.dataKey)
        let contents = pattern.root.contents(of: key)
        let asksForText = contents.contains { if case .leaf = $0 { true } else { false } }
        guard source.takesPlainText || !asksForText else {
            throw EventPatternError(reason: "What is asked of \(key.text) must be an object", path: key.text)
        }
        return Pattern(
            pattern: pattern,
            ofMetadata: EventPattern(root: pattern.root.removing(key)),
            asksForJSON: contents.contains { if case .node = $0 { true } else { false } },
            asksForText: asksForText
        )
    }

    /// Whether the function gets a record.
    ///
    /// `record` is as the function gets it; of a Kinesis record the members of `kinesis` are looked at like its own,
    /// since that is how AWS's patterns name them. `data` is the record's data, decoded from Base64 where the record
    /// has it so. Nil takes it from the record, as for DynamoDB; a record without any, such as Kafka's tombstone, has
    /// data of neither kind. Neither is asked for where there are no patterns.
    package func matches(record: @autoclosure () -> JSONValue, data: @autoclosure () -> [UInt8]?) -> Bool {
        guard !patterns.isEmpty else { return true }
        guard case .object(var members) = record() else { return false }
        if source == .kinesis, let inner = members["kinesis"]?.object { members.merge(inner) { own, _ in own } }
        // Read at most once, and only when a pattern asks for it.
        lazy var read = Self.read(data(), or: members[source.dataKey])
        return patterns.contains { pattern in
            guard pattern.asksForJSON || pattern.asksForText else { return pattern.pattern.matches(.object(members)) }
            switch read {
            case .object where pattern.asksForJSON, .array where pattern.asksForJSON,
                .string where pattern.asksForText:
                var members = members
                members[source.dataKey] = read
                return pattern.pattern.matches(.object(members))
            default:
                return source.keepsOthers && pattern.ofMetadata.matches(.object(members))
            }
        }
    }

    /// An object or an array for JSON, a string for plain text, null for neither.
    private static func read(_ data: [UInt8]?, or member: JSONValue?) -> JSONValue {
        guard let data else { return member ?? .null }
        guard let text = String(validating: data, as: UTF8.self) else { return .null }
        let first = data.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "["), JSONSyntax.failure(in: data) == nil else {
            return .string(text)
        }
        return (try? JSONValue(parsing: data)) ?? .null
    }
}

extension PatternNode {
    /// What is asked of the field `name` of the event itself, in any alternative.
    fileprivate func contents(of name: FieldName) -> [PatternField.Content] {
        fields.filter { $0.name == name }.map(\.content) + groups.joined().flatMap { $0.contents(of: name) }
    }

    /// Without what is asked of that field; a node without fields matches every object.
    fileprivate func removing(_ name: FieldName) -> PatternNode {
        PatternNode(
            fields: fields.filter { $0.name != name },
            groups: groups.map { $0.map { $0.removing(name) } }
        )
    }
}
