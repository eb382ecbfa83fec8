// SPDX-License-Identifier: Apache-2.0

/// What becomes of an asynchronous event after an attempt (AWS Lambda Developer Guide, "How Lambda handles errors and retries
/// with asynchronous invocation").
///
/// Function errors are tried again after the base delay and then twice of it, as often as the function's configuration says.
/// Throttling and failures of the machine use up no attempt: the delay doubles from a second to five minutes. An event whose
/// next attempt would come after its greatest age has failed now.
package struct AsyncRetryPolicy: Equatable, Sendable {
    /// A function's settings for asynchronous events.
    package struct Settings: Equatable, Sendable {
        /// 0 to 2.
        package var retriesMax: Int
        /// 60 s to 6 h.
        package var ageMax: Duration

        package init(retriesMax: Int = 2, ageMax: Duration = .seconds(21_600)) {
            self.retriesMax = retriesMax
            self.ageMax = ageMax
        }
    }

    package enum Attempt: Equatable, Sendable {
        case succeeded
        case functionError
        /// No room for it now: an account's or a function's concurrency.
        case throttled
        /// The server could not run it, for no fault of the function's.
        case machineFailed
    }

    /// AWS's words, as destinations' records have them.
    package enum Condition: String, CaseIterable, Sendable {
        case success = "Success"
        case retriesExhausted = "RetriesExhausted"
        case eventAgeExceeded = "EventAgeExceeded"
        case zeroReservedConcurrency = "ZeroReservedConcurrency"
    }

    package enum Decision: Equatable, Sendable {
        case end(Condition)
        case retry(after: Duration)
    }

    /// Between the first function error and the next attempt.
    package var baseDelay: Duration

    static let throttleDelayMin = Duration.seconds(1)
    static let throttleDelayMax = Duration.seconds(300)

    package init(baseDelay: Duration = .seconds(60)) {
        self.baseDelay = baseDelay
    }

    /// Decides after an attempt.
    ///
    /// `errors` counts the function errors so far and `delays` the attempts that were not made or failed by the machine, both
    /// with this attempt. `age` is since the event was accepted.
    package func decide(
        _ attempt: Attempt,
        errors: Int,
        delays: Int,
        age: Duration,
        _ settings: Settings
    ) -> Decision {
        let delay: Duration
        switch attempt {
        case .succeeded: return .end(.success)
        case .functionError:
            guard errors <= settings.retriesMax else { return .end(.retriesExhausted) }
            delay = baseDelay * errors
        case .throttled, .machineFailed:
            delay = min(Self.throttleDelayMax, Self.throttleDelayMin * (1 << min(max(delays - 1, 0), 16)))
        }
        guard age + delay < settings.ageMax else { return .end(.eventAgeExceeded) }
        return .retry(after: delay)
    }

    /// Whether an event may still be tried: it may have waited behind others for too long.
    package func isTooOld(age: Duration, _ settings: Settings) -> Bool { age >= settings.ageMax }
}
