// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Crypto
package import InvocationCore
import Synchronization

/// Whose a browser's session is.
package struct ConsoleSession: Equatable, Sendable {
    package var accessKeyID: String
    package var region: String
    /// Of the secret that was signed in with: a key that was deleted and made anew with another does not go on.
    private var secretDigest: SHA256.Digest

    package init(accessKeyID: String, secret: String, region: String) {
        self.accessKeyID = accessKeyID
        self.region = region
        secretDigest = SHA256.hash(data: Array(secret.utf8))
    }

    /// Digests are compared in a time that does not depend on what they are.
    package func wasStarted(with secret: String) -> Bool {
        secretDigest == SHA256.hash(data: Array(secret.utf8))
    }
}

/// The console's sessions, and how often one may try to start one.
///
/// A token is 256 random bits; of those given out only digests are kept.
package final class ConsoleSessions: Sendable {
    private struct State {
        var table: ConsoleSessionTable
        var rate: SignInRate
    }

    private let state: Mutex<State>
    private let clock: @Sendable () -> MonotonicTime
    package let limits: ConsoleSessionTable.Limits

    package init(limits: ConsoleSessionTable.Limits = .init(), clock: @escaping @Sendable () -> MonotonicTime) {
        state = Mutex(State(table: ConsoleSessionTable(limits: limits), rate: SignInRate(at: clock())))
        self.clock = clock
        self.limits = limits
    }

    /// Whether a secret from there may be tried now.
    package func admitsTry(from address: String) -> Bool {
        let now = clock()
        return state.withLock { $0.rate.admit(address, at: now) }
    }

    /// - Returns: the token that the browser is to hold.
    package func start(_ session: ConsoleSession) -> String {
        var random = SystemRandomNumberGenerator()
        let token = Base64.encodeURL((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let now = clock()
        state.withLock { $0.table.start(session, digest: Self.digest(token), at: now) }
        return token
    }

    package func session(_ token: String, isByUser: Bool) -> ConsoleSession? {
        let now = clock()
        return state.withLock { $0.table.use(Self.digest(token), isByUser: isByUser, at: now) }
    }

    package func end(_ token: String) {
        state.withLock { $0.table.end(Self.digest(token)) }
    }

    private static func digest(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }
}
