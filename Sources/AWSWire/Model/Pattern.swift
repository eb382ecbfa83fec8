// SPDX-License-Identifier: Apache-2.0
import CPCRE2

/// A pattern of the service model, which a whole value has to match.
///
/// The model's patterns are Java's; PCRE2 reads those in it alike. Matching is bounded: what takes too long is no match.
package final class Pattern: Sendable {
    /// As error texts have it.
    package let source: String
    /// The compiled form, which nothing changes; the library keeps what a match needs elsewhere.
    private let code: UInt
    private let context: UInt

    /// Steps of the matcher; a value of the longest length that the model allows takes a tenth.
    private static let stepsMax: UInt32 = 1_000_000

    /// - Precondition: the pattern is a right one, which the tests see to for all of the model's.
    package init(_ source: String) {
        self.source = source
        var error: CInt = 0
        var offset = 0
        let whole = "(?:\(source))"
        let compiled = cpcre2_compile(whole, whole.utf8.count, &error, &offset)
        guard let compiled, let context = pcre2_match_context_create_8(nil) else {
            preconditionFailure("pattern \(source): PCRE2 error \(error) at \(offset)")
        }
        pcre2_set_match_limit_8(context, Self.stepsMax)
        pcre2_set_heap_limit_8(context, 8_192)
        code = UInt(bitPattern: compiled)
        self.context = UInt(bitPattern: context)
    }

    deinit {
        pcre2_match_context_free_8(OpaquePointer(bitPattern: context))
        pcre2_code_free_8(OpaquePointer(bitPattern: code))
    }

    package func matches(_ value: String) -> Bool {
        guard let data = pcre2_match_data_create_8(1, nil) else { return false }
        defer { pcre2_match_data_free_8(data) }
        var value = value
        return value.withUTF8 { bytes in
            pcre2_match_8(
                OpaquePointer(bitPattern: code),
                bytes.baseAddress,
                bytes.count,
                0,
                0,
                data,
                OpaquePointer(bitPattern: context)
            ) >= 0
        }
    }
}
