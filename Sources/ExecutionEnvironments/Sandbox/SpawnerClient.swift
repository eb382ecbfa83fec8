// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import InvocationCore
package import LinuxSandbox
package import MetricCore
import Synchronization

/// The spawner's process before it is told anything: started while the server has one thread and all its privileges.
package struct SpawnerProcess: Sendable {
    let socket: CInt
    package let pid: CInt

    /// - Throws: when there is no such program, or it can't be executed.
    package static func start(_ executable: String) throws(SyscallError) -> SpawnerProcess {
        let (ours, theirs) = try ControlSocket.pair()
        let pid = clinux_spawn(executable, theirs)
        close(theirs)
        guard pid > 0 else {
            close(ours)
            throw SyscallError(call: "posix_spawn", errno: -pid, subject: executable)
        }
        return SpawnerProcess(socket: ours, pid: pid)
    }

    /// Gives up what the calling thread, and every thread it will start, could do beyond an ordinary program.
    ///
    /// The server stays the owner of its files; the spawner keeps its privileges.
    package static func dropPrivileges() throws(SyscallError) {
        try check("capset", clinux_drop_capabilities())
        try check("PR_SET_NO_NEW_PRIVS", clinux_set_no_new_privileges())
    }

    /// Ends it, and with it every sandbox; returns when it is reaped.
    package func end() {
        shutdown(socket, CInt(SHUT_RDWR))
        var status: CInt = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }
}

/// The server's side of the spawner: asks it for sandboxes, and hears of their end.
///
/// If the spawner ends, every sandbox has ended with it, and `ended` says so.
package final class SpawnerClient: Sendable {
    private enum Answer {
        case made([CInt])
        case failed(SyscallError)
    }

    private struct Waiting {
        var made: [UInt64: CheckedContinuation<Answer, Never>] = [:]
        var prepared: [UInt64: CheckedContinuation<SyscallError?, Never>] = [:]
        var assigned: [UInt64: CheckedContinuation<SyscallError?, Never>] = [:]
        var adopted: [UInt64: CheckedContinuation<SyscallError?, Never>] = [:]
        var limited: [UInt64: CheckedContinuation<SyscallError?, Never>] = [:]
        var gone: [UInt64: [CheckedContinuation<Void, Never>]] = [:]
        /// Sandboxes that the spawner was asked for and has not called gone.
        var alive: Set<UInt64> = []
        var hasEnded = false
        var onEnd: (@Sendable () -> Void)?
        var watch: Watch?
    }

    private let socket: CInt
    package let process: CInt
    /// Root of the memory-backed store, in the spawner's mount namespace.
    ///
    /// Owned by this object for the process's life.
    package let store: CInt
    package let controlGroups: ControlGroupSummary
    /// Whether sandboxes below one zygote share limits that each would otherwise have for itself.
    package let sumsLimits: Bool
    private let waiting = Mutex(Waiting())
    private let latencies = Mutex(
        Dictionary(uniqueKeysWithValues: Request.allCases.map { ($0, Histogram(bounds: Histogram.promptBounds)) })
    )

    /// What is asked of it.
    package enum Request: String, CaseIterable, Sendable {
        case make, prepare, assign, adopt, limit, destroy
    }

    /// From a request to its answer, in seconds.
    package func latency(of request: Request) -> Histogram? { latencies.withLock { $0[request] } }

    private func answered(_ request: Request, since asked: MonotonicTime) {
        let seconds = (.now - asked).inSeconds
        latencies.withLock { $0[request]?.add(seconds) }
    }

    /// Tells a spawner that was just started what to prepare, and waits for its answer.
    ///
    /// `lockPath` is a file that is the spawner's alone until it has taken away all that it made: an earlier server's spawner tidies
    /// up for a moment after its server was killed, and both use the same control groups.
    ///
    /// - Throws: the step that this host does not allow; `flock` and ETIMEDOUT where an earlier spawner does not end.
    package init(
        _ spawner: SpawnerProcess,
        configuration: SpawnerConfiguration,
        lockPath: String
    ) throws(SyscallError) {
        do throws(SyscallError) {
            // SAFETY: the path outlives the call.
            let lock = Descriptor(
                try check("open", lockPath, unsafe clinux_open(lockPath, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600))
            )
            try ControlSocket.send(
                SpawnerRequest.configure(configuration).encode(),
                descriptors: [lock.number],
                to: spawner.socket
            )
            guard let (bytes, descriptors) = try ControlSocket.receive(from: spawner.socket) else {
                throw SyscallError(call: "start", errno: EPIPE, subject: "martlet-spawner")
            }
            switch try? SpawnerReply(decoding: bytes) {
            case .configured(let summary, let sumsLimits) where descriptors.count == 1:
                controlGroups = summary
                self.sumsLimits = sumsLimits
                store = descriptors[0]
            case .configurationFailed(let error): throw error
            default: throw SyscallError(call: "start", errno: EPROTO, subject: "martlet-spawner")
            }
        } catch {
            spawner.end()
            throw error
        }
        socket = spawner.socket
        process = spawner.pid
    }

    /// Begins to listen.
    ///
    /// `onEnd` is called once, on the reactor's thread, when the spawner is gone.
    package func start(on reactor: DescriptorReactor, onEnd: @escaping @Sendable () -> Void) throws(SyscallError) {
        let watch = try reactor.watch(socket) { [weak self] in self?.receive() ?? false }
        waiting.withLock {
            $0.onEnd = onEnd
            $0.watch = watch
        }
    }

    /// Ends the spawner, and with it every sandbox; returns when it is reaped.
    package func stop() {
        waiting.withLock {
            $0.onEnd = nil
            return $0.watch.take()
        }?.cancel()
        SpawnerProcess(socket: socket, pid: process).end()
    }

    package var hasEnded: Bool { waiting.withLock { $0.hasEnded } }

    // MARK: - Requests

    /// A sandbox's namespaces and control groups; its init then listens on the other end of `control`.
    ///
    /// - Returns: the control-group files, as `ControlGroupFile` orders those that the host has; then, below a zygote's, the
    ///   namespaces, as `SandboxNamespace` orders them. The caller owns them.
    package func make(_ request: SandboxRequest, control: CInt) async throws(SyscallError) -> [CInt] {
        let asked = MonotonicTime.now
        defer { answered(.make, since: asked) }
        let answer = await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
            let hasEnded = waiting.withLock { waiting in
                guard !waiting.hasEnded else { return true }
                waiting.made[request.id] = continuation
                waiting.alive.insert(request.id)
                return false
            }
            guard !hasEnded else {
                return continuation.resume(returning: .failed(SyscallError(call: "spawner", errno: EPIPE)))
            }
            do throws(SyscallError) {
                try ControlSocket.send(
                    SpawnerRequest.make(request).encode(),
                    descriptors: [control],
                    to: socket
                )
            } catch {
                guard let continuation = waiting.withLock({ $0.made.removeValue(forKey: request.id) }) else { return }
                continuation.resume(returning: .failed(error))
            }
        }
        switch answer {
        case .made(let files): return files
        case .failed(let error): throw error
        }
    }

    /// Mounts the ext4 file system in `image` for a sandbox that is still to be made, which names it by that number.
    ///
    /// The image stays the caller's; a number is used once.
    package func prepareTemporary(_ number: UInt64, image: CInt) async throws(SyscallError) {
        let asked = MonotonicTime.now
        defer { answered(.prepare, since: asked) }
        try await ask(.prepareTemporary(number: number), descriptors: [image], number, in: \.prepared)
    }

    /// Gives a blank sandbox its function's memory, code and layers; once for each.
    package func assign(_ request: AssignmentRequest) async throws(SyscallError) {
        let asked = MonotonicTime.now
        defer { answered(.assign, since: asked) }
        try await ask(.assign(request), request.id, in: \.assigned)
    }

    /// Takes the process that a zygote has forked into the sandbox into its control groups; once for each.
    package func adopt(_ id: UInt64) async throws(SyscallError) {
        let asked = MonotonicTime.now
        defer { answered(.adopt, since: asked) }
        try await ask(.adopt(id: id), id, in: \.adopted)
    }

    /// What the sandbox's processes may have together from now on; one request at a time for each.
    package func limitMemory(_ id: UInt64, memoryMiB: UInt32) async throws(SyscallError) {
        let asked = MonotonicTime.now
        defer { answered(.limit, since: asked) }
        try await ask(.limitMemory(id: id, memoryMiB: memoryMiB), id, in: \.limited)
    }

    private typealias UnansweredPath =
        any WritableKeyPath<Waiting, [UInt64: CheckedContinuation<SyscallError?, Never>]> & Sendable

    private func ask(
        _ request: SpawnerRequest,
        descriptors: [CInt] = [],
        _ number: UInt64,
        in unanswered: UnansweredPath
    ) async throws(SyscallError) {
        let ended = SyscallError(call: "spawner", errno: EPIPE)
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<SyscallError?, Never>) in
            let hasEnded = waiting.withLock { waiting in
                if !waiting.hasEnded { waiting[keyPath: unanswered][number] = continuation }
                return waiting.hasEnded
            }
            guard !hasEnded else { return continuation.resume(returning: ended) }
            do throws(SyscallError) {
                try ControlSocket.send(request.encode(), descriptors: descriptors, to: socket)
            } catch {
                answer(number, in: unanswered, error)
            }
        }
        if let failure { throw failure }
    }

    private func answer(
        _ number: UInt64,
        in unanswered: UnansweredPath,
        _ error: SyscallError?
    ) {
        waiting.withLock { $0[keyPath: unanswered].removeValue(forKey: number) }?.resume(returning: error)
    }

    /// Gives back a prepared file system, unless a sandbox has had it.
    package func discardTemporary(_ number: UInt64) {
        // A failed send means that the spawner is gone, and every mount with it.
        _ = try? ControlSocket.send(SpawnerRequest.discardTemporary(number: number).encode(), to: socket)
    }

    /// Kills everything in the sandbox; returns when its processes are reaped and its control groups removed.
    package func destroy(_ id: UInt64) async {
        let asked = MonotonicTime.now
        defer { answered(.destroy, since: asked) }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isAlive = waiting.withLock { waiting in
                guard !waiting.hasEnded, waiting.alive.contains(id) else { return false }
                waiting.gone[id, default: []].append(continuation)
                return true
            }
            guard isAlive else { return continuation.resume() }
            // A failed send means that the spawner is gone: its end resumes everybody.
            _ = try? ControlSocket.send(SpawnerRequest.destroy(id: id).encode(), to: socket)
        }
    }

    // MARK: - Answers

    private func receive() -> Bool {
        guard let received = try? ControlSocket.receive(from: socket),
            let reply = try? SpawnerReply(decoding: received.bytes)
        else {
            end()
            return false
        }
        switch reply {
        case .made(let id):
            waiting.withLock { $0.made.removeValue(forKey: id) }?.resume(returning: .made(received.descriptors))
        case .makeFailed(let id, let error):
            waiting.withLock { $0.made.removeValue(forKey: id) }?.resume(returning: .failed(error))
        case .prepared(let number): answer(number, in: \.prepared, nil)
        case .prepareFailed(let number, let error): answer(number, in: \.prepared, error)
        case .assigned(let id): answer(id, in: \.assigned, nil)
        case .assignFailed(let id, let error): answer(id, in: \.assigned, error)
        case .adopted(let id): answer(id, in: \.adopted, nil)
        case .adoptFailed(let id, let error): answer(id, in: \.adopted, error)
        case .memoryLimited(let id): answer(id, in: \.limited, nil)
        case .memoryLimitFailed(let id, let error): answer(id, in: \.limited, error)
        case .gone(let id):
            let waiters = waiting.withLock { waiting in
                waiting.alive.remove(id)
                return waiting.gone.removeValue(forKey: id) ?? []
            }
            for waiter in waiters { waiter.resume() }
        case .configured, .configurationFailed:
            end()
            return false
        }
        return true
    }

    private func end() {
        let (made, unanswered, gone, onEnd) = waiting.withLock { waiting in
            waiting.hasEnded = true
            defer {
                (waiting.made, waiting.prepared, waiting.assigned, waiting.adopted) = ([:], [:], [:], [:])
                (waiting.limited, waiting.gone, waiting.alive, waiting.onEnd) = ([:], [:], [], nil)
            }
            let unanswered = [waiting.prepared, waiting.assigned, waiting.adopted, waiting.limited].flatMap(\.values)
            return (waiting.made.values, unanswered, waiting.gone.values.joined(), waiting.onEnd)
        }
        for continuation in made {
            continuation.resume(returning: .failed(SyscallError(call: "spawner", errno: EPIPE)))
        }
        for continuation in unanswered { continuation.resume(returning: SyscallError(call: "spawner", errno: EPIPE)) }
        for continuation in gone { continuation.resume() }
        onEnd?()
    }
}
