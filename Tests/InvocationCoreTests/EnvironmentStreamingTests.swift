// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

/// Responses that have a beginning and an end.
struct EnvironmentStreamingTests {
    private let id = InvocationID("8a7c")

    private func milliseconds(_ count: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: count * 1_000_000) }

    /// Its response has begun, 10 ms after the start.
    private func streamingEnvironment() -> EnvironmentLifecycle {
        var environment = EnvironmentLifecycle()
        _ = environment.sandboxReady(at: milliseconds(0))
        _ = environment.runtimeAsksNext(PollID(1), at: milliseconds(100))
        _ = environment.invocationAssigned(InvocationTicket(id: id, timeout: .seconds(3)), at: milliseconds(1_000))
        #expect(environment.runtimeBeginsStream(id, at: milliseconds(1_010)) == [.beginStream(id)])
        return environment
    }

    @Test func `the end of the stream is the invocation's answer, next its end`() {
        var environment = streamingEnvironment()
        #expect(
            environment.runtimeEndsStream(id, .complete, at: milliseconds(1_500))
                == [.answer(.accepted), .respond(id, .response)]
        )
        #expect(environment.runtimeAsksNext(PollID(2), at: milliseconds(1_501)).last == .becomeIdle(.ready))
    }

    @Test func `a stream that fails, or is too long, is the function's error`() {
        var failing = streamingEnvironment()
        #expect(
            failing.runtimeEndsStream(id, .error(type: "Function.Late"), at: milliseconds(1_500))
                == [.answer(.accepted), .respond(id, .reportedError(type: "Function.Late"))]
        )
        var long = streamingEnvironment()
        #expect(
            long.runtimeEndsStream(id, .tooLarge(.streamTooLarge), at: milliseconds(1_500))
                == [.answer(.payloadTooLarge), .respond(id, .failure(.streamTooLarge))]
        )
    }

    @Test func `a timeout or a death midway is the answer, and the stream's own end comes to nothing`() {
        var late = streamingEnvironment()
        #expect(
            late.timerFired(at: milliseconds(4_000)).first == .respond(id, .failure(.timedOut(limit: .seconds(3))))
        )
        #expect(late.runtimeEndsStream(id, .complete, at: milliseconds(4_001)) == [.answer(.invalidRequestID)])
        var dead = streamingEnvironment()
        #expect(
            dead.runtimeExited(.exited(code: 1), at: milliseconds(1_100)).first
                == .respond(id, .failure(.exited(.exited(code: 1))))
        )
    }

    @Test func `beside a stream there is no second answer and no next event`() {
        var environment = streamingEnvironment()
        #expect(environment.runtimeBeginsStream(id, at: milliseconds(1_020)) == [.answer(.invalidRequestID)])
        #expect(environment.runtimeResponds(id, at: milliseconds(1_020)) == [.answer(.invalidRequestID)])
        #expect(
            environment.runtimeAsksNext(PollID(2), at: milliseconds(1_020))
                == [.refuse([PollID(2)], .invalidStateTransition(from: .invocationResponse, to: .ready))]
        )
    }
}
