// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// How often, and for how long, something is tried that a schedule or a rule sends to its target.
package struct DeliveryPolicy: Codable, Equatable, Sendable {
    package static let ageRange = 60...86_400
    package static let retriesRange = 0...185

    /// Seconds, from the occurrence on.
    package var ageMax: Int
    package var retriesMax: Int

    /// AWS's own: 24 hours and 185 retries.
    package init(ageMax: Int = 86_400, retriesMax: Int = 185) {
        self.ageMax = ageMax
        self.retriesMax = retriesMax
    }

    package enum Attempt: Equatable, Sendable {
        case succeeded
        /// Trying again changes nothing: there is no such target, or it may not be used.
        case refused
        case failed
    }

    /// Why it is given up, as dead letters say it.
    package enum Exhausted: String, Codable, Sendable {
        case retries = "MaximumRetryAttempts"
        case age = "MaximumEventAgeInSeconds"
    }

    package enum Decision: Equatable, Sendable {
        case done
        case retry(at: Timestamp)
        /// To the dead-letter queue, if there is one; nil for what was refused.
        case giveUp(Exhausted?)
    }

    /// Whether it is too late for what was to be sent then.
    package func isTooOld(_ due: Timestamp, now: Timestamp) -> Bool { due.advanced(by: .seconds(ageMax)) < now }

    /// What follows from an attempt after `retries` others, of what is as old as `occurred` says.
    package func decide(_ attempt: Attempt, retries: Int, occurred: Timestamp, now: Timestamp, seed: UInt64) -> Decision
    {
        switch attempt {
        case .succeeded: return .done
        case .refused: return .giveUp(nil)
        case .failed: break
        }
        guard retries < retriesMax else { return .giveUp(.retries) }
        let next = now.advanced(by: Self.delay(retries: retries, seed: seed))
        guard next <= occurred.advanced(by: .seconds(ageMax)) else { return .giveUp(.age) }
        return .retry(at: next)
    }

    /// Twice as long each time up to about eight minutes, and up to a half of it less: 185 retries are a day.
    static func delay(retries: Int, seed: UInt64) -> Duration {
        let full = Int64(min(1 << min(retries, 9), 480)) * 1_000
        let less = ScheduleTiming.mix(seed &+ UInt64(retries)) % UInt64(full / 2)
        return .milliseconds(full - Int64(less))
    }
}
