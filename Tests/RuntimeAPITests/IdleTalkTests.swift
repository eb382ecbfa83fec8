// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import Testing

@testable import RuntimeAPI

private let start = MonotonicTime(nanoseconds: 0)
private let refusal = RuntimeAPIAnswer.refused(status: 403, errorType: "", errorMessage: "")

private func event(_ id: Int, bytes: Int = 0) -> RuntimeAPIAnswer {
    .invocation(
        RuntimeInvocation(
            requestID: "\(id)",
            deadlineMilliseconds: 0,
            invokedFunctionARN: "",
            payload: [UInt8](repeating: 0, count: bytes)
        )
    )
}

extension RuntimeAPIConnections {
    fileprivate func note(_ answer: RuntimeAPIAnswer, isResponse: Bool = false, heldBytes: Int = 0) {
        note(answer, isResponse: isResponse, heldBytes: heldBytes, at: start)
    }
}

struct IdleTalkTests {
    @Test func `invocations, however many and large, are not slowed down`() {
        let connections = RuntimeAPIConnections(at: start)
        let large = LimitsProfile.responsePayloadBytesMax
        let payload = event(0, bytes: large)
        for id in 0..<100_000 {
            connections.note(id == 0 ? payload : event(id))
            connections.note(.extensionEvent(identifier: "", body: []))
            connections.note(.accepted, isResponse: true, heldBytes: large)
        }
        #expect(connections.pause(at: start) == .zero)
    }

    @Test func `nor are those that time out, whose events have no response`() {
        let connections = RuntimeAPIConnections(at: start)
        for id in 0..<100_000 { connections.note(event(id)) }
        #expect(connections.pause(at: start) == .zero)
    }

    /// `accepted` is the answer to one more report of an extension's error here.
    @Test(arguments: [refusal, event(1), .accepted, .subscribed(json: ""), .registered(identifier: "", body: [])])
    func `what is no part of an invocation is read at its rate`(answer: RuntimeAPIAnswer) {
        let connections = RuntimeAPIConnections(at: start)
        connections.note(event(1))
        for _ in 0..<RuntimeAPIConnections.idleTalkMax - 1 { connections.note(answer) }
        #expect(connections.pause(at: start) == .zero)
        for _ in 0..<11 { connections.note(answer) }
        let pause = connections.pause(at: start)
        #expect(pause > .zero)
        #expect(connections.pause(at: start + pause) == .zero)
        #expect(connections.pause(at: start + .seconds(60)) == .zero)
    }

    @Test func `an invocation has one response, and its event is given out once`() {
        let connections = RuntimeAPIConnections(at: start)
        connections.note(event(1))
        for _ in 0..<RuntimeAPIConnections.idleTalkMax / 2 {
            connections.note(.accepted, isResponse: true)
            connections.note(.accepted)
        }
        #expect(connections.pause(at: start) == .zero)
        connections.note(.accepted, isResponse: true)
        #expect(connections.pause(at: start) > .zero)
    }

    @Test func `bytes count too`() {
        let bytes = RuntimeAPIConnections.idleTalkBytes
        let given = RuntimeAPIConnections(at: start)
        given.note(event(1, bytes: 600 * bytes))
        #expect(given.pause(at: start) == .zero)
        for _ in 0..<2 { given.note(event(1, bytes: 600 * bytes)) }
        #expect(given.pause(at: start) > .seconds(1))

        let taken = RuntimeAPIConnections(at: start)
        for _ in 0..<3 { taken.note(refusal, heldBytes: 400 * bytes) }
        #expect(taken.pause(at: start) > .seconds(1))

        let thrownAway = RuntimeAPIConnections(at: start)
        for _ in 0..<bytes { thrownAway.noteIdleBytes(RuntimeAPIConnections.idleTalkMax - 1, at: start) }
        #expect(thrownAway.pause(at: start) == .zero)
        thrownAway.noteIdleBytes(bytes, at: start)
        #expect(thrownAway.pause(at: start) > .zero)
    }
}
