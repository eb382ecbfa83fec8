// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// Who gets which execution environment, on one machine.
///
/// Events in, commands out; the caller performs them in the order given. An invocation waits for whichever environment of its
/// key is ready first, a new one or a returning one, in the order of arrival. An environment serves one invocation at a
/// time and only ever its own key; of several idle ones the most recently used serves next.
///
/// Memory is admitted before an environment is started, by size or by use: idle environments, least valuable first, make room;
/// where even that is not enough the invocation is throttled. Starts that wait for room being made are served in the order of
/// arrival, whatever their function.
///
/// Provisioned environments are started before anybody asks, serve before all others of their key, and make no room.
package struct EnvironmentScheduler: Equatable, Sendable {
    package struct Settings: Equatable, Sendable {
        /// What all environments may take together, those being destroyed included.
        package var memoryMiB: Int
        /// Whether an environment is reckoned at what it was seen to use, which takes a host that measures it and enforces its size.
        package var admitsByUse: Bool
        /// MiB that the machine is to have left for others.
        package var reserveMiB: Int
        package var keepAlive: KeepAlive
        /// Invocations without an environment yet, of all functions.
        package var waitersMax: Int
        /// So many starts of a key failing one after the other fail an invocation.
        package var startFailuresMax: Int
        /// Provisioned environments that start at one time, of all functions.
        package var provisionedStartsMax: Int
        /// Environments that a function's invocations may start at once.
        package var scalingBurst: Int
        /// How many of these it gets back each second.
        package var scalingRate: Int

        /// Scaling is Lambda's: 1,000 environments of a function every 10 s (Developer Guide, "Lambda scaling behavior").
        package init(
            memoryMiB: Int,
            admitsByUse: Bool = false,
            reserveMiB: Int = 0,
            keepAlive: KeepAlive = .standard,
            waitersMax: Int = 10_000,
            startFailuresMax: Int = 3,
            provisionedStartsMax: Int = 4,
            scalingBurst: Int = 1_000,
            scalingRate: Int = 100
        ) {
            precondition(memoryMiB >= 0 && reserveMiB >= 0 && waitersMax > 0 && startFailuresMax > 0)
            precondition(provisionedStartsMax > 0 && scalingBurst > 0 && scalingRate > 0)
            self.memoryMiB = memoryMiB
            self.admitsByUse = admitsByUse
            self.reserveMiB = reserveMiB
            self.keepAlive = keepAlive
            self.waitersMax = waitersMax
            self.startFailuresMax = startFailuresMax
            self.provisionedStartsMax = provisionedStartsMax
            self.scalingBurst = scalingBurst
            self.scalingRate = scalingRate
        }
    }

    package enum Command: Equatable, Sendable {
        /// Answered by `environmentReady` or `environmentLost`.
        case start(EnvironmentID, EnvironmentKey)
        /// The same for an environment that nobody waits for.
        case startProvisioned(EnvironmentID, EnvironmentKey)
        /// Answered by `environmentReady` (the invocation is over) or `environmentLost`.
        case assign(InvocationID, EnvironmentID)
        /// Answered by `environmentLost` when nothing of it is left.
        case destroy(EnvironmentID)
        case throttle(InvocationID, ThrottleReason)
        case fail(InvocationID, Failure)
        /// Call `tick` then. Earlier ones that were asked for stay in force.
        case nextTick(MonotonicTime)
    }

    /// Why an invocation gets no environment, other than by a limit: the caller of it sees `ServiceException`.
    package enum Failure: Equatable, Sendable {
        /// Environments of its function would not start.
        case environmentsDoNotStart
        /// What its function runs after a restore failed.
        case restoreFailed(RestoreFailure)
        /// The function's memory size is more than all environments may have together.
        case memoryBeyondMachine
        case shuttingDown
    }

    package enum Phase: Equatable, Sendable {
        /// Its memory is spoken for, but an environment on its way out has it still.
        case awaitingMemory
        case starting
        case idle(Idle)
        case busy(InvocationID)
        case leaving
    }

    package struct Environment: Equatable, Sendable {
        package var key: EnvironmentKey
        package var demand: EnvironmentDemand
        /// KiB that it counts for, of the machine's memory.
        var reckonedKiB: Int
        package var phase: Phase
        package var isProvisioned = false
        /// It was provisioned, and goes with the end of its invocation.
        var isDismissed = false

        package var reckonedMiB: Int { (reckonedKiB + 1_023) >> 10 }

        var isIdle: Bool {
            if case .idle = phase { true } else { false }
        }
    }

    /// Everything of one key.
    struct Pool: Equatable, Sendable {
        var demand: EnvironmentDemand
        var waiters = FIFOQueue<InvocationID>()
        /// The most recently used is last.
        var idle: [EnvironmentID] = []
        /// The same of provisioned ones.
        var idleProvisioned: [EnvironmentID] = []
        /// Environments awaiting memory or starting, but the provisioned ones.
        var coming = 0
        /// Environments in every phase but leaving.
        var living = 0
        var startFailures = 0
        /// Replaced or deleted: serves who waits already, then goes.
        var isRetired = false

        var isUnused: Bool { waiters.isEmpty && living == 0 }
    }

    package private(set) var settings: Settings
    package internal(set) var ledger: ConcurrencyLedger
    package internal(set) var environments: [EnvironmentID: Environment] = [:]
    package private(set) var isShuttingDown = false
    /// Invocations without an environment yet.
    package private(set) var waitersCount = 0
    var pools: [EnvironmentKey: Pool] = [:]
    private var waiting: [InvocationID: EnvironmentKey] = [:]
    /// Environments that await memory.
    var awaitingMemory = FIFOQueue<EnvironmentID>()
    var history = IdleHistory()
    var memory = MemoryHistory()
    /// The machine has less memory left than it should.
    package internal(set) var isShort = false
    private var nextEnvironment: UInt64 = 1
    var nextTurn: UInt64 = 1
    var announcedTick: MonotonicTime?
    /// What functions may still scale by, as far as it is not all.
    private var scaling: [FunctionKey: TokenBucket] = [:]
    var provisions = Provisions()
    /// KiB of living environments, those awaiting memory included.
    var spokenFor = 0
    /// KiB of those that wait for theirs.
    var awaited = 0
    /// KiB of idle environments: part of `spokenFor`.
    var reclaimable = 0
    /// KiB of environments on their way out.
    private(set) var leaving = 0

    package init(settings: Settings, limits: ConcurrencyLimits) {
        self.settings = settings
        ledger = ConcurrencyLedger(limits: limits)
    }

    /// What environments that exist take.
    package var memoryInUseMiB: Int { (memoryInUseKiB + 1_023) >> 10 }

    private var memoryInUseKiB: Int { spokenFor - awaited + leaving }

    var memoryKiB: Int { settings.memoryMiB << 10 }

    /// Nothing waits and nothing lives: after `shutdown`, the end.
    package var isEmpty: Bool { environments.isEmpty && waitersCount == 0 }

    package func waiters(of key: EnvironmentKey) -> Int { pools[key]?.waiters.count ?? 0 }

    package func idle(of key: EnvironmentKey) -> [EnvironmentID] {
        (pools[key]?.idle ?? []) + (pools[key]?.idleProvisioned ?? [])
    }

    // MARK: - Events

    /// An invocation asks for an environment; its id is new.
    package mutating func invocationArrived(
        _ id: InvocationID,
        key: EnvironmentKey,
        demand: EnvironmentDemand,
        at now: MonotonicTime
    ) -> [Command] {
        precondition(waiting[id] == nil, "an invocation arrives once")
        precondition(demand.memoryMiB > 0, "an environment takes memory")
        if isShuttingDown { return [.fail(id, .shuttingDown)] }
        if demand.memoryMiB > settings.memoryMiB { return [.fail(id, .memoryBeyondMachine)] }
        if let reason = ledger.admit(key.function, version: key.version) { return [.throttle(id, reason)] }
        var pool = pools[key] ?? Pool(demand: demand)
        if let environment = pool.idleProvisioned.popLast() {
            pools[key] = pool
            return [use(environment, for: id)]
        }
        if let environment = pool.idle.popLast() {
            pools[key] = pool
            history.rose(key.history, at: now)
            return [use(environment, for: id)]
        }
        let needsStart = pool.coming <= pool.waiters.count
        guard waitersCount < settings.waitersMax, !needsStart || canMakeRoom(reckoned(key, pool.demand)) else {
            release(key)
            return [.throttle(id, .concurrentInvocationLimitExceeded)]
        }
        guard !needsStart || mayScale(key.function, at: now) else {
            release(key)
            let isReserved = ledger.limits.reserved[key.function] != nil
            return [
                .throttle(
                    id,
                    isReserved ? .reservedFunctionInvocationRateLimitExceeded : .functionInvocationRateLimitExceeded
                )
            ]
        }
        pool.waiters.append(id)
        pools[key] = pool
        waiting[id] = key
        waitersCount += 1
        history.rose(key.history, at: now)
        return needsStart ? bring(key, at: now) : []
    }

    /// Its initialisation is over (well or not), or its invocation is: the environment can take an invocation.
    ///
    /// `usedKiB` is the most memory that it has had at one time, where it is known.
    package mutating func environmentReady(
        _ id: EnvironmentID,
        usedKiB: Int? = nil,
        at now: MonotonicTime
    ) -> [Command] {
        if let usedKiB { reckon(id, usedKiB: usedKiB) }
        let commands = becomeReady(id, at: now)
        return commands + balance(at: now) + provision(at: now)
    }

    private mutating func becomeReady(_ id: EnvironmentID, at now: MonotonicTime) -> [Command] {
        guard let environment = environments[id] else { preconditionFailure("an environment is ready while it exists") }
        let key = environment.key
        switch environment.phase {
        case .starting where environment.isProvisioned: provisions.started(key)
        case .starting:
            pools[key]?.coming -= 1
            pools[key]?.startFailures = 0
        case .busy:
            served(environment, at: now)
            if environment.isProvisioned { provisions.served(key) }
        case .leaving: return []
        case .awaitingMemory, .idle: preconditionFailure("an environment is ready after a start or an assignment")
        }
        if environment.isDismissed {
            _ = becomeIdle(id, environment, at: now)
            return destroy([id])
        }
        if let waiter = takeWaiter(of: key) {
            if environment.isProvisioned { history.fell(key.history, at: now) }
            return [use(id, for: waiter)] + dropNeedlessStarts(of: key)
        }
        let expires = becomeIdle(id, environment, at: now)
        if isShuttingDown || pools[key]?.isRetired == true { return destroy([id]) }
        return expires.map { announceTick(at: $0) } ?? []
    }

    /// The environment is gone and its memory free, whether that was asked for, or it died, or never came up.
    ///
    /// `isInitFailure` says of a provisioned one that its function is to blame, and `restoreFailure` of a restored one: who has waited for it
    /// longest fails with it, as another would fail too.
    package mutating func environmentLost(
        _ id: EnvironmentID,
        isInitFailure: Bool = false,
        restoreFailure: RestoreFailure? = nil,
        at now: MonotonicTime
    ) -> [Command] {
        let commands = forget(id, isInitFailure, restoreFailure, at: now)
        return commands + provision(at: now)
    }

    private mutating func forget(
        _ id: EnvironmentID,
        _ isInitFailure: Bool,
        _ restoreFailure: RestoreFailure?,
        at now: MonotonicTime
    ) -> [Command] {
        guard let environment = environments.removeValue(forKey: id) else {
            preconditionFailure("an environment is lost once")
        }
        let (key, memory) = (environment.key, environment.reckonedKiB)
        if environment.phase == .leaving {
            leaving -= memory
            return balance(at: now)
        }
        spokenFor -= memory
        pools[key]?.living -= 1
        var commands: [Command] = []
        switch environment.phase {
        case .starting: if !environment.isProvisioned { commands = startFailed(key, restoreFailure, at: now) }
        case .busy: served(environment, at: now)
        case .idle: stopIdling(id, environment)
        case .awaitingMemory, .leaving: preconditionFailure("an environment that was not started is not lost")
        }
        if environment.isProvisioned {
            let cause: ProvisionedFailure = isInitFailure ? .initialization : .environmentsDoNotStart
            provisions.lost(key, inStart: environment.phase == .starting ? cause : nil, at: now)
        }
        forgetUnused(key)
        return commands + balance(at: now)
    }

    /// Nobody waits for that invocation any more; one that has its environment runs on.
    package mutating func waiterCancelled(_ id: InvocationID, at now: MonotonicTime) -> [Command] {
        guard let key = waiting.removeValue(forKey: id) else { return [] }
        _ = pools[key]?.waiters.removeLast { $0 == id }
        waitersCount -= 1
        giveUp(key, at: now)
        let commands = dropNeedlessStarts(of: key)
        forgetUnused(key)
        return commands
    }

    /// The function, or only that version of it, was changed or deleted: environments of other revisions than the one
    /// kept serve who waits for them already, and go.
    package mutating func retire(
        _ function: FunctionKey,
        version: String? = nil,
        keepingRevision revision: String?,
        at now: MonotonicTime
    ) -> [Command] {
        func isMeant(_ key: EnvironmentKey) -> Bool {
            key.function == function && (version == nil || key.version == version)
        }
        let unprovisioned = stopProvisioning { isMeant($0) && $0.revision != revision }
        var doomed: [EnvironmentID] = []
        for (key, pool) in pools where isMeant(key) {
            pools[key]?.isRetired = key.revision != revision
            if key.revision != revision { doomed += pool.idle }
        }
        let commands = unprovisioned + destroy(doomed.sorted { $0.number < $1.number })
        return commands + provision(at: now)
    }

    /// No new work: what waits is still served, what runs may end, everything else goes.
    package mutating func shutdown(at now: MonotonicTime) -> [Command] {
        isShuttingDown = true
        let unprovisioned = stopProvisioning { _ in true }
        return unprovisioned
            + destroy(environments.filter { $0.value.isIdle }.keys.sorted { $0.number < $1.number })
    }

    /// The time to drain is over: nothing more is served, and every environment goes.
    package mutating func abandon(at now: MonotonicTime) -> [Command] {
        isShuttingDown = true
        while let id = awaitingMemory.popFirst() {
            guard let environment = environments.removeValue(forKey: id) else { continue }
            if environment.isProvisioned {
                provisions.dismissed(environment.key, isReady: false)
            } else {
                pools[environment.key]?.coming -= 1
            }
            pools[environment.key]?.living -= 1
            spokenFor -= environment.reckonedKiB
            awaited -= environment.reckonedKiB
        }
        var commands = stopProvisioning { _ in true }
        for id in waiting.keys.sorted(by: { $0.requestID < $1.requestID }) {
            commands.append(.fail(id, .shuttingDown))
            commands += waiterCancelled(id, at: now)
        }
        let living = environments.filter { $0.value.phase != .leaving }.keys
        return commands + destroy(living.sorted { $0.number < $1.number })
    }

    // MARK: - Waiters

    mutating func takeWaiter(of key: EnvironmentKey) -> InvocationID? {
        guard let id = pools[key]?.waiters.popFirst() else { return nil }
        waiting[id] = nil
        waitersCount -= 1
        return id
    }

    /// A start failed: another is tried for who waits, but no invocation waits for ever.
    private mutating func startFailed(
        _ key: EnvironmentKey,
        _ restoreFailure: RestoreFailure?,
        at now: MonotonicTime
    ) -> [Command] {
        guard var pool = pools[key] else { preconditionFailure("a start has a pool") }
        pool.coming -= 1
        pool.startFailures += 1
        pools[key] = pool
        var commands: [Command] = []
        if restoreFailure != nil || pool.startFailures >= settings.startFailuresMax, let id = takeWaiter(of: key) {
            giveUp(key, at: now)
            commands.append(.fail(id, restoreFailure.map { .restoreFailed($0) } ?? .environmentsDoNotStart))
        }
        while let pool = pools[key], pool.coming < pool.waiters.count {
            guard canMakeRoom(reckoned(key, pool.demand)) else {
                // The room it had has gone to others, who came before it.
                guard let id = takeWaiter(of: key) else { break }
                giveUp(key, at: now)
                commands.append(.throttle(id, .concurrentInvocationLimitExceeded))
                continue
            }
            commands += bring(key, at: now)
        }
        return commands
    }

    private mutating func release(_ key: EnvironmentKey) { ledger.release(key.function, version: key.version) }

    /// One that waited does so no more, and was not served.
    mutating func giveUp(_ key: EnvironmentKey, at now: MonotonicTime) {
        release(key)
        history.fell(key.history, at: now)
    }

    /// The environment's invocation is over.
    private mutating func served(_ environment: Environment, at now: MonotonicTime) {
        release(environment.key)
        guard !environment.isProvisioned, !environment.isDismissed else { return }
        history.fell(environment.key.history, at: now)
    }

    /// Whether the function may start one more environment for an invocation now.
    private mutating func mayScale(_ function: FunctionKey, at now: MonotonicTime) -> Bool {
        if scaling.count >= Self.scalingsMax { scaling = scaling.filter { !$0.value.isFull(at: now) } }
        let full = TokenBucket(rate: settings.scalingRate, capacity: settings.scalingBurst, at: now)
        return scaling[function, default: full].take(at: now)
    }

    /// So many functions are counted before those that scale no more are looked for.
    private static let scalingsMax = 1_024

    // MARK: - Environments

    private mutating func use(_ id: EnvironmentID, for invocation: InvocationID) -> Command {
        guard let environment = environments[id] else { preconditionFailure("only what exists is used") }
        if environment.isIdle, !environment.isProvisioned {
            reclaimable -= environment.reckonedKiB
        }
        environments[id]?.phase = .busy(invocation)
        return .assign(invocation, id)
    }

    func canMakeRoom(_ kibibytes: Int) -> Bool {
        !isShort && spokenFor - reclaimable + kibibytes <= memoryKiB
    }

    /// One more environment for the key, whose memory `canMakeRoom` has found.
    mutating func bring(_ key: EnvironmentKey, isProvisioned: Bool = false, at now: MonotonicTime) -> [Command] {
        guard let demand = pools[key]?.demand else { preconditionFailure("a start has a pool") }
        let reckoned = reckoned(key, demand)
        let lacking = spokenFor + reckoned - memoryKiB
        let doomed = lacking > 0 ? leastValuable(memoryKiB: lacking, at: now) : []
        let id = EnvironmentID(nextEnvironment)
        nextEnvironment += 1
        environments[id] = Environment(
            key: key,
            demand: demand,
            reckonedKiB: reckoned,
            phase: .awaitingMemory,
            isProvisioned: isProvisioned
        )
        if !isProvisioned { pools[key]?.coming += 1 }
        pools[key]?.living += 1
        spokenFor += reckoned
        awaited += reckoned
        awaitingMemory.append(id)
        // Only now: one of the same key may be among them, which would leave the key without a pool.
        let commands = destroy(doomed)
        return commands + startWhatFits()
    }

    mutating func startWhatFits() -> [Command] {
        var commands: [Command] = []
        while let id = awaitingMemory.first, let environment = environments[id],
            memoryInUseKiB + environment.reckonedKiB <= memoryKiB
        {
            _ = awaitingMemory.popFirst()
            awaited -= environment.reckonedKiB
            environments[id]?.phase = .starting
            commands.append(
                environment.isProvisioned ? .startProvisioned(id, environment.key) : .start(id, environment.key)
            )
        }
        return commands
    }

    /// Takes back starts that still await memory and for which nobody waits.
    private mutating func dropNeedlessStarts(of key: EnvironmentKey) -> [Command] {
        var dropped = false
        while let pool = pools[key], pool.coming > pool.waiters.count,
            let id = awaitingMemory.removeLast(where: {
                environments[$0]?.key == key && environments[$0]?.isProvisioned == false
            })
        {
            guard let environment = environments.removeValue(forKey: id) else { break }
            pools[key]?.coming -= 1
            pools[key]?.living -= 1
            spokenFor -= environment.reckonedKiB
            awaited -= environment.reckonedKiB
            dropped = true
        }
        return dropped ? startWhatFits() : []
    }

    mutating func destroy(_ ids: [EnvironmentID]) -> [Command] {
        var commands: [Command] = []
        for id in ids {
            guard let environment = environments[id] else { continue }
            let (key, memory) = (environment.key, environment.reckonedKiB)
            switch environment.phase {
            case .idle: stopIdling(id, environment)
            case .busy: release(key)
            case .starting: if !environment.isProvisioned { pools[key]?.coming -= 1 }
            case .awaitingMemory, .leaving: preconditionFailure("only what was started is destroyed, and once")
            }
            environments[id]?.phase = .leaving
            pools[key]?.living -= 1
            spokenFor -= memory
            leaving += memory
            forgetUnused(key)
            commands.append(.destroy(id))
        }
        return commands
    }

    mutating func forgetUnused(_ key: EnvironmentKey) {
        if pools[key]?.isUnused == true { pools[key] = nil }
    }
}
