// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct AsyncSimulationTests {
    /// 500 histories of events, functions that fail and take their time, limits that change, callers who take the places, outcomes that can't
    /// be written and kills: every event comes to its end, once, in the time that its function's settings say, no place stays empty while
    /// an event waits for it, and every bound holds.
    @Test(arguments: UInt64(0)..<5) func `random histories end every event once and leave no place empty`(
        _ part: UInt64
    ) {
        var seen = AsyncHistory.Seen()
        for seed in Histories.seeds(part, of: 5, count: 500) {
            var history = AsyncHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        #expect(Histories.areFew || seen.counts.allSatisfy { $0 > 0 }, "\(seen.counts)")
    }

    /// 1,000 events of two seconds each, and one place: it is never empty for long, and few attempts find it taken.
    @Test(arguments: [false, true]) func `what waits for a function at its limit is not tried all the time`(
        isReserved: Bool
    ) {
        var history = AsyncHistory(seed: 1, functions: [.init(account: 0, reserved: isReserved ? 1 : nil)], shared: 1)
        history.add(1_000, of: 0)
        history.run(duration: .seconds(2))
        let seconds = history.seconds
        #expect(history.faults.isEmpty && (2_000..<2_100).contains(seconds), "\(seconds) s, \(history.faults)")
        // All that it may begin at once, and one every half a minute.
        #expect(history.throttles < 64 + 2_100 / 30 + 10, "\(history.throttles)")
    }

    @Test func `functions that share a place take turns`() {
        var history = AsyncHistory(seed: 1, functions: [.init(account: 0), .init(account: 0)], shared: 1)
        history.add(400, of: 0)
        history.add(20, of: 1)
        history.run(duration: .seconds(1))
        let last = history.order.lastIndex(of: 1)
        #expect(history.faults.isEmpty && last.map { $0 < 120 } == true, "\(history.order.prefix(150))")
    }

    /// Callers have all places for ten minutes: then it takes no longer than half a minute, and all of them are used soon.
    @Test func `places that callers give back are taken`() {
        var history = AsyncHistory(seed: 1, functions: [.init(account: 0)], shared: 100)
        history.add(3_000, of: 0)
        history.occupy(100, for: .seconds(600))
        history.run(duration: .seconds(1))
        #expect(history.faults.isEmpty && history.throttles < 200, "\(history.throttles), \(history.faults)")
        // 64 at one time.
        #expect((646..<720).contains(history.seconds), "\(history.seconds) s")
    }
}

/// Asynchronous events of a few functions, from a seed.
private struct AsyncHistory {
    struct Seen {
        enum Event: Int, CaseIterable {
            case successes, exhausted, tooOld, throttles, reservedThrottles, failedWrites, kills, changes
        }

        var counts = Array(repeating: 0, count: Event.allCases.count)

        mutating func count(_ event: Event) { counts[event.rawValue] += 1 }

        mutating func add(_ other: Seen) { for index in counts.indices { counts[index] += other.counts[index] } }
    }

    struct Function {
        var account: Int
        /// nil for what functions of its account share.
        var reserved: Int?
        var settings = AsyncRetryPolicy.Settings()
        /// Events that are being run.
        var running = 0
        /// Since when there has been a place and an event for it, and nothing was begun.
        var idleSince: MonotonicTime?
    }

    private enum Event {
        case arrive, kill, change, release(Int, account: Int), alarm(Int)
        case refused(Int64, life: Int)
        case ended(Int64, life: Int)
        case written(Int64, life: Int)
    }

    /// As it is on the disk.
    private struct Kept {
        var function: Int
        var accepted: Int64
        var due: Int64
        var errors = 0
        var delays = 0
        var isEnded = false
    }

    private static let attemptsOfOneMax = 64
    /// What an empty place is found after.
    private static let patience = AsyncGate.pauseMax + .seconds(2)

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private let policy = AsyncRetryPolicy()
    private var functions: [Function]
    private var backlog: AsyncBacklog
    private var kept: [Int64: Kept] = [:]
    private var inHand: Set<Int64> = []
    /// What became of attempts, to be written.
    private var outcomes: [Int64: (decision: AsyncRetryPolicy.Decision, kept: Kept)] = [:]
    /// By account: what its functions without a reservation share, and what of it callers have.
    private var shared: [Int]
    private var taken: [Int]
    private var arrivals = 0
    private var life = 0
    private var alarms = 0
    /// Of each invocation; nil for a random one.
    private var duration: Duration?
    private var isRandom: Bool { duration == nil }
    private var isCalm: Bool { !isRandom || arrivals == 0 && events.now.nanoseconds > 600_000_000_000 }
    private(set) var faults: [String] = []
    private(set) var seen = Seen()
    private(set) var throttles = 0
    /// Functions, as their events came to their end.
    private(set) var order: [Int] = []

    var seconds: Int { Int(events.now.nanoseconds / 1_000_000_000) }

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let functions = (0..<1 + random.below(4)).map { _ in
            Function(
                account: random.below(2),
                reserved: random.oneIn(2) ? 1 + random.below(5) : nil,
                settings: .init(
                    retriesMax: random.below(3),
                    ageMax: .seconds(random.oneIn(2) ? 21_600 : 60 + random.below(600))
                )
            )
        }
        self.init(seed: random.next(), functions: functions, shared: 1 + random.below(8))
        arrivals = 50 + random.below(400)
    }

    init(seed: UInt64, functions: [Function], shared: Int) {
        random = SplitMix64(seed: seed)
        self.functions = functions
        self.shared = [shared, shared]
        taken = [0, 0]
        backlog = Self.backlog()
    }

    private static func backlog() -> AsyncBacklog {
        AsyncBacklog(countMax: 10_000, attemptsMax: 256, attemptsOfOneMax: attemptsOfOneMax)
    }

    private var time: Int64 { events.now.nanoseconds / 1_000_000 }
    private var timestamp: Timestamp { Timestamp(millisecondsSinceEpoch: time) }

    private func key(_ function: Int) -> FunctionKey {
        FunctionKey(accountID: "\(functions[function].account)", region: "us-east-1", name: "f\(function)")
    }

    mutating func add(_ count: Int, of function: Int) {
        for _ in 0..<count {
            let id = Int64(kept.count + 1)
            kept[id] = Kept(function: function, accepted: time, due: time)
            backlog.add(id, of: key(function), due: timestamp, bytes: 1)
        }
    }

    /// Callers take places of an account.
    mutating func occupy(_ count: Int, account: Int = 0, for duration: Duration) {
        taken[account] += count
        events.schedule(.release(count, account: account), after: duration)
    }

    mutating func run(duration: Duration? = nil) {
        self.duration = duration
        if isRandom {
            events.schedule(.arrive, after: .zero)
            for _ in 0..<random.below(4) { events.schedule(.kill, after: random.duration(upTo: .seconds(500))) }
            for _ in 0..<random.below(6) { events.schedule(.change, after: random.duration(upTo: .seconds(500))) }
        }
        act()
        var steps = 0
        while let event = events.next() {
            // One alarm counts, the last.
            if case .alarm(let number) = event, number != alarms { continue }
            handle(event)
            act()
            steps += 1
            if arrivals == 0, order.count == kept.count { return check() }
            if steps > 200_000 { return faults.append("no end: \(kept.count - order.count) events are left") }
        }
        faults.append("nothing happens any more")
    }

    private mutating func check() {
        if backlog.count != 0 || backlog.attempts != 0 { faults.append("\(backlog.count) events are left at the end") }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrive: arrive()
        case .kill: kill()
        case .change: change()
        case .release(let count, let account): taken[account] -= count
        case .alarm: break
        case .refused(let id, let life): if life == self.life { refuse(id) }
        case .ended(let id, let life):
            guard life == self.life, let function = kept[id]?.function else { return }
            functions[function].running -= 1
            backlog.ran(id, of: key(function))
            decide(id, isRandom && random.oneIn(4) ? .functionError : .succeeded)
        case .written(let id, let life): if life == self.life { write(id) }
        }
    }

    private mutating func arrive() {
        let count = min(arrivals, 1 + random.below(random.oneIn(4) ? 80 : 5))
        arrivals -= count
        add(count, of: random.below(functions.count))
        if arrivals > 0 { events.schedule(.arrive, after: random.duration(upTo: .seconds(random.oneIn(5) ? 60 : 5))) }
    }

    private mutating func kill() {
        seen.count(.kills)
        life += 1
        (inHand, outcomes) = ([], [:])
        backlog = Self.backlog()
        for index in functions.indices { (functions[index].running, functions[index].idleSince) = (0, nil) }
        for (id, event) in kept.sorted(by: { $0.key < $1.key }) where !event.isEnded {
            backlog.add(id, of: key(event.function), due: Timestamp(millisecondsSinceEpoch: event.due), bytes: 1)
        }
    }

    private mutating func change() {
        seen.count(.changes)
        let account = random.below(2)
        switch random.below(3) {
        case 0: shared[account] = 1 + random.below(20)
        case 1: occupy(1 + random.below(20), account: account, for: random.duration(upTo: .seconds(200)))
        default:
            let function = random.below(functions.count)
            if functions[function].reserved != nil { functions[function].reserved = 1 + random.below(20) }
        }
    }

    // MARK: The limits

    private func hasPlace(_ function: Int) -> Bool {
        let (account, reserved) = (functions[function].account, functions[function].reserved)
        if let reserved { return functions[function].running < reserved }
        let running = functions.filter { $0.account == account && $0.reserved == nil }.reduce(0) { $0 + $1.running }
        return running + taken[account] < shared[account]
    }

    private mutating func refuse(_ id: Int64) {
        guard let function = kept[id]?.function else { return }
        throttles += 1
        let isReserved = functions[function].reserved != nil
        seen.count(isReserved ? .reservedThrottles : .throttles)
        backlog.throttled(id, of: key(function), in: isReserved ? .function : .account, at: timestamp)
        decide(id, .throttled)
    }

    private mutating func decide(_ id: Int64, _ attempt: AsyncRetryPolicy.Attempt) {
        guard var event = kept[id] else { return }
        if attempt == .functionError { event.errors += 1 }
        if attempt == .throttled { event.delays += 1 }
        let decision = policy.decide(
            attempt,
            errors: event.errors,
            delays: event.delays,
            age: .milliseconds(time - event.accepted),
            functions[event.function].settings
        )
        if case .retry(let delay) = decision { event.due = time + delay.wholeNanoseconds / 1_000_000 }
        outcomes[id] = (decision, event)
        events.schedule(.written(id, life: life), after: .milliseconds(1 + random.below(20)))
    }

    // MARK: The disk

    private mutating func write(_ id: Int64) {
        guard let (decision, event) = outcomes[id], let before = kept[id] else {
            return faults.append("what is written is no outcome")
        }
        if isRandom, !isCalm, random.oneIn(30) {
            seen.count(.failedWrites)
            return backlog.settleLater(id, at: timestamp)
        }
        outcomes[id] = nil
        inHand.remove(id)
        kept[id] = event
        guard case .end(let condition) = decision else {
            return backlog.putBack(id, of: key(event.function), due: Timestamp(millisecondsSinceEpoch: event.due))
        }
        if before.isEnded { faults.append("an event ends twice") }
        kept[id]?.isEnded = true
        order.append(event.function)
        backlog.remove(id, of: key(event.function))
        switch condition {
        case .success: seen.count(.successes)
        case .retriesExhausted: seen.count(.exhausted)
        case .eventAgeExceeded: seen.count(.tooOld)
        case .zeroReservedConcurrency: faults.append("no function is switched off")
        }
    }

    // MARK: Attempts

    private mutating func act() {
        while let id = backlog.nextSettlement(at: timestamp) { write(id) }
        while let (id, _) = backlog.next(at: timestamp) { begin(id) }
        look()
        guard let due = backlog.nextDue else { return }
        alarms += 1
        let wait = max(1, due.millisecondsSinceEpoch - time)
        events.schedule(.alarm(alarms), after: .milliseconds(min(wait, 60_000)))
    }

    private mutating func begin(_ id: Int64) {
        guard let event = kept[id], !event.isEnded, inHand.insert(id).inserted, event.due <= time else {
            return faults.append("an event is tried beside itself, before its time, or after its end")
        }
        functions[event.function].idleSince = nil
        let settings = functions[event.function].settings
        if policy.isTooOld(age: .milliseconds(time - event.accepted), settings) {
            outcomes[id] = (.end(.eventAgeExceeded), event)
            return events.schedule(.written(id, life: life), after: .milliseconds(1 + random.below(20)))
        }
        guard hasPlace(event.function) else {
            return events.schedule(.refused(id, life: life), after: .milliseconds(random.below(5)))
        }
        functions[event.function].running += 1
        let time = duration ?? random.duration(upTo: random.oneIn(10) ? .seconds(60) : .seconds(2))
        events.schedule(.ended(id, life: life), after: time)
    }

    /// No place stays empty while there is something for it.
    private mutating func look() {
        var waiting: Set<Int> = []
        for (id, event) in kept where !event.isEnded && event.due <= time && !inHand.contains(id) {
            waiting.insert(event.function)
        }
        var attempts = Array(repeating: 0, count: functions.count)
        for id in inHand { if let function = kept[id]?.function { attempts[function] += 1 } }
        for index in functions.indices {
            if attempts[index] > Self.attemptsOfOneMax { faults.append("\(attempts[index]) attempts at once") }
            guard waiting.contains(index), attempts[index] < Self.attemptsOfOneMax, hasPlace(index) else {
                functions[index].idleSince = nil
                continue
            }
            let since = functions[index].idleSince ?? events.now
            functions[index].idleSince = since
            if events.now - since > Self.patience { faults.append("a place is left empty") }
        }
    }
}
