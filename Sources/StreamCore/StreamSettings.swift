// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What may be set of a stream.
package struct StreamSettings: Equatable, Sendable, Codable {
    package enum Mode: String, Sendable, Codable, CaseIterable {
        case provisioned = "PROVISIONED"
        case onDemand = "ON_DEMAND"
    }

    package var mode: Mode
    package var retentionHours: Int
    package var recordKiBMax: Int
    /// What came before this was too old when the stream's retention period was made longer.
    package var trimmed: Timestamp?

    package init(
        mode: Mode = .provisioned,
        retentionHours: Int = StreamLimits.retentionHoursDefault,
        recordKiBMax: Int = StreamLimits.recordKiBDefault,
        trimmed: Timestamp? = nil
    ) {
        self.mode = mode
        self.retentionHours = retentionHours
        self.recordKiBMax = recordKiBMax
        self.trimmed = trimmed
    }

    /// Whether it is what may be set.
    package var isSound: Bool {
        StreamLimits.retentionHours.contains(retentionHours)
            && (StreamLimits.recordKiBDefault...StreamLimits.recordKiBMax).contains(recordKiBMax)
    }

    /// From when on records are there still.
    package func horizon(now: Timestamp) -> Timestamp {
        let oldest = now.advanced(by: .seconds(-3_600 * retentionHours))
        return max(oldest, trimmed ?? oldest)
    }

    /// Sets the retention period; what is too old stays so.
    package mutating func retain(hours: Int, now: Timestamp) {
        if hours > retentionHours { trimmed = horizon(now: now) }
        retentionHours = hours
    }
}
