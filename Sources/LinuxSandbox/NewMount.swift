// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A new file system, detached: it has no place until it is moved to one, and goes with its last descriptor.
///
/// An option with an empty value is a flag. The caller owns the descriptor.
package func newMount(
    _ type: String,
    _ options: [(String, String)],
    _ attributes: MountAttributes
) throws(SyscallError) -> CInt {
    // SAFETY: strdup's copies live until they are freed below, after the call.
    var pointers: [UnsafePointer<CChar>?] = unsafe []
    for (key, value) in options { unsafe pointers += [UnsafePointer(strdup(key)), UnsafePointer(strdup(value))] }
    unsafe pointers.append(nil)
    defer { unsafe pointers.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
    return try check("mount", type, unsafe clinux_new_mount(type, pointers, attributes.rawValue))
}

/// A detached clone of what is mounted at `path`, with its attributes set before anybody can see it.
///
/// The caller owns the descriptor.
package func detachedTree(_ path: String, recursive: Bool, _ attributes: MountAttributes) throws(SyscallError) -> CInt {
    // SAFETY: the path outlives the call.
    let tree = Descriptor(
        try check("open_tree", path, unsafe clinux_open_tree_clone(AT_FDCWD, path, recursive ? 1 : 0))
    )
    try check(
        "mount_setattr",
        path,
        clinux_set_mount_attributes(tree.number, attributes.rawValue, recursive ? 1 : 0)
    )
    return tree.release()
}

/// MOUNT_ATTR_* of mount_setattr(2) and fsmount(2).
package struct MountAttributes: OptionSet, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let readOnly = MountAttributes(rawValue: 0x1)
    package static let noSetuid = MountAttributes(rawValue: 0x2)
    package static let noDevices = MountAttributes(rawValue: 0x4)
    package static let noExecution = MountAttributes(rawValue: 0x8)
    package static let noAccessTimes = MountAttributes(rawValue: 0x10)
}
