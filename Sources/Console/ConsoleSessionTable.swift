// SPDX-License-Identifier: Apache-2.0
package import InvocationCore

/// Who is signed in to the console, by the digest of what each browser holds: which session ends when.
///
/// In memory only: a server that starts anew knows none.
package struct ConsoleSessionTable: Sendable {
    package struct Limits: Equatable, Sendable {
        /// Of all keys together; the one that was not used for longest makes room.
        package var sessionsMax = 512
        /// Of one key.
        package var sessionsOfKeyMax = 32
        /// Without a request that a user caused.
        package var idleMax = Duration.seconds(30 * 60)
        package var lifeMax = Duration.seconds(12 * 3_600)

        package init() {}
    }

    package let limits: Limits
    private var sessions: [[UInt8]: Entry] = [:]

    private struct Entry {
        var session: ConsoleSession
        var startedAt: MonotonicTime
        var usedAt: MonotonicTime
    }

    package init(limits: Limits = Limits()) { self.limits = limits }

    package var count: Int { sessions.count }

    package mutating func start(_ session: ConsoleSession, digest: [UInt8], at now: MonotonicTime) {
        sessions = sessions.filter { isAlive($0.value, at: now) }
        let own = sessions.filter { $0.value.session.accessKeyID == session.accessKeyID }
        if own.count >= limits.sessionsOfKeyMax { removeStalest(of: own) }
        if sessions.count >= limits.sessionsMax { removeStalest(of: sessions) }
        sessions[digest] = Entry(session: session, startedAt: now, usedAt: now)
    }

    /// The session, if it goes on.
    ///
    /// What a page asks for by itself does not keep it from ending.
    package mutating func use(_ digest: [UInt8], isByUser: Bool, at now: MonotonicTime) -> ConsoleSession? {
        guard let entry = sessions[digest] else { return nil }
        guard isAlive(entry, at: now) else {
            sessions[digest] = nil
            return nil
        }
        if isByUser { sessions[digest]?.usedAt = now }
        return entry.session
    }

    package mutating func end(_ digest: [UInt8]) { sessions[digest] = nil }

    private func isAlive(_ entry: Entry, at now: MonotonicTime) -> Bool {
        now - entry.startedAt < limits.lifeMax && now - entry.usedAt < limits.idleMax
    }

    private mutating func removeStalest(of candidates: [[UInt8]: Entry]) {
        guard let stalest = candidates.min(by: { $0.value.usedAt < $1.value.usedAt }) else { return }
        sessions[stalest.key] = nil
    }
}
