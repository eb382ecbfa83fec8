// SPDX-License-Identifier: Apache-2.0

/// How the runtime's process ended.
package enum ExitStatus: Equatable, Sendable {
    case exited(code: Int32)
    /// `outOfMemory`: the kernel killed it for want of memory.
    case signalled(Int32, outOfMemory: Bool)
}

/// Why an invocation failed without the runtime having said so: what Lambda itself tells the caller.
package enum InvocationFailure: Equatable, Sendable {
    /// `limit` is the function's timeout.
    case timedOut(limit: Duration)
    case exited(ExitStatus)
    case responseTooLarge
    case streamTooLarge
    /// The runtime's program could not be executed; the message says why, in Lambda's words where it has any.
    case invalidEntrypoint(message: String)
    /// An external extension ended while it was needed; `type` is AWS's name of that.
    case extensionExited(type: String, ExitStatus)
    /// An external extension's program could not be executed.
    case extensionNotLaunched(message: String)

    /// No program at any of the places where one is looked for.
    package static func noBootstrap(tried paths: [String]) -> InvocationFailure {
        .invalidEntrypoint(message: "Couldn't find valid bootstrap(s): [\(paths.joined(separator: " "))]")
    }

    /// There is a program, and execve(2) refused it: in the words of Go, which are Lambda's.
    ///
    /// `reason` is strerror(3)'s; the two differ in the first letter's case.
    package static func notExecutable(_ path: String, reason: String) -> InvocationFailure {
        .invalidEntrypoint(message: "fork/exec \(path): \(reason.prefix(1).lowercased())\(reason.dropFirst())")
    }

    /// AWS's name of it.
    package var errorType: String {
        switch self {
        case .timedOut: "Sandbox.Timedout"
        case .exited(.signalled(_, outOfMemory: true)): "Runtime.OutOfMemory"
        case .exited: "Runtime.ExitError"
        case .responseTooLarge, .streamTooLarge: "Function.ResponseSizeTooLarge"
        case .invalidEntrypoint: "Runtime.InvalidEntrypoint"
        case .extensionExited(let type, _): type
        case .extensionNotLaunched: "Extension.LaunchError"
        }
    }

    /// The text, without the request id that most payloads put before it.
    package var message: String {
        switch self {
        case .timedOut(let limit): "Task timed out after \(limit.hundredths(of: .seconds(1))) seconds"
        case .exited(.exited(code: 0)): "Runtime exited without providing a reason"
        case .exited(let status): "Runtime exited with error: \(Self.text(status))"
        case .extensionExited(_, .exited(code: 0)): "exit code 0"
        case .extensionExited(_, let status): Self.text(status)
        case .responseTooLarge: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        case .streamTooLarge: "Response payload size exceeded maximum allowed payload size (209715200 bytes)."
        case .invalidEntrypoint(let message), .extensionNotLaunched(let message): message
        }
    }

    private static func text(_ status: ExitStatus) -> String {
        switch status {
        case .exited(let code): "exit status \(code)"
        case .signalled(let signal, _): "signal: \(signalName(signal))"
        }
    }

    /// The JSON that the caller gets, byte for byte as Lambda writes it.
    package func payload(requestID: InvocationID) -> [UInt8] {
        var text: String
        switch self {
        case .responseTooLarge, .streamTooLarge:
            text = #"{"errorMessage":"# + quoted(message) + #","errorType":"# + quoted(errorType) + "}"
        case .timedOut, .exited, .invalidEntrypoint, .extensionExited, .extensionNotLaunched:
            text = #"{"errorType":"# + quoted(errorType) + #","errorMessage":"#
            text += quoted("RequestId: \(requestID) Error: \(message)") + "}"
        }
        return Array(text.utf8)
    }
}

/// A JSON string with its quotes.
package func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\u{0}"..<" ":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// Linux signals as Go prints them, since those are the words that Lambda's payloads have.
private func signalName(_ signal: Int32) -> String {
    switch signal {
    case 1: "hangup"
    case 2: "interrupt"
    case 3: "quit"
    case 4: "illegal instruction"
    case 5: "trace/breakpoint trap"
    case 6: "aborted"
    case 7: "bus error"
    case 8: "floating point exception"
    case 9: "killed"
    case 10: "user defined signal 1"
    case 11: "segmentation fault"
    case 12: "user defined signal 2"
    case 13: "broken pipe"
    case 14: "alarm clock"
    case 15: "terminated"
    case 16: "stack fault"
    case 17: "child exited"
    case 18: "continued"
    case 19: "stopped (signal)"
    case 20: "stopped"
    case 21: "stopped (tty input)"
    case 22: "stopped (tty output)"
    case 23: "urgent I/O condition"
    case 24: "CPU time limit exceeded"
    case 25: "file size limit exceeded"
    case 26: "virtual timer expired"
    case 27: "profiling timer expired"
    case 28: "window changed"
    case 29: "I/O possible"
    case 30: "power failure"
    case 31: "bad system call"
    default: "signal \(signal)"
    }
}
