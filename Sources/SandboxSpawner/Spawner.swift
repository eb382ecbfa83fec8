// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// The only privileged process: makes namespaces, control groups and mounts for sandboxes, and takes them away.
///
/// One thread, no library beyond the standard one, no network, no user's input. It speaks to the server over one socket, whose
/// end is its own.
struct Spawner {
    private struct Sandbox {
        let pid: pid_t
        let pidfd: CInt
        /// Write end: init reads `go` from it, and its end when the spawner dies.
        let lifeline: CInt
        let limits: SandboxLimits
        /// Of one that has no function yet; -1 otherwise.
        var mounts: CInt = -1
        /// Of a zygote's.
        var family: ZygoteFamily?
        /// Processes of a zygote may still come.
        var isBelowZygote = false
    }

    private let server: CInt
    private let isRoot: Bool
    private let configuration: SpawnerConfiguration
    private let groups: ControlGroups
    private var sandboxes: [UInt64: Sandbox] = [:]
    /// Sandboxes whose processes are gone and whose control groups the kernel has not let go yet.
    private var unremoved: Set<UInt64> = []
    private var temporaries = PreparedTemporaries()
    private let assignment: SandboxAssignment

    /// User and group ids inside every sandbox, as on Lambda.
    static let innerUserID: UInt32 = 993
    static let innerGroupID: UInt32 = 990

    // MARK: - Start

    /// Takes the first message and answers it; nil when it could not be carried out, or the server is gone.
    init?(server: CInt) throws(SyscallError) {
        guard let (bytes, descriptors) = try ControlSocket.receive(from: server), descriptors.count == 1,
            case .configure(let configuration)? = try? SpawnerRequest(decoding: bytes)
        else { return nil }
        self.server = server
        self.configuration = configuration
        isRoot = geteuid() == 0
        let sumsLimits: Bool
        do throws(SyscallError) {
            // Three for each sandbox.
            _ = try DescriptorLimit.raise()
            // Each sandbox has limits of its own; of what those below a zygote's have together there is to be none.
            let hasRaised = try check("setrlimit", "user", clinux_raise_counted_limits()) == 1
            // An ordinary user is the user of all sandboxes in any case.
            sumsLimits = isRoot && !hasRaised
            guard try Self.takeTurn(lock: descriptors[0], server: server) else { return nil }
        } catch {
            try ControlSocket.send(SpawnerReply.configurationFailed(error).encode(), to: server)
            return nil
        }
        // Before the namespaces: an ordinary user's mapping would hide who owns the delegated subtree.
        groups = ControlGroups(name: configuration.controlGroupName, memoryMiB: configuration.memoryMiB)
        do {
            try Self.limitCoreDumps()
            try Self.enterNamespaces(isRoot: isRoot)
            let store = try Self.mountStore(configuration)
            assignment = try SandboxAssignment(store: store)
            try ControlSocket.send(
                SpawnerReply.configured(groups.summary, sumsLimits: sumsLimits).encode(),
                descriptors: [store],
                to: server
            )
            close(store)
        } catch {
            groups.removeAll()
            try ControlSocket.send(SpawnerReply.configurationFailed(error).encode(), to: server)
            return nil
        }
    }

    /// Waits until the spawner of an earlier server, which was killed, has removed its sandboxes; what it would remove after that would be
    /// this one's.
    ///
    /// The lock goes with the process. Sandboxes' inits close their copies of it.
    /// - Returns: false where the server has gone meanwhile.
    private static func takeTurn(lock: CInt, server: CInt) throws(SyscallError) -> Bool {
        for _ in 0..<turnTriesMax {
            guard flock(lock, LOCK_EX | LOCK_NB) != 0 else { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else { throw SyscallError(call: "flock", errno: errno) }
            var ready: UInt64 = 0
            // SAFETY: the array outlives the call. The server says nothing before it is answered: this is its end.
            try check("poll", unsafe clinux_poll([server], 1, 10, &ready))
            guard ready == 0 else { return false }
        }
        throw SyscallError(call: "flock", errno: ETIMEDOUT, subject: "the spawner of an earlier server")
    }

    /// A minute.
    private static let turnTriesMax = 6_000

    /// With a limit of 1 the kernel neither writes a core file nor starts the host's program for them, which would run as root on
    /// whatever a function has left in its memory; with 0 it does the latter (core(5)).
    ///
    /// Every sandbox inherits it. Where the operator has set 0 an ordinary user can't change it, and it stays.
    private static func limitCoreDumps() throws(SyscallError) {
        try check("setrlimit", "core", clinux_set_limit(CLINUX_LIMIT_CORE, 1))
    }

    private static func enterNamespaces(isRoot: Bool) throws(SyscallError) {
        let (user, group) = (getuid(), getgid())
        // An ordinary user becomes the owner of a user namespace of its own, and may mount in it.
        try check("unshare", isRoot ? "mount" : "user", clinux_unshare(CLINUX_NEWNS | (isRoot ? 0 : CLINUX_NEWUSER)))
        if !isRoot {
            try FileText.write("deny", to: "/proc/self/setgroups")
            try FileText.write("0 \(user) 1\n", to: "/proc/self/uid_map")
            try FileText.write("0 \(group) 1\n", to: "/proc/self/gid_map")
        }
        // SAFETY: the strings outlive the call.
        try check("mount", "private /", unsafe clinux_mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil))
    }

    /// Memory-backed storage that nobody outside this mount namespace sees, and that goes with the last process in it.
    private static func mountStore(_ configuration: SpawnerConfiguration) throws(SyscallError) -> CInt {
        let path = configuration.storePath
        // SAFETY: the strings outlive the calls.
        try check(
            "mount",
            path,
            unsafe clinux_mount(
                "martlet",
                path,
                "tmpfs",
                UInt(MS_NOSUID | MS_NODEV),
                "mode=0755,size=\(configuration.storeMiB)m"
            )
        )
        return try check("open", path, unsafe clinux_open(path, O_RDONLY | O_DIRECTORY, 0))
    }

    // MARK: - Loop

    /// Until the server is gone.
    mutating func run() throws(SyscallError) {
        let children = try check("signalfd", clinux_signalfd_child())
        while true {
            var ready: UInt64 = 0
            // SAFETY: the array outlives the call.
            try check("poll", unsafe clinux_poll([server, children], 2, unremoved.isEmpty ? -1 : 10, &ready))
            try removeGroups()
            if ready & 0b10 != 0 {
                var drain = [UInt8](repeating: 0, count: 1_024)
                // SAFETY: the buffer has the size named; which child it was is found out below.
                _ = unsafe read(children, &drain, drain.count)
                try reap()
            }
            guard ready & 0b01 != 0 else { continue }
            guard let (bytes, descriptors) = try ControlSocket.receive(from: server) else { return }
            defer { for descriptor in descriptors { close(descriptor) } }
            guard let request = try? SpawnerRequest(decoding: bytes) else {
                throw SyscallError(call: "control", errno: EPROTO)
            }
            try answer(request, descriptors)
        }
    }

    /// Kills every sandbox and waits for it: called when the server is gone.
    mutating func end() {
        for (id, sandbox) in sandboxes {
            clinux_pidfd_send_signal(sandbox.pidfd, SIGKILL)
            _ = try? groups.letEnd(id)
        }
        // In the order in which they end: the first process of a zygote's sandbox ends when those below it are reaped.
        var status: CInt = 0
        // SAFETY: the status is written before the call returns.
        while unsafe waitpid(-1, &status, 0) > 0 || errno == EINTR {}
        for id in sandboxes.keys {
            for _ in 0..<200 {
                if groups.remove(id) { break }
                usleep(5_000)
            }
        }
        groups.removeAll()
    }

    private mutating func answer(_ request: SpawnerRequest, _ descriptors: [CInt]) throws(SyscallError) {
        switch request {
        case .configure: throw SyscallError(call: "control", errno: EPROTO)
        case .make(let request):
            guard descriptors.count == 1, sandboxes[request.id] == nil else {
                throw SyscallError(call: "control", errno: EPROTO)
            }
            try make(request, control: descriptors[0])
        case .prepareTemporary(let number):
            guard descriptors.count == 1 else { throw SyscallError(call: "control", errno: EPROTO) }
            try prepareTemporary(number, image: descriptors[0])
        case .discardTemporary(let number): temporaries.discard(number)
        case .assign(let request): try assign(request)
        case .adopt(let id): try adopt(id)
        case .limitMemory(let id, let memoryMiB): try limitMemory(id, memoryMiB)
        case .destroy(let id): try destroy(id)
        }
    }

    // MARK: - One sandbox

    private mutating func make(_ request: SandboxRequest, control: CInt) throws(SyscallError) {
        do throws(SyscallError) {
            let temporary = try attachTemporary(request)
            // The child has its own copy of the mount; this one would keep the image busy.
            // SAFETY: the path outlives the call.
            defer {
                if let temporary { _ = unsafe clinux_unmount_detach(temporary) }
            }
            try groups.make(request.id, request.limits)
            var files = try groups.openFiles(request.id)
            defer { for file in files { close(file) } }
            let sandbox = try clone(request, control: control, temporary: temporary)
            sandboxes[request.id] = sandbox
            // While it is the spawner's own program: later it does not let itself be looked at.
            if request.isBlank { sandboxes[request.id]?.mounts = try SandboxAssignment.mounts(of: sandbox.pid) }
            switch request.kinship {
            case .none: break
            case .zygote, .snapshot:
                let family = try ZygoteFamily(of: sandbox.pid, identities: identities(request))
                sandboxes[request.id]?.family = family
            case .below:
                sandboxes[request.id]?.isBelowZygote = true
                for namespace in SandboxNamespace.allCases {
                    files.append(try ZygoteFamily.open(namespace, of: sandbox.pid))
                }
            }
            try admit(request, sandbox)
            try ControlSocket.send(SpawnerReply.made(id: request.id).encode(), descriptors: files, to: server)
        } catch {
            if let sandbox = sandboxes[request.id] {
                clinux_pidfd_send_signal(sandbox.pidfd, SIGKILL)
            } else {
                _ = groups.remove(request.id)
            }
            try ControlSocket.send(SpawnerReply.makeFailed(id: request.id, error).encode(), to: server)
        }
    }

    private func identities(_ request: SandboxRequest) -> SandboxIdentities {
        SandboxIdentities(
            slot: request.slot,
            first: isRoot ? configuration.firstUserID : nil,
            innerUser: Self.innerUserID,
            innerGroup: Self.innerGroupID
        )
    }

    private func outerID(_ request: SandboxRequest) -> UInt32 {
        // An ordinary user maps to itself: 0 of the spawner's own namespace.
        isRoot ? configuration.firstUserID + request.slot : 0
    }

    private mutating func prepareTemporary(_ number: UInt64, image: CInt) throws(SyscallError) {
        let reply: SpawnerReply
        do throws(SyscallError) {
            try temporaries.prepare(number, image: image)
            reply = .prepared(number: number)
        } catch {
            reply = .prepareFailed(number: number, error)
        }
        try ControlSocket.send(reply.encode(), to: server)
    }

    /// The sandbox's prepared file system, attached below the store for the child to copy; nil when it has none.
    private mutating func attachTemporary(_ request: SandboxRequest) throws(SyscallError) -> String? {
        guard let number = request.temporary else { return nil }
        let path = "\(configuration.storePath)/tmp"
        try temporaries.attach(number, at: path, owner: outerID(request))
        return path
    }

    private func clone(_ request: SandboxRequest, control: CInt, temporary: String?) throws(SyscallError) -> Sandbox {
        var (lifelineEnd, lifeline): (CInt, CInt) = (-1, -1)
        var pidfd: CInt = -1
        // SAFETY: the numbers are written before the calls return.
        try check("pipe", unsafe clinux_pipe(&lifelineEnd, &lifeline, 0))
        let flags = UInt64(
            CLINUX_NEWUSER | CLINUX_NEWNS | CLINUX_NEWPID | CLINUX_NEWNET | CLINUX_NEWIPC | CLINUX_NEWUTS
        )
        let child: pid_t
        if case .below(let zygote) = request.kinship {
            guard let family = sandboxes[zygote]?.family else {
                close(lifelineEnd)
                close(lifeline)
                throw SyscallError(call: "clone3", errno: ESRCH, subject: "zygote \(zygote)")
            }
            child = family.clone(flags, identities: identities(request), pidfd: &pidfd)
        } else {
            // Each sandbox has an owner of its own: what one uses up of the kernel's limits for a user is missing nowhere else.
            child = unsafe clinux_clone_namespaces(flags, isRoot ? outerID(request) : 0, &pidfd)
        }
        if child == 0 {
            let filter =
                switch request.kinship {
                case .none, .below: configuration.systemCallFilter
                case .zygote: configuration.zygoteFilter
                case .snapshot: configuration.snapshotFilter
                }
            becomeInit(
                control: control,
                lifeline: lifelineEnd,
                temporary: temporary,
                filter: filter,
                isZygote: request.kinship.isZygote
            )
        }
        close(lifelineEnd)
        guard child > 0 else {
            close(lifeline)
            throw SyscallError(call: "clone3", errno: Int32(-child), subject: "new namespaces")
        }
        return Sandbox(pid: child, pidfd: pidfd, lifeline: lifeline, limits: request.limits)
    }

    /// What makes a blank sandbox a function's: memory, code, layers.
    ///
    /// No code but ours has run in it. Its mount namespace is given up here: nothing of this process enters a sandbox that has
    /// a function.
    private mutating func assign(_ request: AssignmentRequest) throws(SyscallError) {
        let reply: SpawnerReply
        do throws(SyscallError) {
            guard let sandbox = sandboxes[request.id], sandbox.mounts >= 0 else {
                throw SyscallError(call: "assign", errno: ESRCH, subject: "sandbox \(request.id)")
            }
            let mounts = Descriptor(sandbox.mounts)
            sandboxes[request.id]?.mounts = -1
            guard request.memoryMiB >= sandbox.limits.memoryMiB else {
                throw SyscallError(call: "assign", errno: EINVAL, subject: "memory")
            }
            if request.memoryMiB != sandbox.limits.memoryMiB {
                try groups.change(request.id, memoryMiB: request.memoryMiB)
            }
            try assignment.carryOut(request, mounts: mounts.number, hadMemoryMiB: sandbox.limits.memoryMiB)
            reply = .assigned(id: request.id)
        } catch {
            reply = .assignFailed(id: request.id, error)
        }
        try ControlSocket.send(reply.encode(), to: server)
    }

    /// Moves what has come into the sandbox from its zygote: the children of its init, none of which init has started.
    private mutating func adopt(_ id: UInt64) throws(SyscallError) {
        let reply: SpawnerReply
        do throws(SyscallError) {
            guard let sandbox = sandboxes[id], sandbox.isBelowZygote else {
                throw SyscallError(call: "adopt", errno: ESRCH, subject: "sandbox \(id)")
            }
            sandboxes[id]?.isBelowZygote = false
            let path = "/proc/\(sandbox.pid)/task/\(sandbox.pid)/children"
            let children = try FileText.read(path).split { $0 == " " || $0 == "\n" }.compactMap { pid_t($0) }
            guard children.count == 1 else { throw SyscallError(call: "adopt", errno: ECHILD, subject: path) }
            try groups.enter(id, process: children[0])
            reply = .adopted(id: id)
        } catch {
            reply = .adoptFailed(id: id, error)
        }
        try ControlSocket.send(reply.encode(), to: server)
    }

    private func limitMemory(_ id: UInt64, _ memoryMiB: UInt32) throws(SyscallError) {
        let reply: SpawnerReply
        do throws(SyscallError) {
            guard sandboxes[id] != nil else {
                throw SyscallError(call: "limit", errno: ESRCH, subject: "sandbox \(id)")
            }
            try groups.change(id, memoryMiB: memoryMiB)
            reply = .memoryLimited(id: id)
        } catch {
            reply = .memoryLimitFailed(id: id, error)
        }
        try ControlSocket.send(reply.encode(), to: server)
    }

    /// In the child: keeps three descriptors and forgets the rest, the server's socket and other sandboxes' lifelines among them.
    private func becomeInit(
        control: CInt,
        lifeline: CInt,
        temporary: String?,
        filter: [UInt8],
        isZygote: Bool
    ) -> Never {
        // Above what the sandbox's own descriptors will be; higher where the spawner has many.
        let kept = [control, lifeline].map { fcntl($0, F_DUPFD_CLOEXEC, 1_000) }
        guard kept.allSatisfy({ $0 > 0 }), Self.closeAll(but: kept.sorted()),
            clinux_restore_counted_limits(isZygote ? 1 : 0) == 0
        else { clinux_exit(1) }
        clinux_reset_signals()
        var process = SandboxInit(
            control: kept[0],
            lifeline: kept[1],
            filter: filter,
            network: configuration.network,
            temporaryImage: temporary,
            mayClearGroups: isRoot
        )
        process.run()
    }

    /// In ascending order.
    private static func closeAll(but kept: [CInt]) -> Bool {
        var first: UInt32 = 0
        for number in kept.map(UInt32.init) {
            guard number == first || clinux_close_range(first, number - 1) == 0 else { return false }
            first = number + 1
        }
        return clinux_close_range(first, UInt32.max) == 0
    }

    /// Id maps and control groups; then the sandbox may begin.
    private func admit(_ request: SandboxRequest, _ sandbox: Sandbox) throws(SyscallError) {
        try groups.enter(request.id, process: sandbox.pid)
        // The machine's OOM killer takes a function before it takes anything else.
        try FileText.write("500", to: "/proc/\(sandbox.pid)/oom_score_adj")
        switch request.kinship {
        case .none, .zygote, .snapshot:
            let identities = identities(request)
            let isZygote = request.kinship.isZygote
            if !isRoot { try FileText.write("deny", to: "/proc/\(sandbox.pid)/setgroups") }
            try FileText.write(identities.userMap(isZygote: isZygote), to: "/proc/\(sandbox.pid)/uid_map")
            try FileText.write(identities.groupMap(isZygote: isZygote), to: "/proc/\(sandbox.pid)/gid_map")
        // Written by a process inside the zygote's user namespace.
        case .below: break
        }
        var go: UInt8 = 1
        // SAFETY: one byte is written from one byte.
        let written = unsafe write(sandbox.lifeline, &go, 1)
        guard written == 1 else { throw SyscallError(call: "write", errno: errno, subject: "lifeline") }
    }

    /// SIGKILL to process 1 of a pid namespace ends every process in it.
    ///
    /// One that is not there any more has been reported.
    private mutating func destroy(_ id: UInt64) throws(SyscallError) {
        guard let sandbox = sandboxes[id] else { return }
        let killed = clinux_pidfd_send_signal(sandbox.pidfd, SIGKILL)
        guard killed == 0 || killed == -ESRCH else { throw SyscallError(call: "pidfd_send_signal", errno: -killed) }
        try groups.letEnd(id)
    }

    /// Reaps the inits that have ended: destroyed, out of memory, or killed by something on the host.
    private mutating func reap() throws(SyscallError) {
        while true {
            var status: CInt = 0
            // SAFETY: the status is written before the call returns.
            let pid = unsafe clinux_reap(-1, &status)
            guard pid > 0 else { return }
            guard let (id, sandbox) = sandboxes.first(where: { $0.value.pid == pid }) else { continue }
            close(sandbox.pidfd)
            close(sandbox.lifeline)
            if sandbox.mounts >= 0 { close(sandbox.mounts) }
            sandbox.family?.close()
            sandboxes[id] = nil
            unremoved.insert(id)
            try removeGroups()
        }
    }

    /// A group stays busy for a moment after its last process was reaped; it is tried again from the loop.
    private mutating func removeGroups() throws(SyscallError) {
        for id in unremoved where groups.remove(id) {
            unremoved.remove(id)
            try ControlSocket.send(SpawnerReply.gone(id: id).encode(), to: server)
        }
    }
}
