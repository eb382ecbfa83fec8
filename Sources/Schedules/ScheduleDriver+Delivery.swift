// SPDX-License-Identifier: Apache-2.0
import AWSWire
import LambdaModel
import Logging
import ScheduleCore
import ScheduleStore

/// One try of a delivery, and what follows from it.
extension ScheduleDriver {
    struct Answer {
        var attempt: DeliveryPolicy.Attempt
        var code = ""
        var message = ""
    }

    /// For how long, and how often, a dead letter is tried: a day from when it became one.
    private static let deadLetterPolicy = DeliveryPolicy()

    static let tooOld = Answer(
        attempt: .failed,
        code: "EVENT_AGE_EXCEEDED",
        message: "It was older than MaximumEventAgeInSeconds when it could be sent."
    )

    /// What is to be written down of a try.
    nonisolated func attempt(_ waiting: WaitingDelivery) async -> ScheduleStore.Settlement {
        let delivery = waiting.delivery
        let isDeadLetter = delivery.failure != nil
        if !isDeadLetter, delivery.target.policy.isTooOld(delivery.due, now: now()) {
            return await giveUp(delivery, Self.tooOld, .age, attempts: waiting.attempts)
        }
        let answer = isDeadLetter ? await sendDeadLetter(delivery) : await send(delivery, attempt: waiting.attempts + 1)
        let policy = isDeadLetter ? Self.deadLetterPolicy : delivery.target.policy
        let decision = policy.decide(
            answer.attempt,
            retries: waiting.attempts,
            occurred: delivery.failure?.time ?? delivery.due,
            now: now(),
            seed: ScheduleDefinition.seed(delivery.id)
        )
        switch decision {
        case .done: return .removed
        case .retry(let time): return .putBack(due: time, attempts: waiting.attempts + 1)
        case .giveUp(let exhausted):
            return await giveUp(delivery, answer, exhausted, attempts: waiting.attempts + 1)
        }
    }

    private nonisolated func giveUp(
        _ delivery: ScheduleDelivery,
        _ answer: Answer,
        _ exhausted: DeliveryPolicy.Exhausted?,
        attempts: Int
    ) async -> ScheduleStore.Settlement {
        let isDeadLetter = delivery.failure != nil
        await say(delivery, answer, isDeadLetter: isDeadLetter)
        guard !isDeadLetter, delivery.target.deadLetterARN != nil else { return .removed }
        let retries = max(0, attempts - 1)
        let letter = Self.letter(delivery, answer, exhausted, retries: retries, attempt: max(1, attempts), now: now())
        return .deadLetter(letter, due: now())
    }

    /// What goes to the dead-letter queue; `attempt` is the last one, or would have been the first.
    static func letter(
        _ delivery: ScheduleDelivery,
        _ answer: Answer,
        _ exhausted: DeliveryPolicy.Exhausted?,
        retries: Int,
        attempt: Int,
        now: Timestamp
    ) -> ScheduleDelivery {
        var letter = delivery
        letter.failure = ScheduleDelivery.Failure(
            code: answer.code,
            message: answer.message,
            exhausted: exhausted,
            retries: retries,
            time: now
        )
        letter.payload = TargetInput.fill(delivery, attempt: attempt)
        return letter
    }

    private nonisolated func send(_ delivery: ScheduleDelivery, attempt: Int) async -> Answer {
        let payload = TargetInput.fill(delivery, attempt: attempt)
        let kind: ScheduleTargets.Kind
        do { kind = try targets.kind(delivery.target.arn, of: delivery.source, at: "Target") } catch {
            return Answer(attempt: .refused, code: "INVALID_TARGET", message: error.message)
        }
        switch kind {
        case .function(let function, let qualifier): return await invoke(function, qualifier, delivery, payload)
        case .queue(let arn, let isFIFO):
            return await send(
                ScheduleTargets.QueueMessage(
                    queueARN: arn,
                    body: payload,
                    groupID: isFIFO ? delivery.target.messageGroupID ?? delivery.source.name : nil,
                    deduplicationID: delivery.id,
                    sender: delivery.source.accountID
                )
            )
        }
    }

    private nonisolated func invoke(
        _ function: FunctionKey,
        _ qualifier: String?,
        _ delivery: ScheduleDelivery,
        _ payload: String
    ) async -> Answer {
        do {
            if delivery.source.kind == .rule,
                try await !targets.permits(function, qualifier, delivery.source.arn)
            {
                return Answer(
                    attempt: .refused,
                    code: "NO_PERMISSIONS",
                    message: "The function's policy does not permit events.amazonaws.com to invoke it for "
                        + "\(delivery.source.arn); AddPermission does."
                )
            }
            guard payload.utf8.count <= ScheduleLimits.inputBytesMax else {
                return Answer(
                    attempt: .refused,
                    code: "INVALID_SIZE",
                    message: "What the target would get is larger than \(ScheduleLimits.inputBytesMax) bytes."
                )
            }
            guard JSONSyntax.failure(in: Array(payload.utf8)) == nil else {
                return Answer(attempt: .refused, code: "INVALID_JSON", message: "What the target would get is no JSON.")
            }
            try await targets.accept(
                InvocationRequest(
                    // Not the delivery's: the event of an earlier try may be there still, and no two have one id.
                    requestID: RandomIdentifier.uuid(),
                    function: function,
                    qualifier: qualifier,
                    payload: Array(payload.utf8)
                )
            )
            return Answer(attempt: .succeeded)
        } catch let error as LambdaError {
            let wire = error.wire
            let isGone = wire.status == 404
            return Answer(attempt: isGone ? .refused : .failed, code: wire.name, message: wire.message)
        } catch {
            logger.error("a target could not be invoked", metadata: ["cause": "\(error)"])
            return Answer(
                attempt: .failed,
                code: "InternalFailure",
                message: "The server could not invoke the function."
            )
        }
    }

    private nonisolated func send(_ message: ScheduleTargets.QueueMessage) async -> Answer {
        guard let send = targets.send else {
            return Answer(attempt: .refused, code: "INVALID_TARGET", message: "This server has no queues of its own.")
        }
        do {
            try await send(message)
            return Answer(attempt: .succeeded)
        } catch {
            return Answer(attempt: error.mayPass ? .failed : .refused, code: error.code, message: error.message)
        }
    }

    // MARK: Dead letters

    private nonisolated func sendDeadLetter(_ delivery: ScheduleDelivery) async -> Answer {
        guard let failure = delivery.failure, let queue = delivery.target.deadLetterARN else {
            preconditionFailure("a dead letter has a queue and a reason")
        }
        let (body, attributes) = Self.letter(of: delivery, failure)
        return await send(
            ScheduleTargets.QueueMessage(
                queueARN: queue,
                body: body,
                attributes: attributes,
                deduplicationID: delivery.id,
                sender: delivery.source.accountID
            )
        )
    }

    /// A body that is too large for a message with its attributes is cut, at a character.
    static func letter(
        of delivery: ScheduleDelivery,
        _ failure: ScheduleDelivery.Failure
    ) -> (body: String, attributes: [String: String]) {
        var attributes = attributes(delivery, failure)
        let bytes = attributes.reduce(0) { $0 + $1.key.utf8.count + "String".utf8.count + $1.value.utf8.count }
        // "true" is shorter than "false".
        let room = ScheduleLimits.inputBytesMax - bytes
        let payload = delivery.payload.utf8
        guard payload.count > room else { return (delivery.payload, attributes) }
        var end = payload.index(payload.startIndex, offsetBy: room)
        while payload[end] & 0xC0 == 0x80 { end = payload.index(before: end) }
        if delivery.source.kind == .schedule { attributes["IS_PAYLOAD_TRUNCATED"] = "true" }
        return (String(delivery.payload[..<end]), attributes)
    }

    /// As the two services set them (their User Guides, "Dead-letter queues").
    static func attributes(_ delivery: ScheduleDelivery, _ failure: ScheduleDelivery.Failure) -> [String: String] {
        var attributes = [
            "ERROR_CODE": failure.code, "ERROR_MESSAGE": failure.message, "RETRY_ATTEMPTS": "\(failure.retries)",
            "TARGET_ARN": delivery.target.arn,
        ]
        attributes["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted?.rawValue
        switch delivery.source.kind {
        case .rule: attributes["RULE_ARN"] = delivery.source.arn
        case .schedule:
            attributes["SCHEDULE_ARN"] = delivery.source.arn
            attributes["EXECUTION_ID"] = delivery.id
            attributes["SCHEDULED_TIME"] = delivery.occurred.seconds
            attributes["IS_PAYLOAD_TRUNCATED"] = "false"
        }
        return attributes.filter { !$0.value.isEmpty }
    }

    private nonisolated func say(_ delivery: ScheduleDelivery, _ answer: Answer, isDeadLetter: Bool) async {
        let what = isDeadLetter ? "dead-letter queue \(delivery.target.deadLetterARN ?? "")" : delivery.target.arn
        let text = "What \(delivery.source.arn) sent was not taken by \(what): \(answer.code): \(answer.message)"
        logger.warning(
            "a delivery was given up",
            metadata: ["source": "\(delivery.source.arn)", "target": "\(what)", "cause": "\(answer.message)"]
        )
        guard let function = ARN(delivery.target.arn)?.function?.key else { return }
        await targets.note(function, text)
    }
}
