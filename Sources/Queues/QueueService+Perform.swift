// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import QueueCore
import QueueStore

/// Who asks, where.
package struct QueueCaller: Sendable {
    package var accountID: String
    package var region: String
    /// As a message's SenderId shows it.
    package var senderID: String
    /// What queue URLs begin with, such as `http://127.0.0.1:4566`.
    package var origin: String
    /// A queue of another account, which its policy lets the caller use in this request.
    package var grant: QueueKey?

    package init(accountID: String, region: String, senderID: String, origin: String, grant: QueueKey? = nil) {
        self.grant = grant
        self.accountID = accountID
        self.region = region
        self.senderID = senderID
        self.origin = origin
    }
}

extension QueueService {
    /// Does what an operation of SQS's API asks for.
    ///
    /// - Returns: the answer's JSON; nil where it has none.
    /// - Throws: `QueueError` for every refusal.
    package func perform(
        _ operation: QueueOperation,
        _ input: QueueInput,
        _ caller: QueueCaller
    ) async throws -> JSONValue? {
        do {
            return try await answer(operation, input, caller)
        } catch QueueStoreError.overloaded {
            throw QueueError(.requestThrottled, "Too much waits to be written: try again later.")
        } catch QueueStoreError.diskFull {
            throw QueueError(.internalError, "The server's disk is full; nothing was written.")
        }
    }

    private func answer(
        _ operation: QueueOperation,
        _ input: QueueInput,
        _ caller: QueueCaller
    ) async throws -> JSONValue? {
        switch operation {
        case .createQueue: return try await createQueue(input, caller)
        case .getQueueURL: return try await getQueueURL(input, caller)
        case .listQueues: return try await listQueues(input, caller)
        case .deleteQueue:
            let queue = try await queue(input, caller)
            try await store.delete(queue.key)
            waiters.wake(queue.id, count: .max)
        case .purgeQueue:
            let queue = try await queue(input, caller)
            try await store.purge(queue.key, now: now())
            waiters.wake(queue.id, count: .max)
        case .getQueueAttributes: return try await getQueueAttributes(input, caller)
        case .setQueueAttributes: try await setQueueAttributes(input, caller)
        case .tagQueue: try await tagQueue(input, caller)
        case .untagQueue: try await untagQueue(input, caller)
        case .listQueueTags: return try await listQueueTags(input, caller)
        case .listDeadLetterSourceQueues: return try await listDeadLetterSourceQueues(input, caller)
        case .sendMessage: return try await sendMessage(input, caller)
        case .sendMessageBatch: return try await sendMessageBatch(input, caller)
        case .receiveMessage: return try await receiveMessage(input, caller)
        case .deleteMessage:
            let handle = try input.required("ReceiptHandle")
            if let error = try await delete([handle], from: key(input, caller))[0] { throw error }
        case .deleteMessageBatch: return try await deleteMessageBatch(input, caller)
        case .changeMessageVisibility:
            let handle = try input.required("ReceiptHandle")
            guard let timeout = try input.integer("VisibilityTimeout") else {
                throw QueueError.missing("VisibilityTimeout")
            }
            try Self.checkTimeout(timeout)
            let errors = try await changeVisibility([handle], timeouts: [timeout], of: key(input, caller))
            if let error = errors[0] { throw error }
        case .changeMessageVisibilityBatch: return try await changeMessageVisibilityBatch(input, caller)
        case .addPermission: try await addPermission(input, caller)
        case .removePermission: try await removePermission(input, caller)
        case .startMessageMoveTask, .cancelMessageMoveTask, .listMessageMoveTasks:
            throw QueueError(
                .unsupportedOperation,
                "\(operation.rawValue) is not available in this version of Martlet."
            )
        }
        return nil
    }

    func key(_ input: QueueInput, _ caller: QueueCaller) throws(QueueError) -> QueueKey {
        guard let url = try input.string("QueueUrl"), let key = QueueKey(url: url, region: caller.region),
            key.accountID == caller.accountID || key == caller.grant
        else { throw .noQueue }
        return key
    }

    func queue(_ input: QueueInput, _ caller: QueueCaller) async throws -> QueueRecord {
        guard let queue = try await store.queue(key(input, caller)) else { throw QueueError.noQueue }
        return queue
    }

    static func checkTimeout(_ timeout: Int) throws(QueueError) {
        guard (0...43_200).contains(timeout) else {
            throw .value("\(timeout)", "VisibilityTimeout", "Must be between 0 and 43200.")
        }
    }
}
