// SPDX-License-Identifier: Apache-2.0
import Glibc
import LambdaModel
import RuntimeAPI
import Synchronization

/// An environment whose events are given ahead; after the last one `next` waits until it is cancelled.
final class RecordingRuntime: RuntimeAPIHandler {
    private struct State {
        var events: [RuntimeInvocation]
        var requests: [RuntimeAPIRequest] = []
        var cancelled = 0
        var streams: [Streamed] = []
        var holdsStreams: Bool
    }

    /// A streamed response once it has ended.
    struct Streamed: Equatable {
        var id: String
        var body: [UInt8]
        var end: PayloadStream.End
    }

    private let state: Mutex<State>

    /// One that holds streams reads none of them before `readStreams`.
    init(events: [RuntimeInvocation] = [], holdsStreams: Bool = false) {
        state = Mutex(State(events: events, holdsStreams: holdsStreams))
    }

    var requests: [RuntimeAPIRequest] { state.withLock { $0.requests } }
    var streams: [Streamed] { state.withLock { $0.streams } }
    var cancelledCount: Int { state.withLock { $0.cancelled } }

    func readStreams() { state.withLock { $0.holdsStreams = false } }

    func answer(_ request: RuntimeAPIRequest) async -> RuntimeAPIAnswer {
        let event = state.withLock { state -> RuntimeInvocation? in
            state.requests.append(request)
            guard request == .next, !state.events.isEmpty else { return nil }
            return state.events.removeFirst()
        }
        switch request {
        case .next:
            if let event { return .invocation(event) }
            do {
                // Longer than a busy machine holds up whoever is to cancel it.
                try await Task.sleep(for: .seconds(600))
            } catch {
                state.withLock { $0.cancelled += 1 }
            }
            return .refused(status: 500, errorType: "Cancelled", errorMessage: "cancelled")
        case .responseTooLarge:
            return .refused(status: 413, errorType: "RequestEntityTooLarge", errorMessage: "Exceeded \"maximum\".")
        case .truncatedResponse:
            return .refused(status: 400, errorType: "TruncatedHTTPRequest", errorMessage: "truncated")
        case .restoreNext: return .restored
        case .subscribe: return .subscribed(json: "\"OK\"")
        case .streamedResponse(let id, let payload):
            while state.withLock({ $0.holdsStreams }) { _ = try? await Task.sleep(for: .milliseconds(10)) }
            let body = await payload.collect(upTo: 8 << 20) ?? []
            let end = await payload.ended()
            state.withLock { $0.streams.append(Streamed(id: id, body: body, end: end)) }
            return .accepted
        default: return .accepted
        }
    }

    /// Waits up to two minutes: beside many other tests a handler gets its turn late.
    func waits(until condition: @Sendable (RecordingRuntime) -> Bool) async throws -> Bool {
        for _ in 0..<12_000 {
            if condition(self) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return condition(self)
    }

    /// The same for a thread that may block.
    func waitsBlocking(until condition: (RecordingRuntime) -> Bool) -> Bool {
        for _ in 0..<12_000 {
            if condition(self) { return true }
            usleep(10_000)
        }
        return condition(self)
    }
}
