// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import RuntimeAPI

/// Responses that come in parts.
extension ExecutionEnvironment {
    /// What a body that ended early is to the caller.
    static let truncated = (
        type: "Runtime.TruncatedResponse",
        body: Array(
            #"{"errorType":"Runtime.TruncatedResponse","errorMessage":"HTTP request detected as truncated"}"#.utf8
        )
    )
    /// A connection may end because its process does: so long its exit has to be told, and then it is the reason.
    private static let exitDelayMax = Duration.milliseconds(250)

    /// From the head of a runtime's stream to the answer after its end.
    func streamed(_ id: InvocationID, _ payload: PayloadStream) async -> RuntimeAPIAnswer {
        let actions = lifecycle.runtimeBeginsStream(id, at: .now)
        guard actions == [.beginStream(id)], let inHand else {
            payload.abandon()
            return reply(actions)
        }
        guard inHand.isStreamed else {
            let body = await payload.collect(upTo: LimitsProfile.responsePayloadBytesMax)
            guard let body else {
                return reply(lifecycle.runtimeEndsStream(id, .tooLarge(.responseTooLarge), at: .now))
            }
            return await ended(id, await payload.ended(), body: body)
        }
        inHand.begin(InvocationStream(executedVersion: configuration.version, payload: payload))
        return await ended(id, await payload.ended(), body: [])
    }

    /// `body` is what was gathered for a caller that does not take it in parts.
    private func ended(_ id: InvocationID, _ end: PayloadStream.End, body: [UInt8]) async -> RuntimeAPIAnswer {
        switch end {
        case .complete: return reply(lifecycle.runtimeEndsStream(id, .complete, at: .now), body: body)
        case .failed(let type, let body):
            return reply(lifecycle.runtimeEndsStream(id, .error(type: type), at: .now), body: body)
        case .tooLarge: return reply(lifecycle.runtimeEndsStream(id, .tooLarge(.streamTooLarge), at: .now))
        case .truncated:
            try? await Task.sleep(for: Self.exitDelayMax)
            return reply(
                lifecycle.runtimeEndsStream(id, .error(type: Self.truncated.type), at: .now),
                body: Self.truncated.body
            )
        case .cut: return reply(lifecycle.runtimeEndsStream(id, .error(type: Self.truncated.type), at: .now))
        }
    }
}
