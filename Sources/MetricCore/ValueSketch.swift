// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Values counted in buckets that grow by two in a hundred, from which any percentile is known to one in a hundred.
///
/// The way of DDSketch (https://arxiv.org/abs/1908.10693). Two are added by adding their buckets. A thousandth and less is one bucket, a million
/// million and more another: of milliseconds, from a microsecond to 30 years.
package struct ValueSketch: Equatable, Sendable {
    private static let smallest = 0.001
    private static let growth = 1.02
    private static let logGrowth = log(growth)
    package static let bucketsMax = 1_800

    /// By bucket; empty as long as nothing was counted, and never made smaller, so that counting takes no memory anew.
    package private(set) var counts: [UInt32] = []

    package init() {}

    package static func bucket(of value: Double) -> Int {
        guard value > smallest else { return 0 }
        let steps = log(value / smallest) / logGrowth
        return steps < Double(bucketsMax - 2) ? 1 + Int(steps) : bucketsMax - 1
    }

    /// The middle of what is counted there.
    static func value(of bucket: Int) -> Double {
        bucket == 0 ? 0 : smallest * exp((Double(bucket) - 0.5) * logGrowth)
    }

    package mutating func add(_ value: Double) {
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.bucketsMax) }
        let bucket = Self.bucket(of: value)
        counts[bucket] = counts[bucket] == .max ? .max : counts[bucket] + 1
    }

    /// What was counted, bucket by bucket; nothing is counted afterwards, and the memory is kept.
    mutating func take() -> [(bucket: Int, count: UInt32)] {
        defer { for index in counts.indices { counts[index] = 0 } }
        return filled
    }

    package var filled: [(bucket: Int, count: UInt32)] {
        counts.enumerated().compactMap { $1 == 0 ? nil : ($0, $1) }
    }
}

/// Buckets of a sketch that have counts, as they are kept and added up.
package struct SparseSketch: Equatable, Sendable {
    package private(set) var counts: [Int: UInt64] = [:]

    package init() {}

    init(_ filled: [(bucket: Int, count: UInt32)]) {
        for (bucket, count) in filled { counts[bucket] = UInt64(count) }
    }

    package var isEmpty: Bool { counts.isEmpty }

    package mutating func add(_ other: SparseSketch) {
        counts.merge(other.counts) { $0 &+ $1 }
    }

    /// The value below which so much of all values is, 0 to 1; nil where there are none.
    package func percentile(_ share: Double) -> Double? {
        let total = counts.values.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = min(total, max(1, UInt64(exactly: (share * Double(total)).rounded(.up)) ?? total))
        var seen: UInt64 = 0
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            seen &+= count
            if seen >= rank { return ValueSketch.value(of: bucket) }
        }
        return nil
    }

    // MARK: - Bytes

    /// Pairs of the distance to the bucket before and the count, each in groups of seven bits, the lowest first.
    package var bytes: [UInt8] {
        var (bytes, last) = ([UInt8](), 0)
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            Self.write(UInt64(bucket - last), to: &bytes)
            Self.write(count, to: &bytes)
            last = bucket
        }
        return bytes
    }

    /// nil for what `bytes` does not write.
    package init?(bytes: [UInt8]) {
        var rest = bytes[...]
        var last: UInt64 = 0
        while !rest.isEmpty {
            guard let step = Self.read(&rest), let count = Self.read(&rest), step < ValueSketch.bucketsMax,
                last + step < ValueSketch.bucketsMax, count > 0
            else { return nil }
            last += step
            counts[Int(last)] = count
        }
    }

    private static func write(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(value & 0x7F) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private static func read(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while let byte = bytes.popFirst(), shift < 63 {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
