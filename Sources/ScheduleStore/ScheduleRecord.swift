// SPDX-License-Identifier: Apache-2.0
package import LambdaModel
package import ScheduleCore

/// A schedule or a rule, and how far it is.
package struct ScheduleRecord: Equatable, Sendable {
    package var key: ScheduleKey
    package var definition: ScheduleDefinition
    package var isEnabled: Bool
    package var progress: ScheduleProgress
    /// From which a rate counts.
    package var anchor: Timestamp
    /// The ClientToken of the request that made it.
    package var token: String?
    package var tags: [String: String]
    package var created: Timestamp
    package var modified: Timestamp

    /// One that begins now.
    package init(
        key: ScheduleKey,
        definition: ScheduleDefinition,
        isEnabled: Bool,
        token: String? = nil,
        tags: [String: String] = [:],
        now: Timestamp
    ) {
        self.key = key
        self.definition = definition
        self.isEnabled = isEnabled
        self.token = token
        self.tags = tags
        created = now
        modified = now
        anchor = now
        progress = Self.beginning(definition, now)
    }

    /// What is named to the minute may be named within it: a one-time schedule of the last minute runs (Scheduler's User Guide: "invoke their
    /// targets with 60 second precision").
    private static func beginning(_ definition: ScheduleDefinition, _ now: Timestamp) -> ScheduleProgress {
        let isOnce = definition.expression?.hasPrefix("at(") ?? false
        return ScheduleProgress(after: now.advanced(by: isOnce ? .seconds(-60) : .milliseconds(-1)))
    }

    package var timing: ScheduleTiming? { definition.timing(of: key, anchor: anchor) }

    /// Takes up a changed definition or state: where it occurs at other times than before, or did not until now, it begins anew.
    package mutating func change(to definition: ScheduleDefinition, isEnabled: Bool, now: Timestamp) {
        let goesOn = self.isEnabled && self.definition.occursLike(definition)
        // What has run already does not run again.
        if !goesOn { progress.after = max(min(progress.after, now), Self.beginning(definition, now).after) }
        if !self.definition.occursLike(definition) { anchor = now }
        self.definition = definition
        self.isEnabled = isEnabled
        modified = now
    }

    /// Puts what a clock that was ahead has moved on back to now.
    mutating func beginAnew(_ now: Timestamp) {
        progress.after = now
        anchor = min(anchor, now)
    }

    /// When it is to be looked at next; nil for never.
    ///
    /// Of one that is to be deleted when it has no occurrence any more: at once. Of one whose expression or zone is not understood: at once,
    /// so that it is noticed.
    var due: Timestamp? {
        guard isEnabled, definition.expression != nil else { return nil }
        guard let timing else { return modified }
        return progress.due(timing) ?? (definition.isDeletedAfterCompletion ? modified : nil)
    }
}

/// A group of schedules.
package struct ScheduleGroupRecord: Equatable, Sendable {
    package var key: ScheduleGroupKey
    package var token: String?
    package var tags: [String: String]
    package var created: Timestamp
    package var modified: Timestamp

    package init(key: ScheduleGroupKey, token: String? = nil, tags: [String: String] = [:], now: Timestamp) {
        self.key = key
        self.token = token
        self.tags = tags
        created = now
        modified = now
    }
}

/// A delivery that waits, and how often it was tried.
package struct WaitingDelivery: Equatable, Sendable {
    package var row: Int64
    package var delivery: ScheduleDelivery
    package var attempts: Int
}

/// Why the schedules' store could not do what it was asked.
package enum ScheduleStoreError: Error, Equatable, CustomStringConvertible {
    case newerDatabase(path: String)
    /// Nothing was written.
    case diskFull
    /// A row is not what was written.
    case contentChanged(row: Int64)
    /// The same of a group's.
    case groupChanged(name: String)
    case failed(message: String)

    package var description: String {
        switch self {
        case .newerDatabase(let path): "\(path) was made by a newer version of Martlet, which this one can't read"
        case .diskFull: "schedule store: the disk is full; nothing was written"
        case .contentChanged(let row): "schedule store: row \(row) was changed since it was stored"
        case .groupChanged(let name): "schedule store: the row of group \(name) was changed since it was stored"
        case .failed(let message): "schedule store: \(message)"
        }
    }
}
