// SPDX-License-Identifier: Apache-2.0

/// What a record carries: its data, and the key that its sender gave it.
package struct RecordContent: Equatable, Sendable {
    package var partitionKey: String
    package var data: [UInt8]

    package init(partitionKey: String, data: [UInt8]) {
        self.partitionKey = partitionKey
        self.data = data
    }

    /// Which is a record's size.
    package var byteCount: Int { data.count + partitionKey.utf8.count }

    private static let version: UInt8 = 1

    /// As it is kept: a version, the length of the partition key in two bytes, big-endian, the key, the data.
    package var bytes: [UInt8] {
        let key = Array(partitionKey.utf8)
        precondition(key.count <= UInt16.max, "a partition key has 256 characters at most")
        var bytes = [Self.version, UInt8(key.count >> 8), UInt8(key.count & 0xFF)]
        bytes.reserveCapacity(3 + byteCount)
        bytes += key
        bytes += data
        return bytes
    }

    /// nil for what `bytes` would not have made.
    package init?(bytes: [UInt8]) {
        guard bytes.count >= 3, bytes[0] == Self.version else { return nil }
        let count = Int(bytes[1]) << 8 | Int(bytes[2])
        guard bytes.count >= 3 + count, let key = String(validating: bytes[3..<3 + count], as: UTF8.self) else {
            return nil
        }
        self.init(partitionKey: key, data: Array(bytes[(3 + count)...]))
    }
}
