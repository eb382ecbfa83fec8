// SPDX-License-Identifier: Apache-2.0

/// What the bytes of a JSON object must have in them for a condition on it to hold: told without reading it.
indirect enum RequiredText: Equatable, Sendable {
    case nothing
    case text([UInt8])
    /// A member of that name, in its quotation marks and anywhere, with a value that the test holds of.
    case member([UInt8], ScalarTest)
    case all([RequiredText])
    case any([RequiredText])

    /// Of more than so many the object is read at once.
    private static let alternativesMax = 8

    init(of condition: ObjectPattern.Condition, _ selectors: [Selector]) {
        self =
            switch condition {
            case .all(let conditions): Self.all(of: Self.texts(of: conditions, selectors))
            case .any(let conditions): Self.any(of: Self.texts(of: conditions, selectors))
            case .test(_, .notExists): .nothing
            case .test(_, .isNull): .text(Array("null".utf8))
            case .test(_, .isTrue): .text(Array("true".utf8))
            case .test(_, .isFalse): .text(Array("false".utf8))
            case .test(let selector, .scalar(let test)): Self.one(of: test, selectors[selector])
            }
    }

    private static func one(of test: ScalarTest, _ selector: Selector) -> RequiredText {
        if let text = test.requiredText { return isPlain(text) ? .text(text) : .nothing }
        guard case .member(let name) = selector.steps.last, isPlain(name) else { return .nothing }
        let mark = CollectionOfOne(UInt8(ascii: "\""))
        return .member(mark + name + mark, test)
    }

    /// Whether a text stands in JSON as it is, where that has neither `\u` nor `\/`.
    private static func isPlain(_ text: [UInt8]) -> Bool {
        text.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    /// Each of them once.
    private static func texts(
        of conditions: [ObjectPattern.Condition],
        _ selectors: [Selector]
    ) -> [RequiredText] {
        var texts: [RequiredText] = []
        for condition in conditions {
            let text = RequiredText(of: condition, selectors)
            if !texts.contains(text) { texts.append(text) }
        }
        return texts
    }

    private static func all(of texts: [RequiredText]) -> RequiredText {
        let texts = texts.filter { $0 != .nothing }
        return texts.isEmpty ? .nothing : texts.count == 1 ? texts[0] : .all(texts)
    }

    private static func any(of texts: [RequiredText]) -> RequiredText {
        guard !texts.contains(.nothing), texts.count <= alternativesMax else { return .nothing }
        return texts.count == 1 ? texts[0] : .any(texts)
    }

    /// True too where something in the message is escaped, and so may stand for it.
    func mayBeMet(by message: UnsafeRawBufferPointer) -> Bool {
        isFound(in: message) || Self.hasOtherSpellings(message)
    }

    /// Whether there are escapes of what needs none.
    private static func hasOtherSpellings(_ message: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while let escape = ByteText.firstIndex(of: UInt8(ascii: "\\"), in: message, from: offset) {
            offset = escape + 2
            guard offset <= message.count else { return true }
            if message[escape + 1] == UInt8(ascii: "u") || message[escape + 1] == UInt8(ascii: "/") { return true }
        }
        return false
    }

    private func isFound(in message: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .nothing: return true
        case .text(let text): return ByteText.contains(message, text)
        case .member(let name, let test): return Self.hasMember(name, test, message)
        case .all(let texts):
            for text in texts where !text.isFound(in: message) { return false }
            return true
        case .any(let texts):
            for text in texts where text.isFound(in: message) { return true }
            return false
        }
    }

    /// No byte of a value is looked at twice: before each is its own name.
    private static func hasMember(_ name: [UInt8], _ test: ScalarTest, _ message: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while let found = ByteText.firstIndex(of: name, in: message, from: offset) {
            // The mark at its end may be the next one's first.
            offset = found + name.count - 1
            var start = skipSpace(message, from: offset + 1)
            guard start < message.count, message[start] == UInt8(ascii: ":") else { continue }
            start = skipSpace(message, from: start + 1)
            guard start < message.count else { continue }
            var end = start
            if message[start] == UInt8(ascii: "\"") {
                start += 1
                end = ByteText.firstIndex(of: UInt8(ascii: "\""), in: message, from: start) ?? message.count
            } else {
                while end < message.count, !",}]\"".utf8.contains(message[end]), !isSpace(message[end]) { end += 1 }
            }
            let value = UnsafeRawBufferPointer(rebasing: message[start..<end])
            if test.matches(value) || ByteText.firstIndex(of: UInt8(ascii: "\\"), in: value, from: 0) != nil {
                return true
            }
        }
        return false
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte <= 0x20 && (byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D)
    }

    private static func skipSpace(_ message: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while offset < message.count, isSpace(message[offset]) { offset += 1 }
        return offset
    }
}
