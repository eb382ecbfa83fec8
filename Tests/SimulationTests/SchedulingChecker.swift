// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel

/// Watches what a scheduler is told and what it commands, keeps books of its own, and says when a promise is broken.
///
/// Shares no code with the scheduler: what it knows, it knows from the outside.
struct SchedulingChecker {
    private enum Phase: Equatable {
        case starting
        case idle(turn: Int)
        case busy(InvocationID)
        case leaving
    }

    private struct Environment {
        var key: EnvironmentKey
        var memoryMiB: Int
        /// The most that it was seen to use; never more than its size.
        var usedKiB = 0
        var phase: Phase
        var isProvisioned: Bool
    }

    private struct Waiter {
        var id: InvocationID
        var memoryMiB: Int
    }

    let memoryMiB: Int
    /// Memory is taken for what is used of it, as far as that is known.
    let admitsByUse: Bool
    let waitersMax: Int
    var limits: ConcurrencyLimits
    /// Environments that are to be there without an invocation.
    var provisioned: [EnvironmentKey: (wanted: Int, memoryMiB: Int)] = [:]
    var isShuttingDown = false
    var isAbandoned = false
    /// The machine has little memory left.
    var isShort = false
    private(set) var violations: [String] = []
    private var environments: [EnvironmentID: Environment] = [:]
    private var everStarted: Set<EnvironmentID> = []
    private var everEnded: Set<InvocationID> = []
    private var retired: Set<EnvironmentKey> = []
    /// In the order of arrival.
    private var waiters: [EnvironmentKey: [Waiter]] = [:]
    private var turn = 0
    /// Who has come, and has not been refused so far.
    private var arrival: (id: InvocationID, key: EnvironmentKey)?

    init(memoryMiB: Int, admitsByUse: Bool = false, waitersMax: Int, limits: ConcurrencyLimits) {
        self.memoryMiB = memoryMiB
        self.admitsByUse = admitsByUse
        self.waitersMax = waitersMax
        self.limits = limits
    }

    private mutating func expect(_ condition: Bool, _ promise: @autoclosure () -> String) {
        if !condition { violations.append(promise()) }
    }

    // MARK: - What the scheduler is told

    mutating func arrived(_ id: InvocationID, key: EnvironmentKey, memoryMiB: Int) {
        waiters[key, default: []].append(Waiter(id: id, memoryMiB: memoryMiB))
        arrival = (id, key)
    }

    mutating func cancelled(_ id: InvocationID) {
        for key in waiters.keys where waiters[key]?.contains(where: { $0.id == id }) == true {
            waiters[key]?.removeAll { $0.id == id }
            end(id)
        }
    }

    mutating func ready(_ id: EnvironmentID, usedKiB: Int? = nil) {
        guard let environment = environments[id], environment.phase != .leaving else { return }
        if let usedKiB { environments[id]?.usedKiB = min(usedKiB, environment.memoryMiB << 10) }
        if case .busy(let invocation) = environment.phase { end(invocation) }
        environments[id]?.phase = .idle(turn: turn)
        turn += 1
    }

    mutating func lost(_ id: EnvironmentID) {
        guard let environment = environments.removeValue(forKey: id) else {
            return expect(false, "environment \(id) is lost twice")
        }
        if case .busy(let invocation) = environment.phase { end(invocation) }
    }

    /// Other revisions of the key's version go.
    mutating func retiring(allBut key: EnvironmentKey) {
        for environment in environments.values
        where environment.key.function == key.function && environment.key.version == key.version {
            if environment.key == key {
                retired.remove(environment.key)
            } else {
                retired.insert(environment.key)
            }
        }
    }

    // MARK: - What it commands

    mutating func commanded(_ command: EnvironmentScheduler.Command) {
        switch command {
        case .start(let id, let key): started(id, key)
        case .startProvisioned(let id, let key): startedProvisioned(id, key)
        case .assign(let invocation, let id): assigned(invocation, id)
        case .destroy(let id): destroyed(id)
        case .throttle(let id, let reason): throttled(id, reason)
        case .fail(let id, let failure):
            if failure == .shuttingDown { expect(isShuttingDown, "\(id) fails for a shutdown that is none") }
            leave(id)
        case .nextTick: break
        }
    }

    private mutating func started(_ id: EnvironmentID, _ key: EnvironmentKey) {
        expect(everStarted.insert(id).inserted, "environment \(id) is started twice")
        expect(!isAbandoned, "environment \(id) is started after the end")
        let waiting = waiters[key, default: []]
        expect(count(key, .starting) < waiting.count, "more environments start than invocations wait for them")
        let memory = waiting.first?.memoryMiB ?? 0
        expect(hasRoom(for: memory), "environment \(id) is started beyond the machine's memory")
        environments[id] = Environment(key: key, memoryMiB: memory, phase: .starting, isProvisioned: false)
    }

    private mutating func startedProvisioned(_ id: EnvironmentID, _ key: EnvironmentKey) {
        expect(everStarted.insert(id).inserted, "environment \(id) is started twice")
        expect(!isShuttingDown, "environment \(id) is provisioned in a shutdown")
        guard let (wanted, memory) = provisioned[key] else {
            return expect(false, "environment \(id) is provisioned, and nobody wants it")
        }
        expect(countProvisioned(key) < wanted, "more environments are provisioned than are wanted")
        expect(hasRoom(for: memory), "environment \(id) is provisioned beyond the machine's memory")
        environments[id] = Environment(key: key, memoryMiB: memory, phase: .starting, isProvisioned: true)
    }

    private mutating func assigned(_ invocation: InvocationID, _ id: EnvironmentID) {
        guard let environment = environments[id] else {
            return expect(false, "\(invocation) is assigned to environment \(id), which does not exist")
        }
        guard let key = waiters.first(where: { $0.value.contains { $0.id == invocation } })?.key else {
            return expect(false, "\(invocation) is assigned, but does not wait")
        }
        expect(environment.key == key, "\(invocation) is assigned to another key's environment")
        expect(waiters[key]?.first?.id == invocation, "\(invocation) overtakes another")
        guard case .idle(let turn) = environment.phase else {
            return expect(false, "\(invocation) is assigned to environment \(id), which is \(environment.phase)")
        }
        let turns = environments.values.compactMap { other -> Int? in
            guard case .idle(let turn) = other.phase, other.key == environment.key else { return nil }
            return other.isProvisioned == environment.isProvisioned ? turn : nil
        }
        expect(turn == turns.max(), "environment \(id) is not the most recently used")
        let isAnyProvisioned = environments.values.contains { other in
            if case .idle = other.phase { other.key == key && other.isProvisioned } else { false }
        }
        expect(environment.isProvisioned || !isAnyProvisioned, "environment \(id) serves before a provisioned one")
        waiters[key]?.removeAll { $0.id == invocation }
        environments[id]?.phase = .busy(invocation)
    }

    private mutating func destroyed(_ id: EnvironmentID) {
        switch environments[id]?.phase {
        case .idle: break
        case .starting:
            let isProvisioned = environments[id]?.isProvisioned == true
            expect(isAbandoned || isProvisioned, "environment \(id) is destroyed while it starts")
        case .busy(let invocation):
            expect(isAbandoned, "environment \(id) is destroyed under \(invocation)")
            end(invocation)
        case .leaving, nil: expect(false, "environment \(id) is destroyed twice")
        }
        environments[id]?.phase = .leaving
    }

    private mutating func throttled(_ id: InvocationID, _ reason: ThrottleReason) {
        guard let (key, waiting) = waiters.first(where: { $0.value.contains { $0.id == id } }) else {
            return expect(false, "\(id) is throttled, but does not wait")
        }
        let needed = waiting.last?.memoryMiB ?? 0
        let wanted = waiters.values.joined().reduce(0) { $0 + $1.memoryMiB }
        let provisioned = provisioned.reduce(0) { sum, each in
            sum + max(0, each.value.wanted - countProvisioned(each.key)) * each.value.memoryMiB
        }
        let hasMemory = memoryInUse + wanted + provisioned <= memoryMiB && needed <= memoryMiB
        let isFull = waiters.values.reduce(0) { $0 + $1.count } > waitersMax
        expect(
            !hasMemory || isShort || isFull || !isWithinLimit(key),
            "\(id) is throttled without need"
        )
        let isReserved = limits.reserved[key.function] != nil
        if reason == .reservedFunctionConcurrentInvocationLimitExceeded {
            expect(isReserved, "\(id) is throttled for a reservation that its function has not")
        }
        leave(id)
    }

    // MARK: - Promises

    /// What holds whenever the scheduler has had its say.
    mutating func settle() {
        settleMemory()
        let isAnyLeaving = environments.values.contains { $0.phase == .leaving }
        for (key, waiting) in waiters where !waiting.isEmpty {
            expect(!isAbandoned, "an invocation waits after the end")
            let idle = environments.values.contains { environment in
                if case .idle = environment.phase { environment.key == key } else { false }
            }
            expect(!idle, "\(waiting[0].id) waits while an environment of its key is idle")
            expect(
                count(key, .starting) >= waiting.count || isAnyLeaving,
                "\(waiting[0].id) waits for nothing"
            )
        }
        settleArrival()
        for (id, environment) in environments {
            guard case .idle = environment.phase else { continue }
            expect(!isShuttingDown, "environment \(id) is kept idle in a shutdown")
            expect(!retired.contains(environment.key), "environment \(id) of a retired revision is kept idle")
        }
    }

    private mutating func settleMemory() {
        let available = memoryMiB
        guard admitsByUse else {
            let used = memoryInUse
            return expect(used <= available, "\(used) MiB in use of \(available)")
        }
        // What runs may grow; then nothing is kept for later use.
        let used = environments.values.reduce(0) { $0 + ($1.phase == .leaving ? 0 : $1.usedKiB) }
        let isAnyKept = environments.values.contains { environment in
            if case .idle = environment.phase { !environment.isProvisioned } else { false }
        }
        expect(
            used <= available << 10 || !isAnyKept,
            "\(used) KiB in use of \(available) MiB, with idle environments kept"
        )
    }

    /// Whether an environment of that size can be started.
    private func hasRoom(for size: Int) -> Bool {
        guard admitsByUse else { return memoryInUse + size <= memoryMiB }
        return environments.values.reduce(0) { $0 + $1.usedKiB } <= memoryMiB << 10
    }

    /// Who is let in is within the limit; who was in before a limit was lowered may be beyond it.
    private mutating func settleArrival() {
        guard let arrival else { return }
        self.arrival = nil
        guard !everEnded.contains(arrival.id) else { return }
        let inHand = inHand { $0.function == arrival.key.function }
        expect(isWithinLimit(arrival.key), "\(inHand) invocations in hand are beyond the limit")
    }

    /// What holds when nothing is going to happen any more.
    mutating func settleForGood(after arrivals: Set<InvocationID>) {
        let (left, unended) = (environments.count, arrivals.subtracting(everEnded).count)
        expect(left == 0, "\(left) environments are left behind")
        expect(unended == 0, "\(unended) invocations never ended")
    }

    private mutating func leave(_ id: InvocationID) {
        for key in waiters.keys where waiters[key]?.contains(where: { $0.id == id }) == true {
            waiters[key]?.removeAll { $0.id == id }
        }
        end(id)
    }

    private mutating func end(_ id: InvocationID) {
        expect(everEnded.insert(id).inserted, "\(id) ends twice")
    }

    private var memoryInUse: Int { environments.values.reduce(0) { $0 + $1.memoryMiB } }

    private func count(_ key: EnvironmentKey, _ phase: Phase) -> Int {
        environments.values.reduce(0) {
            $0 + ($1.key == key && $1.phase == phase && !$1.isProvisioned ? 1 : 0)
        }
    }

    /// Those that start or are idle: of one that runs an invocation it is not known whether it is let go with its end.
    private func countProvisioned(_ key: EnvironmentKey) -> Int {
        environments.values.reduce(0) { sum, environment in
            guard environment.key == key, environment.isProvisioned else { return sum }
            switch environment.phase {
            case .starting, .idle: return sum + 1
            case .busy, .leaving: return sum
            }
        }
    }

    /// Whether the invocations in hand that count against the same limit as those of the key are within it.
    private func isWithinLimit(_ key: EnvironmentKey) -> Bool {
        if let reserved = limits.reserved[key.function] {
            return self.inHand { $0.function == key.function } <= reserved
        }
        func floor(_ version: FunctionVersionKey) -> Int { limits.provisioned[version, default: 0] }
        func inHand(_ version: FunctionVersionKey) -> Int {
            self.inHand { $0.function == version.function && $0.version == version.version }
        }
        let own = FunctionVersionKey(function: key.function, version: key.version)
        if inHand(own) <= floor(own) { return true }
        let others = limits.provisioned.filter { limits.reserved[$0.key.function] == nil }
        let shared = limits.account - limits.reserved.values.reduce(0, +) - others.values.reduce(0, +)
        let keys = Array(waiters.keys) + environments.values.map(\.key)
        let versions = Set(keys.map { FunctionVersionKey(function: $0.function, version: $0.version) })
            .filter { limits.reserved[$0.function] == nil }
        return versions.reduce(0) { $0 + max(0, inHand($1) - floor($1)) } <= shared
    }

    /// Invocations that wait or run.
    private func inHand(of isMeant: (EnvironmentKey) -> Bool) -> Int {
        let waiting = waiters.reduce(0) { $0 + (isMeant($1.key) ? $1.value.count : 0) }
        return environments.values.reduce(waiting) { sum, environment in
            if case .busy = environment.phase, isMeant(environment.key) { sum + 1 } else { sum }
        }
    }
}
