// SPDX-License-Identifier: Apache-2.0

/// Who asks, and in which region: taken from the access key and the scope of the signature.
package struct Caller: Hashable, Sendable {
    /// Twelve digits.
    package var accountID: String
    package var region: String

    package init(accountID: String, region: String) {
        self.accountID = accountID
        self.region = region
    }
}
