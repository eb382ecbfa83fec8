// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// A place between two events of a group: before the first one with this time and this id or larger ones.
package struct LogPosition: Equatable, Sendable {
    package var timestamp: Int64
    package var id: Int64

    package init(timestamp: Int64, id: Int64) {
        self.timestamp = timestamp
        self.id = id
    }

    init(_ key: EventKey) { self.init(timestamp: key.timestamp, id: key.id) }

    package static func before(_ event: StoredLogEvent) -> LogPosition {
        LogPosition(timestamp: event.timestamp.millisecondsSinceEpoch, id: event.id)
    }

    package static func after(_ event: StoredLogEvent) -> LogPosition {
        LogPosition(timestamp: event.timestamp.millisecondsSinceEpoch, id: event.id + 1)
    }

    /// Nil for all but what `text` writes, to the letter.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.count <= 64 ? text.split(separator: "/", omittingEmptySubsequences: false) : []
        guard parts.count == 2, let timestamp = Int64(parts[0]), let id = Int64(parts[1]), id >= 0 else { return nil }
        self.init(timestamp: timestamp, id: id)
        guard self.text == text else { return nil }
    }

    package var text: String { "\(timestamp)/\(id)" }

    var key: EventKey { EventKey(timestamp: timestamp, id: id) }
}

/// Which events of a group are asked for, and how many at a time.
package struct LogQuery: Sendable {
    package enum Streams: Equatable, Sendable {
        case all
        case named([String])
        case beginning(String)
    }

    /// Events and bytes of messages that one page looks at, so that a reader's thread is free again after some tenths of a second.
    package static let scannedEventsMax = 300_000
    package static let scannedBytesMax = 48 << 20
    /// What it may take to match them, in nanoseconds as `cost` counts them; a page looks at one event at least.
    package static let workMax = 300_000_000
    /// What an event takes beside its message's bytes, as so many of them.
    static let eventWorkBytes = 64

    package var group: LogGroupKey
    package var streams: Streams = .all
    /// Of the earliest event that is wanted, in milliseconds since 1970.
    package var start: Int64?
    /// Of the first that is not wanted any more.
    package var end: Int64?
    /// From here on; nil for the beginning, or for the end where it goes backward.
    package var position: LogPosition?
    package var isBackward = false
    /// Events of a page.
    package var limit = 10_000
    /// Bytes of their messages: a page ends before it has more, once it has an event.
    package var bytesMax = LogStore.pageBytesMax
    /// nil where all match.
    package var matches: (@Sendable (UnsafeRawBufferPointer) -> Bool)?
    /// About how many nanoseconds `matches` takes for a byte.
    package var cost = 1

    package init(group: LogGroupKey) { self.group = group }
}

/// What a query found.
package struct LogPage: Equatable, Sendable {
    /// In the order of their times, also where the query goes backward.
    package var events: [StoredLogEvent]
    /// Where the query goes on: behind what was looked at, or before it.
    package var next: LogPosition
    /// Whether there is something left to look at: a page may have no events and yet not be the last one.
    package var hasMore: Bool
}
