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

    /// Bytes of the response, for the usage record.
    var outcome: InvocationOutcome? { state.withLock { $0.outcome } }

    /// Tells the caller, once; without an outcome, that the environment was lost.
    func answer(logTail: [UInt8]?) {
        let (continuation, outcome) = state.withLock { ($0.continuation.take(), $0.outcome) }
        guard let outcome else { return continuation?.resume(returning: .environmentLost) ?? () }
        continuation?.resume(returning: .outcome(outcome, logTail: request.logType == .tail ? logTail : nil))
    }
}
