// SPDX-License-Identifier: Apache-2.0

/// A text to compare with, whatever the case of its letters.
///
/// Each of its characters may be in the value as it is, in lower case or in upper case, by Unicode's mappings without a
/// language, which may be longer: a pattern's `ß` is also `SS`. A value's `ß` is not a pattern's `ss` (event-ruler,
/// `EqualsIgnoreCaseParser`).
struct CaselessText: Equatable, Sendable {
    enum Place: Sendable {
        case whole, beginning, end
    }

    /// For each character its spellings in UTF-8, none of which begins or ends another one.
    private let spellings: [[[UInt8]]]

    init(_ text: String) {
        spellings = text.unicodeScalars.map(Self.spellings)
    }

    static func spellings(of scalar: Unicode.Scalar) -> [[UInt8]] {
        var spellings = [Array(String(scalar).utf8)]
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
            let bytes = Array(mapping.utf8)
            if !spellings.contains(bytes) { spellings.append(bytes) }
        }
        return spellings
    }

    func matches(_ text: [UInt8], _ place: Place) -> Bool {
        var left = text[...]
        if place == .end {
            for spellings in self.spellings.reversed() {
                guard let spelling = spellings.first(where: { left.suffix($0.count) == $0[...] }) else { return false }
                left.removeLast(spelling.count)
            }
            return true
        }
        for spellings in self.spellings {
            guard let spelling = spellings.first(where: { left.starts(with: $0) }) else { return false }
            left.removeFirst(spelling.count)
        }
        return place == .beginning || left.isEmpty
    }
}
