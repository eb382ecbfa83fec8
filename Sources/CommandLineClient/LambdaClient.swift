// SPDX-License-Identifier: Apache-2.0
import AWSWire
import AsyncHTTPClient
import Foundation
import LambdaModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// An answer of the server with a status below 300.
struct Answer: Sendable {
    var status: Int
    /// Names in lower case; of several with one name the first.
    var headers: [String: String]
    var body: [UInt8]

    /// The server's clock, to the second below; nil where it does not say.
    var date: Timestamp? {
        guard let text = headers["date"] else { return nil }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return format.date(from: text).map {
            Timestamp(millisecondsSinceEpoch: Int64($0.timeIntervalSince1970) * 1_000)
        }
    }

    func json() throws(ClientError) -> JSONValue {
        do {
            return try JSONValue(parsing: body)
        } catch {
            throw ClientError("The server's answer is not JSON (offset \(error.offset)).")
        }
    }
}

/// Signed requests to the server.
struct LambdaClient: Sendable {
    /// Larger than any answer that AWS's limits allow.
    static let answerBytesMax = 128 << 20
    /// Longer than the longest invocation: 900 s, and as much again for waiting.
    static let invocationTimeout = TimeAmount.minutes(31)

    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    private let http: HTTPClient
    let location: ServerLocation

    /// Gives `work` a client that is shut down afterwards.
    static func with<Result>(
        _ location: ServerLocation,
        _ work: (LambdaClient) async throws -> Result
    ) async throws -> Result {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        configuration.httpVersion = .http1Only
        if let bundle = location.authorityBundle { configuration.tlsConfiguration = try trusting(bundle) }
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let result = try await work(LambdaClient(http: http, location: location))
            try await http.shutdown()
            return result
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    private static func trusting(_ bundle: String) throws(ClientError) -> TLSConfiguration {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(bundle))
            return configuration
        } catch {
            throw ClientError("\(bundle) (AWS_CA_BUNDLE) can't be read as certificates in PEM form.")
        }
    }

    /// - Throws: `ClientError`, for an answer of 300 and above as well.
    func send(
        _ method: Method,
        _ path: String,
        query: String = "",
        headers: [(String, String)] = [],
        body: [UInt8] = [],
        service: String = "lambda",
        timeout: TimeAmount = .minutes(2)
    ) async throws -> Answer {
        let request = signed(method, path, query: query, headers: headers, body: body, service: service)
        return try await execute(request, timeout: timeout)
    }

    /// The same for a body that takes a while: a terminal shows how far it is.
    func upload(_ method: Method, _ path: String, _ body: [UInt8], _ title: String) async throws -> Answer {
        var request = signed(
            method,
            path,
            query: "",
            headers: [("Content-Type", "application/json")],
            body: body,
            service: "lambda"
        )
        let progress = ProgressLine(title)
        defer { progress.end() }
        if Terminal.isErrorInteractive {
            let parts = UploadParts(bytes: ByteBuffer(bytes: body)) { progress.show($0, of: body.count) }
            request.body = .stream(parts, length: .known(Int64(body.count)))
        }
        return try await execute(request, timeout: .minutes(10))
    }

    /// The same for an answer that comes in parts, which `receive` gets as they come.
    ///
    /// - Throws: `ClientError`, and what `receive` throws.
    func stream(
        _ path: String,
        query: String,
        headers: [(String, String)],
        body: [UInt8],
        receive: @escaping @Sendable (ByteBuffer) throws(ClientError) -> Void
    ) async throws {
        let request = signed(.post, path, query: query, headers: headers, body: body, service: "lambda")
        _ = try await execute(request, timeout: Self.invocationTimeout, receive: receive)
    }

    private func signed(
        _ method: Method,
        _ path: String,
        query: String,
        headers: [(String, String)],
        body: [UInt8],
        service: String
    ) -> HTTPClientRequest {
        var signed = SigV4Request(method: method.rawValue, path: path, query: query, headers: [])
        signed.headers = [.init("Host", location.endpoint.authority)]
        signed.headers += headers.map { SigV4Request.Header($0.0, $0.1) }
        let signer = SigV4Signer(
            accessKey: location.credentials.accessKey,
            region: location.credentials.region,
            service: service
        )
        signed.headers += signer.sign(signed, body: body, at: .now)

        var request = HTTPClientRequest(url: location.endpoint.url + path + (query.isEmpty ? "" : "?\(query)"))
        request.method = HTTPMethod(rawValue: method.rawValue)
        for header in signed.headers { request.headers.add(name: header.name, value: header.value) }
        if !body.isEmpty || method != .get { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }

    private func execute(
        _ request: HTTPClientRequest,
        timeout: TimeAmount,
        receive: (@Sendable (ByteBuffer) throws(ClientError) -> Void)? = nil
    ) async throws -> Answer {
        do {
            let response = try await http.execute(request, timeout: timeout)
            if let receive, response.status.code < 300 {
                for try await part in response.body { try receive(part) }
                return Answer(status: Int(response.status.code), headers: [:], body: [])
            }
            let body = try await response.body.collect(upTo: Self.answerBytesMax)
            let headers = Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
            let answer = Answer(
                status: Int(response.status.code),
                headers: headers,
                body: Array(body.readableBytesView)
            )
            guard answer.status < 300 else { throw Self.error(answer) }
            return answer
        } catch let error as ClientError {
            throw error
        } catch let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded {
            throw ClientError("The server at \(location.endpoint.url) does not answer.")
        } catch let error as IOError where error.errnoCode != ECONNREFUSED {
            throw ClientError("The connection to \(location.endpoint.url) was cut: \(error.localizedDescription)")
        } catch  where error is NIOConnectionError || error is IOError {
            throw ClientError(
                "Nothing answers at \(location.endpoint.url). Start the server with 'martlet serve', or name its "
                    + "address with --endpoint."
            )
        } catch  where error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            throw ClientError(
                "The certificate of \(location.endpoint.url) is not trusted for that name: name a PEM file of who vouches "
                    + "for it in AWS_CA_BUNDLE, and a host name that it has with --endpoint. (\(error))"
            )
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ClientError("The request to \(location.endpoint.url) failed: \(error)")
        }
    }

    /// AWS's error shape; the message's key is `Message` or `message`, depending on the exception.
    private static func error(_ answer: Answer) -> ClientError {
        let json: JSONValue
        do { json = try answer.json() } catch { json = .null }
        let header = answer.headers["x-amzn-errortype"]
        let name = header ?? json["__type"]?.string ?? "HTTP \(answer.status)"
        let message = json["message"]?.string ?? json["Message"]?.string ?? "the server gave no reason"
        let bare = name.split(separator: ":").first.map(String.init) ?? name
        let last = bare.split(separator: "#").last.map(String.init) ?? bare
        return ClientError(name: last, message: message, status: answer.status)
    }
}

extension Timestamp {
    static var now: Timestamp {
        Timestamp(millisecondsSinceEpoch: Int64(Date().timeIntervalSince1970 * 1_000))
    }
}

/// Paths of the API.
enum LambdaPath {
    static let functions = "/2015-03-31/functions"

    static func function(_ name: String) -> String { "\(functions)/\(PercentEncoding.encode(name))" }
    static func code(_ name: String) -> String { function(name) + "/code" }
    static func configuration(_ name: String) -> String { function(name) + "/configuration" }
    static func invocations(_ name: String) -> String { function(name) + "/invocations" }
    static func streamingInvocations(_ name: String) -> String {
        "/2021-11-15/functions/\(PercentEncoding.encode(name))/response-streaming-invocations"
    }
}
