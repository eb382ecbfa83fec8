// SPDX-License-Identifier: Apache-2.0
package import AWSClient
import Glibc

/// Why the code store could not do what it was asked.
///
/// Names the object, never its content.
package enum CodeStoreError: Error, Equatable, CustomStringConvertible {
    case notFound(objectID: String)
    /// The object is not what was written: changed, cut off, or another object's.
    case contentChanged(objectID: String)
    case wrongMasterKey(objectID: String, sealedWith: String, given: String)
    case unsupportedVersion(objectID: String, version: UInt8)
    case tooLarge(bytes: Int)
    /// `subject` is an object's id or the store's directory. ENOSPC: the disk is full.
    case system(call: String, subject: String, errno: Int32)
    /// The bucket's service refused, or gave no answer.
    case bucket(place: String, ServiceFailure)
    /// Of so many objects that are in use none is where the store looks: they are elsewhere.
    case elsewhere(place: String, count: Int)

    /// Whether the same call may succeed a moment later.
    package var mayPass: Bool {
        if case .bucket(_, let failure) = self { failure.mayPass } else { false }
    }

    package var description: String {
        switch self {
        case .notFound(let objectID): "code object \(objectID) does not exist"
        case .contentChanged(let objectID):
            "code object \(objectID): its content was changed or cut off since it was stored"
        case .wrongMasterKey(let objectID, let sealedWith, let given):
            "code object \(objectID) was stored under the master key \(sealedWith), and the key in use is \(given)"
        case .unsupportedVersion(let objectID, let version):
            "code object \(objectID) is in format \(version), which this version does not know"
        case .tooLarge(let bytes): "a zip of \(bytes) bytes is over the limit of \(CodeStore.zipBytesMax)"
        case .system(let call, let subject, let errno):
            "code store: \(call) of \(subject): \(String(cString: strerror(errno)))"
        case .bucket(let place, .refused(let status, let code, let message)):
            "code store \(place): the service refused with \(status) \(code): \(message)"
        case .bucket(let place, .unreachable(let cause)): "code store \(place) can't be reached: \(cause)"
        case .bucket(let place, .tooLarge(let bytesMax)):
            "code store \(place): an answer of more than \(bytesMax) bytes"
        case .elsewhere(let place, let count):
            "none of the \(count) code objects that functions and layers use is in \(place): --code-store says where "
                + "code is kept, and code that was kept elsewhere has to be copied there (docs/configuration.md)"
        }
    }
}
