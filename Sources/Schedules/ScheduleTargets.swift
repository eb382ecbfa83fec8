// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
import ScheduleCore

/// How what schedules and rules send comes to its targets.
package struct ScheduleTargets: Sendable {
    /// Durable when it returns; throws `LambdaError`.
    package typealias Accept = @Sendable (InvocationRequest) async throws -> Void
    /// Whether the function's policy lets events.amazonaws.com invoke it for a rule.
    package typealias Permits = @Sendable (FunctionKey, _ qualifier: String?, _ ruleARN: String) async throws -> Bool
    /// Durable when it returns.
    package typealias Send = @Sendable (QueueMessage) async throws(Refusal) -> Void
    /// Writes a line into a function's log.
    package typealias Note = @Sendable (FunctionKey, _ text: String) async -> Void

    package struct QueueMessage: Sendable {
        package var queueARN: String
        package var body: String
        package var attributes: [String: String] = [:]
        package var groupID: String?
        /// Of FIFO queues: the same for every try.
        package var deduplicationID: String
        package var sender: String
    }

    package struct Refusal: Error {
        package var code: String
        package var message: String
        package var mayPass: Bool

        package init(code: String, message: String, mayPass: Bool) {
            self.code = code
            self.message = message
            self.mayPass = mayPass
        }
    }

    let accept: Accept
    let permits: Permits
    /// nil where this server has no queues of its own.
    let send: Send?
    let note: Note

    package init(
        accept: @escaping Accept,
        permits: @escaping Permits,
        send: Send?,
        note: @escaping Note
    ) {
        self.accept = accept
        self.permits = permits
        self.send = send
        self.note = note
    }

    /// What can be sent to from here.
    enum Kind: Equatable {
        case function(FunctionKey, qualifier: String?)
        case queue(arn: String, isFIFO: Bool)
    }

    /// Tells what an ARN names.
    ///
    /// - Throws: `ScheduleError` (`validation`) for what nothing can be sent to from here, with the reason.
    func kind(_ text: String, of source: ScheduleKey, at field: String) throws(ScheduleError) -> Kind {
        guard let arn = ARN(text) else { throw ScheduleError(.validation, "Provided Arn is not in correct format.") }
        func refused(_ reason: String) -> ScheduleError {
            ScheduleError(.validation, "\(field) \(text.prefix(256)) can't be used: \(reason)")
        }
        switch arn.service {
        case "lambda":
            guard let (function, qualifier) = arn.function else {
                throw ScheduleError(.validation, "Provided Arn is not in correct format.")
            }
            guard function.accountID == source.accountID, function.region == source.region else {
                throw refused("a function has to be of the same account and region.")
            }
            return .function(function, qualifier: qualifier)
        case "sqs":
            guard send != nil else {
                throw refused("this server has no queues of its own (--sqs, --sqs-endpoint of martlet serve).")
            }
            guard arn.accountID == source.accountID, arn.region == source.region else {
                throw refused("a queue has to be of the same account and region.")
            }
            return .queue(arn: text, isFIFO: arn.resource.hasSuffix(".fifo"))
        default:
            throw refused("functions and queues of this server are the only targets in this version of Martlet.")
        }
    }
}
