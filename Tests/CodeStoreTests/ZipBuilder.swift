// SPDX-License-Identifier: Apache-2.0

/// Writes zips byte by byte, well-formed or not: stored entries only.
struct ZipBuilder {
    struct Entry {
        var name: [UInt8]
        /// The name in the central directory, where it is another one.
        var directoryName: [UInt8]?
        var content: [UInt8] = []
        /// Type and permission bits, as Unix has them.
        var unixMode: UInt32 = 0o100644
        /// 3 is Unix, 0 is MS-DOS.
        var system: UInt8 = 3
        /// Bit 0: encrypted, bit 11: the name is UTF-8.
        var flags: UInt16 = 0
        var method: UInt16 = 0
        var claimedSize: UInt32?
        var checksum: UInt32?

        init(_ name: String, _ content: String = "", mode: UInt32 = 0o100644, isUTF8: Bool = false) {
            self.name = Array(name.utf8)
            self.content = Array(content.utf8)
            unixMode = mode
            flags = isUTF8 ? 0x0800 : 0
        }

        static func link(_ name: String, to target: String) -> Entry { Entry(name, target, mode: 0o120777) }

        static func directory(_ name: String, mode: UInt32 = 0o040755) -> Entry { Entry(name + "/", mode: mode) }
    }

    static func zip(_ entries: [Entry], prefix: [UInt8] = [], comment: [UInt8] = []) -> [UInt8] {
        var bytes = prefix
        var directory: [UInt8] = []
        for entry in entries {
            let offset = bytes.count - prefix.count
            let fields =
                le16(20) + le16(entry.flags) + le16(entry.method) + le16(0) + le16(33)
                + le32(entry.checksum ?? crc32(entry.content)) + le32(UInt32(entry.content.count))
                + le32(entry.claimedSize ?? UInt32(entry.content.count))
            bytes += le32(0x0403_4B50) + fields + le16(UInt16(entry.name.count)) + le16(0) + entry.name + entry.content
            let name = entry.directoryName ?? entry.name
            let attributes = entry.system == 3 ? entry.unixMode << 16 : (entry.name.last == 0x2F ? 0x10 : 0)
            directory += le32(0x0201_4B50) + [20, entry.system] + fields + le16(UInt16(name.count)) + le16(0) + le16(0)
            directory += le16(0) + le16(0) + le32(attributes) + le32(UInt32(offset)) + name
        }
        let start = bytes.count - prefix.count
        bytes += directory
        bytes += le32(0x0605_4B50) + le16(0) + le16(0) + le16(UInt16(entries.count)) + le16(UInt16(entries.count))
        bytes += le32(UInt32(directory.count)) + le32(UInt32(start)) + le16(UInt16(comment.count)) + comment
        return bytes
    }

    static func le16(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }

    static func le32(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }

    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
