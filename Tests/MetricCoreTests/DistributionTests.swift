// SPDX-License-Identifier: Apache-2.0
import MetricCore
import TestSupport
import Testing

struct DistributionTests {
    /// A percentile is that of the sorted values to one in a hundred, whatever they are, also after the sketch was kept and read again.
    @Test(arguments: UInt64(0)..<32)
    func `percentiles are those of the values to one in a hundred`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let spread = Double.random(in: 1...1_000_000, using: &random)
        let values = (0..<2_000).map { _ in Double.random(in: 0.01...1, using: &random) * spread }
        let series = MetricRegistry().series(.test)
        for value in values { series.record(.duration, value) }
        let taken = try #require(series.take().first { $0.metric == .duration }).values
        let sketch = try #require(SparseSketch(bytes: taken.sketch.bytes))
        #expect(sketch == taken.sketch, "seed \(seed)")
        let sorted = values.sorted()
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p100", 1)] {
            let statistic = try #require(Statistic(name))
            let found = try #require(statistic.value(of: taken))
            let exact = sorted[Int((share * 2_000).rounded(.up)) - 1]
            #expect(abs(found - exact) <= exact * 0.011, "seed \(seed), \(name): \(found) for \(exact)")
        }
        #expect(taken.low == sorted.first && taken.high == sorted.last && taken.count == 2_000)
    }

    @Test func `distributions add up`() {
        var sum = Distribution()
        sum.add(Distribution())
        #expect(sum.count == 0 && Statistic.average.value(of: sum) == nil)
        sum.add(Distribution(count: 2, sum: 6, low: 2, high: 4))
        sum.add(Distribution(count: 1, sum: 1, low: 1, high: 1))
        #expect(Statistic.sampleCount.value(of: sum) == 3 && Statistic.sum.value(of: sum) == 7)
        #expect(Statistic.minimum.value(of: sum) == 1 && Statistic.maximum.value(of: sum) == 4)
        #expect(Statistic.average.value(of: sum) == 7.0 / 3)
    }

    @Test func `statistics have AWS's names`() {
        #expect(Statistic("SampleCount") == .sampleCount && Statistic("p99.9") == .percentile(99.9))
        for name in [
            "", "p", "p0", "p101", "p.", "p9.", "p.9", "pp9", "average", "tm99", "p1e1", "p-1", "p99999999999999999",
        ] {
            #expect(Statistic(name) == nil, "\(name)")
        }
    }

    @Test func `a sketch that was damaged is none`() {
        #expect(SparseSketch(bytes: [])?.isEmpty == true)
        for bytes: [UInt8] in [[1], [0x80], [1, 0], [0xFF, 0xFF, 1, 1], [1, 1, 0x80]] {
            #expect(SparseSketch(bytes: bytes) == nil, "\(bytes)")
        }
        #expect(SparseSketch(bytes: [UInt8](repeating: 0xFF, count: 64)) == nil)
        // A count as large as can be written is none to end with.
        let full = SparseSketch(bytes: [1] + [UInt8](repeating: 0xFF, count: 8) + [0x7F])
        #expect(full?.percentile(1) != nil && full?.percentile(0.5) != nil)
    }

    @Test func `values beyond all buckets are counted in the last ones`() {
        for value in [0, -1, 0.0005, 1e-300] { #expect(ValueSketch.bucket(of: value) == 0) }
        #expect(ValueSketch.bucket(of: .infinity) == ValueSketch.bucketsMax - 1 && ValueSketch.bucket(of: .nan) == 0)
        #expect(ValueSketch.bucket(of: .greatestFiniteMagnitude) == ValueSketch.bucketsMax - 1)
        // A week in milliseconds is not beyond them.
        #expect(ValueSketch.bucket(of: 604_800_000) < ValueSketch.bucketsMax - 1)
    }
}
