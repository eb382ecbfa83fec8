// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
package import LinuxSandbox
import Synchronization

/// How much of the processors a sandbox has.
package enum ProcessorShare: Sendable {
    /// As during initialisation.
    case all
    /// What the memory size buys.
    case bought
    /// Next to nothing.
    case least
}

/// One sandbox as the server holds it: its init's control socket, the sockets opened inside it, and its control group's files.
package final class Sandbox: Sendable {
    package let id: UInt64
    package let slot: UInt32
    /// The sandbox that it is below, if that runs a function's code.
    private let snapshotID: UInt64?
    /// Sockets inside the sandbox's network namespace; whoever serves one takes its ownership with `takeListener`.
    private let currentLimits: Mutex<SandboxLimits>
    private let listeners: Mutex<[ListenerKind: CInt]>
    private let control: CInt
    private let files: [ControlGroupFile: CInt]
    /// Of one below a zygote's, until its process has come.
    private let namespaces: Mutex<[CInt]>
    private let controlGroups: ControlGroupSummary
    private let spawner: SpawnerClient
    private let watch = Mutex<Watch?>(nil)
    private let socketRequests = SocketRequests()
    private let isClosed = Mutex(false)
    /// As it was written last; a group that was made has no limit.
    private let processorShare = Mutex(ProcessorShare.all)
    private let last = Mutex<(@Sendable () -> Void)?>(nil)
    /// What init says, in order; ends when init does.
    package let replies: AsyncStream<InitReply>
    private let replyContinuation: AsyncStream<InitReply>.Continuation

    /// Makes the sandbox, and waits until its walls stand.
    package static func make(
        _ request: SandboxRequest,
        plan: SandboxPlan,
        spawner: SpawnerClient,
        reactor: DescriptorReactor
    ) async throws(SyscallError) -> Sandbox {
        let (ours, theirs) = try ControlSocket.pair()
        let files: [CInt]
        do throws(SyscallError) {
            defer { close(theirs) }
            try ControlSocket.send(InitRequest.build(plan).encode(), to: ours)
            files = try await spawner.make(request, control: theirs)
        } catch {
            close(ours)
            throw error
        }
        let sandbox = Sandbox(request, control: ours, files: files, spawner: spawner)
        do throws(SyscallError) {
            try await sandbox.awaitWalls(reactor)
            return sandbox
        } catch {
            await sandbox.destroy()
            throw error
        }
    }

    private init(_ request: SandboxRequest, control: CInt, files: [CInt], spawner: SpawnerClient) {
        id = request.id
        slot = request.slot
        if case .below(let zygote) = request.kinship, zygote > SandboxFoundation.snapshotIDs {
            snapshotID = zygote
        } else {
            snapshotID = nil
        }
        currentLimits = Mutex(request.limits)
        listeners = Mutex([:])
        self.control = control
        controlGroups = spawner.controlGroups
        let kinds = ControlGroupFile.allCases.filter { spawner.controlGroups.has($0) }
        self.files = Dictionary(zip(kinds, files)) { first, _ in first }
        namespaces = Mutex(Array(files.dropFirst(kinds.count)))
        self.spawner = spawner
        // Init sends one reply for each request or runtime; more than this waiting is not our init.
        (replies, replyContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
    }

    /// Walls that stand need milliseconds; a kernel that does not answer must not hold up an invocation for ever.
    private static let wallsTimeout = Duration.seconds(60)

    private func awaitWalls(_ reactor: DescriptorReactor) async throws(SyscallError) {
        let answer = FirstAnswer()
        let timer = Task {
            guard (try? await Task.sleep(for: Self.wallsTimeout, clock: .suspending)) != nil else { return }
            answer.give(.failure(SyscallError(call: "init", errno: ETIMEDOUT)))
        }
        defer { timer.cancel() }
        let watch = try reactor.watch(control) { [control, replyContinuation, socketRequests] in
            let received = Self.receive(control)
            if answer.give(received) { return (try? received.get()) != nil }
            guard case .success((let reply, let descriptors)) = received else {
                replyContinuation.finish()
                socketRequests.end()
                return false
            }
            if case .socket(let errno) = reply {
                socketRequests.answer(errno, descriptors)
                return true
            }
            for descriptor in descriptors { close(descriptor) }
            replyContinuation.yield(reply)
            return true
        }
        self.watch.withLock { $0 = watch }
        let (reply, descriptors) = try await answer.wait().get()
        if case .built(let hasIPv6) = reply {
            let kinds = ListenerKind.allCases.filter { $0 != .egressIPv6 || hasIPv6 }
            if descriptors.count == kinds.count {
                return listeners.withLock { $0 = Dictionary(zip(kinds, descriptors)) { first, _ in first } }
            }
        }
        for descriptor in descriptors { close(descriptor) }
        if case .failed(let error) = reply { throw error }
        throw SyscallError(call: "init", errno: EPROTO)
    }

    private static func receive(_ control: CInt) -> Result<(InitReply, [CInt]), SyscallError> {
        do throws(SyscallError) {
            guard let (bytes, descriptors) = try ControlSocket.receive(from: control) else {
                return .failure(SyscallError(call: "init", errno: EPIPE))
            }
            guard let reply = try? InitReply(decoding: bytes) else {
                for descriptor in descriptors { close(descriptor) }
                return .failure(SyscallError(call: "init", errno: EPROTO))
            }
            return .success((reply, descriptors))
        } catch {
            return .failure(error)
        }
    }

    /// The listening (or bound) socket of that kind, which the caller now owns; nil when it was taken or there is none.
    package func takeListener(_ kind: ListenerKind) -> CInt? {
        listeners.withLock { $0.removeValue(forKey: kind) }
    }

    package var limits: SandboxLimits { currentLimits.withLock { $0 } }

    /// Makes a blank sandbox a function's; once.
    ///
    /// When it throws the sandbox is half a function's, and of no use.
    package func assign(memoryMiB: Int, code: String, layers: String?) async throws(SyscallError) {
        let memory = UInt32(memoryMiB)
        try await spawner.assign(AssignmentRequest(id: id, memoryMiB: memory, code: code, layers: layers))
        currentLimits.withLock { $0.memoryMiB = memory }
    }

    // MARK: - Processes

    /// What a zygote's child enters to be this sandbox's process; the caller owns the descriptors, which are to be had once.
    func takeNamespaces() -> [CInt] {
        namespaces.withLock { namespaces in
            defer { namespaces = [] }
            return namespaces
        }
    }

    /// A zygote's child that has come in is this sandbox's, and known by that number; `pid` is what it has inside.
    func adopt(process: UInt32, pid: Int32) async throws(SyscallError) {
        try await spawner.adopt(id)
        try send(.adopt(process: process, pid: pid))
    }

    /// Starts a process; how that went, and its end, come as replies.
    ///
    /// The descriptors stay the caller's.
    package func run(
        _ plan: ProcessPlan,
        output: CInt,
        telemetry: CInt?,
        assignment: CInt? = nil
    ) throws(SyscallError) {
        try send(.run(plan), descriptors: [output, telemetry, assignment].compactMap(\.self))
    }

    /// A signal to a process that was started; nothing happens when it has ended.
    package func signal(process: UInt32, _ signal: CInt) throws(SyscallError) {
        try send(.signal(process: process, signal))
    }

    /// `allKilled` comes as a reply.
    package func killAll() throws(SyscallError) { try send(.killAll) }

    /// A TCP socket of the sandbox's network namespace, not connected, which is `completion`'s to close.
    ///
    /// A frozen sandbox answers when it is thawed.
    package func openSocket(_ completion: @escaping @Sendable (Result<CInt, SyscallError>) -> Void) {
        socketRequests.add(completion) { () throws(SyscallError) in try send(.openSocket) }
    }

    private func send(_ request: InitRequest, descriptors: [CInt] = []) throws(SyscallError) {
        try ControlSocket.send(request.encode(), descriptors: descriptors, to: control)
    }

    private static let endTimeout = Duration.seconds(2)

    /// Calls `body`, once, when nothing of the sandbox is left.
    func afterwards(_ body: @escaping @Sendable () -> Void) { last.withLock { $0 = body } }

    /// Kills everything and gives back what the sandbox had; returns when nothing of it is left.
    ///
    /// Process 1 of a namespace ends after all that are in it are reaped, and who came in from a snapshot's sandbox is reaped there, if its
    /// function's code likes: where that takes too long, that sandbox is ended with all that is below it. May be called again.
    package func destroy() async {
        let ending = snapshotID.map { [spawner] snapshot in
            Task {
                guard (try? await Task.sleep(for: Self.endTimeout)) != nil else { return }
                await spawner.destroy(snapshot)
            }
        }
        await spawner.destroy(id)
        ending?.cancel()
        // With the spawner gone nobody else lets processes run to their death: a v1 freezer holds even SIGKILL back.
        if spawner.hasEnded {
            _ = try? setFrozen(false)
            _ = try? setProcessorShare(.all)
        }
        guard
            isClosed.withLock({ isClosed in
                defer { isClosed = true }
                return !isClosed
            })
        else { return }
        defer { last.withLock { $0.take() }?() }
        watch.withLock { $0.take() }?.cancel()
        replyContinuation.finish()
        socketRequests.end()
        close(control)
        for file in files.values { close(file) }
        for namespace in takeNamespaces() { close(namespace) }
        for listener in listeners.withLock({ listeners in
            defer { listeners = [:] }
            return Array(listeners.values)
        }) { close(listener) }
    }

    // MARK: - Resources

    /// Stops every process where it stands, or lets them go on.
    package func setFrozen(_ frozen: Bool) throws(SyscallError) {
        guard let file = files[.freeze] else { return try send(frozen ? .stopAll : .continueAll) }
        let text = controlGroups.version == 1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0")
        try write(text, to: file)
    }

    package func setProcessorShare(_ share: ProcessorShare) throws(SyscallError) {
        guard let file = files[.processorQuota] else { return }
        let quota =
            switch share {
            case .all: controlGroups.version == 1 ? "-1" : "max"
            case .bought: "\(limits.processorQuotaMicroseconds)"
            // The least that the kernel takes.
            case .least: "1000"
            }
        try processorShare.withLock { last throws(SyscallError) in
            guard last != share else { return }
            try write(controlGroups.version == 1 ? quota : "\(quota) \(ControlGroups.periodMicroseconds)", to: file)
            last = share
        }
    }

    /// What its processes may have together from now on; its /dev/shm stays as it is.
    func limitMemory(toMiB memoryMiB: Int) async throws(SyscallError) {
        try await spawner.limitMemory(id, memoryMiB: UInt32(memoryMiB))
    }

    /// The most memory that the sandbox has used so far, in bytes; nil where no control group counts it.
    package func memoryPeakBytes() throws(SyscallError) -> UInt64? {
        guard let file = files[.memoryPeak] else { return nil }
        return try FileText.readNumber(descriptor: file, "memory peak")
    }

    /// Asks init for the processes' peak resident sizes; the answer comes as a reply.
    package func requestMemory() throws(SyscallError) {
        try send(.measureMemory(limitKibibytes: UInt64(limits.memoryMiB) << 10))
    }

    /// How many processes the kernel has killed here for want of memory.
    package func outOfMemoryKills() throws(SyscallError) -> UInt64 {
        guard let file = files[.memoryEvents] else { return 0 }
        let text = try FileText.read(descriptor: file, "memory events")
        for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return UInt64(line.dropFirst("oom_kill ".count)) ?? 0
        }
        return 0
    }

    /// Not when it is destroyed: the number of the file may be another's.
    private func write(_ text: String, to file: CInt) throws(SyscallError) {
        let bytes = Array(text.utf8)
        try isClosed.withLock { isClosed throws(SyscallError) in
            guard !isClosed else { throw SyscallError(call: "write", errno: EBADF, subject: text) }
            let written = pwrite(file, bytes, bytes.count, 0)
            guard written == bytes.count else { throw SyscallError(call: "write", errno: errno, subject: text) }
        }
    }
}
