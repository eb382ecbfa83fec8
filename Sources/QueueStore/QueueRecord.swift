// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import QueueCore

/// A queue as it was made and set.
package struct QueueRecord: Equatable, Sendable {
    /// Its number in the store: another one after a purge, so that what was in it before is no more.
    package var id: Int64
    package var key: QueueKey
    package var settings: QueueSettings
    package var tags: [String: String]
    package var created: Timestamp
    package var modified: Timestamp
    package var purged: Timestamp?

    package init(
        id: Int64 = 0,
        key: QueueKey,
        settings: QueueSettings,
        tags: [String: String] = [:],
        created: Timestamp,
        modified: Timestamp,
        purged: Timestamp? = nil
    ) {
        self.id = id
        self.key = key
        self.settings = settings
        self.tags = tags
        self.created = created
        self.modified = modified
        self.purged = purged
    }
}

/// How many messages a queue has, exactly so at one moment.
package struct MessageCounts: Equatable, Sendable {
    package var visible = 0
    package var inFlight = 0
    package var delayed = 0
}

/// A message on its way into a queue.
package struct OutgoingMessage: Sendable {
    package var messageID: String
    package var content: MessageContent
    /// Seconds; nil for the queue's.
    package var delay: Int?

    package init(messageID: String, content: MessageContent, delay: Int? = nil) {
        self.messageID = messageID
        self.content = content
        self.delay = delay
    }
}

/// What a receive gave.
package struct ReceivedBatch: Sendable {
    package var messages: [(head: QueuedMessage, content: MessageContent)] = []
    /// The queue to which messages went that were received too often, if any did.
    package var movedTo: Int64?
    /// When something may be there that is not now, in milliseconds since 1970.
    package var next: Int64?
    /// The queue's number.
    package var queue: Int64

    package init(next: Int64? = nil, queue: Int64) {
        self.next = next
        self.queue = queue
    }
}

/// Why the queues' store could not do what it was asked.
package enum QueueStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    /// Too much waits to be written already.
    case overloaded
    /// A queue's row is not what was written.
    case contentChanged(queue: Int64)
    /// The same of a message's, which was dropped.
    case messageChanged(Int64)
    case failed(message: String)

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .diskFull: "queue store: the disk is full; nothing was written"
        case .overloaded: "queue store: too much waits to be written"
        case .contentChanged(let queue):
            "queue store: the settings of queue \(queue) were changed since they were stored"
        case .messageChanged(let id):
            "queue store: message \(id) was dropped: its row was changed since it was stored"
        case .failed(let message): "queue store: \(message)"
        }
    }
}
