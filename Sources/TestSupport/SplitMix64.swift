// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// A small, fast generator whose whole sequence follows from its seed (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014).
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0..<bound; slightly uneven for enormous bounds, which no test has.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0)
        return Int(next() % UInt64(bound))
    }

    /// True once in `count` times.
    package mutating func oneIn(_ count: Int) -> Bool {
        below(count) == 0
    }

    package mutating func duration(upTo bound: Duration) -> Duration {
        .nanoseconds(below(Int(bound.wholeNanoseconds) + 1))
    }
}

extension SplitMix64 {
    /// One of them, or nil where there is none.
    package mutating func element<T>(of elements: [T]) -> T? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
