// SPDX-License-Identifier: Apache-2.0

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
