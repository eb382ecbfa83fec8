// SPDX-License-Identifier: Apache-2.0
import CArchive
import Foundation
import Glibc
import LambdaModel

/// Makes a deployment package of a directory.
///
/// The same files give the same bytes: entries are sorted, times are left out, owners are root. Modes and links are
/// kept; `.git` and `__pycache__` are left out.
struct CodeDirectory {
    static let excludedNames: Set<String> = [".git", "__pycache__"]
    static let entriesMax = 100_000

    struct Entry: Equatable {
        enum Kind: Equatable {
            case directory
            case file(size: Int)
            case link(target: String)
        }

        /// From the directory, without a leading slash; a directory's ends in one.
        var path: String
        var kind: Kind
        /// Permission bits, without setuid, setgid and sticky.
        var mode: mode_t
    }

    let root: String
    let entries: [Entry]

    /// Lists the directory; throws for what can't be in a package (sockets, devices), and for what is too large.
    init(_ root: String) throws(ClientError) {
        self.root = root
        var entries: [Entry] = []
        var pending = [""]
        var total = 0
        while let directory = pending.popLast() {
            for name in try Self.names(in: root + "/" + directory) where !Self.excludedNames.contains(name) {
                let entry = try Self.entry(directory + name, in: root)
                if entry.kind == .directory { pending.append(entry.path) }
                if case .file(let size) = entry.kind { total += size }
                entries.append(entry)
                guard entries.count <= Self.entriesMax else {
                    throw ClientError("\(root) has more than \(Self.entriesMax) files.")
                }
            }
        }
        guard total <= LimitsProfile.unzippedBytesMax else {
            throw ClientError(
                "\(root) has \(total) bytes; a function's code may have \(LimitsProfile.unzippedBytesMax)."
            )
        }
        guard entries.contains(where: { $0.kind != .directory }) else { throw ClientError("\(root) has no files.") }
        self.entries = entries.sorted { Array($0.path.utf8).lexicographicallyPrecedes(Array($1.path.utf8)) }
    }

    private static func names(in directory: String) throws(ClientError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ClientError("\(directory) can't be read: \(error.localizedDescription)")
        }
    }

    private static func entry(_ path: String, in root: String) throws(ClientError) -> Entry {
        let full = root + "/" + path
        var status = stat()
        guard lstat(full, &status) == 0 else {
            throw ClientError("\(full) can't be read: \(String(cString: strerror(errno)))")
        }
        let mode = status.st_mode & 0o777
        switch status.st_mode & Glibc.S_IFMT {
        case Glibc.S_IFDIR: return Entry(path: path + "/", kind: .directory, mode: mode)
        case Glibc.S_IFREG: return Entry(path: path, kind: .file(size: Int(status.st_size)), mode: mode)
        case Glibc.S_IFLNK:
            do {
                let target = try FileManager.default.destinationOfSymbolicLink(atPath: full)
                return Entry(path: path, kind: .link(target: target), mode: 0o777)
            } catch {
                throw ClientError("\(full) can't be read: \(error.localizedDescription)")
            }
        default: throw ClientError("\(full) is neither a file, nor a directory, nor a link.")
        }
    }

    /// The zip's bytes, at most `LimitsProfile.zipUploadBytesMax`.
    func zip() throws(ClientError) -> [UInt8] {
        let max = LimitsProfile.zipUploadBytesMax
        var failure: ClientError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max) { buffer, count in
            // libarchive marks names as UTF-8 only where the thread's locale says that they are.
            let utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
            let previous = utf8.map { uselocale($0) }
            defer {
                if let utf8, let previous {
                    uselocale(previous)
                    freelocale(utf8)
                }
            }
            do throws(ClientError) {
                try write(into: buffer, &count)
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private func write(into buffer: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int) throws(ClientError) {
        guard let archive = archive_write_new(), let entry = archive_entry_new() else {
            throw ClientError("There is not enough memory for the package.")
        }
        defer {
            archive_entry_free(entry)
            archive_write_free(archive)
        }
        func check(_ code: Int32, _ subject: String) throws(ClientError) {
            guard code == ARCHIVE_OK else {
                if archive_errno(archive) == ENOMEM || count > buffer.count {
                    throw ClientError("The package of \(root) is larger than \(buffer.count) bytes, Lambda's limit.")
                }
                let reason = archive_error_string(archive).map { String(cString: $0) } ?? "error \(code)"
                throw ClientError("\(subject) can't be packed: \(reason)")
            }
        }
        var used = 0
        try check(archive_write_set_format_zip(archive), root)
        try check(archive_write_set_options(archive, "zip:compression=deflate"), root)
        try check(archive_write_open_memory(archive, buffer.baseAddress, buffer.count, &used), root)
        for item in entries {
            archive_entry_clear(entry)
            archive_entry_copy_pathname(entry, item.path)
            archive_entry_set_perm(entry, item.mode)
            archive_entry_set_uid(entry, 0)
            archive_entry_set_gid(entry, 0)
            switch item.kind {
            case .directory:
                archive_entry_set_filetype(entry, UInt32(Glibc.S_IFDIR))
                try check(archive_write_header(archive, entry), item.path)
            case .link(let target):
                archive_entry_set_filetype(entry, UInt32(Glibc.S_IFLNK))
                archive_entry_copy_symlink(entry, target)
                try check(archive_write_header(archive, entry), item.path)
            case .file(let size):
                archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
                archive_entry_set_size(entry, Int64(size))
                try check(archive_write_header(archive, entry), item.path)
                try copy(item.path, size: size, to: archive, check)
            }
        }
        try check(archive_write_close(archive), root)
        count = used
    }

    /// Writes a file's bytes; one that changes while it is read would give a broken package.
    private func copy(
        _ path: String,
        size: Int,
        to archive: OpaquePointer,
        _ check: (Int32, String) throws(ClientError) -> Void
    ) throws(ClientError) {
        let full = root + "/" + path
        guard let file = FileHandle(forReadingAtPath: full) else {
            throw ClientError("\(full) can't be read: \(String(cString: strerror(errno)))")
        }
        defer { file.closeFile() }
        var left = size
        while true {
            let chunk: Data
            do {
                chunk = try file.read(upToCount: 1 << 20) ?? Data()
            } catch {
                throw ClientError("\(full) can't be read: \(error.localizedDescription)")
            }
            if chunk.isEmpty { break }
            left -= chunk.count
            guard left >= 0 else { break }
            let written = chunk.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
            if written != chunk.count { try check(ARCHIVE_FATAL, path) }
        }
        guard left == 0 else { throw ClientError("\(full) changed while it was read: deploy again.") }
    }
}
