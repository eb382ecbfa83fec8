// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel
package import ScheduleCore

/// What a target gets of an event: all of it, a part, a constant, or a template filled in.
///
/// Source: EventBridge's User Guide, "Input transformation".
package enum TargetInput {
    /// What a rule's target gets; `event` is what the rule has matched or made, and `received` when.
    package static func payload(
        of event: JSONValue,
        for target: ScheduleTarget,
        rule: ScheduleKey,
        received: Timestamp
    ) -> String {
        if let input = target.input { return input }
        if let path = target.inputPath { return (JSONPath(path)?.value(in: event) ?? .null).text }
        if let transformer = target.transformer { return fill(transformer, event, rule, received) }
        return event.text
    }

    private static func fill(
        _ transformer: ScheduleTarget.Transformer,
        _ event: JSONValue,
        _ rule: ScheduleKey,
        _ received: Timestamp
    ) -> String {
        var values: [String: JSONValue] = transformer.paths.mapValues { path in
            JSONPath(path)?.value(in: event) ?? .null
        }
        values["aws.events.rule-arn"] = .string(rule.arn)
        values["aws.events.rule-name"] = .string(rule.name)
        values["aws.events.event.ingestion-time"] = .string(received.seconds)
        values["aws.events.event"] = .object((event.object ?? [:]).filter { $0.key != "detail" })
        values["aws.events.event.json"] = event
        return substitute(in: transformer.template, nameBytesMax: nameBytesMax(values)) { name, isQuoted in
            guard let value = values[name] else { return nil }
            return isQuoted ? inside(value) : value.text
        }
    }

    /// Within a string: texts as they are, and all else as JSON, with what a string can't hold escaped.
    private static func inside(_ value: JSONValue) -> String {
        if value == .null { return "" }
        return String(JSONValue.string(value.string ?? value.text).text.dropFirst().dropLast())
    }

    /// Of a schedule: the context attributes that an attempt fills in (Scheduler's User Guide, "Adding context attributes").
    package static func fill(_ delivery: ScheduleDelivery, attempt: Int) -> String {
        guard delivery.source.kind == .schedule else { return delivery.payload }
        let values = [
            "aws.scheduler.schedule-arn": delivery.source.arn,
            "aws.scheduler.scheduled-time": delivery.occurred.seconds, "aws.scheduler.execution-id": delivery.id,
            "aws.scheduler.attempt-number": String(attempt),
        ]
        return substitute(in: delivery.payload, nameBytesMax: nameBytesMax(values)) { name, _ in values[name] }
    }

    /// Puts values in the place of `<name>`; what has no value stays as it is.
    ///
    /// Goes on until the result is too large for any target, and no further: values may be long, and named often.
    /// A name has no `<` and no more than `nameBytesMax` bytes, so that every byte of a text is looked at a few times at the most.
    private static func substitute(
        in text: String,
        nameBytesMax: Int,
        _ value: (String, _ isQuoted: Bool) -> String?
    ) -> String {
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        var isQuoted = false
        var index = 0
        while index < bytes.count, result.count <= ScheduleLimits.inputBytesMax {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
                result += bytes[index...index + 1]
                index += 2
                continue
            }
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "<"),
                let end = bytes[(index + 1)...].prefix(nameBytesMax + 1).firstIndex(where: { "<>".utf8.contains($0) }),
                bytes[end] == UInt8(ascii: ">"),
                let filled = value(String(decoding: bytes[index + 1..<end], as: UTF8.self), isQuoted)
            {
                result += filled.utf8
                index = end + 1
            } else {
                result.append(byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func nameBytesMax(_ values: [String: some Any]) -> Int {
        values.keys.map(\.utf8.count).max() ?? 0
    }

    /// The event of a rule's schedule, as EventBridge makes it.
    package static func scheduledEvent(_ key: ScheduleKey, id: String, time: Timestamp) -> JSONValue {
        event(key, id: id, time: time, source: "aws.events", detail: .object([:]))
    }

    /// What a schedule's target gets that has no input of its own; its detail is a text.
    package static func defaultInput(_ key: ScheduleKey, id: String, time: Timestamp) -> JSONValue {
        event(key, id: id, time: time, source: "aws.scheduler", detail: .string("{}"))
    }

    private static func event(
        _ key: ScheduleKey,
        id: String,
        time: Timestamp,
        source: String,
        detail: JSONValue
    ) -> JSONValue {
        .object([
            "version": .string("0"), "id": .string(id), "detail-type": .string("Scheduled Event"),
            "source": .string(source), "account": .string(key.accountID), "time": .string(time.seconds),
            "region": .string(key.region), "resources": .array([.string(key.arn)]), "detail": detail,
        ])
    }
}

extension Timestamp {
    /// Of the years 1 to 9999: `2027-01-31T08:00:00Z`.
    var seconds: String { iso8601(suffix: "").prefix(19) + "Z" }
}

/// A path to a part of a JSON document, as EventBridge has them: `$.detail.items[0]['a name']`.
struct JSONPath: Equatable {
    private enum Step: Equatable {
        case member(String)
        case element(Int)
    }

    private var steps: [Step] = []

    /// nil for what is no such path.
    init?(_ text: String) {
        guard text.first == "$" else { return nil }
        var rest = text.dropFirst()
        while let first = rest.first {
            rest = rest.dropFirst()
            if first == "." {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                // A wildcard is of no use here.
                guard !name.isEmpty, name != "*" else { return nil }
                steps.append(.member(String(name)))
                rest = rest[name.endIndex...]
            } else {
                guard first == "[", let close = rest.firstIndex(of: "]"), let step = Self.step(rest[..<close]) else {
                    return nil
                }
                steps.append(step)
                rest = rest[rest.index(after: close)...]
            }
        }
    }

    private static func step(_ text: Substring) -> Step? {
        if let quote = text.first, quote == "'" || quote == "\"", text.count >= 3, text.last == quote {
            return .member(String(text.dropFirst().dropLast()))
        }
        guard text.utf8.count <= 9, text.utf8.allSatisfy({ (48...57).contains($0) }), let index = Int(text) else {
            return nil
        }
        return .element(index)
    }

    /// nil where there is nothing.
    func value(in document: JSONValue) -> JSONValue? {
        var value = document
        for step in steps {
            switch step {
            case .member(let name):
                guard let member = value[name] else { return nil }
                value = member
            case .element(let index):
                guard let array = value.array, index < array.count else { return nil }
                value = array[index]
            }
        }
        return value
    }
}
