// SPDX-License-Identifier: Apache-2.0

/// The hash keys that a shard takes: 128 bits, both ends included.
package struct HashKeyRange: Hashable, Sendable {
    package var first: UInt128
    package var last: UInt128

    package init(_ first: UInt128, _ last: UInt128) {
        precondition(first <= last, "a shard takes at least one hash key")
        self.first = first
        self.last = last
    }

    package static let all = HashKeyRange(0, .max)

    package func contains(_ key: UInt128) -> Bool { first <= key && key <= last }

    /// The beginnings of `count` ranges of the same length that make up all; what is left over is the last one's.
    package static func uniform(_ count: Int) -> [UInt128] {
        precondition(count > 0, "a stream has a shard")
        guard count > 1 else { return [0] }
        // 2^128 divided by the count, which is no power of two where the remainder is not that of the largest key.
        let (quotient, remainder) = UInt128.max.quotientAndRemainder(dividingBy: UInt128(count))
        let step = remainder == UInt128(count) - 1 ? quotient + 1 : quotient
        return (0..<count).map { UInt128($0) * step }
    }

    /// The hash key of a partition key, from its MD5 digest.
    package static func key(digest: some Sequence<UInt8>) -> UInt128 {
        digest.prefix(16).reduce(0) { $0 << 8 | UInt128($1) }
    }
}
