// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel
import Logs
import NIOCore

extension LambdaAPI {
    /// A mebibyte of messages of one PutLogEvents, most of them escaped.
    static let logsBodyBytesMax = 8 << 20

    /// Performs an operation of CloudWatch Logs, with the caller's own policies asked first.
    func performLogs(_ operation: LogsOperation, _ call: Call) async throws -> Response {
        let input = try LogsInput(body: call.body)
        let caller = LogsCaller(accountID: call.caller.accountID, region: call.caller.region)
        let access = logsService.access(operation, input, caller).map { OperationAccess($0.action, $0.resource) }
        try await authorize(call, access)
        guard operation != .startLiveTail else {
            var head = call
            head.body = []
            let tail = try await logsService.startLiveTail(
                input,
                caller,
                requestID: call.requestID,
                isAllowed: { [head] in await self.isStillAllowed(head, access) }
            )
            return Self.response(tail, on: call.connection)
        }
        var response = Response(status: .ok, headers: [.contentType: "application/x-amz-json-1.1"])
        if let answer = try await logsService.perform(operation, input, caller) {
            response.body = .init(byteBuffer: ByteBuffer(bytes: answer.bytes))
        }
        return response
    }

    /// Whether the key of a call that goes on is there, and may still do what the call does.
    private func isStillAllowed(_ call: Call, _ accesses: [OperationAccess]) async -> Bool {
        var call = call
        if let renewed = call.renewed {
            guard let caller = renewed() else { return false }
            call.caller = caller
        }
        do { try await authorize(call, accesses) } catch { return false }
        return true
    }

    /// Messages as they come, until the session or its client ends.
    ///
    /// A client that does not read is cut off, so that neither a session nor the server's end waits for it for ever.
    /// Of a service that speaks JSON the first event is the answer's other members, of which there are none.
    private static func response(_ tail: LiveTail, on connection: (any Channel)?) -> Response {
        let body = ResponseBody { writer in
            let guardian = Task {
                try await tail.waitUntilStuck()
                connection?.close(promise: nil)
            }
            defer { guardian.cancel() }
            let first = try event("initial-response", type: "application/x-amz-json-1.1", .object([:]))
            try await writer.write(ByteBuffer(bytes: first.bytes))
            while let message = try await tail.next() {
                let framed =
                    switch message {
                    case .event(let name, let payload): try event(name, type: "application/json", payload)
                    case .exception(let name, let payload): exception(name, payload)
                    }
                try await writer.write(ByteBuffer(bytes: framed.bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/vnd.amazon.eventstream"], body: body)
    }

    /// - Throws: `OversizedMessage`, which ends the session.
    private static func event(
        _ name: String,
        type: String,
        _ payload: JSONValue
    ) throws(OversizedMessage) -> EventStreamMessage {
        let bytes = payload.bytes
        guard bytes.count <= EventStreamMessage.payloadBytesMax else { throw OversizedMessage() }
        return .event(name, contentType: type, payload: bytes)
    }

    /// A message that no client would take.
    private struct OversizedMessage: Error {}

    private static func exception(_ name: String, _ payload: JSONValue) -> EventStreamMessage {
        EventStreamMessage(
            headers: [
                (":message-type", "exception"), (":exception-type", name), (":content-type", "application/json"),
            ],
            payload: payload.bytes
        )
    }
}
