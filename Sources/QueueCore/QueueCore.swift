// SPDX-License-Identifier: Apache-2.0

/// What a queue does, over a table that keeps its messages: no clock, no file, no waiting.
///
/// Every operation is one event: the table changes as a whole or, where it throws, is not to be kept. What is refused is refused before
/// anything changes. Times are milliseconds since 1970.
package struct QueueCore<Table: QueueTable> {
    package struct Queue: Sendable {
        package var id: Int64
        package var arn: String
        package var settings: QueueSettings
        /// Where messages go that were received too often, if that queue is there.
        package var deadLetters: DeadLetters?

        package init(id: Int64, arn: String, settings: QueueSettings, deadLetters: DeadLetters? = nil) {
            self.id = id
            self.arn = arn
            self.settings = settings
            self.deadLetters = deadLetters
        }
    }

    package struct DeadLetters: Sendable {
        package var queue: Int64
        package var receivesMax: Int

        package init(queue: Int64, receivesMax: Int) {
            self.queue = queue
            self.receivesMax = receivesMax
        }
    }

    package var table: Table
    package let queue: Queue
    package let now: Int64

    package init(_ table: Table, _ queue: Queue, now: Int64) {
        self.table = table
        self.queue = queue
        self.now = now
    }

    // MARK: Sending

    /// Takes a message: `delay` in seconds, nil for the queue's; `key` is that by which a FIFO queue knows the same message again.
    package mutating func send(
        messageID: String,
        delay: Int? = nil,
        group: [UInt8]? = nil,
        key: [UInt8]? = nil
    ) throws -> Sent {
        if let key, let earlier = try table.remembered(key, in: queue.id), earlier.until > now {
            return Sent(id: earlier.id, messageID: earlier.messageID, isDuplicate: true)
        }
        let message = QueuedMessage(
            queue: queue.id,
            messageID: messageID,
            sent: now,
            visible: now + Int64(delay ?? queue.settings.delay) * 1_000,
            group: group
        )
        let id = try table.put(message)
        if let key {
            let memory = RememberedMessage(id: id, messageID: messageID, until: now + QueueLimits.memory)
            try table.remember(memory, as: key, in: queue.id)
        }
        if let group { try settle(group, in: queue.id) }
        return Sent(id: id, messageID: messageID, isDuplicate: false)
    }

    // MARK: Receiving

    /// Gives out messages that may be received, which then are in flight for `timeout` seconds (nil: the queue's).
    ///
    /// Those that were received too often go where such messages go, and those that are too old go away.
    package mutating func receive(max: Int, timeout: Int? = nil) throws -> Received {
        let until = now + Int64(timeout ?? queue.settings.visibilityTimeout) * 1_000
        var received = Received()
        if queue.settings.isFIFO {
            try receiveByGroup(max, until, &received)
        } else {
            try receiveByTime(max, until, &received)
        }
        return received
    }

    private mutating func receiveByTime(_ max: Int, _ until: Int64, _ received: inout Received) throws {
        // A timeout of 0 leaves a message where it is found, as does a queue whose dead letters are its own.
        var seen: Set<Int64> = []
        while received.messages.count < max {
            guard seen.count < QueueLimits.judgedMax else {
                received.hasMore = true
                return
            }
            let found = try table.messages(.visible(at: now), in: queue.id, limit: max + seen.count)
            let fresh = found.filter { !seen.contains($0.id) }
            if fresh.isEmpty { return }
            for message in fresh where received.messages.count < max {
                seen.insert(message.id)
                try judge(message, until, &received)
            }
        }
    }

    private mutating func receiveByGroup(_ max: Int, _ until: Int64, _ received: inout Received) throws {
        var seen: Set<[UInt8]> = []
        while received.messages.count < max {
            guard seen.count < QueueLimits.judgedMax else {
                received.hasMore = true
                return
            }
            let heads = try table.messages(.headsOfGroups(freeAt: now), in: queue.id, limit: max + seen.count)
            let groups = heads.compactMap(\.group).filter { !seen.contains($0) }
            if groups.isEmpty { return }
            for group in groups where received.messages.count < max {
                seen.insert(group)
                try receive(of: group, max, until, &received)
            }
        }
    }

    /// In order, up to the first that may not be received yet.
    private mutating func receive(
        of group: [UInt8],
        _ max: Int,
        _ until: Int64,
        _ received: inout Received
    ) throws {
        var judged: Set<Int64> = []
        taking: while received.messages.count < max {
            guard judged.count < QueueLimits.judgedMax else {
                received.hasMore = true
                break
            }
            let found = try table.messages(.group(group), in: queue.id, limit: max + judged.count)
            let fresh = found.filter { !judged.contains($0.id) }
            if fresh.isEmpty { break }
            for message in fresh {
                guard received.messages.count < max, message.visible <= now else { break taking }
                judged.insert(message.id)
                try judge(message, until, &received)
            }
        }
        try settle(group, in: queue.id)
    }

    private mutating func judge(_ found: QueuedMessage, _ until: Int64, _ received: inout Received) throws {
        var message = found
        if message.sent + queue.settings.retentionMilliseconds <= now {
            try table.remove(message)
        } else if let dead = queue.deadLetters, message.receives >= dead.receivesMax {
            message.queue = dead.queue
            message.visible = now
            message.isHeld = false
            message.source = queue.arn
            // In a FIFO queue its time begins anew, in others it goes on.
            if queue.settings.isFIFO { message.sent = now }
            try table.put(message)
            if let group = message.group { try settle(group, in: dead.queue) }
            received.moved.append(message.id)
        } else {
            message.receives += 1
            message.firstReceived = message.firstReceived ?? now
            message.lastReceived = now
            message.isHeld = true
            message.visible = until
            try table.put(message)
            received.messages.append(message)
        }
    }

    // MARK: What a consumer says of what it received

    /// Deletes the message that was given out as its receive number `receives`.
    ///
    /// An older receive's handle deletes nothing, and neither does one of a message that is gone; both succeed, as on AWS.
    /// - Throws: `QueueError` in a FIFO queue when the message is in flight no more: its group went on without it.
    /// - Returns: whether messages may be received now that could not be before.
    package mutating func delete(_ id: Int64, receives: Int, handle: String = "") throws -> Bool {
        guard let message = try table.messages(.id(id), in: queue.id, limit: 1).first, message.receives == receives
        else { return false }
        if queue.settings.isFIFO, !message.isInFlight(at: now) {
            throw QueueError.value(handle, "ReceiptHandle", "The receipt handle has expired.")
        }
        try table.remove(message)
        guard let group = message.group else { return false }
        try settle(group, in: queue.id)
        return true
    }

    /// Lets a message that is in flight be so for `timeout` seconds from now.
    ///
    /// - Throws: `QueueError` when it is in flight no more, or would be for more than twelve hours from its receive.
    /// - Returns: whether messages may be received now that could not be before.
    package mutating func changeVisibility(
        _ id: Int64,
        receives: Int,
        timeout: Int,
        handle: String = ""
    ) throws -> Bool {
        guard var message = try table.messages(.id(id), in: queue.id, limit: 1).first, message.receives == receives
        else {
            throw QueueError.value(
                handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change."
            )
        }
        guard message.isInFlight(at: now) else {
            throw QueueError(.messageNotInflight, "The specified message isn't in flight.")
        }
        let until = now + Int64(timeout) * 1_000
        if let received = message.lastReceived, until > received + QueueLimits.flightMax {
            throw QueueError.value(
                "\(timeout)",
                "VisibilityTimeout",
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
            )
        }
        message.visible = until
        try table.put(message)
        if let group = message.group { try settle(group, in: queue.id) }
        return timeout == 0
    }

    // MARK: Time

    /// Drops messages that are too old, `limit` at the most.
    ///
    /// - Returns: how many.
    package mutating func expire(limit: Int) throws -> Int {
        let old = try table.messages(
            .sent(until: now - queue.settings.retentionMilliseconds),
            in: queue.id,
            limit: limit
        )
        for message in old { try table.remove(message) }
        for group in Set(old.compactMap(\.group)) { try settle(group, in: queue.id) }
        return old.count
    }

    /// A group is free when nothing of it is in flight any more, and its first message may be received.
    private mutating func settle(_ group: [UInt8], in queue: Int64) throws {
        guard let head = try table.messages(.group(group), in: queue, limit: 1).first else {
            return try table.setGroup(group, in: queue, freeAt: nil)
        }
        let held = try table.messages(.heldInGroup(group), in: queue, limit: 1).first
        try table.setGroup(group, in: queue, freeAt: max(head.visible, held?.visible ?? 0))
    }
}

/// A message was taken.
package struct Sent: Equatable, Sendable {
    package var id: Int64
    package var messageID: String
    /// It is the same as one that was taken already, whose ids these are.
    package var isDuplicate: Bool

    /// Twenty digits, as AWS's: rising within a group.
    package var sequenceNumber: String { Self.sequenceNumber(id) }

    package static func sequenceNumber(_ id: Int64) -> String { String(10_000_000_000_000_000_000 &+ UInt64(id)) }
}

/// What a receive gave out and did.
package struct Received: Equatable, Sendable {
    package var messages: [QueuedMessage] = []
    /// The ids of messages that went where those go that were received too often.
    package var moved: [Int64] = []
    /// It stopped before it had looked at everything that may be received.
    package var hasMore = false
}

package enum QueueLimits {
    /// Milliseconds in which a FIFO queue knows a message again.
    package static let memory: Int64 = 300_000
    /// Milliseconds from a receive that a message may be in flight.
    static let flightMax: Int64 = 43_200_000
    /// Messages, or groups, that one receive looks at.
    static let judgedMax = 500
    /// Messages in flight of one queue.
    package static let inFlightMax = 120_000
    package static let batchEntriesMax = 10
}
