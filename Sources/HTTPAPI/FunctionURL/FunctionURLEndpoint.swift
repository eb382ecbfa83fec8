// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import Hummingbird
import InvocationCore
import LambdaModel

/// Requests to function URLs: by whom they may be made, what the function gets, and what its payload becomes.
extension LambdaAPI {
    /// A request line, and whom it came from.
    struct URLRequest {
        var request: Request
        var address: FunctionURLAddress
        /// As on the request line, for the signature.
        var path: String
        var query: String
        var sourceIP: String
        var requestID: String
    }

    /// Answers a request to a URL.
    ///
    /// Throws only what went wrong on the connection while the body was read.
    func answerURL(
        _ request: Request,
        _ address: FunctionURLAddress,
        path: String,
        query: String,
        from sourceIP: String?
    ) async throws -> Response {
        let call = URLRequest(
            request: request,
            address: address,
            path: path,
            query: query,
            sourceIP: sourceIP ?? "127.0.0.1",
            requestID: RandomIdentifier.uuid()
        )
        var response: Response
        do {
            response = try await answer(call)
        } catch let failure as ConnectionFailure {
            throw failure.cause
        } catch {
            response = ErrorResponse.response(error, shape: .restJSON, requestID: call.requestID, logger: logger)
        }
        response.headers[.requestID] = call.requestID
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ call: URLRequest) async throws -> Response {
        guard let target = try await controlPlane.functionURL(id: call.address.id) else {
            return Self.forbidden(.null)
        }
        let headers = call.request.headers
        let origin = headers[.origin]
        let cors = target.url.cors
        if let cors, call.request.method == .options, origin != nil, headers[.accessControlRequestMethod] != nil {
            return Response(status: .ok, headers: cors.preflightFields(origin: origin))
        }
        var response: Response
        do {
            response = try await invoke(target, call)
        } catch let error as LambdaError {
            // A page is to see why, as far as it may see anything.
            response = ErrorResponse.response(error, shape: .restJSON, requestID: call.requestID, logger: logger)
        }
        cors?.replace(in: &response.headers, origin: origin)
        return response
    }

    private func invoke(_ target: FunctionURLTarget, _ call: URLRequest) async throws -> Response {
        var asker: Signer?
        if target.url.authType == .awsIAM {
            do {
                let signed = Self.signedForm(call.request, path: call.path, query: call.query)
                asker = try self.signer(signed, of: .lambda(.invoke, labels: [:]))
            } catch {
                guard error.wire.name == "MissingAuthenticationTokenException" else { throw error }
                return Self.forbidden(Self.troubleshooting)
            }
        } else if !Self.isPermitted(target, identity: nil, { _ in .noMatch }) {
            return Self.forbidden(Self.troubleshooting)
        }
        let body = try await readBody(of: call.request, endpoint: .lambda(.invoke, labels: [:]))
        try asker?.signature?.verify(body: body)
        var signer: FunctionURLEvent.Signer?
        if let asker {
            // Without authentication everybody who reaches the port is the owner.
            let owner = Caller(accountID: target.function.accountID, region: target.function.region)
            let caller = asker.signature == nil ? owner : asker.caller
            let isPermitted = Self.isPermitted(target, identity: caller.identity) { request in
                decision(on: request, caller, call.request, from: call.sourceIP)
            }
            guard isPermitted, caller.region == target.function.region else {
                return Self.forbidden(Self.troubleshooting)
            }
            signer = FunctionURLEvent.Signer(
                identity: caller.identity,
                accessKeyID: asker.signature?.accessKeyID ?? ""
            )
        }
        let invocation = try invocation(target, call, body: body, signer: signer)
        do {
            switch target.url.invokeMode {
            case .buffered: return Self.answer(try await invoke(invocation))
            case .responseStream: return try await Self.answer(StreamReader(try await stream(invocation)))
            }
        } catch LambdaError.resourceNotFound {
            // The alias leads nowhere.
            return Self.forbidden(Self.troubleshooting)
        }
    }

    private static func isPermitted(
        _ target: FunctionURLTarget,
        identity: AccessIdentity?,
        _ identityDecision: @escaping (AccessRequest) -> AccessDecision
    ) -> Bool {
        FunctionURLAuthorization(target: target, identity: identity, identityDecision: identityDecision).isPermitted
    }

    private func invocation(
        _ target: FunctionURLTarget,
        _ call: URLRequest,
        body: [UInt8],
        signer: FunctionURLEvent.Signer?
    ) throws(LambdaError) -> InvocationRequest {
        let request = call.request
        var headers = request.head.authority.map { [SigV4Request.Header("host", $0)] } ?? []
        for field in request.headers { headers.append(.init(field.name.rawName, field.value)) }
        let given =
            request.headers[.traceID] ?? request.headers[.traceparent].flatMap(TraceHeader.header(traceparent:))
        let trace = trace(given, target.function)
        let event = FunctionURLEvent(
            requestID: call.requestID,
            urlID: call.address.id,
            domainName: "\(call.address.id).lambda-url.\(target.function.region).localhost",
            method: request.method.rawValue,
            path: call.address.path,
            query: call.query,
            headers: headers,
            body: body,
            sourceIP: call.sourceIP,
            isEncrypted: isEncrypted,
            signer: signer,
            trace: trace,
            time: now()
        ).bytes
        guard event.count <= LimitsProfile.synchronousPayloadBytesMax else {
            throw .requestTooLarge(
                message: "Request must be smaller than \(LimitsProfile.synchronousPayloadBytesMax) bytes for the "
                    + "InvokeFunction operation"
            )
        }
        return InvocationRequest(
            requestID: call.requestID,
            function: target.function,
            qualifier: target.qualifier,
            payload: event,
            traceHeader: trace
        )
    }

    /// The caller's trace header, or the root of a trace that begins here.
    private func trace(_ given: String?, _ function: FunctionKey) -> String {
        if let given, given.utf8.count <= TraceHeader.lengthMax { return given }
        var random = SystemRandomNumberGenerator()
        let made = TraceHeader(continuing: nil, function: function, isActive: false, at: now(), using: &random)
        return "Root=\(made.root)"
    }

    // MARK: - Answers

    private static func answer(_ invocation: InvocationResponse) -> Response {
        guard case .success(let payload) = invocation.outcome, let answer = FunctionURLResponse(payload: payload) else {
            return badGateway(trace: invocation.traceHeader)
        }
        var response = response(answer)
        if let trace = invocation.traceHeader { response.headers[.traceID] = trace }
        return response
    }

    private static func response(_ answer: FunctionURLResponse) -> Response {
        let status = HTTPResponse.Status(code: answer.status)
        guard status.mayHaveBody else { return bodiless(status, answer.headers) }
        return Response(
            status: status,
            headers: answer.headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }

    private static func bodiless(_ status: HTTPResponse.Status, _ headers: HTTPFields) -> Response {
        var response = Response(status: status, headers: headers)
        response.headers[.contentLength] = nil
        return response
    }

    /// The stream of a function, whose head is known with its first bytes.
    private static func answer(_ reader: StreamReader) async throws -> Response {
        let payload = reader.stream.payload
        var first = await payload.next() ?? []
        if first.isEmpty, await reader.stream.completion().failure != nil { return badGateway(trace: nil) }
        var status = HTTPResponse.Status.ok
        var headers: HTTPFields = [:]
        if payload.contentType?.lowercased().hasPrefix(FunctionURLResponse.preludeType) == true {
            var end = FunctionURLResponse.prelude(in: first)
            while end == nil, first.count <= FunctionURLResponse.preludeBytesMax, let more = await payload.next() {
                let searched = first.count
                first += more
                end = FunctionURLResponse.prelude(in: first, after: searched)
            }
            guard let end, let head = FunctionURLResponse(prelude: Array(first[..<end.end])) else {
                return badGateway(trace: nil)
            }
            status = .init(code: head.status)
            headers = head.headers
            first.removeFirst(end.body)
        } else if let type = payload.contentType, HTTPField.isValidValue(type) {
            headers[.contentType] = type
        } else {
            headers[.contentType] = "application/octet-stream"
        }
        guard status.mayHaveBody else { return bodiless(status, headers) }
        return Response(status: status, headers: headers, body: body(first, reader))
    }

    private struct StreamCut: Error {}

    /// Ends its connection without the body's end where the function fails on the way: nothing else tells the client.
    private static func body(_ first: [UInt8], _ reader: StreamReader) -> ResponseBody {
        ResponseBody { writer in
            let stream = reader.stream
            do {
                if !first.isEmpty { try await writer.write(ByteBuffer(bytes: first)) }
                while let bytes = await stream.payload.next() { try await writer.write(ByteBuffer(bytes: bytes)) }
                guard await stream.payload.ended() == .complete else { throw StreamCut() }
                try await writer.finish(nil)
            } catch {
                stream.payload.abandon()
                throw error
            }
        }
    }

    private static let troubleshooting = JSONValue.string(
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
            + "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    )

    private static func forbidden(_ message: JSONValue) -> Response {
        var response = json(.object(["Message": message]), status: .forbidden)
        response.headers[.errorType] = "AccessDeniedException"
        return response
    }

    private static func badGateway(trace: String?) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let trace { headers[.traceID] = trace }
        return Response(
            status: .badGateway,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: "Internal Server Error"))
        )
    }
}

extension HTTPResponse.Status {
    /// RFC 9110, 6.4.1.
    fileprivate var mayHaveBody: Bool { code >= 200 && code != 204 && code != 304 }
}
