// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
package import LinuxSandbox

/// Empty ext4 file systems for sandboxes' /tmp, made from one template by writing the few blocks that are not holes.
///
/// Only where the spawner is root and loop devices work. An image has no name, so nothing of it outlives its last user.
/// Its pages are the file system's, which the kernel can write back: they do not use up the function's memory.
package struct TemporaryImages: Sendable {
    private struct Extent {
        var offset: Int
        var bytes: [UInt8]
    }

    private let directory: String
    private let size: Int
    private let extents: [Extent]

    /// ext4's own share of an image: inode tables, bitmaps, and the blocks that it keeps back for itself.
    private static let overheadMiB = 19
    /// SEEK_DATA and SEEK_HOLE, which Glibc's module leaves out.
    private static let (seekData, seekHole): (CInt, CInt) = (3, 4)

    /// `directory` is where the images' blocks are: on a disk with room for one image for each environment.
    package init(sizeMiB: Int, directory: String) throws {
        self.directory = directory
        size = (sizeMiB + Self.overheadMiB) << 20
        let template = "\(directory)/tmp-template"
        defer { unlink(template) }
        let file = try check("open", template, clinux_open(template, O_RDWR | O_CREAT | O_TRUNC, 0o600))
        defer { close(file) }
        guard ftruncate(file, size) == 0 else { throw SyscallError(call: "ftruncate", errno: errno, subject: template) }
        try Self.format(template)
        extents = try Self.readExtents(file)
    }

    private static func format(_ path: String) throws {
        guard let tool = ["/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4"].first(where: FileText.exists) else {
            throw SyscallError(call: "mkfs.ext4", errno: ENOENT, subject: "install e2fsprogs")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = [
            "-q", "-F", "-m", "0", "-b", "4096", "-N", "32768", "-O", "^has_journal,^resize_inode", "-E",
            "lazy_itable_init=1,nodiscard", path,
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SyscallError(call: "mkfs.ext4", errno: EIO, subject: path)
        }
    }

    private static func readExtents(_ file: CInt) throws(SyscallError) -> [Extent] {
        var extents: [Extent] = []
        var offset = 0
        while true {
            // ENXIO: only a hole follows (lseek(2)).
            let start = lseek(file, offset, Self.seekData)
            guard start >= 0 else {
                guard errno == ENXIO else { throw SyscallError(call: "lseek", errno: errno) }
                return extents
            }
            let end = lseek(file, start, Self.seekHole)
            guard end > start else { throw SyscallError(call: "lseek", errno: errno) }
            var bytes = [UInt8](repeating: 0, count: end - start)
            let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, start) }
            guard count == bytes.count else { throw SyscallError(call: "read", errno: EIO) }
            extents.append(Extent(offset: start, bytes: bytes))
            offset = end
        }
    }

    /// A new image.
    ///
    /// The caller owns the descriptor.
    package func make() throws(SyscallError) -> CInt {
        // O_TMPFILE: open(2); __O_TMPFILE | O_DIRECTORY.
        let image = try check("open", directory, clinux_open(directory, O_RDWR | 0o20_000_000 | O_DIRECTORY, 0o600))
        do throws(SyscallError) {
            guard ftruncate(image, size) == 0 else { throw SyscallError(call: "ftruncate", errno: errno) }
            for extent in extents {
                let count = extent.bytes.withUnsafeBytes { pwrite(image, $0.baseAddress, $0.count, extent.offset) }
                guard count == extent.bytes.count else { throw SyscallError(call: "write", errno: errno) }
            }
            return image
        } catch {
            close(image)
            throw error
        }
    }
}
