// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct QueuePollerSimulationTests {
    /// 600 histories of a queue, a poller and a function that fails, is throttled and takes its time: no message is lost, none is run
    /// beside itself, groups keep their order, and every bound holds.
    @Test(arguments: UInt64(0)..<10) func `random histories lose nothing and keep every bound`(_ batch: UInt64) {
        var seen = PollerHistory.Seen()
        for seed in Histories.seeds(batch, of: 10, count: 600) {
            var history = PollerHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        guard !Histories.areFew else { return }
        #expect(seen.failures > 0 && seen.throttles > 0 && seen.receiveFailures > 0 && seen.tooLate > 0)
        #expect(seen.fullBatches > 0 && seen.windows > 0 && seen.changes > 0 && seen.released > 0)
    }
}

/// A queue, its poller, and a function, from a seed.
private struct PollerHistory {
    struct Seen {
        var failures = 0, throttles = 0, receiveFailures = 0, tooLate = 0
        var fullBatches = 0, windows = 0, changes = 0, released = 0

        mutating func add(_ other: Seen) {
            failures += other.failures
            throttles += other.throttles
            receiveFailures += other.receiveFailures
            tooLate += other.tooLate
            fullBatches += other.fullBatches
            windows += other.windows
            changes += other.changes
            released += other.released
        }
    }

    private enum Event {
        case arrive
        case look(max: Int, until: MonotonicTime)
        case ended(QueuePoller.BatchID)
        case alarm(Int)
        case change
        case stop
    }

    private struct Message {
        var group: Int
        var bytes: Int
        var visible: MonotonicTime
        var isDeleted = false
    }

    private static let payloadBytesMax = 1_000
    private static let bytesMax = 20_000
    private static let wait = Duration.seconds(15)

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private var poller: QueuePoller
    private let visibility: Duration
    private var messages: [Message] = []
    /// What the poller's numbers stand for.
    private var inHand: [Int: (message: Int, expires: MonotonicTime, taken: MonotonicTime)] = [:]
    private var running: [QueuePoller.BatchID: [Int]] = [:]
    private var lastNumber = 0
    private var alarms = 0
    private var arrivals: Int
    /// Later than this nothing goes wrong any more.
    private var isCalm: Bool { arrivals == 0 && events.now.nanoseconds > 600_000_000_000 }
    private var isStopped = false
    private(set) var faults: [String] = []
    private(set) var seen = Seen()

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        visibility = [.seconds(2), .seconds(30), .seconds(600)][random.below(3)]
        arrivals = 20 + random.below(200)
        poller = QueuePoller(
            Self.settings(&random, isFIFO: random.oneIn(3)),
            payloadBytesMax: Self.payloadBytesMax,
            bytesMax: Self.bytesMax
        )
        self.random = random
    }

    private static func settings(_ random: inout SplitMix64, isFIFO: Bool) -> QueuePoller.Settings {
        let hasWindow = !isFIFO && random.oneIn(2)
        var settings = QueuePoller.Settings(
            batchSize: hasWindow ? 1 + random.below(40) : 1 + random.below(10),
            window: hasWindow ? .seconds(1 + random.below(20)) : .zero,
            isFIFO: isFIFO
        )
        if random.oneIn(2) { settings.limit(to: 2 + random.below(5)) }
        return settings
    }

    mutating func run() {
        events.schedule(.arrive, after: .zero)
        for _ in 0..<random.below(3) { events.schedule(.change, after: random.duration(upTo: .seconds(300))) }
        if random.oneIn(3) {
            events.schedule(.stop, after: random.duration(upTo: .seconds(random.oneIn(2) ? 20 : 300)))
        }
        act()
        var steps = 0
        while let event = events.next() {
            handle(event)
            act()
            steps += 1
            if isDone { break }
            if steps > 50_000 {
                faults.append("no end: \(messages.filter { !$0.isDeleted }.count) messages are left")
                break
            }
        }
        guard !isStopped else {
            if !poller.isIdle { faults.append("a poller that was stopped does not come to its end") }
            return
        }
        if !isDone { faults.append("nothing happens any more") }
        if poller.receives == 0, poller.due == nil { faults.append("nobody waits for the next message") }
    }

    private var isDone: Bool {
        if isStopped { return poller.isIdle }
        return arrivals == 0 && messages.allSatisfy(\.isDeleted) && running.isEmpty
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrive: arrive()
        case .look(let max, let until): look(max, until)
        case .ended(let id): end(id)
        case .alarm(let number): if number != alarms { return }
        case .change:
            poller.change(Self.settings(&random, isFIFO: poller.settings.isFIFO))
            seen.changes += 1
        case .stop:
            isStopped = true
            poller.stop()
        }
    }

    private mutating func arrive() {
        for _ in 0..<min(arrivals, 1 + random.below(random.oneIn(4) ? 40 : 3)) {
            arrivals -= 1
            messages.append(Message(group: random.below(4), bytes: 1 + random.below(300), visible: events.now))
        }
        if arrivals > 0 { events.schedule(.arrive, after: random.duration(upTo: .seconds(random.oneIn(5) ? 40 : 2))) }
    }

    // MARK: The queue

    private mutating func look(_ count: Int, _ until: MonotonicTime) {
        if !isCalm, random.oneIn(20) {
            seen.receiveFailures += 1
            return poller.receiveFailed(at: events.now)
        }
        var taken: [Int] = []
        var locked: Set<Int> = []
        for (index, message) in messages.enumerated() where !message.isDeleted && taken.count < count {
            if poller.settings.isFIFO, locked.contains(message.group) { continue }
            if message.visible > events.now {
                locked.insert(message.group)
                continue
            }
            taken.append(index)
        }
        if taken.isEmpty, events.now < until, !isStopped {
            return events.schedule(.look(max: count, until: until), after: .milliseconds(250))
        }
        var given: [QueuePoller.Message] = []
        for index in taken {
            // What no filter lets through.
            if messages[index].group == 3, random.oneIn(3) {
                messages[index].isDeleted = true
                continue
            }
            messages[index].visible = events.now + visibility
            lastNumber += 1
            inHand[lastNumber] = (index, messages[index].visible, events.now)
            given.append(.init(number: lastNumber, bytes: messages[index].bytes))
        }
        poller.received(given, of: taken.count, visibility: visibility, at: events.now)
    }

    // MARK: The function

    private mutating func end(_ id: QueuePoller.BatchID) {
        guard let numbers = running.removeValue(forKey: id) else { return faults.append("an end without a beginning") }
        switch isCalm ? 9 : random.below(10) {
        case 0:
            seen.failures += 1
            numbers.forEach { inHand[$0] = nil }
            poller.ended(id, .failed(slowsDown: random.oneIn(2)), at: events.now)
        case 1:
            seen.failures += 1
            for number in numbers where random.oneIn(2) { delete(number) }
            numbers.forEach { inHand[$0] = nil }
            poller.ended(id, .failed(slowsDown: random.oneIn(2)), at: events.now)
        case 2, 3:
            seen.throttles += 1
            poller.ended(id, .throttled, at: events.now)
        default:
            for number in numbers {
                delete(number)
                inHand[number] = nil
            }
            poller.ended(id, .succeeded, at: events.now)
        }
    }

    private mutating func delete(_ number: Int) {
        if let message = inHand[number]?.message { messages[message].isDeleted = true }
    }

    // MARK: The poller

    private mutating func act() {
        while let action = poller.next(at: events.now) {
            switch action {
            case .receive(let max):
                if isStopped { faults.append("a receive after the end") }
                if !(1...QueuePoller.receiveMax).contains(max) { faults.append("a receive of \(max)") }
                events.schedule(
                    .look(max: max, until: events.now + Self.wait),
                    after: .milliseconds(1 + random.below(20))
                )
            case .invoke(let id, let numbers): begin(id, numbers)
            case .drop(let numbers, let releases):
                let expired = numbers.contains { (inHand[$0]?.expires ?? events.now) <= events.now }
                if !releases, !expired, !poller.settings.isFIFO { faults.append("dropped too early") }
                for number in numbers {
                    guard let held = inHand.removeValue(forKey: number) else {
                        faults.append("what is dropped was not in hand")
                        continue
                    }
                    if releases {
                        messages[held.message].visible = events.now
                        seen.released += 1
                    } else {
                        seen.tooLate += 1
                    }
                }
            }
        }
        guard let due = poller.due else { return }
        if due <= events.now { faults.append("due is not in the future") }
        alarms += 1
        events.schedule(.alarm(alarms), at: due)
    }

    private mutating func begin(_ id: QueuePoller.BatchID, _ numbers: [Int]) {
        let settings = poller.settings
        let bytes = numbers.reduce(0) { $0 + messages[inHand[$1]?.message ?? 0].bytes }
        if numbers.count > 1, bytes + numbers.count - 1 + 14 > Self.payloadBytesMax {
            faults.append("\(bytes) bytes in a batch")
        }
        if seen.changes == 0 {
            if numbers.count > settings.batchSize { faults.append("\(numbers.count) messages in a batch") }
            if poller.invocations > settings.concurrencyMax { faults.append("\(poller.invocations) invocations") }
        }
        if numbers.count == settings.batchSize {
            seen.fullBatches += 1
        } else if settings.window > .zero {
            seen.windows += 1
        }
        if Set(numbers.map { inHand[$0]?.message ?? 0 }).count != numbers.count {
            faults.append("a message twice in a batch")
        }
        check(numbers)
        if isStopped { faults.append("an invocation after the end") }
        running[id] = numbers
        events.schedule(.ended(id), after: random.duration(upTo: random.oneIn(10) ? .seconds(60) : .seconds(1)))
    }

    private mutating func check(_ numbers: [Int]) {
        let settings = poller.settings
        for number in numbers {
            guard let held = inHand[number] else {
                faults.append("what is run was not in hand")
                continue
            }
            // One that ran for longer than it was invisible deletes it for the next.
            guard !messages[held.message].isDeleted else { continue }
            let others = running.values.joined().compactMap { inHand[$0] }.filter { !messages[$0.message].isDeleted }
            let twins = others.filter { $0.message == held.message && $0.expires > events.now }
            if !twins.isEmpty { faults.append("a message beside itself") }
            if settings.isFIFO, held.expires <= events.now, held.taken + .seconds(1) <= events.now {
                faults.append("run while others may have it")
            }
            let overtaken = others.contains {
                settings.isFIFO && $0.expires > events.now && messages[$0.message].group == messages[held.message].group
            }
            if overtaken { faults.append("a group's messages beside each other") }
            if settings.isFIFO {
                let earlier = messages[..<held.message].contains {
                    !$0.isDeleted && $0.group == messages[held.message].group
                }
                let isFirst =
                    numbers.firstIndex(of: number)
                    == numbers.firstIndex {
                        inHand[$0].map { messages[$0.message].group } == messages[held.message].group
                    }
                if earlier, isFirst { faults.append("a group's message overtakes an earlier one") }
            }
        }
        if numbers.map({ inHand[$0]?.message ?? 0 }) != numbers.map({ inHand[$0]?.message ?? 0 }).sorted(),
            settings.isFIFO
        {
            faults.append("a batch is not in order")
        }
    }
}
