// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// What is provisioned, by key, and how far that has come: the counting part of `EnvironmentScheduler`.
struct Provisions: Equatable, Sendable {
    struct Provision: Equatable, Sendable {
        var configuration: ProvisionedConfigurationID
        var demand: EnvironmentDemand
        /// 0 when the configuration has moved to another version, or is gone.
        var wanted = 0
        /// Environments awaiting memory or starting.
        var coming = 0
        /// Environments that are initialised.
        var ready = 0
        /// Environments that did not come up, or died, since one has served an invocation.
        var failures = 0
        var lastFailureAt: MonotonicTime?
        /// Nothing is started before.
        var retryAt: MonotonicTime?
        var failure: ProvisionedFailure?

        var allocated: Int { coming + ready }
    }

    /// In the order in which they came to be.
    private(set) var keys: [EnvironmentKey] = []
    private var provisions: [EnvironmentKey: Provision] = [:]
    /// Of all keys.
    private(set) var starting = 0
    /// Something lacks or is too much: to be looked at again with the next event.
    var isUnsettled = false

    /// The longest time between two tries.
    static let retryDelayMax = Duration.seconds(300)
    /// After such a time without failure the earlier ones count no more.
    static let failureMemory = Duration.seconds(600)
    /// So many environments that die one after the other are a failure of their function.
    static let deathsMax = 3

    subscript(_ key: EnvironmentKey) -> Provision? { provisions[key] }

    mutating func set(_ shares: [ProvisionedShare]) {
        let before = provisions
        for key in keys { provisions[key]?.wanted = 0 }
        for share in shares {
            if provisions[share.key] == nil { keys.append(share.key) }
            var provision =
                provisions[share.key] ?? Provision(configuration: share.configuration, demand: share.demand)
            provision.configuration = share.configuration
            provision.wanted += share.wanted
            provisions[share.key] = provision
        }
        for key in keys where before[key]?.wanted != provisions[key]?.wanted {
            // Somebody has asked anew: that is worth a new try.
            provisions[key]?.failures = 0
            provisions[key]?.retryAt = nil
            provisions[key]?.failure = nil
        }
        isUnsettled = true
    }

    mutating func remove(_ key: EnvironmentKey) {
        keys.removeAll { $0 == key }
        provisions[key] = nil
        isUnsettled = true
    }

    // MARK: - Environments

    mutating func starts(_ key: EnvironmentKey) {
        provisions[key]?.coming += 1
        starting += 1
    }

    mutating func started(_ key: EnvironmentKey) {
        starting -= 1
        isUnsettled = true
        provisions[key]?.coming -= 1
        provisions[key]?.ready += 1
        if provisions[key]?.failure != .environmentsEnd { provisions[key]?.failure = nil }
    }

    /// An invocation was served to its end: the environments are good.
    mutating func served(_ key: EnvironmentKey) {
        guard let provision = provisions[key], provision.failures > 0 else { return }
        provisions[key]?.failures = 0
        provisions[key]?.retryAt = nil
        provisions[key]?.failure = nil
        isUnsettled = true
    }

    /// `cause` is nil for an environment that was up.
    mutating func lost(_ key: EnvironmentKey, inStart cause: ProvisionedFailure?, at now: MonotonicTime) {
        guard var provision = provisions[key] else { return }
        isUnsettled = true
        if cause == nil {
            provision.ready -= 1
        } else {
            provision.coming -= 1
            starting -= 1
        }
        if let last = provision.lastFailureAt, now - last >= Self.failureMemory { provision.failures = 0 }
        provision.failures += 1
        provision.lastFailureAt = now
        provision.retryAt = now + Self.retryDelay(after: provision.failures)
        provision.failure =
            cause ?? (provision.failures >= Self.deathsMax ? .environmentsEnd : provision.failure)
        provisions[key] = provision
    }

    mutating func dismissed(_ key: EnvironmentKey, isReady: Bool) {
        isUnsettled = true
        if isReady {
            provisions[key]?.ready -= 1
        } else {
            provisions[key]?.coming -= 1
            starting -= 1
        }
    }

    mutating func judgeMemory(of key: EnvironmentKey, isFitting: Bool) {
        if !isFitting {
            provisions[key]?.failure = .memoryBeyondMachine
            isUnsettled = true
        } else if provisions[key]?.failure == .memoryBeyondMachine {
            provisions[key]?.failure = nil
        }
    }

    private static func retryDelay(after failures: Int) -> Duration {
        failures == 1 ? .zero : min(retryDelayMax, .seconds(1 << min(failures - 2, 16)))
    }

    // MARK: - An alias that moves

    func hasSuccessorOnItsWay(_ configuration: ProvisionedConfigurationID) -> Bool {
        provisions.values.contains {
            $0.configuration == configuration && $0.wanted > 0 && $0.ready < $0.wanted && $0.failure == nil
        }
    }

    /// A version that the configuration has left, and that has environments still.
    func predecessor(of configuration: ProvisionedConfigurationID) -> EnvironmentKey? {
        keys.first { key in
            guard let provision = provisions[key] else { return false }
            return provision.configuration == configuration && provision.wanted == 0 && provision.allocated > 0
        }
    }
}
