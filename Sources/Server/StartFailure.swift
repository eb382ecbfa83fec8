import Glibc
// SPDX-License-Identifier: Apache-2.0
import LinuxSandbox

/// Why the server can't start, in one line that says what to do.
struct StartFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }

    /// A step of building a sandbox that this host does not allow.
    init(sandbox error: SyscallError) {
        guard error.call != "flock" else {
            description =
                "The sandboxes of an earlier server of this data directory are still being taken away (\(error)). Try again in a "
                + "moment; processes that do not end are listed by 'ps -C martlet-spawner'."
            return
        }
        description = "Sandboxes can't be built on this host: \(error). \(Self.advice(error)) See docs/hosts.md."
    }

    static func advice(_ error: SyscallError) -> String {
        switch (error.call, error.errno) {
        case ("unshare", _), ("clone3", EPERM), ("clone3", EACCES), ("open", EACCES), ("write", EPERM),
            ("write", EACCES):
            return userNamespaceAdvice()
        case ("clone3", ENOSPC):
            return "The limit on namespaces is reached: raise user.max_user_namespaces and its siblings with sysctl."
        case ("mount", EPERM) where error.subject == "proc":
            return
                "This looks like a container with a masked /proc: allow it with --security-opt systempaths=unconfined "
                + "(Docker, Podman) or procMount: Unmasked (Kubernetes)."
        case ("mount_setattr", ENOSYS), ("open_tree", ENOSYS): return "Linux 5.12 or newer is needed."
        case ("netlink", _):
            return "The kernel's nf_tables, nft_redir and nft_reject_inet are needed (modprobe nf_tables)."
        case ("posix_spawn", _): return "martlet-spawner has to be in the directory of martlet."
        case ("seccomp", _): return "The kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)."
        default: return "Run 'martlet doctor' for the whole list."
        }
    }

    /// Which of the settings that forbid user namespaces this host has.
    static func userNamespaceAdvice() -> String {
        func value(_ name: String) -> String? {
            (try? FileText.read("/proc/sys/\(name)")).map { String($0.prefix { $0 != "\n" }) }
        }
        if value("kernel/apparmor_restrict_unprivileged_userns") == "1", geteuid() != 0 {
            return
                "AppArmor forbids user namespaces (kernel.apparmor_restrict_unprivileged_userns=1): install the profile "
                + "Resources/apparmor/martlet."
        }
        if value("kernel/unprivileged_userns_clone") == "0", geteuid() != 0 {
            return "User namespaces are off (sysctl kernel.unprivileged_userns_clone=1 allows them)."
        }
        if value("user/max_user_namespaces") == "0" {
            return "User namespaces are off (sysctl user.max_user_namespaces=10000 allows them)."
        }
        return "User namespaces are not allowed here; in a container they take --security-opt seccomp=unconfined."
    }
}
