// SPDX-License-Identifier: Apache-2.0
package import LinuxSandbox

/// What holds one of a function's limits on this host, in words for whoever runs the server.
package struct LimitStatement: Equatable, Sendable {
    /// Of the log's metadata and of `martlet doctor`.
    package var subject: String
    package var text: String
    /// False where it is not as on Lambda.
    package var isFull: Bool

    package static func all(_ groups: ControlGroupSummary) -> [LimitStatement] {
        let group = "control group (version \(groups.version))"
        return [
            groups.has("memory")
                ? .init(subject: "memory", text: "held by a \(group), without swap", isFull: true)
                : .init(
                    subject: "memory",
                    text:
                        "no control group: each process may take the function's memory and 1 GiB (RLIMIT_DATA), and a "
                        + "function whose processes together are seen beyond it, every 50 ms, is killed; swap, /tmp, "
                        + "/dev/shm, files of memfd_create and socket buffers do not count",
                    isFull: false
                ),
            groups.has("cpu")
                ? .init(subject: "cpu", text: "shared out by memory size, by a \(group)", isFull: true)
                : .init(
                    subject: "cpu",
                    text: "no control group: not shared out, any function may use every processor",
                    isFull: false
                ),
            groups.has("pids")
                ? .init(subject: "processes", text: "held by a \(group)", isFull: true)
                : .init(
                    subject: "processes",
                    text: "no control group: held by RLIMIT_NPROC, in each environment's own user namespace",
                    isFull: false
                ),
            groups.has("freezer")
                ? .init(subject: "freezing", text: "idle environments are frozen by a \(group)", isFull: true)
                : .init(
                    subject: "freezing",
                    text: "no control group: idle environments are stopped by SIGSTOP",
                    isFull: false
                ),
            groups.has(.memoryPeak)
                ? .init(subject: "max memory used", text: "counted by the \(group)", isFull: true)
                : .init(
                    subject: "max memory used",
                    text: "not counted by the kernel: the sum of the processes' peaks, where they are seen",
                    isFull: false
                ),
        ]
    }
}
