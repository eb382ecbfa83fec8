// SPDX-License-Identifier: Apache-2.0
import CLinux

/// How many descriptors this process may have open.
package enum DescriptorLimit {
    /// More than this is never asked for.
    private static let most: UInt64 = 1 << 20

    /// Raises the limit as far as the operator lets it be raised; the number.
    package static func raise() throws(SyscallError) -> Int {
        Int(try check("setrlimit", "descriptors", clinux_raise_descriptor_limit(most)))
    }
}
