// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// Puts a function's code into the mount namespace of a sandbox that runs already.
///
/// The spawner enters that namespace for the few calls that attach what it has opened in its own, and comes back. It can: it has
/// one thread, and what is owned by a user namespace below its own is its to change (user_namespaces(7)). Every tree is
/// read-only, nosuid and nodev before it is attached.
struct SandboxAssignment {
    /// Root of the store.
    private let store: CInt
    /// The spawner's own, to come back to.
    private let mounts: CInt
    private let root: CInt

    /// In the spawner's final mount namespace; the descriptor stays the caller's.
    init(store: CInt) throws(SyscallError) {
        self.store = try check("dup", fcntl(store, F_DUPFD_CLOEXEC, 0))
        // SAFETY: the paths outlive the calls.
        mounts = try check("open", "ns/mnt", unsafe clinux_open("/proc/self/ns/mnt", O_RDONLY, 0))
        root = try check("open", "/", unsafe clinux_open("/", O_RDONLY | O_DIRECTORY, 0))
    }

    /// The mount namespace of a process, which the caller closes.
    static func mounts(of process: pid_t) throws(SyscallError) -> CInt {
        let path = "/proc/\(process)/ns/mnt"
        // SAFETY: the path outlives the call.
        return try check("open", path, unsafe clinux_open(path, O_RDONLY, 0))
    }

    func carryOut(_ request: AssignmentRequest, mounts sandbox: CInt, hadMemoryMiB: UInt32) throws(SyscallError) {
        let code = Descriptor(try tree(request.code))
        let layers = Descriptor(try layersTree(request.layers))
        try check("setns", "sandbox", clinux_setns(sandbox, CLINUX_NEWNS))
        let result = Swift.Result { () throws(SyscallError) in
            try attach(code.number, at: "/var/task")
            try attach(layers.number, at: "/opt")
            if request.memoryMiB != hadMemoryMiB { try resizeSharedMemory(request.memoryMiB) }
        }
        do throws(SyscallError) {
            try check("setns", "spawner", clinux_setns(mounts, CLINUX_NEWNS))
            try check("chroot", "spawner", clinux_change_root(root))
        } catch {
            // In the wrong place it must not do anything more: its end is every sandbox's.
            print("martlet-spawner: \(error)")
            clinux_exit(1)
        }
        try result.get()
    }

    private func tree(_ name: String) throws(SyscallError) -> CInt {
        guard AssignmentRequest.isName(name) else { throw SyscallError(call: "assign", errno: EINVAL, subject: "code") }
        return try tree(at: "\(AssignmentRequest.codeDirectory)/\(name)")
    }

    /// A directory of the store itself: the server writes what is in it, and a link of its making leads nowhere.
    private func tree(at path: String) throws(SyscallError) -> CInt {
        // SAFETY: the path outlives the call.
        let tree = Descriptor(try check("open_tree", path, unsafe clinux_open_tree_beneath(store, path)))
        let attributes: MountAttributes = [.readOnly, .noSetuid, .noDevices]
        try check("mount_setattr", path, clinux_set_mount_attributes(tree.number, attributes.rawValue, 0))
        return tree.release()
    }

    /// Without layers an empty directory, which covers what has stood in for theirs until here.
    private func layersTree(_ name: String?) throws(SyscallError) -> CInt {
        if let name { return try tree(name) }
        return try tree(at: "root/empty")
    }

    private func attach(_ tree: CInt, at path: String) throws(SyscallError) {
        // SAFETY: the path outlives the call.
        try check("move_mount", path, unsafe clinux_move_mount(tree, AT_FDCWD, path))
    }

    private func resizeSharedMemory(_ memoryMiB: UInt32) throws(SyscallError) {
        let options = "size=\(memoryMiB)m,nr_inodes=\(SandboxPlan.inodes(sizeMiB: memoryMiB))"
        // SAFETY: the strings outlive the call.
        try check(
            "mount",
            "/dev/shm",
            unsafe clinux_mount(nil, "/dev/shm", nil, UInt(MS_REMOUNT | MS_NOSUID | MS_NODEV), options)
        )
    }
}
