// SPDX-License-Identifier: Apache-2.0
import Glibc
package import InvocationCore

extension MonotonicTime {
    /// CLOCK_MONOTONIC.
    package static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
