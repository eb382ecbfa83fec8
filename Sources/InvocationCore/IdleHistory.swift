// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// For how long functions do without so many environments at once, and what an idle environment is worth by that.
///
/// A version's demand is its invocations in hand. Whenever it comes back to a level, the time since it left that level is counted:
/// in one histogram for a demand of 1, one for 2, one for 3 and 4, one for 5 to 8 … so that a version that always has one invocation in
/// hand and now and then twenty is not taken to need twenty all the time. The histograms are those of Shahrad et al., "Serverless in the
/// Wild" (USENIX ATC 2020, section 4.2), with bins that grow; the time is not a percentile but the one of the least expected cost.
/// What is known is of this run of the server, and of the last some hundred times.
package struct IdleHistory: Equatable, Sendable {
    package struct Key: Hashable, Sendable {
        package var function: FunctionKey
        package var version: String

        package init(function: FunctionKey, version: String) {
            self.function = function
            self.version = version
        }
    }

    private struct Record: Equatable, Sendable {
        /// Invocations in hand.
        var demand = 0
        /// When the demand fell from each level, from 1 on.
        var left: [MonotonicTime?] = []
        /// By class of levels; nil where nothing was counted.
        var histograms: [IdleHistogram?] = []
        var changed: MonotonicTime

        mutating func rise(at now: MonotonicTime) {
            demand += 1
            changed = now
            guard demand <= left.count, let time = left[demand - 1] else { return }
            let index = IdleHistory.classIndex(demand)
            while histograms.count <= index { histograms.append(nil) }
            if histograms[index] == nil { histograms[index] = IdleHistogram() }
            histograms[index]?.add(now - time)
        }

        mutating func fall(at now: MonotonicTime) {
            precondition(demand > 0, "what ends has begun")
            if demand <= IdleHistory.levelsMax {
                while left.count < demand { left.append(nil) }
                left[demand - 1] = now
            }
            demand -= 1
            changed = now
        }
    }

    /// A start is worth keeping an environment for that long, no more.
    static let startWorth = Duration.seconds(900)
    /// Counted times before a histogram is believed.
    static let countMin = 4
    /// Whatever is known, a second invocation soon after the first finds its environment.
    static let keepAliveMin = Duration.seconds(60)
    static let keepAliveMax = Duration.seconds(4 * 3_600)
    /// Within this time an environment is to be of use, when there is not enough memory for all.
    private static let horizon = Duration.seconds(300)
    /// Higher levels have no times of their own.
    private static let levelsMax = 64
    private static let keysMax = 4_096

    private var records: [Key: Record] = [:]

    package init() {}

    /// Versions of functions that something is known of.
    package var recordsCount: Int { records.count }

    /// One more invocation is in hand.
    package mutating func rose(_ key: Key, at now: MonotonicTime) {
        if records.count >= Self.keysMax, records[key] == nil { forgetOldest() }
        records[key, default: Record(changed: now)].rise(at: now)
    }

    /// One is no more.
    package mutating func fell(_ key: Key, at now: MonotonicTime) { records[key]?.fall(at: now) }

    /// At which demand an environment that becomes idle now is needed again.
    package func level(_ key: Key) -> Int { (records[key]?.demand ?? 0) + 1 }

    /// For how long an environment that is needed at that level is kept; nil where too little is known.
    package func keepAlive(_ key: Key, level: Int) -> Duration? {
        guard let histogram = histogram(key, level), histogram.count >= Self.countMin else { return nil }
        return histogram.cheapest(startWorth: Self.startWorth, from: Self.keepAliveMin, to: Self.keepAliveMax)
    }

    /// How likely an environment that has been idle for `age` is of use soon, 0 to 1.
    ///
    /// Where little is known the longer ago its use was, the less likely is the next.
    package func usefulness(_ key: Key, level: Int, age: Duration) -> Double {
        let (alive, used) = histogram(key, level)?.outcomes(after: age, within: Self.horizon) ?? (0, 0)
        let guess = Self.horizon / (age + Self.horizon)
        return (Double(used) + Self.guessWeight * guess) / (Double(alive) + Self.guessWeight)
    }

    private static let guessWeight = 2.0

    private func histogram(_ key: Key, _ level: Int) -> IdleHistogram? {
        guard let histograms = records[key]?.histograms else { return nil }
        let index = Self.classIndex(level)
        return index < histograms.count ? histograms[index] : nil
    }

    /// 0 for a level of 1, 1 for 2, 2 for 3 and 4, 3 for 5 to 8, and so on.
    private static func classIndex(_ level: Int) -> Int {
        Int.bitWidth - (min(level, levelsMax + 1) - 1).leadingZeroBitCount
    }

    /// A quarter of those that have nothing in hand goes, the longest unused first.
    private mutating func forgetOldest() {
        let unused = records.filter { $0.value.demand == 0 }.sorted { $0.value.changed < $1.value.changed }
        for (key, _) in unused.prefix(Self.keysMax / 4) { records[key] = nil }
    }
}
