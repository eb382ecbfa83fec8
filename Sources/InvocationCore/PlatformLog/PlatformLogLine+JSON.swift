// SPDX-License-Identifier: Apache-2.0
package import LambdaModel

/// The JSON form: `{"time":…,"type":…,"record":{…}}`, with the members in the order in which Lambda writes them.
extension PlatformLogLine {
    /// The line in the JSON format, with its newline; nil where Lambda writes none.
    package func json(at time: Timestamp) -> String? {
        guard level != nil else { return nil }
        let (type, record) = jsonRecord()
        return "{\"time\":\"\(time.iso8601())\",\"type\":\"\(type)\",\"record\":\(record)}\n"
    }

    /// What SystemLogLevel is compared with (AWS Lambda Developer Guide, "System log level event mapping").
    ///
    /// nil for what has no line in the JSON format.
    package var level: LogLevel? {
        switch self {
        case .initStart(let start): start.phase == .initialization ? .info : .debug
        case .initRuntimeDone(let report, _): report.status == .success ? .debug : .warn
        case .initReport(let report, let type):
            report.status != .success ? .warn : type == .onDemand ? .debug : .info
        case .start, .telemetrySubscription, .logsSubscription: .info
        case .restoreStart: .info
        case .restoreRuntimeDone(let report): report.status == .success ? .debug : .warn
        case .restoreReport(let report): report.status == .success ? .info : .warn
        case .runtimeDone(let done): done.report.status == .success ? .debug : .warn
        case .report(let report, _, _, _): report.status == .success ? .info : .warn
        case .extensionState(_, _, _, let errorType): errorType == nil ? .info : .warn
        case .logsDropped: .warn
        case .fault, .end: nil
        }
    }

    /// The event's type, and its record as a JSON text on one line, for the JSON log format and for telemetry.
    ///
    /// Of `platform.fault` the record is a string; that type and `platform.end` are the Logs API's alone.
    package func jsonRecord(_ schema: TelemetrySchema = .telemetry20250129) -> (type: String, record: String) {
        var record = RecordWriter()
        let type = write(to: &record, schema)
        return ("platform." + type, record.text)
    }

    /// What a subscriber with that schema gets of it; nil where the schema does not have it.
    package func record(for schema: TelemetrySchema) -> (type: String, record: String)? {
        let isKnown =
            switch self {
            case .start, .report, .extensionState, .logsDropped: true
            case .fault, .end, .logsSubscription: schema.api == .logs
            case .runtimeDone: schema > .logs20200815
            case .initStart, .initRuntimeDone, .initReport, .restoreStart, .restoreRuntimeDone, .restoreReport,
                .telemetrySubscription:
                schema.api == .telemetry
            }
        return isKnown ? jsonRecord(schema) : nil
    }

    /// Returns the type's last part.
    private func write(to record: inout RecordWriter, _ schema: TelemetrySchema) -> String {
        switch self {
        case .initStart(let start):
            record.add("initializationType", start.type.rawValue)
            record.add("phase", start.phase.rawValue)
            // A rerun's runtime is the one that is known already.
            if start.phase == .initialization {
                record.add("runtimeVersion", start.runtimeVersion)
                record.add("runtimeVersionArn", start.runtimeVersionARN)
            }
            guard schema > .telemetry20220701 else { return "initStart" }
            record.add("functionName", start.functionName)
            record.add("functionVersion", start.functionVersion)
            return "initStart"
        case .initRuntimeDone(let report, let type):
            record.add(report, type)
            return "initRuntimeDone"
        case .initReport(let report, let type):
            record.add(report, type, hasStatus: schema > .telemetry20220701)
            record.add("metrics", json: "{\"durationMs\":\(milliseconds(report.duration))}")
            return "initReport"
        case .start(let id, let version, let trace):
            record.add("requestId", id.requestID)
            record.add("version", version)
            record.add(trace)
            return "start"
        case .fault(let id, let failure):
            record.replace(with: "RequestId: \(id) Error: \(failure.message)\n\(failure.errorType)")
            return "fault"
        case .runtimeDone(let done):
            record.add("requestId", done.report.id.requestID)
            guard schema.api == .telemetry else {
                record.addStatusAlone(done.report.status)
                return "runtimeDone"
            }
            record.add(done.report.status)
            record.add(done.trace)
            if !done.spans.isEmpty { record.add("spans", json: Self.spans(done.spans)) }
            let produced = done.producedBytes.map { ",\"producedBytes\":\($0)" } ?? ""
            record.add("metrics", json: "{\"durationMs\":\(milliseconds(done.report.duration))\(produced)}")
            return "runtimeDone"
        case .end(let id):
            record.add("requestId", id.requestID)
            return "end"
        case .report(let report, let memoryMiB, let maxMemoryUsedMiB, let trace):
            record.add("requestId", report.id.requestID)
            if schema.api == .telemetry { record.add(report.status) }
            record.add("metrics", json: Self.metrics(report, memoryMiB, maxMemoryUsedMiB))
            record.add(trace)
            return "report"
        case .restoreStart(let version, let arn):
            record.add("runtimeVersion", version)
            record.add("runtimeVersionArn", arn)
            return "restoreStart"
        case .restoreRuntimeDone(let report):
            record.add(report.status)
            return "restoreRuntimeDone"
        case .restoreReport(let report):
            record.add(report.status)
            record.add("metrics", json: "{\"durationMs\":\(milliseconds(report.duration))}")
            return "restoreReport"
        case .extensionState, .telemetrySubscription, .logsSubscription, .logsDropped:
            return writeTelemetry(to: &record, schema)
        }
    }

    private func writeTelemetry(to record: inout RecordWriter, _ schema: TelemetrySchema) -> String {
        switch self {
        case .extensionState(let name, let state, let events, let errorType):
            record.add("name", name)
            record.add("state", state)
            record.add("events", events)
            if let errorType, schema >= .telemetry20250129 { record.add("errorType", errorType) }
            return "extension"
        case .telemetrySubscription(let name, let state, let types), .logsSubscription(let name, let state, let types):
            record.add("name", name)
            record.add("state", state)
            record.add("types", types)
            if case .logsSubscription = self { return "logsSubscription" }
            return "telemetrySubscription"
        case .logsDropped(let reason, let records, let bytes):
            record.add("reason", reason)
            record.add("droppedRecords", json: String(records))
            record.add("droppedBytes", json: String(bytes))
            return "logsDropped"
        default: preconditionFailure("the other events are written by the caller")
        }
    }

    private static func metrics(_ report: InvocationReport, _ memoryMiB: Int, _ maxMemoryUsedMiB: Int) -> String {
        var text =
            "{\"durationMs\":\(milliseconds(report.duration)),\"billedDurationMs\":\(report.billed.milliseconds),"
        text += "\"memorySizeMB\":\(memoryMiB),\"maxMemoryUsedMB\":\(min(maxMemoryUsedMiB, memoryMiB))"
        if let initDuration = report.initDuration { text += ",\"initDurationMs\":\(milliseconds(initDuration))" }
        if let restore = report.restore {
            text += ",\"restoreDurationMs\":\(milliseconds(restore.total))"
            text += ",\"billedRestoreDurationMs\":\(restore.billedMilliseconds)"
        }
        return text + "}"
    }

    private static func spans(_ spans: [PlatformSpan]) -> String {
        let texts = spans.map {
            "{\"name\":\"\($0.name.rawValue)\",\"start\":\"\($0.start.iso8601())\","
                + "\"durationMs\":\(milliseconds($0.duration))}"
        }
        return "[\(texts.joined(separator: ","))]"
    }
}

/// Milliseconds with one to three decimals, rounded half up; never negative: `3016.78`, `5000.0`.
private func milliseconds(_ duration: Duration) -> String {
    let (whole, rest) = ((max(0, duration.wholeNanoseconds) + 500) / 1_000).quotientAndRemainder(dividingBy: 1_000)
    var digits = decimal(rest, width: 3)
    while digits.utf8.count > 1, digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits)"
}

/// A record as it grows, member by member.
private struct RecordWriter {
    private var members: [String] = []
    private var string: String?

    var text: String { string ?? "{\(members.joined(separator: ","))}" }

    mutating func add(_ name: String, json: String) { members.append("\"\(name)\":\(json)") }

    mutating func add(_ name: String, _ value: String) { add(name, json: quoted(value)) }

    mutating func add(_ name: String, _ values: [String]) {
        add(name, json: "[\(values.map(quoted).joined(separator: ","))]")
    }

    mutating func replace(with text: String) { string = quoted(text) }

    mutating func add(_ report: InitReport, _ type: InitializationType, hasStatus: Bool = true) {
        add("initializationType", type.rawValue)
        add("phase", report.phase.rawValue)
        if hasStatus { add(report.status) }
    }

    /// The Logs API's three words, without an error's type.
    mutating func addStatusAlone(_ status: InvocationReport.Status) {
        let word =
            switch status {
            case .success: "success"
            case .timeout: "timeout"
            case .functionError, .runtimeError, .environmentLost: "failure"
            }
        add("status", word)
    }

    mutating func add(_ status: InitReport.Status) {
        switch status {
        case .success: add("status", "success")
        case .timeout: add("status", "timeout")
        case .error(let type):
            add("status", "error")
            add("errorType", type)
        }
    }

    mutating func add(_ status: InvocationReport.Status) {
        switch status {
        case .success: add(InitReport.Status.success)
        case .functionError(let type), .runtimeError(let type): add(InitReport.Status.error(type: type))
        case .timeout: add(InitReport.Status.timeout)
        case .environmentLost:
            add("status", "failure")
            add("errorType", "Sandbox.Failure")
        }
    }

    mutating func add(_ trace: PlatformTrace?) {
        guard let header = trace?.header else { return }
        let members = [("spanId", header.parent), ("type", "X-Amzn-Trace-Id"), ("value", header.description)]
        add("tracing", json: "{\(members.map { "\"\($0.0)\":\(quoted($0.1))" }.joined(separator: ","))}")
    }
}
