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
    private func poller(
        _ arrivals: [Int64],
        began: Int64,
        batchSize: Int = 10,
        ageMax: Duration? = nil,
        isEnd: Bool = false
    ) -> ShardPoller {
        var poller = ShardPoller(
            .init(batchSize: batchSize, ageMax: ageMax, tumblingSeconds: 10),
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
        poller.fetched(
            .init(
                records: records,
                last: records.last?.sequence,
                lastArrival: records.last?.arrival,
                hasMore: false,
                isEnd: isEnd,
                began: Self.time(began)
            ),
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
        var poller = poller([10_500], began: 23_000)
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
        for (began, isOver) in [(22_999, false), (23_000, true)] as [(Int64, Bool)] {
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

    @Test func `no part of a batch gets a state that is too large`() {
        var poller = poller([10_500, 10_600], began: 12_000)
        #expect(poller.next(at: now) == .invoke(0, [1, 2]))
        var large = first
        large.state = [UInt8](repeating: UInt8(ascii: "x"), count: StreamWindow.stateBytesMax + 1)
        poller.ended(.failed(from: 2), state: large.state, at: now)
        #expect(poller.next(at: now) == .save(.after("1"), large, done: [1]))
        poller.saved(at: now)
        let later = now + .milliseconds(500)
        #expect(poller.due == later)
        #expect(poller.next(at: later) == .conclude(large))
        poller.concluded(.succeeded, at: later)
        #expect(poller.next(at: later) == .save(.after("1"), first, done: []))
        poller.saved(at: later)
        #expect(poller.next(at: later) == .invoke(0, [2]))
    }

    @Test func `a batch that is too old opens no window`() {
        var poller = poller([10_500], began: 23_000, ageMax: .seconds(1))
        let later = now + .seconds(2)
        #expect(poller.next(at: later) == .discard(0, [1], .recordAgeExceeded, invocations: 0))
        #expect(poller.window == nil)
        poller.discarded(at: later)
        #expect(poller.next(at: later) == .save(.after("1"), nil, done: [1]))
    }

    /// What is read of a shard whose window from 10 to 20 seconds is open: when its last record came, whether there is more, and when the
    /// read began.
    private typealias Read = (arrival: Int64?, hasMore: Bool, began: Int64)

    @Test(
        arguments: [
            ([(19_000, false, 22_999)], false), ([(19_000, false, 23_000)], true),
            // What no filter lets through shows how far it is, however much more there is.
            ([(22_999, true, 90_000)], false), ([(23_000, true, 90_000)], true),
            // Three reads in a row that bring nothing show what was at the first of them.
            ([(nil, false, 23_000), (nil, false, 24_000)], false),
            ([(nil, false, 23_000), (nil, false, 24_000), (nil, false, 25_000)], true),
            ([(nil, false, 22_999), (nil, false, 24_000), (nil, false, 25_000)], false),
            ([(nil, false, 22_000), (nil, false, 23_000), (nil, false, 24_000), (nil, false, 25_000)], true),
            ([(nil, false, 23_000), (nil, false, 24_000), (nil, true, 25_000), (nil, false, 26_000)], false),
            ([(nil, false, 23_000), (nil, false, 24_000), (15_000, true, 25_000), (nil, false, 26_000)], false),
            // The clock was set back.
            ([(15_000, false, 90_000), (15_000, false, 16_000)], false),
        ] as [([Read], Bool)]
    )
    private func `a window is over when all before its end and a moment more is read`(_ reads: [Read], _ isOver: Bool) {
        var windows = WindowProgress(seconds: 10)
        windows.open = first
        for read in reads {
            windows.read(
                .init(
                    records: [],
                    last: read.arrival.map(String.init),
                    lastArrival: read.arrival.map(Self.time),
                    hasMore: read.hasMore,
                    isEnd: false,
                    began: Self.time(read.began)
                )
            )
        }
        #expect(windows.isOver(next: nil, isClosed: false) == isOver)
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
            .init(
                records: records,
                last: "3",
                lastArrival: Self.time(50_000),
                hasMore: false,
                isEnd: false,
                began: Self.time(51_000)
            ),
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
