// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

extension MasterKey {
    /// The key in the file at `path`: 32 raw bytes, mode 0600 or narrower, owned by the caller or by root.
    ///
    /// A file that is absent is made, with a random key, and is durable when this returns. It appears under its name
    /// whole or not at all, and of two servers that start at once both get the same key. Blocks: call it at start.
    package init(file path: String) throws(MasterKeyError) {
        if let bytes = try Self.read(path) {
            try self.init(fileBytes: bytes, path: path)
            return
        }
        try Self.create(path)
        guard let bytes = try Self.read(path) else {
            throw .systemCall(name: "open", path: path, errno: ENOENT, text: Self.text(ENOENT))
        }
        try self.init(fileBytes: bytes, path: path)
    }

    /// The key that a shell command prints in base64.
    ///
    /// At most 4 KiB of output are read and at most `secondsMax` are waited for it. Blocks: call it at start.
    package init(command: String, secondsMax: Int = 30) throws(MasterKeyError) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw .commandFailed(reason: "could not be started: \(error)")
        }
        let result = Self.readAll(output.fileHandleForReading.fileDescriptor, secondsMax: secondsMax)
        guard case .success(let bytes) = result else {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if case .failure(let refusal) = result { throw refusal }
            throw .commandFailed(reason: "printed nothing")
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw .commandFailed(reason: "ended with status \(process.terminationStatus)")
        }
        try self.init(base64: String(decoding: bytes, as: UTF8.self), source: "the command's output")
    }

    private init(fileBytes bytes: [UInt8], path: String) throws(MasterKeyError) {
        guard bytes.count == Self.byteCount else { throw .wrongLength(source: path, bytes: bytes.count) }
        try self.init(bytes: bytes)
    }

    /// The file's bytes (one more than the key's at most), or nil where there is no file.
    private static func read(_ path: String) throws(MasterKeyError) -> [UInt8]? {
        // O_NONBLOCK: a FIFO in the file's place must not hang the start.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOENT { return nil }
            throw .systemCall(name: "open", path: path, errno: code, text: text(code))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            throw .systemCall(name: "fstat", path: path, errno: code, text: text(code))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(path: path) }
        guard status.st_mode & 0o177 == 0 else { throw .modeTooWide(path: path, mode: status.st_mode & 0o7777) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .wrongOwner(path: path, owner: status.st_uid)
        }
        guard status.st_size == off_t(byteCount) else {
            throw .wrongLength(source: path, bytes: Int(status.st_size))
        }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = Glibc.read(descriptor, &bytes, byteCount)
        guard count >= 0 else {
            let code = errno
            throw .systemCall(name: "read", path: path, errno: code, text: text(code))
        }
        return Array(bytes[..<count])
    }

    /// Makes the file with a random key: written and synced under another name first, then linked, which never
    /// replaces.
    private static func create(_ path: String) throws(MasterKeyError) {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        let temporary = "\(path).\(UInt64.random(in: 0 ... .max, using: &random)).new"
        func check(_ result: Int, _ name: String, _ subject: String) throws(MasterKeyError) {
            guard result < 0 else { return }
            let code = errno
            throw .systemCall(name: name, path: subject, errno: code, text: text(code))
        }
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try check(Int(descriptor), "open", temporary)
        defer { unlink(temporary) }
        do {
            defer { close(descriptor) }
            let written = write(descriptor, bytes, byteCount)
            try check(written, "write", temporary)
            guard written == byteCount else {
                throw MasterKeyError.systemCall(name: "write", path: temporary, errno: ENOSPC, text: text(ENOSPC))
            }
            try check(Int(fsync(descriptor)), "fsync", temporary)
        } catch let error as MasterKeyError {
            throw error
        } catch {
            throw .systemCall(name: "write", path: temporary, errno: EIO, text: text(EIO))
        }
        if link(temporary, path) != 0, errno != EEXIST {
            let code = errno
            throw .systemCall(name: "link", path: path, errno: code, text: text(code))
        }
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try check(Int(directory), "open", parent)
        defer { close(directory) }
        try check(Int(fsync(directory)), "fsync", parent)
    }

    /// Reads to the end of a pipe within limits of time and size.
    private static func readAll(_ descriptor: Int32, secondsMax: Int) -> Result<[UInt8], MasterKeyError> {
        let deadline = ContinuousClock.now + .seconds(secondsMax)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count <= 4_096 {
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else {
                return .failure(.commandFailed(reason: "did not end within \(secondsMax) s"))
            }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, Int32(min(left.rounded(.up), 60_000)))
            if ready < 0, errno != EINTR {
                return .failure(.commandFailed(reason: "could not be read: \(text(errno))"))
            }
            guard ready > 0 else { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return .success(bytes) }
            if count > 0 { bytes += chunk[..<count] }
            if count < 0, errno != EINTR {
                return .failure(.commandFailed(reason: "could not be read: \(text(errno))"))
            }
        }
        return .failure(.commandFailed(reason: "printed more than 4096 bytes"))
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

func decodeBase64(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { [UInt8]($0) } }

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }.joined()
}

extension String {
    func trimmingWhitespace() -> String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
