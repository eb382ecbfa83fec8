// SPDX-License-Identifier: Apache-2.0

/// A policy's pattern: `*` stands for any characters or none, `?` for one, and variables for the values of one request:
/// `${aws:username}`, or `${aws:username, 'nobody'}` for a request without one.
///
/// What a variable stands for is matched as it is, its `*` and `?` included; `${*}`, `${?}` and `${$}` stand for the
/// characters themselves.
package struct PolicyPattern: Sendable {
    private enum Token: Equatable {
        case any
        case one
        case literal(Unicode.Scalar)

        init(_ scalar: Unicode.Scalar) {
            switch scalar {
            case "*": self = .any
            case "?": self = .one
            default: self = .literal(scalar)
            }
        }
    }

    private let tokens: [Token]

    private static let separator = Unicode.Scalar(UInt8(ascii: ":"))

    /// A pattern without variables, as those of actions are.
    package init(_ text: String) { tokens = text.unicodeScalars.map(Token.init) }

    /// nil when a variable has no value or more than one: such a pattern matches nothing.
    package init?(_ text: String, for request: AccessRequest) {
        guard text.utf8.contains(UInt8(ascii: "$")) else {
            tokens = text.unicodeScalars.map(Token.init)
            return
        }
        var tokens: [Token] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "$", rest.first == "{", let end = rest.firstIndex(of: "}") else {
                tokens.append(Token(scalar))
                continue
            }
            let name = String(String.UnicodeScalarView(rest[rest.startIndex + 1..<end]))
            rest = rest[(end + 1)...]
            guard let value = Self.value(of: name, for: request) else { return nil }
            tokens += value.unicodeScalars.map(Token.literal)
        }
        self.tokens = tokens
    }

    private static func value(of variable: String, for request: AccessRequest) -> String? {
        if ["*", "?", "$"].contains(variable) { return variable }
        let parts = variable.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        if let values = request.values(trimmed(parts[0])), values.count == 1 { return values[0] }
        guard parts.count == 2 else { return nil }
        let standard = trimmed(parts[1])
        guard standard.count >= 2, standard.hasPrefix("'"), standard.hasSuffix("'") else { return nil }
        return String(standard.dropFirst().dropLast())
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Whether the whole of `text` matches; takes no more than the product of the lengths in steps.
    package func matches(_ text: String) -> Bool {
        tokens == [.any] || Self.matches(tokens[...], Array(text.unicodeScalars)[...])
    }

    /// Whether an ARN matches: each of its six parts by itself, so that a `*` reaches no further than its part.
    ///
    /// Parts that the pattern leaves out at its end match anything.
    package func matchesARN(_ arn: String) -> Bool {
        if tokens == [.any] { return true }
        let patterns = tokens.split(
            separator: .literal(Self.separator),
            maxSplits: 5,
            omittingEmptySubsequences: false
        )
        let parts = Array(arn.unicodeScalars).split(
            separator: Self.separator,
            maxSplits: 5,
            omittingEmptySubsequences: false
        )
        guard parts.count == 6, patterns[0].elementsEqual("arn".unicodeScalars.map(Token.literal)) else { return false }
        return zip(patterns, parts).allSatisfy { Self.matches($0, $1) }
    }

    /// The text with every variable in its place and nothing special about it; nil where a variable has no value.
    static func text(_ text: String, for request: AccessRequest) -> String? {
        guard let pattern = PolicyPattern(text, for: request) else { return nil }
        let scalars = pattern.tokens.map { token in
            switch token {
            case .any: Unicode.Scalar(UInt8(ascii: "*"))
            case .one: Unicode.Scalar(UInt8(ascii: "?"))
            case .literal(let scalar): scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// On a mismatch the last `*` takes one character more: what it took before is never looked at again.
    private static func matches(_ pattern: ArraySlice<Token>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
        var inPattern = pattern.startIndex
        var inText = text.startIndex
        var star: (pattern: Int, text: Int)?
        while inText < text.endIndex {
            let token = inPattern < pattern.endIndex ? pattern[inPattern] : nil
            if token == .any {
                star = (inPattern, inText)
                inPattern += 1
            } else if token == .one || token == .literal(text[inText]) {
                inPattern += 1
                inText += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                inPattern = last.pattern + 1
                inText = last.text + 1
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == .any }
    }
}
