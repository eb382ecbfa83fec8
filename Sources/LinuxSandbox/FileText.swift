// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Small kernel files (/proc, /sys/fs/cgroup) as text.
package enum FileText {
    /// At most 1 MiB of the file.
    package static func read(_ path: String) throws(SyscallError) -> String {
        // SAFETY: the path outlives the call.
        let number = try check("open", path, unsafe clinux_open(path, O_RDONLY, 0))
        let file = Descriptor(number)
        return try read(descriptor: file.number, path)
    }

    /// From the start of an open file, whatever its position.
    package static func read(descriptor: CInt, _ subject: String) throws(SyscallError) -> String {
        var content: [UInt8] = []
        while content.count < 1 << 20 {
            var count = 0
            let offset = content.count
            let part = unsafe [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, initialized in
                // SAFETY: the buffer has the capacity named.
                count = unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset)
                initialized = max(0, count)
            }
            guard count >= 0 else { throw SyscallError(call: "read", errno: errno, subject: subject) }
            guard count > 0 else { break }
            content += part
        }
        return String(decoding: content, as: UTF8.self)
    }

    /// A file that begins with a decimal number, from the start of an open one; nil where it begins with none.
    package static func readNumber(descriptor: CInt, _ subject: String) throws(SyscallError) -> UInt64? {
        var count = 0
        let digits = unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, initialized in
            // SAFETY: the buffer has the capacity named.
            count = unsafe pread(descriptor, buffer.baseAddress, buffer.count, 0)
            initialized = max(0, count)
        }
        guard count >= 0 else { throw SyscallError(call: "read", errno: errno, subject: subject) }
        return UInt64(String(decoding: digits.prefix { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    package static func write(_ text: String, to path: String) throws(SyscallError) {
        // SAFETY: both strings outlive the call.
        try check("write", path, unsafe clinux_write_file(path, text))
    }

    package static func exists(_ path: String) -> Bool {
        // SAFETY: the path outlives the call.
        unsafe access(path, F_OK) == 0
    }

    package static func mayWrite(_ path: String) -> Bool {
        // SAFETY: the path outlives the call.
        unsafe access(path, W_OK) == 0
    }

    /// True when the directory is there afterwards.
    package static func makeDirectory(_ path: String) -> Bool {
        // SAFETY: the path outlives the call.
        unsafe mkdir(path, 0o755) == 0 || errno == EEXIST
    }

    /// Zero or an errno.
    package static func removeDirectory(_ path: String) -> Int32 {
        // SAFETY: the path outlives the call.
        unsafe rmdir(path) == 0 ? 0 : errno
    }

    /// Names in a directory, without `.` and `..`; empty when there is no such directory.
    package static func names(in path: String) throws(SyscallError) -> [String] {
        // SAFETY: the path outlives the call; the stream is closed below.
        guard let stream = unsafe opendir(path) else {
            guard errno == ENOENT else { throw SyscallError(call: "opendir", errno: errno, subject: path) }
            return []
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // SAFETY: an entry lives until the next readdir of this stream; its name is copied at once.
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
