// SPDX-License-Identifier: Apache-2.0
import Configuration
import LambdaModel

/// A service that speaks one of AWS's protocols, and the key for it.
package struct ServiceAccess: Equatable, Sendable {
    /// Scheme, host and port, without a slash at the end.
    package var endpoint: String
    /// AWS's own variables; nil where there is no key.
    package var key: S3Access.Key?
}

/// A service that speaks S3's protocol, and the key for it.
package struct S3Access: Equatable, Sendable {
    /// `--s3-endpoint`: scheme, host and port, without a slash at the end.
    package var endpoint: String
    /// `--s3-region`: what requests are signed for.
    package var region: String
    /// `--s3-access-key-id` and `MARTLET_S3_SECRET_ACCESS_KEY`, or AWS's own variables; nil where there is no key.
    package var key: Key?

    package struct Key: Equatable, Sendable {
        package var id: String
        package var secret: String
        /// Only of AWS's own variables.
        package var sessionToken: String?

        package init(id: String, secret: String, sessionToken: String? = nil) {
            self.id = id
            self.secret = secret
            self.sessionToken = sessionToken
        }
    }

    package init(endpoint: String, region: String, key: Key?) {
        self.endpoint = endpoint
        self.region = region
        self.key = key
    }
}

extension Layers {
    static let noRegion = "is not the name of a region, such as us-east-1"

    /// Nil where no endpoint is named.
    ///
    /// A key is complete or a mistake; without one of its own AWS's variables count.
    func s3(standardEndpoint: String?, standardRegion: String) throws(ConfigurationError) -> S3Access? {
        let own = try endpoint(.s3Endpoint)
        let region = try one(.s3Region, expected: Self.noRegion) { RegionName.isValid($0) ? $0 : nil }
        let id = try one(.s3AccessKeyID, expected: "is not an access key's id") { Self.isKeyText($0) ? $0 : nil }
        let secret = try one(.s3SecretAccessKey, expected: "is not a secret access key") {
            Self.isKeyText($0) ? $0 : nil
        }
        guard (id == nil) == (secret == nil) else {
            let missing = id == nil ? Setting.s3AccessKeyID : .s3SecretAccessKey
            throw ConfigurationError("An S3 key takes an id and a secret, and one is missing (\(missing.names)).")
        }
        guard let endpoint = own ?? standardEndpoint else { return nil }
        var key: S3Access.Key?
        if let id, let secret {
            key = S3Access.Key(id: id, secret: secret)
        } else {
            key = try standardKey()
        }
        return S3Access(endpoint: endpoint, region: region ?? standardRegion, key: key)
    }

    /// Nil where no endpoint is named.
    func service(_ setting: Setting, standardEndpoint: String?) throws(ConfigurationError) -> ServiceAccess? {
        guard let endpoint = try endpoint(setting) ?? standardEndpoint else { return nil }
        return ServiceAccess(endpoint: endpoint, key: try standardKey())
    }

    private func standardKey() throws(ConfigurationError) -> S3Access.Key? {
        guard let id = try standard("access-key-id"), let secret = try standard("secret-access-key") else { return nil }
        return S3Access.Key(id: id, secret: secret, sessionToken: try standard("session-token"))
    }

    /// One of the variables that AWS's tools read, `AWS_ACCESS_KEY_ID` for `access-key-id`.
    private func standard(_ name: String) throws(ConfigurationError) -> String? {
        guard let text = try variable(AbsoluteConfigKey(["aws", name])) else { return nil }
        guard Self.isKeyText(text) else {
            throw ConfigurationError(
                "AWS_\(name.uppercased().replacing("-", with: "_")) has characters that no key has, or too many."
            )
        }
        return text
    }

    /// Printable ASCII without blanks, which a header can carry; session tokens are the longest.
    private static func isKeyText(_ text: String) -> Bool {
        (1...8_192).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
    }
}
