// SPDX-License-Identifier: Apache-2.0
import AWSWire
package import Console
package import ControlPlane
import HTTPTypes
package import Hummingbird
import InvocationCore
package import LambdaModel
package import LogStore
package import Logging
package import Logs
package import Monitoring
import NIOCore
package import Queues
package import Schedules
package import Streams

/// The HTTP API: finds out what a request asks for and who asks, reads its body, and answers.
///
/// The responder of a Hummingbird `Application`. The application's server is to be made with
/// `LambdaAPI.serverConfiguration`, which has the limits for headers and the answer to `Expect: 100-continue`.
package struct LambdaAPI: HTTPResponder {
    package typealias Context = ConnectionContext

    /// The way in for an invocation.
    ///
    /// Throws `LambdaError` for every refusal: an absent or unready function as
    /// `ControlPlane.invocable` does, and throttling.
    package typealias Invoke = @Sendable (InvocationRequest) async throws -> InvocationResponse

    /// The way in for an event whose caller doesn't wait: durable when it returns.
    package typealias Accept = @Sendable (InvocationRequest) async throws -> Void

    /// The same for a caller that takes the payload as it comes.
    package typealias Stream = @Sendable (InvocationRequest) async throws -> InvocationStream

    /// All metrics as a text of Prometheus's.
    package typealias Metrics = @Sendable () async throws -> [UInt8]

    let controlPlane: ControlPlane
    let logs: LogStore
    let logsService: LogsService
    let invoke: Invoke
    let stream: Stream
    let accept: Accept
    let metrics: Metrics
    let metricsAccess: MetricsAccess
    let metricsService: MetricsService
    let environmentsStatus: Environments
    let budgets: Budgets
    let authentication: Authentication
    let accessKeys: AccessKeys
    let passThrough: PassThrough?
    /// nil where requests for SQS are passed on.
    let queues: QueueService?
    /// nil where requests for Kinesis are passed on.
    let streams: StreamService?
    /// nil where requests for EventBridge and its Scheduler are passed on.
    let schedules: ScheduleService?
    let throttle: APIThrottle?
    /// Who is signed in to the console; nil where there is none.
    let console: ConsoleSessions?
    let accountID: String
    let region: String
    /// Where functions may be: AWS's regions, and the server's own.
    let regions: Set<String>
    /// The server has a certificate: its URLs are https.
    let isEncrypted: Bool
    let now: @Sendable () -> Timestamp
    let logger: Logger

    package init(
        controlPlane: ControlPlane,
        logs: LogStore,
        logsService: LogsService,
        invoke: @escaping Invoke,
        stream: @escaping Stream,
        accept: @escaping Accept,
        metrics: @escaping Metrics,
        metricsAccess: MetricsAccess,
        metricsService: MetricsService,
        environments: @escaping Environments,
        budgets: Budgets,
        authentication: Authentication,
        accessKeys: AccessKeys,
        passThrough: PassThrough? = nil,
        queues: QueueService? = nil,
        streams: StreamService? = nil,
        schedules: ScheduleService? = nil,
        throttle: APIThrottle? = nil,
        console: ConsoleSessions? = nil,
        accountID: String,
        region: String,
        isEncrypted: Bool,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.controlPlane = controlPlane
        self.logs = logs
        self.logsService = logsService
        self.invoke = invoke
        self.stream = stream
        self.accept = accept
        self.metrics = metrics
        self.metricsAccess = metricsAccess
        self.metricsService = metricsService
        environmentsStatus = environments
        self.budgets = budgets
        self.authentication = authentication
        self.accessKeys = accessKeys
        self.passThrough = passThrough
        self.queues = queues
        self.streams = streams
        self.schedules = schedules
        self.throttle = throttle
        self.console = console
        self.accountID = accountID
        self.region = region
        regions = RegionName.all.union([region])
        self.isEncrypted = isEncrypted
        self.now = now
        self.logger = logger
    }

    var keyring: AccessKeyring { accessKeys.keyring }

    package func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        if Self.isBrief(request) {
            return try await respond(to: request, from: context.remoteAddress, connection: context.channel)
        }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try await respond(to: request, from: context.remoteAddress, connection: context.channel)
        }
    }

    /// Throws only what went wrong on the connection while the body was read.
    func respond(
        to request: Request,
        from sourceIP: String? = nil,
        connection: (any Channel)? = nil
    ) async throws -> Response {
        let line = request.head.path ?? "/"
        let separator = line.utf8.firstIndex(of: UInt8(ascii: "?"))
        let path = String(line[..<(separator ?? line.endIndex)])
        let query = separator.map { String(line[line.utf8.index(after: $0)...]) } ?? ""
        if let address = FunctionURLAddress(authority: request.head.authority, path: path) {
            // A worker of a function's would answer for the console, too, whenever there is one.
            guard !address.isByPath || request.headers[.serviceWorker] == nil else {
                return Response(status: .forbidden)
            }
            let answer = try await answerURL(request, address, path: path, query: query, from: sourceIP)
            return address.isByPath ? kept(fromConsole: answer) : answer
        }
        let signed = Self.signedForm(request, path: path, query: query)
        if let console, let address = ConsoleAddress(signed) {
            let call = ConsoleCall(request: request, address: address, query: query, sourceIP: sourceIP)
            return try await answerConsole(call, console, connection: connection)
        }
        return try await respond(to: request, signed, from: sourceIP, connection: connection)
    }

    /// Answers a request that is for the API, as a caller who is known already where there is one.
    func respond(
        to request: Request,
        _ signed: SigV4Request,
        as known: Signer? = nil,
        from sourceIP: String?,
        connection: (any Channel)?
    ) async throws -> Response {
        let requestID = RandomIdentifier.uuid()
        let parameters = QueryParameters(signed.query)
        let queue = queues.flatMap { _ in QueueRequest(signed, target: request.headers[.target]) }
        let ofStreams = streams.flatMap { _ in StreamRequest(signed, target: request.headers[.target]) }
        let schedule = schedules.flatMap { _ in ScheduleRequest(signed, target: request.headers[.target]) }
        let cloudWatch = CloudWatchRequest(signed, target: request.headers[.target], isAlone: passThrough == nil)
        let own =
            queue.map(Endpoint.queue) ?? ofStreams.map(Endpoint.stream) ?? schedule.map(Endpoint.schedule)
            ?? cloudWatch.map(Endpoint.cloudWatch)
        let foreign =
            own != nil || known != nil
            ? nil : passThrough.flatMap { _ in ForeignService(signed, target: request.headers[.target]) }
        let endpoint =
            own ?? foreign.map(Endpoint.elsewhere)
            ?? Endpoint(
                method: request.method.rawValue,
                path: signed.path,
                query: parameters,
                target: request.headers[.target]
            )
        let shape =
            foreign?.isStorage == true
            ? .storage
            : queue?.isSpoken == true
                ? .queue : cloudWatch.map { .cloudWatch($0.spoken) } ?? ErrorResponse.Shape(request.headers)
        var response: Response
        do {
            // The head's signature is checked before a byte of the body is waited for, wherever it can be.
            let signer = try signer(signed, of: endpoint, as: known, from: sourceIP)
            var call = Call(
                endpoint: endpoint,
                request: request,
                query: parameters,
                body: [],
                requestID: requestID,
                caller: signer.caller,
                renewed: signer.renewed,
                clientAddress: sourceIP,
                connection: connection
            )
            // The answer is the other server's, its request id included.
            if let foreign { return kept(fromConsole: try await passOn(call, foreign, signer.signature)) }
            call.body = try await readBody(of: request, endpoint: endpoint)
            try signer.signature?.verify(body: call.body)
            try throttle?.admit(endpoint, signer.caller)
            response = try await answer(call)
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
        var query: QueryParameters
        var body: [UInt8]
        var requestID: String
        var caller: Caller
        var renewed: Signer.Renewal?
        /// Where the request came from, if that is known.
        var clientAddress: String?
        /// On which it came, if it came on one.
        var connection: (any Channel)?
    }

    private func answer(_ call: Call) async throws -> Response {
        let caller = call.caller
        switch call.endpoint {
        case .lambda(let operation, let labels) where operation.isInvocation:
            let caller = try await authorize(
                call,
                OperationAccess.invocation(operation, labels, qualifier: call.qualifier, call.caller)
            )
            let name = labels["FunctionName"] ?? ""
            switch operation {
            case .invoke: return try await invokeFunction(name, call, caller)
            case .invokeWithResponseStream: return try await streamFunction(name, call, caller)
            default: return try await invokeAsync(name, call, caller)
            }
        case .lambda(let operation, let labels):
            let input = try operation.input(labels: labels, query: call.query, body: call.body)
            let caller = try await authorize(call, OperationAccess.all(operation, input, call.caller))
            let context = OperationContext(caller: caller, origin: try origin(of: call.request))
            let answer = try await controlPlane.perform(operation, input, context)
            return Self.response(answer, status: .init(code: operation.successStatus))
        case .logs(let operation): return try await performLogs(operation, call)
        case .usage:
            try await authorize(call, [.init("martlet:GetUsage")])
            return try await usage(call.query, caller)
        case .metrics: return try await metricsText(call)
        case .environments: return try await environments(call)
        case .putBudget(let name): return try await putBudget(name, call)
        case .listBudgets: return try await listBudgets(call)
        case .deleteBudget(let name): return try await deleteBudget(name, call)
        case .createAccessKey: return try await createAccessKey(call)
        case .listAccessKeys: return try await listAccessKeys(call)
        case .deleteAccessKey(let id): return try await deleteAccessKey(id, call)
        case .downloadCode(let objectID):
            let zip = try await controlPlane.downloadCode(objectID: objectID, query: call.query)
            return Response(
                status: .ok,
                headers: [.contentType: "application/zip"],
                body: .init(byteBuffer: ByteBuffer(bytes: zip))
            )
        case .s3EventURL:
            try await authorize(call, [.init("martlet:GetS3EventUrl")])
            return try await s3EventURL(call, caller)
        case .s3Event(let arn, _): return try await takeS3Event(arn, call)
        case .health:
            return Response(
                status: .ok,
                headers: [.contentType: "text/plain"],
                body: .init(byteBuffer: ByteBuffer(string: "ok"))
            )
        case .queue(let request): return try await performQueue(request, call)
        case .stream(let request): return try await performStream(request, call)
        case .schedule(let request): return try await performSchedules(request, call)
        case .cloudWatch(let request): return try await performCloudWatch(request, call)
        case .elsewhere: preconditionFailure("what is for others is passed on before it is answered")
        case .unavailable(let operation):
            throw LambdaError.unknownOperation(message: "\(operation) is not available in this version of Martlet.")
        case .unknown(let message): throw LambdaError.unknownOperation(message: message)
        }
    }

    static func response(_ answer: JSONValue?, status: HTTPResponse.Status) -> Response {
        guard let answer else {
            var response = Response(status: status)
            // Status 204 has none (RFC 9110, 8.6).
            if status == .noContent { response.headers[.contentLength] = nil }
            return response
        }
        return json(answer, status: status)
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: value.bytes))
        )
    }

    /// What URLs in answers begin with: the caller's way here, by its `Host` header.
    func origin(of request: Request) throws(LambdaError) -> String {
        guard let host = request.head.authority, !host.isEmpty, host.utf8.count <= 262,
            host.utf8.allSatisfy({ (0x21..<0x7F).contains($0) && !"/\\?#@\"<>".utf8.contains($0) })
        else { throw .validation(message: "The Host header is missing or malformed.") }
        return "\(isEncrypted ? "https" : "http")://\(host)"
    }
}

extension LambdaAPI.Call {
    /// The `Qualifier` parameter of the query.
    var qualifier: String? { query["Qualifier"] }
}
