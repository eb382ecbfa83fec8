// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// An environment as it is now.
package struct EnvironmentStatus: Equatable, Sendable {
    package enum State: String, Sendable {
        case starting
        case idle
        case busy
        case leaving
    }

    package var id: EnvironmentID
    package var function: FunctionKey
    package var version: String
    package var state: State
    package var isProvisioned: Bool
    /// The function's size.
    package var memoryMiB: Int
    /// What it counts for, of the machine's memory.
    package var reckonedMiB: Int
    package var logGroup: String
    package var logStream: String

    package init(
        id: EnvironmentID,
        function: FunctionKey,
        version: String,
        state: State,
        isProvisioned: Bool,
        memoryMiB: Int,
        reckonedMiB: Int,
        logGroup: String,
        logStream: String
    ) {
        self.id = id
        self.function = function
        self.version = version
        self.state = state
        self.isProvisioned = isProvisioned
        self.memoryMiB = memoryMiB
        self.reckonedMiB = reckonedMiB
        self.logGroup = logGroup
        self.logStream = logStream
    }
}

/// What environments of an account do in a region, as of one moment.
package struct EnvironmentsStatus: Sendable {
    /// In ascending order of their ids: at most so many as are listed.
    package var environments: [EnvironmentStatus] = []
    package var isTruncated = false
    /// By function and state, of all of them.
    package var counts: [FunctionKey: [EnvironmentStatus.State: Int]] = [:]
    /// Invocations in hand, waiting ones included.
    package var invocations: [FunctionKey: Int] = [:]
    /// Of environments of all accounts.
    package var memoryInUseMiB = 0
    package var memoryMaxMiB = 0

    package init() {}
}

extension EnvironmentStatus.State {
    package init(_ phase: EnvironmentScheduler.Phase) {
        switch phase {
        case .awaitingMemory, .starting: self = .starting
        case .idle: self = .idle
        case .busy: self = .busy
        case .leaving: self = .leaving
        }
    }
}
