// SPDX-License-Identifier: Apache-2.0

/// A place in a bucket for code: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
package struct CodeStoreLocation: Equatable, Sendable {
    /// Leaves room for what follows it in a key of 1,024 bytes.
    static let prefixBytesMax = 512

    package var bucket: String
    /// Without slashes at its ends; empty for none.
    package var prefix: String

    package init?(_ text: String) {
        let scheme = "s3://"
        guard text.hasPrefix(scheme) else { return nil }
        let parts = text.dropFirst(scheme.count).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        bucket = String(parts[0])
        var rest = parts.count > 1 ? parts[1] : ""
        if rest.last == "/" { rest = rest.dropLast() }
        prefix = String(rest)
        guard (3...63).contains(bucket.utf8.count), bucket.utf8.allSatisfy(Self.isNameByte), bucket.last != ".",
            prefix.utf8.count <= Self.prefixBytesMax
        else { return nil }
        guard !prefix.isEmpty else { return }
        // Plain names only: proxies before a bucket make others of the rest.
        for segment in prefix.split(separator: "/", omittingEmptySubsequences: false) {
            guard !segment.isEmpty, segment != ".", segment != "..", segment.utf8.allSatisfy(Self.isNameByte) else {
                return nil
            }
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
    }
}

extension Layers {
    /// Nil where code is kept in the data directory.
    func codeStore(_ access: S3Access?) throws(ConfigurationError) -> CodeStoreLocation? {
        let problem = "is not a place in a bucket, such as s3://code/martlet"
        guard let location = try one(.codeStore, expected: problem, { CodeStoreLocation($0) }) else { return nil }
        guard let access else {
            throw ConfigurationError(
                "A bucket for code (\(Setting.codeStore.names)) takes the address of its service "
                    + "(\(Setting.s3Endpoint.names))."
            )
        }
        guard access.key != nil else {
            throw ConfigurationError(
                "A bucket for code (\(Setting.codeStore.names)) takes a key for its service "
                    + "(\(Setting.s3AccessKeyID.names), with \(Setting.s3SecretAccessKey.names))."
            )
        }
        return location
    }
}
