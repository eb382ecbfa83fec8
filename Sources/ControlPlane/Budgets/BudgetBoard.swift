// SPDX-License-Identifier: Apache-2.0
import InvocationCore
package import LambdaModel
package import LogStore
import Synchronization

/// Where invocations leave what they used, and who looks at budgets is told that one is reached.
package final class BudgetBoard: Sendable {
    let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    /// Most servers have no budget: then nothing is locked.
    private let isUsed = Atomic<Bool>(false)
    private let told = Mutex<[BudgetEvent.Kind: Int]>([:])

    /// How often each has come of a budget since the server's start.
    package var eventCounts: [BudgetEvent.Kind: Int] { told.withLock { $0 } }

    func count(_ event: BudgetEvent) { told.withLock { $0[event.kind, default: 0] += 1 } }

    /// Whether what is in force may be other than what is stored.
    let isUnapplied = Atomic<Bool>(false)

    private struct State {
        var ledger = BudgetLedger()
        var recount: Recount?
    }

    /// What has ended since somebody began to add up anew.
    private struct Recount {
        var functions: Set<FunctionKey>
        var period: Range<Timestamp>
        var used = UsageQuantities()
    }

    package init() {
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func record(_ usage: UsageRecord) {
        guard isUsed.load(ordering: .relaxed) else { return }
        record(UsageQuantities(usage), of: usage.function, at: usage.startedAt)
    }

    package func record(_ use: UsageQuantities, of function: FunctionKey, at time: Timestamp) {
        guard isUsed.load(ordering: .relaxed) else { return }
        let isNews = state.withLock { state in
            if let recount = state.recount, recount.functions.contains(function), recount.period.contains(time) {
                state.recount?.used += use
            }
            return state.ledger.record(use, of: function, at: time)
        }
        if isNews { ringing.yield() }
    }

    var entries: [BudgetID: BudgetLedger.Entry] { state.withLock { $0.ledger.entries } }

    func change(_ body: (inout BudgetLedger) -> Void) {
        state.withLock { state in
            body(&state.ledger)
            isUsed.store(!state.ledger.entries.isEmpty, ordering: .relaxed)
        }
    }

    /// Puts a budget anew; `read` answers what is stored of its use.
    ///
    /// What ends while it reads may be in the answer already or not: then it is asked again, and in the end what may be
    /// in it counts twice rather than not at all. One at a time.
    func recount(
        _ id: BudgetID,
        _ budget: Budget,
        _ functions: Set<FunctionKey>,
        at time: Timestamp,
        _ read: (Range<Timestamp>) async throws -> UsageQuantities
    ) async throws {
        let period = budget.period.range(at: time)
        defer {
            state.withLock { state in
                state.recount = nil
                isUsed.store(!state.ledger.entries.isEmpty, ordering: .relaxed)
            }
        }
        for attempt in 1...Self.readsMax {
            state.withLock { state in
                state.recount = Recount(functions: functions, period: period)
                isUsed.store(true, ordering: .relaxed)
            }
            let stored = try await read(period)
            let isPut = state.withLock { state in
                let meanwhile = state.recount?.used ?? UsageQuantities()
                guard meanwhile == UsageQuantities() || attempt == Self.readsMax else { return false }
                var used = stored
                used += meanwhile
                state.ledger.put(id, budget, functions: functions, used: used, at: time)
                state.recount = nil
                return true
            }
            if isPut { return }
        }
    }

    private static let readsMax = 3
}
