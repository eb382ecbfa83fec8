// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LambdaModel

/// The two files of the journal, `logs-0.journal` and `logs-1.journal`, open for as long as the store is.
final class JournalDirectory: Sendable {
    /// What they hold at a start.
    struct Content: Sendable {
        var files: JournalFiles
        /// Not in the database yet, in order.
        var entries: [JournalScan.Found]
        var damage: [LogStoreError]
        /// Why the disk keeps no room for them.
        var unreserved: LogStoreError?
    }

    private let directory: String
    private let descriptors: [CInt]
    /// What the disk is to keep for each file.
    private let reserveBytes: Int

    init(_ directory: String, reserveBytes: Int) throws(LogStoreError) {
        self.directory = directory
        self.reserveBytes = reserveBytes
        var descriptors: [CInt] = []
        for file in 0..<2 {
            do throws(LogStoreError) {
                descriptors.append(try Self.open(Self.path(file, in: directory), O_RDWR))
            } catch {
                for descriptor in descriptors { close(descriptor) }
                throw error
            }
        }
        self.descriptors = descriptors
        // So that a power cut leaves the files themselves.
        try synchronizeDirectory()
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    private static func path(_ file: Int, in directory: String) -> String { "\(directory)/logs-\(file).journal" }

    private static func open(_ path: String, _ flags: CInt) throws(LogStoreError) -> CInt {
        let descriptor = Glibc.open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw failure("open", path) }
        guard fchmod(descriptor, 0o600) == 0 else {
            defer { close(descriptor) }
            throw failure("chmod", path)
        }
        return descriptor
    }

    private static func failure(_ call: String, _ path: String) -> LogStoreError {
        errno == ENOSPC ? .diskFull : .failed(message: "\(call) \(path): \(String(cString: strerror(errno)))")
    }

    // MARK: - At a start

    /// Takes what is not in the database, and clears what is no whole frame.
    ///
    /// Damage is kept beside, in a file of its own: what was before it is taken.
    func content(folded: UInt64) throws(LogStoreError) -> Content {
        var files: [JournalFiles.File] = []
        var promisedBytes = reserveBytes
        var content = Content(files: .empty, entries: [], damage: [])
        for file in 0..<2 {
            let bytes = try read(file)
            let scan = JournalScan(bytes, folded: folded)
            if scan.isDamaged {
                let path = try putAside(bytes[scan.soundBytes...], of: file)
                content.damage.append(.damagedJournal(bytes: bytes.count - scan.soundBytes, path: path))
            }
            // Synced, so that what is cleared does not come back behind what is written next.
            guard let failure = clear(file, from: scan.soundBytes), fdatasync(descriptors[file]) == 0 else {
                throw Self.failure("ftruncate", Self.path(file, in: directory))
            }
            if failure != 0 { content.unreserved = Self.unreserved(failure) }
            // Room may come; what the disk can't do it can't do later either.
            if failure != 0, failure != ENOSPC, failure != EDQUOT { promisedBytes = 0 }
            files.append(
                JournalFiles.File(
                    bytes: scan.soundBytes,
                    last: scan.found.last?.sequence ?? 0,
                    salt: scan.salt ?? Self.newSalt(),
                    reserved: failure == 0 ? reserveBytes : 0
                )
            )
            content.entries += scan.found.filter { $0.sequence > folded }
        }
        content.entries.sort { $0.sequence < $1.sequence }
        content.files = JournalFiles(files[0], files[1], folded: folded, reserve: promisedBytes)
        return content
    }

    private func read(_ file: Int) throws(LogStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        // No more than was ever written.
        while bytes.count <= JournalFiles.bytesMax {
            let count = pread(descriptors[file], &buffer, buffer.count, off_t(bytes.count))
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw Self.failure("read", Self.path(file, in: directory))
            }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// Into a file that was not there before.
    private func putAside(_ bytes: ArraySlice<UInt8>, of file: Int) throws(LogStoreError) -> String {
        let path = Self.path(file, in: directory)
        do throws(LogStoreError) {
            var (number, name) = (1, "\(path).damaged")
            while access(name, F_OK) == 0 {
                number += 1
                name = "\(path).damaged-\(number)"
            }
            let descriptor = try Self.open(name, O_WRONLY | O_EXCL)
            defer { close(descriptor) }
            guard Self.write(Array(bytes), to: descriptor, at: 0), fsync(descriptor) == 0 else {
                let failure = Self.failure("write", name)
                unlink(name)
                throw failure
            }
            try synchronizeDirectory()
            return name
        } catch {
            throw .undivertedJournal(path: path, reason: "\(error)")
        }
    }

    private func synchronizeDirectory() throws(LogStoreError) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", directory) }
        defer { close(descriptor) }
        // Some file systems have no such call for directories.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Self.failure("fsync", directory) }
    }

    // MARK: - Frames

    static func newSalt() -> UInt64 { .random(in: 0...UInt64.max) }

    /// All of a frame or nothing: where there is no room for all of it, what was written is taken back.
    func write(_ frame: JournalFrame, at place: JournalFiles.Place) -> Bool {
        if Self.write(frame.bytes, to: descriptors[place.file], at: place.offset) { return true }
        // Where even that fails, the next frame is written over it.
        _ = ftruncate(descriptors[place.file], off_t(place.keptBytes))
        return false
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt, at offset: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                if count > 0 { done += count } else if count == 0 || errno != EINTR { return false }
            }
            return true
        }
    }

    /// - Returns: what the disk keeps for it from now on, and why not all; nil where it could not be emptied, which is tried again.
    func empty(_ file: Int) -> (reserved: Int, failure: LogStoreError?)? {
        guard let failure = clear(file, from: 0) else { return nil }
        return failure == 0 ? (reserveBytes, nil) : (0, Self.unreserved(failure))
    }

    private static func unreserved(_ failure: CInt) -> LogStoreError {
        .unreserved(reason: String(cString: strerror(failure)))
    }

    /// Leaves of a file what is before `start`, and behind that zeros for which the disk keeps room.
    ///
    /// Blocks that it has it keeps meanwhile: on a full disk another writer would take them. Where there is no room for all, it keeps none.
    /// - Returns: why no room is kept, zero where it is; nil where the file is not cleared.
    private func clear(_ file: Int, from start: Int) -> CInt? {
        let descriptor = descriptors[file]
        let end = max(start, reserveBytes)
        var failure = reserveBytes == 0 ? 0 : Self.zero(descriptor, from: start, to: end)
        if failure == 0 {
            if ftruncate(descriptor, off_t(end)) == 0 { return 0 }
            failure = errno
        }
        guard ftruncate(descriptor, off_t(start)) == 0 else { return nil }
        return failure
    }

    /// Zeros to `end`, and to the file's end where that is later.
    private static func zero(_ descriptor: CInt, from start: Int, to end: Int) -> CInt {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return errno }
        let size = Int(status.st_size)
        guard max(end, size) > start else { return 0 }
        guard clinux_zero_range(descriptor, off_t(start), off_t(max(end, size) - start)) < 0 else { return 0 }
        // Not every file system has that call. What is there is written over, and what is missing glibc writes: posix_fallocate(3).
        if size > start {
            let zeros = [UInt8](repeating: 0, count: size - start)
            guard write(zeros, to: descriptor, at: start) else { return errno }
        }
        guard end > start else { return 0 }
        while true {
            let failure = posix_fallocate(descriptor, off_t(start), off_t(end - start))
            if failure != EINTR { return failure }
        }
    }

    /// What was written survives a power cut from here on.
    func synchronize() { for descriptor in descriptors { _ = fdatasync(descriptor) } }
}
