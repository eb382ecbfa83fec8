// SPDX-License-Identifier: Apache-2.0

/// Room that accounts share, so that none can have so much that nothing is left for another.
///
/// What an account has may become as much as is free before it takes more (dynamic thresholds: Choudhury and Hahne,
/// "Dynamic queue length thresholds for shared-memory packet switches", 1998). One that is alone gets half of all, the next
/// one half of the rest, and as room is given back their parts become equal. An account counts as one, in all its regions.
package struct FairShare: Equatable, Sendable {
    package let total: Int
    package private(set) var used = 0
    /// By account; nothing for those that have nothing.
    private var held: [String: Int] = [:]

    /// `oneMax` is what an account may have that is alone; all together may have twice as much.
    package init(oneMax: Int) {
        precondition(oneMax > 0 && oneMax <= Int.max / 2, "room for nobody")
        total = oneMax * 2
    }

    package func held(by account: String) -> Int { held[account, default: 0] }

    package func hasRoom(_ amount: Int = 1, for account: String) -> Bool { held(by: account) + amount <= total - used }

    /// - Returns: false where that would be too much; nothing was taken then.
    package mutating func take(_ amount: Int = 1, for account: String) -> Bool {
        guard hasRoom(amount, for: account) else { return false }
        add(amount, for: account)
        return true
    }

    /// Takes room whatever the bounds, for what is there already.
    package mutating func add(_ amount: Int = 1, for account: String) {
        used += amount
        held[account, default: 0] += amount
    }

    package mutating func giveBack(_ amount: Int = 1, for account: String) {
        let rest = held(by: account) - amount
        precondition(rest >= 0, "what is given back was taken")
        used -= amount
        held[account] = rest == 0 ? nil : rest
    }
}
