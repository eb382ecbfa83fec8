// SPDX-License-Identifier: Apache-2.0

/// One version of a function.
package struct FunctionVersionKey: Hashable, Sendable {
    package static let latest = "$LATEST"

    package var function: FunctionKey
    /// `$LATEST` or a decimal number.
    package var version: String

    package init(function: FunctionKey, version: String) {
        self.function = function
        self.version = version
    }
}
