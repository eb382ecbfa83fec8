// SPDX-License-Identifier: Apache-2.0
import CLinux
import CSeccomp
import Foundation
import Glibc

/// The seccomp program of every sandbox, as the bytes that the spawner installs.
///
/// An allow-list kept as data (`Resources/syscalls.json`, each group with its reason). What the list names as refused
/// answers EPERM; what it does not name answers ENOSYS, as if this kernel did not have it, so that libraries fall back.
/// A call through another architecture's table kills the process. libseccomp makes the program; the spawner does not link it.
package enum SystemCallFilter {
    package struct Group: Decodable, Sendable {
        package var group: String
        package var why: String
        package var syscalls: [String]
    }

    package struct Rules: Decodable, Sendable {
        package var allowed: [Group]
        package var refused: [Group]
    }

    /// The list as it was built into the program.
    package static func rules() throws -> Rules {
        try JSONDecoder().decode(Rules.self, from: Data(PackageResources.syscalls_json))
    }

    /// `struct sock_filter` instructions, eight bytes each.
    package static func program(_ rules: Rules) throws(SandboxPolicyError) -> [UInt8] {
        let notImplemented = cseccomp_errno(UInt16(ENOSYS))
        guard let filter = seccomp_init(notImplemented) else {
            throw SandboxPolicyError(step: "seccomp_init", errno: ENOMEM)
        }
        defer { seccomp_release(filter) }
        func check(_ step: String, _ result: CInt) throws(SandboxPolicyError) {
            guard result == 0 else { throw SandboxPolicyError(step: step, errno: -result) }
        }
        try check("badarch", seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, cseccomp_kill_process()))
        // A binary search over the numbers instead of a walk down the list: the filter runs at every system call.
        try check("optimise", seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2))
        func add(_ action: UInt32, _ name: String, _ comparisons: [scmp_arg_cmp] = []) throws(SandboxPolicyError) {
            let number = cseccomp_syscall(name)
            // A name that this libseccomp does not know stays at ENOSYS.
            guard number != cseccomp_unknown() else { return }
            let result = comparisons.withUnsafeBufferPointer {
                seccomp_rule_add_array(filter, action, number, UInt32($0.count), $0.baseAddress)
            }
            // EDOM: the call does not exist on this architecture.
            guard result == -EDOM else { return try check(name, result) }
        }
        for name in rules.allowed.flatMap(\.syscalls) { try add(cseccomp_allow(), name) }
        for name in rules.refused.flatMap(\.syscalls) { try add(cseccomp_errno(UInt16(EPERM)), name) }
        try addArguments(add)
        return try export(filter)
    }

    /// Calls whose arguments decide.
    private static func addArguments(
        _ add: (UInt32, String, [scmp_arg_cmp]) throws(SandboxPolicyError) -> Void
    ) throws(SandboxPolicyError) {
        let refuse = cseccomp_errno(UInt16(EPERM))
        func masked(_ argument: UInt32, _ mask: UInt64, equals value: UInt64) -> scmp_arg_cmp {
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
        }
        func equal(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
            scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
        }
        // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: allowed only when none is set.
        try add(cseccomp_allow(), "clone", [masked(0, 0x7E02_0000, equals: 0)])
        for flag in [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000]
            as [UInt64]
        {
            try add(refuse, "clone", [masked(0, flag, equals: flag)])
        }
        // Only local and Internet sockets, streams and datagrams; NETLINK_ROUTE for getifaddrs(3). Raw and packet types
        // need a capability that nothing inside has; they are refused here as well. Flags sit above the low four bits.
        let types: [UInt64] = [
            UInt64(SOCK_STREAM.rawValue), UInt64(SOCK_DGRAM.rawValue), UInt64(SOCK_SEQPACKET.rawValue),
        ]
        for family in [AF_UNIX, AF_INET, AF_INET6] {
            for type in types {
                try add(cseccomp_allow(), "socket", [equal(0, UInt64(family)), masked(1, 0xF, equals: type)])
            }
            try add(refuse, "socket", [equal(0, UInt64(family)), masked(1, 0xF, equals: UInt64(SOCK_RAW.rawValue))])
        }
        try add(cseccomp_allow(), "socket", [equal(0, UInt64(AF_NETLINK)), equal(2, 0)])
        try add(
            refuse,
            "socket",
            [equal(0, UInt64(AF_NETLINK)), scmp_arg_cmp(arg: 2, op: SCMP_CMP_NE, datum_a: 0, datum_b: 0)]
        )
        for family in UInt64(0)..<UInt64(64)
        where ![UInt64(AF_UNIX), UInt64(AF_INET), UInt64(AF_INET6), UInt64(AF_NETLINK)].contains(family) {
            try add(refuse, "socket", [equal(0, family)])
        }
        // PER_LINUX, and asking for the present one.
        try add(cseccomp_allow(), "personality", [equal(0, 0)])
        try add(cseccomp_allow(), "personality", [equal(0, 0xFFFF_FFFF)])
        // TIOCSTI puts characters into a terminal's input.
        let pushInput: UInt64 = 0x5412
        try add(refuse, "ioctl", [equal(1, pushInput)])
        try add(cseccomp_allow(), "ioctl", [scmp_arg_cmp(arg: 1, op: SCMP_CMP_NE, datum_a: pushInput, datum_b: 0)])
    }

    /// libseccomp writes a program to a descriptor only.
    private static func export(_ filter: scmp_filter_ctx) throws(SandboxPolicyError) -> [UInt8] {
        let file = clinux_memory_file("seccomp")
        guard file >= 0 else { throw SandboxPolicyError(step: "memfd_create", errno: -file) }
        defer { close(file) }
        let result = seccomp_export_bpf(filter, file)
        guard result == 0 else { throw SandboxPolicyError(step: "seccomp_export_bpf", errno: -result) }
        let size = lseek(file, 0, SEEK_END)
        guard size > 0 else { throw SandboxPolicyError(step: "lseek", errno: errno) }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        guard count == size else { throw SandboxPolicyError(step: "pread", errno: errno) }
        return bytes
    }
}

/// A library could not make a part of the sandbox's policy; the server does not start then.
package struct SandboxPolicyError: Error, CustomStringConvertible {
    package var step: String
    package var errno: CInt

    package var description: String { "sandbox policy: \(step): \(String(cString: strerror(errno)))" }
}
