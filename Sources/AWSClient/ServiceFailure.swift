// SPDX-License-Identifier: Apache-2.0

/// Why a service did not do what it was asked.
package enum ServiceFailure: Error, Equatable, Sendable {
    /// The service answered with an error: its code and its text, at most 256 characters each, without control characters.
    case refused(status: Int, code: String, message: String)
    /// The answer has more bytes than the reader takes.
    case tooLarge(bytesMax: Int)
    /// No answer that can be understood, or none in time; the cause is for the server's log.
    case unreachable(cause: String)

    /// Whether the same request may succeed a moment later.
    package var mayPass: Bool {
        switch self {
        case .refused(let status, let code, _): status >= 500 || status == 429 || code.contains("Throttl")
        case .tooLarge: false
        case .unreachable: true
        }
    }
}
