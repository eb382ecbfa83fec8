// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import InvocationCore
package import LambdaModel
import MetadataStore
import Synchronization

/// The keys that requests may be signed with: long-lived ones, and those of functions' sessions.
///
/// In memory: a request costs no read of the database.
package final class AccessKeyring: Sendable {
    /// Whose a key is, and what it may be used for.
    package struct Holder: Equatable, Sendable {
        package var identity: AccessIdentity
        /// nil for a key that may do everything in its account.
        package var policy: AccessPolicy?
        /// Of the key that the server made at its first start.
        package var isAdministrator: Bool
        /// Of a function's session.
        package var function: FunctionKey?

        package func caller(region: String) -> Caller {
            Caller(
                accountID: identity.accountID,
                region: region,
                identity: identity,
                policy: policy,
                isAdministrator: isAdministrator,
                sourceFunction: function?.arn
            )
        }
    }

    private struct Entry {
        var secret: String
        var holder: Holder
    }

    let administrator: AccessKey
    /// Of what requests were signed with.
    package let signingKeys = SigningKeys()
    private let entries: Mutex<[String: Entry]>
    private let sessions: SessionCredentialIssuer?

    /// A ring with the administrator's key only; `accountID` is the administrator's.
    package init(administrator: AccessKey, accountID: String, sessions: SessionCredentialIssuer?) {
        let holder = Holder(identity: .root(of: accountID), policy: nil, isAdministrator: true)
        self.administrator = administrator
        entries = Mutex([administrator.id: Entry(secret: administrator.secret, holder: holder)])
        self.sessions = sessions
    }

    /// What is known of a key, and whose it is where it is good.
    package func lookUp(
        accessKeyID: String,
        sessionToken: String?,
        now: Timestamp
    ) -> (credential: CredentialLookup, holder: Holder?) {
        guard let sessionToken else {
            guard let entry = entries.withLock({ $0[accessKeyID] }) else { return (.unknown, nil) }
            return (.secret(entry.secret), entry.holder)
        }
        switch sessions?.verify(accessKeyID: accessKeyID, sessionToken: sessionToken, now: now) {
        case .valid(let session):
            return (.secret(session.secret), Self.holder(of: session.function))
        case .expired: return (.expired, nil)
        case .invalid, nil: return (.unknown, nil)
        }
    }

    /// Whose a key is said to be, where signatures are not looked at.
    package func holder(accessKeyID: String, sessionToken: String?, now: Timestamp) -> Holder? {
        lookUp(accessKeyID: accessKeyID, sessionToken: sessionToken, now: now).holder
    }

    private static func holder(of function: FunctionKey) -> Holder {
        Holder(identity: .root(of: function.accountID), policy: nil, isAdministrator: false, function: function)
    }

    /// - Throws: `LambdaError.invalidParameterValue` for a policy that can't be read.
    func add(_ key: AccessKeyRecord) throws(LambdaError) {
        insert(
            key,
            policy: try key.policy.map { text throws(LambdaError) in try PolicyDocument.parse(Array(text.utf8)) }
        )
    }

    func insert(_ key: AccessKeyRecord, policy: AccessPolicy?) {
        let holder = Holder(
            identity: .user(key.name, of: key.accountID),
            policy: policy,
            isAdministrator: false
        )
        entries.withLock { $0[key.id] = Entry(secret: key.secret, holder: holder) }
        signingKeys.forget(key.id)
    }

    func remove(_ id: String) {
        entries.withLock { $0[id] = nil }
        signingKeys.forget(id)
    }
}
