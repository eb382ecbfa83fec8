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
        let access = logsService.access(operation, input, caller)
        try await authorize(call, access.map { OperationAccess($0.action, $0.resource) })
        guard operation != .startLiveTail else {
            let tail = try await logsService.startLiveTail(input, caller, requestID: call.requestID)
            return Self.response(tail)
        }
        var response = Response(status: .ok, headers: [.contentType: "application/x-amz-json-1.1"])
        if let answer = try await logsService.perform(operation, input, caller) {
            response.body = .init(byteBuffer: ByteBuffer(bytes: answer.bytes))
        }
        return response
    }

    /// Messages as they come, until the session or its client ends.
    ///
    /// Of a service that speaks JSON the first event is the answer's other members, of which there are none.
    private static func response(_ tail: LiveTail) -> Response {
        let body = ResponseBody { writer in
            let first = event("initial-response", type: "application/x-amz-json-1.1", .object([:]))
            try await writer.write(ByteBuffer(bytes: first.bytes))
            while let message = try await tail.next() {
                let framed =
                    switch message {
                    case .event(let name, let payload): event(name, type: "application/json", payload)
                    case .exception(let name, let payload): exception(name, payload)
                    }
                try await writer.write(ByteBuffer(bytes: framed.bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/vnd.amazon.eventstream"], body: body)
    }

    private static func event(_ name: String, type: String, _ payload: JSONValue) -> EventStreamMessage {
        .event(name, contentType: type, payload: payload.bytes)
    }

    private static func exception(_ name: String, _ payload: JSONValue) -> EventStreamMessage {
        EventStreamMessage(
            headers: [
                (":message-type", "exception"), (":exception-type", name), (":content-type", "application/json"),
            ],
            payload: payload.bytes
        )
    }
}
