// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import SandboxPolicy

/// The refused system calls that exist on this architecture, with their numbers.
enum RefusedCalls {
    static func numbers() throws -> [(name: String, number: Int32)] {
        try SystemCallFilter.rules().refused.flatMap(\.syscalls).compactMap { name in
            let number = seccomp_syscall_resolve_name(name)
            return number >= 0 ? (name, number) : nil
        }
    }
}
