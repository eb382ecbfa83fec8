// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// A condition on a message that is a JSON object: `{ $.a.b = "x*" && ($.n > 3 || $.c[0] IS NULL) }`.
struct ObjectPattern: Equatable, Sendable {
    /// Parentheses inside one another.
    static let depthMax = 32

    indirect enum Condition: Equatable, Sendable {
        case test(Selector, Test)
        case all([Condition])
        case any([Condition])
    }

    enum Test: Equatable, Sendable {
        /// Of texts, numbers and booleans only.
        case scalar(ScalarTest)
        case isNull, isTrue, isFalse, notExists
    }

    private let condition: Condition
    private let required: RequiredText

    init(_ scanner: inout PatternScanner) throws(LogPatternFailure) {
        try scanner.expect("{")
        condition = try Self.alternatives(&scanner, depth: 0)
        required = RequiredText(of: condition)
        try scanner.expect("}")
        scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.failure("nothing more expected") }
    }

    private static func alternatives(
        _ scanner: inout PatternScanner,
        depth: Int
    ) throws(LogPatternFailure) -> Condition {
        var conditions = [try conjunction(&scanner, depth: depth)]
        scanner.skipSpace()
        while scanner.take("||") {
            conditions.append(try conjunction(&scanner, depth: depth))
            scanner.skipSpace()
        }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private static func conjunction(
        _ scanner: inout PatternScanner,
        depth: Int
    ) throws(LogPatternFailure) -> Condition {
        var conditions = [try primary(&scanner, depth: depth)]
        scanner.skipSpace()
        while scanner.take("&&") {
            conditions.append(try primary(&scanner, depth: depth))
            scanner.skipSpace()
        }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private static func primary(_ scanner: inout PatternScanner, depth: Int) throws(LogPatternFailure) -> Condition {
        scanner.skipSpace()
        if scanner.take("(") {
            guard depth < depthMax else { throw scanner.failure("too many parentheses inside one another") }
            let condition = try alternatives(&scanner, depth: depth + 1)
            try scanner.expect(")")
            return condition
        }
        let selector = try Selector(&scanner)
        scanner.skipSpace()
        if scanner.takeWord("IS") {
            scanner.skipSpace()
            if scanner.takeWord("NULL") { return .test(selector, .isNull) }
            if scanner.takeWord("TRUE") { return .test(selector, .isTrue) }
            if scanner.takeWord("FALSE") { return .test(selector, .isFalse) }
            throw scanner.failure("NULL, TRUE or FALSE expected")
        }
        if scanner.takeWord("NOT") {
            scanner.skipSpace()
            guard scanner.takeWord("EXISTS") else { throw scanner.failure("EXISTS expected") }
            return .test(selector, .notExists)
        }
        return .test(selector, .scalar(try ScalarTest(&scanner, .object)))
    }

    /// Most messages have nothing of what a pattern looks for, and are not read as JSON for that.
    func matches(_ message: UnsafeRawBufferPointer) -> Bool {
        required.mayBeMet(by: message) && isMet(by: message)
    }

    func isMet(by message: UnsafeRawBufferPointer) -> Bool {
        guard message.first(where: { !PatternScanner.isSpace($0) }) == UInt8(ascii: "{"),
            let value = try? JSONValue(parsing: Array(message))
        else { return false }
        return Self.holds(condition, value)
    }

    private static func holds(_ condition: Condition, _ value: JSONValue) -> Bool {
        switch condition {
        case .all(let conditions): conditions.allSatisfy { holds($0, value) }
        case .any(let conditions): conditions.contains { holds($0, value) }
        case .test(let selector, let test): holds(test, selector.value(in: value))
        }
    }

    private static func holds(_ test: Test, _ value: JSONValue?) -> Bool {
        switch (test, value) {
        case (.notExists, let value): value == nil
        case (.isNull, .null): true
        case (.isTrue, .bool(let flag)): flag
        case (.isFalse, .bool(let flag)): !flag
        case (.scalar(let test), .string(let text)), (.scalar(let test), .number(let text)):
            Array(text.utf8).withUnsafeBytes(test.matches)
        case (.scalar(let test), .bool(let flag)):
            Array((flag ? "true" : "false").utf8).withUnsafeBytes(test.matches)
        default: false
        }
    }
}

/// A place in a JSON object: `$.users[0].id`, or `$.['a name']`.
struct Selector: Equatable, Sendable {
    enum Step: Equatable, Sendable {
        case member(String)
        case element(Int)
    }

    private static let digitsMax = 9

    private(set) var steps: [Step] = []

    init(_ scanner: inout PatternScanner) throws(LogPatternFailure) {
        guard scanner.take("$") else { throw scanner.failure("'$' expected") }
        while true {
            let hasPoint = scanner.take(".")
            if scanner.take("[") {
                try index(&scanner, named: hasPoint)
            } else if hasPoint {
                let name = scanner.run { PatternScanner.isWord($0) || $0 == UInt8(ascii: "-") }
                guard !name.isEmpty else { throw scanner.failure("a member's name expected") }
                steps.append(.member(String(decoding: name, as: UTF8.self)))
            } else {
                break
            }
        }
        guard !steps.isEmpty else { throw scanner.failure("a member expected") }
    }

    /// Behind an opening bracket.
    private mutating func index(_ scanner: inout PatternScanner, named: Bool) throws(LogPatternFailure) {
        if let quote = scanner.next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
            let mark = String(Unicode.Scalar(quote))
            _ = scanner.take(mark)
            let name = scanner.run { $0 != quote }
            guard scanner.take(mark) else { throw scanner.failure("the quotation mark has no end") }
            steps.append(.member(String(decoding: name, as: UTF8.self)))
        } else {
            let digits = scanner.run { (48...57).contains($0) }
            guard !named, (1...Self.digitsMax).contains(digits.count),
                let number = Int(String(decoding: digits, as: UTF8.self))
            else { throw scanner.failure("an element's number expected") }
            steps.append(.element(number))
        }
        guard scanner.take("]") else { throw scanner.failure("']' expected") }
    }

    func value(in object: JSONValue) -> JSONValue? {
        var value = object
        for step in steps {
            switch (step, value) {
            case (.member(let name), .object(let members)):
                guard let member = members[name] else { return nil }
                value = member
            case (.element(let number), .array(let elements)):
                guard elements.indices.contains(number) else { return nil }
                value = elements[number]
            default: return nil
            }
        }
        return value
    }
}
