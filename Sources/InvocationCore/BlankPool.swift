// SPDX-License-Identifier: Apache-2.0

/// What a blank environment was started as: it fits functions that need just that.
package struct BlankKind: Hashable, Sendable {
    package var runtime: String
    /// nil where the runtime need not know it when it starts: then it fits every size.
    package var memoryMiB: Int?

    package init(runtime: String, memoryMiB: Int?) {
        self.runtime = runtime
        self.memoryMiB = memoryMiB
    }
}

/// One blank environment of this process; a number is never used twice.
package struct BlankID: Hashable, Sendable {
    package var number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }
}

/// Which environments are started before it is known whose they will be: of what kind, how many, and when.
///
/// A kind is kept at a minimum from its first use on. Each time that none was ready it is kept one larger, and small again when
/// nobody has taken one for a while; unused for long it goes. They are started one after the other, a moment after one was
/// taken: the function that starts then needs the processors. One that has waited for long is replaced. A kind whose starts or
/// assignments fail, or whose environments die, is left alone for longer and longer.
package struct BlankPool: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// Of one kind.
        package var readyMin: Int
        package var readyMax: Int
        /// Of all kinds, the one that is started and those on their way out included.
        package var livingMax: Int
        /// More are not kept until one of them is quiet.
        package var kindsMax: Int
        package var refillDelay: Duration
        /// A kind that nobody took for this long is small again, and gives way to others.
        package var quietTime: Duration
        /// A kind that nobody took for this long goes.
        package var keepUnused: Duration
        /// One that has waited for this long is replaced: the files that it sees are the host's, which change.
        package var ageMax: Duration
        /// After the first failure in a row; each further one doubles it.
        package var retryDelay: Duration
        package var retryDelayMax: Duration
        /// So many assignments failing in a row end all of a kind.
        package var assignmentFailuresMax: Int

        package init(
            readyMin: Int = 2,
            readyMax: Int = 8,
            livingMax: Int = 16,
            kindsMax: Int = 8,
            refillDelay: Duration = .milliseconds(50),
            quietTime: Duration = .seconds(60),
            keepUnused: Duration = .seconds(3_600),
            ageMax: Duration = .seconds(1_800),
            retryDelay: Duration = .seconds(1),
            retryDelayMax: Duration = .seconds(300),
            assignmentFailuresMax: Int = 3
        ) {
            precondition(readyMin > 0 && readyMax >= readyMin && livingMax > 0 && kindsMax > 0, "something is kept")
            self.readyMin = readyMin
            self.readyMax = readyMax
            self.livingMax = livingMax
            self.kindsMax = kindsMax
            self.refillDelay = refillDelay
            self.quietTime = quietTime
            self.keepUnused = keepUnused
            self.ageMax = ageMax
            self.retryDelay = retryDelay
            self.retryDelayMax = retryDelayMax
            self.assignmentFailuresMax = assignmentFailuresMax
        }
    }

    package enum Command: Equatable, Sendable {
        /// Start one; then `started` or `startFailed`, and ask again.
        case start(BlankID, BlankKind)
        /// End it; then `ended`, and ask again.
        case end(BlankID)
        /// Nothing to do before the next event, or before this time if there is one.
        case wait(until: MonotonicTime?)
    }

    private struct Ready: Equatable, Sendable {
        var id: BlankID
        var expiry: MonotonicTime
    }

    private struct Shelf: Equatable, Sendable {
        /// The oldest is first, and is taken first.
        var ready: [Ready] = []
        /// How many are to be ready.
        var target: Int
        var lastTaken: MonotonicTime
        /// Not before this one more is started.
        var refill: MonotonicTime
        /// Since an assignment succeeded.
        var failures = 0
        var assignmentFailures = 0
    }

    private struct Start: Equatable, Sendable {
        var id: BlankID
        var kind: BlankKind
    }

    private let settings: Settings
    private var shelves: [BlankKind: Shelf] = [:]
    private var start: Start?
    private var ending: BlankID?
    private var unwanted: [BlankID] = []
    private var nextNumber: UInt64 = 1
    /// How many there is memory for, whatever the settings.
    private var room: Int

    package init(settings: Settings = Settings()) {
        self.settings = settings
        room = settings.livingMax
    }

    package func ready(_ kind: BlankKind) -> Int { shelves[kind]?.ready.count ?? 0 }

    package var readyByRuntime: [String: Int] {
        shelves.reduce(into: [:]) { $0[$1.key.runtime, default: 0] += $1.value.ready.count }
    }

    package func target(_ kind: BlankKind) -> Int { shelves[kind]?.target ?? 0 }

    /// All that take memory without being a function's.
    package var living: Int { wanted + (ending == nil ? 0 : 1) + unwanted.count }

    /// Those of them that are not on their way out.
    package var wanted: Int { shelves.values.reduce(0) { $0 + $1.ready.count } + (start == nil ? 0 : 1) }

    private var livingMax: Int { min(settings.livingMax, room) }

    // MARK: - Demand

    /// How many there is memory for beside the functions: more than that end, least recently used kinds first.
    ///
    /// True when that changes anything: then ask what is to be done.
    @discardableResult
    package mutating func setRoom(_ count: Int) -> Bool {
        let before = livingMax
        room = max(0, count)
        return livingMax != before
    }

    /// A function of that kind exists.
    package mutating func use(_ kind: BlankKind, at now: MonotonicTime) {
        guard shelves[kind] == nil, makeRoom(at: now) else { return }
        shelves[kind] = Shelf(target: min(settings.readyMin, settings.livingMax), lastTaken: now, refill: now)
    }

    /// A function of that kind begins; nil when none is ready.
    ///
    /// `assigned` or `assignmentFailed` follows.
    package mutating func take(_ kind: BlankKind, at now: MonotonicTime) -> BlankID? {
        use(kind, at: now)
        guard var shelf = shelves[kind] else { return nil }
        defer { shelves[kind] = shelf }
        shelf.lastTaken = now
        // A series of takers does not put the refill off.
        if shelf.refill <= now { shelf.refill = now + settings.refillDelay }
        guard !shelf.ready.isEmpty else {
            shelf.target = min(shelf.target + 1, settings.readyMax, settings.livingMax)
            return nil
        }
        return shelf.ready.removeFirst().id
    }

    /// One of that kind has become its function's.
    package mutating func assigned(_ kind: BlankKind) {
        shelves[kind]?.failures = 0
        shelves[kind]?.assignmentFailures = 0
    }

    /// One of that kind could not become its function's, which begins without it.
    package mutating func assignmentFailed(_ kind: BlankKind, at now: MonotonicTime) {
        backOff(kind, at: now)
        guard var shelf = shelves[kind] else { return }
        shelf.assignmentFailures += 1
        if shelf.assignmentFailures >= settings.assignmentFailuresMax {
            // The next ones would fail too, and cost every function time.
            unwanted += shelf.ready.map(\.id)
            shelf.ready = []
            shelf.refill = max(shelf.refill, now + settings.retryDelayMax)
        }
        shelves[kind] = shelf
    }

    /// A quiet kind gives way, the longest unused first, when there are as many as may be; false when none does.
    private mutating func makeRoom(at now: MonotonicTime) -> Bool {
        guard shelves.count >= settings.kindsMax else { return true }
        guard let kind = leastRecentlyUsed(where: { isQuiet($0, at: now) }) else { return false }
        remove(kind)
        return true
    }

    private mutating func remove(_ kind: BlankKind) {
        unwanted += shelves.removeValue(forKey: kind)?.ready.map(\.id) ?? []
    }

    private func isQuiet(_ kind: BlankKind, at now: MonotonicTime) -> Bool {
        shelves[kind].map { $0.lastTaken + settings.quietTime <= now } ?? false
    }

    private func leastRecentlyUsed(where condition: (BlankKind) -> Bool) -> BlankKind? {
        shelves.filter { condition($0.key) }.min {
            Self.isBefore(($0.value.lastTaken, $0.key), ($1.value.lastTaken, $1.key))
        }?.key
    }

    private static func isBefore(_ left: (MonotonicTime, BlankKind), _ right: (MonotonicTime, BlankKind)) -> Bool {
        (left.0, left.1.runtime, left.1.memoryMiB ?? 0) < (right.0, right.1.runtime, right.1.memoryMiB ?? 0)
    }

    // MARK: - Ahead of need

    /// What is to be done now; to be asked again after every event.
    package mutating func next(at now: MonotonicTime) -> Command {
        precondition(ending == nil, "one thing after the other")
        quieten(at: now)
        shrink()
        if let id = unwanted.popLast() {
            ending = id
            return .end(id)
        }
        guard start == nil else { return .wait(until: nextChange(lacking: [:])) }
        let lacking = shelves.filter { $0.value.ready.count < $0.value.target }
        // The emptiest first; of those the one that was used last.
        let due = lacking.filter { $0.value.refill <= now }.min {
            $0.value.ready.count != $1.value.ready.count
                ? $0.value.ready.count < $1.value.ready.count
                : Self.isBefore(($1.value.lastTaken, $1.key), ($0.value.lastTaken, $0.key))
        }
        guard let (kind, shelf) = due else { return .wait(until: nextChange(lacking: lacking)) }
        if living < livingMax { return begin(kind) }
        // With no room left a kind that has none takes the place of a quiet one.
        guard shelf.ready.isEmpty, livingMax > 0,
            let other = leastRecentlyUsed(where: { ready($0) > 0 && isQuiet($0, at: now) }),
            let last = shelves[other]?.lastTaken, last < shelf.lastTaken,
            let ready = shelves[other]?.ready.removeFirst()
        else { return .wait(until: nextChange(lacking: [:])) }
        ending = ready.id
        return .end(ready.id)
    }

    /// For one that is started because none was ready: it is its function's at once, and none of those that wait.
    ///
    /// nil while assignments of that kind fail.
    package mutating func takeID(_ kind: BlankKind) -> BlankID? {
        let failures = shelves[kind]?.assignmentFailures ?? 0
        return failures < settings.assignmentFailuresMax ? nextID() : nil
    }

    private mutating func nextID() -> BlankID {
        defer { nextNumber += 1 }
        return BlankID(nextNumber)
    }

    private mutating func begin(_ kind: BlankKind) -> Command {
        let start = Start(id: nextID(), kind: kind)
        self.start = start
        return .start(start.id, kind)
    }

    private mutating func quieten(at now: MonotonicTime) {
        for (kind, shelf) in shelves {
            if shelf.lastTaken + settings.keepUnused <= now {
                remove(kind)
                continue
            }
            if let expiry = replacement(shelf), expiry <= now {
                shelves[kind]?.ready.removeFirst()
                unwanted += shelf.ready.prefix(1).map(\.id)
            }
            guard shelf.target > settings.readyMin, isQuiet(kind, at: now), var quiet = shelves[kind] else { continue }
            quiet.target = settings.readyMin
            let surplus = max(0, quiet.ready.count - settings.readyMin)
            unwanted += quiet.ready.prefix(surplus).map(\.id)
            quiet.ready.removeFirst(surplus)
            shelves[kind] = quiet
        }
    }

    /// When the oldest is to be replaced; nil while one is missing: its successor comes before the next goes.
    private func replacement(_ shelf: Shelf) -> MonotonicTime? {
        start == nil && shelf.ready.count >= shelf.target ? shelf.ready.first?.expiry : nil
    }

    /// What there is no room for any more.
    private mutating func shrink() {
        while wanted > livingMax, let kind = leastRecentlyUsed(where: { ready($0) > 0 }),
            let ready = shelves[kind]?.ready.removeFirst()
        {
            unwanted.append(ready.id)
        }
    }

    private func nextChange(lacking: [BlankKind: Shelf]) -> MonotonicTime? {
        let quiet = shelves.values.filter { $0.target > settings.readyMin }.map { $0.lastTaken + settings.quietTime }
        let old = shelves.values.compactMap(replacement)
        let unused = shelves.values.map { $0.lastTaken + settings.keepUnused }
        return (quiet + old + unused + lacking.values.map(\.refill)).min()
    }

    /// The one that `next` asked for waits for its function.
    package mutating func started(at now: MonotonicTime) {
        guard let start else { preconditionFailure("only what was asked for has started") }
        self.start = nil
        // Its kind may have given way, or be wanted less, in the meantime.
        guard let shelf = shelves[start.kind], shelf.ready.count < shelf.target else {
            return unwanted.append(start.id)
        }
        // Not all of an age, so that they are not replaced all at once.
        let lead = settings.ageMax * Int(start.id.number % 16) / 64
        shelves[start.kind]?.ready.append(Ready(id: start.id, expiry: now + (settings.ageMax - lead)))
    }

    /// The one that `next` asked for could not be started, and nothing of it is left.
    package mutating func startFailed(at now: MonotonicTime) {
        guard let start else { preconditionFailure("only what was asked for fails") }
        self.start = nil
        backOff(start.kind, at: now)
    }

    /// One that waited has died, and is on its way out: `end` follows.
    package mutating func lost(_ id: BlankID, at now: MonotonicTime) {
        for (kind, shelf) in shelves where shelf.ready.contains(where: { $0.id == id }) {
            shelves[kind]?.ready.removeAll { $0.id == id }
            unwanted.append(id)
            backOff(kind, at: now)
        }
    }

    /// Nothing of the one that `next` named is left.
    package mutating func ended() {
        precondition(ending != nil, "only what was asked for ends")
        ending = nil
    }

    private mutating func backOff(_ kind: BlankKind, at now: MonotonicTime) {
        guard var shelf = shelves[kind] else { return }
        // Beyond so many doublings the longest delay is reached, whatever it is.
        let delay = settings.retryDelay * (1 << min(shelf.failures, 20))
        shelf.failures += 1
        shelf.refill = max(shelf.refill, now + min(delay, settings.retryDelayMax))
        shelves[kind] = shelf
    }
}
