// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
package import LinuxSandbox

/// The memory-backed store that sandboxes' files come from.
///
/// It is mounted in the spawner's mount namespace only; the server reaches it through a directory descriptor, and it
/// goes when both processes have.
package struct SandboxStore: Sendable {
    /// Root of the store, for the server.
    package let directory: CInt
    /// The same, as the spawner and the sandboxes' inits name it.
    package let path: String

    package init(directory: CInt, path: String) {
        self.directory = directory
        self.path = path
    }

    /// Directory of the root that every sandbox starts from.
    package static let root = "root"

    package func makeDirectory(_ name: String) throws(SyscallError) {
        var walked = ""
        for part in name.split(separator: "/") {
            walked += walked.isEmpty ? String(part) : "/\(part)"
            let result = clinux_mkdirat(directory, walked, 0o755)
            guard result == 0 || result == -EEXIST else {
                throw SyscallError(call: "mkdir", errno: -result, subject: walked)
            }
        }
    }

    package func openDirectory(_ name: String) throws(SyscallError) -> CInt {
        try check("open", name, clinux_openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0))
    }

    package func write(_ content: [UInt8], to name: String) throws(SyscallError) {
        if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
        let file = try check(
            "open",
            name,
            clinux_openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
        )
        defer { close(file) }
        var written = 0
        while written < content.count {
            let count = content[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw SyscallError(call: "write", errno: errno, subject: name) }
            written += count
        }
    }

    package func link(_ name: String, to target: String) throws(SyscallError) {
        guard symlinkat(target, directory, name) == 0 || errno == EEXIST else {
            throw SyscallError(call: "symlink", errno: errno, subject: name)
        }
    }

    /// Removes a directory and everything in it; used for code that no environment runs any more.
    package func removeTree(_ name: String) throws(SyscallError) {
        let parent = try openDirectory(name)
        let names = Self.names(in: parent)
        close(parent)
        for child in names {
            let path = "\(name)/\(child)"
            if unlinkat(directory, path, 0) != 0 {
                guard errno == EISDIR || errno == EPERM else {
                    throw SyscallError(call: "unlink", errno: errno, subject: path)
                }
                try removeTree(path)
            }
        }
        try check("rmdir", name, clinux_rmdirat(directory, name))
    }

    /// What is no directory in a directory of a customer's, the first names in their order; none where there is no such directory,
    /// or a link in its place.
    package func programs(in name: String, atMost max: Int) throws(SyscallError) -> [String] {
        let directory: CInt
        do {
            directory = try openDirectory(name)
        } catch {
            guard [ENOENT, ENOTDIR, ELOOP].contains(error.errno) else { throw error }
            return []
        }
        defer { close(directory) }
        return Array(Self.names(in: directory) { $0 != UInt8(DT_DIR) }.sorted().prefix(max))
    }

    private static func names(in directory: CInt, _ isIncluded: (UInt8) -> Bool = { _ in true }) -> [String] {
        guard let stream = fdopendir(dup(directory)) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            guard isIncluded(entry.pointee.d_type) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
