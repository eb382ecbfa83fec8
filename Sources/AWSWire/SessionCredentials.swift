// SPDX-License-Identifier: Apache-2.0
package import Crypto
package import LambdaModel

/// Makes the short-lived credentials that a function runs with, and knows them again.
///
/// Nothing is stored: the session token holds what it stands for under a MAC, and the secret is derived from the token.
package struct SessionCredentialIssuer: Sendable {
    package struct Session: Sendable, Equatable {
        package var secret: String
        package var function: FunctionKey
    }

    package enum Verdict: Sendable, Equatable {
        case valid(Session)
        case expired
        /// Not of this issuer's making, or not this access key's.
        case invalid
    }

    static let tokenBytesMax = 2_048
    private let key: SymmetricKey

    /// - Parameter key: at least 256 bits, for this purpose only.
    package init(key: SymmetricKey) {
        self.key = key
    }

    package func issue(function: FunctionKey, expires: Timestamp) -> AccessKey {
        let payload = JSONValue.object([
            "account": .string(function.accountID), "region": .string(function.region),
            "function": .string(function.name), "arn": .string(function.arn),
            "expires": .integer(expires.millisecondsSinceEpoch),
        ]).bytes
        let token = "\(Base64.encodeURL(payload)).\(Base64.encodeURL(mac("token", payload)))"
        return AccessKey(id: accessKeyID(payload), secret: secret(payload), sessionToken: token)
    }

    package func verify(accessKeyID: String, sessionToken: String, now: Timestamp) -> Verdict {
        let parts = sessionToken.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard sessionToken.utf8.count <= Self.tokenBytesMax, parts.count == 2,
            let payload = Base64.decodeURL(String(decoding: parts[0], as: UTF8.self)),
            let code = Base64.decodeURL(String(decoding: parts[1], as: UTF8.self)),
            SigV4Verifier.equalInConstantTime(mac("token", payload), code),
            SigV4Verifier.equalInConstantTime(Array(self.accessKeyID(payload).utf8), Array(accessKeyID.utf8)),
            let claims = try? JSONValue(parsing: payload), let expires = claims["expires"]?.integer,
            let account = claims["account"]?.string, let region = claims["region"]?.string,
            let name = claims["function"]?.string
        else { return .invalid }
        guard now < Timestamp(millisecondsSinceEpoch: Int64(expires)) else { return .expired }
        let function = FunctionKey(accountID: account, region: region, name: name)
        return .valid(Session(secret: secret(payload), function: function))
    }

    private func mac(_ purpose: String, _ payload: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("\(purpose)\0".utf8) + payload, using: key))
    }

    /// `ASIA` and sixteen of A to Z and 2 to 7, as AWS's look.
    private func accessKeyID(_ payload: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        let tail = mac("id", payload).prefix(16).map { letters[Int($0 & 31)] }
        return "ASIA" + String(decoding: tail, as: UTF8.self)
    }

    /// Forty characters, as AWS's are.
    private func secret(_ payload: [UInt8]) -> String {
        Base64.encode(Array(mac("secret", payload).prefix(30)))
    }
}
