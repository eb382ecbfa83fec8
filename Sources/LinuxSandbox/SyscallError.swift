// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A step of building or running a sandbox failed: which call, with which error, on what.
package struct SyscallError: Error, Equatable, Sendable, CustomStringConvertible {
    package var call: String
    /// Positive errno.
    package var errno: Int32
    /// The path, name or number the call was about; empty where there is none.
    package var subject: String

    package init(call: String, errno: Int32, subject: String = "") {
        self.call = call
        self.errno = errno
        self.subject = subject
    }

    package var description: String {
        // SAFETY: strerror returns a string that lives until the next call on this thread; it is copied at once.
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error"
        return subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }
}

/// Turns a shim's `-errno` into an error, and gives its result otherwise.
@discardableResult
package func check<Result: SignedInteger>(
    _ call: String,
    _ subject: String,
    _ result: Result
) throws(SyscallError) -> Result {
    guard result >= 0 else { throw SyscallError(call: call, errno: Int32(-result), subject: subject) }
    return result
}

@discardableResult
package func check<Result: SignedInteger>(_ call: String, _ result: Result) throws(SyscallError) -> Result {
    try check(call, "", result)
}
