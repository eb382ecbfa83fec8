// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// Process 1 of a sandbox: builds the walls, then starts, reaps and kills what runs behind them, as the server says.
///
/// Runs in a copy of the spawner, made by clone3(2) and never executed anew. It holds four descriptors: the control socket, the
/// lifeline (a pipe whose other end only the spawner has), its children's signal, and /dev/null.
struct SandboxInit {
    private let control: CInt
    private let lifeline: CInt
    private let filter: [UInt8]
    private let network: NetworkProgram
    private let temporaryImage: String?
    private let mayClearGroups: Bool
    /// The server's numbers of the processes that it asked for and that have not ended.
    private var numbers: [pid_t: UInt32] = [:]

    init(
        control: CInt,
        lifeline: CInt,
        filter: [UInt8],
        network: NetworkProgram,
        temporaryImage: String?,
        mayClearGroups: Bool
    ) {
        self.control = control
        self.lifeline = lifeline
        self.filter = filter
        self.network = network
        self.temporaryImage = temporaryImage
        self.mayClearGroups = mayClearGroups
    }

    /// Ends the process.
    mutating func run() -> Never {
        do {
            // Set here as well as after the change of identity, which clears it.
            try check("PR_SET_PDEATHSIG", clinux_set_parent_death_signal(SIGKILL))
            // The spawner says when the id maps and the control groups are there; an end means that it is gone.
            var go: UInt8 = 0
            // SAFETY: one byte is read into one byte.
            guard unsafe read(lifeline, &go, 1) == 1 else { clinux_exit(0) }
            // Only now: the namespace's root is the group that it was put into.
            try check("unshare", "cgroup", clinux_unshare(CLINUX_NEWCGROUP))
            try build()
            try serve()
        } catch {
            // When the server is gone too there is nobody left to tell.
            _ = try? ControlSocket.send(InitReply.failed(error).encode(), to: control)
        }
        clinux_exit(1)
    }

    private func build() throws(SyscallError) {
        guard case (.build(let plan), _) = try request() else { throw SyscallError(call: "control", errno: EPROTO) }
        let builder = SandboxBuilder(plan: plan, temporaryImage: temporaryImage)
        let listeners = try SandboxBuilder.openListeners(network)
        // SAFETY: the name outlives the call.
        try check("sethostname", unsafe clinux_sethostname("localhost"))
        try builder.enterRoot()
        try builder.dropPrivileges(filter: filter, hasGroupsToClear: mayClearGroups)
        try reply(.built(hasIPv6: listeners.count == ListenerKind.allCases.count), descriptors: listeners)
        for listener in listeners { close(listener) }
    }

    private mutating func serve() throws(SyscallError) {
        let children = try check("signalfd", clinux_signalfd_child())
        while true {
            var ready: UInt64 = 0
            // SAFETY: the array outlives the call.
            try check("poll", unsafe clinux_poll([control, children, lifeline], 3, -1, &ready))
            if ready & 0b100 != 0 { clinux_exit(0) }
            if ready & 0b010 != 0 {
                var drain = [UInt8](repeating: 0, count: 1_024)
                // SAFETY: the buffer has the size named. Its content does not matter: children are reaped until none is left.
                _ = unsafe Glibc.read(children, &drain, drain.count)
                try reap()
            }
            if ready & 0b001 != 0 {
                let (request, descriptors) = try request()
                defer { for descriptor in descriptors { close(descriptor) } }
                try answer(request, descriptors)
            }
        }
    }

    private mutating func answer(_ request: InitRequest, _ descriptors: [CInt]) throws(SyscallError) {
        switch request {
        case .build: throw SyscallError(call: "control", errno: EPROTO)
        case .run(let plan):
            guard descriptors.count == plan.descriptorsCount, numbers.count < ProcessPlan.processesMax,
                !numbers.values.contains(plan.number)
            else {
                throw SyscallError(call: "control", errno: EPROTO)
            }
            try start(plan, descriptors)
        case .adopt(let process, let pid):
            guard numbers.count < ProcessPlan.processesMax, !numbers.values.contains(process) else {
                throw SyscallError(call: "control", errno: EPROTO)
            }
            // A child that has ended is not there to be called anything.
            if FileText.exists("/proc/\(pid)") { numbers[pid] = process }
        case .killAll:
            try killAll()
            try reply(.allKilled)
        case .signal(let number, let signal):
            // Not reaped yet, so the pid is still its own.
            for (pid, other) in numbers where other == number { _ = clinux_kill(pid, signal) }
        case .stopAll: try signalAll(SIGSTOP)
        case .continueAll: try signalAll(SIGCONT)
        case .measureMemory(let limit): try reply(try memory(limitKibibytes: limit))
        case .openSocket: try openSocket()
        }
    }

    /// It stays in this network namespace, whoever holds it.
    private func openSocket() throws(SyscallError) {
        let socket = clinux_tcp_socket()
        guard socket >= 0 else { return try reply(.socket(errno: -socket)) }
        defer { close(socket) }
        try reply(.socket(errno: 0), descriptors: [socket])
    }

    // MARK: - Processes

    private mutating func start(_ plan: ProcessPlan, _ descriptors: [CInt]) throws(SyscallError) {
        // The child's end is close-on-exec: the end of the pipe means that execve(2) succeeded.
        var (failure, report): (CInt, CInt) = (-1, -1)
        // SAFETY: both are written before the call returns.
        try check("pipe", unsafe clinux_pipe(&failure, &report, 0))
        defer { close(failure) }
        let child = try check("fork", clinux_fork())
        if child == 0 { RuntimeProcess(plan: plan, descriptors: descriptors, report: report).execute() }
        close(report)
        var errno: Int32 = 0
        // SAFETY: four bytes are read into four bytes.
        let count = unsafe withUnsafeMutableBytes(of: &errno) { unsafe read(failure, $0.baseAddress, $0.count) }
        guard count == 0 else {
            return try reply(.startFailed(process: plan.number, errno: count == 4 ? errno : EIO))
        }
        numbers[child] = plan.number
    }

    /// Reaps every child that has ended: those that were asked for, and the orphans that came to process 1.
    private mutating func reap() throws(SyscallError) {
        while true {
            var status: CInt = 0
            // SAFETY: the status is written before the call returns.
            let pid = unsafe clinux_reap(-1, &status)
            guard pid > 0 else { return }
            if let number = numbers.removeValue(forKey: pid) {
                try reply(.exited(process: number, status: status))
            }
        }
    }

    /// kill(2) of -1 reaches every process of the namespace but this one, and none can fork away from it: a fork with a fatal
    /// signal pending fails.
    private mutating func killAll() throws(SyscallError) {
        // Their end is not news to whoever asked for it.
        numbers = [:]
        try signalAll(SIGKILL)
        while true {
            var status: CInt = 0
            // SAFETY: the status is written before the call returns.
            guard unsafe waitpid(-1, &status, 0) > 0 || errno == EINTR else { return }
        }
    }

    private func signalAll(_ signal: CInt) throws(SyscallError) {
        let result = clinux_kill(-1, signal)
        // ESRCH: there was none.
        guard result == 0 || result == -ESRCH else { throw SyscallError(call: "kill", errno: -result) }
    }

    /// Sums over the living processes; one that ends meanwhile counts as nothing.
    ///
    /// Pages that processes share, as after a fork, are in each one's resident size. Where that sum is beyond the limit they are
    /// divided by the number of those who share them, which costs the kernel a walk through the page tables.
    private func memory(limitKibibytes: UInt64) throws(SyscallError) -> InitReply {
        let processes = try FileText.names(in: "/proc").filter { UInt32($0).map { $0 > 1 } == true }
        var (resident, peak): (UInt64, UInt64) = (0, 0)
        for process in processes {
            let sizes = Self.kibibytes(["VmRSS:", "VmHWM:"], in: "/proc/\(process)/status")
            resident += sizes[0] ?? 0
            peak += sizes[1] ?? 0
        }
        guard resident > limitKibibytes, processes.count > 1 else {
            return .memory(residentKibibytes: resident, peakKibibytes: peak)
        }
        var shared: UInt64 = 0
        for process in processes {
            // A process that does not let itself be looked at (PR_SET_DUMPABLE) counts in full.
            let share = Self.kibibytes(["Pss:"], in: "/proc/\(process)/smaps_rollup")[0]
            shared += share ?? Self.kibibytes(["VmRSS:"], in: "/proc/\(process)/status")[0] ?? 0
        }
        return .memory(residentKibibytes: shared, peakKibibytes: shared)
    }

    /// The values of such lines as "VmRSS:   123 kB"; nil for what is not there.
    private static func kibibytes(_ names: [String], in path: String) -> [UInt64?] {
        let lines = ((try? FileText.read(path)) ?? "").split(separator: "\n")
        return names.map { name in
            lines.first { $0.hasPrefix(name) }?.split { $0 == " " || $0 == "\t" }.lazy.compactMap { UInt64($0) }.first
        }
    }

    // MARK: - Control socket

    /// The next request with its descriptors, which the caller owns.
    ///
    /// The end of the socket ends the sandbox.
    private func request() throws(SyscallError) -> (InitRequest, [CInt]) {
        guard let (bytes, descriptors) = try ControlSocket.receive(from: control) else { clinux_exit(0) }
        do {
            return (try InitRequest(decoding: bytes), descriptors)
        } catch {
            throw SyscallError(call: "control", errno: EPROTO)
        }
    }

    private func reply(_ reply: InitReply, descriptors: [CInt] = []) throws(SyscallError) {
        try ControlSocket.send(reply.encode(), descriptors: descriptors, to: control)
    }
}
