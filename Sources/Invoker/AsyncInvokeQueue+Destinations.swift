// SPDX-License-Identifier: Apache-2.0
import EventStore
import InvocationCore
import LambdaModel
import Logging
import MetricCore

/// What follows when an event has come to its end: events of functions, and messages for other destinations.
extension AsyncInvokeQueue {
    /// What follows from an event that has come to its end.
    func following(_ record: InvocationRecord, _ plan: AsyncPlan) async -> [(AsyncEvent.Envelope, payload: [UInt8])] {
        let isSuccess = record.condition == .success
        var next: [(AsyncEvent.Envelope, payload: [UInt8])] = []
        if let target = isSuccess ? plan.onSuccess : plan.onFailure {
            if let (function, qualifier) = DestinationARN(target)?.function {
                if let following = await follow(record, to: function, qualifier) { next.append(following) }
            } else {
                next.append(DestinationMessage.kept(record, for: target, isDeadLetter: false, at: now()))
            }
        }
        if !isSuccess, let target = plan.deadLetterTarget {
            next.append(DestinationMessage.kept(record, for: target, isDeadLetter: true, at: now()))
        }
        return next
    }

    /// The event goes, and what follows from it comes, in one transaction.
    func finish(
        _ id: Int64,
        _ record: InvocationRecord,
        next: [(AsyncEvent.Envelope, payload: [UInt8])]
    ) async throws {
        let ids = try await store.remove(id, next: next)
        backlog.remove(id, of: record.event.envelope.function)
        tally.end(record.condition)
        let envelope = record.event.envelope
        if record.condition != .success {
            metrics.series(envelope.function, qualifier: envelope.qualifier).record(.asyncEventsDropped)
        }
        for (id, (envelope, payload)) in zip(ids, next) {
            if envelope.delivery == nil {
                backlog.add(id, of: envelope.function, due: envelope.accepted, bytes: payload.count)
            } else {
                deliveries.add(id, of: envelope.function, due: envelope.accepted, bytes: payload.count)
            }
        }
    }

    /// The event of a function that is a destination; nil where the record is too large for an event (each holds the one
    /// before it), or the event was one that a loop's end was told by.
    private func follow(
        _ record: InvocationRecord,
        to function: FunctionKey,
        _ qualifier: String?
    ) async -> (AsyncEvent.Envelope, payload: [UInt8])? {
        let before = record.event.envelope
        let payload = record.bytes
        guard payload.count <= LimitsProfile.eventPayloadBytesMax else {
            metrics.series(before.function, qualifier: before.qualifier).record(.destinationDeliveryFailures)
            await drop(
                "The record of request \(before.requestID) was not sent to \(function.arn): it has \(payload.count) "
                    + "bytes, more than an event may have.",
                before.function
            )
            return nil
        }
        // It was checked when it was set, but what is on the disk may have been changed.
        guard function.accountID == before.function.accountID, function.region == before.function.region else {
            metrics.series(before.function, qualifier: before.qualifier).record(.destinationDeliveryFailures)
            await drop(
                "The record of request \(before.requestID) was not sent to \(function.arn), which is another account's or in "
                    + "another region.",
                before.function
            )
            return nil
        }
        guard before.followsLoop != true else {
            metrics.series(before.function, qualifier: before.qualifier).record(.destinationDeliveryFailures)
            await drop(
                "The record of request \(before.requestID) was not sent to \(function.arn): the request came of a "
                    + "recursive loop.",
                before.function
            )
            return nil
        }
        var random = SystemRandomNumberGenerator()
        let trace = TraceHeader(
            continuing: before.traceHeader,
            function: function,
            isActive: false,
            at: now(),
            using: &random
        )
        var envelope = AsyncEvent.Envelope(
            requestID: RandomIdentifier.uuid(),
            function: function,
            qualifier: qualifier,
            accepted: now(),
            traceHeader: trace.description
        )
        if record.isLoop { envelope.followsLoop = true }
        return (envelope, payload)
    }

    /// One try to deliver a message.
    ///
    /// - Throws: where it was not tried.
    func deliver(_ id: Int64, _ function: FunctionKey) async throws -> Settlement {
        guard let event = try await kept(id, function), let message = DestinationMessage(event) else {
            return { try await self.forgetMessage(id, function) }
        }
        do {
            try await destinations.deliver(message)
            tally.deliver(message.target.service)
            return { try await self.forgetMessage(id, function) }
        } catch let failure {
            let tries = event.delays + 1
            switch DeliveryRetryPolicy().decide(mayPass: failure.mayPass, tries: tries) {
            case .retry(let delay):
                let due = now().advanced(by: delay)
                return { try await self.putBackMessage(id, function, due: due, tries: tries) }
            case .drop:
                await drop(message, failure, tries: tries)
                return { try await self.forgetMessage(id, function) }
            }
        }
    }

    private func forgetMessage(_ id: Int64, _ function: FunctionKey) async throws {
        try await store.remove(id)
        deliveries.remove(id, of: function)
    }

    private func putBackMessage(_ id: Int64, _ function: FunctionKey, due: Timestamp, tries: Int) async throws {
        try await store.putBack(id, due: due, errors: 0, delays: tries)
        deliveries.putBack(id, of: function, due: due)
    }

    private func drop(_ message: DestinationMessage, _ failure: DeliveryFailure, tries: Int) async {
        let what: String
        switch message.content {
        case .record:
            metrics.series(message.function, qualifier: message.qualifier).record(.destinationDeliveryFailures)
            what = "The record of request \(message.requestID) was not sent to \(message.target.text)"
        case .deadLetter:
            metrics.series(message.function, qualifier: message.qualifier).record(.deadLetterErrors)
            what =
                "The event of request \(message.requestID) was not sent to the dead-letter queue \(message.target.text)"
        }
        let count = tries == 1 ? "" : " (\(tries) times)"
        await drop("\(what): \(failure.reason)\(count).", message.function)
    }

    private func drop(_ text: String, _ function: FunctionKey) async {
        logger.warning(
            "nothing was sent to a destination",
            metadata: ["function": "\(function.arn)", "cause": "\(text)"]
        )
        await note(function, text)
    }
}
