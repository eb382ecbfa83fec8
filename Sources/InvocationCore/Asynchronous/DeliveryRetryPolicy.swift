// SPDX-License-Identifier: Apache-2.0

/// What becomes of a message for a destination that did not get there.
///
/// What may pass is tried again after 1 s, 2 s, 4 s … up to 5 minutes, for an hour in all; what was refused for good is
/// dropped, as on Lambda.
package struct DeliveryRetryPolicy: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        case retry(after: Duration)
        case drop
    }

    static let delayMin = Duration.seconds(1)
    static let delayMax = Duration.seconds(300)
    /// The waits between so many come to an hour.
    package static let triesMax = 20

    package init() {}

    /// Decides after a failure; `tries` counts all so far, this one included.
    package func decide(mayPass: Bool, tries: Int) -> Decision {
        guard mayPass, tries < Self.triesMax else { return .drop }
        return .retry(after: min(Self.delayMax, Self.delayMin * (1 << min(max(tries - 1, 0), 16))))
    }
}
