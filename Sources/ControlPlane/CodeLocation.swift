// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import Crypto
package import LambdaModel

/// The URLs that GetFunction and GetLayerVersion answer with: whoever has one may download that code for ten minutes.
package struct CodeLocation: Sendable {
    package static let pathPrefix = "/_martlet/code/"
    package static let life = Duration.seconds(600)
    private let key: SymmetricKey

    /// - Parameter key: at least 256 bits, for this purpose only.
    package init(key: SymmetricKey) {
        self.key = key
    }

    /// An absolute URL at `origin`: the scheme, and what the caller's `Host` header had, with its port.
    package func url(of code: CodeReference, origin: String, now: Timestamp) -> String {
        let expires = now.advanced(by: Self.life).millisecondsSinceEpoch
        let query = [
            ("expires", String(expires)), ("sha256", code.sha256), ("signature", signature(code, expires)),
            ("size", String(code.sizeBytes)),
        ].map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        return "\(origin)\(Self.pathPrefix)\(PercentEncoding.encode(code.objectID))?\(query)"
    }

    /// The code that a URL stands for; nil when it wasn't made here, was changed, or is too old.
    package func code(objectID: String, query: QueryParameters, now: Timestamp) -> CodeReference? {
        guard let expires = query["expires"].flatMap(Int64.init), let size = query["size"].flatMap(Int.init),
            let sha256 = query["sha256"], let signature = query["signature"].flatMap(Base64.decodeURL)
        else { return nil }
        let code = CodeReference(objectID: objectID, sha256: sha256, sizeBytes: size)
        // `isValidAuthenticationCode` compares in constant time.
        guard
            HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: Self.message(code, expires), using: key),
            now.millisecondsSinceEpoch < expires
        else { return nil }
        return code
    }

    private func signature(_ code: CodeReference, _ expires: Int64) -> String {
        Base64.encodeURL(Array(HMAC<SHA256>.authenticationCode(for: Self.message(code, expires), using: key)))
    }

    private static func message(_ code: CodeReference, _ expires: Int64) -> [UInt8] {
        Array("\(expires)\n\(code.sizeBytes)\n\(code.sha256)\n\(code.objectID)".utf8)
    }
}
