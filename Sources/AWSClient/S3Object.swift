// SPDX-License-Identifier: Apache-2.0
import AWSWire

/// An object in a bucket, or one version of it.
package struct S3Object: Equatable, Sendable {
    /// 3 to 63 of letters, digits, `.`, `-` and `_`.
    package var bucket: String
    /// 1 to 1,024 bytes.
    package var key: String
    /// The newest where it is nil.
    package var version: String?

    package init(bucket: String, key: String, version: String? = nil) {
        self.bucket = bucket
        self.key = key
        self.version = version
    }

    /// The path that a request names it by: the bucket in the path, each byte of the key encoded once, slashes kept.
    var path: String {
        let segments = key.split(separator: "/", omittingEmptySubsequences: false)
        let encoded = segments.map { PercentEncoding.encode(String($0)) }.joined(separator: "/")
        return "/\(PercentEncoding.encode(bucket))/\(encoded)"
    }

    var query: String { version.map { "versionId=\(PercentEncoding.encode($0))" } ?? "" }
}
