// SPDX-License-Identifier: Apache-2.0
import ControlPlane
import InvocationCore
import Invoker
import LambdaModel
import QueueCore
import QueueStore
import Queues
import Schedules

/// How what schedules and rules send comes to this server's functions and queues.
enum ScheduleConnections {
    /// The functions and the queues of this server; `queues` is nil where it has none that are to be sent to.
    static func targets(
        _ controlPlane: ControlPlane,
        _ invoker: InvokeService,
        _ events: AsyncInvokeQueue,
        queues: QueueService?
    ) -> ScheduleTargets {
        var send: ScheduleTargets.Send?
        if let queues {
            send = { message async throws(ScheduleTargets.Refusal) in try await Self.send(message, queues) }
        }
        return ScheduleTargets(
            accept: { try await invoker.accept($0, into: events) },
            permits: { function, qualifier, ruleARN in
                let policy = try await controlPlane.resourcePolicy(of: function, qualifier: qualifier)
                let request = AccessRequest(
                    principal: .service("events.amazonaws.com"),
                    action: "lambda:InvokeFunction",
                    resource: function.arn(qualifier: qualifier),
                    context: ["aws:SourceArn": [ruleARN], "aws:SourceAccount": [function.accountID]]
                )
                return policy.decision(on: request) == .allow
            },
            send: send,
            note: { await controlPlane.noteOnEvents($1, of: $0) }
        )
    }

    private static func send(
        _ message: ScheduleTargets.QueueMessage,
        _ queues: QueueService
    ) async throws(ScheduleTargets.Refusal) {
        let outgoing = QueueService.Outgoing(
            body: message.body,
            attributes: message.attributes.mapValues { .init(type: "String", value: .string($0)) },
            groupID: message.groupID,
            deduplicationID: message.groupID.map { _ in message.deduplicationID }
        )
        do {
            try await queues.send(outgoing, to: message.queueARN, sender: message.sender)
        } catch let error as QueueError {
            let mayPass = error.kind == .requestThrottled || error.kind == .internalError
            throw ScheduleTargets.Refusal(code: error.wire.queryCode, message: error.message, mayPass: mayPass)
        } catch {
            throw ScheduleTargets.Refusal(
                code: "InternalFailure",
                message: "The queue could not be written to.",
                mayPass: true
            )
        }
    }
}
