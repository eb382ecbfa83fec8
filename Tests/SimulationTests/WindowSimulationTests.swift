// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct WindowSimulationTests {
    /// 300 histories of a shard whose function sums up windows, fails, is throttled, returns too large states and takes its time, with kills
    /// and other settings between, of a stream that answers with nothing though it has more, and of a clock that is set back: each record is
    /// in the state of one window that was concluded, once, and its own; no event is too large, and no window ends before its time.
    @Test(arguments: UInt64(0)..<10) func `every record counts once, in its window`(_ batch: UInt64) {
        var seen = WindowHistory.Seen()
        for seed in Histories.seeds(batch, of: 10, count: 300) {
            var history = WindowHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        let all = [
            seen.finals, seen.earlyEnds, seen.failures, seen.partial, seen.throttles, seen.failedConclusions,
            seen.kills,
            seen.resumed, seen.changes, seen.discarded, seen.repeated, seen.ofTime, seen.ofPassed, seen.emptyReads,
            seen.steps,
        ]
        #expect(Histories.areFew || all.allSatisfy { $0 > 0 }, "\(all)")
    }
}

/// A shard, its poller and a function whose state is the list of the records that it was invoked with, from a seed.
private struct WindowHistory {
    struct Seen {
        var finals = 0, earlyEnds = 0, failures = 0, partial = 0, throttles = 0, failedConclusions = 0, kills = 0
        var resumed = 0, changes = 0, discarded = 0, repeated = 0, ofTime = 0, ofPassed = 0, emptyReads = 0, steps = 0

        mutating func add(_ other: Seen) {
            finals += other.finals
            earlyEnds += other.earlyEnds
            failures += other.failures
            partial += other.partial
            throttles += other.throttles
            failedConclusions += other.failedConclusions
            kills += other.kills
            resumed += other.resumed
            changes += other.changes
            discarded += other.discarded
            repeated += other.repeated
            ofTime += other.ofTime
            ofPassed += other.ofPassed
            emptyReads += other.emptyReads
            steps += other.steps
        }
    }

    private enum Event {
        case arrive, close, kill, change, stepBack, alarm(Int)
        case opened(StreamPosition, life: Int)
        case fetched(max: Int, began: Timestamp, life: Int)
        case ended([Int], StreamWindow?, life: Int)
        case concluded(StreamWindow, life: Int)
        case discarded([Int], life: Int)
        case saved(StreamPosition, StreamWindow?, life: Int)
    }

    private struct Record {
        var arrival: Timestamp
        var bytes: Int
        var isWanted: Bool
        var isDiscarded = false
        /// Invoked with outside of any window, successfully.
        var isPlain = false
        /// It came when the clock had been set back, to a time that had been before.
        var isAgain = false
        /// How far the clock was after it was read, before it was set back.
        var peak: Timestamp?
    }

    /// What was concluded, by the window's beginning; the same again after a kill is the same.
    private struct Conclusion: Hashable {
        var start: Timestamp
        var records: [Int]
    }

    private static let roomBytes = 1_000
    private static let payloadBytesMax = roomBytes + StreamWindow.stateBytesMax + StreamWindow.memberBytesMax
    /// A record is seen this much after its arrival, at the most, in milliseconds.
    private static let delayMax = 3_000
    /// Reads in a row that bring nothing though there is more.
    private static let liesMax = 2
    private static let lengths = [10, 30]

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private var settings: ShardPoller.Settings
    private var machine: ShardPoller
    private var records: [Record] = []
    private var isClosed = false
    private var place = 0
    private var durable: (position: StreamPosition, window: StreamWindow?) = (.trimHorizon, nil)
    private var concluded: Set<Conclusion> = []
    private var life = 0
    private var alarms = 0
    private var arrivals: Int
    private var wasChanged = false
    /// What its clock was set back by, in milliseconds, and how far it was before.
    private var setBack: Int64 = 0
    private var peak = Timestamp(millisecondsSinceEpoch: 0)
    /// Beginnings of the windows that something was invoked in.
    private var entered: Set<Timestamp> = []
    /// When the last read began that left nothing.
    private var current: Timestamp?
    private var lies = 0
    /// It says that there is more after each read that brought something.
    private let isTable: Bool
    /// Few records are let through by the filter.
    private let isSparse: Bool
    private var numbers: [Int: Int] = [:]
    private var lastNumber = 0
    private(set) var faults: [String] = []
    private(set) var seen = Seen()

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        settings = ShardPoller.Settings(
            batchSize: 1 + random.below(random.oneIn(2) ? 4 : 30),
            window: random.oneIn(2) ? .zero : .seconds(1 + random.below(20)),
            retriesMax: random.oneIn(3) ? random.below(2) : nil,
            ageMax: random.oneIn(3) ? .seconds(5 + random.below(40)) : nil,
            bisects: random.oneIn(2),
            tumblingSeconds: Self.lengths[random.below(2)]
        )
        machine = ShardPoller(settings, from: .trimHorizon, payloadBytesMax: Self.payloadBytesMax)
        isTable = random.oneIn(2)
        isSparse = random.oneIn(2)
        arrivals = (isSparse ? 200 : 20) + random.below(100)
        self.random = random
    }

    private var isCalm: Bool { isClosed }
    /// A clock that began a while ago, and not with a window.
    private var time: Timestamp {
        Timestamp(millisecondsSinceEpoch: 1_700_000_003_000 + events.now.nanoseconds / 1_000_000 - setBack)
    }

    mutating func run() {
        if isSparse || random.oneIn(2) { stock() }
        events.schedule(.arrive, after: .zero)
        for _ in 0..<random.below(5) { events.schedule(.kill, after: random.duration(upTo: .seconds(200))) }
        if random.oneIn(3) {
            for _ in 0..<3 { events.schedule(.change, after: random.duration(upTo: .seconds(150))) }
        }
        if random.oneIn(3) {
            for _ in 0..<2 { events.schedule(.stepBack, after: random.duration(upTo: .seconds(150))) }
        }
        act()
        var steps = 0
        while let event = events.next() {
            if case .alarm(let number) = event, number != alarms { continue }
            handle(event)
            act()
            steps += 1
            if machine.isFinished, machine.isIdle { return checkAll() }
            if steps > 30_000 { return faults.append("no end") }
        }
        faults.append("nothing happens any more")
    }

    private mutating func checkAll() {
        if durable.position != .end || durable.window != nil { faults.append("the end is not saved") }
        var counts = [Int](repeating: 0, count: records.count)
        for conclusion in concluded where !isTakenBack(conclusion) {
            for index in conclusion.records { counts[index] += 1 }
        }
        for (index, record) in records.enumerated() where record.isWanted {
            // A kill may repeat what was discarded, or invoked with before there was a window.
            let isElsewhere = record.isDiscarded || record.isPlain
            if counts[index] > 1 || counts[index] == 0 && !isElsewhere {
                faults.append("record \(index) counts \(counts[index]) times")
            }
        }
    }

    /// A kill forgot that this window was concluded, as windows were given up or it was over; then there were windows again, or the clock was
    /// set back into it, and it went on.
    private func isTakenBack(_ one: Conclusion) -> Bool {
        guard wasChanged || seen.steps > 0, seen.kills > 0 else { return false }
        return concluded.contains {
            $0.start == one.start && $0.records.count > one.records.count && $0.records.starts(with: one.records)
        }
    }

    private mutating func handle(_ event: Event) {
        let now = events.now
        switch event {
        case .arrive: arrive()
        case .close: isClosed = true
        case .kill: if !isClosed { kill() }
        case .change: if !isClosed { change() }
        case .stepBack: if !isClosed { stepBack() }
        case .alarm: break
        case .opened(let position, let life): if life == self.life { open(position) }
        case .fetched(let max, let began, let life): if life == self.life { fetch(max, began) }
        case .ended(let numbers, let window, let life): if life == self.life { end(numbers, window) }
        case .concluded(let window, let life): if life == self.life { conclude(window) }
        case .discarded(let numbers, let life):
            guard life == self.life else { return }
            seen.discarded += numbers.count
            for number in numbers { records[self.numbers[number] ?? 0].isDiscarded = true }
            machine.discarded(at: now)
        case .saved(let position, let window, let life):
            guard life == self.life else { return }
            if isFaulty(10) { return machine.saveFailed(at: now) }
            // A shard at its end is not read any more.
            if position == .end, window != nil { faults.append("an end is saved before its window") }
            durable = (position, window)
            machine.saved(at: now)
        }
    }

    private mutating func isFaulty(_ count: Int) -> Bool { !isCalm && random.oneIn(count) }

    private mutating func arrive() {
        for _ in 0..<min(arrivals, 1 + random.below(random.oneIn(4) ? 20 : 3)) {
            append(at: time)
        }
        let pause = random.duration(upTo: .seconds(random.oneIn(6) ? 60 : 3))
        events.schedule(arrivals > 0 ? .arrive : .close, after: pause)
    }

    private mutating func append(at time: Timestamp) {
        arrivals -= 1
        let delay = Int64(random.below(Self.delayMax))
        records.append(
            Record(
                arrival: Timestamp(millisecondsSinceEpoch: time.millisecondsSinceEpoch - delay),
                bytes: 1 + random.below(300),
                isWanted: isSparse ? random.oneIn(20) : !random.oneIn(6),
                isAgain: time < peak
            )
        )
    }

    /// What the shard has before it is read.
    private mutating func stock() {
        let count = arrivals / 2
        var time = time.millisecondsSinceEpoch - Int64(count) * 2_000
        for _ in 0..<count {
            time += Int64(random.below(2_000))
            append(at: Timestamp(millisecondsSinceEpoch: time))
        }
    }

    private mutating func stepBack() {
        seen.steps += 1
        for index in records.indices.prefix(place) { records[index].peak = max(records[index].peak ?? time, time) }
        peak = max(peak, time)
        setBack += Int64(random.below(60_000))
    }

    private mutating func kill() {
        seen.kills += 1
        life += 1
        numbers = [:]
        current = nil
        machine = ShardPoller(settings, from: durable.position, payloadBytesMax: Self.payloadBytesMax)
        if let window = durable.window {
            seen.resumed += 1
            machine.resume(window)
        }
    }

    private mutating func change() {
        seen.changes += 1
        wasChanged = true
        settings.tumblingSeconds = random.oneIn(2) ? 0 : Self.lengths[random.below(2)]
        machine.change(settings)
    }

    private mutating func open(_ position: StreamPosition) {
        if isFaulty(15) { return machine.readFailed(at: events.now) }
        switch position {
        case .after(let text): place = (Int(text) ?? 0) + 1
        default: place = 0
        }
        machine.opened(at: events.now)
    }

    private mutating func fetch(_ limit: Int, _ began: Timestamp) {
        if isFaulty(20) { return machine.expired(at: events.now) }
        if place < records.count, lies < Self.liesMax, random.oneIn(5) {
            lies += 1
            seen.emptyReads += 1
            return machine.fetched(
                .init(
                    records: [],
                    last: nil,
                    lastArrival: nil,
                    hasMore: !isTable && random.oneIn(2),
                    isEnd: false,
                    began: began
                ),
                at: events.now
            )
        }
        lies = 0
        let taken = place..<min(records.count, place + min(limit, 1 + random.below(20)))
        place = taken.upperBound
        var given: [ShardPoller.Record] = []
        for index in taken where records[index].isWanted {
            lastNumber += 1
            numbers[lastNumber] = index
            given.append(
                .init(
                    number: lastNumber,
                    sequence: String(index),
                    bytes: records[index].bytes,
                    age: .milliseconds(
                        max(0, time.millisecondsSinceEpoch - records[index].arrival.millisecondsSinceEpoch)
                    ),
                    arrival: records[index].arrival
                )
            )
        }
        let isLast = place == records.count
        if isLast { current = max(current ?? began, began) }
        machine.fetched(
            .init(
                records: given,
                last: taken.last.map(String.init),
                lastArrival: taken.last.map { records[$0].arrival },
                hasMore: isTable ? !taken.isEmpty : !isLast,
                isEnd: isLast && isClosed,
                began: began
            ),
            at: events.now
        )
    }

    // MARK: The function

    /// The state is a list of records, and spaces where it is to be too large.
    private static func list(_ state: [UInt8]) -> [Int] {
        state.prefix { $0 != UInt8(ascii: " ") }.split(separator: UInt8(ascii: ","))
            .compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    }

    private mutating func begin(_ numbers: [Int], _ window: StreamWindow?) {
        let indices = numbers.compactMap { self.numbers[$0] }
        if indices.count != numbers.count || indices.isEmpty { faults.append("what is run was not in hand") }
        if indices.count > settings.batchSize { faults.append("\(indices.count) records in a batch") }
        guard let window else {
            if settings.tumblingSeconds > 0, !wasChanged { faults.append("records without a window") }
            return
        }
        entered.insert(window.start)
        let bytes = indices.reduce(0) { $0 + records[$1].bytes + 1 }
        if indices.count > 1, bytes + 14 > Self.roomBytes + 1 { faults.append("\(bytes) bytes in a batch") }
        if window.isOverfull { faults.append("an overfull state is handed on") }
        if bytes + 14 + window.state.count + StreamWindow.memberBytesMax > Self.payloadBytesMax + 1 {
            faults.append("an event is too large")
        }
        let length = window.end.millisecondsSinceEpoch - window.start.millisecondsSinceEpoch
        if !Self.lengths.contains(Int(length) / 1_000) || window.start.millisecondsSinceEpoch % length != 0 {
            faults.append("a window is not aligned")
        }
        if Self.list(window.state) + indices != (Self.list(window.state) + indices).sorted() {
            faults.append("not in order")
        }
        for index in indices {
            let arrival = records[index].arrival
            let isAgain = records[index].isAgain
            // What is a moment late is of the window that is open.
            let isEarly = arrival.millisecondsSinceEpoch < window.start.millisecondsSinceEpoch - Int64(Self.delayMax)
            if arrival >= window.end || isEarly && !isAgain { faults.append("a record is not of its window") }
        }
    }

    private mutating func end(_ numbers: [Int], _ window: StreamWindow?) {
        let indices = numbers.map { self.numbers[$0] ?? 0 }
        func state(_ count: Int, bytesMin: Int = 0) -> [UInt8]? {
            window.map { window in
                let list = Self.list(window.state) + indices[..<count]
                let state = Array(list.map(String.init).joined(separator: ",").utf8)
                return state + [UInt8](repeating: UInt8(ascii: " "), count: max(0, bytesMin - state.count))
            }
        }
        let bytesMin: Int
        switch random.below(30) {
        case 0: bytesMin = StreamWindow.stateBytesMax + 1
        case 1: bytesMin = StreamWindow.stateBytesMax
        default: bytesMin = 0
        }
        switch isCalm ? 9 : random.below(10) {
        case 0:
            seen.failures += 1
            machine.ended(.failed(from: nil), at: events.now)
        case 1:
            seen.partial += 1
            let first = random.below(numbers.count)
            if window == nil { for index in indices[..<first] { records[index].isPlain = true } }
            machine.ended(.failed(from: numbers[first]), state: state(first, bytesMin: bytesMin), at: events.now)
        case 2:
            seen.throttles += 1
            machine.ended(.throttled, at: events.now)
        default:
            if window == nil { for index in indices { records[index].isPlain = true } }
            if isFaulty(40) { return kill() }
            machine.ended(.succeeded, state: state(indices.count, bytesMin: bytesMin), at: events.now)
        }
    }

    private mutating func beginConclusion(_ window: StreamWindow) {
        if !entered.contains(window.start) { faults.append("a window is concluded that nothing was invoked in") }
        if window.isOverfull || wasChanged { return }
        // What comes next is of a later window, and what is a moment late follows it there.
        let last = concluded.compactMap(\.records.last).max() ?? -1
        let done = max(last, Self.list(window.state).last ?? -1)
        let next = records.indices.first { $0 > done && records[$0].isWanted && !records[$0].isDiscarded }
        // What comes when the clock was set back into a window that was over comes too late for it.
        if let next, records[next].arrival < window.end, !records[next].isAgain {
            faults.append("record \(next) is left out of its window")
        }
        if !isClosed { checkTime(of: window, done: done, next: next) }
        if !records.contains(where: { $0.arrival >= window.end }) { seen.ofTime += 1 }
    }

    /// A window ends before its time and grace only where a record shows that they are over.
    private mutating func checkTime(of window: StreamWindow, done: Int, next: Int?) {
        if let next, next < place, records[next].arrival >= window.end { return }
        let over = Timestamp(millisecondsSinceEpoch: window.end.millisecondsSinceEpoch + Int64(Self.delayMax))
        let isPassed = records.indices.prefix(place).contains { $0 > done && records[$0].arrival >= over }
        // Of one whose records were all discarded, by those.
        let its =
            done >= 0
            ? [done]
            : records.indices.prefix(place).filter {
                (window.start..<window.end).contains(records[$0].arrival)
            }
        let known = its.compactMap { records[$0].peak }.max()
        if !isPassed, max(time, known ?? time) < over { faults.append("a window is concluded before its end") }
        if isPassed, (current ?? window.start) < over { seen.ofPassed += 1 }
    }

    private mutating func conclude(_ window: StreamWindow) {
        switch isCalm ? 9 : random.below(5) {
        case 0:
            seen.failedConclusions += 1
            machine.concluded(.failed(from: nil), at: events.now)
        case 1:
            seen.throttles += 1
            machine.concluded(.throttled, at: events.now)
        default:
            if window.isOverfull { seen.earlyEnds += 1 } else { seen.finals += 1 }
            let conclusion = Conclusion(start: window.start, records: Self.list(window.state))
            if !concluded.insert(conclusion).inserted {
                seen.repeated += 1
                if seen.kills == 0, !conclusion.records.isEmpty { faults.append("a window is concluded twice") }
            }
            // The function knows it, and nobody else.
            if isFaulty(12) { return kill() }
            machine.concluded(.succeeded, at: events.now)
        }
    }

    // MARK: The poller

    private mutating func soon() -> Duration { .milliseconds(1 + random.below(20)) }

    private mutating func act() {
        while let action = machine.next(at: events.now) { perform(action) }
        guard let due = machine.due else { return }
        if due <= events.now { faults.append("due is not in the future") }
        alarms += 1
        events.schedule(.alarm(alarms), at: due)
    }

    private mutating func perform(_ action: ShardPoller.Action) {
        switch action {
        case .open(let position): events.schedule(.opened(position, life: life), after: soon())
        case .fetch(let max): events.schedule(.fetched(max: max, began: time, life: life), after: soon())
        case .invoke(_, let numbers):
            begin(numbers, machine.window)
            let time = random.duration(upTo: random.oneIn(10) ? .seconds(30) : .seconds(1))
            events.schedule(.ended(numbers, machine.window, life: life), after: time)
        case .conclude(let window):
            beginConclusion(window)
            events.schedule(.concluded(window, life: life), after: random.duration(upTo: .seconds(1)))
        case .discard(_, let numbers, _, _): events.schedule(.discarded(numbers, life: life), after: soon())
        case .save(let position, let window, let done):
            for number in done { numbers[number] = nil }
            events.schedule(.saved(position, window, life: life), after: soon())
        }
    }
}
