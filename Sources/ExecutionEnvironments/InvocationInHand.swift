// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Synchronization

/// One invocation from its assignment to its answer: who waits for it, and what it will be told.
final class InvocationInHand: Sendable {
    enum Answer: Sendable {
        case outcome(InvocationOutcome, logTail: [UInt8]?)
        /// Its end follows in the stream itself.
        case streaming(InvocationStream)
        case environmentLost
    }

    private struct State {
        var continuation: CheckedContinuation<Answer, Never>?
        /// nil until the runtime has answered, or something has ended it.
        var outcome: InvocationOutcome?
        /// What the caller has instead of an answer, from the beginning of the runtime's stream on.
        var stream: InvocationStream?
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
    /// The caller takes the payload as it comes.
    let isStreamed: Bool
    private let state: Mutex<State>

    var id: InvocationID { InvocationID(request.requestID) }

    init(
        request: InvocationRequest,
        startedAt: Timestamp,
        isStreamed: Bool,
        continuation: CheckedContinuation<Answer, Never>
    ) {
        self.request = request
        self.startedAt = startedAt
        self.isStreamed = isStreamed
        state = Mutex(State(continuation: continuation))
    }

    /// Gives the caller what the runtime streams.
    func begin(_ stream: InvocationStream) {
        let continuation = state.withLock { state in
            state.stream = stream
            return state.continuation.take()
        }
        continuation?.resume(returning: .streaming(stream))
    }

    /// What the caller will be told; it is told by `answer`.
    ///
    /// From here on nothing more comes out of the runtime's stream.
    func conclude(_ outcome: InvocationOutcome) {
        let stream = state.withLock { state in
            state.outcome = outcome
            return state.stream
        }
        stream?.payload.close(.cut)
    }

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
        let tail = request.logType == .tail ? logTail : nil
        let (continuation, outcome, stream) = state.withLock { ($0.continuation.take(), $0.outcome, $0.stream) }
        if let stream {
            stream.complete(outcome.map { .init($0, logTail: tail) } ?? .init(failure: .environmentLost, logTail: tail))
        }
        guard let outcome else { return continuation?.resume(returning: .environmentLost) ?? () }
        continuation?.resume(returning: .outcome(outcome, logTail: tail))
    }
}

extension InvocationStream.Completion.Failure {
    /// Status 200 is out already, so what would have been a `ServiceException` is told here.
    fileprivate static let environmentLost = Self(
        type: "Sandbox.Failure",
        details: Array(
            #"{"errorType":"Sandbox.Failure","errorMessage":"The execution environment was lost."}"#.utf8
        )
    )
}
