// SPDX-License-Identifier: Apache-2.0
import Crypto
import Synchronization

/// Signing keys that were derived already: one is good for a day, a region and a service, and takes four of a signature's five HMACs.
///
/// Only those of signatures that were right are kept, and none beyond its access key: `forget` is called when that changes or goes.
package final class SigningKeys: Sendable {
    /// Beyond it all are derived anew.
    package static let keysMax = 1_024

    private struct Name: Hashable {
        var accessKeyID: String
        var date: String
        var region: String
        var service: String

        init(_ accessKeyID: String, _ scope: CredentialScope) {
            self.accessKeyID = accessKeyID
            (date, region, service) = (scope.date, scope.region, scope.service)
        }
    }

    private struct Known {
        /// That it was derived from.
        var secret: String
        var key: SymmetricKey
    }

    private let known = Mutex<[Name: Known]>([:])

    package init() {}

    package var count: Int { known.withLock { $0.count } }

    func key(of accessKeyID: String, secret: String, _ scope: CredentialScope) -> SymmetricKey? {
        known.withLock { $0[Name(accessKeyID, scope)] }.flatMap { $0.secret == secret ? $0.key : nil }
    }

    func keep(_ key: SymmetricKey, of accessKeyID: String, secret: String, _ scope: CredentialScope) {
        known.withLock { known in
            if known.count >= Self.keysMax { known = [:] }
            known[Name(accessKeyID, scope)] = Known(secret: secret, key: key)
        }
    }

    package func forget(_ accessKeyID: String) {
        known.withLock { known in known = known.filter { $0.key.accessKeyID != accessKeyID } }
    }
}
