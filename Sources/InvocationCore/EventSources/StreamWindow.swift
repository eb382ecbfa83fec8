// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// A time whose records of one shard a function sums up in a state that is handed from one invocation to the next
/// (`TumblingWindowInSeconds`).
///
/// https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
package struct StreamWindow: Equatable, Sendable {
    /// A multiple of the window's length since 1970.
    package var start: Timestamp
    /// Where the next one begins.
    package var end: Timestamp
    /// JSON of an object, as the function returned it last.
    package var state: [UInt8]

    /// Beyond it the window is ended early, and goes on with a new state.
    package static let stateBytesMax = 1_048_576
    /// What an event has for its window beside the state.
    package static let memberBytesMax = 2_048
    package static let freshState = Array("{}".utf8)

    package init(start: Timestamp, end: Timestamp, state: [UInt8] = freshState) {
        self.start = start
        self.end = end
        self.state = state
    }

    /// The one of that length that has the time in it.
    package init(with time: Timestamp, seconds: Int) {
        let length = Int64(seconds) * 1_000
        let remainder = time.millisecondsSinceEpoch % length
        let start = time.millisecondsSinceEpoch - (remainder < 0 ? remainder + length : remainder)
        self.init(
            start: Timestamp(millisecondsSinceEpoch: start),
            end: Timestamp(millisecondsSinceEpoch: start + length)
        )
    }

    /// The state is more than is handed on.
    package var isOverfull: Bool { state.count > Self.stateBytesMax }

    /// As it is kept: the two times in milliseconds, and the state.
    package var bytes: [UInt8] {
        Array("\(start.millisecondsSinceEpoch) \(end.millisecondsSinceEpoch) ".utf8) + state
    }

    /// Reads `bytes`; nil for anything else.
    package init?(bytes: [UInt8]) {
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, !words[2].isEmpty, let start = Int64(String(decoding: words[0], as: UTF8.self)),
            let end = Int64(String(decoding: words[1], as: UTF8.self)), start < end
        else { return nil }
        self.init(
            start: Timestamp(millisecondsSinceEpoch: start),
            end: Timestamp(millisecondsSinceEpoch: end),
            state: Array(words[2])
        )
    }
}

/// The window of a shard that is open, and when it is over.
///
/// A record that comes late is of the window that is open then: one that was concluded is not opened again.
struct WindowProgress: Equatable, Sendable {
    /// Of windows that are opened from now on; zero for none.
    var seconds: Int
    var open: StreamWindow?
    /// All that came before this has been read.
    private var readTo: Timestamp?
    /// When the last reads began, of which each brought nothing: fewer than `emptyReadsMin`.
    private var emptyReads: [Timestamp] = []

    /// What came before a window's end can be read this much later, in milliseconds; clocks may differ by as much.
    private static let grace: Int64 = 3_000
    /// A table's stream may answer with nothing though it has more; of this many answers in a row one is true.
    private static let emptyReadsMin = 3

    init(seconds: Int) { self.seconds = seconds }

    var isInUse: Bool { seconds > 0 || open != nil }
    /// Of an event, for the window in it.
    var eventBytesMax: Int { isInUse ? StreamWindow.stateBytesMax + StreamWindow.memberBytesMax : 0 }

    /// How many of the first records, of which there is at least one, are of the window that is open, or would be.
    func count(_ arrivals: some Collection<Timestamp>) -> Int {
        guard isInUse, let first = arrivals.first else { return arrivals.count }
        guard seconds > 0 else { return 0 }
        let end = (open ?? StreamWindow(with: first, seconds: seconds)).end
        return arrivals.prefix { $0 < end }.count
    }

    /// The one that a batch opens whose first record came then; nil where there are none, or one is open.
    func window(with arrival: Timestamp) -> StreamWindow? {
        open == nil && seconds > 0 ? StreamWindow(with: arrival, seconds: seconds) : nil
    }

    /// How far the shard has been read now; a clock that was set back is believed, too.
    mutating func read(_ page: ShardPoller.Page) {
        if page.lastArrival != nil || page.hasMore { emptyReads = [] }
        if let arrival = page.lastArrival {
            readTo = page.hasMore ? arrival : page.began
        } else if !page.hasMore {
            emptyReads.append(page.began)
            if emptyReads.count == Self.emptyReadsMin { readTo = emptyReads.removeFirst() }
        }
    }

    /// Whether the open window is to be concluded; `next` is when the next record came, if there is one.
    func isOver(next: Timestamp?, isClosed: Bool) -> Bool {
        guard let open else { return false }
        if open.isOverfull || seconds == 0 { return true }
        if let next { return next >= open.end }
        guard !isClosed else { return true }
        return (readTo?.millisecondsSinceEpoch ?? 0) >= open.end.millisecondsSinceEpoch + Self.grace
    }

    /// The function knows that it is over, or that it goes on with a new state.
    mutating func concluded() {
        if open?.isOverfull == true { open?.state = StreamWindow.freshState } else { open = nil }
    }
}
