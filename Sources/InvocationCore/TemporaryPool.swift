// SPDX-License-Identifier: Apache-2.0

/// Which file systems for sandboxes' /tmp are made ahead of need: how many of which size, when, and for how long.
///
/// One is made at a time, and none while a sandbox is being made: both are the work of the spawner's one thread, and somebody
/// waits for the sandbox. What was taken is replaced a moment later, when the runtime has started. Numbers are given out once, so that no file system can be had twice.
package struct TemporaryPool: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// Size in MiB that is always kept ready, from the start on.
        package var defaultSizeMiB: Int
        /// How many of one size are ready.
        package var readyMax: Int
        /// How many sizes are kept ready, the default size among them; beyond it the one that was longest unused goes.
        package var sizesMax: Int
        /// What was taken is replaced after this long: until then the runtime that starts has the processors.
        package var refillDelay: Duration
        /// A size that nobody took for this long is given back; never the default size.
        package var keepUnused: Duration
        /// After a failure none is made ahead for this long.
        package var retryDelay: Duration

        package init(
            defaultSizeMiB: Int = 512,
            readyMax: Int = 4,
            sizesMax: Int = 4,
            refillDelay: Duration = .milliseconds(200),
            keepUnused: Duration = .seconds(600),
            retryDelay: Duration = .seconds(30)
        ) {
            precondition(readyMax > 0 && sizesMax > 0, "something is kept")
            self.defaultSizeMiB = defaultSizeMiB
            self.readyMax = readyMax
            self.sizesMax = sizesMax
            self.refillDelay = refillDelay
            self.keepUnused = keepUnused
            self.retryDelay = retryDelay
        }
    }

    package enum Taken: Equatable, Sendable {
        case ready(UInt64)
        /// None is ready: the caller makes this one itself.
        case missing(UInt64)

        package var number: UInt64 {
            switch self {
            case .ready(let number), .missing(let number): number
            }
        }
    }

    package enum Command: Equatable, Sendable {
        /// Make one; then `prepared` or `prepareFailed`, and ask again.
        case prepare(number: UInt64, sizeMiB: Int)
        /// Give it back, and ask again.
        case discard(number: UInt64)
        /// Nothing to do before the next event, or before this time if there is one.
        case wait(until: MonotonicTime?)
    }

    private struct Shelf: Equatable, Sendable {
        var ready: [UInt64] = []
        var lastTaken: MonotonicTime
        /// From when on it may be filled: set by the first to be taken, so that a series of takers does not put it off.
        var refill: MonotonicTime?
    }

    private struct Preparation: Equatable, Sendable {
        var number: UInt64
        var sizeMiB: Int
    }

    private let settings: Settings
    private var shelves: [Int: Shelf]
    private var preparation: Preparation?
    private var unwanted: [UInt64] = []
    private var pausedUntil: MonotonicTime?
    private var nextNumber: UInt64 = 1
    /// Sandboxes that took a file system and whose walls do not stand yet.
    package private(set) var sandboxesInHand = 0

    package init(settings: Settings = Settings(), at now: MonotonicTime) {
        self.settings = settings
        shelves = [settings.defaultSizeMiB: Shelf(lastTaken: now, refill: now)]
    }

    package func ready(sizeMiB: Int) -> Int { shelves[sizeMiB]?.ready.count ?? 0 }

    package var readyTotal: Int { shelves.values.reduce(0) { $0 + $1.ready.count } }

    // MARK: - Sandboxes

    /// A sandbox begins; `sandboxEnded` follows, however its making ends.
    package mutating func take(sizeMiB: Int, at now: MonotonicTime) -> Taken {
        sandboxesInHand += 1
        if shelves[sizeMiB] == nil { makeRoom() }
        var shelf = shelves[sizeMiB] ?? Shelf(lastTaken: now)
        shelf.lastTaken = now
        shelf.refill = shelf.refill ?? now + settings.refillDelay
        let number = shelf.ready.popLast()
        // With room for the default size alone no other is kept.
        if shelves[sizeMiB] != nil || shelves.count < settings.sizesMax { shelves[sizeMiB] = shelf }
        return number.map(Taken.ready) ?? .missing(takeNumber())
    }

    /// Its walls stand, or it failed.
    package mutating func sandboxEnded() {
        precondition(sandboxesInHand > 0, "only what was taken ends")
        sandboxesInHand -= 1
    }

    /// The size that was longest unused gives way, when there are as many as may be.
    private mutating func makeRoom() {
        guard shelves.count >= settings.sizesMax else { return }
        let others = shelves.filter { $0.key != settings.defaultSizeMiB }
        let oldest = others.min { ($0.value.lastTaken, $0.key) < ($1.value.lastTaken, $1.key) }
        if let oldest { remove(oldest.key) }
    }

    private mutating func remove(_ sizeMiB: Int) {
        unwanted += shelves.removeValue(forKey: sizeMiB)?.ready ?? []
    }

    private mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    // MARK: - Ahead of need

    /// What is to be done now; to be asked again after every event.
    package mutating func next(at now: MonotonicTime) -> Command {
        for (size, shelf) in shelves where size != settings.defaultSizeMiB {
            if shelf.lastTaken + settings.keepUnused <= now { remove(size) }
        }
        if let number = unwanted.popLast() { return .discard(number: number) }
        let expiry = shelves.filter { $0.key != settings.defaultSizeMiB }
            .map { $0.value.lastTaken + settings.keepUnused }.min()
        guard preparation == nil, sandboxesInHand == 0, let refill = shelves.values.compactMap(\.refill).min() else {
            return .wait(until: expiry)
        }
        let begin = max(refill, pausedUntil ?? refill)
        guard begin <= now, let size = emptiest(at: now) else { return .wait(until: min(begin, expiry ?? begin)) }
        let preparation = Preparation(number: takeNumber(), sizeMiB: size)
        self.preparation = preparation
        return .prepare(number: preparation.number, sizeMiB: size)
    }

    /// The size of which the fewest are ready, the last used one before others; nil when none is to be filled now.
    private func emptiest(at now: MonotonicTime) -> Int? {
        shelves.filter { $0.value.refill.map { $0 <= now } ?? false }
            .min {
                ($0.value.ready.count, $1.value.lastTaken, $0.key) < ($1.value.ready.count, $0.value.lastTaken, $1.key)
            }?.key
    }

    /// The one that `next` asked for is there.
    package mutating func prepared() {
        guard let preparation else { preconditionFailure("only what was asked for is prepared") }
        self.preparation = nil
        pausedUntil = nil
        // Its size may have given way in the meantime.
        guard shelves[preparation.sizeMiB] != nil else { return unwanted.append(preparation.number) }
        shelves[preparation.sizeMiB]?.ready.append(preparation.number)
        if ready(sizeMiB: preparation.sizeMiB) >= settings.readyMax { shelves[preparation.sizeMiB]?.refill = nil }
    }

    /// The one that `next` asked for could not be made.
    package mutating func prepareFailed(at now: MonotonicTime) {
        precondition(preparation != nil, "only what was asked for fails")
        preparation = nil
        pausedUntil = now + settings.retryDelay
    }
}
