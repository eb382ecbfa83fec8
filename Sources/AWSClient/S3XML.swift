// SPDX-License-Identifier: Apache-2.0

/// The little of XML that S3's answers are read by: elements by their tags, without attributes; who sends it is not trusted.
enum S3XML {
    /// The texts of all elements of that name, however deep, in their order.
    static func elements(_ name: String, of body: ArraySlice<UInt8>) -> [String] {
        let (opening, closing) = (Array("<\(name)>".utf8), Array("</\(name)>".utf8))
        var found: [String] = []
        var rest = body
        while let start = position(of: opening, in: rest) {
            rest = rest[(start + opening.count)...]
            guard let end = position(of: closing, in: rest) else { break }
            found.append(unescaped(String(decoding: rest[..<end], as: UTF8.self)))
            rest = rest[(end + closing.count)...]
        }
        return found
    }

    static func position(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = pattern.first else { return nil }
        var rest = bytes
        while let start = rest.firstIndex(of: first) {
            if bytes[start...].starts(with: pattern) { return start }
            rest = rest[(start + 1)...]
        }
        return nil
    }

    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        var text = text
        // The ampersand last, or it would make new entities.
        for (entity, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&#34;", "\""),
            ("&amp;", "&"),
        ] { text = text.replacing(entity, with: character) }
        return text
    }
}
