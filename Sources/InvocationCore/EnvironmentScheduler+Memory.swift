// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Memory is admitted by use: what environments took so far, not what they may take, is what others find taken.
///
/// A version's first environment is reckoned at its memory size. All can't grow to their sizes at once then, so two things stand behind it: where
/// the machine runs short, idle environments go and none start until it has memory again; and the kernel holds all
/// environments together to what they may have (`ControlGroups`).
extension EnvironmentScheduler {
    /// Idle environments make room below the first, and starts are refused until there is the second again.
    private var shortageMiB: (below: Int, until: Int) { (settings.reserveMiB, settings.reserveMiB * 3 / 2) }

    /// Whether `machineHas` is to be told from time to time.
    package var needsWatching: Bool { isShort || !environments.isEmpty }

    /// What the machine has for whoever asks, MiB: told from time to time while environments exist.
    package mutating func machineHas(availableMiB: Int, at now: MonotonicTime) -> [Command] {
        let (below, until) = shortageMiB
        if availableMiB < below {
            isShort = true
            return evict((until - availableMiB) << 10, at: now)
        }
        guard isShort, availableMiB >= until else { return [] }
        isShort = false
        return provision(at: now)
    }

    /// The environment has used that much so far.
    mutating func reckon(_ id: EnvironmentID, usedKiB: Int) {
        guard settings.admitsByUse, let environment = environments[id] else { return }
        switch environment.phase {
        case .starting, .busy: break
        case .awaitingMemory, .idle, .leaving: return
        }
        memory.used(usedKiB, by: environment.key.history)
        let reckoned = MemoryHistory.reckoned(usedKiB: usedKiB, environment.demand)
        spokenFor += reckoned - environment.reckonedKiB
        environments[id]?.reckonedKiB = reckoned
    }

    /// After environments turned out to take more or less than they were reckoned at, or have gone.
    mutating func balance(at now: MonotonicTime) -> [Command] {
        var commands = evict(spokenFor - memoryKiB, at: now) + startWhatFits()
        // What others have grown by was to be the memory of who comes next, and nothing on its way out has it.
        while leaving == 0, let id = awaitingMemory.popFirst() {
            commands += giveUpStart(id, at: now) + startWhatFits()
        }
        return commands
    }

    private mutating func giveUpStart(_ id: EnvironmentID, at now: MonotonicTime) -> [Command] {
        guard let environment = environments.removeValue(forKey: id) else { return [] }
        let key = environment.key
        spokenFor -= environment.reckonedKiB
        awaited -= environment.reckonedKiB
        pools[key]?.living -= 1
        defer { forgetUnused(key) }
        guard !environment.isProvisioned else {
            provisions.dismissed(key, isReady: false)
            provisions.isUnsettled = true
            return []
        }
        pools[key]?.coming -= 1
        guard let pool = pools[key], pool.coming < pool.waiters.count, let waiter = takeWaiter(of: key) else {
            return []
        }
        giveUp(key, at: now)
        return [.throttle(waiter, .concurrentInvocationLimitExceeded)]
    }

    /// KiB that a new environment of the key is reckoned at.
    func reckoned(_ key: EnvironmentKey, _ demand: EnvironmentDemand) -> Int {
        settings.admitsByUse ? memory.reckoned(key.history, demand) : demand.memoryKiB
    }

    private mutating func evict(_ kibibytes: Int, at now: MonotonicTime) -> [Command] {
        let wanted = min(kibibytes, reclaimable)
        return wanted > 0 ? destroy(leastValuable(memoryKiB: wanted, at: now)) : []
    }
}
