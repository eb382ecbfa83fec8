// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox

/// What the machine, or the container that the server runs in, has left.
enum MachineMemory {
    /// MiB that can be had without swapping: the kernel's own estimate, or less where a container's limit comes first; nil where
    /// neither is told.
    static func availableMiB() -> Int? {
        let v1 = "/sys/fs/cgroup/memory"
        let found = [
            (try? FileText.read("/proc/meminfo")).flatMap { number("MemAvailable:", in: $0) }.map { $0 << 10 },
            container("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
            container(v1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ]
        return found.compactMap { $0 }.min().map { $0 >> 20 }
    }

    /// Bytes that a container has left: of what it uses, the kernel takes back files that nobody has read for a while.
    private static func container(_ group: String, _ limit: String, _ usage: String, _ reclaimable: String) -> Int? {
        guard let most = (try? FileText.read("\(group)/\(limit)")).flatMap(leadingNumber),
            let used = (try? FileText.read("\(group)/\(usage)")).flatMap(leadingNumber)
        else { return nil }
        let files = (try? FileText.read("\(group)/memory.stat")).flatMap { number(reclaimable, in: $0) } ?? 0
        return max(0, most - max(0, used - files))
    }

    /// The number behind a word that begins a line.
    private static func number(_ name: String, in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count >= 2, fields[0] == name { return Int(fields[1]) }
        }
        return nil
    }

    /// nil for "max", which is no limit.
    private static func leadingNumber(_ text: String) -> Int? { Int(text.prefix { $0.isNumber }) }
}
