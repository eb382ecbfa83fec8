// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// A condition on a message that is a JSON object: `{ $.a.b = "x*" && ($.n > 3 || $.c[0] IS NULL) }`.
struct ObjectPattern: Equatable, Sendable {
    /// Parentheses inside one another.
    static let depthMax = 32

    indirect enum Condition: Equatable, Sendable {
        /// Of the place that one of the selectors leads to.
        case test(Int, Test)
        case all([Condition])
        case any([Condition])
    }

    enum Test: Equatable, Sendable {
        /// Of texts, numbers and booleans only.
        case scalar(ScalarTest)
        case isNull, isTrue, isFalse, notExists
    }

    let condition: Condition
    private(set) var selectors: [Selector] = []
    private let places: ObjectPlaces
    private let required: RequiredText

    init(_ scanner: inout PatternScanner) throws(LogPatternFailure) {
        try scanner.expect("{")
        condition = try Self.alternatives(&scanner, &selectors, depth: 0)
        places = ObjectPlaces(selectors)
        required = RequiredText(of: condition, selectors)
        try scanner.expect("}")
        scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.failure("nothing more expected") }
    }

    private static func alternatives(
        _ scanner: inout PatternScanner,
        _ selectors: inout [Selector],
        depth: Int
    ) throws(LogPatternFailure) -> Condition {
        var conditions = [try conjunction(&scanner, &selectors, depth: depth)]
        scanner.skipSpace()
        while scanner.take("||") {
            conditions.append(try conjunction(&scanner, &selectors, depth: depth))
            scanner.skipSpace()
        }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private static func conjunction(
        _ scanner: inout PatternScanner,
        _ selectors: inout [Selector],
        depth: Int
    ) throws(LogPatternFailure) -> Condition {
        var conditions = [try primary(&scanner, &selectors, depth: depth)]
        scanner.skipSpace()
        while scanner.take("&&") {
            conditions.append(try primary(&scanner, &selectors, depth: depth))
            scanner.skipSpace()
        }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private static func primary(
        _ scanner: inout PatternScanner,
        _ selectors: inout [Selector],
        depth: Int
    ) throws(LogPatternFailure) -> Condition {
        scanner.skipSpace()
        if scanner.take("(") {
            guard depth < depthMax else { throw scanner.failure("too many parentheses inside one another") }
            let condition = try alternatives(&scanner, &selectors, depth: depth + 1)
            try scanner.expect(")")
            return condition
        }
        selectors.append(try Selector(&scanner))
        scanner.countPlace()
        let selector = selectors.count - 1
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

    /// What is not met as it stands is not read to its end as JSON either, where it has no escapes.
    func isMet(by message: UnsafeRawBufferPointer) -> Bool {
        guard message.first(where: { !PatternScanner.isSpace($0) }) == UInt8(ascii: "{") else { return false }
        let hasEscapes = ByteText.firstIndex(of: UInt8(ascii: "\\"), in: message, from: 0) != nil
        if hasEscapes, !Self.isJSON(message) { return false }
        let bytes = message.bindMemory(to: UInt8.self)
        let isMet = withUnsafeTemporaryAllocation(of: ObjectScan.Value.self, capacity: places.all.count) { values in
            var scan = ObjectScan(places, values)
            return scan.run(bytes.span) && holds(condition, message, scan, values)
        }
        return isMet && (hasEscapes || Self.isJSON(message))
    }

    private static func isJSON(_ message: UnsafeRawBufferPointer) -> Bool {
        let bytes = message.bindMemory(to: UInt8.self)
        return JSONSyntax.failure(in: bytes.span) == nil
    }

    private func holds(
        _ condition: Condition,
        _ message: UnsafeRawBufferPointer,
        _ scan: ObjectScan,
        _ values: UnsafeMutableBufferPointer<ObjectScan.Value>
    ) -> Bool {
        switch condition {
        case .all(let conditions):
            for condition in conditions where !holds(condition, message, scan, values) { return false }
            return true
        case .any(let conditions):
            for condition in conditions where holds(condition, message, scan, values) { return true }
            return false
        case .test(let selector, let test):
            let value = values[places.ofSelectors[selector]]
            switch test {
            case .notExists: return value.kind == .missing
            case .isNull: return value.kind == .null
            case .isTrue: return value.kind == .yes
            case .isFalse: return value.kind == .no
            case .scalar(let test):
                switch value.kind {
                case .text, .number, .yes, .no: return scan.withBytes(of: value, in: message, test.matches)
                case .missing, .null, .container: return false
                }
            }
        }
    }
}

/// A place in a JSON object: `$.users[0].id`, or `$.['a name']`.
struct Selector: Equatable, Sendable {
    enum Step: Equatable, Sendable {
        /// By its name in UTF-8: names are compared in their bytes, as values are, and not as texts.
        case member([UInt8])
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
                steps.append(.member(name))
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
            steps.append(.member(name))
        } else {
            let digits = scanner.run { (48...57).contains($0) }
            guard !named, (1...Self.digitsMax).contains(digits.count),
                let number = Int(String(decoding: digits, as: UTF8.self))
            else { throw scanner.failure("an element's number expected") }
            steps.append(.element(number))
        }
        guard scanner.take("]") else { throw scanner.failure("']' expected") }
    }
}
