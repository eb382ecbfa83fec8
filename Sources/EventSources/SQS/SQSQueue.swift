// SPDX-License-Identifier: Apache-2.0
package import AWSWire
import LambdaModel

/// A queue that messages are read from: one of this server's, or of another by SQS's API.
///
/// Its calls throw `SQSFailure`, and `CancellationError` where their task is cancelled.
package protocol SQSQueue: Sendable {
    /// Whether a receive that is cancelled gives back what it took; otherwise that is invisible until its timeout is over.
    var givesBackWhenCancelled: Bool { get }

    /// How long nobody else sees a message that was received, in seconds.
    func visibilityTimeout() async throws -> Int

    /// Up to `max` messages (at most 10) as ReceiveMessage has them, with all attributes; none when none came for a while.
    func receive(max: Int) async throws -> [JSONValue]

    /// Deletes at most 10 messages; durable when this returns.
    ///
    /// - Returns: false where some of them are not the caller's any more.
    func delete(_ handles: [String]) async throws -> Bool

    /// Lets others see at most 10 messages at once.
    func release(_ handles: [String]) async throws
}

/// Why a queue did not do what it was asked.
package struct SQSFailure: Error, Equatable, Sendable {
    /// As SQS names it: `AWS.SimpleQueueService.NonExistentQueue`, for example.
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// In the words that Lambda has for it.
    var problem: String {
        "Error occurred while ReceiveMessage. SQS Error Code: \(code). SQS Error Message: \(message)"
    }
}

/// Where queues are found.
package protocol SQSQueues: Sendable {
    /// The queue of an ARN for mappings of that account; nil where its queues can't be read from here.
    func queue(arn: String, accountID: String) -> (any SQSQueue)?
}

extension SQSQueues {
    /// How long nobody else sees a message that was received, in seconds.
    ///
    /// - Throws: `LambdaError.invalidParameterValue` where the queue can't be read.
    package func visibilityTimeout(arn: String, accountID: String) async throws -> Int {
        guard let queue = queue(arn: arn, accountID: accountID) else {
            throw LambdaError.invalidParameterValue(message: "Unrecognized event source.")
        }
        do { return try await queue.visibilityTimeout() } catch let failure as SQSFailure {
            throw LambdaError.invalidParameterValue(message: failure.problem)
        }
    }
}
