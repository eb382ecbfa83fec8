// SPDX-License-Identifier: Apache-2.0

/// What the bytes of a JSON object must have in them for a condition on it to hold: told without reading it.
indirect enum RequiredText: Equatable, Sendable {
    case nothing
    case text([UInt8])
    case all([RequiredText])
    case any([RequiredText])

    init(of condition: ObjectPattern.Condition) {
        self =
            switch condition {
            case .all(let conditions): Self.all(of: Self.texts(of: conditions))
            case .any(let conditions): Self.any(of: Self.texts(of: conditions))
            case .test(_, .notExists): .nothing
            case .test(_, .isNull): .text(Array("null".utf8))
            case .test(_, .isTrue): .text(Array("true".utf8))
            case .test(_, .isFalse): .text(Array("false".utf8))
            case .test(_, .scalar(let test)): test.requiredText.map { .text($0) } ?? .nothing
            }
    }

    /// Each of them once.
    private static func texts(of conditions: [ObjectPattern.Condition]) -> [RequiredText] {
        var texts: [RequiredText] = []
        for condition in conditions {
            let text = RequiredText(of: condition)
            if !texts.contains(text) { texts.append(text) }
        }
        return texts
    }

    private static func all(of texts: [RequiredText]) -> RequiredText {
        let texts = texts.filter { $0 != .nothing }
        return texts.isEmpty ? .nothing : texts.count == 1 ? texts[0] : .all(texts)
    }

    private static func any(of texts: [RequiredText]) -> RequiredText {
        texts.contains(.nothing) ? .nothing : texts.count == 1 ? texts[0] : .any(texts)
    }

    /// True too where something in the message is escaped, and so may stand for it.
    func mayBeMet(by message: UnsafeRawBufferPointer) -> Bool {
        isFound(in: message) || ByteText.contains(message, UInt8(ascii: "\\"))
    }

    private func isFound(in message: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .nothing: true
        case .text(let text): ByteText.contains(message, text)
        case .all(let texts): texts.allSatisfy { $0.isFound(in: message) }
        case .any(let texts): texts.contains { $0.isFound(in: message) }
        }
    }
}
