// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// A directory, open, that goes away with the test.
///
/// Beside `root` nothing may ever appear in `path`.
final class Scratch: Sendable {
    let path: String
    let root: String
    let descriptor: Int32

    init() throws {
        path = NSTemporaryDirectory() + "martlet-code-\(UUID().uuidString)"
        root = path + "/root"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        descriptor = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    /// Path below the root to `d MODE`, `f MODE CONTENT` or `l TARGET`.
    func tree() throws -> [String: String] {
        var found: [String: String] = [:]
        func walk(_ directory: String, _ prefix: String) throws {
            for name in try names(directory) {
                let full = "\(directory)/\(name)"
                var status = stat()
                try #require(lstat(full, &status) == 0)
                let mode = String(status.st_mode & 0o7777, radix: 8)
                switch status.st_mode & S_IFMT {
                case S_IFDIR:
                    found[prefix + name] = "d \(mode)"
                    try walk(full, prefix + name + "/")
                case S_IFLNK:
                    found[prefix + name] = try "l " + FileManager.default.destinationOfSymbolicLink(atPath: full)
                default:
                    let content = try Data(contentsOf: URL(fileURLWithPath: full))
                    found[prefix + name] = "f \(mode) \(String(decoding: content, as: UTF8.self))"
                }
            }
        }
        try walk(root, "")
        return found
    }

    /// Names as the kernel has them: no normalisation on the way.
    private func names(_ directory: String) throws -> [String] {
        let stream = try #require(opendir(directory))
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    deinit {
        close(descriptor)
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }
}
