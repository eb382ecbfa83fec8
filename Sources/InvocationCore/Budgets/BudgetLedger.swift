// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which budget: names belong to an account in a region.
package struct BudgetID: Hashable, Comparable, Sendable {
    package var accountID: String
    package var region: String
    package var name: String

    package init(accountID: String, region: String, name: String) {
        self.accountID = accountID
        self.region = region
        self.name = name
    }

    package static func < (left: BudgetID, right: BudgetID) -> Bool {
        (left.accountID, left.region, left.name) < (right.accountID, right.region, right.name)
    }
}

/// Counts what functions use against their budgets.
///
/// Decides only: whoever asks brings the time, what was used before, and does what follows.
package struct BudgetLedger: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var budget: Budget
        /// Those that it counts now.
        package var functions: Set<FunctionKey>
        package var period: Range<Timestamp>
        package var used: UsageQuantities
        package var isReached: Bool
    }

    package private(set) var entries: [BudgetID: Entry] = [:]
    private var budgets: [FunctionKey: [BudgetID]] = [:]

    package init() {}

    /// Begins to count, or begins anew, in the period that `time` is in; `used` is what was used of it already.
    package mutating func put(
        _ id: BudgetID,
        _ budget: Budget,
        functions: Set<FunctionKey>,
        used: UsageQuantities,
        at time: Timestamp
    ) {
        remove(id)
        entries[id] = Entry(
            budget: budget,
            functions: functions,
            period: budget.period.range(at: time),
            used: used,
            isReached: budget.isReached(by: used)
        )
        for function in functions { budgets[function, default: []].append(id) }
    }

    package mutating func remove(_ id: BudgetID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        for function in entry.functions {
            budgets[function]?.removeAll { $0 == id }
            if budgets[function]?.isEmpty == true { budgets[function] = nil }
        }
    }

    /// Adds what one invocation that started at `time` has used.
    ///
    /// - Returns: whether a budget is reached that was not before.
    package mutating func record(_ use: UsageQuantities, of function: FunctionKey, at time: Timestamp) -> Bool {
        guard let ids = budgets[function] else { return false }
        var isNews = false
        for id in ids {
            guard var entry = entries[id], entry.period.contains(time) else { continue }
            entry.used += use
            if !entry.isReached, entry.budget.isReached(by: entry.used) {
                entry.isReached = true
                isNews = true
            }
            entries[id] = entry
        }
        return isNews
    }

    /// Those whose period is not the one that `time` is in: they are to be put anew.
    package func expired(at time: Timestamp) -> [BudgetID] {
        entries.filter { !$0.value.period.contains(time) }.keys.sorted()
    }
}

/// Why a function has no concurrency: what it had before, and which budgets have stopped it.
package struct BudgetStop: Codable, Equatable, Sendable {
    /// What was reserved for it; nil for nothing.
    package var previous: Int?
    /// Their names; never empty.
    package var budgets: [String]

    package init(previous: Int?, budgets: [String]) {
        self.previous = previous
        self.budgets = budgets
    }
}

/// What a function has reserved, as budgets see it.
package struct BudgetedReservation: Equatable, Sendable {
    /// nil for none.
    package var executions: Int?
    /// nil unless budgets have set it, and nobody has since.
    package var stop: BudgetStop?

    package init(executions: Int?, stop: BudgetStop?) {
        self.executions = executions
        self.stop = stop
    }

    /// No concurrency, because of that budget too; what somebody has switched off already is his.
    package func stopped(by budget: String) -> BudgetedReservation {
        if var stop {
            if !stop.budgets.contains(budget) { stop.budgets.append(budget) }
            return BudgetedReservation(executions: 0, stop: stop)
        }
        guard executions != 0 else { return self }
        return BudgetedReservation(executions: 0, stop: BudgetStop(previous: executions, budgets: [budget]))
    }

    /// As it was before, unless other budgets hold it, or somebody has reserved something since.
    package func released(by budget: String) -> BudgetedReservation {
        guard var stop, stop.budgets.contains(budget) else { return self }
        stop.budgets.removeAll { $0 == budget }
        guard stop.budgets.isEmpty else { return BudgetedReservation(executions: 0, stop: stop) }
        return BudgetedReservation(executions: stop.previous, stop: nil)
    }
}
