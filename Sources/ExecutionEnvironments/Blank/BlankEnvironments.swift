// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
package import LambdaModel
import LinuxSandbox
import Logging
import Runtimes
import Synchronization

/// The blank environments of this server: does what `BlankPool` decides.
package final class BlankEnvironments: Sendable {
    private struct State {
        var pool: BlankPool
        var waiting: [BlankID: BlankEnvironment] = [:]
        /// Taken and of no use to anybody: to be destroyed.
        var doomed: [BlankEnvironment] = []
        /// Died before it was among those that wait.
        var lostEarly: Set<BlankID> = []
        /// Nothing is started before the server listens: what functions may reach depends on where.
        var isOpen = false
        /// `run` has returned: nothing is made any more.
        var hasEnded = false
    }

    private let workshop: EnvironmentWorkshop
    /// nil where each is executed anew (`--pool blank`).
    private let zygotes: Zygotes<String>?
    private let state: Mutex<State>
    private let turns = ForkTurns()
    private let wakes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// What a blank environment is reckoned at, where the machine's memory is shared out.
    private static let nominalMiB = 64
    /// An invocation waits for it: a zygote that does not answer must not hold it up for long.
    private static let forkTimeout = Duration.seconds(5)
    /// Of the memory that functions may use, the part that blank environments may.
    private static let memoryShare = 8

    /// `functionMemoryMiB` is what all functions may use together.
    package init(workshop: EnvironmentWorkshop, functionMemoryMiB: Int, forks: Bool) {
        self.workshop = workshop
        zygotes = forks ? Zygotes(ZygotePool()) : nil
        let most = max(1, min(16, functionMemoryMiB / Self.memoryShare / Self.nominalMiB))
        state = Mutex(State(pool: BlankPool(settings: .init(livingMax: most))))
    }

    /// A function with that configuration exists, and may be invoked.
    package func use(_ configuration: FunctionConfiguration) {
        guard let runtime = workshop.runtimes.definition(of: configuration.runtime) else { return }
        // Its layers' extensions are known when it is invoked.
        let start = workshop.start(
            of: configuration,
            runtime,
            workshop.environment(of: configuration, runtime, initialization: .onDemand, logStream: ""),
            hasExternalExtensions: false
        )
        guard case .blank(let kind) = start else { return }
        state.withLock { $0.pool.use(kind, at: .now) }
        wakes.continuation.yield()
    }

    /// Functions of that runtime and memory size exist.
    package func use(runtime name: String, memoryMiB: Int) {
        guard let runtime = workshop.runtimes.definition(of: name) else { return }
        let needsMemory = !workshop.foundation.hasMemoryGroup
        let kind = EnvironmentStart.kind(runtime, memoryMiB: memoryMiB, needsMemoryAtStart: needsMemory)
        state.withLock { $0.pool.use(kind, at: .now) }
        wakes.continuation.yield()
    }

    /// One of that kind, which is the caller's from here on; nil when none waits.
    func take(_ kind: BlankKind) -> BlankEnvironment? {
        defer { wakes.continuation.yield() }
        while let (id, blank) = state.withLock({ state in
            state.pool.take(kind, at: .now).map { ($0, state.waiting.removeValue(forKey: $0)) }
        }) {
            guard let blank else { preconditionFailure("what the pool has ready waits: \(id)") }
            if blank.take() { return blank }
            // It died in this moment.
            state.withLock { $0.doomed.append(blank) }
        }
        return nil
    }

    /// One that is forked for a function when it is its turn, or waits by then; nil where no zygote is ready, or who asked is not there any more.
    func fork(
        _ kind: BlankKind,
        _ runtime: RuntimeDefinition,
        of key: EnvironmentKey,
        isWanted: @Sendable () async -> Bool
    ) async -> BlankEnvironment? {
        guard zygotes != nil, runtime.canFork else { return nil }
        return await turns.pass(of: key, isWanted: isWanted) {
            if state.withLock({ $0.pool.ready(kind) > 0 }), let blank = take(kind) { return blank }
            return await forkNow(kind, runtime)
        }
    }

    private func forkNow(_ kind: BlankKind, _ runtime: RuntimeDefinition) async -> BlankEnvironment? {
        guard let id = state.withLock({ $0.hasEnded ? nil : $0.pool.takeID(kind) }),
            let lease = zygotes?.lease(runtime.runtime)
        else { return nil }
        do {
            let blank = try await make(id, kind, runtime, from: lease, timeout: Self.forkTimeout) {}
            if blank.take() { return blank }
            // Nobody waits for its end.
            Task { await blank.destroy() }
        } catch {
            // The function starts without it.
            workshop.logger.notice(
                "environment not forked",
                metadata: ["runtime": "\(kind.runtime)", "error": "\(error)"]
            )
        }
        return nil
    }

    /// How many wait, by runtime.
    package var ready: [String: Int] { state.withLock { $0.pool.readyByRuntime } }

    package var zygotesCount: Int { zygotes?.count ?? 0 }

    /// One that was taken is its function's.
    func assigned(_ kind: BlankKind) { state.withLock { $0.pool.assigned(kind) } }

    /// One that was taken could not become its function's: it is destroyed, and nobody waits for that.
    func assignmentFailed(_ blank: BlankEnvironment, _ kind: BlankKind) {
        state.withLock { state in
            state.pool.assignmentFailed(kind, at: .now)
            state.doomed.append(blank)
        }
        wakes.continuation.yield()
    }

    /// What functions leave of the memory that they may use.
    func setFreeMemory(_ freeMiB: Int) {
        let hasChanged = state.withLock { $0.pool.setRoom(freeMiB / Self.nominalMiB) }
        if hasChanged { wakes.continuation.yield() }
    }

    /// Keeps some ready until it is cancelled; then none is left, and none is had any more.
    package func run() async {
        var ticking: Task<Void, Never>?
        for await _ in wakes.stream {
            ticking?.cancel()
            ticking = tick(at: await work())
        }
        ticking?.cancel()
        let left = state.withLock { state in
            defer { (state.pool, state.waiting, state.doomed, state.hasEnded) = (BlankPool(), [:], [], true) }
            return state.waiting.values + state.doomed
        }
        for blank in left { await blank.destroy() }
    }

    /// The server listens: environments may be started.
    package func open() {
        state.withLock { $0.isOpen = true }
        wakes.continuation.yield()
    }

    private func work() async -> MonotonicTime? {
        while !Task.isCancelled {
            if let blank = state.withLock({ $0.doomed.popLast() }) {
                await blank.destroy()
                continue
            }
            let command = state.withLock { $0.isOpen ? $0.pool.next(at: .now) : .wait(until: nil) }
            switch command {
            case .start(let id, let kind): await start(id, kind)
            case .end(let id):
                let blank = state.withLock { $0.waiting.removeValue(forKey: id) }
                await blank?.destroy()
                state.withLock { $0.pool.ended() }
            case .wait(let time): return time
            }
        }
        return nil
    }

    private func start(_ id: BlankID, _ kind: BlankKind) async {
        do {
            guard let runtime = workshop.runtimes.definition(of: kind.runtime) else {
                throw SyscallError(call: "blank", errno: ENOENT, subject: kind.runtime)
            }
            let lease = await startZygote(runtime)
            let blank = try await make(id, kind, runtime, from: lease) { [weak self] in self?.lost(id) }
            state.withLock { state in
                if state.lostEarly.remove(id) != nil {
                    state.doomed.append(blank)
                    return state.pool.startFailed(at: .now)
                }
                state.waiting[id] = blank
                state.pool.started(at: .now)
            }
        } catch {
            state.withLock { _ = $0.lostEarly.remove(id) }
            // Functions of that runtime start without it.
            if !Task.isCancelled {
                workshop.logger.notice(
                    "environment not started ahead of need",
                    metadata: ["runtime": "\(kind.runtime)", "error": "\(error)"]
                )
            }
            state.withLock { $0.pool.startFailed(at: .now) }
        }
    }

    private func make(
        _ id: BlankID,
        _ kind: BlankKind,
        _ runtime: RuntimeDefinition,
        from lease: ZygoteLease?,
        timeout: Duration = BlankEnvironment.startTimeout,
        onEnd: @escaping @Sendable () -> Void
    ) async throws -> BlankEnvironment {
        let memoryMiB = kind.memoryMiB ?? Self.memoryMinMiB
        return try await BlankEnvironment.start(
            runtime,
            memoryMiB: memoryMiB,
            from: lease,
            timeout: timeout,
            workshop: workshop,
            onEnd: onEnd
        ) { [foundation = workshop.foundation] zygote in
            try await foundation.makeBlank(id, runtime: runtime, memoryMiB: memoryMiB, below: zygote)
        }
    }

    private static let memoryMinMiB = 128

    /// A child of the runtime's zygote, which is started, and waited for, if there is none.
    private func startZygote(_ runtime: RuntimeDefinition) async -> ZygoteLease? {
        guard let zygotes, runtime.canFork else { return nil }
        do {
            try await zygotes.start(runtime.runtime) { [workshop] id, onEnd in
                try await Zygote.start(id, runtime, workshop: workshop, onEnd: onEnd)
            }
        } catch {
            if !Task.isCancelled {
                workshop.logger.notice(
                    "environments are executed, not forked",
                    metadata: ["runtime": "\(runtime.runtime)", "error": "\(error)"]
                )
            }
        }
        return zygotes.lease(runtime.runtime)
    }

    /// Called by the reactor.
    private func lost(_ id: BlankID) {
        state.withLock { state in
            if state.waiting[id] == nil { state.lostEarly.insert(id) }
            state.pool.lost(id, at: .now)
        }
        wakes.continuation.yield()
    }

    private func tick(at time: MonotonicTime?) -> Task<Void, Never>? {
        time.map { time in
            Task { [wakes] in
                guard (try? await Task.sleep(for: max(.zero, time - .now))) != nil else { return }
                wakes.continuation.yield()
            }
        }
    }
}
