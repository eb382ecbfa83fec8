// SPDX-License-Identifier: Apache-2.0

/// What a record is known by in its stream: 56 digits, larger than those of all records before it in its shard.
///
/// In hexadecimal digits: 2, the second in which its shard was made (9), the shard's last digit, the record's number in the store (16), two
/// zeros, the second in which it came (9), the shard's number (8), 2. So that is how Kinesis's own look: of one shard they are ordered by the
/// record's number, and those of a shard that was made later are larger.
package struct SequenceNumber: Hashable, Sendable {
    /// Seconds since 1970, of 36 bits.
    package var shardCreated: Int64
    /// 31 bits.
    package var shard: Int
    /// Of all records in the store.
    package var record: Int64
    /// Seconds since 1970, of 36 bits.
    package var time: Int64

    /// The number of the end of a closed shard, which no record has.
    package static let lastRecord = Int64.max

    private static let decimalDigits = 56

    package init(shardCreated: Int64, shard: Int, record: Int64, time: Int64) {
        precondition(shard >= 0 && shard <= Int32.max && record >= 0, "shards and records are counted from 0")
        self.shardCreated = shardCreated
        self.shard = shard
        self.record = record
        self.time = time
    }

    private static func clamped(_ seconds: Int64) -> UInt64 { UInt64(max(0, min(seconds, 1 << 36 - 1))) }

    package var text: String {
        let (time, number) = (Self.clamped(time), UInt64(shard))
        let low = 2 | number << 4 | time << 36
        let middle = time >> 28 | UInt64(record) << 16
        let high = UInt64(record) >> 48 | (number & 15) << 16 | Self.clamped(shardCreated) << 20 | 2 << 56
        // Of 32 bits, the highest first.
        var limbs: InlineArray<6, UInt64> = [
            high >> 32, high & 0xFFFF_FFFF, middle >> 32, middle & 0xFFFF_FFFF, low >> 32, low & 0xFFFF_FFFF,
        ]
        return String(unsafeUninitializedCapacity: Self.decimalDigits) { text in
            // Nine digits at once, the last ones first.
            for end in stride(from: Self.decimalDigits, to: 0, by: -9) {
                var rest: UInt64 = 0
                for index in limbs.indices {
                    let value = rest << 32 | limbs[index]
                    limbs[index] = value / 1_000_000_000
                    rest = value % 1_000_000_000
                }
                for position in (max(0, end - 9)..<end).reversed() {
                    text[position] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
            }
            return Self.decimalDigits
        }
    }

    /// nil for what `text` does not make.
    package init?(_ text: String) {
        guard text.utf8.count == Self.decimalDigits, let nibbles = Self.nibbles(text) else { return nil }
        func read(_ start: Int, _ count: Int) -> UInt64 {
            nibbles[start..<start + count].reduce(0) { $0 << 4 | UInt64($1) }
        }
        let (record, shard) = (read(11, 16), read(38, 8))
        guard read(0, 1) == 2, read(46, 1) == 2, read(27, 2) == 0, record <= UInt64(Int64.max),
            shard <= UInt64(Int32.max), read(10, 1) == shard & 15
        else { return nil }
        self.init(
            shardCreated: Int64(read(1, 9)),
            shard: Int(shard),
            record: Int64(record),
            time: Int64(read(29, 9))
        )
    }

    // MARK: Digits

    /// 47 of them, or nil for what is no such number.
    private static func nibbles(_ text: String) -> [UInt8]? {
        // Limbs of 32 bits, the lowest first; six of them hold 47 hexadecimal digits.
        var limbs = [UInt64](repeating: 0, count: 6)
        for byte in text.utf8 {
            guard (48...57).contains(byte) else { return nil }
            var carry = UInt64(byte - 48)
            for index in limbs.indices {
                let value = limbs[index] * 10 + carry
                limbs[index] = value & 0xFFFF_FFFF
                carry = value >> 32
            }
            guard carry == 0 else { return nil }
        }
        let nibbles = (0..<48).reversed().map { UInt8(truncatingIfNeeded: limbs[$0 / 8] >> UInt64(4 * ($0 % 8))) & 15 }
        return nibbles[0] == 0 ? Array(nibbles.dropFirst()) : nil
    }
}
