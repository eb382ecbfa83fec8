// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Writes an `ArchiveTree`'s entries below one directory.
///
/// `ArchiveTree` has already refused every path that goes through a link. This does not rely on it: each component is
/// opened by itself and never through a link, so even then nothing outside the root could be reached.
final class TreeWriter {
    /// 1980-01-01T00:00:00Z, where a zip's time begins.
    private static let modificationSeconds = 315_532_800

    private let root: Int32

    init(root: Int32) { self.root = root }

    func makeDirectory(_ path: ArchiveTree.Path) throws(ArchiveRefusal) { close(try open(path, creating: true)) }

    /// The descriptor of a new empty file, to be closed by the caller.
    func makeFile(_ path: ArchiveTree.Path) throws(ArchiveRefusal) -> Int32 {
        try inParent(of: path) { parent, name throws(ArchiveRefusal) in
            let file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw Self.failure("open", path) }
            return file
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, at path: ArchiveTree.Path) throws(ArchiveRefusal) {
        var position = 0
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            let count = Glibc.write(file, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.failure("write", path)
            }
            position += count
        }
    }

    func finishFile(_ file: Int32, mode: UInt32, at path: ArchiveTree.Path) throws(ArchiveRefusal) {
        guard fchmod(file, mode) == 0, futimens(file, Self.times) == 0 else { throw Self.failure("fchmod", path) }
    }

    func makeLink(_ path: ArchiveTree.Path, target: [UInt8]) throws(ArchiveRefusal) {
        try inParent(of: path) { parent, name throws(ArchiveRefusal) in
            guard symlinkat(target.map { CChar(bitPattern: $0) } + [0], parent, name) == 0,
                utimensat(parent, name, Self.times, AT_SYMLINK_NOFOLLOW) == 0
            else { throw Self.failure("symlink", path) }
        }
    }

    /// Removes what a later entry replaces.
    func remove(_ replaced: ArchiveTree.Replaced) throws(ArchiveRefusal) {
        try inParent(of: replaced.path) { parent, name throws(ArchiveRefusal) in
            if replaced.isDirectory { try empty(parent, name, replaced.path) }
            guard unlinkat(parent, name, replaced.isDirectory ? AT_REMOVEDIR : 0) == 0 else {
                throw Self.failure("unlink", replaced.path)
            }
        }
    }

    /// As deep as the tree: at most `ArchiveTree.depthMax` descriptors are open at once.
    private func empty(_ parent: Int32, _ name: [CChar], _ path: ArchiveTree.Path) throws(ArchiveRefusal) {
        let directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("open", path) }
        guard let stream = fdopendir(directory) else {
            let refusal = Self.failure("fdopendir", path)
            close(directory)
            throw refusal
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let child = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                Array(bytes.prefix { $0 != 0 }).map { CChar(bitPattern: $0) } + [0]
            }
            if child == [0x2E, 0] || child == [0x2E, 0x2E, 0] { continue }
            let isDirectory = entry.pointee.d_type == UInt8(DT_DIR)
            if isDirectory { try empty(directory, child, path) }
            guard unlinkat(directory, child, isDirectory ? AT_REMOVEDIR : 0) == 0 else {
                throw Self.failure("unlink", path)
            }
        }
    }

    /// Gives every directory its mode and time, once nothing more is written into it.
    func finish(_ tree: ArchiveTree) throws(ArchiveRefusal) {
        try finish(tree, node: 0, descriptor: root, path: [])
    }

    /// As deep as the tree: at most `ArchiveTree.depthMax` descriptors are open at once.
    private func finish(
        _ tree: ArchiveTree,
        node: Int,
        descriptor: Int32,
        path: ArchiveTree.Path
    ) throws(ArchiveRefusal) {
        for (name, child) in tree.nodes[node].children where tree.nodes[child].kind == .directory {
            let below = path + [name]
            let directory = openat(
                descriptor,
                name.map { CChar(bitPattern: $0) } + [0],
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            )
            guard directory >= 0 else { throw Self.failure("open", below) }
            defer { close(directory) }
            try finish(tree, node: child, descriptor: directory, path: below)
        }
        guard fchmod(descriptor, tree.nodes[node].mode | 0o700) == 0, futimens(descriptor, Self.times) == 0 else {
            throw Self.failure("fchmod", path)
        }
    }

    private func inParent<T>(
        of path: ArchiveTree.Path,
        _ body: (Int32, [CChar]) throws(ArchiveRefusal) -> T
    ) throws(ArchiveRefusal) -> T {
        guard let name = path.last else { throw .unusable("an entry would replace the root") }
        let parent = try open(path.dropLast(), creating: true)
        defer { close(parent) }
        return try body(parent, name.map { CChar(bitPattern: $0) } + [0])
    }

    /// The directory at `path`, opened component by component.
    private func open(_ path: some Sequence<[UInt8]>, creating: Bool) throws(ArchiveRefusal) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var current = fcntl(root, F_DUPFD_CLOEXEC, 3)
        guard current >= 0 else { throw Self.failure("dup", []) }
        for component in path {
            let name = component.map { CChar(bitPattern: $0) } + [0]
            var next = openat(current, name, flags)
            if next < 0, errno == ENOENT, creating {
                if mkdirat(current, name, 0o700) != 0 {
                    let refusal = Self.failure("mkdir", [component])
                    close(current)
                    throw refusal
                }
                next = openat(current, name, flags)
            }
            guard next >= 0 else {
                let refusal = Self.failure("open", [component])
                close(current)
                throw refusal
            }
            close(current)
            current = next
        }
        return current
    }

    private static var times: [timespec] {
        [timespec(tv_sec: modificationSeconds, tv_nsec: 0), timespec(tv_sec: modificationSeconds, tv_nsec: 0)]
    }

    private static func failure(_ call: String, _ path: ArchiveTree.Path) -> ArchiveRefusal {
        let code = errno
        let name = ArchiveRefusal.quote(Array(path.joined(separator: [0x2F])))
        return .machine("unpacking \(name): \(call): \(String(cString: strerror(code)))")
    }
}
