// SPDX-License-Identifier: Apache-2.0

/// A text with `*` for any number of bytes, none included.
///
/// A match takes time linear in the value and the pattern, whatever they are: what stands between two `*` is looked for
/// from the left, once, by Knuth, Morris and Pratt's way.
struct WildcardText: Equatable, Sendable {
    /// What is between the `*`; the first begins the value, the last ends it.
    private let head: [UInt8]
    /// Nil without any `*`.
    private let rest: (needles: [Needle], tail: [UInt8])?

    /// `\*` and `\\` stand for an asterisk and a backslash.
    init(_ pattern: String) throws(ComparisonFailure) {
        var pieces: [[UInt8]] = [[]]
        let bytes = Array(pattern.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "*"):
                // Counted in the text with its opening quotation mark, as event-ruler does.
                guard index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "*") else {
                    throw ComparisonFailure("Consecutive wildcard characters at pos \(index + 1)")
                }
                pieces.append([])
            case UInt8(ascii: "\\"):
                guard index + 1 < bytes.count, [UInt8(ascii: "*"), UInt8(ascii: "\\")].contains(bytes[index + 1]) else {
                    throw ComparisonFailure("Invalid escape character at pos \(index + 1)")
                }
                index += 1
                pieces[pieces.count - 1].append(bytes[index])
            case let byte: pieces[pieces.count - 1].append(byte)
            }
            index += 1
        }
        head = pieces.removeFirst()
        rest = pieces.popLast().map { (pieces.map(Needle.init), $0) }
    }

    static func == (left: WildcardText, right: WildcardText) -> Bool {
        left.head == right.head && left.rest?.tail == right.rest?.tail && left.rest?.needles == right.rest?.needles
    }

    func matches(_ text: [UInt8]) -> Bool {
        guard let rest else { return text == head }
        guard text.count >= head.count + rest.tail.count, text.starts(with: head),
            text.suffix(rest.tail.count) == rest.tail[...]
        else { return false }
        var left = text[head.count..<(text.count - rest.tail.count)]
        for needle in rest.needles {
            guard let end = needle.end(in: left) else { return false }
            left = left[end...]
        }
        return true
    }

    private struct Needle: Equatable, Sendable {
        let bytes: [UInt8]
        /// For each length, how much of the needle's beginning also ends it.
        let borders: [Int]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            var borders = [0]
            for byte in bytes.dropFirst() {
                var border = borders[borders.count - 1]
                while border > 0, bytes[border] != byte { border = borders[border - 1] }
                borders.append(bytes[border] == byte ? border + 1 : 0)
            }
            self.borders = borders
        }

        /// Behind the first place where the needle is.
        func end(in text: ArraySlice<UInt8>) -> Int? {
            var found = 0
            if bytes.isEmpty { return text.startIndex }
            for (index, byte) in zip(text.indices, text) {
                while found > 0, bytes[found] != byte { found = borders[found - 1] }
                if bytes[found] == byte { found += 1 }
                if found == bytes.count { return index + 1 }
            }
            return nil
        }
    }
}
