// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

struct ShardPollerTests {
    private let now = MonotonicTime(nanoseconds: 1_000_000_000)
    private let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)

    /// A poller that has read `count` records, numbered from 1, and invokes with them.
    private func invoking(_ count: Int, _ settings: ShardPoller.Settings) -> ShardPoller {
        var poller = ShardPoller(settings, from: .trimHorizon, payloadBytesMax: 1_000)
        #expect(poller.next(at: now) == .open(.trimHorizon))
        poller.opened(at: now)
        guard case .fetch = poller.next(at: now) else {
            Issue.record("nothing is read")
            return poller
        }
        let records = (1...count).map {
            ShardPoller.Record(number: $0, sequence: "\($0)", bytes: 10, age: .zero, arrival: time)
        }
        let page = ShardPoller.Page(
            records: records,
            last: "\(count)",
            lastArrival: time,
            hasMore: false,
            isEnd: false,
            began: time
        )
        poller.fetched(page, at: now)
        #expect(poller.next(at: now) == .invoke(0, Array(1...count)))
        return poller
    }

    @Test func `a batch that failed is halved, and no half is a retry`() {
        var poller = invoking(4, .init(batchSize: 10, retriesMax: 0, bisects: true))
        poller.ended(.failed(from: nil), at: now)
        #expect(poller.next(at: now) == .invoke(0, [1, 2]))
        poller.ended(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.after("2"), nil, done: [1, 2]))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .invoke(0, [3, 4]))
        poller.ended(.failed(from: nil), at: now)
        #expect(poller.next(at: now) == .invoke(0, [3]))
        poller.ended(.failed(from: nil), at: now)
        #expect(poller.next(at: now) == .discard(0, [3], .retryAttemptsExhausted, invocations: 3))
        poller.discarded(at: now)
        #expect(poller.next(at: now) == .save(.after("3"), nil, done: [3]))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .invoke(0, [4]))
    }

    @Test func `what is before the first record that failed is saved, and the rest tried again after a pause`() {
        var poller = invoking(3, .init(batchSize: 10, retriesMax: 1))
        poller.ended(.failed(from: 2), at: now)
        #expect(poller.next(at: now) == .save(.after("1"), nil, done: [1]))
        poller.saved(at: now)
        #expect(poller.next(at: now) == nil)
        #expect(poller.due == now + .milliseconds(500))
        let later = now + .milliseconds(500)
        #expect(poller.next(at: later) == .invoke(0, [2, 3]))
        poller.ended(.failed(from: nil), at: later)
        #expect(poller.next(at: later) == .discard(0, [2, 3], .retryAttemptsExhausted, invocations: 2))
    }

    @Test func `a throttled batch uses up no retry, and one that is too old is discarded`() {
        var poller = invoking(2, .init(batchSize: 10, retriesMax: 0, ageMax: .seconds(10)))
        poller.ended(.throttled, at: now)
        #expect(poller.next(at: now) == nil)
        #expect(poller.next(at: now + .seconds(1)) == .invoke(0, [1, 2]))
        var old = invoking(2, .init(batchSize: 10, ageMax: .seconds(10)))
        old.ended(.throttled, at: now + .seconds(11))
        let later = now + .seconds(20)
        #expect(old.next(at: later) == .discard(0, [1, 2], .recordAgeExceeded, invocations: 0))
    }

    @Test func `what can't be told for lack of time is left to what reads next`() {
        var poller = invoking(2, .init(batchSize: 10, retriesMax: 0))
        poller.ended(.failed(from: nil), at: now)
        #expect(poller.next(at: now) == .discard(0, [1, 2], .retryAttemptsExhausted, invocations: 1))
        poller.stop()
        poller.undone()
        #expect(poller.isIdle && poller.recordsInHand == 2)
        let action = poller.next(at: now + .seconds(100))
        #expect(action == nil)
    }

    @Test func `the latest is asked for once`() {
        var poller = ShardPoller(.init(batchSize: 1), from: .latest(time), payloadBytesMax: 1_000)
        #expect(poller.next(at: now) == .open(.latest(time)))
        poller.readFailed(at: now)
        #expect(poller.next(at: now + .seconds(1)) == .open(.since(time)))
    }

    @Test func `what expires at once again waits`() {
        var poller = ShardPoller(.init(batchSize: 1), from: .trimHorizon, payloadBytesMax: 1_000)
        var pauses: [Duration] = []
        var time = now
        for _ in 0..<4 {
            #expect(poller.next(at: time) == .open(.trimHorizon))
            let isNew = poller.trimmed(at: time)
            #expect(!isNew)
            guard let due = poller.due else { return }
            pauses.append(due - time)
            time = due
        }
        #expect(pauses == [.milliseconds(200), .seconds(1), .seconds(2), .seconds(4)])
    }

    @Test(arguments: [Duration.milliseconds(200), .zero])
    func `while there is more it is read as often as the stream may be`(pause: Duration) {
        let settings = ShardPoller.Settings(batchSize: 1_000)
        var poller = ShardPoller(settings, from: .trimHorizon, payloadBytesMax: 100_000, busyPause: pause)
        _ = poller.next(at: now)
        poller.opened(at: now)
        #expect(poller.next(at: now) == .fetch(max: 1_000))
        let page = ShardPoller.Page(
            records: [],
            last: nil,
            lastArrival: nil,
            hasMore: true,
            isEnd: false,
            began: time
        )
        poller.fetched(page, at: now)
        if pause > .zero { #expect(poller.next(at: now + (pause - .nanoseconds(1))) == nil) }
        #expect(poller.next(at: now + pause) == .fetch(max: 1_000))
    }

    @Test func `a shard that vanishes while it is read ends after what that brings`() {
        var poller = ShardPoller(.init(batchSize: 1), from: .trimHorizon, payloadBytesMax: 1_000)
        _ = poller.next(at: now)
        poller.opened(at: now)
        #expect(poller.next(at: now) == .fetch(max: 1_000))
        poller.vanish()
        #expect(poller.next(at: now) == nil)
        let record = ShardPoller.Record(number: 1, sequence: "1", bytes: 10, age: .zero, arrival: time)
        let page = ShardPoller.Page(
            records: [record],
            last: "1",
            lastArrival: time,
            hasMore: true,
            isEnd: false,
            began: time
        )
        poller.fetched(page, at: now)
        #expect(poller.next(at: now) == .invoke(0, [1]))
        poller.ended(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.end, nil, done: [1]))
        poller.saved(at: now)
        #expect(poller.isFinished)
    }

    @Test func `positions are kept as text`() {
        for position in [StreamPosition.trimHorizon, .since(time), .after("4953 x"), .end] {
            #expect(StreamPosition(text: position.text) == position)
        }
        #expect(StreamPosition(text: StreamPosition.latest(time).text) == .since(time))
        for text in ["", "after", "since", "since x", "end 1", "other"] { #expect(StreamPosition(text: text) == nil) }
    }
}
