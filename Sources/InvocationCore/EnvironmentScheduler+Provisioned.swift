// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// A configuration of provisioned concurrency.
package struct ProvisionedConfigurationID: Hashable, Sendable {
    package var function: FunctionKey
    /// A version's number or an alias's name.
    package var qualifier: String

    package init(function: FunctionKey, qualifier: String) {
        self.function = function
        self.qualifier = qualifier
    }
}

/// What a configuration provisions of one version.
package struct ProvisionedShare: Equatable, Sendable {
    package var configuration: ProvisionedConfigurationID
    package var key: EnvironmentKey
    package var demand: EnvironmentDemand
    /// Environments; more than 0.
    package var wanted: Int

    package init(
        configuration: ProvisionedConfigurationID,
        key: EnvironmentKey,
        demand: EnvironmentDemand,
        wanted: Int
    ) {
        precondition(wanted > 0, "nothing is no share")
        self.configuration = configuration
        self.key = key
        self.demand = demand
        self.wanted = wanted
    }
}

/// How much of a share is there: `available` ≤ `allocated` ≤ what is wanted.
package struct ProvisionedState: Equatable, Sendable {
    /// Environments that exist, or are being started.
    package var allocated: Int
    /// Those that are initialised, whether they run an invocation or not.
    package var available: Int
    /// Why more are not available; nil while all is well, or on its way.
    package var failure: ProvisionedFailure?

    package init(allocated: Int = 0, available: Int = 0, failure: ProvisionedFailure? = nil) {
        self.allocated = allocated
        self.available = available
        self.failure = failure
    }
}

/// Environments that are there before anybody asks.
///
/// When an alias moves to another version, the new one's environments come first and the old one's go when these are there, or
/// can't come, or need the room. What dies is replaced: at once the first time, then after a time that doubles with each failure
/// in a row, and one at a time until something has succeeded.
extension EnvironmentScheduler {
    /// What is set of the concurrency of all functions, for what arrives from now on; nothing of a lower turn is taken after one of
    /// a higher.
    package mutating func setConcurrency(
        reserved: [FunctionKey: Int],
        provisioned shares: [ProvisionedShare],
        turn: UInt64,
        at now: MonotonicTime
    ) -> [Command] {
        let floors = shares.reduce(into: [FunctionVersionKey: Int]()) { floors, share in
            floors[FunctionVersionKey(function: share.key.function, version: share.key.version), default: 0] +=
                share.wanted
        }
        guard ledger.setReserved(reserved, provisioned: floors, turn: turn), !isShuttingDown else { return [] }
        provisions.set(shares)
        return provision(at: now)
    }

    /// Of a key for which nothing is provisioned, nothing is there.
    package func provisionedState(of key: EnvironmentKey) -> ProvisionedState {
        guard let provision = provisions[key] else { return ProvisionedState() }
        let wanted = provision.wanted
        return ProvisionedState(
            allocated: min(provision.allocated, wanted),
            available: min(provision.ready, wanted),
            failure: provision.ready < wanted ? provision.failure : nil
        )
    }

    /// Whether environments of the key may be started without an invocation.
    package func isProvisioned(_ key: EnvironmentKey) -> Bool { provisions[key] != nil }

    /// Starts what lacks and lets go of what is too much, as far as that can be done now.
    mutating func provision(at now: MonotonicTime) -> [Command] {
        guard provisions.isUnsettled, !isShuttingDown else { return [] }
        provisions.isUnsettled = false
        var commands = letGo()
        // A configuration that the machine can't hold as a whole takes nothing from the others.
        var memoryMiB = 0
        for key in provisions.keys {
            // What was retired is only wanted by news that came late.
            guard let provision = provisions[key], provision.wanted > 0, pools[key]?.isRetired != true else { continue }
            let needed = provision.wanted * provision.demand.memoryMiB
            let isFitting = needed <= settings.memoryMiB - memoryMiB
            if isFitting { memoryMiB += needed }
            provisions.judgeMemory(of: key, isFitting: isFitting)
            if isFitting { commands += startProvisioned(key, at: now) }
        }
        return commands + letGo()
    }

    private mutating func letGo() -> [Command] {
        var commands: [Command] = []
        for key in provisions.keys {
            guard let provision = provisions[key], provision.allocated > provision.wanted || provision.wanted == 0
            else { continue }
            let isKept = provision.wanted == 0 && provisions.hasSuccessorOnItsWay(provision.configuration)
            commands += dismiss(key, isKept ? provision.coming : provision.allocated - provision.wanted)
            if provision.wanted == 0, provisions[key]?.allocated == 0 { provisions.remove(key) }
        }
        return commands + startWhatFits()
    }

    private mutating func startProvisioned(_ key: EnvironmentKey, at now: MonotonicTime) -> [Command] {
        var commands: [Command] = []
        while let provision = provisions[key], provision.allocated < provision.wanted,
            provisions.starting < settings.provisionedStartsMax
        {
            if let retryAt = provision.retryAt, retryAt > now {
                provisions.isUnsettled = true
                return commands + announceTick(at: retryAt)
            }
            // As long as starts have failed one tries, then as many as have come up.
            if provision.failures > 0, provision.coming >= max(1, provision.ready) { return commands }
            if !canMakeRoom(reckoned(key, provision.demand)) {
                // Where the machine runs short it would go for nothing.
                guard !isShort, let predecessor = provisions.predecessor(of: provision.configuration) else {
                    provisions.isUnsettled = true
                    return commands
                }
                commands += dismiss(predecessor, 1)
                continue
            }
            if pools[key] == nil { pools[key] = Pool(demand: provision.demand) }
            provisions.starts(key)
            commands += bring(key, isProvisioned: true, at: now)
        }
        return commands
    }

    /// Nothing is provisioned any more for such keys.
    mutating func stopProvisioning(_ isMeant: (EnvironmentKey) -> Bool) -> [Command] {
        var commands: [Command] = []
        for key in provisions.keys where isMeant(key) {
            commands += dismiss(key, provisions[key]?.allocated ?? 0)
            provisions.remove(key)
        }
        // Not before all are let go: one of them would be started for nothing.
        return commands + startWhatFits()
    }

    /// Lets go of so many environments of the key: what is not up yet and what is idle at once, the others when their invocations
    /// have ended.
    ///
    /// What awaits their memory is started by `startWhatFits`.
    private mutating func dismiss(_ key: EnvironmentKey, _ count: Int) -> [Command] {
        guard count > 0 else { return [] }
        func rank(_ phase: Phase) -> Int {
            switch phase {
            case .awaitingMemory: 0
            case .starting: 1
            case .idle: 2
            case .busy, .leaving: 3
            }
        }
        let candidates =
            environments
            .filter { $0.value.isProvisioned && $0.value.key == key && $0.value.phase != .leaving }
            .sorted { (rank($0.value.phase), $1.key.number) < (rank($1.value.phase), $0.key.number) }
        var doomed: [EnvironmentID] = []
        for (id, environment) in candidates.prefix(count) {
            let memory = environment.reckonedKiB
            provisions.dismissed(key, isReady: rank(environment.phase) > 1)
            switch environment.phase {
            case .awaitingMemory:
                awaitingMemory.removeAll { $0 == id }
                environments[id] = nil
                pools[key]?.living -= 1
                spokenFor -= memory
                awaited -= memory
            case .starting, .idle: doomed.append(id)
            case .busy:
                environments[id]?.isProvisioned = false
                environments[id]?.isDismissed = true
            case .leaving: preconditionFailure("what is leaving is provisioned no more")
            }
        }
        let commands = destroy(doomed)
        forgetUnused(key)
        return commands
    }
}
