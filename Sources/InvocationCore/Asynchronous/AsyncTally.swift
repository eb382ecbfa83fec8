// SPDX-License-Identifier: Apache-2.0

/// What became of asynchronous events since the server's start, as far as it is not counted by function.
package struct AsyncTally: Equatable, Sendable {
    /// Answered with 429.
    package var eventsRefused = 0
    /// Function errors that were tried again, and attempts that had no room or failed by the machine.
    package var retries = 0
    package var delays = 0
    /// By condition; the rest are of functions that are gone.
    package private(set) var ended: [AsyncRetryPolicy.Condition: Int] = [:]
    package private(set) var delivered: [DestinationARN.Service: Int] = [:]

    package init() {}

    package mutating func end(_ condition: AsyncRetryPolicy.Condition) { ended[condition, default: 0] += 1 }
    package mutating func deliver(_ service: DestinationARN.Service) { delivered[service, default: 0] += 1 }
}

/// How much waits at one moment, and for how long.
package struct AsyncDepth: Equatable, Sendable {
    /// Events that wait or are being tried.
    package var events: Int
    package var attempts: Int
    /// Since the oldest of them was accepted; zero where there is none.
    package var oldestEventAge: Duration
    /// Messages for destinations that are not there yet.
    package var deliveries: Int
    package var oldestDeliveryAge: Duration
    /// Events and messages for destinations that there may be.
    package var countMax: Int

    package init(
        events: Int,
        attempts: Int,
        oldestEventAge: Duration,
        deliveries: Int,
        oldestDeliveryAge: Duration,
        countMax: Int
    ) {
        self.events = events
        self.attempts = attempts
        self.oldestEventAge = oldestEventAge
        self.deliveries = deliveries
        self.oldestDeliveryAge = oldestDeliveryAge
        self.countMax = countMax
    }
}

/// Both, as they are at one moment; every label that there may be is known beforehand.
package struct AsyncMetrics: Equatable, Sendable {
    package var depth: AsyncDepth
    package var tally: AsyncTally

    package init(depth: AsyncDepth, tally: AsyncTally) {
        self.depth = depth
        self.tally = tally
    }
}
