// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import Crypto

/// Where an S3 server posts a bucket's notifications for a function: a path that only this server can make.
package struct S3EventAddress: Sendable {
    /// Before the function's ARN and the token.
    package static let segments = ["_martlet", "s3-events"]
    private let key: SymmetricKey

    /// - Parameter key: at least 256 bits, for this purpose only.
    package init(key: SymmetricKey) {
        self.key = key
    }

    /// The path for a function, a version or an alias.
    package func path(of functionARN: String) -> String {
        let token = HMAC<SHA256>.authenticationCode(for: Array(functionARN.utf8), using: key)
        let segments = Self.segments + [PercentEncoding.encode(functionARN), Base64.encodeURL(Array(token))]
        return "/" + segments.joined(separator: "/")
    }

    /// Whether a path's token was made here for that ARN; compared in constant time.
    package func isToken(_ token: String, of functionARN: String) -> Bool {
        guard let code = Base64.decodeURL(token) else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(functionARN.utf8), using: key)
    }
}
