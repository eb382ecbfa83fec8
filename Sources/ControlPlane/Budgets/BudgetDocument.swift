// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
import LambdaModel
import MetadataStore

/// A budget as it is stored, and what has been done about it.
struct BudgetDocument: AccountDocument, Equatable {
    static let kind = "budget"
    /// Of an account in a region.
    static let countMax = 1_000

    var budget: Budget
    /// When the period began in which it was last reached and that was told; nil for never.
    var toldPeriod: Timestamp?
    /// Functions that it has stopped in that period: what somebody changes of them afterwards is left alone.
    var stopped: [String] = []

    init(_ budget: Budget) { self.budget = budget }
}

/// What came of a look at a budget.
package struct BudgetEvent: Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case reached
        /// Functions get no concurrency any more.
        case stopped
        /// They have again what they had.
        case restored
    }

    package var kind: Kind
    package var id: BudgetID
    /// Names; none for `reached`.
    package var functions: [String]
}

extension MetadataTransaction {
    /// Brings a budget's functions to where they are to be.
    ///
    /// - Returns: what changed; nothing where the budget is gone.
    func settle(_ id: BudgetID, _ entry: BudgetLedger.Entry) throws -> [BudgetEvent] {
        let stored = try self.document(BudgetDocument.self, accountID: id.accountID, region: id.region, id: id.name)
        guard var document = stored, document.budget == entry.budget else { return [] }
        var events: [BudgetEvent] = []
        let isStopping = entry.isReached && entry.budget.action == .stop
        let isNewPeriod = document.toldPeriod != entry.period.lowerBound
        let names = Set(entry.functions.map(\.name))
        let leaving = document.stopped.filter { !isStopping || isNewPeriod || !names.contains($0) }
        document.stopped.removeAll(where: leaving.contains)
        let restored = try leaving.filter { try release(key(id, $0), from: id.name) }
        if !restored.isEmpty { events.append(BudgetEvent(kind: .restored, id: id, functions: restored)) }
        if entry.isReached, isNewPeriod {
            document.toldPeriod = entry.period.lowerBound
            events.append(BudgetEvent(kind: .reached, id: id, functions: []))
        } else if !entry.isReached {
            document.toldPeriod = nil
        }
        if isStopping {
            let coming = names.subtracting(document.stopped).sorted()
            let stopped = try coming.filter { try stop(key(id, $0), for: id.name) }
            document.stopped += stopped
            if !stopped.isEmpty { events.append(BudgetEvent(kind: .stopped, id: id, functions: stopped)) }
        }
        if document != stored { try put(document, accountID: id.accountID, region: id.region, id: id.name) }
        return events
    }

    /// Gives back what the budget has taken, and forgets it.
    ///
    /// - Returns: nil where there is none.
    func removeBudget(_ id: BudgetID) throws -> BudgetEvent? {
        guard
            let document = try self.document(
                BudgetDocument.self,
                accountID: id.accountID,
                region: id.region,
                id: id.name
            )
        else { return nil }
        let restored = try document.stopped.filter { try release(key(id, $0), from: id.name) }
        try remove(BudgetDocument.self, accountID: id.accountID, region: id.region, id: id.name)
        return BudgetEvent(kind: .restored, id: id, functions: restored)
    }

    private func key(_ id: BudgetID, _ name: String) -> FunctionKey {
        FunctionKey(accountID: id.accountID, region: id.region, name: name)
    }

    /// - Returns: whether the function is there, and the budget's from now on.
    private func stop(_ key: FunctionKey, for budget: String) throws -> Bool {
        guard try record(key) != nil else { return false }
        return try change(key) { $0.stopped(by: budget) }
    }

    private func release(_ key: FunctionKey, from budget: String) throws -> Bool {
        try change(key) { $0.released(by: budget) }
    }

    private func change(_ key: FunctionKey, _ body: (BudgetedReservation) -> BudgetedReservation) throws -> Bool {
        let document = try self.document(ReservedConcurrency.self, of: key)
        let before = BudgetedReservation(executions: document?.executions, stop: document?.stop)
        let after = body(before)
        guard after != before else { return false }
        if let executions = after.executions {
            try put(ReservedConcurrency(executions: executions, stop: after.stop), of: key)
        } else {
            try remove(ReservedConcurrency.self, of: key)
        }
        return true
    }
}
