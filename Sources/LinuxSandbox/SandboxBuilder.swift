// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Builds the walls around the calling process, which is pid 1 of new namespaces and has run no code of a function.
///
/// Order matters and is kept here: sockets, then file system, then identity, then privileges. Any step that fails ends the
/// sandbox; nothing is skipped.
package struct SandboxBuilder {
    let plan: SandboxPlan
    /// Where the spawner has attached the file system for this sandbox's /tmp; nil for a tmpfs.
    let temporaryImage: String?

    package init(plan: SandboxPlan, temporaryImage: String?) {
        self.plan = plan
        self.temporaryImage = temporaryImage
    }

    // MARK: - Network

    /// Loopback, addresses, rules, and the sockets that the server will serve, in the order of `ListenerKind`.
    package static func openListeners(_ program: NetworkProgram) throws(SyscallError) -> [CInt] {
        try check("SIOCSIFFLAGS", "lo", clinux_loopback_up())
        for message in program.messages {
            // SAFETY: the array outlives the call.
            try check(
                "netlink",
                "\(message.netlinkProtocol)",
                unsafe clinux_netlink(
                    message.netlinkProtocol,
                    message.bytes,
                    message.bytes.count,
                    CInt(message.acknowledgements)
                )
            )
        }
        var listeners = [
            try bind(SandboxNetwork.runtimeAddress, SandboxNetwork.runtimePort, stream: true),
            try bind("127.0.0.1", SandboxNetwork.egressPort, stream: true),
            try bind(SandboxNetwork.resolverAddress, 53, stream: false),
            try bind(SandboxNetwork.resolverAddress, 53, stream: true),
        ]
        if FileText.exists("/proc/net/if_inet6") {
            listeners.append(try bind("::1", SandboxNetwork.egressPort, stream: true))
        }
        return listeners
    }

    private static func bind(_ address: String, _ port: UInt16, stream: Bool) throws(SyscallError) -> CInt {
        // SAFETY: the address outlives the call.
        try check("bind", "\(address):\(port)", unsafe clinux_bind(address, port, stream ? 1 : 0))
    }

    // MARK: - Files

    /// The new root with everything in it, and the old one gone.
    package func enterRoot() throws(SyscallError) {
        // Nothing mounted here may reach the host.
        // SAFETY: the strings outlive the call; type and options are not used for a change of propagation.
        try check("mount", "private /", unsafe clinux_mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil))
        // Sources are opened first, by the identity that may read them on the host.
        let root = try detachedTree(plan.root, recursive: false, [.readOnly, .noSetuid, .noDevices])
        var trees: [(CInt, String)] = []
        for mount in plan.mounts {
            let attributes: MountAttributes =
                switch mount.kind {
                case .readOnly: [.readOnly, .noSetuid, .noDevices]
                case .device: [.readOnly, .noSetuid, .noExecution]
                }
            trees.append((try detachedTree(mount.source, recursive: mount.kind == .readOnly, attributes), mount.target))
        }
        if let temporaryImage {
            trees.append((try detachedTree(temporaryImage, recursive: false, [.noSetuid, .noDevices]), "tmp"))
        } else {
            trees.append((try memoryFileSystem(plan.temporaryMiB), "tmp"))
        }
        trees.append((try memoryFileSystem(plan.sharedMemoryMiB), "dev/shm"))
        trees.append((try processFileSystem(), "proc"))

        // SAFETY: the strings outlive the calls.
        try check("move_mount", "/", unsafe clinux_move_mount(root, AT_FDCWD, plan.root))
        let directory = try check("open", plan.root, unsafe clinux_open(plan.root, O_DIRECTORY, 0))
        for (tree, target) in trees { try attach(tree, at: target, below: directory) }
        try maskProcessFileSystem(below: directory)
        try check("fchdir", plan.root, fchdir(directory) == 0 ? 0 : -errno)
        try check("pivot_root", clinux_pivot_root_here())
        close(directory)
        close(root)
    }

    private func attach(_ tree: CInt, at target: String, below directory: CInt) throws(SyscallError) {
        // SAFETY: the string outlives the call.
        try check("move_mount", target, unsafe clinux_move_mount(tree, directory, target))
        close(tree)
    }

    private func memoryFileSystem(_ sizeMiB: UInt32) throws(SyscallError) -> CInt {
        try newMount(
            "tmpfs",
            [
                ("size", "\(sizeMiB)m"), ("nr_inodes", "\(SandboxPlan.inodes(sizeMiB: sizeMiB))"), ("mode", "1777"),
                ("uid", "\(plan.userID)"), ("gid", "\(plan.groupID)"),
            ],
            [.noSetuid, .noDevices]
        )
    }

    private func processFileSystem() throws(SyscallError) -> CInt {
        try newMount("proc", [], [.noSetuid, .noDevices, .noExecution])
    }

    /// Entries of /proc that tell of the machine, or act on it.
    ///
    /// A file is covered by /dev/null, a directory by an empty one.
    private static let maskedFiles = [
        "proc/kcore", "proc/keys", "proc/key-users", "proc/timer_list", "proc/sysrq-trigger", "proc/kallsyms",
        "proc/modules", "proc/cmdline", "proc/partitions", "proc/diskstats", "proc/swaps", "proc/latency_stats",
        "proc/sched_debug", "proc/slabinfo", "proc/vmallocinfo", "proc/pagetypeinfo", "proc/kpagecount",
        "proc/kpageflags", "proc/kpagecgroup", "proc/interrupts", "proc/softirqs", "proc/iomem", "proc/ioports",
        "proc/config.gz", "proc/mtrr", "proc/schedstat", "proc/zoneinfo", "proc/buddyinfo", "proc/vmstat",
    ]
    private static let maskedDirectories = [
        "proc/acpi", "proc/asound", "proc/bus", "proc/driver", "proc/dynamic_debug", "proc/fs", "proc/irq", "proc/scsi",
        "proc/sysvipc", "proc/tty", "proc/pressure",
    ]

    /// What all processes of this user namespace may have together (namespaces(7), /proc/sys/user): no further namespace, even if
    /// the filter let one be made, and of what a kernel counts for each user less than would be missed elsewhere.
    ///
    /// What is below counts here too, so a zygote's has no such limits but those that its children need none of.
    private var namespaceLimits: [(String, UInt32)] {
        let most: UInt32 =
            switch plan.role {
            // More than one for each sandbox that a machine can have.
            case .zygote: 65_536
            // And for each that is below it: it may keep those that have ended.
            case .snapshot: 2_048
            case .alone, .below: 0
            }
        // Init's own, and that of the process that comes in.
        let controlGroups: UInt32 = plan.role == .below ? 2 : most
        return [
            ("max_user_namespaces", most), ("max_mnt_namespaces", most), ("max_pid_namespaces", most),
            ("max_net_namespaces", most), ("max_ipc_namespaces", most), ("max_uts_namespaces", most),
            ("max_cgroup_namespaces", controlGroups), ("max_time_namespaces", 0), ("max_fanotify_groups", 0),
        ] + (most > 0 ? [] : [("max_inotify_instances", 32), ("max_inotify_watches", 8_192)])
    }

    private func limitNamespaces(below directory: CInt) throws(SyscallError) {
        for (name, value) in namespaceLimits {
            let path = "proc/sys/user/\(name)"
            // SAFETY: the path outlives the call.
            let number = unsafe clinux_openat(directory, path, O_WRONLY, 0)
            // A kernel that does not count it has no such limit.
            guard number != -ENOENT else { continue }
            let file = Descriptor(try check("open", path, number))
            let text = Array("\(value)".utf8)
            // SAFETY: the bytes outlive the call.
            let written = unsafe write(file.number, text, text.count)
            guard written == text.count else { throw SyscallError(call: "write", errno: errno, subject: path) }
        }
    }

    private func maskProcessFileSystem(below directory: CInt) throws(SyscallError) {
        func exists(_ path: String) -> Bool {
            // SAFETY: the path outlives the call.
            unsafe faccessat(directory, path, F_OK, 0) == 0
        }
        for path in Self.maskedFiles where exists(path) {
            try attach(
                detachedTree("\(plan.root)/dev/null", recursive: false, [.readOnly, .noSetuid, .noExecution]),
                at: path,
                below: directory
            )
        }
        for path in Self.maskedDirectories where exists(path) {
            try attach(
                detachedTree("\(plan.root)/empty", recursive: false, [.readOnly, .noSetuid, .noDevices]),
                at: path,
                below: directory
            )
        }
        let settings = "proc/sys"
        let readOnly = try detachedTree(
            "\(plan.root)/\(settings)",
            recursive: false,
            [.readOnly, .noSetuid, .noDevices, .noExecution]
        )
        // After the last open_tree(2), which makes a mount namespace of its own, and while the settings can still be written.
        try limitNamespaces(below: directory)
        try attach(readOnly, at: settings, below: directory)
    }

    // MARK: - Identity and privileges

    /// Becomes the sandbox's user, and gives up every way back.
    ///
    /// Groups first, user last (credentials(7)); then capabilities, then the filter, which needs no_new_privs
    /// when there are no capabilities (seccomp(2)). A change of user clears the parent-death signal: it is set after.
    package func dropPrivileges(filter: [UInt8], hasGroupsToClear: Bool) throws(SyscallError) {
        if hasGroupsToClear { try check("setgroups", clinux_clear_groups()) }
        try check("setresgid", "\(plan.groupID)", clinux_setresgid(plan.groupID))
        try check("setresuid", "\(plan.userID)", clinux_setresuid(plan.userID))
        try check("PR_SET_PDEATHSIG", clinux_set_parent_death_signal(SIGKILL))
        // /proc/1 stays closed to the function, which has the same user.
        try check("PR_SET_DUMPABLE", clinux_set_dumpable(0))
        try check("capset", clinux_drop_capabilities())
        try check("PR_SET_NO_NEW_PRIVS", clinux_set_no_new_privileges())
        // SAFETY: the program outlives the call, which copies it.
        try check("seccomp", unsafe clinux_install_seccomp(filter, filter.count))
    }
}
