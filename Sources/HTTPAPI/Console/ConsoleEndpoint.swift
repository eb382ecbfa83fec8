// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Console
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdCore
import InvocationCore
import LambdaModel
import Logging
import NIOCore

/// The console: its page, its sessions, and the API for who is signed in.
///
/// A session stands in for the signature and for nothing else: what follows is what a request signed with its key goes through,
/// the key's policy included.
extension LambdaAPI {
    private static let sessionCookie = "martlet-console"
    private static let signInBytesMax = 4_096

    struct ConsoleCall {
        var request: Request
        var address: ConsoleAddress
        var query: String
        var sourceIP: String?

        var method: HTTPRequest.Method { request.method }
        var isRead: Bool { method == .get || method == .head }
    }

    /// Throws only what went wrong on the connection while the body was read.
    func answerConsole(
        _ call: ConsoleCall,
        _ console: ConsoleSessions,
        connection: (any Channel)?
    ) async throws -> Response {
        let requestID = RandomIdentifier.uuid()
        let refused: Response
        do {
            switch call.address {
            case .file(let name): return try Self.file(name, call)
            case .session: return Self.guarded(try await session(call, console))
            case .api(let path):
                let caller = try caller(call, console)
                var asking = call
                var ownHead = call.request.head
                ownHead.headerFields[.console] = "background"
                asking.request = Request(head: ownHead, body: .init(buffer: ByteBuffer()))
                let signer = Signer(caller: caller) { [asking] in try? self.caller(asking, console) }
                var head = call.request.head
                head.path = call.query.isEmpty ? path : "\(path)?\(call.query)"
                head.headerFields[.cookie] = nil
                let request = Request(head: head, body: call.request.body)
                let form = Self.signedForm(request, path: path, query: call.query)
                return Self.guarded(
                    try await respond(to: request, form, as: signer, from: call.sourceIP, connection: connection)
                )
            }
        } catch let failure as ConnectionFailure {
            throw failure.cause
        } catch let error as LambdaError {
            refused = ErrorResponse.response(error, shape: .restJSON, requestID: requestID, logger: logger)
        } catch let refusal as ConsoleRefusal {
            refused = ErrorResponse.response(refusal, shape: .restJSON, requestID: requestID, logger: logger)
        }
        return Self.guarded(refused)
    }

    // MARK: - The page

    private static func file(_ name: String, _ call: ConsoleCall) throws -> Response {
        guard let file = ConsoleFile.all[name] else {
            throw ConsoleRefusal(status: 404, name: "NotFoundException", message: "There is nothing of that name.")
        }
        guard call.isRead else {
            throw ConsoleRefusal(status: 405, name: "MethodNotAllowedException", message: "This can only be read.")
        }
        var headers: HTTPFields = [
            .contentType: file.contentType, .eTag: file.entityTag, .cacheControl: "no-cache",
            .contentSecurityPolicy: ConsoleFile.contentSecurityPolicy, .xContentTypeOptions: "nosniff",
            .referrerPolicy: "no-referrer", .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin",
        ]
        if call.request.headers[.ifNoneMatch] == file.entityTag {
            headers[.contentType] = nil
            var response = Response(status: .notModified, headers: headers)
            response.headers[.contentLength] = nil
            return response
        }
        let response = Response(
            status: .ok,
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: file.bytes))
        )
        return call.method == .head ? response.createHeadResponse() : response
    }

    /// Data is for this page alone, is not kept by the browser, and does nothing where it is shown by itself.
    private static func guarded(_ response: Response) -> Response {
        var response = response
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'; sandbox"
        response.headers[.crossOriginResourcePolicy] = "same-origin"
        return response
    }

    /// What is not ours and comes from the console's own origin: a browser that shows it treats it as another origin's, and has no session
    /// from it.
    func kept(fromConsole response: Response) -> Response {
        guard console != nil else { return response }
        var response = response
        let cookies = response.headers[values: .setCookie].filter { !$0.contains(Self.sessionCookie) }
        response.headers[values: .setCookie] = cookies
        response.headers[.clearSiteData] = nil
        response.headers.append(
            HTTPField(
                name: .contentSecurityPolicy,
                value: "sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads"
            )
        )
        return response
    }

    // MARK: - Sessions

    private func session(_ call: ConsoleCall, _ console: ConsoleSessions) async throws -> Response {
        switch call.method {
        case .get:
            do {
                return Self.json(members(of: try caller(call, console)))
            } catch let refusal as ConsoleRefusal where refusal == .noSession {
                // That nobody is signed in is an answer, and no mistake that a browser would complain of.
                return Self.response(nil, status: .noContent)
            }
        case .post: return try await signIn(call, console)
        case .delete:
            try Self.checkSource(call)
            if let token = Self.token(call.request) { console.end(token) }
            var response = Self.response(nil, status: .noContent)
            response.headers[.setCookie] = Self.cookie("", seconds: 0, call)
            return response
        default:
            throw ConsoleRefusal(
                status: 405,
                name: "MethodNotAllowedException",
                message: "A session is started, read and ended."
            )
        }
    }

    private func signIn(_ call: ConsoleCall, _ console: ConsoleSessions) async throws -> Response {
        let origin = try Self.checkSource(call)
        guard isEncrypted || origin?.isTrustworthy == true else {
            throw ConsoleRefusal(
                status: 403,
                name: "InsecureTransportException",
                message: "A secret is not taken over plain HTTP from another machine: use HTTPS (--tls-cert)."
            )
        }
        guard console.admitsTry(from: call.sourceIP ?? "") else {
            throw LambdaError.tooManyRequests(.callerRateLimitExceeded)
        }
        let body = try await readBody(of: call.request, upTo: Self.signInBytesMax, for: "SignIn")
        let given = try RequestMembers(body: body)
        let accessKeyID = try given.string("AccessKeyId") ?? ""
        let secret = try given.string("SecretAccessKey") ?? ""
        let region = try given.string("Region").flatMap { $0.isEmpty ? nil : $0 } ?? region
        guard regions.contains(region) else {
            throw LambdaError.invalidParameterValue(message: "There is no such region.")
        }
        let known = keyring.lookUp(accessKeyID: accessKeyID, sessionToken: nil, now: now())
        let session = ConsoleSession(accessKeyID: accessKeyID, secret: secret, region: region)
        // Of a key that is not there, as much is compared.
        let expected = if case .secret(let secret) = known.credential { secret } else { RandomIdentifier.uuid() }
        guard session.wasStarted(with: expected), let holder = known.holder else {
            logger.notice("console: sign-in refused", metadata: ["address": "\(call.sourceIP ?? "unknown")"])
            throw LambdaError.accessDenied(
                name: "UnrecognizedClientException",
                message: "There is no such access key, or its secret is another."
            )
        }
        if let earlier = Self.token(call.request) { console.end(earlier) }
        let token = console.start(session)
        var response = Self.json(members(of: holder.caller(region: region)))
        response.headers[.setCookie] = Self.cookie(
            token,
            seconds: console.limits.lifeMax.components.seconds,
            call,
            isSecure: isEncrypted || origin?.isEncrypted == true
        )
        logger.info("console: signed in", metadata: ["user": "\(holder.identity.arn)"])
        return response
    }

    /// Who is signed in, as the API knows the holder of that key.
    private func caller(_ call: ConsoleCall, _ console: ConsoleSessions) throws -> Caller {
        try Self.checkSource(call)
        let isByUser = call.request.headers[.console] != "background"
        guard let token = Self.token(call.request), let session = console.session(token, isByUser: isByUser) else {
            throw ConsoleRefusal.noSession
        }
        let known = keyring.lookUp(accessKeyID: session.accessKeyID, sessionToken: nil, now: now())
        guard case .secret(let secret) = known.credential, session.wasStarted(with: secret), let holder = known.holder
        else {
            console.end(token)
            throw ConsoleRefusal.noSession
        }
        return holder.caller(region: session.region)
    }

    private func members(of caller: Caller) -> JSONValue {
        .object([
            "AccountId": .string(caller.accountID), "Region": .string(caller.region),
            "UserArn": .string(caller.identity.arn), "IsAdministrator": .bool(caller.isAdministrator),
            "Services": .object(["sqs": .bool(queues != nil), "kinesis": .bool(streams != nil)]),
        ])
    }

    // MARK: - Whose request it is

    /// Refuses what a page of another origin may have had sent.
    ///
    /// A header of ours needs that origin's leave first (CORS), which is never given; what changes something has to say
    /// where it comes from besides.
    /// - Returns: the origin that the request states, which is this server's.
    @discardableResult
    private static func checkSource(_ call: ConsoleCall) throws(ConsoleRefusal) -> WebOrigin? {
        let headers = call.request.headers
        guard headers[.console] != nil, (headers[.secFetchSite] ?? "same-origin") == "same-origin" else {
            throw .otherOrigin
        }
        guard let text = headers[.origin] else {
            guard call.isRead else { throw .otherOrigin }
            return nil
        }
        guard let origin = WebOrigin(text), origin.authority == call.request.head.authority?.lowercased() else {
            throw .otherOrigin
        }
        return origin
    }

    /// The browser's token.
    ///
    /// Two of them mean that somebody else has set one: neither counts.
    private static func token(_ request: Request) -> String? {
        let tokens = request.headers[values: .cookie].flatMap { $0.split(separator: ";") }.compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == sessionCookie else { return Substring?.none }
            return parts[1].prefix { $0 != " " }
        }
        return tokens.count == 1 ? String(tokens[0]) : nil
    }

    private static func cookie(_ token: String, seconds: Int64, _ call: ConsoleCall, isSecure: Bool = false) -> String {
        "\(sessionCookie)=\(token); Path=\(ConsoleAddress.pathPrefix); HttpOnly; SameSite=Strict; Max-Age=\(seconds)"
            + (isSecure ? "; Secure" : "")
    }
}

/// Why the console does not answer.
struct ConsoleRefusal: Error, Equatable {
    var status: Int
    var name: String
    var message: String

    static let noSession = ConsoleRefusal(
        status: 401,
        name: "NoSessionException",
        message: "Nobody is signed in, or not any more."
    )
    static let otherOrigin = ConsoleRefusal(
        status: 403,
        name: "CrossOriginException",
        message: "This is for the console's own page."
    )
}

/// An `Origin` header: scheme, and host with port.
struct WebOrigin: Equatable {
    var isEncrypted: Bool
    var authority: String

    init?(_ text: String) {
        let text = text.lowercased()
        if text.hasPrefix("https://") {
            (isEncrypted, authority) = (true, String(text.dropFirst(8)))
        } else if text.hasPrefix("http://") {
            (isEncrypted, authority) = (false, String(text.dropFirst(7)))
        } else {
            return nil
        }
    }

    /// Nobody can listen between the browser and this origin, as browsers see it (W3C, Secure Contexts, 3.1).
    var isTrustworthy: Bool {
        guard !isEncrypted else { return true }
        if authority.hasPrefix("[") { return authority.hasPrefix("[::1]") }
        let host = authority.prefix { $0 != ":" }
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
