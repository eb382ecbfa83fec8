// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import ExecutionEnvironments

/// Which of a function's log events are kept, and when they are said to have happened.
struct ApplicationLogFilterTests {
    /// Is 2025-11-24T23:12:27.000Z.
    private let now = Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)

    private func time(
        _ message: String,
        levelMin: LogLevel?,
        frame: TelemetryFrames.Frame? = nil
    ) -> Timestamp? {
        ApplicationLogFilter(levelMin: levelMin).time(of: Array(message.utf8)[...], frame: frame, readAt: now)
    }

    @Test func `in the text format everything is kept`() {
        #expect(time(#"{"level":"debug","timestamp":"2025-11-24T23:12:26Z"}"#, levelMin: nil) == now)
        #expect(time("anything", levelMin: nil) == now)
    }

    @Test func `a JSON object's level counts where it has a time too`() {
        let debug = #"{"level":"debug","msg":"m","timestamp":"2025-11-24T23:12:26.500Z"}"#
        #expect(time(debug, levelMin: .info) == nil)
        #expect(time(debug, levelMin: .debug) == now.advanced(by: .milliseconds(-500)))
        #expect(time(#"{"level":"WARNING","time":"2025-11-25T00:12:26+01:00"}"#, levelMin: .warn) != nil)
        #expect(time(#"{"level":"WARNING","time":"2025-11-25T00:12:26+01:00"}"#, levelMin: .error) == nil)
    }

    @Test(
        arguments: [
            "plain", "", "{", #"{"level":"debug"}"#, #"{"level":"debug","timestamp":"yesterday"}"#,
            #"{"level":10,"timestamp":"2025-11-24T23:12:26Z"}"#, #"{"timestamp":"2025-11-24T23:12:26Z"}"#,
            #"{"level":"loud","timestamp":"2025-11-24T23:12:26Z"}"#, #"["debug"]"#,
        ]
    )
    func `anything else is INFO`(message: String) {
        #expect(time(message, levelMin: .info) == now)
        #expect(time(message, levelMin: .warn) == nil)
    }

    @Test func `a frame's level goes before the message's`() {
        let frame = TelemetryFrames.Frame(time: now.advanced(by: .seconds(-1)), level: .error)
        let debug = #"{"level":"debug","timestamp":"2025-11-24T23:12:26Z"}"#
        #expect(time(debug, levelMin: .error, frame: frame) == frame.time)
        #expect(time(debug, levelMin: .fatal, frame: frame) == nil)
        let unknown = TelemetryFrames.Frame(time: frame.time, level: nil)
        #expect(time(debug, levelMin: .info, frame: unknown) == nil)
        #expect(time("print", levelMin: .info, frame: unknown) == frame.time)
    }

    @Test(arguments: [1, 1_000_000_000_000, -300_001, .min, .max] as [Int64])
    func `a time that can't be is the time of reading`(offset: Int64) {
        let claimed = Timestamp(millisecondsSinceEpoch: now.millisecondsSinceEpoch.addingReportingOverflow(offset).0)
        let frame = TelemetryFrames.Frame(time: claimed, level: nil)
        #expect(time("x", levelMin: nil, frame: frame) == now)
        #expect(time("x", levelMin: .info, frame: frame) == now)
    }

    @Test func `nesting and size do no harm`() {
        let deep = #"{"level":"debug","timestamp":"2025-11-24T23:12:26Z","a":"# + String(repeating: "[", count: 100_000)
        #expect(time(deep, levelMin: .info) == now)
    }
}
