// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Tokens that come at a steady rate and are kept up to a number: a caller takes one for each request, or spends as many as
/// what has passed was worth.
package struct TokenBucket: Equatable, Sendable {
    /// Tokens a second.
    package let rate: Int
    /// The most that are kept.
    package let capacity: Int
    /// In billionths of a token, so that no fraction is lost; below zero what was spent ahead.
    private var billionths: Int64
    private var last: MonotonicTime

    private static let one: Int64 = 1_000_000_000
    /// What can be spent ahead counts up to here, in billionths: 4 GiB of tokens.
    private static let debtMax = one << 32

    /// Full at first; it keeps a second's tokens unless another capacity is given.
    package init(rate: Int, capacity: Int? = nil, at now: MonotonicTime) {
        let range = 1...1 << 24
        precondition(range.contains(rate), "a bucket that is never filled admits nobody")
        precondition(range.contains(capacity ?? rate), "a bucket without room admits nobody")
        self.rate = rate
        self.capacity = capacity ?? rate
        billionths = Int64(self.capacity) * Self.one
        last = now
    }

    /// A token for each byte of a stream.
    package init(_ stream: StreamRate, at now: MonotonicTime) {
        self.init(rate: stream.bytesPerSecond, capacity: stream.burstBytes, at: now)
    }

    /// - Returns: whether there was one to take.
    package mutating func take(at now: MonotonicTime) -> Bool {
        fill(at: now)
        guard billionths >= Self.one else { return false }
        billionths -= Self.one
        return true
    }

    /// Takes as many, even where there are fewer: what is spent ahead has to come before there is one again.
    package mutating func spend(_ count: Int, at now: MonotonicTime) {
        precondition(count >= 0, "nothing is given back")
        fill(at: now)
        billionths = max(billionths - Int64(min(count, 1 << 32)) * Self.one, -Self.debtMax)
    }

    /// How long it is until there is one, if nobody takes any; zero if there is.
    package func wait(at now: MonotonicTime) -> Duration {
        var filled = self
        filled.fill(at: now)
        let missing = Self.one - filled.billionths
        guard missing > 0 else { return .zero }
        return .nanoseconds((missing + Int64(rate) - 1) / Int64(rate))
    }

    /// Whether it is as if nothing had ever been taken.
    package func isFull(at now: MonotonicTime) -> Bool {
        var filled = self
        filled.fill(at: now)
        return filled.billionths == Int64(capacity) * Self.one
    }

    private mutating func fill(at now: MonotonicTime) {
        // What has passed beyond the time that fills it makes no difference.
        let full = Int64(capacity) * Self.one
        let passed = now > last ? min((now - last).wholeNanoseconds, (full - billionths) / Int64(rate) + 1) : 0
        billionths = min(billionths + passed * Int64(rate), full)
        last = max(last, now)
    }
}
