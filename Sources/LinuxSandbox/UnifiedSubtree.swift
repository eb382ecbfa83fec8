// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The part of the cgroup v2 hierarchy that the spawner may use: all of it as root, else what was delegated to the user.
///
/// A group with processes of its own may not hand controllers on (cgroups(7), "no internal processes"), and whoever starts the
/// server usually sits in the very group that was delegated: a service's main process, a shell in a scope. So all of them move
/// to a leaf, one for every server in that subtree, and back when the last server ends.
struct UnifiedSubtree {
    static let controllers = ["memory", "cpu", "pids"]
    /// No server's own name: those are `martlet-` and a hexadecimal number.
    static let leafName = "martlet-server"

    let top: String
    private var leaf: String { "\(top)/\(Self.leafName)" }

    /// Nil when there is no such hierarchy, or this user may not use its own part of it.
    init?() {
        guard let point = MountPoint.all().first(where: { $0.type == "cgroup2" }) else { return nil }
        if geteuid() == 0 {
            top = point.path
            return
        }
        guard let text = try? FileText.read("/proc/self/cgroup"), let own = Self.ownGroup(text, mountRoot: point.root)
        else { return nil }
        top = point.path + own
        // What systemd gives to the user with Delegate=yes.
        guard
            ["", "/cgroup.procs", "/cgroup.subtree_control"].allSatisfy({ FileText.mayWrite(top + $0) })
        else { return nil }
    }

    /// This process's group below the mount point, without the leaf that an earlier start may have put it into.
    ///
    /// `text` is that of /proc/self/cgroup, whose line `0::/path` is the v2 group.
    static func ownGroup(_ text: String, mountRoot: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        var names = line.dropFirst(4).split(separator: "/")
        let root = mountRoot.split(separator: "/")
        // A process outside of what is mounted, or of its cgroup namespace, has no group here.
        guard names.starts(with: root), !names.contains("..") else { return nil }
        names.removeFirst(root.count)
        if names.last == Substring(leafName) { names.removeLast() }
        return names.map { "/\($0)" }.joined()
    }

    // MARK: - Controllers

    /// Lets the groups below have the controllers that there are.
    ///
    /// False when the processes in the way could not be moved.
    func handOutControllers() -> Bool {
        let available = Self.words("\(top)/cgroup.controllers")
        let wanted = Self.controllers.filter { available.contains($0) }
        let enabled = Self.words("\(top)/cgroup.subtree_control")
        guard !wanted.allSatisfy({ enabled.contains($0) }) else { return true }
        // Only the root of the whole hierarchy has no type, and may have processes as well. All go before the first controller
        // comes: cpu and pids alone would be accepted, and make a threaded group of it in which no sandbox can be.
        if FileText.exists("\(top)/cgroup.type") {
            guard moveProcesses(from: top, to: leaf, makingIt: true) else { return false }
        }
        Self.enable(wanted, in: top)
        return true
    }

    /// Undoes `handOutControllers` when no other group is left in the subtree.
    func takeBackControllers() {
        guard FileText.exists(leaf), let names = try? FileText.names(in: top) else { return }
        let groups = names.filter { FileText.exists("\(top)/\($0)/cgroup.procs") }
        // Limits of a group that somebody else made would go with the controller.
        guard groups == [Self.leafName] else { return }
        for controller in Self.words("\(top)/cgroup.subtree_control") {
            guard (try? FileText.write("-\(controller)", to: "\(top)/cgroup.subtree_control")) != nil else { return }
        }
        guard moveProcesses(from: leaf, to: top, makingIt: false) else { return }
        _ = FileText.removeDirectory(leaf)
    }

    /// A process that is forked meanwhile is in the group that its parent was in, so the list is read until it is empty.
    private func moveProcesses(from group: String, to other: String, makingIt: Bool) -> Bool {
        for _ in 0..<100 {
            let processes = Self.words("\(group)/cgroup.procs")
            guard !processes.isEmpty else { return true }
            guard !makingIt || FileText.makeDirectory(other) else { return false }
            for process in processes {
                // One that has ended by now is no longer in the way.
                _ = try? FileText.write(process, to: "\(other)/cgroup.procs")
            }
        }
        return false
    }

    static func enable(_ controllers: [String], in group: String) {
        for controller in controllers {
            // One that is not there stays off, and shows up as missing.
            _ = try? FileText.write("+\(controller)", to: "\(group)/cgroup.subtree_control")
        }
    }

    /// What a kernel file lists, empty when it can't be read.
    static func words(_ path: String) -> [String] {
        ((try? FileText.read(path)) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init)
    }
}
