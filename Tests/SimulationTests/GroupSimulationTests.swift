// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct GroupSimulationTests {
    /// 120 histories of a topic, a group of two members that is rebalanced in mid-batch, and a function that fails, is throttled and takes
    /// its time, with kills, memberships that are lost, and partitions that are made anew with other records: every record is processed or
    /// discarded, in the order of its partition, no offset is committed before, no process repeats what it has done, and the lag is
    /// between what is not settled and what is not committed.
    @Test(arguments: UInt64(0)..<4) func `random histories skip no record and keep every order`(_ batch: UInt64) {
        var seen = GroupHistory.Seen()
        for seed in Histories.seeds(batch, of: 4, count: 120) {
            var history = GroupHistory(seed: seed)
            history.run()
            #expect(history.faults.isEmpty, "seed \(seed): \(history.faults.prefix(3))")
            seen.add(history.seen)
        }
        #expect(Histories.areFew || seen.counts.allSatisfy { $0 > 0 }, "\(seen.counts)")
    }
}

/// A topic, the members of a group that read it, and a function, from a seed.
private struct GroupHistory {
    struct Seen {
        enum Event: Int, CaseIterable {
            case failures, partial, throttles, unfit, exhausted, tooOld, rebalances, lost, kills, stops, fullBatches
            case filtered, commitFailures, orphans, undone, madeAnew, strays
        }

        var counts = Array(repeating: 0, count: Event.allCases.count)

        mutating func count(_ event: Event, _ times: Int = 1) { counts[event.rawValue] += times }

        mutating func add(_ other: Seen) { for index in counts.indices { counts[index] += other.counts[index] } }
    }

    private enum Event {
        case arrive, rebalance, lose, kill, stop, makeAnew, alarm(Int)
        case start(Int)
        case poll(Int, life: Int)
        case ended(Int, GroupMember.Seat, [Int], life: Int)
        case discarded(Int, GroupMember.Seat, [Int], life: Int)
        case committed(Int, GroupMember.Seat, Int64, generation: Int, life: Int)
    }

    private struct Record {
        var bytes: Int
        var arrived: MonotonicTime
        var isWanted: Bool
        var isPoison: Bool
        var isUnfit: Bool
        var isSettled = false
    }

    /// One process, from its start to its kill or its stop.
    private struct Life {
        var member: GroupMember
        var number: Int
        /// What the group gave it, and the group's generation then; nil for nothing.
        var generation: Int?
        var wants: [GroupMember.Seat: Int] = [:]
        var places: [Int: Int] = [:]
        /// By seat and number: the record's offset.
        var inHand: [GroupMember.Seat: [Int: Int]] = [:]
        var running: [Int: GroupMember.Seat] = [:]
        var isPolling = false
        /// Which making of its partition a seat reads.
        var makings: [GroupMember.Seat: Int] = [:]
        /// Of all partitions, when it was given some.
        var givenMakings: [Int] = []
        /// What this very process has done: partition, making and offset.
        var done: Set<[Int]> = []
    }

    private static let payloadBytesMax = 1_000
    private static let membersMax = 2

    private var random: SplitMix64
    private var events = EventQueue<Event>()
    private let settings: ShardPoller.Settings
    private var partitions: [[Record]]
    private var committed: [Int: Int64] = [:]
    /// How often each partition was made anew.
    private var makings: [Int]
    private var lives: [Int: Life] = [:]
    private var lastLife = 0
    private var lastNumber = 0
    private var alarms = 0
    private var generation = 0
    /// Whose partitions the group waits for.
    private var waited: Set<Int>?
    private var arrivals: Int
    private var isCalm: Bool { arrivals == 0 && events.now.nanoseconds > 400_000_000_000 }
    private(set) var faults: [String] = []
    private(set) var seen = Seen()

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        settings = ShardPoller.Settings(
            batchSize: 1 + random.below(random.oneIn(2) ? 5 : 40),
            window: random.oneIn(2) ? .milliseconds(500) : .seconds(random.below(20)),
            retriesMax: random.oneIn(2) ? random.below(4) : nil,
            ageMax: random.oneIn(2) ? .seconds(20 + random.below(200)) : nil,
            bisects: random.oneIn(2),
            isPushed: true
        )
        partitions = Array(repeating: [], count: 1 + random.below(4))
        makings = Array(repeating: 0, count: partitions.count)
        arrivals = 20 + random.below(200)
        self.random = random
    }

    mutating func run() {
        events.schedule(.arrive, after: .zero)
        for member in 0..<Self.membersMax {
            events.schedule(.start(member), after: member == 0 ? .zero : random.duration(upTo: .seconds(200)))
        }
        for _ in 0..<random.below(6) { events.schedule(.rebalance, after: random.duration(upTo: .seconds(300))) }
        for _ in 0..<random.below(3) { events.schedule(.lose, after: random.duration(upTo: .seconds(300))) }
        for _ in 0..<random.below(3) { events.schedule(.kill, after: random.duration(upTo: .seconds(300))) }
        for _ in 0..<random.below(3) { events.schedule(.stop, after: random.duration(upTo: .seconds(300))) }
        for _ in 0..<random.below(4) { events.schedule(.makeAnew, after: random.duration(upTo: .seconds(300))) }
        var steps = 0
        while let event = events.next() {
            // One alarm counts, the last.
            if case .alarm(let number) = event, number != alarms { continue }
            handle(event)
            act()
            steps += 1
            if isDone { return }
            if steps > 60_000 { return faults.append("no end: \(left) records are left") }
        }
        faults.append("nothing happens any more: \(left) records are left")
    }

    private var left: Int { partitions.joined().filter { $0.isWanted && !$0.isSettled }.count }

    private var isDone: Bool {
        isCalm && waited == nil
            && partitions.indices.allSatisfy {
                Int(committed[$0] ?? 0) == partitions[$0].count || partitions[$0].isEmpty
            }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrive: arrive()
        case .rebalance: rebalance()
        case .lose: lose()
        case .kill: kill()
        case .stop: stop()
        case .makeAnew: makeAnew()
        case .start(let member): start(member)
        case .alarm: break
        case .poll(let member, let life):
            guard lives[member]?.number == life else { return }
            lives[member]?.isPolling = false
            poll(member)
        case .ended(let member, let seat, let numbers, let life):
            if lives[member]?.number == life { end(member, seat, numbers) }
        case .discarded(let member, let seat, let numbers, let life):
            if lives[member]?.number == life { discard(member, seat, numbers) }
        case .committed(let member, let seat, let offset, let generation, let life):
            if lives[member]?.number == life { commit(member, seat, offset, generation) }
        }
    }

    private mutating func isFaulty(_ count: Int) -> Bool { !isCalm && random.oneIn(count) }

    private mutating func soon() -> Duration { .milliseconds(1 + random.below(20)) }

    // MARK: The topic and the group

    private mutating func arrive() {
        for _ in 0..<min(arrivals, 1 + random.below(random.oneIn(4) ? 40 : 3)) {
            arrivals -= 1
            let isWanted = !random.oneIn(5)
            if !isWanted { seen.count(.filtered) }
            partitions[random.below(partitions.count)].append(
                Record(
                    bytes: 1 + random.below(300),
                    arrived: events.now,
                    isWanted: isWanted,
                    isPoison: settings.retriesMax != nil && random.oneIn(15),
                    isUnfit: random.oneIn(40)
                )
            )
        }
        if arrivals > 0 { events.schedule(.arrive, after: random.duration(upTo: .seconds(random.oneIn(5) ? 40 : 2))) }
    }

    private mutating func start(_ member: Int) {
        guard lives[member] == nil else { return }
        lastLife += 1
        lives[member] = Life(
            member: GroupMember(settings, payloadBytesMax: Self.payloadBytesMax),
            number: lastLife
        )
        rebalance()
    }

    /// Asks all for what they have; it is given anew when all have given it back.
    private mutating func rebalance() {
        seen.count(.rebalances)
        generation += 1
        let holding = lives.filter { $0.value.generation != nil }.keys.sorted()
        for member in holding where waited?.contains(member) != true {
            lives[member]?.member.revoked(isLost: false, at: events.now)
        }
        waited = Set(holding)
        give()
    }

    private mutating func give() {
        guard waited?.isEmpty == true else { return }
        waited = nil
        let members = lives.filter { !$0.value.member.isStopping }.keys.sorted()
        guard !members.isEmpty else { return }
        var given: [Int: [Int: Int64]] = [:]
        for partition in partitions.indices {
            let member = members[random.below(members.count)]
            given[member, default: [:]][partition] = committed[partition] ?? 0
        }
        for member in members {
            let offsets = given[member] ?? [:]
            lives[member]?.generation = generation
            lives[member]?.places = offsets.mapValues { Int($0) }
            lives[member]?.givenMakings = makings
            lives[member]?.member.assigned(offsets, at: events.now)
        }
    }

    /// A member was silent for too long: what it has is another's at once.
    private mutating func lose() {
        let holding = lives.filter { $0.value.generation != nil }.keys.sorted()
        guard let member = random.element(of: holding) else { return }
        seen.count(.lost)
        lives[member]?.generation = nil
        lives[member]?.member.revoked(isLost: true, at: events.now)
        waited?.remove(member)
        rebalance()
    }

    private mutating func kill() {
        guard let member = random.element(of: lives.keys.sorted()) else { return }
        seen.count(.kills)
        lives[member] = nil
        waited?.remove(member)
        events.schedule(.start(member), after: random.duration(upTo: .seconds(20)))
        rebalance()
    }

    private mutating func stop() {
        guard let member = random.element(of: lives.keys.sorted()) else { return }
        lives[member]?.member.stop(at: events.now)
    }

    /// A topic was deleted and made anew: its partition is empty, the group has no offset of it, and all begin it anew.
    private mutating func makeAnew() {
        seen.count(.madeAnew)
        let partition = random.below(partitions.count)
        partitions[partition] = []
        makings[partition] += 1
        committed[partition] = nil
        for member in lives.keys { lives[member]?.places[partition] = 0 }
        rebalance()
    }

    /// Whether what the seat has is of a partition that is no more.
    private mutating func isStray(_ member: Int, _ seat: GroupMember.Seat) -> Bool {
        guard lives[member]?.makings[seat] != makings[seat.partition] else { return false }
        seen.count(.strays)
        return true
    }

    private mutating func commit(_ member: Int, _ seat: GroupMember.Seat, _ offset: Int64, _ generation: Int) {
        let isMember = lives[member]?.generation == generation && !isStray(member, seat)
        let isDone = isMember && !isFaulty(10)
        if isDone { committed[seat.partition] = offset } else { seen.count(.commitFailures) }
        lives[member]?.member.committed(seat, isDone: isDone, at: events.now)
    }

    // MARK: The function

    private func offsets(_ member: Int, _ seat: GroupMember.Seat, _ numbers: [Int]) -> [Int] {
        numbers.compactMap { lives[member]?.inHand[seat]?[$0] }
    }

    private mutating func settle(_ member: Int, _ seat: GroupMember.Seat, _ offsets: some Sequence<Int>) {
        for offset in offsets {
            partitions[seat.partition][offset].isSettled = true
            lives[member]?.done.insert([seat.partition, makings[seat.partition], offset])
        }
    }

    private mutating func begin(_ member: Int, _ seat: GroupMember.Seat, _ numbers: [Int]) {
        let found = offsets(member, seat, numbers)
        guard !isStray(member, seat) else {
            lives[member]?.running[seat.partition] = seat
            return
        }
        let records = found.map { partitions[seat.partition][$0] }
        if found.count != numbers.count || found.isEmpty { faults.append("what is run was not in hand") }
        if lives[member]?.running[seat.partition] != nil { faults.append("two batches of a partition at once") }
        if found != found.sorted() { faults.append("a batch is not in order") }
        if numbers.count > settings.batchSize { faults.append("\(numbers.count) records in a batch") }
        if numbers.count == settings.batchSize { seen.count(.fullBatches) }
        let bytes = records.reduce(numbers.count + 13) { $0 + $1.bytes }
        if numbers.count > 1, bytes > Self.payloadBytesMax { faults.append("\(bytes) bytes in a batch") }
        if let first = found.first,
            partitions[seat.partition][..<first].contains(where: { $0.isWanted && !$0.isSettled })
        {
            faults.append("a record is overtaken")
        }
        let making = makings[seat.partition]
        if found.contains(where: { lives[member]?.done.contains([seat.partition, making, $0]) == true }) {
            faults.append("a process repeats what it has done")
        }
        lives[member]?.running[seat.partition] = seat
    }

    private mutating func end(_ member: Int, _ seat: GroupMember.Seat, _ numbers: [Int]) {
        let found = offsets(member, seat, numbers)
        lives[member]?.running[seat.partition] = nil
        if lives[member]?.member.holds(seat) != true { seen.count(.orphans) }
        guard !isStray(member, seat) else {
            lives[member]?.member.ended(seat, .succeeded, at: events.now)
            return
        }
        let outcome: ShardPoller.Outcome
        let records = found.map { partitions[seat.partition][$0] }
        if numbers.count == 1, records[0].isUnfit {
            seen.count(.unfit)
            outcome = .unfit
        } else if let poison = records.firstIndex(where: \.isPoison), poison == 0 || random.oneIn(2) {
            seen.count(.failures)
            outcome = .failed(from: nil)
        } else if let poison = records.firstIndex(where: \.isPoison) {
            seen.count(.partial)
            settle(member, seat, found[..<poison])
            outcome = .failed(from: numbers[poison])
        } else if isFaulty(10) {
            seen.count(.throttles)
            outcome = .throttled
        } else if isFaulty(8) {
            let first = random.below(numbers.count)
            seen.count(first > 0 ? .partial : .failures)
            settle(member, seat, found[..<first])
            outcome = .failed(from: numbers[first])
        } else {
            settle(member, seat, found)
            outcome = .succeeded
        }
        lives[member]?.member.ended(seat, outcome, at: events.now)
    }

    private mutating func discard(_ member: Int, _ seat: GroupMember.Seat, _ numbers: [Int]) {
        lives[member]?.running[seat.partition] = nil
        // Told to end, it may have had no time for it.
        if lives[member]?.member.isStopping == true, random.oneIn(2) {
            seen.count(.undone)
            lives[member]?.member.undone(seat)
            return
        }
        if !isStray(member, seat) { settle(member, seat, offsets(member, seat, numbers)) }
        lives[member]?.member.discarded(seat, at: events.now)
    }

    // MARK: The members

    /// What is there of what is wanted.
    private mutating func poll(_ member: Int) {
        for (seat, max) in (lives[member]?.wants ?? [:]).sorted(by: { $0.key.partition < $1.key.partition }) {
            guard lives[member]?.member.holds(seat) == true, let place = lives[member]?.places[seat.partition] else {
                lives[member]?.wants[seat] = nil
                continue
            }
            let taken = partitions[seat.partition][place...].prefix(min(max, 1 + random.below(60)))
            guard !taken.isEmpty else { continue }
            lives[member]?.wants[seat] = nil
            lives[member]?.places[seat.partition] = place + taken.count
            var records: [GroupMember.Record] = []
            for (offset, record) in zip(taken.indices, taken) {
                var wanted: GroupMember.Wanted?
                if record.isWanted {
                    lastNumber += 1
                    lives[member]?.inHand[seat, default: [:]][lastNumber] = offset
                    wanted = .init(
                        number: lastNumber,
                        bytes: record.bytes,
                        age: events.now - record.arrived,
                        arrival: Timestamp(millisecondsSinceEpoch: Int64(record.arrived.nanoseconds / 1_000_000))
                    )
                }
                records.append(.init(offset: Int64(offset), wanted: wanted))
            }
            let unwanted = lives[member]?.member.fetched(
                seat,
                records,
                hasMore: place + taken.count < partitions[seat.partition].count,
                at: events.now
            )
            for number in unwanted ?? [] { lives[member]?.inHand[seat]?[number] = nil }
        }
    }

    private mutating func act() {
        var dues: [MonotonicTime] = []
        for member in lives.keys.sorted() {
            while let action = lives[member]?.member.next(at: events.now) { perform(action, member) }
            guard let life = lives[member] else { continue }
            if life.generation != nil, life.givenMakings == makings { checkLag(life) }
            if life.member.recordsInHand > partitions.count * (2 * settings.batchSize + 60) * 2 {
                faults.append("\(life.member.recordsInHand) records in hand")
            }
            if life.inHand.values.reduce(0, { $0 + $1.count }) > life.member.recordsInHand + 100 {
                faults.append("records are not forgotten")
            }
            if let due = life.member.due { dues.append(due) }
            if !life.wants.isEmpty, !life.isPolling {
                lives[member]?.isPolling = true
                events.schedule(.poll(member, life: life.number), after: .milliseconds(50 + random.below(500)))
            }
            if life.member.isFinished {
                seen.count(.stops)
                if life.inHand.values.contains(where: { !$0.isEmpty }) { faults.append("records are left in hand") }
                lives[member] = nil
                events.schedule(.start(member), after: random.duration(upTo: .seconds(20)))
            }
        }
        guard let due = dues.min() else { return }
        if due <= events.now { faults.append("due is not in the future") }
        alarms += 1
        events.schedule(.alarm(alarms), at: due)
    }

    private mutating func checkLag(_ life: Life) {
        let ends = Dictionary(uniqueKeysWithValues: partitions.enumerated().map { ($0, Int64($1.count)) })
        let lag = life.member.lag(before: ends)
        let unsettled = life.places.keys.map { partitions[$0].count { $0.isWanted && !$0.isSettled } }.max()
        let uncommitted = life.places.keys.map { partitions[$0].count - Int(committed[$0] ?? 0) }.max()
        guard let lag, let unsettled, let uncommitted else {
            if lag != nil || unsettled != nil && !life.member.isStopping {
                faults.append("a lag of \(lag ?? -1) of nothing")
            }
            return
        }
        if lag < unsettled || lag > uncommitted { faults.append("a lag of \(lag), not \(unsettled)...\(uncommitted)") }
    }

    private mutating func perform(_ action: GroupMember.Action, _ member: Int) {
        guard let life = lives[member]?.number else { return }
        switch action {
        case .fetch(let seat, let max, _):
            lives[member]?.wants[seat] = max
            if lives[member]?.makings[seat] == nil { lives[member]?.makings[seat] = makings[seat.partition] }
        case .invoke(let seat, let numbers):
            begin(member, seat, numbers)
            let time = random.duration(upTo: random.oneIn(10) ? .seconds(60) : .seconds(1))
            events.schedule(.ended(member, seat, numbers, life: life), after: time)
        case .discard(let seat, let numbers, let reason, _):
            if reason == .recordAgeExceeded { seen.count(.tooOld, numbers.count) }
            if reason == .retryAttemptsExhausted { seen.count(.exhausted, numbers.count) }
            if reason == .payloadSizeExceeded, numbers.count > 1 { faults.append("a batch that is unfit") }
            lives[member]?.running[seat.partition] = seat
            if isFaulty(20) { lives[member]?.member.stop(at: events.now) }
            let time = random.oneIn(3) ? random.duration(upTo: .seconds(15)) : soon()
            events.schedule(.discarded(member, seat, numbers, life: life), after: time)
        case .commit(let seat, let offset, let done):
            if !isStray(member, seat) {
                let earlier = partitions[seat.partition][..<Int(offset)]
                if earlier.contains(where: { $0.isWanted && !$0.isSettled }) { faults.append("a commit skips records") }
            }
            for number in done { lives[member]?.inHand[seat]?[number] = nil }
            // Of the generation that the process knows.
            events.schedule(
                .committed(member, seat, offset, generation: lives[member]?.generation ?? -1, life: life),
                after: soon()
            )
        case .drop(let seat): lives[member]?.inHand[seat] = nil
        case .release:
            lives[member]?.generation = nil
            waited?.remove(member)
            // Who gives back unasked leaves, and the others share.
            if waited == nil { rebalance() } else { give() }
        case .leave: break
        }
    }
}
