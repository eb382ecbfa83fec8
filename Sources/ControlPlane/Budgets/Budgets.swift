// SPDX-License-Identifier: Apache-2.0
package import InvocationCore
import LambdaModel
package import LogStore
import Logging
import MetadataStore
import ServiceLifecycle
import Synchronization

/// The budgets of all accounts: what is set of them, and that what they say is done.
package struct Budgets: Service {
    /// Tags and clocks change without telling: so often everything is looked at anew.
    private static let interval = Duration.seconds(10)

    package let board: BudgetBoard
    private let controlPlane: ControlPlane
    private let logs: LogStore
    private let clock: any Clock<Duration>
    /// Told of everything that comes of a budget.
    private let notify: @Sendable (BudgetEvent) -> Void
    /// Of two looks at a time the one that read first could undo what the other has settled.
    private let turns = BudgetTurns()

    private var metadata: MetadataStore { controlPlane.metadata }

    package init(
        board: BudgetBoard,
        controlPlane: ControlPlane,
        logs: LogStore,
        clock: any Clock<Duration>,
        notify: @escaping @Sendable (BudgetEvent) -> Void = { _ in }
    ) {
        self.board = board
        self.controlPlane = controlPlane
        self.logs = logs
        self.clock = clock
        self.notify = notify
    }

    /// `refresh` has been called once.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while (try? await clock.sleep(for: Self.interval)) != nil { await refreshOrTell() }
                }
                group.addTask {
                    for await _ in board.bell { await refreshOrTell() }
                }
            }
        }
        try await gracefulShutdown()
    }

    private func refreshOrTell() async {
        do { try await refresh() } catch {
            guard !Task.isCancelled else { return }
            controlPlane.logger.error("budgets not looked at", metadata: ["error": "\(error)"])
        }
    }

    /// Puts into force what is stored, as of now; a budget of which that fails is told, and holds up no other.
    package func refresh() async throws {
        try await turns.run { _ = try await look(at: nil) }
    }

    /// - Returns: what failed, budget by budget.
    private func look(at caller: Caller?) async throws -> [BudgetID: any Error] {
        let known = try await metadata.read { transaction in
            try transaction.locations(of: BudgetDocument.self).map { place in
                BudgetID(accountID: place.accountID, region: place.region, name: place.id)
            }
        }.filter { isMeant($0, caller) }
        let gone = Set(board.entries.keys.filter { isMeant($0, caller) }).subtracting(known)
        if !gone.isEmpty { board.change { ledger in gone.forEach { ledger.remove($0) } } }
        var tags: [String: [String: [String: String]]] = [:]
        var failures: [BudgetID: any Error] = [:]
        for id in known {
            do { try await look(at: id, &tags) } catch {
                try Task.checkCancellation()
                failures[id] = error
                controlPlane.logger.error("a budget not looked at", metadata: Self.facts(id, ["error": "\(error)"]))
            }
        }
        // Also what an earlier look has stored and could not put into force.
        try await apply()
        return failures
    }

    private func isMeant(_ id: BudgetID, _ caller: Caller?) -> Bool {
        guard let caller else { return true }
        return id.accountID == caller.accountID && id.region == caller.region
    }

    private func look(at id: BudgetID, _ tags: inout [String: [String: [String: String]]]) async throws {
        let stored = try await metadata.read { transaction in
            try transaction.document(BudgetDocument.self, accountID: id.accountID, region: id.region, id: id.name)
        }
        guard let stored else { return }
        let functions = try await functions(of: id, stored.budget.scope, &tags)
        try await count(id, stored.budget, functions)
        try await settle(id)
    }

    /// Those that a budget is for; `tags` are those of functions by account and region, as far as they were looked up.
    private func functions(
        of id: BudgetID,
        _ scope: Budget.Scope,
        _ tags: inout [String: [String: [String: String]]]
    ) async throws -> Set<FunctionKey> {
        func key(_ name: String) -> FunctionKey {
            FunctionKey(accountID: id.accountID, region: id.region, name: name)
        }
        switch scope {
        case .function(let name): return [key(name)]
        case .tag(let tag, let value):
            let place = "\(id.accountID) \(id.region)"
            if tags[place] == nil {
                tags[place] = try await controlPlane.functionTags(accountID: id.accountID, region: id.region)
            }
            return Set((tags[place] ?? [:]).filter { $0.value[tag] == value }.keys.map(key))
        }
    }

    /// Adds up anew where the ledger does not know the budget as it is now.
    private func count(_ id: BudgetID, _ budget: Budget, _ functions: Set<FunctionKey>) async throws {
        let now = controlPlane.now()
        if let entry = board.entries[id], entry.budget == budget, entry.functions == functions,
            entry.period.contains(now)
        {
            return
        }
        try await board.recount(id, budget, functions, at: now) { period in
            let query = UsageQuery(accountID: id.accountID, region: id.region, period: period)
            return try await logs.usage(query).reduce(into: UsageQuantities()) { used, line in
                if functions.contains(line.function) { used += UsageQuantities(line) }
            }
        }
    }

    private func settle(_ id: BudgetID) async throws {
        guard let entry = board.entries[id], try await metadata.read({ try $0.isUnsettled(id, entry) }) else { return }
        board.isUnapplied.store(true, ordering: .relaxed)
        tell(try await metadata.change { try $0.settle(id, entry) })
        try await apply()
    }

    /// Puts reservations into force; where that fails, the next look does it.
    private func apply() async throws {
        guard board.isUnapplied.load(ordering: .relaxed) else { return }
        try await controlPlane.reservations.refresh()
        board.isUnapplied.store(false, ordering: .relaxed)
    }

    private static func facts(_ id: BudgetID, _ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(["budget": "\(id.name)", "account": "\(id.accountID)", "region": "\(id.region)"]) { $1 }
    }

    private func tell(_ events: [BudgetEvent]) {
        for event in events {
            let functions = event.functions.joined(separator: " ")
            let facts = Self.facts(event.id, functions.isEmpty ? [:] : ["functions": "\(functions)"])
            switch event.kind {
            case .reached: controlPlane.logger.warning("a budget is reached", metadata: facts)
            case .stopped: controlPlane.logger.warning("a budget stops functions", metadata: facts)
            case .restored: controlPlane.logger.notice("a budget gives functions back", metadata: facts)
            }
            board.count(event)
            notify(event)
        }
    }
}

/// The operations.
extension Budgets {
    /// A budget, and how it stands.
    package struct Status: Sendable {
        package var name: String
        package var entry: BudgetLedger.Entry
        /// Functions that it has stopped.
        package var stopped: [String]
    }

    package static let nameBytesMax = 64

    /// Makes a budget or replaces one; durable and in effect when this returns.
    package func put(_ name: String, _ request: RequestMembers, caller: Caller) async throws {
        guard (1...Self.nameBytesMax).contains(name.utf8.count),
            name.utf8.allSatisfy({ byte in
                byte.isASCIIAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            })
        else {
            throw LambdaError.invalidParameterValue(
                message: "A budget's name has 1 to \(Self.nameBytesMax) letters, digits, - and _."
            )
        }
        let budget = try Self.budget(request)
        let id = BudgetID(accountID: caller.accountID, region: caller.region, name: name)
        try await controlPlane.withStores {
            try await turns.run {
                try await metadata.change { transaction in
                    let present = try transaction.locations(of: BudgetDocument.self).filter {
                        $0.accountID == id.accountID && $0.region == id.region
                    }
                    var document = BudgetDocument(budget)
                    if let stored = try transaction.storedBudget(id) {
                        if let known = stored.document { document = known } else { document.stopped = stored.stopped }
                    } else if present.count >= BudgetDocument.countMax {
                        throw LambdaError.resourceConflict(
                            message:
                                "There are \(BudgetDocument.countMax) budgets, the most that may be: delete one first."
                        )
                    }
                    document.budget = budget
                    try transaction.put(document, accountID: id.accountID, region: id.region, id: name)
                }
                if let failure = try await look(at: caller)[id] { throw failure }
            }
        }
    }

    /// By name, as the last look has left them: who shows them every few seconds does not hold up what stops functions.
    package func list(caller: Caller) async throws -> [Status] {
        let entries = board.entries.filter { isMeant($0.key, caller) }
        return try await controlPlane.withStores {
            try await metadata.read { transaction in
                try entries.sorted { $0.key < $1.key }.compactMap { id, entry in
                    try transaction.storedBudget(id).map { Status(name: id.name, entry: entry, stopped: $0.stopped) }
                }
            }
        }
    }

    /// What the budget has stopped goes on.
    package func delete(_ name: String, caller: Caller) async throws {
        let id = BudgetID(accountID: caller.accountID, region: caller.region, name: name)
        try await controlPlane.withStores {
            try await turns.run {
                board.isUnapplied.store(true, ordering: .relaxed)
                guard let event = try await metadata.change({ try $0.removeBudget(id) }) else {
                    throw LambdaError.resourceNotFound(message: "There is no budget \(name).")
                }
                board.change { $0.remove(id) }
                if !event.functions.isEmpty { tell([event]) }
                try await apply()
            }
        }
    }

    /// Of `Function`, or `TagKey` with `TagValue`; `Unit`, `Limit`, `Period` and `Action`.
    private static func budget(_ request: RequestMembers) throws(LambdaError) -> Budget {
        let scope: Budget.Scope
        switch (try request.string("Function"), try request.string("TagKey"), try request.string("TagValue")) {
        case (let name?, nil, nil):
            guard (1...64).contains(name.utf8.count),
                name.utf8.allSatisfy({ $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
            else { throw .invalidParameterValue(message: "Function is the plain name of one.") }
            scope = .function(name: name)
        case (nil, let key?, let value?):
            guard (1...128).contains(key.unicodeScalars.count), value.unicodeScalars.count <= 256 else {
                throw .invalidParameterValue(message: "A tag's key has 1 to 128 characters, its value at most 256.")
            }
            scope = .tag(key: key, value: value)
        default: throw .invalidParameterValue(message: "Give either Function, or TagKey and TagValue.")
        }
        return Budget(
            scope: scope,
            unit: try word(request, "Unit"),
            limit: try limit(try request.string("Limit")),
            period: try word(request, "Period"),
            action: try word(request, "Action")
        )
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ request: RequestMembers,
        _ name: String
    ) throws(LambdaError) -> Word {
        guard let word = try request.string(name).flatMap(Word.init(rawValue:)) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidParameterValue(message: "\(name) must be one of \(words).")
        }
        return word
    }

    private static func limit(_ text: String?) throws(LambdaError) -> Int64 {
        let parts = (text ?? "").split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let whole = parts.first, (1...12).contains(whole.utf8.count),
            parts.allSatisfy({ part in !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) } }),
            parts.count == 1 || parts[1].utf8.count <= 6,
            let value = Int64(
                parts.joined() + String(repeating: "0", count: 6 - (parts.count == 2 ? parts[1].utf8.count : 0))
            )
        else {
            throw .invalidParameterValue(
                message: "Limit is a text of a number with at most twelve digits and six decimals, such as 12.50."
            )
        }
        return value
    }
}

extension UInt8 {
    fileprivate var isASCIIAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

/// Lets one at a time look at budgets and change them, in the order in which they come.
private actor BudgetTurns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func run<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
        if isTaken {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isTaken = true
        }
        // Who waits gets the turn as it is: nobody comes between.
        defer { if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() } }
        return try await body()
    }
}
