// SPDX-License-Identifier: Apache-2.0

/// What a queue decides by of one message: all but its content.
///
/// Times are milliseconds since 1970: they are stored, and a restart must understand them.
package struct QueuedMessage: Equatable, Sendable {
    /// By which messages are told apart and ordered, rising with each that is put into a table; 0 before that.
    package var id: Int64
    /// The number of the queue that it is in.
    package var queue: Int64
    package var messageID: String
    package var sent: Int64
    /// From then on it may be received.
    package var visible: Int64
    /// It was received, and is in flight until `visible`.
    package var isHeld: Bool
    package var receives: Int
    package var firstReceived: Int64?
    /// When it was received last: no visibility timeout reaches beyond twelve hours from there.
    package var lastReceived: Int64?
    /// Stands for the group of a FIFO queue's message; nil in other queues.
    package var group: [UInt8]?
    /// The ARN of the queue from which it was moved here.
    package var source: String?

    package init(
        id: Int64 = 0,
        queue: Int64,
        messageID: String,
        sent: Int64,
        visible: Int64,
        isHeld: Bool = false,
        receives: Int = 0,
        firstReceived: Int64? = nil,
        lastReceived: Int64? = nil,
        group: [UInt8]? = nil,
        source: String? = nil
    ) {
        self.id = id
        self.queue = queue
        self.messageID = messageID
        self.sent = sent
        self.visible = visible
        self.isHeld = isHeld
        self.receives = receives
        self.firstReceived = firstReceived
        self.lastReceived = lastReceived
        self.group = group
        self.source = source
    }

    func isInFlight(at now: Int64) -> Bool { isHeld && visible > now }
}

/// What a FIFO queue remembers of a message for five minutes, so that the same one isn't taken again.
package struct RememberedMessage: Equatable, Sendable {
    package var id: Int64
    package var messageID: String
    /// Forgotten then.
    package var until: Int64

    package init(id: Int64, messageID: String, until: Int64) {
        self.id = id
        self.messageID = messageID
        self.until = until
    }
}

/// Which messages of a queue are asked for.
package enum MessageSelection: Equatable, Sendable {
    /// The one with this id.
    case id(Int64)
    /// Those that may be received at that time, the one first that could be so first.
    case visible(at: Int64)
    /// The first message of each group that is free at that time, in the order in which the groups became so.
    case headsOfGroups(freeAt: Int64)
    /// Those of a group, in their order.
    case group([UInt8])
    /// Those of a group that were received, the one that is in flight longest first.
    case heldInGroup([UInt8])
    /// Those that were sent then or earlier.
    case sent(until: Int64)
}

/// Where a queue's messages are kept.
///
/// There are two: the store's tables, and one in memory for the simulation.
package protocol QueueTable {
    func messages(_ selection: MessageSelection, in queue: Int64, limit: Int) throws -> [QueuedMessage]
    /// Adds a message whose id is 0, or writes down what became of another.
    ///
    /// - Returns: its id.
    @discardableResult
    mutating func put(_ message: QueuedMessage) throws -> Int64
    mutating func remove(_ message: QueuedMessage) throws
    /// From when on messages of a group may be received; nil when it has none.
    mutating func setGroup(_ group: [UInt8], in queue: Int64, freeAt: Int64?) throws
    func remembered(_ key: [UInt8], in queue: Int64) throws -> RememberedMessage?
    mutating func remember(_ message: RememberedMessage, as key: [UInt8], in queue: Int64) throws
}
