// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Which shards of a stream are read, and from where: parents before their children, and each once.
///
/// A shard that a split or a merge made is read when all that it was made of have been read to their end, or are there no more. What is
/// found after the beginning is read from its first record.
package struct ShardSet: Equatable, Sendable {
    package struct Shard: Equatable, Sendable {
        package var id: String
        /// Of what it was made; one after a split, two after a merge.
        package var parents: [String]
        /// Nobody writes to it any more.
        package var isClosed: Bool

        package init(id: String, parents: [String] = [], isClosed: Bool = false) {
            self.id = id
            self.parents = parents
            self.isClosed = isClosed
        }
    }

    /// Where a mapping begins.
    package enum Start: Equatable, Sendable {
        case trimHorizon, latest
        case at(Timestamp)
    }

    package enum Action: Equatable, Sendable {
        /// List all shards; to be followed by `listed` or `listFailed`.
        case list
        /// Make those positions durable; to be followed by `saved` or `saveFailed`.
        case save([String: StreamPosition])
        /// Begin to read a shard; to be followed by `finished`.
        case read(String, from: StreamPosition)
        /// A shard that is read is written to no more.
        case seal(String)
        /// A shard that is read is there no more.
        case vanish(String)
        /// Positions that nobody needs any more.
        case forget([String])
    }

    /// Shards that are read at one time.
    package static let readingMax = 256
    /// Between two listings.
    static let interval = Duration.seconds(20)
    /// Between two listings where the first found something to do.
    static let intervalMin = Duration.seconds(1)
    private static let pauseMax = Duration.seconds(60)
    /// Says that a mapping that begins with the latest has begun; no shard has this name.
    private static let mark = ""

    private let start: Start
    /// Durable positions by shard.
    private var positions: [String: StreamPosition]
    private var shards: [Shard] = []
    /// Of those that are there, or may be; a shard is gone when two listings in a row lack it.
    private var names: Set<String> = []
    /// Those that the last listing lacked.
    private var absent: Set<String> = []
    private var reading: Set<String> = []
    private var sealed: Set<String> = []
    /// Shards to begin with what comes from the time of their listing.
    private var fresh: [String: Timestamp] = [:]
    private var unsaved: [String: StreamPosition] = [:]
    private var isSaving = false
    private var waiting: [Action] = []
    private var isListing = false
    private var hasListed = false
    private var listDue = MonotonicTime(nanoseconds: 0)
    private var saveDue = MonotonicTime(nanoseconds: 0)
    private var failures = 0

    /// `positions` are those that were saved before.
    package init(start: Start, positions: [String: StreamPosition]) {
        self.start = start
        self.positions = positions
    }

    /// No more are read until one has ended.
    package var isCrowded: Bool { reading.count >= Self.readingMax }
    /// Shards that wait for that.
    package var waitingCount: Int { isCrowded ? shards.count(where: isReadable) : 0 }

    package mutating func listed(_ shards: [Shard], at now: MonotonicTime, time: Timestamp) {
        isListing = false
        hasListed = true
        failures = 0
        listDue = now + Self.interval
        self.shards = shards.sorted { $0.id < $1.id }
        let found = Set(shards.map(\.id))
        let isBeginning = start == .latest && positions.isEmpty && unsaved.isEmpty
        // One that was made and ended between two listings may be known by its children alone.
        let parents = isBeginning ? [] : Set(shards.flatMap(\.parents)).filter { positions[$0] != .end }
        let known = names.union(positions.keys).union(reading).subtracting([Self.mark])
        let missing = known.union(parents).subtracting(found)
        if !missing.subtracting(known).subtracting(absent).isEmpty { listDue = now + Self.intervalMin }
        names = found.union(missing.subtracting(absent))
        absent = missing
        if isBeginning {
            unsaved[Self.mark] = .since(time)
            for shard in shards {
                unsaved[shard.id] = shard.isClosed ? .end : .since(time)
                if !shard.isClosed { fresh[shard.id] = time }
            }
        }
        for shard in self.shards where shard.isClosed && reading.contains(shard.id) && !sealed.contains(shard.id) {
            sealed.insert(shard.id)
            waiting.append(.seal(shard.id))
        }
        let gone = positions.keys.filter { $0 != Self.mark && !names.contains($0) && !reading.contains($0) }.sorted()
        let ended = gone.filter { positions[$0] == .end }
        for id in ended { positions[id] = nil }
        if !ended.isEmpty { waiting.append(.forget(ended)) }
        // A window may be open in what was begun: it is concluded as that of a shard that vanishes while it is read.
        for id in gone where !isCrowded {
            guard let position = positions[id] else { continue }
            reading.insert(id)
            waiting.append(.read(id, from: position))
        }
        waiting += reading.subtracting(names).sorted().map { .vanish($0) }
    }

    /// The next listing waits 1 s, 2 s … 60 s.
    package mutating func listFailed(at now: MonotonicTime) {
        isListing = false
        listDue = now + min(Self.pauseMax, .seconds(1 << min(failures, 6)))
        failures += 1
    }

    package mutating func saved() {
        isSaving = false
        positions.merge(unsaved) { _, new in new }
        unsaved = [:]
    }

    package mutating func saveFailed(at now: MonotonicTime) {
        isSaving = false
        saveDue = now + .seconds(1)
        // The latest would be later by then.
        fresh = [:]
    }

    /// A shard was read to its end, and that is saved.
    package mutating func finished(_ id: String, at now: MonotonicTime) {
        reading.remove(id)
        sealed.remove(id)
        positions[id] = .end
        // What it was split or merged into.
        listDue = min(listDue, now + Self.intervalMin)
    }

    /// When `next` is to be asked again, if nothing else happens.
    package var due: MonotonicTime? {
        let times = [isListing ? nil : listDue, unsaved.isEmpty || isSaving ? nil : saveDue]
        return times.compactMap(\.self).min()
    }

    /// What is to be done now; to be asked until there is nothing.
    package mutating func next(at now: MonotonicTime) -> Action? {
        if !isListing, now >= listDue, !isSaving, unsaved.isEmpty {
            isListing = true
            return .list
        }
        guard unsaved.isEmpty else {
            guard !isSaving, now >= saveDue else { return nil }
            isSaving = true
            return .save(unsaved)
        }
        if !waiting.isEmpty { return waiting.removeFirst() }
        guard !isCrowded else {
            // Those that wait begin with the time that was saved: the latest would be later by then.
            fresh = [:]
            return nil
        }
        guard let shard = shards.first(where: isReadable) else { return nil }
        reading.insert(shard.id)
        if shard.isClosed {
            sealed.insert(shard.id)
            waiting.append(.seal(shard.id))
        }
        return .read(shard.id, from: position(of: shard.id))
    }

    private func isReadable(_ shard: Shard) -> Bool {
        !reading.contains(shard.id) && positions[shard.id] != .end
            && shard.parents.allSatisfy {
                !reading.contains($0) && (!names.contains($0) || positions[$0] == .end)
            }
    }

    private mutating func position(of id: String) -> StreamPosition {
        if let time = fresh.removeValue(forKey: id) { return .latest(time) }
        if let position = positions[id] { return position }
        if case .at(let time) = start { return .since(time) }
        return .trimHorizon
    }
}
