// SPDX-License-Identifier: Apache-2.0
import AWSWire
import AsyncHTTPClient
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdCore
import InvocationCore
import LambdaModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Another server for the services that Martlet does not have: requests go there as they came, answers come back as they are.
///
/// What is between two machines only (`Connection` and its like, RFC 9110, 7.6.1) is left out, and `Via` is added, by
/// which a request that comes round in a circle is known.
package struct PassThrough: Sendable {
    /// Requests on their way at once, of an account that is alone; of all together twice as many.
    static let requestsMax = 256
    /// Bytes of a body that is passed on as it comes: S3's largest upload.
    static let bodyBytesMax = 5 << 30
    /// Nothing comes back for that long: the other server is given up.
    static let idleTimeout = TimeAmount.seconds(120)
    static let connectTimeout = TimeAmount.seconds(5)
    /// From a request's begin to its answer's begin.
    static let answerTimeout = TimeAmount.minutes(15)
    static let connectionsMax = 128
    private static let via = "1.1 martlet"
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "expect", "content-length", "host",
        // A browser's, for this server alone: AWS's services know none.
        "cookie",
    ]

    private let http: HTTPClient
    private let endpoint: String
    private let counter = PassageCounter()

    /// - Parameter endpoint: scheme, host and port, without a slash at the end.
    package init(endpoint: String) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = Self.connectTimeout
        configuration.timeout.read = Self.idleTimeout
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsMax
        configuration.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.endpoint = endpoint
    }

    /// To be called once, when nothing is passed on any more.
    package func shutdown() async throws { try await http.shutdown() }

    /// The other server's answer to a request.
    ///
    /// `body` is what was read of it already; nil to take it from the request as it comes.
    /// - Throws: `PassThroughFailure`.
    func pass(_ request: Request, of accountID: String, body: [UInt8]?) async throws -> Response {
        guard let passage = counter.enter(accountID) else {
            throw PassThroughFailure(
                status: 503,
                message: "As many requests of account \(accountID) as may be are on their way to \(endpoint)."
            )
        }
        guard !request.headers[values: .via].contains(where: { $0.contains(Self.via) }) else {
            throw PassThroughFailure(message: "\(endpoint) (--aws-endpoint) passes requests back to this server.")
        }
        let answer: HTTPClientResponse
        do {
            answer = try await http.execute(try outgoing(request, body), timeout: Self.answerTimeout)
        } catch let failure as PassThroughFailure {
            throw failure
        } catch let error as HTTPClientError where error == .connectTimeout || error == .readTimeout {
            throw PassThroughFailure(message: "\(endpoint) (--aws-endpoint) does not answer.")
        } catch {
            throw PassThroughFailure(message: "\(endpoint) (--aws-endpoint) can't be reached: \(Self.reason(error))")
        }
        return Self.response(answer, passage, isHead: request.method == .head)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case is NIOConnectionError: "nothing listens there, or its name is not known."
        case let error as HTTPClientError: "\(error.shortDescription)."
        default: "the connection failed."
        }
    }

    /// What was looked at to decide whether the caller may do this goes with the request.
    private static func isAuthorised(_ name: String) -> Bool { name == "authorization" || name.hasPrefix("x-amz-") }

    private func outgoing(_ request: Request, _ body: [UInt8]?) throws -> HTTPClientRequest {
        let target = request.head.path ?? "/"
        // Anything else behind an authority could become a part of it, and name another server.
        guard target.utf8.first == UInt8(ascii: "/") else {
            throw PassThroughFailure(status: 400, message: "The request's target is no path.")
        }
        var outgoing = HTTPClientRequest(url: endpoint + target)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        let named = request.headers[values: .connection].flatMap { $0.split(separator: ",") }
            .map { $0.trimmingPrefix(while: \.isWhitespace).lowercased() }
        for field in request.headers
        where !Self.hopByHop.contains(field.name.canonicalName)
            && (!named.contains(field.name.canonicalName) || Self.isAuthorised(field.name.canonicalName))
        {
            outgoing.headers.add(name: field.name.rawName, value: field.value)
        }
        if let authority = request.head.authority { outgoing.headers.add(name: "Host", value: authority) }
        outgoing.headers.add(name: "Via", value: Self.via)
        if let body {
            if !body.isEmpty || request.headers[.contentLength] != nil {
                outgoing.body = .bytes(ByteBuffer(bytes: body))
            }
            return outgoing
        }
        if let length = request.headers[.contentLength].flatMap({ Int64($0) }) {
            guard length <= Self.bodyBytesMax else {
                throw PassThroughFailure(status: 413, message: "A body may have \(Self.bodyBytesMax) bytes.")
            }
            outgoing.body = .stream(BoundedBody(body: request.body), length: .known(length))
        } else if request.headers[values: .transferEncoding].isEmpty == false {
            outgoing.body = .stream(BoundedBody(body: request.body), length: .unknown)
        }
        return outgoing
    }

    private static func response(_ answer: HTTPClientResponse, _ passage: Passage, isHead: Bool) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers where !hopByHop.contains(name.lowercased()) {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        let length = answer.headers.first(name: "content-length").flatMap { Int($0) }
        let status = HTTPResponse.Status(code: Int(answer.status.code), reasonPhrase: answer.status.reasonPhrase)
        if isHead || status.code == 204 || status.code == 304 {
            if let length { headers[.contentLength] = String(length) }
            var response = Response(status: status, headers: headers)
            if length == nil { response.headers[.contentLength] = nil }
            return response
        }
        let body = ResponseBody(contentLength: length) { writer in
            // As fast as the caller takes it.
            for try await part in answer.body { try await writer.write(part) }
            try await writer.finish(nil)
            passage.end()
        }
        return Response(status: status, headers: headers, body: body)
    }
}

/// Why a request could not be passed on.
struct PassThroughFailure: Error, Equatable {
    var status = 502
    var message: String
}

/// A request's body up to the most that is passed on.
private struct BoundedBody: AsyncSequence, Sendable {
    let body: RequestBody

    struct AsyncIterator: AsyncIteratorProtocol {
        var parts: RequestBody.AsyncIterator
        var bytes = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let part = try await parts.next() else { return nil }
            bytes += part.readableBytes
            guard bytes <= PassThrough.bodyBytesMax else {
                throw PassThroughFailure(status: 413, message: "A body may have \(PassThrough.bodyBytesMax) bytes.")
            }
            return part
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: body.makeAsyncIterator()) }
}

/// Counts what is on its way.
private final class PassageCounter: Sendable {
    private let share = Mutex(FairShare(oneMax: PassThrough.requestsMax))

    /// nil when there are as many as there may be.
    func enter(_ accountID: String) -> Passage? {
        share.withLock { $0.take(for: accountID) } ? Passage(counter: self, accountID: accountID) : nil
    }

    fileprivate func leave(_ accountID: String) { share.withLock { $0.giveBack(for: accountID) } }
}

/// One request on its way; over when the answer is, or when nobody wants it any more.
private final class Passage: Sendable {
    private let counter: PassageCounter
    private let accountID: String
    private let isOver = Mutex(false)

    init(counter: PassageCounter, accountID: String) {
        self.counter = counter
        self.accountID = accountID
    }

    func end() {
        let wasOver = isOver.withLock { over in
            defer { over = true }
            return over
        }
        if !wasOver { counter.leave(accountID) }
    }

    deinit { end() }
}

extension LambdaAPI {
    /// Passes a request on, with its signature verified where signatures are: what it says of its body is the other server's to check.
    func passOn(_ call: Call, _ service: ForeignService, _ signature: PendingSignature?) async throws -> Response {
        guard let passThrough else {
            throw LambdaError.unknownOperation(message: "\(service.name) is not served here.")
        }
        guard let signature, signature.payload == .unstated else {
            try await authorize(call, service)
            return try await passThrough.pass(call.request, of: call.caller.accountID, body: nil)
        }
        // The signature covers a body that it does not state: nothing is passed on before it was seen.
        let body = try await readBody(of: call.request, endpoint: call.endpoint)
        try signature.verify(body: body)
        try await authorize(call, service)
        return try await passThrough.pass(call.request, of: call.caller.accountID, body: body)
    }

    /// Nothing is known of the resource, so a policy that forbids something of the service, or allows all but something,
    /// can't be followed: it allows nothing here.
    private func authorize(_ call: Call, _ service: ForeignService) async throws {
        let access = OperationAccess(service.action)
        if let policy = call.caller.policy, !service.isDecidable(by: policy) {
            throw call.caller.denied(
                access.action,
                on: access.resource,
                "because the policy denies or excepts actions of \(service.name), which can't be told apart for requests that "
                    + "are passed on"
            )
        }
        try await authorize(call, [access])
    }
}
