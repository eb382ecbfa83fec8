// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Synchronization

/// One invocation from its assignment to its answer: who waits for it, and what it will be told.
final class InvocationInHand: Sendable {
    enum Answer: Sendable {
        case outcome(InvocationOutcome, logTail: [UInt8]?)
        case environmentLost
    }

    private struct State {
        var continuation: CheckedContinuation<Answer, Never>?
        /// nil until the runtime has answered, or something has ended it.
        var outcome: InvocationOutcome?
        /// Why Lambda itself ended it, where the log says so.
        var failure: InvocationFailure?
        var delivered: Moment?
        var responded: Moment?
    }

    /// One point in time on both clocks: when it was, and for measuring.
    private struct Moment {
        var wall: Timestamp
        var monotonic: MonotonicTime
    }

    let request: InvocationRequest
    let startedAt: Timestamp
    private let state: Mutex<State>

    var id: InvocationID { InvocationID(request.requestID) }

    init(request: InvocationRequest, startedAt: Timestamp, continuation: CheckedContinuation<Answer, Never>) {
        self.request = request
        self.startedAt = startedAt
        state = Mutex(State(continuation: continuation))
    }

    /// What the caller will be told; it is told by `answer`.
    func conclude(_ outcome: InvocationOutcome) { state.withLock { $0.outcome = outcome } }

    /// The same for what Lambda itself has to say.
    func conclude(_ failure: InvocationFailure) {
        state.withLock { state in
            state.outcome = .functionError(type: failure.errorType, payload: failure.payload(requestID: id))
            switch failure {
            // The payload and the report say all there is.
            case .timedOut, .responseTooLarge: break
            default: state.failure = failure
            }
        }
    }

    var failure: InvocationFailure? { state.withLock { $0.failure } }

    // MARK: - Spans

    /// The runtime has the event.
    func deliver(at wall: Timestamp) {
        state.withLock { if $0.delivered == nil { $0.delivered = Moment(wall: wall, monotonic: .now) } }
    }

    /// The runtime's response or error is there.
    func respond(at wall: Timestamp) {
        state.withLock { if $0.responded == nil { $0.responded = Moment(wall: wall, monotonic: .now) } }
    }

    /// The event of the end, which is now.
    func runtimeDone(_ report: InvocationReport, trace: PlatformTrace?) -> PlatformLogLine {
        let (delivered, responded, outcome) = state.withLock { ($0.delivered, $0.responded, $0.outcome) }
        var spans: [PlatformSpan] = []
        if let delivered, let responded {
            spans = [
                PlatformSpan(
                    name: .responseLatency,
                    start: delivered.wall,
                    duration: responded.monotonic - delivered.monotonic
                ),
                PlatformSpan(name: .runtimeOverhead, start: responded.wall, duration: .now - responded.monotonic),
            ]
        }
        var bytes: Int?
        if responded != nil { bytes = outcome?.payload.count }
        return .runtimeDone(RuntimeDone(report: report, producedBytes: bytes, spans: spans, trace: trace))
    }

    /// Bytes of the response, for the usage record.
    var outcome: InvocationOutcome? { state.withLock { $0.outcome } }

    /// Tells the caller, once; without an outcome, that the environment was lost.
    func answer(logTail: [UInt8]?) {
        let (continuation, outcome) = state.withLock { ($0.continuation.take(), $0.outcome) }
        guard let outcome else { return continuation?.resume(returning: .environmentLost) ?? () }
        continuation?.resume(returning: .outcome(outcome, logTail: request.logType == .tail ? logTail : nil))
    }
}
