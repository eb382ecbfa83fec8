// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What a member of a consumer group of Kafka does with the partitions that it is assigned: reads them, invokes the function with their
/// records, and commits their offsets.
///
/// Each partition has its own batches, windows and retries, those of a `ShardPoller`, and its order. An offset is committed after all before
/// it was processed or discarded, and before the partition's next batch begins. When the group is rebalanced in mid-batch, what runs has
/// a while to end and to be committed. What has not ended by then goes on without the group: its partition, if it is
/// assigned again, waits for it, and does not repeat what it has done.
package struct GroupMember: Sendable {
    /// A partition as it was assigned once; assigned again, it is another seat.
    package struct Seat: Hashable, Sendable {
        package var partition: Int
        fileprivate var turn: Int
    }

    package struct Record: Equatable, Sendable {
        package var offset: Int64
        /// nil for one that no filter lets through.
        package var wanted: Wanted?

        package init(offset: Int64, wanted: Wanted?) {
            self.offset = offset
            self.wanted = wanted
        }
    }

    package struct Wanted: Equatable, Sendable {
        /// The owner's own, in ascending order.
        package var number: Int
        /// In the event.
        package var bytes: Int
        /// When it was received.
        package var age: Duration
        package var arrival: Timestamp

        package init(number: Int, bytes: Int, age: Duration, arrival: Timestamp) {
            self.number = number
            self.bytes = bytes
            self.age = age
            self.arrival = arrival
        }
    }

    package enum Action: Equatable, Sendable {
        /// Read on, when there is something; to be followed by `fetched`. One that has nothing in hand is to get something even where the
        /// owner has no room for more.
        case fetch(Seat, max: Int, isEmptyHanded: Bool)
        /// Invoke the function with those records; to be followed by `ended`.
        case invoke(Seat, [Int])
        /// Tell the destination for failures; to be followed by `discarded` or `undone`.
        case discard(Seat, [Int], ShardPoller.Reason, invocations: Int)
        /// Commit that the partition is to be read from that offset on, and forget those records; to be followed by `committed`.
        case commit(Seat, Int64, done: [Int])
        /// Forget what is left of the seat's records.
        case drop(Seat)
        /// Give all partitions back to the group.
        case release
        /// Leave the group.
        case leave
    }

    /// How long the group waits for what runs when it is rebalanced, and for commits when the member stops.
    package static let grace = Duration.seconds(10)
    /// Of what was done and not committed; what is beyond may be repeated.
    private static let marksMax = 100_000

    private struct Holder: Sendable {
        var seat: Seat
        var machine: ShardPoller
        var isFetching = false
        /// What is being committed.
        var committing: Int64?
        /// All before that offset was processed or discarded; nil where it is not known from where on there are records.
        var processed: Int64?
        /// By number, what is in hand.
        var marks: [Int: Mark] = [:]
        /// What this very process has done, though the group does not know it.
        var done: [Int64: Mark]
    }

    /// By what a record is known when it comes again: a topic that was made anew has others at the same offsets.
    private struct Mark: Equatable, Sendable {
        var offset: Int64
        var bytes: Int
        var arrival: Timestamp
    }

    private enum Phase: Equatable, Sendable {
        case unassigned, holding
        /// Nothing begins any more; nil where there is no hurry.
        case leaving(deadline: MonotonicTime?)
    }

    package private(set) var settings: ShardPoller.Settings
    private let payloadBytesMax: Int
    private var phase = Phase.unassigned
    private var holders: [Int: Holder] = [:]
    /// What runs still of seats that are the group's again.
    private var orphans: [Int: Holder] = [:]
    /// By partition, what this process has done of seats that are the group's again, though the group does not know it.
    private var done: [Int: [Int64: Mark]] = [:]
    private var drops: [Seat] = []
    private var turn = 0
    package private(set) var isStopping = false
    private var hasLeft = false

    /// `payloadBytesMax` is for the records of one invocation.
    package init(_ settings: ShardPoller.Settings, payloadBytesMax: Int) {
        self.settings = settings
        self.payloadBytesMax = payloadBytesMax
    }

    /// It has left the group, and nothing runs any more.
    package var isFinished: Bool { hasLeft && holders.isEmpty && orphans.isEmpty && drops.isEmpty }
    package var isAssigned: Bool { phase != .unassigned }
    package var bytesInHand: Int {
        holders.values.reduce(0) { $0 + $1.machine.bytesInHand }
            + orphans.values.reduce(0) { $0 + $1.machine.bytesInHand }
    }
    package var recordsInHand: Int {
        holders.values.reduce(0) { $0 + $1.machine.recordsInHand }
            + orphans.values.reduce(0) { $0 + $1.machine.recordsInHand }
    }

    /// The mapping was changed; a batch that is worked on stays as it is.
    package mutating func change(_ settings: ShardPoller.Settings) {
        self.settings = settings
        for partition in holders.keys { holders[partition]?.machine.change(settings) }
    }

    /// Reads no more, and invokes no more; what runs comes to its end and is committed.
    package mutating func stop(at now: MonotonicTime) {
        isStopping = true
        if phase == .holding { phase = .leaving(deadline: nil) }
        halt(at: now)
    }

    private mutating func halt(at now: MonotonicTime) {
        for partition in holders.keys {
            holders[partition]?.machine.stop()
            // What it brings still is not waited for.
            guard holders[partition]?.isFetching == true else { continue }
            holders[partition]?.isFetching = false
            holders[partition]?.machine.fetched(Self.nothing, at: now)
        }
    }

    /// How many records were not processed yet, of the partition where those are most; nil where it is known of none where it ends,
    /// and once the member is to stop.
    package func lag(before ends: [Int: Int64]) -> Int? {
        guard !isStopping else { return nil }
        return holders.compactMap { partition, holder -> Int? in
            guard let end = ends[partition] else { return nil }
            guard let processed = holder.processed else { return end == 0 ? 0 : nil }
            return Int(max(0, end - processed))
        }
        .max()
    }

    // MARK: What happened in the group

    /// Those partitions are the member's now, each from that offset on; with a negative one from its oldest record on, wherever that is.
    package mutating func assigned(_ offsets: [Int: Int64], at now: MonotonicTime) {
        // The group takes all back before it gives anything.
        vacate(at: now)
        turn += 1
        for (partition, offset) in offsets {
            var machine = ShardPoller(
                settings,
                from: Self.position(before: max(0, offset)),
                payloadBytesMax: payloadBytesMax
            )
            if isStopping { machine.stop() }
            holders[partition] = Holder(
                seat: Seat(partition: partition, turn: turn),
                machine: machine,
                processed: offset < 0 ? nil : offset,
                done: (done.removeValue(forKey: partition) ?? [:]).filter { $0.key >= offset }
            )
        }
        phase = isStopping ? .leaving(deadline: nil) : .holding
    }

    /// The group wants its partitions back; those that are lost may be another's already.
    package mutating func revoked(isLost: Bool, at now: MonotonicTime) {
        let latest = isLost ? now : now + Self.grace
        switch phase {
        case .unassigned: phase = .leaving(deadline: now)
        case .holding, .leaving(nil): phase = .leaving(deadline: latest)
        case .leaving(let deadline?): phase = .leaving(deadline: min(deadline, latest))
        }
        halt(at: now)
    }

    /// There is no membership any more.
    package mutating func lost(at now: MonotonicTime) {
        vacate(at: now)
        if isStopping { hasLeft = true }
    }

    private mutating func vacate(at now: MonotonicTime) {
        halt(at: now)
        for (partition, holder) in holders {
            var holder = holder
            note(holder.done, partition)
            holder.done = [:]
            if holder.committing != nil { holder.machine.saveFailed(at: now) }
            if holder.machine.isIdle { drops.append(holder.seat) } else { orphans[partition] = holder }
        }
        holders = [:]
        phase = .unassigned
    }

    /// That has this process done, whatever the group knows of it.
    private mutating func note(_ marks: [Int64: Mark], _ partition: Int) {
        guard !marks.isEmpty, done.values.reduce(marks.count, { $0 + $1.count }) <= Self.marksMax else { return }
        done[partition, default: [:]].merge(marks) { _, new in new }
    }

    private static let nothing = ShardPoller.Page(
        records: [],
        last: nil,
        lastArrival: nil,
        hasMore: false,
        isEnd: false,
        began: Timestamp(millisecondsSinceEpoch: 0)
    )

    // MARK: What became of what was to be done

    /// Whether the seat is the member's, so that its records are wanted.
    package func holds(_ seat: Seat) -> Bool { holders[seat.partition]?.seat == seat }

    /// Records of a partition, in their order.
    ///
    /// - Returns: the numbers of those that are not wanted after all.
    package mutating func fetched(_ seat: Seat, _ records: [Record], hasMore: Bool, at now: MonotonicTime) -> [Int] {
        guard holds(seat), var holder = holders.removeValue(forKey: seat.partition) else {
            return records.compactMap(\.wanted?.number)
        }
        defer { holders[seat.partition] = holder }
        guard holder.isFetching else { return records.compactMap(\.wanted?.number) }
        holder.isFetching = false
        // Between what was done and what there is is nothing.
        if holder.machine.recordsInHand == 0, let first = records.first { holder.processed = max(0, first.offset) }
        var wanted: [ShardPoller.Record] = []
        var unwanted: [Int] = []
        for record in records {
            guard let found = record.wanted else { continue }
            let mark = Mark(offset: record.offset, bytes: found.bytes, arrival: found.arrival)
            guard holder.done[record.offset] != mark else {
                unwanted.append(found.number)
                continue
            }
            holder.marks[found.number] = mark
            wanted.append(
                .init(
                    number: found.number,
                    sequence: String(record.offset),
                    bytes: found.bytes,
                    age: found.age,
                    arrival: found.arrival
                )
            )
        }
        holder.machine.fetched(
            .init(
                records: wanted,
                last: records.last.map { String($0.offset) },
                lastArrival: nil,
                hasMore: hasMore,
                isEnd: false,
                began: Timestamp(millisecondsSinceEpoch: 0)
            ),
            at: now
        )
        return unwanted
    }

    /// An invocation has ended.
    package mutating func ended(_ seat: Seat, _ outcome: ShardPoller.Outcome, at now: MonotonicTime) {
        change(seat) { $0.ended(outcome, at: now) }
    }

    /// The destination knows of what was discarded, or nobody could tell it.
    package mutating func discarded(_ seat: Seat, at now: MonotonicTime) { change(seat) { $0.discarded(at: now) } }

    /// It was not discarded, as there is no time.
    package mutating func undone(_ seat: Seat) { change(seat) { $0.undone() } }

    private mutating func change(_ seat: Seat, _ body: (inout ShardPoller) -> Void) {
        if holds(seat), var holder = holders.removeValue(forKey: seat.partition) {
            body(&holder.machine)
            holders[seat.partition] = holder
        } else if var holder = orphans.removeValue(forKey: seat.partition) {
            precondition(holder.seat == seat, "what ends has begun, and is kept until it has ended")
            body(&holder.machine)
            orphans[seat.partition] = holder
        }
    }

    /// An offset was committed, or could not be; of a seat that is the group's again, nothing follows.
    package mutating func committed(_ seat: Seat, isDone: Bool, at now: MonotonicTime) {
        guard var holder = holders[seat.partition], holder.seat == seat, holder.committing != nil else { return }
        // What is not committed is what the next seat is not to repeat.
        if isDone, let offset = holder.committing { holder.done = holder.done.filter { $0.key >= offset } }
        holder.committing = nil
        if isDone { holder.machine.saved(at: now) } else { holder.machine.saveFailed(at: now) }
        holders[seat.partition] = holder
    }

    // MARK: What to do

    /// When `next` is to be asked again, if nothing else happens.
    package var due: MonotonicTime? {
        var times = holders.compactMap { orphans[$0.key] == nil ? $0.value.machine.due : nil }
        times += orphans.values.compactMap(\.machine.due)
        if case .leaving(let deadline?) = phase { times.append(deadline) }
        return times.min()
    }

    /// What is to be done now; to be asked until there is nothing.
    package mutating func next(at now: MonotonicTime) -> Action? {
        settleOrphans(at: now)
        if !drops.isEmpty { return .drop(drops.removeFirst()) }
        // Brokers that hang answer no commit.
        if phase == .leaving(deadline: nil), holders.values.contains(where: { $0.committing != nil }),
            holders.values.allSatisfy({ $0.machine.isIdle || $0.committing != nil })
        {
            phase = .leaving(deadline: now + Self.grace)
        }
        for partition in holders.keys.sorted() where orphans[partition] == nil {
            if let action = work(partition, at: now) { return action }
        }
        if case .leaving(let deadline) = phase,
            holders.values.allSatisfy(\.machine.isIdle) || deadline.map({ now >= $0 }) ?? false
        {
            vacate(at: now)
            return .release
        }
        if isStopping, phase == .unassigned, !hasLeft {
            hasLeft = true
            return .leave
        }
        return nil
    }

    private mutating func settleOrphans(at now: MonotonicTime) {
        for partition in orphans.keys.sorted() {
            guard var holder = orphans.removeValue(forKey: partition) else { continue }
            while let action = holder.machine.next(at: now) {
                guard case .save(_, _, let done) = action else { preconditionFailure("it has stopped") }
                Self.settle(done, &holder)
                holder.machine.saved(at: now)
            }
            note(holder.done, partition)
            holder.done = [:]
            guard holder.machine.isIdle else {
                orphans[partition] = holder
                continue
            }
            drops.append(holder.seat)
            if holders[partition] != nil, let marks = done.removeValue(forKey: partition) {
                holders[partition]?.done.merge(marks) { _, new in new }
            }
        }
    }

    private static func settle(_ numbers: [Int], _ holder: inout Holder) {
        for number in numbers {
            if let mark = holder.marks.removeValue(forKey: number) { holder.done[mark.offset] = mark }
        }
    }

    private mutating func work(_ partition: Int, at now: MonotonicTime) -> Action? {
        guard var holder = holders.removeValue(forKey: partition) else { return nil }
        defer { holders[partition] = holder }
        while let action = holder.machine.next(at: now) {
            switch action {
            // Its partition is found already.
            case .open: holder.machine.opened(at: now)
            case .fetch(let max):
                holder.isFetching = true
                return .fetch(holder.seat, max: max, isEmptyHanded: holder.machine.recordsInHand == 0)
            case .invoke(_, let numbers): return .invoke(holder.seat, numbers)
            case .discard(_, let numbers, let reason, let invocations):
                return .discard(holder.seat, numbers, reason, invocations: invocations)
            case .conclude: preconditionFailure("there are no tumbling windows")
            case .save(let position, _, let done):
                guard let offset = Self.offset(after: position) else { preconditionFailure("offsets are numbers") }
                holder.committing = offset
                holder.processed = offset
                Self.settle(done, &holder)
                return .commit(holder.seat, offset, done: done)
            }
        }
        return nil
    }

    private static func position(before offset: Int64) -> StreamPosition { .after(String(offset - 1)) }

    private static func offset(after position: StreamPosition) -> Int64? {
        guard case .after(let text) = position else { return nil }
        // Whatever a broker says.
        return Int64(text).map { $0 == .max ? $0 : $0 + 1 }
    }
}
