// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// One value or comparison of a pattern, for a string, number, Boolean or null of the event.
///
/// Texts are kept as UTF-8, since two strings are equal in Swift also when they are only canonically equivalent.
enum ValueTest: Equatable, Sendable {
    /// `exists: true`.
    case any
    case null
    case bool(Bool)
    /// By value where both can be compared, by their digits otherwise.
    case number(ComparableNumber?, digits: String)
    case string([UInt8])
    case prefix([UInt8])
    case suffix([UInt8])
    case ignoringCase(CaselessText, CaselessText.Place)
    case wildcard(WildcardText)
    case numeric(NumericRange)
    case cidr(AddressBlock)
    /// Any value for which none of these holds, of whatever type it is.
    indirect case anythingBut([ValueTest])

    func matches(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.any, _): true
        case (.anythingBut(let tests), _): !tests.contains { $0.matches(value) }
        case (.null, .null): true
        case (.bool(let wanted), .bool(let flag)): wanted == flag
        case (.number(let wanted, let digits), .number(let text)):
            text == digits || wanted.map { $0 == ComparableNumber(text) } ?? false
        case (.numeric(let range), .number(let text)): ComparableNumber(text).map(range.contains) ?? false
        case (.string(let wanted), .string(let text)): text.utf8.elementsEqual(wanted)
        case (.prefix(let wanted), .string(let text)): text.utf8.starts(with: wanted)
        case (.suffix(let wanted), .string(let text)): text.utf8.suffix(wanted.count).elementsEqual(wanted)
        case (.ignoringCase(let wanted, let place), .string(let text)): wanted.matches(Array(text.utf8), place)
        case (.wildcard(let wanted), .string(let text)): wanted.matches(Array(text.utf8))
        case (.cidr(let block), .string(let text)): block.contains(text)
        default: false
        }
    }
}
