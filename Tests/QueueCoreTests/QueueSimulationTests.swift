// SPDX-License-Identifier: Apache-2.0
import QueueCore
import TestSupport
import Testing

struct QueueSimulationTests {
    /// 2,000 histories: nothing lost, nothing given out twice within its visibility, order and locks of groups, dead letters after their
    /// number of receives, duplicates known again.
    @Test(arguments: UInt64(0)..<10) func `random histories are as SQS promises`(_ batch: UInt64) throws {
        var seen = (redeliveries: 0, deadLetters: 0, duplicates: 0, expired: 0)
        for seed in Histories.seeds(batch, of: 10, count: 2_000) {
            var history = QueueHistory(seed: seed)
            var table = QueueTableInMemory()
            try history.run(&table, steps: 80)
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.redeliveries += history.redeliveries
            seen.deadLetters += history.deadLetters
            seen.duplicates += history.duplicates
            seen.expired += history.expired
        }
        guard !Histories.areFew else { return }
        #expect(seen.redeliveries > 0 && seen.deadLetters > 0 && seen.duplicates > 0 && seen.expired > 0)
    }

    /// The model sees what a wrong queue does: each of these tables is wrong in one place.
    @Test(arguments: FaultyTable.Fault.allCases) func `a wrong queue is found out`(_ fault: FaultyTable.Fault) throws {
        var found = 0
        for seed in 0..<60 as Range<UInt64> {
            var history = QueueHistory(seed: seed)
            var table = FaultyTable(fault: fault)
            try history.run(&table, steps: 80)
            if !history.faults.isEmpty { found += 1 }
        }
        #expect(found > 0, "\(fault)")
    }
}

/// A table that loses or confuses something.
struct FaultyTable: QueueTable {
    enum Fault: CaseIterable {
        case losesMessages, forgetsVisibility, forgetsReceives, reversesGroups, unlocksGroups, remembersNothing,
            keepsDeleted
    }

    let fault: Fault
    private var table = QueueTableInMemory()

    init(fault: Fault) { self.fault = fault }

    func messages(_ selection: MessageSelection, in queue: Int64, limit: Int) throws -> [QueuedMessage] {
        if case .group = selection, fault == .reversesGroups {
            return try table.messages(selection, in: queue, limit: 1_000).reversed().suffix(limit)
        }
        return try table.messages(selection, in: queue, limit: limit)
    }

    mutating func put(_ message: QueuedMessage) throws -> Int64 {
        var message = message
        if message.isHeld {
            switch fault {
            case .losesMessages where message.id.isMultiple(of: 5): table.remove(message)
            case .forgetsVisibility: message.visible -= 3_000
            case .forgetsReceives: message.receives -= 1
            default: break
            }
            if fault == .losesMessages, message.id.isMultiple(of: 5) { return message.id }
        }
        return table.put(message)
    }

    mutating func remove(_ message: QueuedMessage) throws {
        if fault != .keepsDeleted { table.remove(message) }
    }

    mutating func setGroup(_ group: [UInt8], in queue: Int64, freeAt: Int64?) throws {
        table.setGroup(group, in: queue, freeAt: freeAt.map { fault == .unlocksGroups ? 0 : $0 })
    }

    func remembered(_ key: [UInt8], in queue: Int64) throws -> RememberedMessage? {
        fault == .remembersNothing ? nil : table.remembered(key, in: queue)
    }

    mutating func remember(_ message: RememberedMessage, as key: [UInt8], in queue: Int64) throws {
        table.remember(message, as: key, in: queue)
    }
}
