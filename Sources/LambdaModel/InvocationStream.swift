// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The answer to an `InvocationRequest` whose caller takes the payload as it comes: first the payload, then how it ended.
///
/// Whoever reads it calls `payload.abandon()` when it stops before the end.
package final class InvocationStream: Sendable {
    /// What is known when nothing of the invocation runs any more, or the payload is complete.
    package struct Completion: Equatable, Sendable {
        package struct Failure: Equatable, Sendable {
            /// AWS's word, as in `InvocationOutcome.functionError`.
            package var type: String
            /// What a buffered invocation would have had as its payload.
            package var details: [UInt8]

            package init(type: String, details: [UInt8]) {
                self.type = type
                self.details = details
            }
        }

        package var failure: Failure?
        /// Plain bytes (not base64) of the log tail, when asked for.
        package var logTail: [UInt8]?

        package init(failure: Failure? = nil, logTail: [UInt8]? = nil) {
            self.failure = failure
            self.logTail = logTail
        }

        package init(_ outcome: InvocationOutcome, logTail: [UInt8]?) {
            self.logTail = logTail
            if case .functionError(let type, let payload) = outcome {
                failure = Failure(type: type, details: payload)
            }
        }
    }

    private enum State {
        case running
        case awaited(CheckedContinuation<Completion, Never>)
        case complete(Completion)
    }

    /// `$LATEST` or the version's number.
    package let executedVersion: String
    package let payload: PayloadStream
    private let state: Mutex<State>

    /// A stream whose end is told by `complete`.
    package init(executedVersion: String, payload: PayloadStream) {
        self.executedVersion = executedVersion
        self.payload = payload
        state = Mutex(.running)
    }

    /// The answer of a runtime that did not stream.
    package init(_ response: InvocationResponse) {
        executedVersion = response.executedVersion
        if case .success(let bytes) = response.outcome {
            payload = PayloadStream(whole: bytes)
        } else {
            payload = PayloadStream(whole: [])
        }
        state = Mutex(.complete(Completion(response.outcome, logTail: response.logTail)))
    }

    /// Tells the reader how it ended; the first time stands.
    package func complete(_ completion: Completion) {
        payload.close(.cut)
        let reader = state.withLock { state -> CheckedContinuation<Completion, Never>? in
            switch state {
            case .complete: return nil
            case .running:
                state = .complete(completion)
                return nil
            case .awaited(let continuation):
                state = .complete(completion)
                return continuation
            }
        }
        reader?.resume(returning: completion)
    }

    /// Waits for it; asked once.
    package func completion() async -> Completion {
        await withCheckedContinuation { continuation in
            let completion = state.withLock { state -> Completion? in
                switch state {
                case .complete(let completion): return completion
                case .running:
                    state = .awaited(continuation)
                    return nil
                case .awaited: preconditionFailure("a stream has one reader")
                }
            }
            if let completion { continuation.resume(returning: completion) }
        }
    }
}
