// SPDX-License-Identifier: Apache-2.0

/// How much a log event matters, in the words of `LoggingConfig`.
package enum LogLevel: String, Comparable, Sendable, CaseIterable {
    case trace = "TRACE"
    case debug = "DEBUG"
    case info = "INFO"
    case warn = "WARN"
    case error = "ERROR"
    case fatal = "FATAL"

    /// As loggers spell it, in any case; nil for what is no level.
    package init?(spelling: String) {
        guard spelling.utf8.count <= 16 else { return nil }
        switch spelling.uppercased() {
        case "TRACE": self = .trace
        case "DEBUG": self = .debug
        case "INFO", "INFORMATION": self = .info
        case "WARN", "WARNING": self = .warn
        case "ERROR": self = .error
        case "FATAL", "CRITICAL": self = .fatal
        default: return nil
        }
    }

    private var rank: Int {
        switch self {
        case .trace: 1
        case .debug: 2
        case .info: 3
        case .warn: 4
        case .error: 5
        case .fatal: 6
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}
