// SPDX-License-Identifier: Apache-2.0

/// A filter pattern of CloudWatch Logs: terms, a condition on a JSON object, or one on fields between spaces
/// (CloudWatch Logs User Guide, "Filter pattern syntax").
///
/// A match takes time linear in the message for each of the pattern's terms, whatever either of them is.
package struct LogPattern: Equatable, Sendable {
    /// Of the text, in UTF-16 as AWS counts.
    package static let charactersMax = 1_024

    enum Form: Equatable, Sendable {
        case everything
        case terms(TermPattern)
        case object(ObjectPattern)
        case fields(FieldPattern)
    }

    let form: Form

    /// About how many nanoseconds each byte of a message takes at most.
    package let cost: Int

    /// Of no text: every event matches.
    package static let everything = LogPattern(form: .everything, cost: 1)

    private init(form: Form, cost: Int) {
        self.form = form
        self.cost = cost
    }

    /// - Throws: `LogPatternFailure`, with a text for the caller.
    package init(_ text: String) throws(LogPatternFailure) {
        guard text.utf16.count <= Self.charactersMax else {
            throw LogPatternFailure("Filter pattern is too long: the limit is \(Self.charactersMax) characters")
        }
        var scanner = PatternScanner(Array(text.utf8))
        scanner.skipSpace()
        form =
            switch scanner.next {
            case nil: .everything
            case UInt8(ascii: "{"): .object(try ObjectPattern(&scanner))
            case UInt8(ascii: "["): .fields(try FieldPattern(&scanner))
            default: .terms(try TermPattern(&scanner))
            }
        // Messages are gone through as JSON, and those that meet the condition once more; or cut into fields.
        let base =
            switch form {
            case .everything, .terms: 1
            case .object: 6
            case .fields: 8
            }
        cost = base + scanner.cost
    }

    package var matchesEverything: Bool { form == .everything }

    /// `message` in UTF-8; what is no UTF-8 of it is compared byte by byte too.
    package func matches(_ message: UnsafeRawBufferPointer) -> Bool {
        switch form {
        case .everything: true
        case .terms(let terms): terms.matches(message)
        case .object(let object): object.matches(message)
        case .fields(let fields): fields.matches(message)
        }
    }

    package func matches(_ message: String) -> Bool { Array(message.utf8).withUnsafeBytes(matches) }
}

/// Why a text is no filter pattern.
package struct LogPatternFailure: Error, Equatable, Sendable {
    package var reason: String

    init(_ reason: String) { self.reason = reason }
}
