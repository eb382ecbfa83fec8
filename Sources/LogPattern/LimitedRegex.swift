// SPDX-License-Identifier: Apache-2.0

/// A regular expression as filter patterns have them: no parentheses, so alternatives of sequences of classes with repetitions.
///
/// All alternatives are followed at once, a bit for each of their positions, so that a byte of the text takes the same time whatever came
/// before (Navarro and Raffinot, "Flexible Pattern Matching in Strings", 4.3: extended strings).
struct LimitedRegex: Equatable, Sendable {
    /// Of all alternatives, repetitions counted out.
    static let positionsMax = 1_024

    private let words: Int
    /// For each byte, the positions that take it: 256 times `words`.
    private let taking: [UInt64]
    /// Positions that may take more than one byte.
    private let looping: [UInt64]
    /// Positions that may take none.
    private let optional: [UInt64]
    /// Where a match may begin, at any byte and at the first one.
    private let startAnywhere: [UInt64]
    private let startFirst: [UInt64]
    /// Behind the last position of an alternative, where it may end anywhere and where it ends with the text.
    private let endAnywhere: [UInt64]
    private let endLast: [UInt64]

    /// What it takes of the positions of a pattern: words of them are gone through whole.
    var countedPositions: Int { 64 * words }

    /// About how many nanoseconds a byte of a text takes.
    var cost: Int { words == 1 ? 2 : 6 * words }

    private struct Item {
        var bytes: ByteSet
        var isLooping = false
        var isOptional = false
        var isEnd = false
    }

    init(_ text: ArraySlice<UInt8>) throws(LogPatternFailure) {
        var parser = RegexParser(text)
        var items: [Item] = []
        var starts: (anywhere: [Int], first: [Int]) = ([], [])
        var ends: (anywhere: [Int], last: [Int]) = ([], [])
        repeat {
            let begin = items.count
            if parser.take("^") { starts.first.append(begin) } else { starts.anywhere.append(begin) }
            while let bytes = try parser.atom() {
                let (least, most) = try parser.repetition()
                guard items.count + max(least, most ?? 0) + 2 <= Self.positionsMax else {
                    throw parser.failure("it is too long")
                }
                items += Array(repeating: Item(bytes: bytes), count: least)
                if let most {
                    items += Array(repeating: Item(bytes: bytes, isOptional: true), count: max(0, most - least))
                } else if least == 0 {
                    items.append(Item(bytes: bytes, isLooping: true, isOptional: true))
                } else {
                    items[items.count - 1].isLooping = true
                }
            }
            if parser.take("$") { ends.last.append(items.count) } else { ends.anywhere.append(items.count) }
            items.append(Item(bytes: ByteSet(), isEnd: true))
        } while parser.take("|")
        guard parser.isAtEnd else { throw parser.failure("there is something that is not supported") }
        let words = (items.count + 63) / 64
        func mask(_ positions: [Int]) -> [UInt64] {
            var mask = [UInt64](repeating: 0, count: words)
            for position in positions { mask[position / 64] |= 1 << UInt64(position % 64) }
            return mask
        }
        var taking = [UInt64](repeating: 0, count: 256 * words)
        for (position, item) in items.enumerated() {
            for byte in 0..<256 where item.bytes.contains(UInt8(byte)) {
                taking[byte * words + position / 64] |= 1 << UInt64(position % 64)
            }
        }
        self.words = words
        self.taking = taking
        looping = mask(items.indices.filter { items[$0].isLooping })
        optional = mask(items.indices.filter { items[$0].isOptional })
        startAnywhere = mask(starts.anywhere)
        startFirst = mask(starts.first)
        endAnywhere = mask(ends.anywhere)
        endLast = mask(ends.last)
    }

    func isFound(in text: UnsafeRawBufferPointer) -> Bool {
        words == 1 ? isFoundInOneWord(text) : isFoundInWords(text)
    }

    private func isFoundInOneWord(_ text: UnsafeRawBufferPointer) -> Bool {
        let (looping, optional, start) = (looping[0], optional[0], startAnywhere[0])
        let (endAnywhere, endLast) = (endAnywhere[0], endLast[0])
        func closed(_ active: UInt64) -> UInt64 { active | (((active & optional) &+ optional) ^ optional) }
        let rest = closed(start)
        var active = closed(start | startFirst[0])
        return taking.withUnsafeBufferPointer { taking in
            var index = 0
            while index < text.count {
                if active & endAnywhere != 0 { return true }
                let taken = active & taking[Int(text[index])]
                index += 1
                if taken == 0 {
                    active = rest
                    // Most of a text begins no match.
                    while index < text.count, rest & taking[Int(text[index])] == 0 { index += 1 }
                } else {
                    active = closed(taken << 1 | taken & looping | start)
                }
            }
            return active & (endAnywhere | endLast) != 0
        }
    }

    private func isFoundInWords(_ text: UnsafeRawBufferPointer) -> Bool {
        var active = zip(startAnywhere, startFirst).map { $0 | $1 }
        close(&active)
        for byte in text {
            if isAny(of: endAnywhere, in: active) { return true }
            let row = Int(byte) * words
            var carry: UInt64 = 0
            for word in 0..<words {
                let taken = active[word] & taking[row + word]
                active[word] = taken << 1 | carry | taken & looping[word] | startAnywhere[word]
                carry = taken >> 63
            }
            close(&active)
        }
        return isAny(of: endAnywhere, in: active) || isAny(of: endLast, in: active)
    }

    /// Adds what is behind positions that may take nothing: the addition's carry runs through those of one run.
    private func close(_ active: inout [UInt64]) {
        var carry: UInt64 = 0
        for word in 0..<words {
            let (first, isOver) = (active[word] & optional[word]).addingReportingOverflow(optional[word])
            let (sum, isOverAgain) = first.addingReportingOverflow(carry)
            active[word] |= sum ^ optional[word]
            carry = isOver || isOverAgain ? 1 : 0
        }
    }

    private func isAny(of mask: [UInt64], in active: [UInt64]) -> Bool {
        for word in 0..<words where mask[word] & active[word] != 0 { return true }
        return false
    }
}

/// Some of the 256 bytes.
struct ByteSet: Equatable, Sendable {
    private var words = SIMD4<UInt64>()

    init() {}

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { for byte in range { insert(byte) } }
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte) / 64] >> UInt64(byte % 64) & 1 == 1 }

    mutating func insert(_ byte: UInt8) { words[Int(byte) / 64] |= 1 << UInt64(byte % 64) }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }

    var inverted: ByteSet {
        var set = self
        set.words = ~set.words
        return set
    }

    static let digits = ByteSet(48...57)
    static let word = ByteSet(48...57, 65...90, 97...122, 95...95)
    static let space = ByteSet(0x09...0x0D, 0x20...0x20)
    static let all = ByteSet(0...255)
}
