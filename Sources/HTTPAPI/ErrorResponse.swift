// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPTypes
import Hummingbird
import LambdaModel
import Logging
import Logs
import Monitoring
import QueueCore
import ScheduleCore
import StreamCore

/// Errors as AWS's clients expect them: the one place where an error becomes a status and a body.
enum ErrorResponse {
    /// How an operation's protocol writes errors down.
    enum Shape {
        /// `x-amzn-ErrorType` beside `{"Type", "Message" or "message", "Reason"}`; statuses of their own.
        case restJSON
        /// `{"__type", "message"}`; 400 for whatever the caller did.
        case json11
        /// XML, as the services have it whose requests are HTML forms (STS, IAM): none of them is served here.
        case query
        /// S3's XML.
        case storage
        /// SQS's: `{"__type", "message"}` with a namespace, and the Query protocol's name in a header.
        case queue
        /// CloudWatch's, by the protocol that was spoken.
        case cloudWatch(CloudWatchProtocol)

        init(_ headers: HTTPFields) {
            if headers[.target] != nil {
                self = .json11
            } else if headers[.contentType]?.hasPrefix("application/x-www-form-urlencoded") == true {
                self = .query
            } else {
                self = .restJSON
            }
        }
    }

    /// Any error that isn't a `LambdaError` is the machine's: logged with its cause, and shown without it.
    static func response(_ error: any Error, shape: Shape, requestID: String, logger: Logger) -> Response {
        if let error = error as? QueueError { return queue(error) }
        if let error = error as? StreamError { return json11(error.status, error.kind.rawValue, error.message) }
        if let error = error as? LogsError { return json11(error.status, error.kind.rawValue, error.message) }
        if let error = error as? ScheduleError { return schedule(error, shape) }
        if let error = error as? CloudWatchError, case .cloudWatch(let spoken) = shape {
            return cloudWatch(spoken, error, requestID)
        }
        var wire: LambdaError.Wire
        if let error = error as? LambdaError {
            wire = error.wire
        } else if let refusal = error as? ConsoleRefusal {
            wire = LambdaError.validation(message: refusal.message).wire
            (wire.status, wire.name) = (refusal.status, refusal.name)
        } else if let failure = error as? PassThroughFailure {
            wire = LambdaError.service(message: failure.message).wire
            wire.status = failure.status
            wire.name = failure.status == 413 ? "RequestEntityTooLargeException" : "BadGatewayException"
        } else {
            wire = LambdaError.service(message: "An internal error occurred. Request id: \(requestID)").wire
            logger.error("request failed", metadata: ["requestID": "\(requestID)", "cause": "\(error)"])
        }
        switch shape {
        case .restJSON: return restJSON(wire)
        case .json11: return json11(wire)
        case .query: return query(wire, requestID: requestID)
        case .storage: return storage(wire, requestID: requestID)
        case .queue: return queue(wire)
        case .cloudWatch(let spoken):
            return cloudWatch(
                spoken,
                CloudWatchError(wire.status, wire.name, wire.message),
                requestID
            )
        }
    }

    private static func cloudWatch(
        _ spoken: CloudWatchProtocol,
        _ error: CloudWatchError,
        _ requestID: String
    ) -> Response {
        var headers: HTTPFields = [.contentType: spoken.contentType]
        if spoken == .cbor { headers[.smithyProtocol] = CloudWatchRequest.smithyProtocol }
        if spoken != .query { headers[.queryError] = "\(error.code);\(error.status < 500 ? "Sender" : "Receiver")" }
        return Response(
            status: .init(code: error.status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: spoken.bytes(of: error, requestID: requestID)))
        )
    }

    private static func schedule(_ error: ScheduleError, _ shape: Shape) -> Response {
        var wire = LambdaError.validation(message: error.message).wire
        (wire.status, wire.name, wire.messageKey) = (error.status, error.kind.rawValue, .upper)
        guard case .json11 = shape else { return restJSON(wire) }
        // EventBridge has another name for it.
        if error.kind == .internalServer { wire.name = "InternalException" }
        return json11(wire)
    }

    private static func queue(_ error: QueueError) -> Response {
        queue(error.wire.status, error.wire.type, error.wire.queryCode, error.message)
    }

    /// Of what is not SQS's own: signatures, policies, sizes, and the machine.
    private static func queue(_ wire: LambdaError.Wire) -> Response {
        let code =
            switch wire.name {
            case "ServiceException": "InternalFailure"
            case "InvalidSignatureException": "SignatureDoesNotMatch"
            case "UnrecognizedClientException": "InvalidClientTokenId"
            default: wire.name.hasSuffix("Exception") ? String(wire.name.dropLast(9)) : wire.name
            }
        return queue(wire.status, "com.amazon.coral.service#\(wire.name)", code, wire.message)
    }

    private static func queue(_ status: Int, _ type: String, _ code: String, _ message: String) -> Response {
        let body = JSONValue.object(["__type": .string(type), "message": .string(message)])
        return Response(
            status: .init(code: status),
            headers: [
                .contentType: "application/x-amz-json-1.0",
                .queryError: "\(code);\(status < 500 ? "Sender" : "Receiver")",
            ],
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes))
        )
    }

    private static func restJSON(_ wire: LambdaError.Wire) -> Response {
        var members: [String: JSONValue] = [wire.messageKey.rawValue: .string(wire.message)]
        members["Type"] = wire.type.map(JSONValue.string)
        members["Reason"] = wire.reason.map(JSONValue.string)
        var headers: HTTPFields = [.contentType: "application/json", .errorType: wire.name]
        if wire.status == 429 { headers[.retryAfter] = "1" }
        return Response(
            status: .init(code: wire.status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: JSONValue.object(members).bytes))
        )
    }

    private static func json11(_ wire: LambdaError.Wire) -> Response {
        // CloudWatch Logs has another name for it.
        let name = wire.name == "InvalidParameterValueException" ? "InvalidParameterException" : wire.name
        return json11(wire.status < 500 ? 400 : wire.status, name, wire.message)
    }

    private static func json11(_ status: Int, _ name: String, _ message: String) -> Response {
        let body = JSONValue.object(["__type": .string(name), "message": .string(message)])
        return Response(
            status: .init(code: status),
            headers: [.contentType: "application/x-amz-json-1.1", .errorType: name],
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes))
        )
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    private static func query(_ wire: LambdaError.Wire, requestID: String) -> Response {
        xml(
            wire,
            "<ErrorResponse><Error><Type>\(wire.status < 500 ? "Sender" : "Receiver")</Type><Code>\(wire.name)</Code>"
                + "<Message>\(escaped(wire.message))</Message></Error><RequestId>\(requestID)</RequestId></ErrorResponse>"
        )
    }

    private static func storage(_ wire: LambdaError.Wire, requestID: String) -> Response {
        xml(
            wire,
            "<Error><Code>\(wire.name)</Code><Message>\(escaped(wire.message))</Message>"
                + "<RequestId>\(requestID)</RequestId></Error>"
        )
    }

    private static func xml(_ wire: LambdaError.Wire, _ body: String) -> Response {
        Response(
            status: .init(code: wire.status),
            headers: [.contentType: "text/xml", .errorType: wire.name],
            body: .init(byteBuffer: ByteBuffer(string: body))
        )
    }
}
