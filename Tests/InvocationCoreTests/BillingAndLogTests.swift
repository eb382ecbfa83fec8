// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

/// Texts and numbers that customers parse; expected values are recorded answers of AWS where there are any.
struct BillingAndLogTests {
    private let id = InvocationID("79b4f56e-95b1-4643-9700-2807f4e68189")

    private func report(
        _ status: InvocationReport.Status = .success,
        microseconds: Int,
        initMicroseconds: Int? = nil
    ) -> InvocationReport {
        InvocationReport(
            id: id,
            status: status,
            duration: .microseconds(microseconds),
            initDuration: initMicroseconds.map { .microseconds($0) }
        )
    }

    @Test(
        arguments: [
            (133_610, 80_000, 214), (1_233_960, 463_512, 1_698), (3_016_780, 84_000, 3_101), (3_010, nil, 4),
            (1_000, nil, 1), (1_001, nil, 2), (0, nil, 1),
        ] as [(Int, Int?, Int64)]
    )
    func `billed duration is rounded up to a millisecond`(microseconds: Int, initMicroseconds: Int?, billed: Int64) {
        #expect(report(microseconds: microseconds, initMicroseconds: initMicroseconds).billed.milliseconds == billed)
    }

    @Test func `GB-seconds are exact`() {
        let billed = BilledDuration(duration: .milliseconds(100), initDuration: nil)
        #expect(billed.compute(memoryMiB: 128).gigabyteSeconds == "0.012500")
        #expect(ComputeUsage(mebibyteMilliseconds: 1_024_000).gigabyteSeconds == "1.000000")
        #expect(ComputeUsage(mebibyteMilliseconds: 2_047_999).gigabyteSeconds == "1.999999")
        #expect(ComputeUsage(mebibyteMilliseconds: 2_048_000 * 1_000_000 - 0).gigabyteSeconds == "2000000.000000")
        let sum = (0..<1_000).reduce(ComputeUsage(mebibyteMilliseconds: 0)) { sum, _ in
            sum + ComputeUsage(mebibyteMilliseconds: 1)
        }
        #expect(sum == ComputeUsage(mebibyteMilliseconds: 1_000))
    }

    @Test func `the lines around an invocation`() {
        #expect(
            PlatformLogLine.start(id, version: "$LATEST", trace: nil).text
                == "START RequestId: 79b4f56e-95b1-4643-9700-2807f4e68189 Version: $LATEST\n"
        )
        #expect(PlatformLogLine.end(id).text == "END RequestId: 79b4f56e-95b1-4643-9700-2807f4e68189\n")
        let cold = report(microseconds: 3_010, initMicroseconds: 110_100)
        #expect(
            PlatformLogLine.report(cold, memoryMiB: 128, maxMemoryUsedMiB: 36, trace: nil).text
                == "REPORT RequestId: 79b4f56e-95b1-4643-9700-2807f4e68189\tDuration: 3.01 ms\t"
                + "Billed Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t"
                + "Init Duration: 110.10 ms\t\n"
        )
        let warm = report(.functionError(type: "Function.Unknown"), microseconds: 1_234_567)
        #expect(
            PlatformLogLine.report(warm, memoryMiB: 128, maxMemoryUsedMiB: 130, trace: nil).text
                == "REPORT RequestId: 79b4f56e-95b1-4643-9700-2807f4e68189\tDuration: 1234.57 ms\t"
                + "Billed Duration: 1235 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t\n"
        )
    }

    @Test func `reports of what Lambda ended itself say so`() {
        func end(_ status: InvocationReport.Status) -> Substring? {
            PlatformLogLine.report(
                report(status, microseconds: 1_000_000),
                memoryMiB: 128,
                maxMemoryUsedMiB: 30,
                trace: nil
            ).text?.split(separator: " MB\t").last
        }
        #expect(end(.timeout) == "Status: timeout\n")
        #expect(
            end(.runtimeError(type: "Runtime.ExitError")) == "Status: error\tError Type: Runtime.ExitError\n"
        )
    }

    @Test func `init lines`() {
        func start(_ phase: InitReport.Phase) -> PlatformLogLine {
            .initStart(
                InitStart(
                    type: .onDemand,
                    phase: phase,
                    runtimeVersion: "python:3.12",
                    runtimeVersionARN: "arn:x",
                    functionName: "f",
                    functionVersion: "1"
                )
            )
        }
        #expect(
            start(.initialization).text == "INIT_START Runtime Version: python:3.12\tRuntime Version ARN: arn:x\n"
        )
        #expect(start(.invocation).text == nil)
        func text(_ phase: InitReport.Phase, _ status: InitReport.Status) -> String? {
            PlatformLogLine.initReport(InitReport(phase: phase, status: status, duration: .seconds(10)), .onDemand).text
        }
        #expect(text(.initialization, .success) == nil)
        #expect(
            text(.initialization, .timeout)
                == "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n"
        )
        #expect(
            text(.invocation, .error(type: "Runtime.ExitError"))
                == "INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: error\t"
                + "Error Type: Runtime.ExitError\n"
        )
    }

    @Test func `a log stream is named by day, version and chance`() {
        let name = LogStreamName(
            startedAt: Timestamp(millisecondsSinceEpoch: 1_764_025_947_000),
            version: "$LATEST",
            random: (1, .max)
        )
        #expect(name.description == "2025/11/24/[$LATEST]0000000000000001ffffffffffffffff")
        let shared = LogStreamName(
            startedAt: Timestamp(millisecondsSinceEpoch: 1_764_025_947_000),
            function: "f",
            version: "7",
            random: (1, .max)
        )
        #expect(shared.description == "2025/11/24/f[7]0000000000000001ffffffffffffffff")
    }

    /// Failure, its type, and its message after the request id.
    private static let failures: [(InvocationFailure, String, String)] = [
        (.timedOut(limit: .seconds(1)), "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        (.timedOut(limit: .milliseconds(2_500)), "Sandbox.Timedout", "Task timed out after 2.50 seconds"),
        (.exited(.exited(code: 1)), "Runtime.ExitError", "Runtime exited with error: exit status 1"),
        (.exited(.exited(code: 0)), "Runtime.ExitError", "Runtime exited without providing a reason"),
        (
            .exited(.signalled(9, outOfMemory: false)), "Runtime.ExitError",
            "Runtime exited with error: signal: killed"
        ),
        (
            .exited(.signalled(11, outOfMemory: false)), "Runtime.ExitError",
            "Runtime exited with error: signal: segmentation fault"
        ),
        (
            .exited(.signalled(9, outOfMemory: true)), "Runtime.OutOfMemory",
            "Runtime exited with error: signal: killed"
        ),
        (
            .noBootstrap(tried: ["/var/task/bootstrap", "/opt/bootstrap"]), "Runtime.InvalidEntrypoint",
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
        ),
        (.invalidEntrypoint(message: "\"\\\n\u{1}é"), "Runtime.InvalidEntrypoint", #"\"\\\n\u0001é"#),
    ]

    @Test(arguments: failures)
    func `payloads of failures`(failure: InvocationFailure, type: String, message: String) {
        let payload = String(decoding: failure.payload(requestID: InvocationID("ID")), as: UTF8.self)
        #expect(payload == "{\"errorType\":\"\(type)\",\"errorMessage\":\"RequestId: ID Error: \(message)\"}")
    }

    @Test func `a program that can't be executed is told in Go's words`() {
        let failure = InvocationFailure.notExecutable("/var/task/bootstrap", reason: "Exec format error")
        #expect(failure.errorType == "Runtime.InvalidEntrypoint")
        #expect(failure.message == "fork/exec /var/task/bootstrap: exec format error")
    }

    @Test func `the payload of a response that is too large has no request id`() {
        let payload = InvocationFailure.responseTooLarge.payload(requestID: InvocationID("ID"))
        let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        #expect(
            String(decoding: payload, as: UTF8.self)
                == "{\"errorMessage\":\"\(message)\",\"errorType\":\"Function.ResponseSizeTooLarge\"}"
        )
    }

    @Test func `refusals are the Runtime API's`() {
        #expect(RuntimeAPIReply.accepted.refusal == nil)
        #expect(RuntimeAPIReply.invalidRequestID.refusal?.errorMessage == "Invalid request ID")
        #expect(
            RuntimeAPIReply.invalidStateTransition(from: .ready, to: .initError).refusal?.errorMessage
                == "State transition from Ready to InitError failed for runtime. "
                + "Error: State transition is not allowed"
        )
        #expect(
            RuntimeAPIReply.payloadTooLarge.refusal?.errorMessage
                == "Exceeded maximum allowed payload size (6291556 bytes)."
        )
    }
}
