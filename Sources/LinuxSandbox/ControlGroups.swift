// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What this host's control groups offer to whoever runs the server.
package struct ControlGroupSummary: Equatable, Sendable {
    /// 0 (none that may be written), 1 or 2.
    package var version: UInt8
    /// What they do not do here: `memory`, `cpu`, `pids`, `freezer`, and `memory.peak`, which Linux before 5.19 does not keep.
    package var missing: [String]

    package init(version: UInt8, missing: [String]) {
        self.version = version
        self.missing = missing
    }

    package func has(_ controller: String) -> Bool { version != 0 && !missing.contains(controller) }

    package func has(_ file: ControlGroupFile) -> Bool {
        has(file.controller) && (file != .memoryPeak || has(Self.peak))
    }

    static let peak = "memory.peak"
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
    /// v2: where the parent is.
    private let subtree: UnifiedSubtree?

    /// Finds what may be written, makes the parents, and removes what an earlier run left below them; `memoryMiB` is for all sandboxes
    /// together.
    package init(name: String, memoryMiB: UInt32) {
        let v1 = Self.version1(name: name)
        if v1["memory"] != nil || v1["pids"] != nil {
            (parents, subtree) = (v1, nil)
            summary = ControlGroupSummary(version: 1, missing: Self.controllers.filter { v1[$0] == nil })
        } else if let subtree = UnifiedSubtree(), let parent = Self.version2(subtree, name: name) {
            (parents, self.subtree) = (["unified": parent], subtree)
            summary = ControlGroupSummary(version: 2, missing: Self.missingVersion2(parent))
        } else {
            (parents, subtree) = ([:], nil)
            summary = ControlGroupSummary(version: 0, missing: Self.controllers)
        }
        limitMemory(memoryMiB)
    }

    static let controllers = ["memory", "cpu", "pids", "freezer"]

    // MARK: - Finding

    private static func version1(name: String) -> [String: String] {
        var parents: [String: String] = [:]
        for point in MountPoint.all() where point.type == "cgroup" {
            for controller in controllers where point.options.contains(Substring(controller)) {
                let parent = "\(point.path)/\(name)"
                guard FileText.makeDirectory(parent) else { continue }
                removeChildren(of: parent)
                if controller == "pids" { limitProcesses(in: parent) }
                parents[controller] = parent
            }
        }
        return parents
    }

    private static func version2(_ subtree: UnifiedSubtree, name: String) -> String? {
        let parent = "\(subtree.top)/\(name)"
        guard subtree.handOutControllers(), FileText.makeDirectory(parent) else { return nil }
        removeChildren(of: parent)
        UnifiedSubtree.enable(UnifiedSubtree.controllers, in: parent)
        limitProcesses(in: parent)
        return parent
    }

    /// Half of the processes that the machine can have, for all sandboxes together: whatever they do, it can start others.
    private static func limitProcesses(in group: String) {
        func number(_ path: String) -> Int? {
            (try? FileText.read(path)).flatMap { Int($0.prefix { $0.isNumber }) }
        }
        guard let processes = number("/proc/sys/kernel/pid_max"), let threads = number("/proc/sys/kernel/threads-max")
        else { return }
        // A kernel without this controller has no such file; each sandbox's own limit holds or is told as missing.
        _ = try? FileText.write("\(min(processes, threads) / 2)", to: "\(group)/pids.max")
    }

    /// An old v1 whose groups are not counted in their parents takes the limit and does not enforce it.
    private func limitMemory(_ mebibytes: UInt32) {
        guard summary.has("memory"), let parent = parents["memory"] ?? parents["unified"] else { return }
        let file = summary.version == 1 ? "memory.limit_in_bytes" : "memory.max"
        _ = try? FileText.write(Self.bytes(mebibytes), to: "\(parent)/\(file)")
    }

    /// A controller that the kernel or whoever delegated the subtree does not have is not in the parent's list.
    private static func missingVersion2(_ parent: String) -> [String] {
        let enabled = UnifiedSubtree.words("\(parent)/cgroup.subtree_control")
        var missing = UnifiedSubtree.controllers.filter { !enabled.contains($0) }
        if !FileText.exists("\(parent)/cgroup.freeze") { missing.append("freezer") }
        if !FileText.exists("\(parent)/memory.peak") { missing.append(ControlGroupSummary.peak) }
        return missing
    }

    // MARK: - One sandbox

    /// The sandbox's groups with their limits, empty.
    package func make(_ id: UInt64, _ limits: SandboxLimits) throws(SyscallError) {
        for (controller, parent) in parents {
            let group = "\(parent)/\(id)"
            guard FileText.makeDirectory(group) else { throw SyscallError(call: "mkdir", errno: errno, subject: group) }
            try limit(controller, group, limits)
        }
    }

    /// Gives a sandbox that has them already more or less memory.
    package func change(_ id: UInt64, memoryMiB: UInt32) throws(SyscallError) {
        guard summary.has("memory"), let parent = parents["memory"] ?? parents["unified"] else { return }
        let group = "\(parent)/\(id)"
        guard summary.version == 1 else {
            return try FileText.write(Self.bytes(memoryMiB), to: "\(group)/memory.max")
        }
        try FileText.write(Self.bytes(memoryMiB), to: "\(group)/memory.limit_in_bytes")
        try limitBuffers(in: group, memoryMiB)
    }

    private func limit(_ controller: String, _ group: String, _ limits: SandboxLimits) throws(SyscallError) {
        for (file, value) in Self.settings(controller, limits, summary) {
            // A kernel without swap has no file that limits it.
            if file == "memory.swap.max", !FileText.exists("\(group)/\(file)") { continue }
            try FileText.write(value, to: "\(group)/\(file)")
        }
        if controller == "memory" { try limitBuffers(in: group, limits.memoryMiB) }
    }

    /// v1 counts the buffers of TCP and UDP by themselves, and only where they have a limit.
    private func limitBuffers(in group: String, _ memoryMiB: UInt32) throws(SyscallError) {
        let file = "\(group)/memory.kmem.tcp.limit_in_bytes"
        if FileText.exists(file) { try FileText.write(Self.bytes(memoryMiB), to: file) }
    }

    private static func bytes(_ mebibytes: UInt32) -> String { String(UInt64(mebibytes) << 20) }

    /// File and value for each limit.
    ///
    /// CPU is not limited yet: initialisation runs at full speed.
    private static func settings(
        _ controller: String,
        _ limits: SandboxLimits,
        _ summary: ControlGroupSummary
    ) -> [(String, String)] {
        let bytes = bytes(limits.memoryMiB)
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
        for file in ControlGroupFile.allCases where summary.has(file) {
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

    /// Lets processes run that were killed, so that they end: a v1 freezer holds even SIGKILL back, and a thousand processes with
    /// a small share of a processor would take minutes to end.
    package func letEnd(_ id: UInt64) throws(SyscallError) {
        if summary.has("cpu") {
            try FileText.write(
                summary.version == 1 ? "-1" : "max \(Self.periodMicroseconds)",
                to: path(of: .processorQuota, id)
            )
        }
        if summary.has("freezer") {
            try FileText.write(summary.version == 1 ? "THAWED" : "0", to: path(of: .freeze, id))
        }
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
        subtree?.takeBackControllers()
    }

    private static func removeChildren(of parent: String) {
        guard let names = try? FileText.names(in: parent) else { return }
        for name in names where UInt64(name) != nil {
            let group = "\(parent)/\(name)"
            _ = try? FileText.write("THAWED", to: "\(group)/freezer.state")
            _ = try? FileText.write("-1", to: "\(group)/cpu.cfs_quota_us")
            _ = try? FileText.write("max", to: "\(group)/cpu.max")
            _ = try? FileText.write("1", to: "\(group)/cgroup.kill")
            // The processes of a run that was killed die with its init; give the kernel a moment to reap them.
            for _ in 0..<500 {
                guard FileText.removeDirectory(group) == EBUSY else { break }
                for process in ((try? FileText.read("\(group)/cgroup.procs")) ?? "").split(separator: "\n") {
                    if let number = pid_t(process), number > 1 { kill(number, SIGKILL) }
                }
                usleep(10_000)
            }
        }
    }
}
