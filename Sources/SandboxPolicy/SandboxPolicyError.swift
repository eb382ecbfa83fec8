// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A library could not make a part of the sandbox's policy; the server does not start then.
package struct SandboxPolicyError: Error, CustomStringConvertible {
    package var step: String
    package var errno: CInt

    package var description: String { "sandbox policy: \(step): \(String(cString: strerror(errno)))" }
}
