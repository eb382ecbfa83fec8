// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel

/// InvokeWithResponseStream: the payload in `PayloadChunk` events as it comes, then one `InvokeComplete`.
///
/// The status is 200 as soon as the function begins to answer: what goes wrong from there on is in the last event.
extension LambdaAPI {
    /// Payload of one event, at most; each event leaves at once.
    private static let chunkBytesMax = 128 * 1_024

    func streamFunction(_ name: String, _ call: Call, _ caller: Caller) async throws -> Response {
        let (type, invocation) = try await prepare(name, call, caller, types: ["RequestResponse", "DryRun"])
        guard type != .dryRun else { return Self.response(nil, status: .noContent) }
        let reader = StreamReader(try await self.stream(invocation))
        let headers: HTTPFields = [
            .contentType: "application/vnd.amazon.eventstream", .executedVersion: reader.stream.executedVersion,
        ]
        let body = ResponseBody { writer in
            let stream = reader.stream
            do {
                while let bytes = await stream.payload.next() {
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        let chunk = Array(rest.prefix(Self.chunkBytesMax))
                        rest = rest.dropFirst(chunk.count)
                        let event = EventStreamMessage.event(
                            "PayloadChunk",
                            contentType: "application/octet-stream",
                            payload: chunk
                        )
                        try await writer.write(ByteBuffer(bytes: event.bytes))
                    }
                }
                let end = EventStreamMessage.event(
                    "InvokeComplete",
                    contentType: "application/json",
                    payload: Self.completion(await stream.completion())
                )
                try await writer.write(ByteBuffer(bytes: end.bytes))
                try await writer.finish(nil)
            } catch {
                reader.stream.payload.abandon()
                throw error
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private static func completion(_ completion: InvocationStream.Completion) -> [UInt8] {
        var members: [String: JSONValue] = [:]
        if let failure = completion.failure {
            members["ErrorCode"] = .string(failure.type)
            members["ErrorDetails"] = .string(String(decoding: failure.details, as: UTF8.self))
        }
        if let tail = completion.logTail { members["LogResult"] = .string(Base64.encode(tail)) }
        return JSONValue.object(members).bytes
    }
}

/// The client's side of a stream: when it is gone, before the first byte too, the function runs on, and what it still
/// writes is thrown away.
final class StreamReader: Sendable {
    let stream: InvocationStream

    init(_ stream: InvocationStream) { self.stream = stream }

    deinit { stream.payload.abandon() }
}
