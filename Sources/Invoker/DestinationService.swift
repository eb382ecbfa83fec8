// SPDX-License-Identifier: Apache-2.0
package import InvocationCore

/// A way to the resources of one service that destinations and dead-letter queues name.
package protocol DestinationService: Sendable {
    /// Returns when the message is where it should be; ends within a minute.
    ///
    /// A message may come a second time, under the same id.
    func deliver(_ message: DestinationMessage) async throws(DeliveryFailure)
}

/// Why a message is not where it should be.
package struct DeliveryFailure: Error, Equatable {
    /// For the function's log, without a full stop.
    package var reason: String
    /// Whether it may be there after another try.
    package var mayPass: Bool

    package init(reason: String, mayPass: Bool) {
        self.reason = reason
        self.mayPass = mayPass
    }
}

/// The ways that there are.
package struct Destinations: Sendable {
    package var services: [DestinationARN.Service: any DestinationService]
    /// Why there is none, for the others.
    package var unreached: [DestinationARN.Service: String]

    package init(
        services: [DestinationARN.Service: any DestinationService],
        unreached: [DestinationARN.Service: String]
    ) {
        self.services = services
        self.unreached = unreached
    }

    /// One try.
    package func deliver(_ message: DestinationMessage) async throws(DeliveryFailure) {
        let target = message.target
        guard !target.isFIFO else {
            throw DeliveryFailure(reason: "Lambda sends to standard queues and topics only", mayPass: false)
        }
        guard let service = services[target.service] else {
            let reason = unreached[target.service] ?? "\(target.service.title) is no such destination"
            throw DeliveryFailure(reason: reason, mayPass: false)
        }
        try await service.deliver(message)
    }
}
