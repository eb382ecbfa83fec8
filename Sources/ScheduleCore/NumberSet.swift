// SPDX-License-Identifier: Apache-2.0

/// Some of the numbers of a range of at most 256, such as the minutes of an hour.
struct NumberSet: Equatable, Sendable {
    let range: ClosedRange<Int>
    private var words = SIMD4<UInt64>.zero

    init(in range: ClosedRange<Int>) {
        precondition(range.count <= 256, "the words have 256 bits")
        self.range = range
    }

    static func all(of range: ClosedRange<Int>) -> NumberSet {
        var set = NumberSet(in: range)
        for number in range { set.insert(number) }
        return set
    }

    mutating func insert(_ number: Int) {
        precondition(range.contains(number), "a number of the range")
        let bit = number - range.lowerBound
        words[bit / 64] |= 1 << UInt64(bit % 64)
    }

    func contains(_ number: Int) -> Bool {
        guard range.contains(number) else { return false }
        let bit = number - range.lowerBound
        return words[bit / 64] & 1 << UInt64(bit % 64) != 0
    }

    /// The smallest that is not below `number`.
    func first(from number: Int) -> Int? {
        guard number <= range.upperBound else { return nil }
        return (max(number, range.lowerBound)...range.upperBound).first(where: contains)
    }
}
