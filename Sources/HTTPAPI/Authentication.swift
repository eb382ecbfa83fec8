// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel

/// Who may use the API.
package enum Authentication: Sendable {
    /// Whoever signs with a key that this knows.
    case sigV4(AccessKeyring)
    /// Everybody that reaches the port; signatures are not looked at.
    case none
}

/// The keys that requests may be signed with: long-lived ones, and those of functions' sessions.
package struct AccessKeyring: Sendable {
    private let secrets: [String: String]
    private let sessions: SessionCredentialIssuer?

    package init(keys: [AccessKey], sessions: SessionCredentialIssuer?) {
        secrets = Dictionary(keys.map { ($0.id, $0.secret) }) { first, _ in first }
        self.sessions = sessions
    }

    package func lookUp(accessKeyID: String, sessionToken: String?, now: Timestamp) -> CredentialLookup {
        guard let sessionToken else { return secrets[accessKeyID].map(CredentialLookup.secret) ?? .unknown }
        switch sessions?.verify(accessKeyID: accessKeyID, sessionToken: sessionToken, now: now) {
        case .valid(let session): return .secret(session.secret)
        case .expired: return .expired
        case .invalid, nil: return .unknown
        }
    }
}
