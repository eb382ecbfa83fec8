// SPDX-License-Identifier: Apache-2.0

/// A line of /proc/self/mountinfo: proc_pid_mountinfo(5).
struct MountPoint: Equatable {
    /// The directory of the file system that is mounted.
    var root: String
    var path: String
    var type: String
    /// The file system's own; for cgroup v1 these are its controllers.
    var options: [Substring]

    static func all() -> [MountPoint] {
        guard let text = try? FileText.read("/proc/self/mountinfo") else { return [] }
        return text.split(separator: "\n").compactMap { MountPoint(line: $0) }
    }

    /// "36 35 98:0 /root /mount/point options [optional fields] - type source superoptions".
    init?(line: Substring) {
        let parts = line.split(separator: " ")
        guard let dash = parts.firstIndex(of: "-"), parts.count > dash + 3, dash > 5 else { return nil }
        root = String(parts[3])
        path = String(parts[4])
        type = String(parts[dash + 1])
        options = parts[dash + 3].split(separator: ",")
    }
}
