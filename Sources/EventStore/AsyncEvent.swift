// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// An asynchronous event as it was accepted.
package struct AsyncEvent: Equatable, Sendable {
    /// What is known of it beside its payload.
    package struct Envelope: Equatable, Sendable, Codable {
        /// Of the request that was answered with 202, and of every attempt.
        package var requestID: String
        package var function: FunctionKey
        /// As the caller gave it; nil for `$LATEST` without saying so.
        package var qualifier: String?
        package var accepted: Timestamp
        package var traceHeader: String?
        /// What follows from an event that has come to its end: the payload is for a destination, and no function runs.
        package var delivery: Delivery?
        /// The event follows from one that was stopped as part of a loop: none follows from it.
        package var followsLoop: Bool?

        package init(
            requestID: String,
            function: FunctionKey,
            qualifier: String?,
            accepted: Timestamp,
            traceHeader: String? = nil,
            delivery: Delivery? = nil
        ) {
            self.requestID = requestID
            self.function = function
            self.qualifier = qualifier
            self.accepted = accepted
            self.traceHeader = traceHeader
            self.delivery = delivery
        }
    }

    /// Where a payload is to be sent.
    package struct Delivery: Equatable, Sendable, Codable {
        /// ARN.
        package var target: String
        /// The dead-letter queue's: the payload is the event itself, behind what is said of it.
        package var isDeadLetter: Bool
        /// Of the event's end.
        package var condition: String
        /// UUID: the same for every try.
        package var id: String

        package init(target: String, isDeadLetter: Bool, condition: String, id: String) {
            self.target = target
            self.isDeadLetter = isDeadLetter
            self.condition = condition
            self.id = id
        }
    }

    package var envelope: Envelope
    package var payload: [UInt8]
    /// Attempts that ended with a function error.
    package var errors: Int
    /// Attempts that were throttled, or failed by the machine.
    package var delays: Int

    package init(envelope: Envelope, payload: [UInt8], errors: Int = 0, delays: Int = 0) {
        self.envelope = envelope
        self.payload = payload
        self.errors = errors
        self.delays = delays
    }
}

/// What a start has to know of an event that an earlier run left.
package struct WaitingEvent: Equatable, Sendable {
    package var id: Int64
    package var function: FunctionKey
    package var due: Timestamp
    /// Of its payload, as it is stored.
    package var bytes: Int
    /// It is a message for a destination.
    package var isDelivery = false
}
