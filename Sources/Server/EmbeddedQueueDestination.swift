// SPDX-License-Identifier: Apache-2.0
import AWSClient
import InvocationCore
import Invoker
import LambdaModel
import QueueCore
import QueueStore
import Queues

/// The queues of this server as destinations and dead-letter queues of the functions of their own account.
struct EmbeddedQueueDestination: DestinationService {
    let queues: QueueService

    func deliver(_ message: DestinationMessage) async throws(DeliveryFailure) {
        // There are no policies of queues, so nobody may send to another account's.
        guard message.target.accountID == message.function.accountID else {
            throw DeliveryFailure(reason: "the queue is another account's", mayPass: false)
        }
        var attributes: [String: MessageContent.Attribute] = [:]
        for attribute in RemoteDestination.attributes(message) {
            attributes[attribute.name] = .init(type: attribute.type.rawValue, value: .string(attribute.value))
        }
        let outgoing = QueueService.Outgoing(
            body: String(decoding: message.body, as: UTF8.self),
            attributes: attributes,
            traceHeader: message.traceHeader
        )
        do {
            try await queues.send(outgoing, to: message.target.text, sender: message.function.accountID)
        } catch let error as QueueError {
            let isBusy = error.kind == .requestThrottled || error.kind == .internalError
            throw DeliveryFailure(reason: error.message, mayPass: isBusy)
        } catch {
            throw DeliveryFailure(reason: "the queue could not be written to", mayPass: true)
        }
    }
}
