// SPDX-License-Identifier: Apache-2.0

/// A line that Lambda itself writes into a function's log, in the text format.
package enum PlatformLogLine: Equatable, Sendable {
    case initStart(runtimeVersion: String, runtimeVersionARN: String)
    case start(InvocationID, version: String)
    case end(InvocationID)
    case report(InvocationReport, memoryMiB: Int, maxMemoryUsedMiB: Int)
    case initReport(InitReport)

    /// With its newline; nil for an initialisation that succeeded, since Lambda writes INIT_REPORT only when one failed.
    package var text: String? {
        switch self {
        case .initStart(let version, let arn):
            "INIT_START Runtime Version: \(version)\tRuntime Version ARN: \(arn)\n"
        case .start(let id, let version): "START RequestId: \(id) Version: \(version)\n"
        case .end(let id): "END RequestId: \(id)\n"
        case .report(let report, let memoryMiB, let maxMemoryUsedMiB):
            Self.report(report, memoryMiB: memoryMiB, maxMemoryUsedMiB: maxMemoryUsedMiB)
        case .initReport(let report): Self.initReport(report)
        }
    }

    /// Every field ends in a tab, the last one too, unless a status follows.
    private static func report(_ report: InvocationReport, memoryMiB: Int, maxMemoryUsedMiB: Int) -> String {
        let millisecond = Duration.milliseconds(1)
        var line = "REPORT RequestId: \(report.id)\tDuration: \(report.duration.hundredths(of: millisecond)) ms\t"
        line += "Billed Duration: \(report.billed.milliseconds) ms\tMemory Size: \(memoryMiB) MB\t"
        // The kernel's count may pass the limit by a page or two before it kills; Lambda's never shows that.
        line += "Max Memory Used: \(min(maxMemoryUsedMiB, memoryMiB)) MB\t"
        if let initDuration = report.initDuration {
            line += "Init Duration: \(initDuration.hundredths(of: millisecond)) ms\t"
        }
        switch report.status {
        case .success, .functionError: break
        case .runtimeError(let type): line += "Status: error\tError Type: \(type)"
        case .timeout: line += "Status: timeout"
        case .environmentLost: line += "Status: error\tError Type: Sandbox.Failure"
        }
        return line + "\n"
    }

    private static func initReport(_ report: InitReport) -> String? {
        let duration = report.duration.hundredths(of: .milliseconds(1))
        let line = "INIT_REPORT Init Duration: \(duration) ms\tPhase: \(report.phase.rawValue)\t"
        switch report.status {
        case .success: return nil
        case .timeout: return line + "Status: timeout\n"
        case .error(let type): return line + "Status: error\tError Type: \(type)\n"
        }
    }
}
