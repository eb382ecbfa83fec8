// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

/// The scheduler alone, with what is provisioned changing all the time: what is there never passes what is wanted, and whatever
/// has happened, it comes to be exactly that when things calm down.
struct ProvisionedSimulationTests {
    @Test func `what is provisioned is there after any history, and gone when nothing is`() {
        let seeds = Histories.seeds(first: 1, count: 500)
        var (starts, converged) = (0, 0)
        for seed in seeds {
            var history = ProvisionedHistory(seed: seed)
            history.run()
            starts += history.starts
            converged += history.isFitting ? 1 : 0
            guard history.violations.isEmpty else {
                Issue.record("MARTLET_SIMULATION_SEED=\(seed): \(history.violations)")
                return
            }
        }
        // A history in which nothing was provisioned would keep every promise.
        #expect(Histories.areFew || starts > seeds.count && converged > seeds.count / 10)
    }
}

/// One history of a machine on which environments fail, die and serve as the seed says.
private struct ProvisionedHistory {
    private enum Phase: Equatable {
        case starting
        case idle
        case busy(InvocationID)
        case leaving
    }

    private struct Environment {
        var key: EnvironmentKey
        var phase: Phase
        var isProvisioned: Bool
    }

    private static let memoryMiB = 3_072
    private static let startsMax = 3

    private(set) var violations: [String] = []
    private(set) var starts = 0
    /// Something is wanted at the end, and all of it fits the machine.
    private(set) var isFitting = false
    private var random: SplitMix64
    private var now = MonotonicTime(nanoseconds: 0)
    private var scheduler: EnvironmentScheduler
    private var environments: [EnvironmentID: Environment] = [:]
    private var waiting: Set<InvocationID> = []
    private var ticks: [MonotonicTime] = []
    private var shares: [ProvisionedShare] = []
    private var turn: UInt64 = 0
    private var invocations = 0
    /// By function and version.
    private var revisions: [String: Int] = [:]

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        scheduler = EnvironmentScheduler(
            settings: .init(
                memoryMiB: Self.memoryMiB,
                keepAlive: .fixed(.seconds(60)),
                provisionedStartsMax: Self.startsMax
            ),
            limits: ConcurrencyLimits(account: 50)
        )
    }

    mutating func run() {
        for _ in 0..<(20 + random.below(200)) where violations.isEmpty { step() }
        calm()
        guard violations.isEmpty else { return }
        isFitting = !shares.isEmpty && shares.reduce(0) { $0 + $1.wanted * $1.demand.memoryMiB } <= Self.memoryMiB
        for share in shares where isFitting {
            let state = scheduler.provisionedState(of: share.key)
            expect(
                state == ProvisionedState(allocated: share.wanted, available: share.wanted),
                "\(share.wanted) wanted of \(share.key.version), and it stays at \(state)"
            )
        }
        set([])
        calm()
        let kept = environments.count
        expect(kept == 0, "\(kept) environments are kept")
        expect(scheduler.isEmpty && scheduler.memoryInUseMiB == 0, "the scheduler keeps something for ever")
    }

    private mutating func expect(_ condition: Bool, _ promise: @autoclosure () -> String) {
        if !condition { violations.append(promise()) }
    }

    private mutating func randomKey(of function: Int) -> EnvironmentKey {
        let version = "\(1 + random.below(3))"
        return EnvironmentKey(
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f\(function)"),
            version: version,
            revision: "\(revisions["\(function):\(version)", default: 0])"
        )
    }

    private func memory(_ key: EnvironmentKey) -> Int { key.function.name == "f0" ? 128 : 320 }

    // MARK: - What happens

    private mutating func step() {
        now = now + random.duration(upTo: random.oneIn(10) ? .seconds(100) : .seconds(1))
        fireTicks()
        switch random.below(10) {
        case 0: change()
        case 1, 2: arrive(randomKey(of: random.below(2)))
        case 3: if random.oneIn(3) { retire(random.below(2)) }
        default: advance(failing: random.oneIn(3))
        }
        check()
    }

    /// One environment's next event.
    private mutating func advance(failing: Bool) {
        let ids = environments.keys.sorted { $0.number < $1.number }
        guard !ids.isEmpty else { return }
        let id = ids[random.below(ids.count)]
        guard let environment = environments[id] else { return }
        switch environment.phase {
        case .leaving: lose(id)
        case .idle: if failing, random.oneIn(2) { lose(id) }
        case .starting, .busy: failing ? lose(id) : ready(id)
        }
    }

    private mutating func change() {
        var shares: [ProvisionedShare] = []
        for function in 0..<2 where !random.oneIn(4) {
            let key = randomKey(of: function)
            shares.append(
                ProvisionedShare(
                    configuration: ProvisionedConfigurationID(function: key.function, qualifier: "live"),
                    key: key,
                    demand: EnvironmentDemand(memoryMiB: memory(key)),
                    wanted: 1 + random.below(5)
                )
            )
        }
        set(shares)
    }

    private mutating func set(_ shares: [ProvisionedShare]) {
        self.shares = shares
        turn += 1
        obey(scheduler.setConcurrency(reserved: [:], provisioned: shares, turn: turn, at: now))
    }

    private mutating func retire(_ function: Int) {
        let key = randomKey(of: function)
        shares.removeAll { $0.key == key }
        revisions["\(function):\(key.version)", default: 0] += 1
        obey(scheduler.retire(key.function, version: key.version, keepingRevision: nil, at: now))
    }

    private mutating func arrive(_ key: EnvironmentKey) {
        let id = InvocationID("\(invocations)")
        invocations += 1
        waiting.insert(id)
        obey(
            scheduler.invocationArrived(id, key: key, demand: EnvironmentDemand(memoryMiB: memory(key)), at: now)
        )
    }

    private mutating func ready(_ id: EnvironmentID) {
        environments[id]?.phase = .idle
        obey(scheduler.environmentReady(id, at: now))
    }

    private mutating func lose(_ id: EnvironmentID) {
        environments[id] = nil
        obey(scheduler.environmentLost(id, isInitFailure: random.oneIn(2), at: now))
    }

    private mutating func fireTicks() {
        while let tick = ticks.filter({ $0 <= now }).min() {
            ticks.removeAll { $0 == tick }
            obey(scheduler.tick(at: now))
        }
    }

    /// Nothing fails and nobody comes, for hours.
    private mutating func calm() {
        var events = 0
        while violations.isEmpty {
            let pending = environments.filter { $0.value.phase != .idle }.keys.sorted { $0.number < $1.number }
            if let id = pending.first {
                environments[id]?.phase == .leaving ? lose(id) : ready(id)
            } else if let tick = ticks.min() {
                now = max(now, tick)
                fireTicks()
            } else {
                return
            }
            check()
            events += 1
            expect(events < 10_000, "it does not calm down")
        }
    }

    private mutating func obey(_ commands: [EnvironmentScheduler.Command]) {
        for command in commands {
            switch command {
            case .start(let id, let key): start(id, key, isProvisioned: false)
            case .startProvisioned(let id, let key):
                starts += 1
                start(id, key, isProvisioned: true)
            case .assign(let invocation, let id):
                expect(environments[id]?.phase == .idle, "\(invocation) is assigned to \(id), which is not idle")
                environments[id]?.phase = .busy(invocation)
                waiting.remove(invocation)
            case .destroy(let id):
                let phase = environments[id]?.phase
                expect(phase == .idle || phase == .starting, "environment \(id) is destroyed while \(phase as Phase?)")
                environments[id]?.phase = .leaving
            case .throttle(let id, _), .fail(let id, _): waiting.remove(id)
            case .nextTick(let time): ticks.append(time)
            }
        }
    }

    private mutating func start(_ id: EnvironmentID, _ key: EnvironmentKey, isProvisioned: Bool) {
        expect(environments[id] == nil, "environment \(id) is started twice")
        environments[id] = Environment(key: key, phase: .starting, isProvisioned: isProvisioned)
    }

    // MARK: - Promises

    private mutating func check() {
        let used = scheduler.memoryInUseMiB
        expect(used <= Self.memoryMiB, "\(used) MiB in use")
        let starting = environments.values.filter { $0.isProvisioned && $0.phase == .starting }.count
        expect(starting <= Self.startsMax, "\(starting) provisioned environments start at once")
        for share in shares {
            let state = scheduler.provisionedState(of: share.key)
            expect(state.available <= state.allocated, "more is available than allocated: \(state)")
            expect(state.allocated <= share.wanted, "more is allocated than wanted: \(state)")
            let counted = scheduler.environments.values.filter {
                $0.isProvisioned && $0.key == share.key && $0.phase != .leaving
            }.count
            expect(counted == state.allocated, "\(counted) environments are there, and \(state) is said")
        }
    }
}
