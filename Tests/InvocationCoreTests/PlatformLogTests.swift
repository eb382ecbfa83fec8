// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// The platform's events in JSON; figures and members are those of lines that AWS wrote, where the comments say so.
struct PlatformLogTests {
    private let id = InvocationID("4b142fc3-17b8-4cdb-a46b-a8dbe7918715")
    private let time = Timestamp(millisecondsSinceEpoch: 1_716_222_585_019)
    private let header = TraceHeader(
        "Root=1-6352a70e-1e2c502e358361800241fd45;Parent=35465b3a9e2f7c6a;Sampled=1;Lineage=1:890bcd31:0"
    )

    private func json(_ line: PlatformLogLine) -> String? { line.json(at: time) }

    private func event(_ type: String, _ record: String) -> String {
        "{\"time\":\"2024-05-20T16:29:45.019Z\",\"type\":\"platform.\(type)\",\"record\":\(record)}\n"
    }

    private func start(_ phase: InitReport.Phase) -> PlatformLogLine {
        .initStart(
            InitStart(
                type: .onDemand,
                phase: phase,
                runtimeVersion: "nodejs:18.v28",
                runtimeVersionARN: "arn:aws:lambda:eu-west-3::runtime:b475",
                functionName: "f",
                functionVersion: "$LATEST"
            )
        )
    }

    /// As recorded on AWS.
    @Test func `a cold start in JSON`() {
        #expect(
            json(start(.initialization))
                == event(
                    "initStart",
                    #"{"initializationType":"on-demand","phase":"init","runtimeVersion":"nodejs:18.v28","#
                        + #""runtimeVersionArn":"arn:aws:lambda:eu-west-3::runtime:b475","functionName":"f","#
                        + #""functionVersion":"$LATEST"}"#
                )
        )
        let report = InitReport(phase: .initialization, status: .success, duration: .microseconds(173_778))
        #expect(
            json(.initRuntimeDone(report, .onDemand))
                == event(
                    "initRuntimeDone",
                    #"{"initializationType":"on-demand","phase":"init","status":"success"}"#
                )
        )
        #expect(
            json(.initReport(report, .onDemand))
                == event(
                    "initReport",
                    #"{"initializationType":"on-demand","phase":"init","status":"success","#
                        + #""metrics":{"durationMs":173.778}}"#
                )
        )
        #expect(
            json(.start(id, version: "$LATEST", trace: nil))
                == event("start", #"{"requestId":"4b142fc3-17b8-4cdb-a46b-a8dbe7918715","version":"$LATEST"}"#)
        )
    }

    /// As recorded on AWS.
    @Test func `an invocation in JSON`() {
        let report = InvocationReport(
            id: id,
            status: .success,
            duration: .microseconds(11_642),
            initDuration: .microseconds(174_055)
        )
        let spans = [
            PlatformSpan(name: .responseLatency, start: time, duration: .microseconds(2_215)),
            PlatformSpan(name: .runtimeOverhead, start: time, duration: .microseconds(8_600)),
        ]
        #expect(
            json(.runtimeDone(RuntimeDone(report: report, producedBytes: 40, spans: spans, trace: nil)))
                == event(
                    "runtimeDone",
                    #"{"requestId":"4b142fc3-17b8-4cdb-a46b-a8dbe7918715","status":"success","spans":["#
                        + #"{"name":"responseLatency","start":"2024-05-20T16:29:45.019Z","durationMs":2.215},"#
                        + #"{"name":"runtimeOverhead","start":"2024-05-20T16:29:45.019Z","durationMs":8.6}],"#
                        + #""metrics":{"durationMs":11.642,"producedBytes":40}}"#
                )
        )
        #expect(json(.end(id)) == nil)
        #expect(
            json(.report(report, memoryMiB: 128, maxMemoryUsedMiB: 67, trace: nil))
                == event(
                    "report",
                    #"{"requestId":"4b142fc3-17b8-4cdb-a46b-a8dbe7918715","status":"success","metrics":{"#
                        + #""durationMs":11.642,"billedDurationMs":186,"memorySizeMB":128,"maxMemoryUsedMB":67,"#
                        + #""initDurationMs":174.055}}"#
                )
        )
    }

    @Test func `a sampled trace is told, another one is not`() throws {
        let header = try #require(header)
        let trace = PlatformTrace(header)
        let member =
            #""tracing":{"spanId":"35465b3a9e2f7c6a","type":"X-Amzn-Trace-Id","value":"#
            + "\"\(header)\"}"
        #expect(json(.start(id, version: "1", trace: trace))?.contains(member) == true)
        let report = InvocationReport(id: id, status: .timeout, duration: .seconds(3), initDuration: nil)
        let line = PlatformLogLine.report(report, memoryMiB: 128, maxMemoryUsedMiB: 30, trace: trace)
        #expect(json(line)?.contains(member) == true)
        #expect(
            line.text?.hasSuffix(
                "Status: timeout\nXRAY TraceId: 1-6352a70e-1e2c502e358361800241fd45\t"
                    + "SegmentId: 35465b3a9e2f7c6a\tSampled: true\t\n"
            ) == true
        )
        #expect(
            PlatformLogLine.runtimeDone(RuntimeDone(report: report, producedBytes: nil, spans: [], trace: trace))
                .jsonRecord().record.contains(member)
        )
        var quiet = header
        quiet.isSampled = false
        #expect(PlatformTrace(quiet) == nil && PlatformTrace(nil) == nil)
        #expect(PlatformTrace(header: header.description) == trace)
        #expect(PlatformTrace(header: quiet.description) == nil && PlatformTrace(header: nil) == nil)
    }

    @Test func `failures have a status and a type`() {
        func record(_ status: InvocationReport.Status) -> String {
            PlatformLogLine.report(
                InvocationReport(id: InvocationID("ID"), status: status, duration: .seconds(5), initDuration: nil),
                memoryMiB: 128,
                maxMemoryUsedMiB: 130,
                trace: nil
            ).jsonRecord().record
        }
        let metrics =
            #""metrics":{"durationMs":5000.0,"billedDurationMs":5000,"memorySizeMB":128,"maxMemoryUsedMB":128}}"#
        #expect(record(.timeout) == #"{"requestId":"ID","status":"timeout","# + metrics)
        for status in [
            InvocationReport.Status.runtimeError(type: "Runtime.OutOfMemory"),
            .functionError(type: "Runtime.OutOfMemory"),
        ] {
            #expect(
                record(status) == #"{"requestId":"ID","status":"error","errorType":"Runtime.OutOfMemory","# + metrics
            )
        }
        #expect(
            record(.environmentLost)
                == #"{"requestId":"ID","status":"failure","errorType":"Sandbox.Failure","# + metrics
        )
        let rerun = InitReport(phase: .invocation, status: .error(type: "Runtime.ExitError"), duration: .seconds(1))
        #expect(
            PlatformLogLine.initReport(rerun, .onDemand).jsonRecord().record
                == #"{"initializationType":"on-demand","phase":"invoke","status":"error","#
                + #""errorType":"Runtime.ExitError","metrics":{"durationMs":1000.0}}"#
        )
    }

    /// AWS Lambda Developer Guide, "System log level event mapping".
    @Test func `levels decide what is written`() {
        func report(_ status: InitReport.Status) -> InitReport {
            InitReport(phase: .initialization, status: status, duration: .zero)
        }
        func done(_ status: InvocationReport.Status) -> InvocationReport {
            InvocationReport(id: id, status: status, duration: .zero, initDuration: nil)
        }
        func runtimeDone(_ status: InvocationReport.Status) -> PlatformLogLine {
            .runtimeDone(RuntimeDone(report: done(status), producedBytes: nil, spans: [], trace: nil))
        }
        func invocationReport(_ status: InvocationReport.Status) -> PlatformLogLine {
            .report(done(status), memoryMiB: 1, maxMemoryUsedMiB: 1, trace: nil)
        }
        let failed = InitReport.Status.error(type: "T")
        let expected: [(PlatformLogLine, LogLevel?)] = [
            (start(.initialization), .info), (start(.invocation), .debug),
            (.initRuntimeDone(report(.success), .onDemand), .debug),
            (.initRuntimeDone(report(failed), .onDemand), .warn),
            (.initReport(report(.success), .onDemand), .debug), (.initReport(report(.timeout), .onDemand), .warn),
            (.initReport(report(.success), .provisionedConcurrency), .info),
            (.initReport(report(failed), .snapStart), .warn),
            (.start(id, version: "1", trace: nil), .info), (runtimeDone(.success), .debug),
            (runtimeDone(.timeout), .warn),
            (invocationReport(.success), .info), (invocationReport(.functionError(type: "T")), .warn),
            (.restoreStart(runtimeVersion: "v", runtimeVersionARN: "a"), .info),
            (.restoreRuntimeDone(RestoreReport(status: .success, duration: .zero)), .debug),
            (.restoreReport(RestoreReport(status: .success, duration: .zero)), .info),
            (.restoreReport(RestoreReport(status: failed, duration: .zero)), .warn),
            (.extensionState(name: "e", state: "Ready", events: [], errorType: nil), .info),
            (.extensionState(name: "e", state: "LaunchError", events: [], errorType: "T"), .warn),
            (.telemetrySubscription(name: "e", state: "Subscribed", types: []), .info),
            (.logsDropped(reason: "r", records: 1, bytes: 2), .warn),
            (.end(id), nil), (.fault(id, .exited(.exited(code: 1))), nil),
        ]
        for (line, level) in expected { #expect(line.level == level, "\(line)") }
    }

    @Test func `what extensions say of themselves stays one line`() {
        let line = PlatformLogLine.extensionState(
            name: "a\nREPORT",
            state: "Ready",
            events: ["INVOKE", "SHUTDOWN"],
            errorType: nil
        )
        #expect(line.text == "EXTENSION\tName: a?REPORT\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n")
        #expect(
            line.jsonRecord().record == #"{"name":"a\nREPORT","state":"Ready","events":["INVOKE","SHUTDOWN"]}"#
        )
        let subscription = PlatformLogLine.telemetrySubscription(name: "e", state: "Subscribed", types: ["platform"])
        #expect(subscription.text == "TELEMETRY\tName: e\tState: Subscribed\tTypes: [Platform]\n")
        let byLogs = PlatformLogLine.logsSubscription(name: "e", state: "Subscribed", types: ["platform", "function"])
        #expect(byLogs.text == "LOGS\tName: e\tState: Subscribed\tTypes: [Platform, Function]\n")
        #expect(byLogs.jsonRecord().type == "platform.logsSubscription")
        #expect(
            PlatformLogLine.logsDropped(reason: "\"", records: 3, bytes: 4).jsonRecord().record
                == #"{"reason":"\"","droppedRecords":3,"droppedBytes":4}"#
        )
    }

    @Test func `restoring a snapshot`() {
        #expect(
            PlatformLogLine.restoreStart(runtimeVersion: "python:3.12.v1", runtimeVersionARN: "arn").text
                == "RESTORE_START Runtime Version: python:3.12.v1\tRuntime Version ARN: arn\n"
        )
        let report = RestoreReport(status: .success, duration: .microseconds(689_970))
        #expect(PlatformLogLine.restoreReport(report).text == "RESTORE_REPORT Restore Duration: 689.97 ms\n")
        #expect(
            PlatformLogLine.restoreReport(report).jsonRecord().record
                == #"{"status":"success","metrics":{"durationMs":689.97}}"#
        )
    }

    @Test func `why Lambda ended an invocation`() {
        let line = PlatformLogLine.fault(InvocationID("ID"), .exited(.exited(code: 1)))
        let text = "RequestId: ID Error: Runtime exited with error: exit status 1\nRuntime.ExitError"
        #expect(line.text == text + "\n")
        #expect(line.jsonRecord().type == "platform.fault")
        #expect(line.jsonRecord().record == "\"\(text.replacing("\n", with: "\\n"))\"")
    }
}
