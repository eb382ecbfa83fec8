// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct StreamSimulationTests {
    /// 300 histories of a stream that is split and merged, what reads it, and a function that fails, is throttled and takes its time, with
    /// kills between: every record is processed or discarded, in the order of its shard, and every bound holds.
    @Test(arguments: UInt64(0)..<10) func `random histories skip no record and keep every bound`(_ batch: UInt64) {
        var seen = StreamHistory.Seen()
        for seed in Histories.seeds(batch, of: 10, count: 300) {
            var history = StreamHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        let all = [
            seen.failures, seen.partial, seen.throttles, seen.readFailures, seen.exhausted, seen.tooOld, seen.splits,
            seen.merges, seen.kills, seen.expired, seen.fullBatches, seen.filtered, seen.saveFailures,
            seen.trimmed, seen.vanished, seen.omitted,
        ]
        #expect(Histories.areFew || all.allSatisfy { $0 > 0 }, "\(all)")
    }
}

/// A stream, its pollers, and a function, from a seed.
private struct StreamHistory {
    struct Seen {
        var failures = 0, partial = 0, throttles = 0, readFailures = 0, exhausted = 0, tooOld = 0, splits = 0
        var merges = 0, kills = 0, expired = 0, fullBatches = 0, filtered = 0, saveFailures = 0
        var trimmed = 0, vanished = 0, omitted = 0

        mutating func add(_ other: Seen) {
            failures += other.failures
            partial += other.partial
            throttles += other.throttles
            readFailures += other.readFailures
            exhausted += other.exhausted
            tooOld += other.tooOld
            splits += other.splits
            merges += other.merges
            kills += other.kills
            expired += other.expired
            fullBatches += other.fullBatches
            filtered += other.filtered
            saveFailures += other.saveFailures
            trimmed += other.trimmed
            vanished += other.vanished
            omitted += other.omitted
        }
    }

    private enum Event {
        case arrive, reshard, vanish, kill, alarm(Int)
        case listed(life: Int)
        case savedSet([String: StreamPosition], life: Int)
        case opened(String, StreamPosition, life: Int)
        case fetched(String, max: Int, life: Int)
        case ended(String, Int, [Int], life: Int)
        case discarded(String, Int, [Int], life: Int)
        case saved(String, StreamPosition, life: Int)
    }

    private struct Record {
        var key: Int
        var bytes: Int
        var arrived: MonotonicTime
        var isWanted: Bool
        var isPoison: Bool
        var sequence: Int
        var isDelivered = false
        var isDiscarded = false
    }

    private struct Shard {
        var parents: [String]
        /// Which keys it has: those whose remainders are these.
        var keys: Set<Int>
        var records: [Int] = []
        var isClosed = false
        /// Records before this one are there no more.
        var floor = 0
        /// The shard is there no more.
        var isGone = false
    }

    private struct Reader {
        var machine: ShardPoller
        /// The next record to read, as an index of the shard's.
        var place = 0
        var numbers: [Int: Int] = [:]
        var wasOpened = false
    }

    private static let payloadBytesMax = 1_000

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private let settings: ShardPoller.Settings
    private let start: ShardSet.Start
    private var shards: [String: Shard] = [:]
    private var records: [Record] = []
    private var durable: [String: StreamPosition] = [:]
    private var set: ShardSet
    private var readers: [String: Reader] = [:]
    private var lastNumber = 0
    private var life = 0
    private var alarms = 0
    /// Of this life, and the shard that the last of them lacked.
    private var listings = 0
    private var omitted: String?
    private var arrivals: Int
    private var kills: Int
    /// When the mapping's first listing was; what was there before is not asked for with the latest.
    private var begun: Int?
    private var isCalm: Bool { arrivals == 0 && events.now.nanoseconds > 400_000_000_000 }
    private(set) var faults: [String] = []
    private(set) var seen = Seen()

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        settings = ShardPoller.Settings(
            batchSize: 1 + random.below(random.oneIn(2) ? 5 : 40),
            window: random.oneIn(2) ? .zero : .seconds(1 + random.below(20)),
            retriesMax: random.oneIn(2) ? random.below(4) : nil,
            ageMax: random.oneIn(2) ? .seconds(20 + random.below(200)) : nil,
            bisects: random.oneIn(2),
            lanes: random.oneIn(2) ? 1 : 2
        )
        arrivals = 20 + random.below(200)
        kills = random.below(4)
        start = random.oneIn(3) ? .latest : .trimHorizon
        set = ShardSet(start: start, positions: [:])
        shards["s0"] = Shard(parents: [], keys: [0, 1])
        shards["s1"] = Shard(parents: [], keys: [2, 3])
        self.random = random
    }

    mutating func run() {
        events.schedule(.arrive, after: .zero)
        for _ in 0..<random.below(5) { events.schedule(.reshard, after: random.duration(upTo: .seconds(200))) }
        for _ in 0..<random.below(3) { events.schedule(.vanish, after: random.duration(upTo: .seconds(300))) }
        for _ in 0..<kills { events.schedule(.kill, after: random.duration(upTo: .seconds(300))) }
        act()
        var steps = 0
        while let event = events.next() {
            // One alarm counts, the last.
            if case .alarm(let number) = event, number != alarms { continue }
            handle(event)
            act()
            steps += 1
            if isDone { return }
            if steps > 60_000 {
                faults.append("no end: \(records.filter { !isSettled($0) }.count) records are left")
                return
            }
        }
        faults.append("nothing happens any more")
    }

    private func isSettled(_ record: Record) -> Bool {
        record.isDelivered || record.isDiscarded || !record.isWanted
            || start == .latest && record.sequence < (begun ?? Int.max)
    }

    private var isDone: Bool { isCalm && begun != nil && records.allSatisfy(isSettled) }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrive: arrive()
        case .reshard: reshard()
        case .vanish: vanish()
        case .kill: kill()
        case .alarm: break
        case .listed(let life): if life == self.life { list() }
        case .savedSet(let positions, let life):
            guard life == self.life else { return }
            if isFaulty(20) { return set.saveFailed(at: events.now) }
            durable.merge(positions) { _, new in new }
            set.saved()
        case .opened(let shard, let position, let life): if life == self.life { open(shard, position) }
        case .fetched(let shard, let max, let life): if life == self.life { fetch(shard, max) }
        case .ended(let shard, let lane, let numbers, let life): if life == self.life { end(shard, lane, numbers) }
        case .discarded(let shard, let lane, let numbers, let life):
            guard life == self.life else { return }
            for number in numbers { records[index(shard, number)].isDiscarded = true }
            readers[shard]?.machine.discarded(lane: lane, at: events.now)
        case .saved(let shard, let position, let life):
            guard life == self.life else { return }
            if isFaulty(10) {
                seen.saveFailures += 1
                readers[shard]?.machine.saveFailed(at: events.now)
                return
            }
            check(position, of: shard)
            durable[shard] = position
            readers[shard]?.machine.saved(at: events.now)
            if readers[shard]?.machine.isFinished == true {
                if readers[shard]?.machine.isReading == true { faults.append("a shard ends while it is read") }
                readers[shard] = nil
                set.finished(shard, at: events.now)
            }
        }
    }

    private mutating func isFaulty(_ count: Int) -> Bool { !isCalm && random.oneIn(count) }

    private func index(_ shard: String, _ number: Int) -> Int { readers[shard]?.numbers[number] ?? 0 }

    // MARK: The stream

    private mutating func arrive() {
        for _ in 0..<min(arrivals, 1 + random.below(random.oneIn(4) ? 40 : 3)) {
            arrivals -= 1
            let key = random.below(4)
            guard let shard = shards.first(where: { !$0.value.isClosed && $0.value.keys.contains(key) })?.key else {
                faults.append("no shard for a key")
                return
            }
            let isWanted = !random.oneIn(5)
            if !isWanted { seen.filtered += 1 }
            shards[shard]?.records.append(records.count)
            records.append(
                Record(
                    key: key,
                    bytes: 1 + random.below(300),
                    arrived: events.now,
                    isWanted: isWanted,
                    isPoison: settings.retriesMax != nil && random.oneIn(15),
                    sequence: records.count
                )
            )
        }
        if arrivals > 0 { events.schedule(.arrive, after: random.duration(upTo: .seconds(random.oneIn(5) ? 40 : 2))) }
    }

    private mutating func reshard() {
        let open = shards.filter { !$0.value.isClosed }.sorted { $0.key < $1.key }
        guard let chosen = random.element(of: open) else { return }
        let name = "s\(shards.count)"
        if let keys = Optional(chosen.value.keys.sorted()), keys.count > 1, random.oneIn(2) || open.count == 1 {
            seen.splits += 1
            shards[chosen.key]?.isClosed = true
            shards[name] = Shard(parents: [chosen.key], keys: Set(keys.prefix(1)))
            shards["s\(shards.count)"] = Shard(parents: [chosen.key], keys: Set(keys.dropFirst()))
        } else if let other = open.first(where: { $0.key != chosen.key }) {
            seen.merges += 1
            shards[chosen.key]?.isClosed = true
            shards[other.key]?.isClosed = true
            shards[name] = Shard(
                parents: [chosen.key, other.key],
                keys: chosen.value.keys.union(other.value.keys)
            )
        }
    }

    private mutating func vanish() {
        // None before those that it was made of.
        let closed = shards.filter {
            $0.value.isClosed && !$0.value.isGone && $0.value.parents.allSatisfy { shards[$0]?.isGone == true }
        }.keys.sorted()
        guard let name = random.element(of: closed) else { return }
        seen.vanished += 1
        shards[name]?.isGone = true
        lose(name)
    }

    /// What is there no more is nobody's, unless it is in hand, or a read that is under way may bring it.
    private mutating func lose(_ name: String) {
        guard let shard = shards[name], readers[name]?.machine.isReading != true else { return }
        let inHand = Set((readers[name]?.numbers ?? [:]).values)
        for index in shard.isGone ? shard.records[...] : shard.records[..<shard.floor]
        where !isSettled(records[index]) && !inHand.contains(index) {
            records[index].isWanted = false
        }
    }

    private mutating func list() {
        if isFaulty(8) { return set.listFailed(at: events.now) }
        var found = shards.filter { !$0.value.isGone }
            .map { ShardSet.Shard(id: $0.key, parents: $0.value.parents, isClosed: $0.value.isClosed) }
        listings += 1
        // Now and then a shard is lacking, but not twice.
        let last = omitted
        omitted = nil
        if listings > 1, isFaulty(4), let shard = random.element(of: found.sorted { $0.id < $1.id }), shard.id != last {
            seen.omitted += 1
            omitted = shard.id
            found.removeAll { $0.id == shard.id }
        }
        // What comes after it is the mapping's; until its listing is durable, a kill makes another the first.
        if start == .latest, durable.isEmpty { begun = records.count }
        if start != .latest { begun = 0 }
        set.listed(found, at: events.now, time: Timestamp(millisecondsSinceEpoch: Int64(records.count)))
    }

    private mutating func open(_ name: String, _ position: StreamPosition) {
        // What comes after the first try is the mapping's, whether or not that succeeds.
        if case .latest = position, readers[name]?.wasOpened == true { faults.append("the latest is asked for twice") }
        readers[name]?.wasOpened = true
        if isFaulty(15) {
            seen.readFailures += 1
            readers[name]?.machine.readFailed(at: events.now)
            return
        }
        if shards[name]?.isGone == true {
            readers[name]?.machine.readFailed(at: events.now)
            return lose(name)
        }
        let all = shards[name]?.records ?? []
        if case .after(let text) = position {
            let place = all.firstIndex { records[$0].sequence > Int(text) ?? 0 } ?? all.count
            let floor = shards[name]?.floor ?? 0
            if isFaulty(8), place < all.count {
                shards[name]?.floor = max(floor, min(all.count, place + 1 + random.below(3)))
            }
            if place < shards[name]?.floor ?? 0 {
                seen.trimmed += 1
                readers[name]?.machine.trimmed(at: events.now)
                return lose(name)
            }
        }
        let floor = shards[name]?.floor ?? 0
        let place =
            switch position {
            case .trimHorizon: floor
            case .latest: skip(all)
            // Here times are counts of records.
            case .since(let time):
                all.firstIndex { records[$0].sequence >= Int(time.millisecondsSinceEpoch) } ?? all.count
            case .after(let text): all.firstIndex { records[$0].sequence > Int(text) ?? 0 } ?? all.count
            case .end: all.count
            }
        readers[name]?.place = max(floor, place)
        readers[name]?.machine.opened(at: events.now)
    }

    /// What came between the listing and this is nobody's, as on AWS.
    private mutating func skip(_ all: [Int]) -> Int {
        for index in all where !isSettled(records[index]) { records[index].isWanted = false }
        return all.count
    }

    private mutating func fetch(_ name: String, _ max: Int) {
        guard var reader = readers[name], let shard = shards[name] else { return }
        defer {
            readers[name] = reader
            if shard.isGone { lose(name) }
        }
        switch isCalm ? 9 : random.below(40) {
        case 0:
            seen.readFailures += 1
            return reader.machine.readFailed(at: events.now)
        case 1:
            seen.expired += 1
            return reader.machine.expired(at: events.now)
        case 2: return reader.machine.overflowed(at: events.now)
        default: break
        }
        let taken = shard.records[reader.place...].prefix(min(max, 1 + random.below(60)))
        reader.place += taken.count
        var given: [ShardPoller.Record] = []
        for index in taken where records[index].isWanted {
            lastNumber += 1
            reader.numbers[lastNumber] = index
            given.append(
                .init(
                    number: lastNumber,
                    sequence: String(records[index].sequence),
                    bytes: records[index].bytes,
                    age: events.now - records[index].arrived,
                    arrival: Timestamp(millisecondsSinceEpoch: Int64(records[index].sequence)),
                    lane: records[index].key % settings.lanes
                )
            )
        }
        let isLast = reader.place == shard.records.count
        reader.machine.fetched(
            .init(
                records: given,
                last: taken.last.map { String(records[$0].sequence) },
                lastArrival: taken.last.map { Timestamp(millisecondsSinceEpoch: Int64(records[$0].sequence)) },
                hasMore: !isLast,
                // Half of the shards say so themselves.
                isEnd: isLast && shard.isClosed && name.count % 2 == 0 && random.oneIn(2),
                began: Timestamp(millisecondsSinceEpoch: Int64(records.count))
            ),
            at: events.now
        )
    }

    private mutating func check(_ position: StreamPosition, of name: String) {
        let left = (shards[name]?.records ?? []).filter { !isSettled(records[$0]) }
        let limit: Int
        switch position {
        case .after(let text): limit = Int(text) ?? 0
        case .end: limit = Int.max
        case .trimHorizon, .latest, .since: return
        }
        if left.contains(where: { records[$0].sequence <= limit }) { faults.append("a position skips records") }
    }

    // MARK: The function

    private mutating func end(_ name: String, _ lane: Int, _ numbers: [Int]) {
        guard var reader = readers[name] else { return }
        defer { readers[name] = reader }
        let indices = numbers.map { reader.numbers[$0] ?? 0 }
        if let poison = indices.firstIndex(where: { records[$0].isPoison }) {
            if random.oneIn(2), poison > 0 {
                seen.partial += 1
                for index in indices[..<poison] { records[index].isDelivered = true }
                return reader.machine.ended(.failed(from: numbers[poison]), lane: lane, at: events.now)
            }
            seen.failures += 1
            return reader.machine.ended(.failed(from: nil), lane: lane, at: events.now)
        }
        switch isCalm ? 9 : random.below(10) {
        case 0:
            seen.failures += 1
            reader.machine.ended(.failed(from: nil), lane: lane, at: events.now)
        case 1:
            let first = random.below(numbers.count)
            seen.partial += 1
            for index in indices[..<first] { records[index].isDelivered = true }
            reader.machine.ended(.failed(from: numbers[first]), lane: lane, at: events.now)
        case 2:
            seen.throttles += 1
            reader.machine.ended(.throttled, lane: lane, at: events.now)
        default:
            for index in indices { records[index].isDelivered = true }
            reader.machine.ended(.succeeded, lane: lane, at: events.now)
        }
    }

    private mutating func begin(_ name: String, _ numbers: [Int]) {
        guard let reader = readers[name], let shard = shards[name] else { return }
        let indices = numbers.compactMap { reader.numbers[$0] }
        if indices.count != numbers.count { faults.append("what is run was not in hand") }
        let bytes = indices.reduce(0) { $0 + records[$1].bytes }
        if numbers.count > 1, bytes + numbers.count - 1 + 14 > Self.payloadBytesMax {
            faults.append("\(bytes) bytes in a batch")
        }
        if numbers.count > settings.batchSize { faults.append("\(numbers.count) records in a batch") }
        if numbers.count == settings.batchSize { seen.fullBatches += 1 }
        if indices != indices.sorted() { faults.append("a batch is not in order") }
        // Nothing before it in its shard, or in those that this came from, is left.
        guard let first = indices.first else { return faults.append("an empty batch") }
        let earlier = shard.records.prefix { $0 < first } + ancestors(of: name).flatMap { shards[$0]?.records ?? [] }
        let lane = records[first].key % settings.lanes
        if indices.contains(where: { records[$0].key % settings.lanes != lane }) { faults.append("lanes are mixed") }
        let isOvertaken = earlier.contains { records[$0].key % settings.lanes == lane && !isSettled(records[$0]) }
        if isOvertaken { faults.append("a record is overtaken") }
    }

    private func ancestors(of name: String) -> [String] {
        let parents = shards[name]?.parents ?? []
        return parents + parents.flatMap { ancestors(of: $0) }
    }

    // MARK: The pollers

    private mutating func kill() {
        seen.kills += 1
        life += 1
        readers = [:]
        listings = 0
        omitted = nil
        for name in shards.keys { lose(name) }
        set = ShardSet(start: start, positions: durable)
    }

    private mutating func soon() -> Duration { .milliseconds(1 + random.below(20)) }

    private mutating func act() {
        while let action = set.next(at: events.now) { perform(action) }
        for name in readers.keys.sorted() {
            while let action = readers[name]?.machine.next(at: events.now) { perform(action, name) }
            guard let machine = readers[name]?.machine else { continue }
            let more = settings.lanes > 1 ? 1_000 : 0
            if machine.recordsInHand > 2 * settings.batchSize * settings.lanes + 60 + more {
                faults.append("\(machine.recordsInHand) records in hand")
            }
            if machine.bytesInHand > 2 * Self.payloadBytesMax * settings.lanes + 60 * 300 + 300 {
                faults.append("\(machine.bytesInHand) bytes in hand")
            }
        }
        let dues = [set.due] + readers.values.map(\.machine.due)
        guard let due = dues.compactMap(\.self).min() else { return }
        if due <= events.now { faults.append("due is not in the future") }
        alarms += 1
        events.schedule(.alarm(alarms), at: due)
    }

    private mutating func perform(_ action: ShardSet.Action) {
        switch action {
        case .list: events.schedule(.listed(life: life), after: soon())
        case .save(let positions): events.schedule(.savedSet(positions, life: life), after: soon())
        case .read(let name, let position):
            if readers[name] != nil { faults.append("a shard is read twice") }
            let parents = shards[name]?.parents ?? []
            let isEarly = parents.contains {
                durable[$0] != .end && (shards[$0]?.isGone != true || readers[$0] != nil)
            }
            if isEarly { faults.append("a child before its parents") }
            readers[name] = Reader(
                machine: ShardPoller(settings, from: position, payloadBytesMax: Self.payloadBytesMax)
            )
        case .seal(let name):
            if shards[name]?.isClosed != true { faults.append("an open shard is sealed") }
            readers[name]?.machine.seal()
        case .vanish(let name):
            if shards[name]?.isGone != true { faults.append("a shard that is there vanishes") }
            readers[name]?.machine.vanish()
        case .forget(let names):
            if names.contains(where: { shards[$0]?.isGone != true }) { faults.append("a position is forgotten") }
            for name in names { durable[name] = nil }
        }
    }

    private mutating func perform(_ action: ShardPoller.Action, _ name: String) {
        switch action {
        case .open(let position): events.schedule(.opened(name, position, life: life), after: soon())
        case .fetch(let max): events.schedule(.fetched(name, max: max, life: life), after: soon())
        case .invoke(let lane, let numbers):
            begin(name, numbers)
            let time = random.duration(upTo: random.oneIn(10) ? .seconds(60) : .seconds(1))
            events.schedule(.ended(name, lane, numbers, life: life), after: time)
        case .discard(let lane, let numbers, let reason, _):
            if reason == .recordAgeExceeded {
                seen.tooOld += numbers.count
                let isYoung = numbers.contains {
                    events.now - records[index(name, $0)].arrived <= settings.ageMax ?? .zero
                }
                if isYoung { faults.append("discarded too early") }
            } else {
                seen.exhausted += numbers.count
                if settings.retriesMax == nil { faults.append("retries that have no end ended") }
                if settings.bisects, numbers.count > 1 { faults.append("discarded without a split") }
            }
            events.schedule(.discarded(name, lane, numbers, life: life), after: soon())
        case .conclude: faults.append("a window is concluded where there is none")
        case .save(let position, let window, let done):
            if window != nil { faults.append("a window is saved where there is none") }
            for number in done { readers[name]?.numbers[number] = nil }
            events.schedule(.saved(name, position, life: life), after: soon())
        }
    }
}
