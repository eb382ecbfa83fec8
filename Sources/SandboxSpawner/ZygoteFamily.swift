// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// What sandboxes are made below: the user and the pid namespace of a zygote's sandbox.
///
/// A process without any capability may enter a user namespace that its own user owns, if its own is the parent of that, and a pid
/// namespace only if that is below its own (setns(2)). So what a zygote's children enter is made inside, by a process that enters
/// for it and that nobody inside can look at.
struct ZygoteFamily {
    private let user: CInt
    private let process: CInt
    private let identities: SandboxIdentities

    init(of process: pid_t, identities: SandboxIdentities) throws(SyscallError) {
        let user = Descriptor(try Self.open(.user, of: process))
        self.process = try Self.open(.pid, of: process)
        self.user = user.release()
        self.identities = identities
    }

    /// The caller owns the descriptor.
    static func open(_ namespace: SandboxNamespace, of process: pid_t) throws(SyscallError) -> CInt {
        let path = "/proc/\(process)/ns/\(namespace.rawValue)"
        // SAFETY: the path outlives the call.
        return try check("open", path, unsafe clinux_open(path, O_RDONLY, 0))
    }

    /// The number of the new sandbox's first process, 0 in that process, or -errno.
    func clone(_ flags: UInt64, identities below: SandboxIdentities, pidfd: inout CInt) -> pid_t {
        // SAFETY: the strings outlive the call, and the number is written before it returns.
        unsafe clinux_clone_beneath(
            flags,
            user,
            process,
            identities.owner,
            below.userMapBelow,
            below.groupMapBelow,
            &pidfd
        )
    }

    func close() {
        Glibc.close(user)
        Glibc.close(process)
    }
}

/// The ids of one sandbox inside its user namespace, and what they are outside.
struct SandboxIdentities {
    /// Unique among the living sandboxes.
    let slot: UInt32
    /// The first subordinate id, where there are any; else all are the spawner's own.
    let first: UInt32?
    let innerUser: UInt32
    let innerGroup: UInt32

    /// Subordinate ids that a zygote's namespace has for those below it.
    private static let slotsMax: UInt32 = 65_536
    /// In a zygote's namespace, that of slot 0.
    private static let firstInside: UInt32 = 100_000

    /// The machine's number of the user that owns the namespace; 0 where that is the caller already.
    var owner: UInt32 { first.map { $0 + slot } ?? 0 }

    func userMap(isZygote: Bool) -> String { map(innerUser, isZygote) }
    func groupMap(isZygote: Bool) -> String { map(innerGroup, isZygote) }

    private func map(_ inner: UInt32, _ isZygote: Bool) -> String {
        let own = "\(inner) \(owner) 1\n"
        guard isZygote, let first else { return own }
        // Each id is there once.
        let before = slot == 0 ? "" : "\(Self.firstInside) \(first) \(min(slot, Self.slotsMax))\n"
        guard slot + 1 < Self.slotsMax else { return own + before }
        return own + before + "\(Self.firstInside + slot + 1) \(first + slot + 1) \(Self.slotsMax - slot - 1)\n"
    }

    /// Outer ids are those of the zygote's namespace.
    var userMapBelow: String { mapBelow(innerUser) }
    var groupMapBelow: String { mapBelow(innerGroup) }

    private func mapBelow(_ inner: UInt32) -> String {
        "\(inner) \(first == nil ? inner : Self.firstInside + slot) 1\n"
    }
}
