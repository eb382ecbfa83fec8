// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Testing

/// A tmpfs of a few pages, mounted for as long as the value lives.
final class TinyDisk: Sendable {
    let path: String

    /// Whether this process may mount: tried, since capabilities alone do not say it.
    static let isPossible: Bool = {
        let probe = NSTemporaryDirectory() + "martlet-mount-\(UUID().uuidString)"
        guard mkdir(probe, 0o700) == 0 else { return false }
        defer { rmdir(probe) }
        guard mount("tmpfs", probe, "tmpfs", 0, "size=4096") == 0 else { return false }
        return umount2(probe, 0) == 0
    }()

    init(below directory: String, bytes: Int) throws {
        path = directory + "/disk"
        try #require(mkdir(path, 0o700) == 0)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0)
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }
}
