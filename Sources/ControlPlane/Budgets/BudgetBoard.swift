// SPDX-License-Identifier: Apache-2.0
import InvocationCore
package import LambdaModel
package import LogStore
import Synchronization

/// Where invocations leave what they used, and who looks at budgets is told that one is reached.
package final class BudgetBoard: Sendable {
    let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation
    private let ledger = Mutex(BudgetLedger())
    /// Most servers have no budget: then nothing is locked.
    private let isUsed = Atomic<Bool>(false)
    private let told = Mutex<[BudgetEvent.Kind: Int]>([:])

    /// How often each has come of a budget since the server's start.
    package var eventCounts: [BudgetEvent.Kind: Int] { told.withLock { $0 } }

    func count(_ event: BudgetEvent) { told.withLock { $0[event.kind, default: 0] += 1 } }

    package init() {
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func record(_ usage: UsageRecord) {
        guard isUsed.load(ordering: .relaxed) else { return }
        record(UsageQuantities(usage), of: usage.function, at: usage.startedAt)
    }

    package func record(_ use: UsageQuantities, of function: FunctionKey, at time: Timestamp) {
        guard isUsed.load(ordering: .relaxed) else { return }
        if ledger.withLock({ $0.record(use, of: function, at: time) }) { ringing.yield() }
    }

    var entries: [BudgetID: BudgetLedger.Entry] { ledger.withLock { $0.entries } }

    func change(_ body: (inout BudgetLedger) -> Void) {
        let isEmpty = ledger.withLock { ledger in
            body(&ledger)
            return ledger.entries.isEmpty
        }
        isUsed.store(!isEmpty, ordering: .relaxed)
    }
}
