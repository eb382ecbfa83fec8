// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

@testable import RuntimeAPI

private let start = MonotonicTime(nanoseconds: 0)
private let event = RuntimeAPIAnswer.invocation(
    RuntimeInvocation(requestID: "1", deadlineMilliseconds: 0, invokedFunctionARN: "", payload: [])
)
private let refusal = RuntimeAPIAnswer.refused(status: 403, errorType: "", errorMessage: "")

struct IdleTalkTests {
    @Test func `invocations, however many, are not slowed down`() {
        let connections = RuntimeAPIConnections(at: start)
        for _ in 0..<100_000 {
            connections.note(event, at: start)
            connections.note(.extensionEvent(identifier: "", body: []), at: start)
            connections.note(.accepted, at: start)
        }
        #expect(connections.pause(at: start) == .zero)
    }

    @Test(arguments: [refusal, event, .subscribed(json: ""), .registered(identifier: "", body: [])])
    func `what is no part of an invocation is read at its rate`(answer: RuntimeAPIAnswer) {
        let connections = RuntimeAPIConnections(at: start)
        for _ in 0..<RuntimeAPIConnections.idleTalkMax - 1 { connections.note(answer, at: start) }
        #expect(connections.pause(at: start) == .zero)
        for _ in 0..<11 { connections.note(answer, at: start) }
        let pause = connections.pause(at: start)
        #expect(pause > .zero)
        #expect(connections.pause(at: start + pause) == .zero)
        #expect(connections.pause(at: start + .seconds(60)) == .zero)
    }
}
