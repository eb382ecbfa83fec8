// SPDX-License-Identifier: Apache-2.0

/// Tokens that come at a steady rate and are kept up to a number: a caller takes one for each request.
package struct TokenBucket: Equatable, Sendable {
    /// Tokens a second.
    package let rate: Int
    /// The most that are kept.
    package let capacity: Int
    /// In billionths of a token, so that no fraction is lost.
    private var billionths: Int64
    private var last: MonotonicTime

    private static let one: Int64 = 1_000_000_000

    /// Full at first; it keeps a second's tokens unless another capacity is given.
    package init(rate: Int, capacity: Int? = nil, at now: MonotonicTime) {
        let range = 1...1_000_000
        precondition(range.contains(rate), "a bucket that is never filled admits nobody")
        precondition(range.contains(capacity ?? rate), "a bucket without room admits nobody")
        self.rate = rate
        self.capacity = capacity ?? rate
        billionths = Int64(self.capacity) * Self.one
        last = now
    }

    /// - Returns: whether there was one to take.
    package mutating func take(at now: MonotonicTime) -> Bool {
        fill(at: now)
        guard billionths >= Self.one else { return false }
        billionths -= Self.one
        return true
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
        let passed = now > last ? min((now - last).wholeNanoseconds, full / Int64(rate) + 1) : 0
        billionths = min(billionths + passed * Int64(rate), full)
        last = max(last, now)
    }
}

/// The rate of control-plane calls of one account in one region, as AWS limits it (Lambda quotas, "API requests").
///
/// GetFunction 100 a second, GetPolicy 15, all others together 15. Invocations are not among them.
package struct ControlPlaneRate: Equatable, Sendable {
    package enum Group: Sendable {
        case getFunction
        case getPolicy
        case others
    }

    private var getFunction: TokenBucket
    private var getPolicy: TokenBucket
    private var others: TokenBucket

    package init(at now: MonotonicTime) {
        getFunction = TokenBucket(rate: 100, at: now)
        getPolicy = TokenBucket(rate: 15, at: now)
        others = TokenBucket(rate: 15, at: now)
    }

    /// - Returns: whether a call of that group may be done now.
    package mutating func admit(_ group: Group, at now: MonotonicTime) -> Bool {
        switch group {
        case .getFunction: getFunction.take(at: now)
        case .getPolicy: getPolicy.take(at: now)
        case .others: others.take(at: now)
        }
    }

    /// Whether it can be forgotten: a new one would do the same.
    package func isUnused(at now: MonotonicTime) -> Bool {
        getFunction.isFull(at: now) && getPolicy.isFull(at: now) && others.isFull(at: now)
    }
}
