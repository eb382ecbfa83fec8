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

/// What a look at a budget changes.
private struct BudgetSettlement {
    var document: BudgetDocument
    var reservations: [FunctionKey: BudgetedReservation] = [:]
    var events: [BudgetEvent] = []
}

extension MetadataTransaction {
    /// Whether `settle` would change anything: a change, even one of nothing, empties caches.
    func isUnsettled(_ id: BudgetID, _ entry: BudgetLedger.Entry) throws -> Bool {
        try settlement(of: id, entry) != nil
    }

    /// Brings a budget's functions to where they are to be.
    ///
    /// - Returns: what changed; nothing where the budget is gone.
    func settle(_ id: BudgetID, _ entry: BudgetLedger.Entry) throws -> [BudgetEvent] {
        guard let settlement = try settlement(of: id, entry) else { return [] }
        for (key, reservation) in settlement.reservations { try put(reservation, of: key) }
        try put(settlement.document, accountID: id.accountID, region: id.region, id: id.name)
        return settlement.events
    }

    /// Changes nothing itself.
    ///
    /// - Returns: nil where all is as it is to be.
    private func settlement(of id: BudgetID, _ entry: BudgetLedger.Entry) throws -> BudgetSettlement? {
        let stored = try self.document(BudgetDocument.self, accountID: id.accountID, region: id.region, id: id.name)
        guard let stored, stored.budget == entry.budget else { return nil }
        var settlement = BudgetSettlement(document: stored)
        /// - Returns: whether it comes to a difference.
        func change(_ name: String, _ body: (BudgetedReservation) -> BudgetedReservation) throws -> Bool {
            let function = key(id, name)
            let before = try settlement.reservations[function] ?? reservation(of: function)
            let after = body(before)
            guard after != before else { return false }
            settlement.reservations[function] = after
            return true
        }
        var document = stored
        let isStopping = entry.isReached && entry.budget.action == .stop
        let isNewPeriod = document.toldPeriod != entry.period.lowerBound
        let names = Set(entry.functions.map(\.name))
        // One that is deleted and comes again is not one that somebody lets go on.
        document.stopped = try document.stopped.filter { try record(key(id, $0)) != nil }
        let leaving = document.stopped.filter { !isStopping || isNewPeriod || !names.contains($0) }
        document.stopped.removeAll(where: leaving.contains)
        let restored = try leaving.filter { try change($0) { $0.released(by: id.name) } }
        if !restored.isEmpty {
            settlement.events.append(BudgetEvent(kind: .restored, id: id, functions: restored))
        }
        if entry.isReached, isNewPeriod {
            document.toldPeriod = entry.period.lowerBound
            settlement.events.append(BudgetEvent(kind: .reached, id: id, functions: []))
        } else if !entry.isReached {
            document.toldPeriod = nil
        }
        if isStopping {
            let coming = names.subtracting(document.stopped).sorted()
            let stopped = try coming.filter { name in
                guard try record(key(id, name)) != nil else { return false }
                return try change(name) { $0.stopped(by: id.name) }
            }
            document.stopped += stopped
            if !stopped.isEmpty {
                settlement.events.append(BudgetEvent(kind: .stopped, id: id, functions: stopped))
            }
        }
        settlement.document = document
        return document == stored && settlement.reservations.isEmpty ? nil : settlement
    }

    /// A function is deleted: one that takes its name is stopped as any other.
    func forgetStops(of key: FunctionKey) throws {
        for place in try locations(of: BudgetDocument.self)
        where place.accountID == key.accountID && place.region == key.region {
            // What can't be read stops no deletion.
            let found = try? self.document(
                BudgetDocument.self,
                accountID: place.accountID,
                region: place.region,
                id: place.id
            )
            guard var document = found, document.stopped.contains(key.name) else { continue }
            document.stopped.removeAll { $0 == key.name }
            try put(document, accountID: place.accountID, region: place.region, id: place.id)
        }
    }

    /// A budget's document, and the functions that it has stopped; nil where there is no such budget.
    ///
    /// Where the document can't be read, since it is damaged or a newer server's, there is none, and the functions say by whom they are stopped.
    func storedBudget(_ id: BudgetID) throws -> (document: BudgetDocument?, stopped: [String])? {
        do {
            return try self.document(
                BudgetDocument.self,
                accountID: id.accountID,
                region: id.region,
                id: id.name
            ).map { ($0, $0.stopped) }
        } catch is MetadataStoreError {
            let stopped = try documents(ReservedConcurrency.self, lookup: nil).filter { function, _, reservation in
                function.accountID == id.accountID && function.region == id.region
                    && reservation.stop?.budgets.contains(id.name) == true
            }
            return (nil, stopped.map(\.function.name))
        }
    }

    /// Gives back what the budget has taken, and forgets it.
    ///
    /// - Returns: nil where there is none.
    func removeBudget(_ id: BudgetID) throws -> BudgetEvent? {
        guard let stopped = try storedBudget(id)?.stopped else { return nil }
        let restored = try stopped.filter { try release(key(id, $0), from: id.name) }
        try remove(BudgetDocument.self, accountID: id.accountID, region: id.region, id: id.name)
        return BudgetEvent(kind: .restored, id: id, functions: restored)
    }

    private func key(_ id: BudgetID, _ name: String) -> FunctionKey {
        FunctionKey(accountID: id.accountID, region: id.region, name: name)
    }

    private func release(_ key: FunctionKey, from budget: String) throws -> Bool {
        let before = try reservation(of: key)
        let after = before.released(by: budget)
        guard after != before else { return false }
        try put(after, of: key)
        return true
    }

    private func reservation(of key: FunctionKey) throws -> BudgetedReservation {
        let document = try self.document(ReservedConcurrency.self, of: key)
        return BudgetedReservation(executions: document?.executions, stop: document?.stop)
    }

    private func put(_ reservation: BudgetedReservation, of key: FunctionKey) throws {
        if let executions = reservation.executions {
            try put(ReservedConcurrency(executions: executions, stop: reservation.stop), of: key)
        } else {
            try remove(ReservedConcurrency.self, of: key)
        }
    }
}
