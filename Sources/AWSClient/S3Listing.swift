// SPDX-License-Identifier: Apache-2.0

/// One page of a bucket's keys: the answer to ListObjectsV2.
package struct S3Listing: Equatable, Sendable {
    /// Keys of a page, as S3 has it.
    static let keysMax = 1_000
    /// A key has up to 1,024 bytes, six times as many when escaped, and a few hundred are said about it.
    static let bytesMax = keysMax * 8_192

    package var keys: [String]
    /// Where the next page begins; nil when this is the last.
    package var next: String?

    /// nil where the body is no listing, or one that says that there is more and not where.
    package init?(_ body: [UInt8]) {
        let body = body[...]
        guard S3XML.position(of: Array("<ListBucketResult".utf8), in: body) != nil else { return nil }
        keys = S3XML.elements("Key", of: body)
        guard S3XML.elements("IsTruncated", of: body).first == "true" else {
            next = nil
            return
        }
        guard let token = S3XML.elements("NextContinuationToken", of: body).first, !token.isEmpty else { return nil }
        next = token
    }
}
