// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import LambdaModel

extension LambdaAPI {
    /// Longest `X-Amz-Client-Context`, in base64 digits as it is sent.
    static let clientContextBytesMax = 3_583

    /// Longest payload that is copied on a connection's event loop.
    private static let briefPayloadBytesMax = 65_536

    enum InvocationType: String {
        case event = "Event"
        case requestResponse = "RequestResponse"
        case dryRun = "DryRun"
    }

    private struct InvokeHeaders {
        var invocationType = "RequestResponse"
        var logType = "None"
        var clientContext: String?
        var traceHeader: String?

        /// One pass over the fields; X-Ray's header counts before W3C's.
        init(_ fields: HTTPFields) throws(LambdaError) {
            var traceparent: String?
            for field in fields {
                switch field.name {
                case .invocationType: invocationType = field.value
                case .logType: logType = field.value
                case .clientContext: clientContext = field.value
                case .traceID where field.value.utf8.count <= TraceHeader.lengthMax: traceHeader = field.value
                case .traceparent: traceparent = field.value
                case .tenantID:
                    throw .invalidParameterValue(
                        message: "X-Amz-Tenant-Id is not available in this version of Martlet."
                    )
                case .durableExecutionName:
                    throw .invalidParameterValue(
                        message: "X-Amz-Durable-Execution-Name is not available in this version of Martlet."
                    )
                default: break
                }
            }
            if traceHeader == nil { traceHeader = traceparent.flatMap(TraceHeader.header(traceparent:)) }
        }
    }

    func invokeFunction(_ name: String, _ call: Call, _ caller: Caller) async throws -> Response {
        let (type, invocation) = try await prepare(name, call, caller, types: ["Event", "RequestResponse", "DryRun"])
        switch type {
        case .dryRun: return Self.response(nil, status: .noContent)
        case .event:
            try Self.check(call.body, bytesMax: LimitsProfile.eventPayloadBytesMax, "InvokeFunction")
            try await accept(invocation)
            return Self.response(nil, status: .accepted)
        case .requestResponse:
            let response = try await invoke(invocation)
            guard response.outcome.payload.count > Self.briefPayloadBytesMax else { return Self.answer(response) }
            return await withTaskExecutorPreference(globalConcurrentExecutor) { Self.answer(response) }
        }
    }

    /// The operation before `Invoke` had a type: an event, and no answer.
    func invokeAsync(_ name: String, _ call: Call, _ caller: Caller) async throws -> Response {
        try Self.check(call.body, bytesMax: LimitsProfile.invokeAsyncPayloadBytesMax, "InvokeAsync")
        let (_, invocation) = try await prepare(name, call, caller, types: ["Event", "RequestResponse"])
        try await accept(invocation)
        return Self.json(.object(["Status": .integer(202)]), status: .accepted)
    }

    static func check(_ body: [UInt8], bytesMax: Int, _ operation: String) throws(LambdaError) {
        guard body.count <= bytesMax else {
            throw .requestTooLarge(
                message: "Request must be smaller than \(bytesMax) bytes for the \(operation) operation"
            )
        }
    }

    /// Checks what is asked for, by one of those invocation types.
    func prepare(
        _ name: String,
        _ call: Call,
        _ caller: Caller,
        types: [String]
    ) async throws -> (InvocationType, InvocationRequest) {
        let headers = try InvokeHeaders(call.request.headers)
        let type = try Self.checkTypes(headers, allowed: types)
        let (function, qualifier) = try controlPlane.invoked(name, qualifier: call.qualifier, caller: caller)
        if type == .dryRun { _ = try await controlPlane.invocable(function, qualifier: qualifier) }
        let payload = call.body.isEmpty ? Array("{}".utf8) : call.body
        if let failure = JSONSyntax.failure(in: payload) {
            throw LambdaError.invalidRequestContent(
                message: "Could not parse request body into json: Could not parse payload into json: \(failure)"
            )
        }
        let request = InvocationRequest(
            requestID: call.requestID,
            function: function,
            qualifier: qualifier,
            payload: payload,
            clientContext: try headers.clientContext.map(Self.clientContext),
            traceHeader: headers.traceHeader,
            logType: headers.logType == "Tail" ? .tail : .none
        )
        return (type, request)
    }

    private static func checkTypes(
        _ headers: InvokeHeaders,
        allowed: [String]
    ) throws(LambdaError) -> InvocationType {
        var violations = ConstraintViolations()
        let type = InvocationType(rawValue: headers.invocationType)
        violations.requireValue(headers.invocationType, at: "invocationType", in: allowed)
        violations.requireValue(headers.logType, at: "logType", in: ["None", "Tail"])
        try violations.throwIfAny()
        return type ?? .requestResponse
    }

    /// The JSON text that a client context is in base64.
    private static func clientContext(_ text: String) throws(LambdaError) -> String {
        guard text.utf8.count <= clientContextBytesMax else {
            throw .invalidRequestContent(
                message: "Client context must be no more than \(clientContextBytesMax) bytes of base64-encoded data"
            )
        }
        guard let bytes = Base64.decode(text) else {
            throw .invalidRequestContent(message: "Client context must be a valid Base64-encoded JSON object.")
        }
        do {
            guard try JSONValue(parsing: bytes).object != nil else {
                throw LambdaError.invalidRequestContent(
                    message: "Client context must be a valid Base64-encoded JSON object."
                )
            }
        } catch let failure as JSONSyntax.Failure {
            throw .invalidRequestContent(message: "Could not parse client context into json: \(failure)")
        } catch let error as LambdaError {
            throw error
        } catch {
            throw .service(message: "\(error)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func answer(_ response: InvocationResponse) -> Response {
        var headers: HTTPFields = [
            .contentType: "application/json", .executedVersion: response.executedVersion,
        ]
        // AWS says Unhandled of every function error, those that the runtime reported included.
        if case .functionError = response.outcome { headers[.functionError] = "Unhandled" }
        if let trace = response.traceHeader { headers[.traceID] = trace }
        if let tail = response.logTail { headers[.logResult] = Base64.encode(tail) }
        return Response(
            status: .ok,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: response.outcome.payload))
        )
    }
}
