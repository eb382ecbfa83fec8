// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An open file descriptor that is closed when this value ends, unless `release()` gave it away.
package struct Descriptor: ~Copyable {
    package let number: CInt

    package init(_ number: CInt) { self.number = number }

    deinit { close(number) }

    /// The number, which the caller now owns.
    package consuming func release() -> CInt {
        let number = self.number
        discard self
        return number
    }
}
