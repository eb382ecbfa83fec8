// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// What Lambda itself writes into a function's log, and tells telemetry subscribers of.
///
/// `text` is the line in the text format, `json(at:)` the one in JSON, `jsonRecord()` what the Telemetry API sends. Not every event
/// has a line in each (AWS Lambda Developer Guide, "Lambda Telemetry API Event schema reference" and "Log-level filtering").
package enum PlatformLogLine: Equatable, Sendable {
    case initStart(InitStart)
    case initRuntimeDone(InitReport, InitializationType)
    case initReport(InitReport, InitializationType)
    /// `trace` only where the trace is sampled.
    case start(InvocationID, version: String, trace: PlatformTrace?)
    /// Why Lambda ended an invocation; text only.
    case fault(InvocationID, InvocationFailure)
    /// The runtime has asked for the next event, or ended.
    case runtimeDone(RuntimeDone)
    case end(InvocationID)
    case report(InvocationReport, memoryMiB: Int, maxMemoryUsedMiB: Int, trace: PlatformTrace?)
    case restoreStart(runtimeVersion: String, runtimeVersionARN: String)
    case restoreRuntimeDone(RestoreReport)
    case restoreReport(RestoreReport)
    /// `events` are those that the extension registered for.
    case extensionState(name: String, state: String, events: [String], errorType: String?)
    case telemetrySubscription(name: String, state: String, types: [String])
    /// The same by the Logs API.
    case logsSubscription(name: String, state: String, types: [String])
    case logsDropped(reason: String, records: Int, bytes: Int)

    /// The line in the text format, with its newline; nil where Lambda writes none.
    ///
    /// INIT_REPORT is written for what failed, and always for another type than on-demand.
    package var text: String? {
        switch self {
        case .initStart(let start) where start.phase == .initialization:
            "INIT_START Runtime Version: \(start.runtimeVersion)\tRuntime Version ARN: \(start.runtimeVersionARN)\n"
        case .initStart, .initRuntimeDone, .runtimeDone, .restoreRuntimeDone, .logsDropped: nil
        case .initReport(let report, let type): Self.initReport(report, type)
        case .start(let id, let version, _): "START RequestId: \(id) Version: \(version)\n"
        case .fault(let id, let failure): "RequestId: \(id) Error: \(failure.message)\n\(failure.errorType)\n"
        case .end(let id): "END RequestId: \(id)\n"
        case .report(let report, let memoryMiB, let maxMemoryUsedMiB, let trace):
            Self.report(report, memoryMiB: memoryMiB, maxMemoryUsedMiB: maxMemoryUsedMiB)
                + (trace.map { Self.xray($0.header) } ?? "")
        case .restoreStart(let version, let arn):
            "RESTORE_START Runtime Version: \(version)\tRuntime Version ARN: \(arn)\n"
        case .restoreReport(let report):
            "RESTORE_REPORT Restore Duration: \(report.duration.hundredths(of: .milliseconds(1))) ms"
                + (report.status == .success ? "" : "\t" + Self.ending(report.status)) + "\n"
        case .extensionState(let name, let state, let events, let errorType):
            "EXTENSION\tName: \(oneLine(name))\tState: \(oneLine(state))\tEvents: \(Self.list(events))"
                + (errorType.map { "\tError Type: \(oneLine($0))" } ?? "") + "\n"
        case .telemetrySubscription(let name, let state, let types):
            "TELEMETRY\t" + Self.subscription(name, state, types)
        case .logsSubscription(let name, let state, let types): "LOGS\t" + Self.subscription(name, state, types)
        }
    }

    /// The last line of REPORT.
    private static func xray(_ header: TraceHeader) -> String {
        "XRAY TraceId: \(header.root)\tSegmentId: \(header.parent)\tSampled: true\t\n"
    }

    private static func subscription(_ name: String, _ state: String, _ types: [String]) -> String {
        let types = types.map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return "Name: \(oneLine(name))\tState: \(oneLine(state))\tTypes: \(list(types))\n"
    }

    private static func list(_ words: [String]) -> String { "[\(oneLine(words.joined(separator: ", ")))]" }

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
        if let restore = report.restore {
            line += "Restore Duration: \(restore.total.hundredths(of: millisecond)) ms\t"
            line += "Billed Restore Duration: \(restore.billedMilliseconds) ms\t"
        }
        switch report.status {
        case .success, .functionError: break
        case .runtimeError(let type): line += ending(.error(type: type))
        case .timeout: line += ending(.timeout)
        case .environmentLost: line += ending(.error(type: "Sandbox.Failure"))
        }
        return line + "\n"
    }

    private static func initReport(_ report: InitReport, _ type: InitializationType) -> String? {
        if report.status == .success, type == .onDemand { return nil }
        let duration = report.duration.hundredths(of: .milliseconds(1))
        return "INIT_REPORT Init Duration: \(duration) ms\tPhase: \(report.phase.rawValue)\t\(ending(report.status))\n"
    }

    private static func ending(_ status: InitReport.Status) -> String {
        switch status {
        case .success: ""
        case .timeout: "Status: timeout"
        case .error(let type): "Status: error\tError Type: \(type)"
        }
    }
}

/// How an environment came to be, in AWS's words: also what AWS_LAMBDA_INITIALIZATION_TYPE says.
package enum InitializationType: String, Sendable {
    case onDemand = "on-demand"
    case provisionedConcurrency = "provisioned-concurrency"
    case snapStart = "snap-start"
}

/// The beginning of an initialisation.
package struct InitStart: Equatable, Sendable {
    package var type: InitializationType
    package var phase: InitReport.Phase
    /// For example `python:3.12.v3.12.8`.
    package var runtimeVersion: String
    package var runtimeVersionARN: String
    package var functionName: String
    package var functionVersion: String

    package init(
        type: InitializationType,
        phase: InitReport.Phase,
        runtimeVersion: String,
        runtimeVersionARN: String,
        functionName: String,
        functionVersion: String
    ) {
        self.type = type
        self.phase = phase
        self.runtimeVersion = runtimeVersion
        self.runtimeVersionARN = runtimeVersionARN
        self.functionName = functionName
        self.functionVersion = functionVersion
    }
}

/// A sampled trace that an invocation belongs to.
package struct PlatformTrace: Equatable, Sendable {
    package var header: TraceHeader

    /// The same for a header as `TraceHeader.description` writes it.
    package init?(header text: String?) {
        guard let text, TraceHeader.isSampled(text) else { return nil }
        self.init(TraceHeader(text))
    }

    /// nil where the trace is not sampled: then nothing is said of it.
    package init?(_ header: TraceHeader?) {
        guard let header, header.isSampled else { return nil }
        self.header = header
    }
}

/// A part of an invocation's time.
package struct PlatformSpan: Equatable, Sendable {
    /// AWS's: `responseLatency` (from the event's delivery to the runtime's response), `responseDuration` (of the response itself),
    /// `runtimeOverhead` (from the response to the next poll).
    package enum Name: String, Sendable {
        case responseLatency
        case responseDuration
        case runtimeOverhead
    }

    package var name: Name
    package var start: Timestamp
    package var duration: Duration

    package init(name: Name, start: Timestamp, duration: Duration) {
        self.name = name
        self.start = start
        self.duration = duration
    }
}

/// The end of the runtime's work on an invocation.
package struct RuntimeDone: Equatable, Sendable {
    package var report: InvocationReport
    /// Of the response; nil where there was none.
    package var producedBytes: Int?
    package var spans: [PlatformSpan]
    package var trace: PlatformTrace?

    package init(report: InvocationReport, producedBytes: Int?, spans: [PlatformSpan], trace: PlatformTrace?) {
        self.report = report
        self.producedBytes = producedBytes
        self.spans = spans
        self.trace = trace
    }
}

/// How the restoring of a snapshot ended.
package struct RestoreReport: Equatable, Sendable {
    package var status: InitReport.Status
    package var duration: Duration

    package init(status: InitReport.Status, duration: Duration) {
        self.status = status
        self.duration = duration
    }
}

/// An extension names itself: without control characters a log line stays one line.
private func oneLine(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
}
