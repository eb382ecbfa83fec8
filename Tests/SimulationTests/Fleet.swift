// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport

/// One machine's worth of the decisions: the scheduler and every environment's lifecycle in one loop with a clock of its own.
///
/// Functions behave as the seed says: they initialise slowly or never, answer late, twice or not at all, crash, run out of
/// memory, and call the Runtime API when they should not. Between scheduler and environments every message takes a moment, so
/// that they cross each other, as actors' do.
struct Fleet {
    enum Event {
        case arrival
        case cancel(InvocationID)
        case publish(Int)
        case reserve(Int)
        /// So many environments of a function are to be there before anybody asks.
        case provision(Int, executions: Int)
        /// A function's calls go to another version from now on, and with them what is provisioned.
        case move(Int)
        /// What was changed comes to the scheduler.
        case refresh
        case tick
        /// What the machine has left.
        case memory(Int)
        case shutdown
        case abandon
        /// To an environment.
        case assign(InvocationID, EnvironmentID)
        case destroy(EnvironmentID)
        case timer(EnvironmentID, version: Int)
        case sandbox(EnvironmentID, SandboxEvent)
        case runtime(EnvironmentID, generation: Int, RuntimeEvent)
        /// To the scheduler.
        case ready(EnvironmentID)
        case gone(EnvironmentID, EnvironmentLifecycle.DiscardReason)
    }

    enum SandboxEvent {
        case ready
        case failed
        case lost
        case processesGone(generation: Int)
    }

    enum RuntimeEvent {
        case asksNext
        case stopsWaiting(PollID)
        case responds(InvocationID)
        case reportsError(InvocationID)
        case respondsTooMuch(InvocationID)
        case beginsStream(InvocationID)
        case endsStream(InvocationID, EnvironmentLifecycle.StreamEnd)
        case reportsInitError
        case exits(ExitStatus)
        case failsToStart
        case `extension`(String, ExtensionEvent)
    }

    /// What an extension does; an internal one has no process of its own.
    enum ExtensionEvent {
        case registers
        case asksNext
        case reportsInitError
        case exits(ExitStatus)
        case failsToStart
    }

    struct Function {
        var key: EnvironmentKey
        var memoryMiB: Int
        /// One init in so many goes wrong.
        var initFailures: Int
        /// One invocation in so many goes wrong.
        var failures: Int
        /// Programs of /opt/extensions.
        var external: [String]
        /// Its runtime registers one itself.
        var hasInternal: Bool
        var provisioned = 0
    }

    struct Environment {
        var lifecycle: EnvironmentLifecycle
        var checker = LifecycleChecker()
        var function: Int
        var usedKiB = 0
        /// Of the runtime's process; what an earlier one does comes to nothing.
        var generation = 0
        var timerVersion = 0
        var lastEvent = MonotonicTime(nanoseconds: 0)
        /// Whose call waits, for those of extensions.
        var extensionPolls: [PollID: String] = [:]
    }

    static let reserveMiB = 100
    /// Time between scheduler and environment.
    static let hop = Duration.microseconds(100)

    let seed: UInt64
    var random: SplitMix64
    var queue = EventQueue<Event>()
    var scheduler: EnvironmentScheduler
    var checker: SchedulingChecker
    var functions: [Function] = []
    var environments: [EnvironmentID: Environment] = [:]
    var arrivals: Set<InvocationID> = []
    var arrivalsLeft: Int
    var arrivalGap: Duration
    var polls: UInt64 = 0
    var violations: [String] = []
    var events = 0
    /// Of the reservations that are in force.
    var turn: UInt64 = 0

    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix64(seed: seed)
        let functionCount = 1 + random.below(4)
        for number in 0..<functionCount {
            let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f\(number)")
            functions.append(
                Function(
                    key: EnvironmentKey(function: function, version: "$LATEST", revision: "0"),
                    memoryMiB: 128 + 64 * random.below(20),
                    initFailures: [2, 5, 20, 1_000][random.below(4)],
                    failures: [2, 5, 20, 1_000][random.below(4)],
                    external: (0..<[0, 0, 1, 3][random.below(4)]).map { "extension\($0)" },
                    hasInternal: random.oneIn(4)
                )
            )
        }
        var limits = ConcurrencyLimits(account: 1 + random.below(30))
        if random.oneIn(4) {
            limits.reserved[functions[0].key.function] = random.below(limits.account + 1)
        }
        let memoryMiB = 128 + random.below(6_000)
        let waitersMax = random.oneIn(4) ? 1 + random.below(5) : 1_000
        scheduler = EnvironmentScheduler(
            settings: EnvironmentScheduler.Settings(
                memoryMiB: memoryMiB,
                admitsByUse: random.oneIn(2),
                reserveMiB: Self.reserveMiB,
                keepAlive: random.oneIn(2)
                    ? .fixed(.seconds(random.below(30))) : .learned(unknown: .seconds(random.below(30))),
                waitersMax: waitersMax,
                startFailuresMax: 1 + random.below(3)
            ),
            limits: limits
        )
        checker = SchedulingChecker(
            memoryMiB: memoryMiB,
            admitsByUse: scheduler.settings.admitsByUse,
            waitersMax: waitersMax,
            limits: limits
        )
        arrivalsLeft = 5 + random.below(40)
        arrivalGap = [.milliseconds(1), .milliseconds(50), .seconds(1), .seconds(8)][random.below(4)]
        self.random = random
    }

    /// Runs the history to its end, or to the first broken promise.
    mutating func run() {
        queue.schedule(.arrival, after: .zero)
        while violations.isEmpty, let event = queue.next() {
            perform(event)
            events += 1
            if events > 100_000 { violations.append("the history does not end") }
        }
        guard violations.isEmpty else { return }
        checker.settleForGood(after: arrivals)
        violations += checker.violations
        for id in environments.keys {
            environments[id]?.checker.settleForGood()
            violations += environments[id]?.checker.violations ?? []
        }
        if !scheduler.isEmpty || scheduler.ledger.total != 0 || scheduler.memoryInUseMiB != 0 {
            violations.append("the scheduler keeps something for ever")
        }
    }

    private mutating func perform(_ event: Event) {
        switch event {
        case .arrival: arrive()
        case .cancel(let id):
            let waited = scheduler.waitersCount
            let commands = scheduler.waiterCancelled(id, at: queue.now)
            if scheduler.waitersCount < waited { checker.cancelled(id) }
            obey(commands)
        case .publish(let function): publish(function)
        case .reserve(let function): reserve(function)
        case .provision(let function, let executions):
            functions[function].provisioned = executions
            refresh()
        case .move(let function):
            functions[function].key.version = "\(events)"
            refresh()
        case .refresh: refresh()
        case .tick: obey(scheduler.tick(at: queue.now))
        case .memory(let available):
            if available < Self.reserveMiB {
                checker.isShort = true
                // It passes.
                queue.schedule(.memory(1_000), after: random.duration(upTo: .seconds(3)))
            } else if available >= Self.reserveMiB * 3 / 2 {
                checker.isShort = false
            }
            obey(scheduler.machineHas(availableMiB: available, at: queue.now))
        case .shutdown:
            checker.isShuttingDown = true
            obey(scheduler.shutdown(at: queue.now))
        case .abandon:
            lookForForgotten()
            checker.isShuttingDown = true
            checker.isAbandoned = true
            obey(scheduler.abandon(at: queue.now))
        case .ready(let id):
            let used = use(of: id)
            checker.ready(id, usedKiB: used)
            obey(scheduler.environmentReady(id, usedKiB: used, at: queue.now))
        case .gone(let id, let reason):
            checker.lost(id)
            var restoreFailure: RestoreFailure?
            if case .restoreFailed(let failure) = reason { restoreFailure = failure }
            obey(
                scheduler.environmentLost(
                    id,
                    isInitFailure: reason == .notInitialized,
                    restoreFailure: restoreFailure,
                    at: queue.now
                )
            )
        case .assign(let invocation, let id):
            environments[id]?.checker.assigned(invocation)
            let ticket = InvocationTicket(id: invocation, timeout: .seconds(1 + random.below(4)))
            act(id) { $0.invocationAssigned(ticket, at: $1) }
        case .destroy(let id): act(id) { $0.shutdownRequested(at: $1) }
        case .timer(let id, let version):
            if environments[id]?.timerVersion == version { act(id) { $0.timerFired(at: $1) } }
        case .sandbox(let id, let event): performSandbox(id, event)
        case .runtime(let id, let generation, let event):
            // Once in a while something that a killed process had sent is read late.
            if environments[id]?.generation == generation || random.oneIn(20) { performRuntime(id, event) }
        }
    }

    // MARK: - Callers and operators

    private mutating func arrive() {
        let function = functions[random.below(functions.count)]
        let id = InvocationID("\(arrivals.count)")
        arrivals.insert(id)
        checker.arrived(id, key: function.key, memoryMiB: function.memoryMiB)
        obey(
            scheduler.invocationArrived(
                id,
                key: function.key,
                demand: EnvironmentDemand(memoryMiB: function.memoryMiB),
                at: queue.now
            )
        )
        if random.oneIn(10) { queue.schedule(.cancel(id), after: random.duration(upTo: .seconds(1))) }
        if random.oneIn(20) {
            queue.schedule(.memory(random.below(200)), after: random.duration(upTo: .seconds(1)))
        }
        if random.oneIn(15) {
            queue.schedule(.publish(random.below(functions.count)), after: random.duration(upTo: .seconds(1)))
        }
        if random.oneIn(15) {
            queue.schedule(.reserve(random.below(functions.count)), after: random.duration(upTo: .seconds(1)))
        }
        provisionSometimes()
        arrivalsLeft -= 1
        if arrivalsLeft > 0 {
            queue.schedule(.arrival, after: random.duration(upTo: arrivalGap))
            if random.oneIn(100) { queue.schedule(.shutdown, after: random.duration(upTo: .seconds(5))) }
        } else {
            let drain = random.duration(upTo: .seconds(20))
            queue.schedule(.shutdown, after: drain)
            queue.schedule(.abandon, after: drain + random.duration(upTo: .seconds(60)))
        }
    }

    private mutating func publish(_ function: Int) {
        functions[function].key.revision = "\(events)"
        functions[function].memoryMiB = 128 + 64 * random.below(20)
        let key = functions[function].key
        checker.retiring(allBut: key)
        obey(scheduler.retire(key.function, version: key.version, keepingRevision: key.revision, at: queue.now))
        queue.schedule(.refresh, after: Self.hop)
    }

    /// Another reservation for a function, or none.
    private mutating func reserve(_ function: Int) {
        checker.limits.reserved[functions[function].key.function] =
            random.oneIn(3) ? nil : random.below(checker.limits.account + 1)
        refresh()
    }

    /// KiB that the environment has had of its memory at the most; not always known, and little mostly.
    private mutating func use(of id: EnvironmentID) -> Int? {
        guard let environment = environments[id], !random.oneIn(10) else { return nil }
        let size = functions[environment.function].memoryMiB << 10
        let now = random.oneIn(8) ? 1 + random.below(size) : 1 + random.below(min(size, 40 << 10))
        let used = max(environment.usedKiB, now)
        environments[id]?.usedKiB = used
        return used
    }

    mutating func obey(_ commands: [EnvironmentScheduler.Command]) {
        for command in commands {
            checker.commanded(command)
            switch command {
            case .start(let id, let key): start(id, key, isProvisioned: false)
            case .startProvisioned(let id, let key): start(id, key, isProvisioned: true)
            case .assign(let invocation, let id): queue.schedule(.assign(invocation, id), after: Self.hop)
            case .destroy(let id): queue.schedule(.destroy(id), after: Self.hop)
            case .nextTick(let time): queue.schedule(.tick, at: time)
            case .throttle, .fail: break
            }
        }
        checker.settle()
        violations += checker.violations
    }

    private mutating func start(_ id: EnvironmentID, _ key: EnvironmentKey, isProvisioned: Bool) {
        let function = functions.firstIndex { $0.key.function == key.function } ?? 0
        var lifecycle =
            isProvisioned
            ? EnvironmentLifecycle(initTimeout: .seconds(130), origin: .provisioned) : EnvironmentLifecycle()
        // With external extensions none is forked.
        if !isProvisioned, functions[function].external.isEmpty, random.oneIn(3) {
            lifecycle.isRestored(since: queue.now)
        }
        environments[id] = Environment(lifecycle: lifecycle, function: function)
        let event: SandboxEvent = random.oneIn(25) ? .failed : .ready
        queue.schedule(.sandbox(id, event), after: Self.hop + random.duration(upTo: .milliseconds(200)))
        if random.oneIn(40) {
            queue.schedule(.sandbox(id, .lost), after: .milliseconds(300) + random.duration(upTo: .seconds(20)))
        }
    }

    /// An environment that has long been free must not be taken for busy.
    private mutating func lookForForgotten() {
        for (id, environment) in scheduler.environments {
            guard case .busy(let invocation) = environment.phase, let known = environments[id] else { continue }
            let isFree = known.lifecycle.state == .ready || known.lifecycle.state == .needsInit
            if isFree, queue.now - known.lastEvent > .seconds(1) {
                violations.append("environment \(id) is busy with \(invocation), of which it knows nothing")
            }
        }
    }

    // MARK: - Environments

    private mutating func performSandbox(_ id: EnvironmentID, _ event: SandboxEvent) {
        switch event {
        case .ready:
            let external = functions[environments[id]?.function ?? 0].external
            act(id) { $0.sandboxReady(externalExtensions: external, at: $1) }
        case .failed: act(id) { $0.sandboxFailed(at: $1) }
        case .lost: act(id) { $0.sandboxLost(at: $1) }
        case .processesGone(let generation):
            guard environments[id]?.generation == generation else { return }
            environments[id]?.checker.processesGone()
            act(id) { $0.processesGone(at: $1) }
        }
    }

    mutating func act(
        _ id: EnvironmentID,
        _ event: (inout EnvironmentLifecycle, MonotonicTime) -> [EnvironmentLifecycle.Action]
    ) {
        let now = queue.now
        guard var lifecycle = environments[id]?.lifecycle else { return }
        let actions = event(&lifecycle, now)
        environments[id]?.lifecycle = lifecycle
        environments[id]?.lastEvent = now
        for action in actions {
            environments[id]?.checker.acted(action)
            perform(action, of: id)
        }
        violations += environments[id]?.checker.violations ?? []
    }

    private mutating func perform(_ action: EnvironmentLifecycle.Action, of id: EnvironmentID) {
        switch action {
        case .startExtensions(let names): for name in names { startExtension(name, id) }
        case .startRuntime: startRuntime(id)
        case .endRuntime(let isForced): endRuntime(id, isForced: isForced)
        case .tell(let event, let polls): tell(event, polls, id)
        case .killProcesses:
            environments[id]?.generation += 1
            let generation = environments[id]?.generation ?? 0
            // Once in a while a process takes its time to die, or will not.
            let duration = random.duration(upTo: random.oneIn(10) ? .seconds(10) : .milliseconds(100))
            queue.schedule(.sandbox(id, .processesGone(generation: generation)), after: duration)
        case .deliver(let invocation, _, _): handle(invocation, id)
        case .setTimer(let time):
            environments[id]?.timerVersion += 1
            queue.schedule(.timer(id, version: environments[id]?.timerVersion ?? 0), at: time)
        case .cancelTimer: environments[id]?.timerVersion += 1
        case .becomeIdle: queue.schedule(.ready(id), after: Self.hop)
        case .discard(let reason):
            environments[id]?.generation += 1
            queue.schedule(
                .gone(id, reason),
                after: Self.hop + random.duration(upTo: .milliseconds(50))
            )
        case .answer, .refuse, .respond, .finish, .initEnded, .restoreEnded, .applyRunLimits, .beginStream: break
        }
    }
}
