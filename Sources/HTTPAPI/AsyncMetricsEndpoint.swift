// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import Hummingbird
import InvocationCore
import LambdaModel

/// `GET /_martlet/async`: how much of asynchronous invocation waits, for how long, and what became of the rest.
extension LambdaAPI {
    /// Of the whole server, so the administrator's only.
    func asyncMetrics(_ caller: Caller) async throws -> Response {
        guard caller.isAdministrator else {
            throw LambdaError.accessDenied(
                name: "AccessDeniedException",
                message:
                    "User: \(caller.identity.arn) is not authorized to perform: martlet:GetAsyncMetrics because only "
                    + "the administrator's key may read what is of all accounts"
            )
        }
        return Self.json(Self.json(try await metrics()))
    }

    /// Times in milliseconds, counts since the server's start; names as CloudWatch has them, where it has any.
    static func json(_ metrics: AsyncMetrics) -> JSONValue {
        let (depth, tally) = (metrics.depth, metrics.tally)
        func milliseconds(_ duration: Duration) -> JSONValue {
            .integer(duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000)
        }
        let conditions = AsyncRetryPolicy.Condition.allCases.map {
            ($0.rawValue, JSONValue.integer(tally.ended[$0] ?? 0))
        }
        let services = DestinationARN.Service.allCases.filter { $0 != .lambda }
        let delivered = services.map { ($0.rawValue, JSONValue.integer(tally.delivered[$0] ?? 0)) }
        return .object([
            "eventsWaiting": .integer(depth.events), "attemptsRunning": .integer(depth.attempts),
            "asyncEventAge": milliseconds(depth.oldestEventAge), "deliveriesWaiting": .integer(depth.deliveries),
            "deliveryAge": milliseconds(depth.oldestDeliveryAge), "waitingMax": .integer(depth.countMax),
            "asyncEventsReceived": .integer(tally.eventsReceived), "asyncEventsRefused": .integer(tally.eventsRefused),
            "retries": .integer(tally.retries), "delays": .integer(tally.delays),
            "asyncEventsDropped": .integer(tally.eventsDropped),
            "recursiveInvocationsDropped": .integer(tally.recursiveInvocationsDropped),
            "destinationDeliveryFailures": .integer(tally.destinationDeliveryFailures),
            "deadLetterErrors": .integer(tally.deadLetterErrors),
            "ended": .object(Dictionary(uniqueKeysWithValues: conditions)),
            "delivered": .object(Dictionary(uniqueKeysWithValues: delivered)),
        ])
    }
}
