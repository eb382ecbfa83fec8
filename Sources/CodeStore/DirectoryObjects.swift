// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// Encrypted objects in a local directory: a file for each.
///
/// Files have mode 0600 in a directory of mode 0700.
struct DirectoryObjects: CodeObjects {
    private static let partialSuffix = ".partial"

    private let directory: String
    private let operations: BlockingOperations

    /// Opens the directory, which is made when absent; what a crash left half written is removed.
    ///
    /// One process per directory: another one's unfinished `write` would be taken for such a leftover. Blocks.
    init(_ directory: String, operations: BlockingOperations) throws {
        self.directory = directory
        self.operations = operations
        try Self.makeDirectory(directory)
        for name in try Self.list(directory) where name.hasSuffix(Self.partialSuffix) {
            guard unlink("\(directory)/\(name)") == 0 || errno == ENOENT else {
                throw CodeStoreError.system(call: "unlink", subject: name, errno: errno)
            }
        }
    }

    var place: String { directory }

    func write(_ sealed: [UInt8], objectID: String) async throws {
        try await operations.run { try writeFile(sealed, objectID: objectID) }
    }

    func read(_ objectID: String, bytesMax: Int) async throws -> [UInt8] {
        try await operations.run { try readFile(objectID, bytesMax: bytesMax) }
    }

    func delete(_ objectID: String) async throws {
        try await operations.run {
            guard unlink(path(objectID)) == 0 || errno == ENOENT else {
                throw CodeStoreError.system(call: "unlink", subject: objectID, errno: errno)
            }
        }
    }

    func objectIDs() async throws -> [String] {
        try await operations.run { try Self.list(directory).compactMap { CodeObjectName.objectID($0) } }
    }

    private func path(_ objectID: String) -> String { "\(directory)/\(CodeObjectName.of(objectID))" }

    private func readFile(_ objectID: String, bytesMax: Int) throws -> [UInt8] {
        let descriptor = open(path(objectID), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw CodeStoreError.notFound(objectID: objectID) }
            throw CodeStoreError.system(call: "open", subject: objectID, errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CodeStoreError.system(call: "fstat", subject: objectID, errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= off_t(bytesMax) else {
            throw CodeStoreError.contentChanged(objectID: objectID)
        }
        return try readAll(descriptor, bytes: Int(status.st_size), objectID: objectID)
    }

    private func readAll(_ descriptor: Int32, bytes size: Int, objectID: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let result = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
                if result == 0 { break }
                if result < 0 {
                    if errno == EINTR { continue }
                    throw CodeStoreError.system(call: "read", subject: objectID, errno: errno)
                }
                count += result
            }
        }
    }

    /// Under another name first, synced, renamed, and the directory synced: a crash leaves the whole file or none.
    private func writeFile(_ bytes: [UInt8], objectID: String) throws {
        let partial = "\(directory)/\(objectID)\(Self.partialSuffix)"
        func failure(_ call: String) -> CodeStoreError { .system(call: call, subject: objectID, errno: errno) }
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open") }
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { buffer in
                var position = 0
                while position < buffer.count {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[position...])
                    let result = Glibc.write(descriptor, rest.baseAddress, rest.count)
                    if result < 0 {
                        if errno == EINTR { continue }
                        throw failure("write")
                    }
                    position += result
                }
            }
            guard fsync(descriptor) == 0 else { throw failure("fsync") }
            guard rename(partial, path(objectID)) == 0 else { throw failure("rename") }
        } catch {
            unlink(partial)
            throw error
        }
        try Self.synchronise(directory)
    }

    private static func makeDirectory(_ path: String) throws {
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw CodeStoreError.system(call: "mkdir", subject: path, errno: errno) }
        } else {
            try synchronise(URL(fileURLWithPath: path).deletingLastPathComponent().path)
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw CodeStoreError.system(call: "stat", subject: path, errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CodeStoreError.system(call: "mkdir", subject: path, errno: ENOTDIR)
        }
    }

    private static func synchronise(_ directory: String) throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CodeStoreError.system(call: "open", subject: directory, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw CodeStoreError.system(call: "fsync", subject: directory, errno: errno)
        }
    }

    private static func list(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }
}
