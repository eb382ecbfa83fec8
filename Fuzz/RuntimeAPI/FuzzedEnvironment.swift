// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import RuntimeAPI
import Synchronization

/// Has three events to give and writes down what it was asked.
///
/// A call for an event after the last waits until its task is cancelled.
final class FuzzedEnvironment: RuntimeAPIHandler {
    private struct State {
        var eventsLeft = 3
        var requests: [String] = []
        var requestsUntilWait: Int?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var requests: [String] { state.withLock { $0.requests } }
    /// How many there were when the first call had to wait; nil if none had to.
    var requestsUntilWait: Int? { state.withLock { $0.requestsUntilWait } }
    var waitsForEvents: Bool { state.withLock { !$0.waiting.isEmpty } }

    func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
        switch request {
        case .next, .restoreNext, .extensionNext:
            note("\(request)")
            let hasEvent = state.withLock { state in
                state.eventsLeft -= 1
                if state.eventsLeft < 0, state.requestsUntilWait == nil {
                    state.requestsUntilWait = state.requests.count
                }
                return state.eventsLeft >= 0
            }
            guard hasEvent else { return await wait() }
            guard request == .next else { return .extensionEvent(identifier: "i", body: [0x7B, 0x7D]) }
            return .invocation(
                RuntimeInvocation(
                    requestID: "r",
                    deadlineMilliseconds: 1,
                    invokedFunctionARN: "arn",
                    payload: [0x7B, 0x7D]
                )
            )
        case .streamedResponse(let id, let body):
            // One that is not wanted is refused before it has come.
            guard !id.hasPrefix("no") else { return .refused(status: 400, errorType: "No", errorMessage: "\(id)") }
            let bytes = await body.collect(upTo: 1 << 20)
            let end = await body.ended()
            note("streamed \(id) \(String(describing: bytes)) \(end)")
            return .accepted
        case .registerExtension(let name, let registration):
            note("register \(name) \(registration)")
            return .registered(identifier: "i", body: Array("{}".utf8))
        case .responseTooLarge: return .refused(status: 413, errorType: "TooLarge", errorMessage: "\"too\nlarge\"")
        default:
            note("\(request)")
            return .accepted
        }
    }

    private func note(_ text: String) { state.withLock { $0.requests.append(text) } }

    private func wait() async -> RuntimeAPIAnswer {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLate = state.withLock { state in
                    if !Task.isCancelled { state.waiting.append(continuation) }
                    return Task.isCancelled
                }
                if isLate { continuation.resume() }
            }
        } onCancel: {
            let woken = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in woken { continuation.resume() }
        }
        return .refused(status: 500, errorType: "Gone", errorMessage: "nobody waits")
    }
}
