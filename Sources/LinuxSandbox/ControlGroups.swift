// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What this host's control groups offer to whoever runs the server.
package struct ControlGroupSummary: Equatable, Sendable {
    /// 0 (none that may be written), 1 or 2.
    package var version: UInt8
    /// Limits that do not hold: `memory`, `cpu`, `pids`, `freezer`.
    package var missing: [String]

    package init(version: UInt8, missing: [String]) {
        self.version = version
        self.missing = missing
    }

    package func has(_ controller: String) -> Bool { version != 0 && !missing.contains(controller) }
}

/// The files of a sandbox's control group that the server holds open, in the order in which they are handed over.
package enum ControlGroupFile: Int, CaseIterable, Sendable {
    /// v1 `freezer.state`, v2 `cgroup.freeze`. Written.
    case freeze
    /// v1 `cpu.cfs_quota_us`, v2 `cpu.max`. Written.
    case processorQuota
    /// v1 `memory.max_usage_in_bytes`, v2 `memory.peak`. Read.
    case memoryPeak
    /// v1 `memory.oom_control`, v2 `memory.events`; both have a line `oom_kill N`. Read.
    case memoryEvents

    package var controller: String {
        switch self {
        case .freeze: "freezer"
        case .processorQuota: "cpu"
        case .memoryPeak, .memoryEvents: "memory"
        }
    }
}

/// Makes, fills and removes the sandboxes' control groups, v1 and v2 behind one interface.
///
/// Used by the spawner only.
///
/// One group per sandbox, below one parent named after the data directory, so that a restart finds what was left.
package struct ControlGroups {
    package static let periodMicroseconds = 20_000

    package let summary: ControlGroupSummary
    /// v1: controller to its parent directory; v2: one entry, under "unified".
    private let parents: [String: String]

    /// Finds what may be written, makes the parents, and removes what an earlier run left below them.
    package init(name: String) {
        let v1 = Self.version1(name: name)
        if v1["memory"] != nil || v1["pids"] != nil {
            parents = v1
            summary = ControlGroupSummary(version: 1, missing: Self.controllers.filter { v1[$0] == nil })
        } else if let (parent, missing) = Self.version2(name: name) {
            parents = ["unified": parent]
            summary = ControlGroupSummary(version: 2, missing: missing)
        } else {
            parents = [:]
            summary = ControlGroupSummary(version: 0, missing: Self.controllers)
        }
    }

    static let controllers = ["memory", "cpu", "pids", "freezer"]

    // MARK: - Finding

    private struct MountPoint {
        var path: String
        var type: String
        var options: [Substring]
    }

    private static func mountPoints() -> [MountPoint] {
        guard let text = try? FileText.read("/proc/self/mountinfo") else { return [] }
        return text.split(separator: "\n").compactMap { line in
            // "36 35 98:0 /root /mount/point options - type source superoptions": proc_pid_mountinfo(5).
            let parts = line.split(separator: " ")
            guard let dash = parts.firstIndex(of: "-"), parts.count > dash + 3, parts.count > 4 else { return nil }
            return MountPoint(
                path: String(parts[4]),
                type: String(parts[dash + 1]),
                options: parts[dash + 3].split(separator: ",")
            )
        }
    }

    private static func version1(name: String) -> [String: String] {
        var parents: [String: String] = [:]
        for point in mountPoints() where point.type == "cgroup" {
            for controller in controllers where point.options.contains(Substring(controller)) {
                let parent = "\(point.path)/\(name)"
                guard FileText.makeDirectory(parent) else { continue }
                removeChildren(of: parent)
                parents[controller] = parent
            }
        }
        return parents
    }

    private static func version2(name: String) -> (parent: String, missing: [String])? {
        guard let point = mountPoints().first(where: { $0.type == "cgroup2" }) else { return nil }
        // Root may use the top of the hierarchy; a user has the subtree that was delegated to it: its own group.
        var top = point.path
        if geteuid() != 0 {
            guard let own = ownVersion2Group(), FileText.mayWrite("\(top)\(own)/cgroup.procs") else { return nil }
            top += own
            // A group with processes may not hand controllers to its children (cgroups(7)): they move to a leaf.
            let leaf = "\(top)/\(name)-server"
            guard FileText.makeDirectory(leaf) else { return nil }
            for process in [getpid(), getppid()] {
                guard (try? FileText.write("\(process)", to: "\(leaf)/cgroup.procs")) != nil else { return nil }
            }
        }
        let wanted = ["memory", "cpu", "pids"]
        enable(wanted, in: top)
        let parent = "\(top)/\(name)"
        guard FileText.makeDirectory(parent) else { return nil }
        removeChildren(of: parent)
        enable(wanted, in: parent)
        let enabled = (try? FileText.read("\(parent)/cgroup.subtree_control")) ?? ""
        let have = enabled.split { $0 == " " || $0 == "\n" }
        return (parent, wanted.filter { !have.contains(Substring($0)) })
    }

    /// Path of this process's group in the v2 hierarchy: the line `0::/path` of /proc/self/cgroup.
    private static func ownVersion2Group() -> String? {
        (try? FileText.read("/proc/self/cgroup"))?.split(separator: "\n")
            .first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }

    /// A controller that the kernel or the parent does not have stays off and shows up as missing.
    private static func enable(_ controllers: [String], in group: String) {
        for controller in controllers {
            _ = try? FileText.write("+\(controller)", to: "\(group)/cgroup.subtree_control")
        }
    }

    // MARK: - One sandbox

    /// The sandbox's groups with their limits, empty.
    package func make(_ id: UInt64, _ limits: SandboxLimits) throws(SyscallError) {
        for (controller, parent) in parents {
            let group = "\(parent)/\(id)"
            guard FileText.makeDirectory(group) else { throw SyscallError(call: "mkdir", errno: errno, subject: group) }
            for (file, value) in Self.settings(controller, limits, summary) {
                try FileText.write(value, to: "\(group)/\(file)")
            }
        }
    }

    /// File and value for each limit.
    ///
    /// CPU is not limited yet: initialisation runs at full speed.
    private static func settings(
        _ controller: String,
        _ limits: SandboxLimits,
        _ summary: ControlGroupSummary
    ) -> [(String, String)] {
        let bytes = String(UInt64(limits.memoryMiB) << 20)
        switch controller {
        case "memory": return [("memory.limit_in_bytes", bytes), ("memory.swappiness", "0")]
        case "cpu": return [("cpu.cfs_period_us", "\(periodMicroseconds)")]
        case "pids": return [("pids.max", "\(limits.processesMax)")]
        case "unified":
            var settings: [(String, String)] = []
            if summary.has("memory") { settings += [("memory.max", bytes), ("memory.swap.max", "0")] }
            if summary.has("pids") { settings.append(("pids.max", "\(limits.processesMax)")) }
            return settings
        default: return []
        }
    }

    /// Moves a process that has not run any of the function's code yet.
    package func enter(_ id: UInt64, process: CInt) throws(SyscallError) {
        for parent in parents.values { try FileText.write("\(process)", to: "\(parent)/\(id)/cgroup.procs") }
    }

    /// Opens the files that the server holds.
    ///
    /// The caller owns the descriptors.
    package func openFiles(_ id: UInt64) throws(SyscallError) -> [CInt] {
        var descriptors: [CInt] = []
        for file in ControlGroupFile.allCases where summary.has(file.controller) {
            let path = path(of: file, id)
            // SAFETY: the path outlives the call.
            let number = unsafe clinux_open(path, file == .freeze || file == .processorQuota ? O_RDWR : O_RDONLY, 0)
            guard number >= 0 else {
                for descriptor in descriptors { close(descriptor) }
                throw SyscallError(call: "open", errno: -number, subject: path)
            }
            descriptors.append(number)
        }
        return descriptors
    }

    private func path(of file: ControlGroupFile, _ id: UInt64) -> String {
        let name =
            switch (file, summary.version) {
            case (.freeze, 1): "freezer.state"
            case (.freeze, _): "cgroup.freeze"
            case (.processorQuota, 1): "cpu.cfs_quota_us"
            case (.processorQuota, _): "cpu.max"
            case (.memoryPeak, 1): "memory.max_usage_in_bytes"
            case (.memoryPeak, _): "memory.peak"
            case (.memoryEvents, 1): "memory.oom_control"
            case (.memoryEvents, _): "memory.events"
            }
        return "\(parents[summary.version == 1 ? file.controller : "unified"] ?? "")/\(id)/\(name)"
    }

    /// Lets frozen processes run, so that a kill reaches them: a v1 freezer holds even SIGKILL back.
    package func thaw(_ id: UInt64) throws(SyscallError) {
        guard summary.has("freezer") else { return }
        try FileText.write(summary.version == 1 ? "THAWED" : "0", to: path(of: .freeze, id))
    }

    /// Removes a sandbox's groups, whose processes are gone.
    ///
    /// False when one of them is still busy.
    package func remove(_ id: UInt64) -> Bool {
        var removed = true
        for parent in parents.values where ![0, ENOENT].contains(FileText.removeDirectory("\(parent)/\(id)")) {
            removed = false
        }
        return removed
    }

    /// Removes every sandbox's group and the parents themselves; what is still busy is left for the next start.
    package func removeAll() {
        for parent in parents.values {
            Self.removeChildren(of: parent)
            _ = FileText.removeDirectory(parent)
        }
    }

    private static func removeChildren(of parent: String) {
        guard let names = try? FileText.names(in: parent) else { return }
        for name in names where UInt64(name) != nil {
            let group = "\(parent)/\(name)"
            _ = try? FileText.write("THAWED", to: "\(group)/freezer.state")
            _ = try? FileText.write("1", to: "\(group)/cgroup.kill")
            // The processes of a run that was killed die with its init; give the kernel a moment to reap them.
            for _ in 0..<500 where FileText.removeDirectory(group) == EBUSY {
                for process in ((try? FileText.read("\(group)/cgroup.procs")) ?? "").split(separator: "\n") {
                    if let number = pid_t(process), number > 1 { kill(number, SIGKILL) }
                }
                usleep(10_000)
            }
        }
    }
}
