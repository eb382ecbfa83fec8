// SPDX-License-Identifier: Apache-2.0
import CArchive
import Glibc
import LambdaModel

/// Zip intake through libarchive: what a deployment package unpacks to, with everything refused that is not plainly
/// files, directories and links inside its root.
///
/// Sizes are those measured while decompressing; what headers say of them is never trusted. Only stored and deflated
/// entries are read, as Lambda has it: other methods would let a header ask for gigabytes of memory.
/// Both calls block for as long as decompressing 250 MiB takes; `CodeStore` has them on its threads.
package enum CodeArchive {
    /// Entries and the directories that they imply.
    package static let entriesMax = 100_000

    package struct Summary: Equatable, Sendable {
        /// As many as the archive has, those that a later one replaced included.
        package var entries: Int
        package var unzippedBytes: Int

        package init(entries: Int, unzippedBytes: Int) {
            self.entries = entries
            self.unzippedBytes = unzippedBytes
        }
    }

    /// Reads the whole archive and checks everything that `unpack` checks, writing nothing.
    package static func inspect(_ zip: [UInt8]) throws(ArchiveRefusal) -> Summary {
        var unpacking = Unpacking(writer: nil)
        try unpacking.add(zip)
        return try unpacking.finish()
    }

    /// Unpacks into an empty directory, which stays open and the caller's; best on a tmpfs of the caller's own.
    ///
    /// Files belong to the process, keep their permission bits without setuid, setgid and sticky (directories are at
    /// least `rwx` for their owner), and are all of 1980-01-01. An archive that holds no Unix modes gets 0755 for
    /// directories and 0644 for files. After an error a part may be there: throw the directory away.
    package static func unpack(_ zip: [UInt8], into directory: Int32) throws(ArchiveRefusal) -> Summary {
        var unpacking = Unpacking(into: directory)
        try unpacking.add(zip)
        return try unpacking.finish()
    }

    /// Several archives into one directory, each laid over those before it, as a function's layers are (see `ArchiveTree`).
    ///
    /// The limits are those of one archive, for all of them together.
    package struct Unpacking {
        private var tree = ArchiveTree()
        private var summary = Summary(entries: 0, unzippedBytes: 0)
        private let writer: TreeWriter?

        /// Into an empty directory, as `unpack`.
        package init(into directory: Int32) { self.init(writer: TreeWriter(root: directory)) }

        fileprivate init(writer: TreeWriter?) { self.writer = writer }

        package mutating func add(_ zip: [UInt8]) throws(ArchiveRefusal) {
            let directory = try ZipDirectory(zip)
            tree.beginArchive()
            let result = CodeArchive.withUTF8Names { () -> Result<Void, ArchiveRefusal> in
                zip.withUnsafeBytes { bytes in
                    Result { () throws(ArchiveRefusal) in
                        let reader = try ArchiveReader(bytes)
                        defer { reader.close() }
                        try addEntries(reader, directory)
                    }
                }
            }
            guard let result else {
                throw .machine("this machine has no C.UTF-8 locale, which reading names in archives needs")
            }
            try result.get()
        }

        /// When nothing more is added: checks what only the whole shows.
        package mutating func finish() throws(ArchiveRefusal) -> Summary {
            try tree.checkLinks()
            try writer?.finish(tree)
            return summary
        }

        private mutating func addEntries(
            _ reader: ArchiveReader,
            _ directory: ZipDirectory
        ) throws(ArchiveRefusal) {
            var index = 0
            while let entry = try reader.next() {
                summary.entries += 1
                guard summary.entries <= entriesMax else {
                    throw .unusable("there are more than \(entriesMax) entries")
                }
                let name = try directory.storedName(at: index, readAs: entry.name)
                index += 1
                let path = try ArchiveTree.components(of: name)
                let storedMode = directory.hasUnixModes ? entry.mode & 0o777 : 0
                let mode = storedMode != 0 ? storedMode : (entry.kind == .directory ? 0o755 : 0o644)
                if let replaced = try tree.add(path, kind: entry.kind, mode: mode) { try writer?.remove(replaced) }
                switch entry.kind {
                case .directory: try writer?.makeDirectory(path)
                case .link(let target): try writer?.makeLink(path, target: target)
                case .file: try addFile(reader, path, mode: mode)
                }
            }
            guard index == directory.count else { throw ZipDirectory.twoReadings }
        }

        private mutating func addFile(
            _ reader: ArchiveReader,
            _ path: ArchiveTree.Path,
            mode: UInt32
        ) throws(ArchiveRefusal) {
            let file = try writer?.makeFile(path)
            defer { file.map { _ = Glibc.close($0) } }
            try reader.readData { chunk throws(ArchiveRefusal) in
                summary.unzippedBytes += chunk.count
                guard summary.unzippedBytes <= LimitsProfile.unzippedBytesMax else {
                    throw ArchiveRefusal(
                        kind: .tooLarge,
                        reason: "it unpacks to more than \(LimitsProfile.unzippedBytesMax) bytes"
                    )
                }
                if let file { try writer?.write(chunk, to: file, at: path) }
            }
            if let file { try writer?.finishFile(file, mode: mode, at: path) }
        }
    }

    /// Runs `body` with UTF-8 as this thread's character set, whatever the process's is; nil where there is no such
    /// locale.
    ///
    /// libarchive turns names that a zip marks as UTF-8 into the locale's characters, and in the C locale loses them.
    private static func withUTF8Names<T>(_ body: () -> T) -> T? {
        guard let locale = newlocale(1 << LC_CTYPE, "C.UTF-8", nil) else { return nil }
        defer { freelocale(locale) }
        let previous = uselocale(locale)
        defer { uselocale(previous) }
        return body()
    }
}

/// libarchive's zip reader over bytes in memory, which must outlive it.
private final class ArchiveReader {
    struct Entry {
        var name: [UInt8]
        var kind: ArchiveTree.Kind
        var mode: UInt32
    }

    private let archive: OpaquePointer
    private var buffer = [UInt8](repeating: 0, count: 131_072)

    init(_ bytes: UnsafeRawBufferPointer) throws(ArchiveRefusal) {
        guard let archive = archive_read_new() else { throw .machine("libarchive: out of memory") }
        self.archive = archive
        // The seekable reader only: it goes by the central directory, so an archive that was cut off has no end.
        guard archive_read_support_format_zip_seekable(archive) == ARCHIVE_OK,
            archive_read_open_memory(archive, bytes.baseAddress, bytes.count) == ARCHIVE_OK
        else {
            let reason = message
            close()
            throw .unusable(reason)
        }
    }

    func close() { archive_read_free(archive) }

    /// The next entry, or nil at the end.
    func next() throws(ArchiveRefusal) -> Entry? {
        var pointer: OpaquePointer?
        let status = archive_read_next_header(archive, &pointer)
        if status == ARCHIVE_EOF { return nil }
        // A warning is a name that is not the UTF-8 it says, or headers that contradict each other.
        guard status == ARCHIVE_OK, let pointer else { throw .unusable(message) }
        guard let pathname = archive_entry_pathname(pointer) else { throw .unusable("an entry has no readable name") }
        let name = Self.bytes(pathname)
        guard archive_entry_is_encrypted(pointer) == 0 else {
            throw .unusable("\(ArchiveRefusal.quote(name)) is encrypted")
        }
        guard archive_entry_hardlink(pointer) == nil else {
            throw .unusable("\(ArchiveRefusal.quote(name)) is a hard link")
        }
        let kind: ArchiveTree.Kind
        switch mode_t(archive_entry_filetype(pointer)) {
        case S_IFREG:
            try checkMethod(of: name)
            kind = .file
        case S_IFDIR: kind = .directory
        case S_IFLNK:
            guard let target = archive_entry_symlink(pointer) else {
                throw .unusable("the link \(ArchiveRefusal.quote(name)) has no readable target")
            }
            kind = .link(target: Self.bytes(target))
        default: throw .unusable("\(ArchiveRefusal.quote(name)) is neither file, directory nor link")
        }
        return Entry(name: name, kind: kind, mode: UInt32(archive_entry_perm(pointer)))
    }

    /// Gives the current entry's bytes to `consume`, at most 128 KiB at a time; the checksum is checked at the end.
    func readData(_ consume: (UnsafeRawBufferPointer) throws(ArchiveRefusal) -> Void) throws(ArchiveRefusal) {
        while true {
            let count = archive_read_data(archive, &buffer, buffer.count)
            guard count >= 0 else { throw .unusable(message) }
            guard count > 0 else { return }
            let result = buffer.withUnsafeBytes { bytes in
                Result { () throws(ArchiveRefusal) in try consume(UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
            }
            try result.get()
        }
    }

    /// libarchive's name of the format ends in the current entry's method: `ZIP 2.0 (deflation)`.
    private func checkMethod(of name: [UInt8]) throws(ArchiveRefusal) {
        let format = archive_format_name(archive).map { String(cString: $0) } ?? ""
        guard format.hasSuffix("(deflation)") || format.hasSuffix("(uncompressed)") else {
            throw .unusable("\(ArchiveRefusal.quote(name)) is compressed by another method than deflate: \(format)")
        }
    }

    private var message: String {
        let text = archive_error_string(archive).map { String(cString: $0) } ?? "broken"
        // Some of its messages end in a newline, and a reason is one line.
        let words = text.prefix(300).split { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 0x20 } }
        return "libarchive: \(words.joined(separator: " "))"
    }

    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}
