// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Invoker
import Logging

/// Tells a destination of records that were discarded.
struct DiscardDelivery: Sendable {
    /// Tries, with 1 s, 2 s … between them.
    private static let triesMax = 5

    var deliver: StreamReading.Deliver
    var clock: any Clock<Duration>
    var logger: Logger

    /// One that can't be told is given up after some tries, which the log says.
    ///
    /// `place` is shown in the log, by its key.
    ///
    /// - Returns: false where the task was cancelled before that was found out.
    func deliver(_ message: DestinationMessage, from place: (key: String, name: String)) async -> Bool {
        for turn in 1...Self.triesMax {
            do {
                try await deliver(message)
                return true
            } catch let failure {
                guard !Task.isCancelled else { return false }
                guard failure.mayPass, turn < Self.triesMax else {
                    logger.warning(
                        "nothing was sent to a destination",
                        metadata: [
                            place.key: "\(place.name)", "destination": "\(message.target.text)",
                            "cause": "\(failure.reason)",
                        ]
                    )
                    return true
                }
                guard (try? await clock.sleep(for: .seconds(1 << (turn - 1)))) != nil else { return false }
            }
        }
        return true
    }
}
