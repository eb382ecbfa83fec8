// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The shards of a stream: the open ones take each hash key once, and those that were closed are there until their records are too old.
package struct ShardMap: Equatable, Sendable {
    /// In the order of their numbers; the last one is open.
    package private(set) var shards: [Shard]
    /// In the order of their hash keys.
    package private(set) var open: [Shard]

    /// As they were stored.
    package init(_ shards: [Shard]) {
        self.shards = shards.sorted { $0.number < $1.number }
        open = self.shards.filter(\.isOpen).sorted { $0.range.first < $1.range.first }
    }

    /// Those of a stream that is made.
    package init(count: Int, now: Timestamp) {
        let starts = HashKeyRange.uniform(count)
        let shards = starts.indices.map { index in
            Shard(
                number: index,
                range: HashKeyRange(starts[index], index + 1 < count ? starts[index + 1] - 1 : .max),
                created: now.millisecondsSinceEpoch / 1_000,
                opened: now
            )
        }
        self.init(shards)
    }

    /// Whether each hash key has one open shard, and each shard a number of its own; otherwise it is none that was made here.
    package var isWhole: Bool {
        var next: UInt128? = 0
        for shard in open {
            guard shard.range.first == next else { return false }
            next = shard.range.last == .max ? nil : shard.range.last + 1
        }
        return next == nil && zip(shards, shards.dropFirst()).allSatisfy { $0.number < $1.number }
    }

    /// nil for a shard that is not there, or not any more.
    package subscript(number: Int) -> Shard? { index(of: number).map { shards[$0] } }

    private func index(of number: Int) -> Int? {
        var (low, high) = (0, shards.count)
        while low < high {
            let middle = (low + high) / 2
            if shards[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < shards.count && shards[low].number == number ? low : nil
    }

    package subscript(id id: String) -> Shard? { Shard.number(id).flatMap { self[$0] } }

    /// The open shard that takes a hash key.
    package func owner(of key: UInt128) -> Shard { open[openIndex(of: key)] }

    private func openIndex(of key: UInt128) -> Int {
        var (low, high) = (0, open.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if open[middle].range.first <= key { low = middle } else { high = middle - 1 }
        }
        precondition(open[low].range.contains(key), "each hash key has an open shard")
        return low
    }

    // MARK: Splitting and merging

    /// Closes a shard for two, the second of which begins with `key`.
    package mutating func split(
        _ id: String,
        at key: UInt128,
        of stream: StreamKey,
        now: Timestamp
    ) throws(StreamError) {
        guard let shard = self[id: id] else { throw .noShard(id, stream) }
        try Self.checkIsOpen(shard, stream)
        let range = shard.range
        guard key > range.first, key - range.first > 1, key < range.last else {
            throw .argument(
                "NewStartingHashKey \(key) used in SplitShard() on shard \(shard.id) in stream \(stream.name) under account "
                    + "\(stream.accountID) is not both greater than one plus the shard's StartingHashKey \(range.first) and less "
                    + "than the shard's EndingHashKey \(range.last)."
            )
        }
        try checkRoom(2)
        divide(shard, at: key, now)
    }

    /// Closes two shards that are next to one another for one.
    package mutating func merge(
        _ id: String,
        _ adjacentID: String,
        of stream: StreamKey,
        now: Timestamp
    ) throws(StreamError) {
        guard let shard = self[id: id] else { throw .noShard(id, stream) }
        guard let adjacent = self[id: adjacentID] else { throw .noShard(adjacentID, stream) }
        for shard in [shard, adjacent] { try Self.checkIsOpen(shard, stream) }
        guard Self.areAdjacent(shard, adjacent) || Self.areAdjacent(adjacent, shard) else {
            throw .argument(
                "Shards \(shard.id) and \(adjacent.id) in stream \(stream.name) under account \(stream.accountID) are not an "
                    + "adjacent pair of shards eligible for merging"
            )
        }
        try checkRoom(1)
        unite(shard, adjacent, now)
    }

    /// Splits and merges until there are so many, all of the same length.
    package mutating func scale(to count: Int, now: Timestamp) throws(StreamError) {
        // What is off by the rounding of a division is where it should be.
        let slack = UInt128(count)
        let starts = HashKeyRange.uniform(count).map { start in
            open.map(\.range.first).first { $0 > start ? $0 - start < slack : start - $0 < slack } ?? start
        }
        for start in starts {
            let shard = owner(of: start)
            if shard.range.first < start { divide(shard, at: start, now) }
        }
        for (index, start) in starts.enumerated() {
            let last = index + 1 < count ? starts[index + 1] - 1 : UInt128.max
            while case let shard = owner(of: start), shard.range.last < last {
                unite(shard, owner(of: shard.range.last + 1), now)
            }
        }
        try checkRoom(0)
    }

    private func checkRoom(_ count: Int) throws(StreamError) {
        guard shards.count + count <= StreamLimits.shardsMax else {
            throw StreamError(
                .limitExceeded,
                "The stream would have more than \(StreamLimits.shardsMax) shards, with those that were closed within its retention "
                    + "period."
            )
        }
    }

    private static func checkIsOpen(_ shard: Shard, _ stream: StreamKey) throws(StreamError) {
        guard shard.isOpen else {
            throw .argument(
                "Shard \(shard.id) in stream \(stream.name) under account \(stream.accountID) has already been merged or split, and "
                    + "thus is not eligible for merging or splitting."
            )
        }
    }

    private static func areAdjacent(_ left: Shard, _ right: Shard) -> Bool {
        left.range.last < .max && left.range.last + 1 == right.range.first
    }

    private mutating func divide(_ shard: Shard, at key: UInt128, _ now: Timestamp) {
        replace([shard], with: [HashKeyRange(shard.range.first, key - 1), HashKeyRange(key, shard.range.last)], now)
    }

    private mutating func unite(_ shard: Shard, _ adjacent: Shard, _ now: Timestamp) {
        let range = HashKeyRange(
            min(shard.range.first, adjacent.range.first),
            max(shard.range.last, adjacent.range.last)
        )
        replace([shard, adjacent], with: [range], now)
    }

    /// Closes shards, which are next to one another, for others that take the same hash keys.
    private mutating func replace(_ parents: [Shard], with ranges: [HashKeyRange], _ now: Timestamp) {
        guard let last = shards.last, let key = parents.map(\.range.first).min() else {
            preconditionFailure("a stream has a shard")
        }
        for parent in parents {
            guard let index = index(of: parent.number) else { preconditionFailure("only what is there is closed") }
            shards[index].closed = now
        }
        // Sequence numbers of children are larger than those of their parents.
        let after = parents.map { $0.created + 1 }.max() ?? 0
        let children = ranges.enumerated().map { offset, range in
            Shard(
                number: last.number + 1 + offset,
                range: range,
                parents: parents.map(\.number),
                created: max(after, now.millisecondsSinceEpoch / 1_000),
                opened: now
            )
        }
        shards += children
        let first = openIndex(of: key)
        open.replaceSubrange(first..<first + parents.count, with: children)
    }

    // MARK: Listing

    /// Which shards a caller wants to see.
    package enum Filter: Equatable, Sendable {
        case all
        case after(Int)
        case latest
        /// Those that were open at that time, or those and all later ones.
        case at(Timestamp)
        case from(Timestamp)
        case atTrimHorizon
    }

    /// Those that a caller sees whose stream keeps records from `horizon` on.
    package func listed(_ filter: Filter, horizon: Timestamp) -> [Shard] {
        // The oldest record can't be older than the stream.
        let oldest = shards.map(\.opened).min().map { max($0, horizon) } ?? horizon
        return shards.filter { shard in
            // A shard whose records are all too old has expired.
            guard shard.closed.map({ $0 > horizon }) ?? true else { return false }
            switch filter {
            case .all: return true
            case .after(let number): return shard.number > number
            case .latest: return shard.isOpen
            case .from(let time): return shard.closed.map { $0 > time } ?? true
            case .atTrimHorizon: return shard.opened <= oldest
            case .at(let time):
                let time = max(time, oldest)
                return shard.opened <= time && (shard.closed.map { $0 > time } ?? true)
            }
        }
    }

    /// Forgets closed shards whose records are all too old.
    package mutating func expire(horizon: Timestamp) {
        shards.removeAll { shard in shard.closed.map { $0 <= horizon } ?? false }
    }
}
