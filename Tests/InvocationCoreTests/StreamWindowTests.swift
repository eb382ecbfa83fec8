// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

struct StreamWindowTests {
    private static func time(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }

    private let now = MonotonicTime(nanoseconds: 1_000_000_000)

    @Test(arguments: [
        (179_999, 60, 120_000), (180_000, 60, 180_000), (0, 60, 0), (7_000, 100, 0), (307_001, 100, 300_000),
        (-1, 10, -10_000),
    ])
    func `windows are multiples of their length since 1970`(_ time: Int64, _ seconds: Int, _ start: Int64) {
        let window = StreamWindow(with: Self.time(time), seconds: seconds)
        #expect(window.start == Self.time(start) && window.end == Self.time(start + Int64(seconds) * 1_000))
        #expect(window.state == Array("{}".utf8))
    }

    @Test func `windows are kept as bytes`() {
        let window = StreamWindow(
            start: Self.time(-1_000),
            end: Self.time(9_000),
            state: Array(#"{"a b": " 1 "}"#.utf8)
        )
        #expect(StreamWindow(bytes: window.bytes) == window)
        for text in ["", "1", "1 2", "1 2 ", "2 1 {}", "x 2 {}", "1 x {}", " 1 2 {}"] {
            #expect(StreamWindow(bytes: Array(text.utf8)) == nil, "\(text)")
        }
    }

    /// A poller with windows of ten seconds that has read records which came at those times.
    private func poller(_ arrivals: [Int64], began: Int64, batchSize: Int = 10, isEnd: Bool = false) -> ShardPoller {
        var poller = ShardPoller(
            .init(batchSize: batchSize, tumblingSeconds: 10),
            from: .trimHorizon,
            payloadBytesMax: 6_291_456
        )
        _ = poller.next(at: now)
        poller.opened(at: now)
        _ = poller.next(at: now)
        let records = arrivals.enumerated().map { index, time in
            ShardPoller.Record(
                number: index + 1,
                sequence: "\(index + 1)",
                bytes: 10,
                age: .zero,
                arrival: Self.time(time)
            )
        }
        let last = records.last?.sequence
        poller.fetched(
            .init(records: records, last: last, hasMore: false, isEnd: isEnd, began: Self.time(began)),
            at: now
        )
        return poller
    }

    private let first = StreamWindow(start: time(10_000), end: time(20_000))
    private let state = Array(#"{"n":1}"#.utf8)

    private func summed(_ window: StreamWindow) -> StreamWindow {
        var window = window
        window.state = state
        return window
    }

    @Test func `a batch ends with its window, which is concluded before the next begins`() {
        var poller = poller([10_500, 19_999, 20_000], began: 20_100)
        #expect(poller.next(at: now) == .invoke(0, [1, 2]))
        #expect(poller.window == first)
        poller.ended(.succeeded, state: state, at: now)
        #expect(poller.next(at: now) == .save(.after("2"), summed(first), done: [1, 2]))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .conclude(summed(first)))
        #expect(!poller.isIdle)
        poller.concluded(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.after("2"), nil, done: []))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .invoke(0, [3]))
        #expect(poller.window == StreamWindow(start: Self.time(20_000), end: Self.time(30_000)))
    }

    @Test func `a failed batch leaves the state as it was, and a failed conclusion is tried again`() {
        var poller = poller([10_500], began: 21_000)
        #expect(poller.next(at: now) == .invoke(0, [1]))
        poller.ended(.failed(from: nil), state: state, at: now)
        #expect(poller.window == first)
        var time = now + .milliseconds(500)
        #expect(poller.next(at: time) == .invoke(0, [1]))
        poller.ended(.succeeded, state: state, at: time)
        #expect(poller.next(at: time) == .save(.after("1"), summed(first), done: [1]))
        poller.saved(at: time)
        for pause in [500, 1_000, 2_000] {
            #expect(poller.next(at: time) == .conclude(summed(first)))
            poller.concluded(.failed(from: nil), at: time)
            #expect(poller.next(at: time) == nil || poller.isReading)
            time = time + .milliseconds(pause)
        }
        #expect(poller.next(at: time) == .conclude(summed(first)))
        poller.concluded(.throttled, at: time)
        #expect(poller.next(at: time + .seconds(1)) == .conclude(summed(first)))
    }

    @Test func `a window of which nothing more can come ends with its time`() {
        for (began, isOver) in [(20_999, false), (21_000, true)] as [(Int64, Bool)] {
            var poller = poller([10_500], began: began)
            _ = poller.next(at: now)
            poller.ended(.succeeded, state: state, at: now)
            _ = poller.next(at: now)
            poller.saved(at: now)
            #expect((poller.next(at: now) == .conclude(summed(first))) == isOver)
        }
    }

    @Test func `a state that is too large ends its window early, and a new one goes on`() {
        var poller = poller([10_500, 10_600], began: 12_000, batchSize: 1)
        _ = poller.next(at: now)
        var large = first
        large.state = [UInt8](repeating: UInt8(ascii: "x"), count: StreamWindow.stateBytesMax + 1)
        poller.ended(.succeeded, state: large.state, at: now)
        #expect(poller.next(at: now) == .save(.after("1"), large, done: [1]))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .conclude(large))
        poller.concluded(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.after("1"), first, done: []))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .invoke(0, [2]))
    }

    @Test func `a shard's end waits for its window`() {
        var poller = poller([10_500], began: 12_000, isEnd: true)
        _ = poller.next(at: now)
        poller.ended(.succeeded, state: state, at: now)
        #expect(poller.next(at: now) == .save(.after("1"), summed(first), done: [1]))
        poller.saved(at: now)
        #expect(!poller.isFinished)
        #expect(poller.next(at: now) == .conclude(summed(first)))
        poller.concluded(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.end, nil, done: []))
        poller.saved(at: now)
        #expect(poller.isFinished)
    }

    @Test func `without windows one that is open is concluded, in several lanes too, before anything else`() {
        var poller = ShardPoller(.init(batchSize: 10, lanes: 2), from: .after("1"), payloadBytesMax: 6_291_456)
        poller.resume(summed(first))
        #expect(poller.next(at: now) == .conclude(summed(first)))
        #expect(poller.next(at: now) == .open(.after("1")))
        poller.opened(at: now)
        #expect(poller.next(at: now) == .fetch(max: 1_000))
        let records = [2, 3].map { number in
            ShardPoller.Record(
                number: number,
                sequence: "\(number)",
                bytes: 10,
                age: .zero,
                arrival: Self.time(50_000),
                lane: number - 2
            )
        }
        poller.fetched(
            .init(records: records, last: "3", hasMore: false, isEnd: false, began: Self.time(51_000)),
            at: now
        )
        #expect(poller.next(at: now) == nil)
        if let due = poller.due { #expect(due > now) }
        poller.concluded(.succeeded, at: now)
        #expect(poller.next(at: now) == .save(.after("1"), nil, done: []))
        poller.saved(at: now)
        #expect(poller.next(at: now) == .invoke(0, [2]))
        #expect(poller.next(at: now) == .invoke(1, [3]))
        #expect(poller.window == nil)
    }
}
