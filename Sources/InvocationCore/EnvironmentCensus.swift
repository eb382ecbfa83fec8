// SPDX-License-Identifier: Apache-2.0

/// How many environments there are in which state, and what they take, at one moment.
package struct EnvironmentCensus: Equatable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        case awaitingMemory = "awaiting_memory"
        case starting, idle, busy, leaving

        init(_ phase: EnvironmentScheduler.Phase) {
            switch phase {
            case .awaitingMemory: self = .awaitingMemory
            case .starting: self = .starting
            case .idle: self = .idle
            case .busy: self = .busy
            case .leaving: self = .leaving
            }
        }
    }

    /// Every state is there.
    package private(set) var counts = Dictionary(uniqueKeysWithValues: State.allCases.map { ($0, 0) })
    package var waiting: Int
    /// What environments are reckoned at together, and what they may have.
    package var reckonedMiB: Int
    package var memoryMiB: Int

    package init(_ scheduler: EnvironmentScheduler) {
        waiting = scheduler.waitersCount
        reckonedMiB = scheduler.memoryInUseMiB
        memoryMiB = scheduler.settings.memoryMiB
        for environment in scheduler.environments.values { counts[State(environment.phase), default: 0] += 1 }
    }
}
