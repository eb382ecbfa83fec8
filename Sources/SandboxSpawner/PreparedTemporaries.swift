// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// File systems for /tmp that are mounted ahead of need, each waiting without a place for the sandbox that will have it.
///
/// A detached mount goes with its descriptor, and its loop device with the mount (LO_FLAGS_AUTOCLEAR): when the spawner dies
/// nothing of it is left. Without a place it is in no mount namespace that a sandbox gets a copy of.
struct PreparedTemporaries {
    private var mounts: [UInt64: CInt] = [:]

    /// Mounts the ext4 file system in `image`, which stays the caller's.
    mutating func prepare(_ number: UInt64, image: CInt) throws(SyscallError) {
        guard mounts[number] == nil else {
            throw SyscallError(call: "mount", errno: EEXIST, subject: "temporary \(number)")
        }
        let device = Descriptor(try check("loop", clinux_attach_loop(image)))
        let mount = Descriptor(
            try newMount(
                "ext4",
                [
                    ("source", "/proc/self/fd/\(device.number)"), ("noinit_itable", ""), ("discard", ""),
                    ("nobarrier", ""),
                ],
                [.noSetuid, .noDevices, .noAccessTimes]
            )
        )
        // SAFETY: the name outlives the call.
        let removed = unsafe clinux_rmdirat(mount.number, "lost+found")
        guard removed == 0 || removed == -ENOENT else { throw SyscallError(call: "rmdir", errno: -removed) }
        mounts[number] = mount.release()
    }

    /// Unmounts it; nothing happens when it is not there.
    mutating func discard(_ number: UInt64) {
        if let mount = mounts.removeValue(forKey: number) { close(mount) }
    }

    /// Gives the file system to its sandbox's user and moves it to `path`, where the caller unmounts it.
    ///
    /// However it ends, nobody else gets that file system.
    mutating func attach(_ number: UInt64, at path: String, owner: UInt32) throws(SyscallError) {
        guard let mount = mounts.removeValue(forKey: number).map(Descriptor.init) else {
            throw SyscallError(call: "mount", errno: ENOENT, subject: "temporary \(number)")
        }
        // SAFETY: the strings outlive the calls.
        let root = Descriptor(
            try check("open", path, unsafe clinux_openat(mount.number, ".", O_RDONLY | O_DIRECTORY, 0))
        )
        try check("chown", path, clinux_chown_root(root.number, owner, owner, 0o1777))
        try check("move_mount", path, unsafe clinux_move_mount(mount.number, AT_FDCWD, path))
    }
}
