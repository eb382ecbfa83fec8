// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

struct GroupMemberTests {
    private let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)

    private func records(_ offsets: Range<Int>, milliseconds: Int64 = 0) -> [GroupMember.Record] {
        let time = Timestamp(millisecondsSinceEpoch: time.millisecondsSinceEpoch + milliseconds)
        return offsets.map {
            .init(offset: Int64($0), wanted: .init(number: 100 + $0, bytes: 10, age: .zero, arrival: time))
        }
    }

    private func seat(_ action: GroupMember.Action?) -> GroupMember.Seat? {
        guard case .fetch(let seat, _, _)? = action else { return nil }
        return seat
    }

    /// A member that has partition 0, from `offset` on, and invokes with the records of those offsets.
    private func invoking(_ offsets: Range<Int>) throws -> (GroupMember, GroupMember.Seat) {
        var member = GroupMember(.init(batchSize: 10, isPushed: true), payloadBytesMax: 1_000)
        #expect(member.next(at: now) == nil)
        member.assigned([0: Int64(offsets.lowerBound)], at: now)
        let seat = try #require(self.seat(member.next(at: now)))
        #expect(member.fetched(seat, records(offsets), hasMore: false, at: now) == [])
        #expect(member.next(at: now) == .invoke(seat, offsets.map { 100 + $0 }))
        return (member, seat)
    }

    @Test func `an offset is committed when its batch has ended, and the next batch waits for that`() throws {
        var (member, seat) = try invoking(5..<8)
        #expect(self.seat(member.next(at: now)) == seat)
        _ = member.fetched(seat, records(8..<9), hasMore: false, at: now)
        #expect(self.seat(member.next(at: now)) == seat && member.next(at: now) == nil)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .commit(seat, 8, done: [105, 106, 107]))
        #expect(member.next(at: now) == nil)
        member.committed(seat, isDone: true, at: now)
        #expect(member.next(at: now) == .invoke(seat, [108]))
    }

    @Test func `the lag is that of the partition where most is not processed, as far as it is known`() throws {
        var (member, seat) = try invoking(5..<8)
        #expect(member.lag(before: [:]) == nil && member.lag(before: [0: 8, 1: 100]) == 3)
        member.ended(seat, .throttled, at: now)
        #expect(member.lag(before: [0: 20]) == 15)
        let later = now + .seconds(60)
        while let action = member.next(at: later) {
            if case .invoke = action { member.ended(seat, .succeeded, at: later) }
            if case .commit = action { member.committed(seat, isDone: true, at: later) }
        }
        #expect(member.lag(before: [0: 20]) == 12 && member.lag(before: [0: 8]) == 0)
        // What brokers said was older.
        #expect(member.lag(before: [0: 4]) == 0)
        // From the oldest record on, which may have any offset.
        member.assigned([0: -2, 1: 7], at: later)
        #expect(member.lag(before: [0: 1_000]) == nil && member.lag(before: [0: 0]) == 0)
        #expect(member.lag(before: [0: 1_000, 1: 9]) == 2)
        #expect(member.next(at: later) == .drop(seat))
        let first = try #require(self.seat(member.next(at: later)))
        _ = member.fetched(first, records(990..<992), hasMore: true, at: later)
        #expect(member.lag(before: [0: 1_000, 1: 9]) == 10)
        var other = member
        other.stop(at: later)
        #expect(other.lag(before: [0: 1_000, 1: 9]) == nil)
        member.lost(at: later)
        #expect(member.lag(before: [0: 1_000, 1: 9]) == nil)
    }

    @Test func `a record at the last offset that there may be does no harm`() throws {
        var member = GroupMember(.init(batchSize: 10, isPushed: true), payloadBytesMax: 1_000)
        member.assigned([0: .max], at: now)
        let seat = try #require(self.seat(member.next(at: now)))
        let record = GroupMember.Record(offset: .max, wanted: .init(number: 1, bytes: 1, age: .zero, arrival: time))
        _ = member.fetched(seat, [record], hasMore: false, at: now)
        #expect(member.next(at: now) == .invoke(seat, [1]))
        _ = member.next(at: now)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .commit(seat, .max, done: [1]) && member.lag(before: [0: .max]) == 0)
    }

    @Test func `a rebalance waits for what runs, and for no longer than its grace`() throws {
        var (member, seat) = try invoking(0..<2)
        member.revoked(isLost: false, at: now)
        #expect(member.next(at: now) == nil && member.due == now + GroupMember.grace)
        var other = member
        other.ended(seat, .succeeded, at: now)
        #expect(other.next(at: now) == .commit(seat, 2, done: [100, 101]))
        other.committed(seat, isDone: true, at: now)
        #expect(other.next(at: now) == .release && other.next(at: now) == .drop(seat) && other.next(at: now) == nil)
        #expect(member.next(at: now + GroupMember.grace) == .release)
        // It runs still, and what it does is not repeated by who has the partition next.
        member.assigned([0: 0], at: now)
        #expect(member.next(at: now) == nil)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .drop(seat))
        let next = try #require(self.seat(member.next(at: now)))
        #expect(member.fetched(next, records(0..<3), hasMore: false, at: now) == [100, 101])
        #expect(member.next(at: now) == .invoke(next, [102]))
    }

    @Test func `records of a seat that is the group's again are nobody's`() throws {
        var (member, seat) = try invoking(0..<1)
        #expect(self.seat(member.next(at: now)) == seat)
        member.revoked(isLost: true, at: now)
        #expect(member.next(at: now) == .release && !member.holds(seat))
        #expect(member.fetched(seat, records(1..<3), hasMore: false, at: now) == [101, 102])
        member.committed(seat, isDone: true, at: now)
        member.ended(seat, .failed(from: nil), at: now)
        #expect(member.next(at: now) == .drop(seat) && member.next(at: now) == nil)
    }

    @Test func `a stop ends when what runs has ended and is committed`() throws {
        var (member, seat) = try invoking(0..<1)
        member.stop(at: now)
        #expect(member.next(at: now) == nil && member.due == nil)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .commit(seat, 1, done: [100]))
        member.committed(seat, isDone: true, at: now)
        #expect(member.next(at: now) == .release && !member.isFinished)
        #expect(member.next(at: now) == .drop(seat) && member.next(at: now) == .leave && member.isFinished)
    }

    @Test func `a stop before anything is assigned leaves at once`() {
        var member = GroupMember(.init(batchSize: 10, isPushed: true), payloadBytesMax: 1_000)
        member.stop(at: now)
        #expect(member.next(at: now) == .leave && member.next(at: now) == nil && member.isFinished)
    }

    @Test func `a topic that is made anew is read from its beginning`() throws {
        var (member, seat) = try invoking(5..<7)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .commit(seat, 7, done: [105, 106]))
        member.committed(seat, isDone: true, at: now)
        #expect(self.seat(member.next(at: now)) == seat)
        #expect(member.fetched(seat, records(0..<1), hasMore: false, at: now) == [])
        #expect(member.next(at: now) == .invoke(seat, [100]))
        member.ended(seat, .succeeded, at: now)
        _ = member.next(at: now)
        #expect(member.recordsInHand == 0)
    }

    @Test func `what a process has done is not taken for what is at its offsets in a topic made anew`() throws {
        var (member, seat) = try invoking(0..<4)
        member.revoked(isLost: false, at: now)
        #expect(member.next(at: now + GroupMember.grace) == .release)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .drop(seat))
        member.assigned([0: 0], at: now)
        let next = try #require(self.seat(member.next(at: now)))
        // Of the first two it is the same, as if the log had been truncated there.
        let found = records(0..<2) + records(2..<5, milliseconds: 1)
        #expect(member.fetched(next, found, hasMore: false, at: now) == [100, 101])
        #expect(member.next(at: now) == .invoke(next, [102, 103, 104]))
    }

    @Test func `a stop waits for a commit that nobody answers, and for no longer than its grace`() throws {
        var (member, seat) = try invoking(0..<1)
        member.stop(at: now)
        #expect(member.next(at: now) == nil && member.due == nil)
        member.ended(seat, .succeeded, at: now)
        #expect(member.next(at: now) == .commit(seat, 1, done: [100]))
        #expect(member.next(at: now) == nil && member.due == now + GroupMember.grace)
        #expect(member.next(at: now + GroupMember.grace) == .release)
        #expect(member.next(at: now + GroupMember.grace) == .drop(seat))
        #expect(member.next(at: now + GroupMember.grace) == .leave && member.isFinished)
    }

    @Test func `an event that no function can be sent is discarded at once, though retries have no end`() throws {
        var (member, seat) = try invoking(0..<1)
        _ = member.next(at: now)
        member.ended(seat, .unfit, at: now)
        #expect(member.next(at: now) == .discard(seat, [100], .payloadSizeExceeded, invocations: 0))
        member.discarded(seat, at: now)
        #expect(member.next(at: now) == .commit(seat, 1, done: [100]))
    }
}
