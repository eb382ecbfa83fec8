// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Descriptors of the server that functions' connections and queries may take together, so that some are left for its own work.
package final class EgressBudget: Sendable {
    /// What one environment may have at the most, even where there is plenty.
    private static let shareMax = 4_096
    /// Enough for a few connections where the operator allows very few descriptors.
    private static let shareMin = 16

    package let total: Int
    private let taken = Atomic(0)

    /// `descriptors` is how many the server may have open: half of them are for this.
    package init(descriptors: Int) { total = max(Self.shareMin, descriptors / 2) }

    /// The part of one environment: a fourth of all at the most, so that it can't take the others'.
    func share() -> EgressShare {
        EgressShare(budget: self, max: min(Self.shareMax, max(Self.shareMin, total / 4)))
    }

    package var takenCount: Int { taken.load(ordering: .relaxed) }

    fileprivate func take(_ count: Int) -> Bool {
        guard taken.add(count, ordering: .relaxed).newValue > total else { return true }
        give(count)
        return false
    }

    fileprivate func give(_ count: Int) { taken.subtract(count, ordering: .relaxed) }
}

/// What one environment has of an `EgressBudget`.
final class EgressShare: Sendable {
    private let budget: EgressBudget
    private let max: Int
    private let taken = Atomic(0)

    fileprivate init(budget: EgressBudget, max: Int) {
        self.budget = budget
        self.max = max
    }

    /// False when there are none left, of its own or of all.
    func take(_ count: Int) -> Bool {
        guard taken.add(count, ordering: .relaxed).newValue <= max, budget.take(count) else {
            taken.subtract(count, ordering: .relaxed)
            return false
        }
        return true
    }

    func give(_ count: Int) {
        taken.subtract(count, ordering: .relaxed)
        budget.give(count)
    }
}
