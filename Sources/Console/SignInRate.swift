// SPDX-License-Identifier: Apache-2.0
package import InvocationCore

/// How often a secret may be tried: by one address, and by all of them.
package struct SignInRate: Sendable {
    /// At once; then one a second.
    package static let triesMax = 10
    /// The same for all addresses together, with ten a second.
    package static let triesOfAllMax = 50
    /// Beyond that, those that have not tried lately are forgotten; where all have, none is added.
    package static let addressesMax = 1_024

    private var all: TokenBucket
    private var addresses: [String: TokenBucket] = [:]

    package init(at now: MonotonicTime) {
        all = TokenBucket(rate: 10, capacity: Self.triesOfAllMax, at: now)
    }

    package mutating func admit(_ address: String, at now: MonotonicTime) -> Bool {
        if addresses[address] == nil, addresses.count >= Self.addressesMax {
            addresses = addresses.filter { !$0.value.isFull(at: now) }
            guard addresses.count < Self.addressesMax else { return false }
        }
        guard addresses[address, default: TokenBucket(rate: 1, capacity: Self.triesMax, at: now)].take(at: now) else {
            return false
        }
        return all.take(at: now)
    }
}
