// SPDX-License-Identifier: Apache-2.0

/// POST `/runtime/invocation/ID/response` in streaming mode, which has a beginning and an end.
///
/// Between them the invocation may end for any other reason (its timeout, the runtime's death): then its answer is that
/// failure, and the stream's own end comes to nothing.
extension EnvironmentLifecycle {
    /// How the runtime ended its stream.
    package enum StreamEnd: Equatable, Sendable {
        case complete
        /// By trailers that say so, or too early.
        case error(type: String)
        /// More than Lambda passes on.
        case tooLarge(InvocationFailure)
    }

    /// The head of the response has come.
    package mutating func runtimeBeginsStream(_ id: InvocationID, at now: MonotonicTime) -> [Action] {
        guard case .invoking(let invocation) = state else { return refuse(.invocationResponse) }
        switch invocation.stage {
        case .running where invocation.id == id:
            set(invocation, .streaming)
            return [.beginStream(id)]
        case .running, .streaming, .answered, .awaitingExtensions: return [.answer(.invalidRequestID)]
        case .awaitingReset, .initializing, .undelivered: return refuse(.invocationResponse)
        }
    }

    /// The body of the response has come to its end.
    package mutating func runtimeEndsStream(
        _ id: InvocationID,
        _ end: StreamEnd,
        at now: MonotonicTime
    ) -> [Action] {
        guard case .invoking(let invocation) = state, invocation.id == id, invocation.stage == .streaming else {
            return [.answer(.invalidRequestID)]
        }
        switch end {
        case .complete:
            set(invocation, .answered(.success))
            return [.answer(.accepted), .respond(id, .response)]
        case .error(let type):
            set(invocation, .answered(.functionError(type: type)))
            return [.answer(.accepted), .respond(id, .reportedError(type: type))]
        case .tooLarge(let failure):
            set(invocation, .answered(.runtimeError(type: failure.errorType)))
            return [.answer(.payloadTooLarge), .respond(id, .failure(failure))]
        }
    }
}
