// SPDX-License-Identifier: Apache-2.0
import Crypto
package import EnvelopeEncryption
package import LambdaModel
package import Logging
package import QueueCore
package import QueueStore
import ServiceLifecycle

/// The queues of this machine: messages in and out, for the API and for the server's own parts.
///
/// Runs until the shutdown begins, with which receives that wait are answered; drops what is too old once a minute.
package final class QueueService: Service {
    static let sweepInterval = Duration.seconds(60)
    package static let waitMax = Duration.seconds(20)

    let store: QueueStore
    let waiters = QueueWaiters()
    let now: @Sendable () -> Timestamp
    let logger: Logger
    private let handleKey: SymmetricKey
    private let clock: any Clock<Duration>

    package init(
        store: QueueStore,
        masterKey: MasterKey,
        now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>,
        logger: Logger
    ) {
        self.store = store
        handleKey = masterKey.derive("queue receipt handles")
        self.now = now
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await cancelWhenGracefulShutdown { [self] in
                while !Task.isCancelled {
                    do {
                        try await store.sweep(now: now())
                        try await clock.sleep(for: Self.sweepInterval)
                    } catch is CancellationError {
                        break
                    } catch {
                        logger.error("old messages could not be dropped", metadata: ["error": "\(error)"])
                        try? await clock.sleep(for: Self.sweepInterval)
                    }
                }
            }
        } onGracefulShutdown: { [self] in
            waiters.close()
        }
        waiters.close()
    }

    // MARK: Sending

    /// A message on its way.
    package struct Outgoing: Sendable {
        package var body: String
        package var attributes: [String: MessageContent.Attribute]
        package var groupID: String?
        package var deduplicationID: String?
        /// Seconds; nil for the queue's.
        package var delay: Int?
        package var traceHeader: String?

        package init(
            body: String,
            attributes: [String: MessageContent.Attribute] = [:],
            groupID: String? = nil,
            deduplicationID: String? = nil,
            delay: Int? = nil,
            traceHeader: String? = nil
        ) {
            self.body = body
            self.attributes = attributes
            self.groupID = groupID
            self.deduplicationID = deduplicationID
            self.delay = delay
            self.traceHeader = traceHeader
        }
    }

    /// A message that was taken.
    package struct Accepted: Equatable, Sendable {
        package var messageID: String
        /// Of FIFO queues.
        package var sequenceNumber: String?
    }

    /// Sends one message to the queue of an ARN, whoever asks: it is durable when this returns.
    ///
    /// `sender` is shown as the message's SenderId.
    /// - Throws: `QueueError` when there is no such queue or it does not take the message, `QueueStoreError` when nothing can be written.
    @discardableResult
    package func send(_ message: Outgoing, to arn: String, sender: String) async throws -> Accepted {
        guard let key = QueueKey(arn: arn) else { throw QueueError.noQueue }
        let results = try await send([message], to: key, sender: sender)
        return try results[0].get()
    }

    /// Sends messages; each is taken or refused by itself, and those that are taken are durable when this returns.
    ///
    /// - Throws: `QueueError` when there is no such queue.
    package func send(
        _ messages: [Outgoing],
        to key: QueueKey,
        sender: String
    ) async throws -> [Result<Accepted, QueueError>] {
        guard let queue = try await store.queue(key) else { throw QueueError.noQueue }
        var outgoing: [OutgoingMessage] = []
        var refusals: [QueueError?] = []
        for message in messages {
            var content = MessageContent(
                body: message.body,
                attributes: message.attributes,
                senderID: sender,
                groupID: message.groupID,
                deduplicationID: message.deduplicationID,
                traceHeader: message.traceHeader
            )
            do throws(QueueError) {
                try MessageRules.check(content, delay: message.delay, queue.settings)
                if queue.settings.isFIFO, content.deduplicationID == nil {
                    content.deduplicationID = MessageDigest.identity(content.body)
                }
                outgoing.append(
                    OutgoingMessage(messageID: RandomIdentifier.uuid(), content: content, delay: message.delay)
                )
                refusals.append(nil)
            } catch {
                refusals.append(error)
            }
        }
        var sent: [Sent] = []
        if !outgoing.isEmpty {
            sent = try await store.send(outgoing, to: key, now: now())
            waiters.wake(queue.id, count: sent.count)
        }
        var taken = sent.makeIterator()
        return refusals.map { refusal in
            if let refusal { return .failure(refusal) }
            guard let sent = taken.next() else { preconditionFailure("each message that is not refused is sent") }
            return .success(
                Accepted(
                    messageID: sent.messageID,
                    sequenceNumber: queue.settings.isFIFO ? sent.sequenceNumber : nil
                )
            )
        }
    }

    // MARK: Receiving

    /// A message in flight.
    package struct Incoming: Sendable {
        package var receiptHandle: String
        package var content: MessageContent
        package var head: QueuedMessage
        package var isFIFO: Bool

        /// As ReceiveMessage names them, and as an event's record has them.
        package var systemAttributes: [String: String] {
            var attributes = [
                "SenderId": content.senderID, "SentTimestamp": "\(head.sent)",
                "ApproximateReceiveCount": "\(head.receives)",
                "ApproximateFirstReceiveTimestamp": "\(head.firstReceived ?? head.sent)",
            ]
            attributes["AWSTraceHeader"] = content.traceHeader
            attributes["MessageGroupId"] = content.groupID
            attributes["DeadLetterQueueSourceArn"] = head.source
            if isFIFO {
                attributes["MessageDeduplicationId"] = content.deduplicationID
                attributes["SequenceNumber"] = Sent.sequenceNumber(head.id)
            }
            return attributes
        }
    }

    /// Receives up to `max` messages, waiting for the first up to `wait`; none when none came, or the server is ending.
    ///
    /// For `timeout` seconds (nil: as the queue says) nobody else sees them. Without `wait` the queue says that too. Throws `QueueError`,
    /// `QueueStoreError`, and `CancellationError` when the task is cancelled while it waits.
    package func receive(
        from key: QueueKey,
        max: Int,
        timeout: Int? = nil,
        wait: Duration? = nil
    ) async throws -> [Incoming] {
        guard let queue = try await store.queue(key) else { throw QueueError.noQueue }
        let wait = wait ?? .seconds(queue.settings.receiveWait)
        let first = try await attempt(key, max, timeout, isWaiting: wait > .zero)
        guard first.messages.isEmpty, wait > .zero else { return incoming(first, queue) }
        return try await receive(queue, max, timeout, upTo: wait)
    }

    private func receive(
        _ queue: QueueRecord,
        _ max: Int,
        _ timeout: Int?,
        upTo wait: Duration
    ) async throws -> [Incoming] {
        guard let ticket = waiters.enter(queue.id) else {
            throw QueueError(.requestThrottled, "\(QueueWaiters.waitersMax) receives are waiting already.")
        }
        // Who leaves may be the one that knew when the next message comes.
        defer { waiters.leave(ticket, handsOn: true) }
        let end = now().advanced(by: wait).millisecondsSinceEpoch
        while true {
            waiters.look(ticket)
            let batch = try await attempt(queue.key, max, timeout, isWaiting: true)
            let present = now().millisecondsSinceEpoch
            guard batch.messages.isEmpty, present < end, !waiters.isClosed else { return incoming(batch, queue) }
            try Task.checkCancellation()
            // A purge gave the queue another number: who sends to it does not wake this one.
            guard batch.queue == queue.id else { return [] }
            // A clock may be set back: no sleep is longer than the wait as a whole.
            let left = Swift.min(Swift.max(1, Swift.min(end, batch.next ?? end) - present), end - present)
            await sleep(ticket, .milliseconds(left))
            try Task.checkCancellation()
        }
    }

    private func sleep(_ ticket: QueueWaiters.Ticket, _ duration: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [waiters] in await waiters.wait(ticket) }
            group.addTask { [clock] in try? await clock.sleep(for: duration) }
            await group.next()
            group.cancelAll()
        }
    }

    private func attempt(
        _ key: QueueKey,
        _ max: Int,
        _ timeout: Int?,
        isWaiting: Bool
    ) async throws -> ReceivedBatch {
        do {
            let batch = try await store.receive(from: key, max: max, timeout: timeout, now: now()) { [logger] id in
                logger.error("a message was changed since it was stored", metadata: ["message": "\(id)"])
            }
            guard !Task.isCancelled else {
                await giveBack(batch, key)
                throw CancellationError()
            }
            if let moved = batch.movedTo { waiters.wake(moved, count: QueueLimits.batchEntriesMax) }
            // When these come back, somebody has to be there who knows it.
            if !batch.messages.isEmpty { waiters.wake(batch.queue) }
            return batch
        } catch let error as QueueError where error.kind == .overLimit && isWaiting {
            // As on AWS: who waits is not told.
            guard let queue = try await store.queue(key) else { throw QueueError.noQueue }
            let later = now().millisecondsSinceEpoch + Self.crowdedRetryMilliseconds
            return ReceivedBatch(next: later, queue: queue.id)
        }
    }

    /// Nobody is there any more who could get them: others shall, and at once.
    private func giveBack(_ batch: ReceivedBatch, _ key: QueueKey) async {
        let handles = batch.messages.map { QueueStore.Handle(id: $0.head.id, receives: $0.head.receives, text: "") }
        do {
            if !handles.isEmpty {
                let timeouts = handles.map { _ in 0 }
                _ = try await store.changeVisibility(handles, timeouts: timeouts, of: key, now: now())
            }
        } catch {
            // They come back when their visibility timeout is over.
            logger.warning("messages of a receive that was given up stay in flight", metadata: ["cause": "\(error)"])
        }
        waiters.wake(batch.queue, count: handles.count + 1)
    }

    private static let crowdedRetryMilliseconds: Int64 = 1_000

    private func incoming(_ batch: ReceivedBatch, _ queue: QueueRecord) -> [Incoming] {
        batch.messages.map { head, content in
            let handle = ReceiptHandle(id: head.id, receives: head.receives)
            return Incoming(
                receiptHandle: handle.text(of: queue.key, key: handleKey),
                content: content,
                head: head,
                isFIFO: queue.settings.isFIFO
            )
        }
    }

    // MARK: Afterwards

    /// Deletes messages by their receipt handles; durable when this returns.
    ///
    /// - Returns: an error for each that was refused, in their order.
    /// - Throws: `QueueError` when there is no such queue.
    package func delete(_ handles: [String], from key: QueueKey) async throws -> [QueueError?] {
        try await each(handles, of: key) { store, known, _ in
            try await store.delete(known, from: key, now: self.now())
        }
    }

    /// Lets messages be in flight for `timeouts` seconds from now, one of them for each handle.
    ///
    /// - Returns: an error for each that was refused, in their order.
    /// - Throws: `QueueError` when there is no such queue.
    package func changeVisibility(
        _ handles: [String],
        timeouts: [Int],
        of key: QueueKey
    ) async throws -> [QueueError?] {
        try await each(handles, of: key) { store, known, indices in
            try await store.changeVisibility(known, timeouts: indices.map { timeouts[$0] }, of: key, now: self.now())
        }
    }

    private func each(
        _ handles: [String],
        of key: QueueKey,
        _ body: (QueueStore, [QueueStore.Handle], [Int]) async throws -> QueueStore.Outcome
    ) async throws -> [QueueError?] {
        var errors: [QueueError?] = []
        var known: [QueueStore.Handle] = []
        var indices: [Int] = []
        for (index, text) in handles.enumerated() {
            if let handle = ReceiptHandle(text, of: key, key: handleKey) {
                known.append(.init(id: handle.id, receives: handle.receives, text: text))
                indices.append(index)
                errors.append(nil)
            } else {
                errors.append(.badHandle(text))
            }
        }
        let outcome = try await body(store, known, indices)
        for (index, error) in zip(indices, outcome.errors) { errors[index] = error }
        // Also where nothing is free yet: somebody has to know when it will be.
        if !known.isEmpty { waiters.wake(outcome.queue, count: outcome.frees ? known.count : 1) }
        return errors
    }
}
