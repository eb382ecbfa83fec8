// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the defaults depend on.
package struct HostFacts: Equatable, Sendable {
    package var isRoot: Bool
    /// nil where the user has none.
    package var homeDirectory: String?
    /// What the machine, or the control group that this process was put into, has.
    package var memoryMiB: Int

    package init(isRoot: Bool, homeDirectory: String?, memoryMiB: Int) {
        self.isRoot = isRoot
        self.homeDirectory = homeDirectory
        self.memoryMiB = memoryMiB
    }

    package static func read(environment: [String: String]) -> HostFacts {
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return HostFacts(isRoot: geteuid() == 0, homeDirectory: home, memoryMiB: Int(memoryBytes() >> 20))
    }

    /// root: /var/lib/martlet; others: `$XDG_DATA_HOME/martlet` or `~/.local/share/martlet`; nil without a home.
    package func defaultDataDirectory(environment: [String: String]) -> String? {
        if isRoot { return "/var/lib/martlet" }
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data + "/martlet" }
        return homeDirectory.map { $0 + "/.local/share/martlet" }
    }

    /// What functions may use together unless configured: all but a tenth, and all but 512 MiB; half of a tiny machine.
    package var defaultFunctionMemoryMiB: Int {
        max(128, memoryMiB - max(512, memoryMiB / 10), memoryMiB / 2)
    }

    private static func memoryBytes() -> UInt64 {
        // A container sees its own limit at the root of the hierarchy (v2, then v1). "max" and v1's huge default are
        // no limits.
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap { path in
            FileManager.default.contents(atPath: path).flatMap {
                UInt64(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return limits.reduce(ProcessInfo.processInfo.physicalMemory, min)
    }
}
