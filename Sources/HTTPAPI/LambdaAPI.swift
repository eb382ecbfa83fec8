// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import ControlPlane
import HTTPTypes
package import Hummingbird
package import LambdaModel
package import LogStore
package import Logging

/// The HTTP API: finds out what a request asks for and who asks, reads its body, and answers.
///
/// The responder of a Hummingbird `Application`. The application's server is to be made with
/// `LambdaAPI.serverConfiguration`, which has the limits for headers and the answer to `Expect: 100-continue`.
package struct LambdaAPI: HTTPResponder {
    package typealias Context = BasicRequestContext

    /// The way in for an invocation.
    ///
    /// Throws `LambdaError` for every refusal: an absent or unready function as
    /// `ControlPlane.invocable` does, and throttling.
    package typealias Invoke = @Sendable (InvocationRequest) async throws -> InvocationResponse

    /// The same for a caller that takes the payload as it comes.
    package typealias Stream = @Sendable (InvocationRequest) async throws -> InvocationStream

    let controlPlane: ControlPlane
    let logs: LogStore
    let invoke: Invoke
    let stream: Stream
    let authentication: Authentication
    let accountID: String
    let region: String
    let now: @Sendable () -> Timestamp
    let logger: Logger
    private let lambdaVerifier: SigV4Verifier
    private let logsVerifier: SigV4Verifier

    package init(
        controlPlane: ControlPlane,
        logs: LogStore,
        invoke: @escaping Invoke,
        stream: @escaping Stream,
        authentication: Authentication,
        accountID: String,
        region: String,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.controlPlane = controlPlane
        self.logs = logs
        self.invoke = invoke
        self.stream = stream
        self.authentication = authentication
        self.accountID = accountID
        self.region = region
        self.now = now
        self.logger = logger
        lambdaVerifier = SigV4Verifier(region: region, services: ["lambda"])
        logsVerifier = SigV4Verifier(region: region, services: ["logs"])
    }

    package func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        try await respond(to: request)
    }

    /// Throws only what went wrong on the connection while the body was read.
    func respond(to request: Request) async throws -> Response {
        let requestID = RandomIdentifier.uuid()
        let line = request.head.path ?? "/"
        let separator = line.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = String(line[..<(separator ?? line.endIndex)])
        let query = separator.map { String(line[line.utf8.index(after: $0)...]) } ?? ""
        let endpoint = Endpoint(
            method: request.method.rawValue,
            path: path,
            target: request.headers[.target]
        )
        let shape = ErrorResponse.Shape(request.headers)
        var response: Response
        do {
            // The head's signature is checked before a byte of the body is waited for, wherever it can be.
            let signed = try authenticate(request, endpoint: endpoint, path: path, query: query)
            let body = try await readBody(of: request, endpoint: endpoint)
            try signed?.verify(body: body)
            response = try await answer(
                Call(endpoint: endpoint, request: request, query: query, body: body, requestID: requestID)
            )
        } catch let failure as ConnectionFailure {
            throw failure.cause
        } catch {
            response = ErrorResponse.response(error, shape: shape, requestID: requestID, logger: logger)
        }
        response.headers[.requestID] = requestID
        return response
    }

    /// Everything of the request that is worth passing on.
    struct Call {
        var endpoint: Endpoint
        var request: Request
        var query: String
        var body: [UInt8]
        var requestID: String
    }

    private func answer(_ call: Call) async throws -> Response {
        let caller = Caller(accountID: accountID, region: region)
        switch call.endpoint {
        case .invoke(let name): return try await invokeFunction(name, call, caller)
        case .stream(let name): return try await streamFunction(name, call, caller)
        case .createFunction:
            return Self.json(try await controlPlane.createFunction(call.body, caller: caller), status: .created)
        case .listFunctions:
            return Self.json(try await controlPlane.listFunctions(QueryParameters(call.query), caller: caller))
        case .getFunction(let name):
            return Self.json(
                try await controlPlane.getFunction(
                    name,
                    qualifier: call.qualifier,
                    host: try Self.host(of: call.request),
                    caller: caller
                )
            )
        case .getFunctionConfiguration(let name):
            return Self.json(
                try await controlPlane.getFunctionConfiguration(name, qualifier: call.qualifier, caller: caller)
            )
        case .updateFunctionConfiguration(let name):
            return Self.json(
                try await controlPlane.updateFunctionConfiguration(name, call.body, caller: caller)
            )
        case .updateFunctionCode(let name):
            return Self.json(try await controlPlane.updateFunctionCode(name, call.body, caller: caller))
        case .deleteFunction(let name):
            try await controlPlane.deleteFunction(name, qualifier: call.qualifier, caller: caller)
            return Self.noContent
        case .filterLogEvents: return try await filterLogEvents(call.body, caller)
        case .usage: return try await usage(QueryParameters(call.query), caller)
        case .downloadCode(let objectID):
            let zip = try await controlPlane.downloadCode(objectID: objectID, query: QueryParameters(call.query))
            return Response(
                status: .ok,
                headers: [.contentType: "application/zip"],
                body: .init(byteBuffer: ByteBuffer(bytes: zip))
            )
        case .health:
            return Response(
                status: .ok,
                headers: [.contentType: "text/plain"],
                body: .init(byteBuffer: ByteBuffer(string: "ok"))
            )
        case .unavailable(let operation):
            throw LambdaError.unknownOperation(message: "\(operation) is not available in this version of Martlet.")
        case .unknown(let message): throw LambdaError.unknownOperation(message: message)
        }
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: value.bytes))
        )
    }

    /// Status 204, which has no Content-Length (RFC 9110, 8.6).
    static var noContent: Response {
        var response = Response(status: .noContent)
        response.headers[.contentLength] = nil
        return response
    }

    // MARK: - Who asks

    /// Nil when there is no signature to check: by configuration, or because the endpoint needs none.
    private func authenticate(
        _ request: Request,
        endpoint: Endpoint,
        path: String,
        query: String
    ) throws(LambdaError) -> PendingSignature? {
        guard case .sigV4(let keys) = authentication else { return nil }
        switch endpoint {
        // A download has a token in its URL; the rest shows nothing of a user's.
        case .downloadCode, .health, .unavailable, .unknown: return nil
        default: break
        }
        var headers: [SigV4Request.Header] = []
        headers.reserveCapacity(request.headers.count + 1)
        if let authority = request.head.authority { headers.append(.init("host", authority)) }
        for field in request.headers { headers.append(.init(field.name.rawName, field.value)) }
        let signed = SigV4Request(
            method: request.method.rawValue,
            path: path,
            query: query,
            headers: headers
        )
        let time = now()
        let verifier = endpoint.service == "logs" ? logsVerifier : lambdaVerifier
        let pending = try verifier.examine(signed, at: time) { accessKeyID, sessionToken in
            keys.lookUp(accessKeyID: accessKeyID, sessionToken: sessionToken, now: time)
        }
        try pending.verifyHead()
        return pending
    }

    /// The `Host` header, which URLs in answers begin with.
    private static func host(of request: Request) throws(LambdaError) -> String {
        guard let host = request.head.authority, !host.isEmpty, host.utf8.count <= 262,
            host.utf8.allSatisfy({ (0x21..<0x7F).contains($0) && !"/\\?#@\"<>".utf8.contains($0) })
        else { throw .validation(message: "The Host header is missing or malformed.") }
        return host
    }
}

extension LambdaAPI.Call {
    /// The `Qualifier` parameter of the query.
    var qualifier: String? { query.isEmpty ? nil : QueryParameters(query)["Qualifier"] }
}
