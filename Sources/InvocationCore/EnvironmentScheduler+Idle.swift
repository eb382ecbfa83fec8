// SPDX-License-Identifier: Apache-2.0

/// How long an idle environment is kept.
package enum KeepAlive: Equatable, Sendable {
    /// All for the same time; where memory is short the least recently used goes first.
    case fixed(Duration)
    /// By the version's own times between its invocations, and for the time given where too little is known of them; where memory is short
    /// the one that is least likely to be of use soon goes first, for the memory that it takes.
    case learned(unknown: Duration)

    package static let standard = KeepAlive.learned(unknown: .seconds(600))
}

extension EnvironmentScheduler {
    package struct Idle: Equatable, Sendable {
        var since: MonotonicTime
        /// Destroyed then.
        var expires: MonotonicTime
        /// The demand at which it is needed again.
        var level: Int
        /// In the order of becoming idle, whatever the clock says.
        var turn: UInt64
    }

    /// Destroys what has been idle for too long.
    package mutating func tick(at now: MonotonicTime) -> [Command] {
        if let announced = announcedTick, announced <= now { announcedTick = nil }
        let idle = idleEnvironments()
        let doomed = idle.filter { $0.idle.expires <= now }.sorted { $0.idle.turn < $1.idle.turn }
        var commands = destroy(doomed.map(\.id))
        if let next = idle.lazy.map(\.idle.expires).filter({ $0 > now }).min() { commands += announceTick(at: next) }
        return commands + provision(at: now)
    }

    /// Without the provisioned ones.
    private func idleEnvironments() -> [(id: EnvironmentID, idle: Idle, environment: Environment)] {
        environments.compactMap { id, environment in
            guard case .idle(let idle) = environment.phase, !environment.isProvisioned else { return nil }
            return (id, idle, environment)
        }
    }

    /// The idle environments, least valuable first, that have that much memory together.
    func leastValuable(memoryKiB: Int, at now: MonotonicTime) -> [EnvironmentID] {
        var candidates = idleEnvironments().map { id, idle, environment in
            (rank: (value(idle, environment, at: now), idle.turn), id: id, memoryKiB: environment.reckonedKiB)
        }
        var chosen: [EnvironmentID] = []
        var found = 0
        while found < memoryKiB {
            guard let least = candidates.indices.min(by: { candidates[$0].rank < candidates[$1].rank }) else {
                preconditionFailure("room was found before")
            }
            found += candidates[least].memoryKiB
            chosen.append(candidates[least].id)
            candidates.swapAt(least, candidates.count - 1)
            candidates.removeLast()
        }
        return chosen
    }

    /// What is gained by keeping it, for each KiB; the same of all where nothing is learned.
    private func value(_ idle: Idle, _ environment: Environment, at now: MonotonicTime) -> Double {
        guard case .learned = settings.keepAlive else { return 0 }
        let usefulness = history.usefulness(environment.key.history, level: idle.level, age: now - idle.since)
        return usefulness / Double(environment.reckonedKiB)
    }

    /// Its invocation is over, or its start, and nobody waits for it.
    ///
    /// - Returns: when it is destroyed unless it is used before; nil for one that is provisioned.
    mutating func becomeIdle(_ id: EnvironmentID, _ environment: Environment, at now: MonotonicTime) -> MonotonicTime? {
        let key = environment.key
        let level = history.level(key.history)
        let expires = now + keepAlive(key, level: level)
        environments[id]?.phase = .idle(Idle(since: now, expires: expires, level: level, turn: nextTurn))
        nextTurn += 1
        guard !environment.isProvisioned else {
            pools[key]?.idleProvisioned.append(id)
            return nil
        }
        pools[key]?.idle.append(id)
        reclaimable += environment.reckonedKiB
        return expires
    }

    private func keepAlive(_ key: EnvironmentKey, level: Int) -> Duration {
        switch settings.keepAlive {
        case .fixed(let time): time
        case .learned(let unknown): history.keepAlive(key.history, level: level) ?? unknown
        }
    }

    mutating func stopIdling(_ id: EnvironmentID, _ environment: Environment) {
        guard !environment.isProvisioned else {
            pools[environment.key]?.idleProvisioned.removeAll { $0 == id }
            return
        }
        pools[environment.key]?.idle.removeAll { $0 == id }
        reclaimable -= environment.reckonedKiB
    }

    mutating func announceTick(at time: MonotonicTime) -> [Command] {
        if let announced = announcedTick, announced <= time { return [] }
        announcedTick = time
        return [.nextTick(time)]
    }
}

extension EnvironmentKey {
    /// A new revision of a version is called as often as the one before.
    var history: IdleHistory.Key { IdleHistory.Key(function: function, version: version) }
}
