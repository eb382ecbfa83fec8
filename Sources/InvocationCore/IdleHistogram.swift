// SPDX-License-Identifier: Apache-2.0

/// How often which times were seen, up to a day, in bins that are at most a quarter as wide as what they begin with.
///
/// Older ones count less: at `countMax` all are halved.
struct IdleHistogram: Equatable, Sendable {
    private static let countMax = 256
    /// The first bins' width; from the fifth on each power of two has four.
    private static let unit = Duration.milliseconds(250)
    private static let binsCount = 76
    private static let edges: [Duration] = (0...binsCount).map { bin in
        guard bin >= 4 else { return unit * bin }
        return unit * ((4 + (bin - 4) % 4) << ((bin - 4) / 4))
    }
    /// A time that recurs does so a little late now and then.
    private static let margin = 1.1

    private(set) var count = 0
    private var bins = [UInt16](repeating: 0, count: binsCount)

    /// The last bin has everything above as well.
    mutating func add(_ time: Duration) {
        bins[Self.bin(time)] += 1
        count += 1
        guard count >= Self.countMax else { return }
        for bin in bins.indices { bins[bin] /= 2 }
        count = bins.reduce(0) { $0 + Int($1) }
    }

    private static func bin(_ time: Duration) -> Int {
        let units = max(0, Int(time / unit))
        guard units >= 4 else { return units }
        let exponent = Int.bitWidth - 1 - units.leadingZeroBitCount
        return min(binsCount - 1, (exponent - 2) * 4 + ((units >> (exponent - 2)) & 3) + 4)
    }

    /// The time of `from` to `to` to wait for which costs least.
    ///
    /// Each wait costs as long as it takes; one that is given up costs `startWorth` more (the ski rental problem, with what is known of
    /// the length of the season).
    func cheapest(startWorth: Duration, from shortest: Duration, to longest: Duration) -> Duration {
        var best: (wait: Duration, cost: Duration) = (shortest, .zero)
        var (met, metCost) = (0, Duration.zero)
        for bin in bins.indices where Self.edges[bin] < shortest || bins[bin] > 0 {
            let wait = max(shortest, Self.edges[bin + 1] * Self.margin)
            guard wait <= longest else { break }
            met += Int(bins[bin])
            metCost += (Self.edges[bin] + Self.edges[bin + 1]) / 2 * Int(bins[bin])
            let cost = metCost + (wait + startWorth) * (count - met)
            if bin == 0 || wait == shortest || cost < best.cost { best = (wait, cost) }
        }
        return best.wait
    }

    /// Of the times that may have been longer than `age`: how many there were, and how many may have been not longer than `time` more.
    func outcomes(after age: Duration, within time: Duration) -> (all: Int, within: Int) {
        var (all, within) = (0, 0)
        for bin in bins.indices where bins[bin] > 0 && Self.edges[bin + 1] > age {
            all += Int(bins[bin])
            if Self.edges[bin] < age + time { within += Int(bins[bin]) }
        }
        return (all, within)
    }
}
