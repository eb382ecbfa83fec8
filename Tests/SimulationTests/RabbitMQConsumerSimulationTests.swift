// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct RabbitMQConsumerSimulationTests {
    /// 600 histories of a queue, a broker that goes away, a consumer, and a function that fails, is throttled and takes its time: no
    /// message is acknowledged that was not processed, none is lost or run beside itself, every bound holds, and what waits is counted.
    @Test(arguments: UInt64(0)..<10) func `random histories acknowledge what was processed and nothing else`(
        _ batch: UInt64
    ) {
        var seen = ConsumerHistory.Seen()
        for seed in Histories.seeds(batch, of: 10, count: 600) {
            var history = ConsumerHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        guard !Histories.areFew else { return }
        #expect(seen.failures > 0 && seen.throttles > 0 && seen.losses > 0 && seen.refusals > 0 && seen.givenUp > 0)
        #expect(seen.fullBatches > 0 && seen.windows > 0 && seen.stops > 0 && seen.lateMessages > 0)
        #expect(seen.failedConnections > 0 && seen.lostWhileRunning > 0)
        #expect(seen.counts > 0 && seen.lateCounts > 0)
    }

    @Test func `a broker that is away is tried again after a second, and a minute at most`() {
        var consumer = RabbitMQConsumer(.init(), payloadBytesMax: 100)
        var now = MonotonicTime(nanoseconds: 0)
        var delays: [Duration] = []
        for id in 1...9 {
            #expect(consumer.next(at: now) == .connect(id))
            #expect(consumer.next(at: now) == nil)
            consumer.lost(id, at: now)
            delays.append((consumer.due ?? now) - now)
            now = consumer.due ?? now
        }
        #expect(delays == [1, 2, 4, 8, 16, 16, 16, 16, 16].map { .seconds($0) })
    }

    /// A consumer that has connected, and has waited in vain for how many messages are ready; and when.
    private func connected(_ settings: RabbitMQConsumer.Settings) -> (RabbitMQConsumer, MonotonicTime) {
        var consumer = RabbitMQConsumer(settings, payloadBytesMax: 100)
        let begun = MonotonicTime(nanoseconds: 0)
        #expect(consumer.next(at: begun) == .connect(1))
        consumer.connected(1, at: begun)
        #expect(consumer.next(at: begun) == .count)
        let now = begun + RabbitMQConsumer.countPatience
        #expect(consumer.next(at: now) == .forgetCount)
        return (consumer, now)
    }

    @Test func `what can't be run in its time is given back, counted from its arrival`() {
        var (consumer, now) = connected(.init(batchSize: 3, window: .zero))
        consumer.received(.init(tag: 1, bytes: 10), isWanted: true, by: 1, at: now)
        #expect(consumer.next(at: now) == .invoke(1, messages: [1]))
        // It comes while the first one runs, for fourteen minutes.
        now = now + .seconds(1)
        consumer.received(.init(tag: 2, bytes: 10), isWanted: true, by: 1, at: now)
        let arrived = now
        now = now + .seconds(840)
        consumer.received(.init(tag: 3, bytes: 10), isWanted: true, by: 1, at: now)
        consumer.ended(1, .succeeded, at: now)
        #expect(consumer.next(at: now) == .acknowledge([1]))
        var tries = 0
        while case .invoke(let batch, messages: [2, 3])? = consumer.next(at: now) {
            tries += 1
            consumer.ended(batch, .throttled, at: now)
            guard let due = consumer.due, due > now else { break }
            now = due
        }
        // The minute that is left of a quarter of an hour.
        #expect(tries == 6 && now - arrived < RabbitMQConsumer.holdMax)
        #expect(consumer.next(at: now) == .reject([2, 3], requeues: true))
    }

    @Test func `what waits behind a batch for too long is given back while that runs`() {
        var (consumer, begun) = connected(.init(batchSize: 3, window: .zero))
        consumer.received(.init(tag: 1, bytes: 10), isWanted: true, by: 1, at: begun)
        #expect(consumer.next(at: begun) == .invoke(1, messages: [1]))
        consumer.received(.init(tag: 2, bytes: 10), isWanted: true, by: 1, at: begun)
        consumer.received(.init(tag: 3, bytes: 10), isWanted: true, by: 1, at: begun + .seconds(5))
        #expect(consumer.next(at: begun) == nil && consumer.due == begun + RabbitMQConsumer.holdMax)
        #expect(consumer.next(at: begun + RabbitMQConsumer.holdMax) == .reject([2], requeues: true))
        #expect(consumer.due == begun + .seconds(5) + RabbitMQConsumer.holdMax)
    }

    @Test func `what waits is what is ready and what is in hand, asked for every ten seconds`() {
        var consumer = RabbitMQConsumer(.init(batchSize: 2, window: .zero), payloadBytesMax: 100)
        let begun = MonotonicTime(nanoseconds: 0)
        #expect(consumer.next(at: begun) == .connect(1) && consumer.next(at: begun) == nil)
        consumer.connected(1, at: begun)
        #expect(consumer.due == begun && consumer.next(at: begun) == .count)
        // One question at a time.
        let late = begun + RabbitMQConsumer.countPatience
        #expect(consumer.due == late && consumer.next(at: late) == .forgetCount)
        #expect(consumer.due == nil && consumer.next(at: late + .seconds(60)) == nil)
        for tag in UInt64(1)...3 { consumer.received(.init(tag: tag, bytes: 1), isWanted: true, by: 1, at: begun) }
        #expect(consumer.next(at: begun) == .invoke(1, messages: [1, 2]))
        #expect(consumer.counted(ready: 40, by: 1, at: begun) == 43)
        #expect(consumer.due == begun + RabbitMQConsumer.countPause)
        consumer.ended(1, .throttled, at: begun)
        let later = begun + RabbitMQConsumer.countPause
        #expect(consumer.next(at: later) == .count && consumer.next(at: later) == .invoke(1, messages: [1, 2]))
        #expect(consumer.counted(ready: 50, by: 1, at: later) == 53)
        consumer.ended(1, .succeeded, at: later)
        #expect(consumer.next(at: later) == .acknowledge([1, 2]))
        #expect(consumer.counted(ready: 0, by: 1, at: later) == 1)
        var other = consumer
        other.stop()
        #expect(other.counted(ready: 0, by: 1, at: later) == nil)
        consumer.lost(1, at: later)
        #expect(consumer.counted(ready: 7, by: 1, at: later) == nil)
        #expect(consumer.next(at: later + .seconds(1)) == .connect(2))
        #expect(consumer.next(at: later + .seconds(100)) == nil)
    }

    @Test func `a batch that failed is given back at once, and nothing is run for a while`() {
        var (consumer, now) = connected(.init(batchSize: 2))
        var delays: [Duration] = []
        for round in 0..<7 {
            let tags = [UInt64(2 * round), UInt64(2 * round + 1)]
            for tag in tags { consumer.received(.init(tag: tag, bytes: 10), isWanted: true, by: 1, at: now) }
            if let due = consumer.due, due > now {
                #expect(consumer.next(at: now) == nil)
                delays.append(due - now)
                now = due
            }
            #expect(consumer.next(at: now) == .invoke(round + 1, messages: tags))
            consumer.ended(round + 1, .failed, at: now)
            #expect(consumer.next(at: now) == .reject(tags, requeues: true))
        }
        #expect(delays == [1, 2, 4, 8, 16, 30].map { .seconds($0) })
    }
}

/// A queue, its broker, a consumer, and a function, from a seed.
private struct ConsumerHistory {
    struct Seen {
        var failures = 0, throttles = 0, losses = 0, refusals = 0, givenUp = 0, fullBatches = 0, windows = 0, stops = 0
        var lateMessages = 0, failedConnections = 0, lostWhileRunning = 0, counts = 0, lateCounts = 0

        mutating func add(_ other: Seen) {
            failures += other.failures
            throttles += other.throttles
            losses += other.losses
            refusals += other.refusals
            givenUp += other.givenUp
            fullBatches += other.fullBatches
            windows += other.windows
            stops += other.stops
            lateMessages += other.lateMessages
            failedConnections += other.failedConnections
            lostWhileRunning += other.lostWhileRunning
            counts += other.counts
            lateCounts += other.lateCounts
        }
    }

    private enum Event {
        case arrive
        case opened(Int)
        case deliver(Int)
        case lost(Int)
        case closed(Int)
        case ended(Int)
        case counted(Int)
        case alarm(Int)
        case change
        case stop
    }

    private struct Message {
        var bytes: Int
        var isWanted: Bool
        var isProcessed = false
        var isGone = false
    }

    private struct Held {
        var message: Int
        var arrived: MonotonicTime
        /// The invocation that ran it last has succeeded.
        var isDone = false
    }

    private static let payloadBytesMax = 1_000

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private var consumer: RabbitMQConsumer
    private var messages: [Message] = []
    /// Indices of messages that nobody has.
    private var ready: [Int] = []
    private var connection = 0
    private var isOpen = false
    private var isConsuming = false
    /// When it asked last how many messages are ready, and whether it waits for the answer.
    private var counting: (asked: MonotonicTime, isOpen: Bool)?
    /// What is on its way when the consumer is cancelled.
    private var late = 0
    private var lastTag: UInt64 = 0
    private var held: [UInt64: Held] = [:]
    private var running: (id: Int, tags: [UInt64], connection: Int)?
    /// Of the batch that was throttled last.
    private var throttled: [UInt64] = []
    private var tried: Set<Int> = []
    private var alarms = 0
    private var arrivals: Int
    private var windowMax: Duration
    /// Throttled for a quarter of an hour.
    private let isStarved: Bool
    private var isCalm: Bool { arrivals == 0 && events.now.nanoseconds > 1_500_000_000_000 }
    private var isStopped = false
    private(set) var faults: [String] = []
    private(set) var seen = Seen()

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        arrivals = 20 + random.below(200)
        isStarved = random.oneIn(8)
        let settings = RabbitMQConsumer.Settings(
            batchSize: 1 + random.below(30),
            window: .milliseconds(random.below(5_000))
        )
        windowMax = settings.window
        consumer = RabbitMQConsumer(settings, payloadBytesMax: Self.payloadBytesMax)
        self.random = random
    }

    mutating func run() {
        events.schedule(.arrive, after: .zero)
        if random.oneIn(2) { events.schedule(.change, after: random.duration(upTo: .seconds(100))) }
        if random.oneIn(3) {
            events.schedule(.stop, after: random.duration(upTo: .seconds(random.oneIn(2) ? 10 : 200)))
        }
        act()
        var steps = 0
        while let event = events.next() {
            handle(event)
            act()
            steps += 1
            if isDone { break }
            if steps > 50_000 {
                faults.append("no end: \(messages.filter { !$0.isGone }.count) messages are left")
                break
            }
        }
        if !isDone { faults.append("nothing happens any more") }
        if isStopped, !held.isEmpty { faults.append("the broker has not got back everything") }
    }

    private var isDone: Bool {
        if isStopped { return consumer.isIdle }
        return arrivals == 0 && messages.allSatisfy(\.isGone) && running == nil
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrive: arrive()
        case .opened(let id): open(id)
        case .deliver(let id): deliver(id)
        case .lost(let id): lose(id)
        case .closed(let id):
            putBack()
            consumer.lost(id, at: events.now)
        case .ended(let id): end(id)
        case .counted(let id): count(id)
        case .alarm(let number): if number != alarms { return }
        case .change:
            consumer.change(window: .milliseconds(random.below(5_000)))
            windowMax = max(windowMax, consumer.settings.window)
        case .stop:
            isStopped = true
            seen.stops += 1
            consumer.stop()
        }
    }

    private mutating func arrive() {
        for _ in 0..<min(arrivals, 1 + random.below(random.oneIn(4) ? 40 : 3)) {
            arrivals -= 1
            ready.append(messages.count)
            let bytes = random.oneIn(30) ? Self.payloadBytesMax + 1 : 1 + random.below(300)
            messages.append(Message(bytes: bytes, isWanted: !random.oneIn(6)))
        }
        if arrivals > 0 { events.schedule(.arrive, after: random.duration(upTo: .seconds(random.oneIn(5) ? 40 : 2))) }
        if isOpen { events.schedule(.deliver(connection), after: .milliseconds(1)) }
    }

    // MARK: The broker

    private mutating func open(_ id: Int) {
        guard id == connection, !isOpen else { return }
        if !isCalm, random.oneIn(4) {
            seen.failedConnections += 1
            return consumer.lost(id, at: events.now)
        }
        consumer.connected(id, at: events.now)
        isOpen = true
        isConsuming = true
        events.schedule(.deliver(id), after: .milliseconds(1))
        if !isCalm { events.schedule(.lost(id), after: random.duration(upTo: .seconds(isStarved ? 3_000 : 600))) }
    }

    private mutating func deliver(_ id: Int) {
        guard isOpen, id == connection, !ready.isEmpty, held.count < consumer.settings.batchSize else { return }
        // What was on its way when the consumer was cancelled.
        if !isConsuming {
            guard late > 0 else { return }
            late -= 1
            seen.lateMessages += 1
        }
        let message = ready.removeFirst()
        lastTag += 1
        held[lastTag] = Held(message: message, arrived: events.now)
        consumer.received(
            .init(tag: lastTag, bytes: messages[message].bytes),
            isWanted: messages[message].isWanted,
            by: id,
            at: events.now
        )
        events.schedule(.deliver(id), after: random.duration(upTo: .milliseconds(20)))
    }

    private mutating func lose(_ id: Int) {
        guard isOpen, id == connection else { return }
        seen.losses += 1
        if running != nil { seen.lostWhileRunning += 1 }
        putBack()
        consumer.lost(id, at: events.now)
    }

    private mutating func count(_ id: Int) {
        guard isOpen, id == connection else { return }
        seen.counts += 1
        counting?.isOpen = false
        let waiting = consumer.counted(ready: ready.count, by: id, at: events.now)
        if waiting ?? -1 != ready.count + held.count, waiting != nil || !isStopped {
            faults.append("\(waiting ?? -1) wait instead of \(ready.count + held.count)")
        }
    }

    private mutating func putBack() {
        counting = nil
        isOpen = false
        isConsuming = false
        ready = held.values.map(\.message).filter { !messages[$0].isGone }.sorted() + ready
        held = [:]
    }

    // MARK: The function

    private mutating func end(_ id: Int) {
        guard let batch = running, batch.id == id else { return faults.append("an end without a beginning") }
        running = nil
        let isStarving = isStarved && events.now.nanoseconds < 1_000_000_000_000
        switch isCalm ? 9 : isStarving ? 2 : random.below(10) {
        case 0, 1:
            seen.failures += 1
            consumer.ended(id, .failed, at: events.now)
        case 2, 3:
            seen.throttles += 1
            consumer.ended(id, .throttled, at: events.now)
            throttled = batch.tags
        default:
            if batch.connection == connection { for tag in batch.tags { held[tag]?.isDone = true } }
            consumer.ended(id, .succeeded, at: events.now)
        }
    }

    // MARK: The consumer

    private mutating func act() {
        while let action = consumer.next(at: events.now) {
            switch action {
            case .connect(let id):
                if isStopped || isOpen { faults.append("a connection too many") }
                connection = id
                events.schedule(.opened(id), after: random.duration(upTo: .seconds(1)))
            case .invoke(let id, let tags): begin(id, tags)
            case .acknowledge(let tags): for tag in tags { acknowledge(tag) }
            case .reject(let tags, let requeues): for tag in tags { reject(tag, requeues: requeues) }
            case .count:
                if let counting, counting.isOpen || events.now < counting.asked + RabbitMQConsumer.countPause {
                    faults.append("it asks too often")
                }
                counting = (events.now, true)
                events.schedule(
                    .counted(connection),
                    after: random.duration(upTo: .seconds(random.oneIn(5) ? 60 : 1))
                )
            case .forgetCount:
                seen.lateCounts += 1
                guard let counting, counting.isOpen, events.now >= counting.asked + RabbitMQConsumer.countPatience
                else {
                    faults.append("no count to forget")
                    continue
                }
            case .cancel:
                isConsuming = false
                late = random.below(5)
            case .disconnect:
                if isOpen {
                    if running?.connection == connection { faults.append("a connection closed while its batch runs") }
                    events.schedule(.closed(connection), after: .milliseconds(5))
                } else {
                    // It does not come about.
                    connection = 0
                }
            }
        }
        guard let due = consumer.due else { return }
        if due <= events.now { faults.append("due is not in the future") }
        alarms += 1
        events.schedule(.alarm(alarms), at: due)
    }

    private mutating func acknowledge(_ tag: UInt64) {
        guard let held = held.removeValue(forKey: tag) else { return faults.append("acknowledged what is not there") }
        if messages[held.message].isWanted, !held.isDone { faults.append("acknowledged without success") }
        messages[held.message].isGone = true
        events.schedule(.deliver(connection), after: .milliseconds(1))
    }

    private mutating func reject(_ tag: UInt64, requeues: Bool) {
        guard let held = held.removeValue(forKey: tag) else { return faults.append("\(tag) is not there to reject") }
        if requeues {
            if held.isDone { faults.append("given back after success") }
            if throttled.first == tag, !isStopped { seen.givenUp += 1 }
            ready.insert(held.message, at: 0)
        } else {
            seen.refusals += 1
            if messages[held.message].bytes <= Self.payloadBytesMax { faults.append("thrown away") }
            messages[held.message].isGone = true
        }
        events.schedule(.deliver(connection), after: .milliseconds(1))
    }

    private mutating func begin(_ id: Int, _ tags: [UInt64]) {
        throttled = []
        if running != nil { faults.append("two invocations at once") }
        if isStopped { faults.append("an invocation after the end") }
        let batch = tags.compactMap { held[$0] }
        if batch.count != tags.count { faults.append("what is run is not in hand") }
        if tags.isEmpty || tags.count > consumer.settings.batchSize { faults.append("a batch of \(tags.count)") }
        if !batch.allSatisfy({ messages[$0.message].isWanted }) { faults.append("what no filter lets through was run") }
        let bytes = batch.reduce(tags.count - 1) { $0 + messages[$1.message].bytes }
        if bytes > Self.payloadBytesMax { faults.append("\(bytes) bytes in a batch") }
        if batch.contains(where: { events.now - $0.arrived > RabbitMQConsumer.holdMax }) {
            faults.append("held for too long")
        }
        if tried.insert(id).inserted { check(tags, batch) }
        running = (id, tags, connection)
        events.schedule(.ended(id), after: random.duration(upTo: random.oneIn(10) ? .seconds(60) : .seconds(1)))
    }

    /// A batch that is run for the first time.
    private mutating func check(_ tags: [UInt64], _ batch: [Held]) {
        if tags.count == consumer.settings.batchSize {
            seen.fullBatches += 1
        } else if let first = batch.first, events.now >= first.arrived + consumer.settings.window {
            seen.windows += 1
        } else {
            // Only what comes next may be too large for it.
            let rest = held.filter {
                !tags.contains($0.key) && messages[$0.value.message].bytes <= Self.payloadBytesMax
            }
            if rest.isEmpty { faults.append("a batch before its time") }
        }
    }
}
