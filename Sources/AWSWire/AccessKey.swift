// SPDX-License-Identifier: Apache-2.0

/// What a caller signs with.
///
/// The secret never appears in a description, so a log line can't show it by accident.
package struct AccessKey: Sendable, Equatable, CustomStringConvertible {
    /// `AKIA…` for a long-lived key, `ASIA…` for a session's.
    package var id: String
    package var secret: String
    /// Goes with every request that a session's key signs.
    package var sessionToken: String?

    package init(id: String, secret: String, sessionToken: String? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }

    package var description: String { id }
}
