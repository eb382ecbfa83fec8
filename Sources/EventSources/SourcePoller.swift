// SPDX-License-Identifier: Apache-2.0
import InvocationCore

/// What reads the source of one mapping: `SQSPoller`, `StreamPoller`, `KafkaPoller` or `RabbitMQPoller`.
protocol SourcePoller: Actor {
    /// Until it was stopped, and everything in hand has come to its end.
    func run() async

    /// The mapping was changed, but not what it reads.
    ///
    /// - Throws: `EventPatternError` for filters that are none.
    func change(_ plan: EventSourcePlan) async throws

    /// Reads no more; with `isHasty` not even what a read brings that is under way.
    func stop(isHasty: Bool) async
}
