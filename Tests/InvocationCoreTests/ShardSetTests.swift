// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

struct ShardSetTests {
    private let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)

    /// What it does until there is nothing, at a time.
    private func actions(_ set: inout ShardSet, _ now: MonotonicTime) -> [ShardSet.Action] {
        var found: [ShardSet.Action] = []
        while let action = set.next(at: now) { found.append(action) }
        return found
    }

    @Test func `a shard is gone when two listings in a row lack it`() {
        var set = ShardSet(start: .trimHorizon, positions: [:])
        let parent = ShardSet.Shard(id: "a", isClosed: true)
        let child = ShardSet.Shard(id: "b", parents: ["a"])
        #expect(actions(&set, now) == [.list])
        set.listed([parent, child], at: now, time: time)
        #expect(actions(&set, now) == [.read("a", from: .trimHorizon), .seal("a")])
        var later = now
        for listing in [[child], [parent, child], [child]] {
            later = later + .seconds(20)
            #expect(actions(&set, later) == [.list])
            set.listed(listing, at: later, time: time)
            #expect(actions(&set, later) == [])
        }
        later = later + .seconds(20)
        #expect(actions(&set, later) == [.list])
        set.listed([child], at: later, time: time)
        // What is in hand of it is done first.
        #expect(actions(&set, later) == [.vanish("a")])
        set.finished("a", at: later)
        #expect(actions(&set, later) == [.read("b", from: .trimHorizon)])
        later = later + .seconds(1)
        #expect(actions(&set, later) == [.list])
        set.listed([child], at: later, time: time)
        #expect(actions(&set, later) == [.forget(["a"])])
    }

    @Test func `a parent that no listing has shown yet is waited for, and not for long`() {
        var set = ShardSet(start: .trimHorizon, positions: [:])
        let child = ShardSet.Shard(id: "c", parents: ["b"])
        #expect(actions(&set, now) == [.list])
        set.listed([child], at: now, time: time)
        #expect(actions(&set, now) == [])
        var later = now + .seconds(1)
        #expect(set.due == later)
        #expect(actions(&set, later) == [.list])
        set.listed([ShardSet.Shard(id: "b", isClosed: true), child], at: later, time: time)
        #expect(actions(&set, later) == [.read("b", from: .trimHorizon), .seal("b")])
        // One that is long gone.
        set = ShardSet(start: .trimHorizon, positions: [:])
        #expect(actions(&set, now) == [.list])
        set.listed([child], at: now, time: time)
        later = now + .seconds(1)
        #expect(actions(&set, later) == [.list])
        set.listed([child], at: later, time: time)
        #expect(actions(&set, later) == [.read("c", from: .trimHorizon)])
        #expect(set.due == later + .seconds(20))
    }

    @Test func `of a stream with a past the latest is read at once`() {
        var set = ShardSet(start: .latest, positions: [:])
        #expect(actions(&set, now) == [.list])
        set.listed([ShardSet.Shard(id: "c", parents: ["b"])], at: now, time: time)
        #expect(actions(&set, now).count == 1)
        set.saved()
        #expect(actions(&set, now) == [.read("c", from: .latest(time))])
    }

    @Test func `a shard that goes while nobody reads it is ended before it is forgotten`() {
        var set = ShardSet(start: .trimHorizon, positions: ["a": .after("1"), "b": .end])
        var later = now
        #expect(actions(&set, later) == [.list])
        set.listed([], at: later, time: time)
        #expect(actions(&set, later) == [])
        later = later + .seconds(20)
        #expect(actions(&set, later) == [.list])
        set.listed([], at: later, time: time)
        #expect(actions(&set, later) == [.forget(["b"]), .read("a", from: .after("1")), .vanish("a")])
        set.finished("a", at: later)
        later = later + .seconds(1)
        #expect(actions(&set, later) == [.list])
        set.listed([], at: later, time: time)
        #expect(actions(&set, later) == [.forget(["a"])])
    }

    @Test func `those that wait for others begin with the time of the listing`() {
        var set = ShardSet(start: .latest, positions: [:])
        let shards = (0...ShardSet.readingMax).map { ShardSet.Shard(id: "s\(1_000 + $0)") }
        #expect(actions(&set, now) == [.list])
        set.listed(shards, at: now, time: time)
        guard case .save(let positions)? = set.next(at: now) else {
            Issue.record("nothing is saved")
            return
        }
        #expect(positions.count == shards.count + 1)
        set.saved()
        #expect(actions(&set, now) == shards.dropLast().map { .read($0.id, from: .latest(time)) })
        #expect(set.waitingCount == 1)
        set.finished("s1000", at: now)
        #expect(actions(&set, now) == [.read("s1256", from: .since(time))])
        #expect(set.waitingCount == 0)
    }

    @Test func `the latest that is saved late is a time`() {
        var set = ShardSet(start: .latest, positions: [:])
        #expect(actions(&set, now) == [.list])
        set.listed([ShardSet.Shard(id: "a")], at: now, time: time)
        #expect(actions(&set, now).count == 1)
        set.saveFailed(at: now)
        let later = now + .seconds(1)
        #expect(actions(&set, later).count == 1)
        set.saved()
        #expect(actions(&set, later) == [.read("a", from: .since(time))])
    }
}
