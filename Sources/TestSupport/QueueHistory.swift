// SPDX-License-Identifier: Apache-2.0
package import QueueCore

/// A random history of a queue with dead letters, checked against what SQS promises, by a model of its own: every message as it was
/// sent, and when it may be given out.
///
/// The model is told only what the queue answered; it never looks into the table.
package struct QueueHistory {
    private struct Known {
        var number: Int
        var id: Int64
        var group: UInt8?
        var sent: Int64
        var visible: Int64
        var isHeld = false
        var receives = 0
        var isDeadLetter = false
        var isGone = false
    }

    package struct Rules {
        package var isFIFO: Bool
        package var receivesMax: Int?
        package var delay = 0
        package var retention = 345_600
    }

    /// What was not as promised; empty for a good history.
    package private(set) var faults: [String] = []
    /// How often something interesting came about, so that a test can see that it does.
    package private(set) var redeliveries = 0
    package private(set) var deadLetters = 0
    package private(set) var duplicates = 0
    package private(set) var expired = 0

    private static let source: Int64 = 1
    private static let dead: Int64 = 2

    private let rules: Rules
    private var random: SplitMix64
    private var now: Int64 = 1_700_000_000_000
    private var known: [Known] = []
    /// What deduplication remembers: by key, the message and when it was first sent.
    private var memory: [UInt8: (number: Int, sent: Int64)] = [:]

    package init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        rules = Rules(
            isFIFO: random.oneIn(2),
            receivesMax: random.oneIn(3) ? nil : 1 + random.below(3),
            delay: random.oneIn(3) ? random.below(4) : 0,
            retention: random.oneIn(3) ? 60 : 345_600
        )
    }

    private var settings: QueueSettings {
        var settings = QueueSettings(isFIFO: rules.isFIFO)
        settings.visibilityTimeout = 5
        settings.delay = rules.delay
        settings.retention = rules.retention
        return settings
    }

    private func queue<Table>(_ id: Int64) -> QueueCore<Table>.Queue {
        .init(
            id: id,
            arn: "arn:aws:sqs:us-east-1:000000000000:\(id)",
            settings: settings,
            deadLetters: id == Self.source
                ? rules.receivesMax.map { .init(queue: Self.dead, receivesMax: $0) } : nil
        )
    }

    private mutating func on<Table: QueueTable, T>(
        _ id: Int64,
        _ table: inout Table,
        _ body: (inout QueueCore<Table>) throws -> T
    ) rethrows -> T {
        var core = QueueCore(table, queue(id), now: now)
        defer { table = core.table }
        return try body(&core)
    }

    /// Runs `steps` random events, and then lets time pass until everything was received and deleted.
    package mutating func run<Table: QueueTable>(_ table: inout Table, steps: Int) throws {
        for _ in 0..<steps {
            switch random.below(10) {
            case 0..<3: try send(&table)
            case 3..<6: try receive(&table)
            case 6: try delete(&table)
            case 7: try changeVisibility(&table)
            case 8: now += Int64(random.below(random.oneIn(4) ? 60_000 : 3_000))
            default: if random.oneIn(2) { try expire(&table) } else { try delete(&table) }
            }
        }
        try drain(&table)
    }

    // MARK: Events

    private mutating func send<Table: QueueTable>(_ table: inout Table) throws {
        let group = rules.isFIFO ? UInt8(random.below(3)) : nil
        let key = rules.isFIFO && random.oneIn(2) ? UInt8(random.below(6)) : nil
        let delay = rules.isFIFO || random.oneIn(2) ? nil : random.below(4)
        let number = known.count
        let sent = try on(Self.source, &table) {
            try $0.send(messageID: "\(number)", delay: delay, group: group.map { [$0] }, key: key.map { [$0] })
        }
        if let key, let earlier = memory[key], now < earlier.sent + 300_000 {
            duplicates += 1
            let first = known[earlier.number]
            if !sent.isDuplicate || sent.id != first.id { fault("message \(number) was taken twice") }
            return
        }
        if sent.isDuplicate { return fault("message \(number) was not taken, and nothing is like it") }
        if let last = known.last, sent.id <= last.id { fault("the number of message \(number) does not rise") }
        if let key { memory[key] = (number, now) }
        known.append(
            Known(
                number: number,
                id: sent.id,
                group: group,
                sent: now,
                visible: now + Int64(delay ?? rules.delay) * 1_000
            )
        )
    }

    private func isExpired(_ message: Known) -> Bool { message.sent + Int64(rules.retention) * 1_000 <= now }

    /// Indices of the messages that a queue has, in the order in which they were sent.
    private func present(_ dead: Bool) -> [Int] {
        known.indices.filter { !known[$0].isGone && known[$0].isDeadLetter == dead }
    }

    private func isInFlight(_ message: Known) -> Bool { message.isHeld && message.visible > now }

    private mutating func receive<Table: QueueTable>(_ table: inout Table) throws {
        let isDead = random.oneIn(4)
        let max = 1 + random.below(10)
        let timeout = random.oneIn(3) ? random.below(8) : nil
        try receive(&table, isDead: isDead, max: max, timeout: timeout)
    }

    @discardableResult
    private mutating func receive<Table: QueueTable>(
        _ table: inout Table,
        isDead: Bool,
        max: Int,
        timeout: Int?
    ) throws -> [Int] {
        let before = present(isDead)
        // What is too old goes when the queue comes to it: until then it may be in the way, and it need not be.
        let inFlight = before.filter { known[$0].group != nil && isInFlight(known[$0]) }
        let locked = Set(inFlight.filter { !isExpired(known[$0]) }.compactMap { known[$0].group })
        let perhapsLocked = Set(inFlight.compactMap { known[$0].group })
        let received = try on(isDead ? Self.dead : Self.source, &table) {
            try $0.receive(max: max, timeout: timeout)
        }
        if received.messages.count > max { fault("more messages than were asked for") }
        if isDead, !received.moved.isEmpty { fault("dead letters were moved") }
        for id in received.moved {
            guard let index = find(id) else { continue }
            checkReady(index, isDead, locked)
            checkOrder(index, isDead, [])
            if rules.receivesMax.map({ known[index].receives < $0 }) ?? true {
                fault("message \(index) was moved early")
            }
            known[index].isDeadLetter = true
            known[index].isHeld = false
            known[index].visible = now
            if rules.isFIFO { known[index].sent = now }
            deadLetters += 1
        }
        var given: [Int] = []
        for message in received.messages {
            guard let index = find(message.id) else { continue }
            if message.messageID != "\(index)" { fault("message \(index) has another's id") }
            if given.contains(index) { fault("message \(index) twice in one answer") }
            checkReady(index, isDead, locked)
            checkOrder(index, isDead, given)
            if !isDead, let most = rules.receivesMax, known[index].receives >= most {
                fault("message \(index) more than \(most) times")
            }
            if message.receives != known[index].receives + 1 { fault("message \(index) was counted wrongly") }
            if message.receives > 1 { redeliveries += 1 }
            given.append(index)
        }
        if received.messages.count < max, !received.hasMore { checkNothingIsLeft(given, isDead, perhapsLocked) }
        for index in given {
            known[index].receives += 1
            known[index].isHeld = true
            known[index].visible = now + Int64(timeout ?? 5) * 1_000
        }
        return given
    }

    private mutating func find(_ id: Int64) -> Int? {
        let index = known.firstIndex { $0.id == id }
        if index == nil { fault("\(id) is a message that nobody sent") }
        return index
    }

    private mutating func checkReady(_ index: Int, _ isDead: Bool, _ locked: Set<UInt8>) {
        let message = known[index]
        if message.isGone { fault("message \(index) was deleted") }
        if message.isDeadLetter != isDead { fault("message \(index) is in the other queue") }
        if message.visible > now { fault("message \(index) may not be seen yet") }
        if isExpired(message) { fault("message \(index) is too old") }
        if let group = message.group, locked.contains(group) { fault("message \(index), whose group is in flight") }
    }

    private mutating func checkOrder(_ index: Int, _ isDead: Bool, _ given: [Int]) {
        guard let group = known[index].group else { return }
        let earlier = present(isDead).first {
            $0 < index && known[$0].group == group && !isExpired(known[$0]) && !given.contains($0)
        }
        if let earlier { fault("message \(index) before \(earlier) of its group") }
    }

    private mutating func checkNothingIsLeft(_ given: [Int], _ isDead: Bool, _ perhapsLocked: Set<UInt8>) {
        for index in present(isDead) where !given.contains(index) && known[index].visible <= now {
            let message = known[index]
            if isExpired(message) { continue }
            if let group = message.group {
                let isBehind = present(isDead).contains {
                    $0 < index && known[$0].group == group && known[$0].visible > now
                }
                if isBehind || perhapsLocked.contains(group) { continue }
            }
            fault("message \(index) was not given out, and nothing was in its way")
        }
    }

    private mutating func delete<Table: QueueTable>(_ table: inout Table) throws {
        guard let index = random.element(of: known.indices.filter { known[$0].receives > 0 && !known[$0].isGone })
        else { return }
        try delete(index, isStale: random.oneIn(5), &table)
    }

    private mutating func delete<Table: QueueTable>(_ index: Int, isStale: Bool, _ table: inout Table) throws {
        let message = known[index]
        let receives = isStale ? message.receives - 1 : message.receives
        do {
            _ = try on(message.isDeadLetter ? Self.dead : Self.source, &table) {
                try $0.delete(message.id, receives: receives)
            }
            if isStale { return }
            if rules.isFIFO, !isInFlight(message), !isExpired(message) {
                fault("\(index) was deleted behind its group")
            }
            known[index].isGone = true
        } catch let error as QueueError {
            if isStale || !rules.isFIFO || isInFlight(message) { fault("message \(index): \(error.message)") }
        }
    }

    private mutating func changeVisibility<Table: QueueTable>(_ table: inout Table) throws {
        guard let index = random.element(of: known.indices.filter { known[$0].receives > 0 && !known[$0].isGone })
        else { return }
        let message = known[index]
        let timeout = random.below(12)
        do {
            _ = try on(message.isDeadLetter ? Self.dead : Self.source, &table) {
                try $0.changeVisibility(message.id, receives: message.receives, timeout: timeout)
            }
            if !isInFlight(message) { fault("message \(index) is not in flight") }
            known[index].visible = now + Int64(timeout) * 1_000
        } catch let error as QueueError {
            if isInFlight(message), !isExpired(message) { fault("message \(index): \(error.message)") }
        }
    }

    private mutating func expire<Table: QueueTable>(_ table: inout Table) throws {
        for id in [Self.source, Self.dead] {
            expired += try on(id, &table) { try $0.expire(limit: 1_000) }
        }
        for index in known.indices where isExpired(known[index]) { known[index].isGone = true }
    }

    /// Nothing is lost: whatever was neither deleted nor too old comes out in the end.
    private mutating func drain<Table: QueueTable>(_ table: inout Table) throws {
        for _ in 0..<400 {
            now += 20_000
            for isDead in [false, true] {
                for index in try receive(&table, isDead: isDead, max: 10, timeout: nil) {
                    try delete(index, isStale: false, &table)
                }
            }
            if known.allSatisfy({ $0.isGone || isExpired($0) }) { return }
        }
        for message in known where !message.isGone && !isExpired(message) {
            fault("message \(message.number) was lost")
        }
    }

    private mutating func fault(_ text: String) { faults.append("at \(now): \(text)") }
}
