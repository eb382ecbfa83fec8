// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// The shape of every event in every schema version.
@Suite struct TelemetryEventTests {
    private static let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)
    private static let id = InvocationID("ID")

    private func text(_ content: TelemetryEvent.Content, _ schema: TelemetrySchema) -> String? {
        TelemetryEvent(time: Self.time, content: content).text(schema)
    }

    /// The schemas by whether they have that event.
    private func schemas(with line: PlatformLogLine) -> [TelemetrySchema] {
        TelemetrySchema.allCases.filter { text(.platform(line), $0) != nil }
    }

    private static let telemetry: [TelemetrySchema] = [.telemetry20220701, .telemetry20221213, .telemetry20250129]

    private func record(_ line: PlatformLogLine, _ schema: TelemetrySchema) -> String? {
        line.record(for: schema)?.record
    }

    private static let report = InvocationReport(
        id: id,
        status: .runtimeError(type: "Runtime.ExitError"),
        duration: .milliseconds(10),
        initDuration: .milliseconds(90)
    )

    @Test func `an event has a time, a type and a record`() {
        #expect(
            text(.platform(.start(Self.id, version: "$LATEST", trace: nil)), .telemetry20221213)
                == #"{"time":"2023-11-14T22:13:20.123Z","type":"platform.start","#
                + #""record":{"requestId":"ID","version":"$LATEST"}}"#
        )
    }

    @Test func `each schema has its events`() {
        let start = InitStart(
            type: .onDemand,
            phase: .initialization,
            runtimeVersion: "v",
            runtimeVersionARN: "a",
            functionName: "f",
            functionVersion: "1"
        )
        let initReport = InitReport(phase: .initialization, status: .success, duration: .milliseconds(5))
        let done = RuntimeDone(report: Self.report, producedBytes: nil, spans: [], trace: nil)
        #expect(schemas(with: .initStart(start)) == Self.telemetry)
        #expect(schemas(with: .initRuntimeDone(initReport, .onDemand)) == Self.telemetry)
        #expect(schemas(with: .initReport(initReport, .onDemand)) == Self.telemetry)
        #expect(schemas(with: .start(Self.id, version: "1", trace: nil)) == TelemetrySchema.allCases)
        #expect(schemas(with: .runtimeDone(done)) == [.logs20210318] + Self.telemetry)
        #expect(schemas(with: .end(Self.id)) == [.logs20200815, .logs20210318])
        #expect(schemas(with: .fault(Self.id, .exited(.exited(code: 1)))) == [.logs20200815, .logs20210318])
        let reported = PlatformLogLine.report(Self.report, memoryMiB: 128, maxMemoryUsedMiB: 1, trace: nil)
        #expect(schemas(with: reported) == TelemetrySchema.allCases)
        #expect(
            schemas(with: .extensionState(name: "e", state: "Ready", events: [], errorType: nil))
                == TelemetrySchema.allCases
        )
        #expect(schemas(with: .logsDropped(reason: "r", records: 1, bytes: 2)) == TelemetrySchema.allCases)
        #expect(
            schemas(with: .telemetrySubscription(name: "e", state: "Subscribed", types: [])) == Self.telemetry
        )
        #expect(
            schemas(with: .logsSubscription(name: "e", state: "Subscribed", types: []))
                == [.logs20200815, .logs20210318]
        )
    }

    @Test func `what came later is left out of earlier schemas`() {
        let start = PlatformLogLine.initStart(
            InitStart(
                type: .onDemand,
                phase: .initialization,
                runtimeVersion: "v",
                runtimeVersionARN: "a",
                functionName: "f",
                functionVersion: "1"
            )
        )
        let old = #"{"initializationType":"on-demand","phase":"init","runtimeVersion":"v","runtimeVersionArn":"a""#
        #expect(record(start, .telemetry20220701) == old + "}")
        #expect(record(start, .telemetry20221213) == old + #","functionName":"f","functionVersion":"1"}"#)
        let report = PlatformLogLine.initReport(
            InitReport(phase: .initialization, status: .success, duration: .milliseconds(5)),
            .onDemand
        )
        let head = #"{"initializationType":"on-demand","phase":"init","#
        #expect(record(report, .telemetry20220701) == head + #""metrics":{"durationMs":5.0}}"#)
        #expect(record(report, .telemetry20221213) == head + #""status":"success","metrics":{"durationMs":5.0}}"#)
        let launch = PlatformLogLine.extensionState(name: "e", state: "LaunchError", events: [], errorType: "T")
        #expect(record(launch, .telemetry20221213) == #"{"name":"e","state":"LaunchError","events":[]}"#)
        #expect(
            record(launch, .telemetry20250129) == #"{"name":"e","state":"LaunchError","events":[],"errorType":"T"}"#
        )
    }

    @Test func `the Logs API knows no error types`() {
        let done = PlatformLogLine.runtimeDone(
            RuntimeDone(report: Self.report, producedBytes: 3, spans: [], trace: nil)
        )
        #expect(record(done, .logs20210318) == #"{"requestId":"ID","status":"failure"}"#)
        #expect(
            record(done, .telemetry20220701)
                == #"{"requestId":"ID","status":"error","errorType":"Runtime.ExitError","#
                + #""metrics":{"durationMs":10.0,"producedBytes":3}}"#
        )
        let report = PlatformLogLine.report(Self.report, memoryMiB: 128, maxMemoryUsedMiB: 1, trace: nil)
        #expect(
            record(report, .logs20200815)
                == #"{"requestId":"ID","metrics":{"durationMs":10.0,"billedDurationMs":100,"memorySizeMB":128,"#
                + #""maxMemoryUsedMB":1,"initDurationMs":90.0}}"#
        )
    }

    @Test func `a log record is an object where the function logs JSON and the schema has objects`() {
        let message = "{\"level\":\r\n\"INFO\"}"
        let string = #""{\"level\":\r\n\"INFO\"}""#
        for schema in TelemetrySchema.allCases {
            let isObject = schema == .telemetry20221213 || schema == .telemetry20250129
            #expect(
                text(.log(.function, message: message, isObject: true), schema)
                    == #"{"time":"2023-11-14T22:13:20.123Z","type":"function","record":"#
                    + (isObject ? #"{"level":  "INFO"}"# : string) + "}"
            )
            #expect(
                text(.log(.extensions, message: message, isObject: false), schema)
                    == #"{"time":"2023-11-14T22:13:20.123Z","type":"extension","record":"# + string + "}"
            )
        }
    }

    @Test func `whatever a function writes, an event is one line`() {
        let hostile = String(String.UnicodeScalarView((0..<256).compactMap { Unicode.Scalar(UInt8($0)) }))
        for schema in TelemetrySchema.allCases {
            let text = text(.log(.function, message: hostile, isObject: false), schema) ?? ""
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
        }
    }
}
