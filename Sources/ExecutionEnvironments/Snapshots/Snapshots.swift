// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
package import LambdaModel
import LinuxSandbox
import Logging
import Runtimes
import Synchronization

/// The initialised processes of versions with SnapStart, which the versions' environments are forked from.
package final class Snapshots: Sendable {
    private struct State {
        var room: SnapshotRoom
        var nextNumber: UInt64 = 1
        /// Nothing is started before the server listens: what functions may reach depends on where.
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var hasEnded = false
        /// Wished for, and not there yet.
        var wished: Set<EnvironmentKey> = []
        /// How much memory each zygote's sandbox may have, by the sandbox's id; nil while that is being changed.
        var limitsMiB: [UInt64: Int?] = [:]
    }

    private let workshop: EnvironmentWorkshop
    private let zygotes: Zygotes<EnvironmentKey>
    private let state: Mutex<State>
    private let roomMaxMiB: Int
    private let wishes = AsyncStream<FunctionConfiguration>.makeStream(bufferingPolicy: .bufferingNewest(64))

    /// Of the memory that functions may use, what snapshots may have while functions leave it.
    private static let memoryShare = 2
    /// Half of what the credentials are good for that an initialisation may have kept.
    private static let ageMax = Duration.seconds(6 * 3_600)
    /// An invocation waits for it.
    private static let forkTimeout = Duration.seconds(5)
    /// Some 2 MiB of each child, which it wrote to before it came to a control group of its own, count for the process that it was forked from.
    private static let childMiB = 4
    /// So many more children at a time, and so many on their way at once.
    private static let childrenStep = 64
    /// It may keep what it was given of each.
    private static let childrenMax = 1_024
    private static let wishesAtOnce = 4

    /// `functionMemoryMiB` is what all functions may use together.
    package init(workshop: EnvironmentWorkshop, functionMemoryMiB: Int) {
        self.workshop = workshop
        roomMaxMiB = functionMemoryMiB / Self.memoryShare
        zygotes = Zygotes(
            ZygotePool(
                settings: .init(
                    ageMax: Self.ageMax,
                    comingMax: Self.childrenStep,
                    childrenMax: Self.childrenMax
                )
            )
        )
        state = Mutex(State(room: SnapshotRoom(sizeMiB: roomMaxMiB)))
    }

    /// Why no version of that configuration can have a snapshot here; nil where it can.
    package static func obstacle(_ configuration: FunctionConfiguration, workshop: EnvironmentWorkshop) -> String? {
        guard let runtime = workshop.runtimes.definition(of: configuration.runtime), runtime.canFork else {
            return "processes of \(configuration.runtime) are not forked"
        }
        guard workshop.foundation.holdsSnapshots else {
            return "it takes a server that was started as root and has control groups to hold an initialised process "
                + "(docs/hosts.md)"
        }
        guard runtime.wrapper(configuration.environment ?? [:]) == nil else {
            return "AWS_LAMBDA_EXEC_WRAPPER starts the runtime through another program"
        }
        return nil
    }

    // MARK: - Taking

    /// Initialises the version and keeps the process, unless there is one.
    ///
    /// - Throws: when it can't be had, not now or not at all, or the function is to blame.
    package func take(_ configuration: FunctionConfiguration) async throws(SnapshotFailure) {
        if let obstacle = Self.obstacle(configuration, workshop: workshop) { throw .notTaken(reason: obstacle) }
        if configuration.memoryMiB > roomMaxMiB {
            throw .notTaken(reason: "there will never be room for it beside the functions (--memory)")
        }
        if try await hasExternalExtensions(configuration) {
            throw .notTaken(reason: "external extensions are started before the runtime is, in each environment")
        }
        await opened()
        let key = EnvironmentKey(configuration)
        try await zygotes.start(key) { id, onEnd throws(SnapshotFailure) in
            let leaving = self.state.withLock { state in
                state.hasEnded ? nil : state.room.admit(key, memoryMiB: configuration.memoryMiB)
            }
            guard let leaving else { throw .notNow(reason: "functions need the memory (--memory)") }
            self.retire(leaving)
            do throws(SnapshotFailure) {
                return try await self.initialize(configuration, onEnd: onEnd)
            } catch {
                self.state.withLock { $0.room.remove { $0 == key } }
                throw error
            }
        }
    }

    /// Versions that environments can be forked from.
    package var count: Int { zygotes.count }

    private func hasExternalExtensions(_ configuration: FunctionConfiguration) async throws(SnapshotFailure) -> Bool {
        do {
            let code = try await UnpackedCode.acquire(configuration, from: workshop.code)
            await UnpackedCode.release(configuration, to: workshop.code)
            return !code.extensions.isEmpty
        } catch {
            throw .notNow(reason: "\(error)")
        }
    }

    private var nextID: UInt64 {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            return SandboxFoundation.snapshotIDs + state.nextNumber
        }
    }

    private func initialize(
        _ configuration: FunctionConfiguration,
        onEnd: @escaping @Sendable () -> Void
    ) async throws(SnapshotFailure) -> Zygote {
        guard let runtime = workshop.runtimes.definition(of: configuration.runtime) else {
            throw .notTaken(reason: "the runtime is not available on this server")
        }
        let (events, continuation) = AsyncStream<ExecutionEnvironment.Event>.makeStream()
        let environment = ExecutionEnvironment(
            EnvironmentID(nextID),
            configuration,
            .snapStart,
            isSnapshot: true,
            runtime: runtime,
            workshop: workshop,
            tell: { continuation.yield($0) }
        )
        let life = Task { await environment.run() }
        let end: @Sendable () async -> Void = {
            await environment.shutDown()
            await life.value
        }
        do {
            return try await zygote(environment, events, onEnd: onEnd, end: end)
        } catch {
            await end()
            throw error
        }
    }

    private func zygote(
        _ environment: ExecutionEnvironment,
        _ events: AsyncStream<ExecutionEnvironment.Event>,
        onEnd: @escaping @Sendable () -> Void,
        end: @escaping @Sendable () async -> Void
    ) async throws(SnapshotFailure) -> Zygote {
        var first = events.makeAsyncIterator()
        guard case .idle = await first.next(), let (sandbox, channel) = await environment.takeSnapshot() else {
            throw await environment.snapshotFailure
        }
        let zygote = Zygote(sandbox, channel, isFunctions: true) {
            await end()
            self.state.withLock { $0.limitsMiB[sandbox.id] = nil }
        }
        let reason: String?
        do throws(SyscallError) {
            try zygote.rouse()
            let limitMiB = environment.configuration.memoryMiB + Self.childMiB * Self.childrenStep
            try await sandbox.limitMemory(toMiB: limitMiB)
            state.withLock { $0.limitsMiB[sandbox.id] = limitMiB }
            reason = try await channel.awaitSnapshot(
                afterSaying: workshop.foundation.systemCallFilter,
                on: workshop.reactor,
                timeout: Zygote.startTimeout,
                onEnd: onEnd
            )
        } catch {
            channel.close()
            throw .notNow(reason: "\(error)")
        }
        if let reason {
            channel.close()
            throw .notTaken(reason: reason)
        }
        zygote.rest()
        return zygote
    }

    private func opened() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen, !state.hasEnded { state.waiters.append(continuation) }
                return state.isOpen || state.hasEnded
            }
            if isOpen { continuation.resume() }
        }
    }

    // MARK: - Restoring

    /// A sandbox of its own with a process in it that was forked from the version's; nil when it has none.
    ///
    /// One is made for those that come later.
    func restore(
        _ configuration: FunctionConfiguration,
        _ runtime: RuntimeDefinition,
        _ code: UnpackedCode
    ) async -> BlankEnvironment? {
        let key = EnvironmentKey(configuration)
        guard code.extensions.isEmpty else { return nil }
        guard let lease = zygotes.lease(key) else {
            want(configuration)
            return nil
        }
        state.withLock { $0.room.use(key) }
        await makeRoom(lease, memoryMiB: configuration.memoryMiB)
        // Of its own: what an attempt leaves behind may be there still when the environment begins without it.
        let id = EnvironmentID(nextID)
        do {
            let blank = try await BlankEnvironment.start(
                runtime,
                memoryMiB: configuration.memoryMiB,
                from: lease,
                timeout: Self.forkTimeout,
                workshop: workshop,
                onEnd: {}
            ) { [foundation = workshop.foundation] zygote in
                try await foundation.make(
                    id,
                    configuration,
                    runtime: runtime,
                    code: code,
                    kinship: zygote.map { .below(zygote: $0) } ?? .none
                )
            }
            if blank.take() { return blank }
            await blank.destroy()
        } catch {
            workshop.logger.notice(
                "environment not restored",
                metadata: ["function": "\(configuration.key.name)", "error": "\(error)"]
            )
        }
        return nil
    }

    /// Lets the process that is forked from have what one step more of its children would count there.
    private func makeRoom(_ lease: ZygoteLease, memoryMiB: Int) async {
        let sandbox = lease.zygote.sandbox
        let wanted = memoryMiB + Self.childMiB * (lease.childrenCount + Self.childrenStep)
        let isMine = state.withLock { state in
            guard case .some(.some(let limitMiB)) = state.limitsMiB[sandbox.id], limitMiB < wanted else { return false }
            state.limitsMiB[sandbox.id] = .some(nil)
            return true
        }
        guard isMine else { return }
        let limitMiB = wanted + Self.childMiB * Self.childrenStep
        do {
            try await sandbox.limitMemory(toMiB: limitMiB)
        } catch {
            // Those that find no memory there are initialised by themselves.
            workshop.logger.notice("memory of a snapshot not raised", metadata: ["error": "\(error)"])
        }
        state.withLock { state in
            if state.limitsMiB[sandbox.id] != nil { state.limitsMiB[sandbox.id] = limitMiB }
        }
    }

    // MARK: - Giving way

    /// Environments of other revisions of that function, or of that version of it, are not forked any more.
    package func retire(_ function: FunctionKey, version: String?, keepingRevision revision: String?) {
        retire { $0.function == function && (version == nil || $0.version == version) && $0.revision != revision }
    }

    /// What functions leave of the memory that they may use.
    func setFreeMemory(_ freeMiB: Int) {
        retire(state.withLock { $0.room.resize(toMiB: min(roomMaxMiB, freeMiB)) })
    }

    private func retire(_ keys: [EnvironmentKey]) {
        if !keys.isEmpty { retire { keys.contains($0) } }
    }

    private func retire(where isMeant: (EnvironmentKey) -> Bool) {
        zygotes.retire(where: isMeant)
        state.withLock { $0.room.remove(where: isMeant) }
    }

    // MARK: - Life

    /// The server listens: processes may be started.
    package func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Versions that have none, because the server was started anew or theirs has ended, have one made.
    package func want(_ configuration: FunctionConfiguration) {
        let isNew = state.withLock { $0.wished.insert(EnvironmentKey(configuration)).inserted }
        guard isNew, case .dropped(let other) = wishes.continuation.yield(configuration) else { return }
        state.withLock { _ = $0.wished.remove(EnvironmentKey(other)) }
    }

    /// Fulfils what is wanted, some at a time, until it is cancelled; then none is had any more.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await configuration in wishes.stream {
                if running == Self.wishesAtOnce {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { await self.fulfil(configuration) }
            }
            group.cancelAll()
        }
        state.withLock { $0.hasEnded = true }
        open()
        retire { _ in true }
    }

    private func fulfil(_ configuration: FunctionConfiguration) async {
        defer { state.withLock { _ = $0.wished.remove(EnvironmentKey(configuration)) } }
        do throws(SnapshotFailure) {
            try await take(configuration)
        } catch {
            if Task.isCancelled { return }
            workshop.logger.notice(
                "no snapshot of a version",
                metadata: ["function": "\(configuration.key.name)", "error": "\(error)"]
            )
        }
    }
}
