// SPDX-License-Identifier: Apache-2.0
import AWSWire
import AsyncHTTPClient
import LambdaModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import AWSClient

/// These tests' own: others keep the common one's threads busy for seconds.
private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

/// Answers each request with the next of its texts, as they are, and closes; keeps what was asked.
private final class ScriptedServer: Sendable {
    /// At an answer's end: the connection stays open, and nothing more comes.
    static let kept = " and silence"

    let asked = Mutex<[HTTPRequestHead]>([])
    /// Of the requests, in their order.
    let bodies = Mutex<[[UInt8]]>([])
    private let answers: Mutex<[String]>
    private let channel: any Channel

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTPServerRequestPart
        let server: ScriptedServer

        init(_ server: ScriptedServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                server.asked.withLock { $0.append(head) }
                server.bodies.withLock { $0.append([]) }
            case .body(let part): server.bodies.withLock { $0[$0.count - 1] += part.readableBytesView }
            case .end:
                let text = server.answers.withLock { $0.isEmpty ? "" : $0.removeFirst() }
                let channel = context.channel
                // Past the HTTP encoder: a broken answer is what some tests want.
                context.pipeline.removeHandler(name: "encoder").whenComplete { _ in
                    let isKept = text.hasSuffix(ScriptedServer.kept)
                    let written = channel.writeAndFlush(
                        ByteBuffer(string: text.replacing(ScriptedServer.kept, with: ""))
                    )
                    written.whenComplete { _ in if !isKept { channel.close(promise: nil) } }
                }
            }
        }
    }

    init(_ answers: [String]) async throws {
        self.answers = Mutex(answers)
        let box = Mutex<ScriptedServer?>(nil)
        let bootstrap = ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let server = box.withLock({ $0 }) else { return }
                    try channel.pipeline.syncOperations.addHandler(HTTPResponseEncoder(), name: "encoder")
                    try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
                    try channel.pipeline.syncOperations.addHandler(Handler(server))
                }
            }
        channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        box.withLock { $0 = self }
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    func close() async throws { try await channel.close() }
}

@Suite struct S3ClientTests {
    private static let time = Timestamp(millisecondsSinceEpoch: 1_764_025_947_000)
    private let object = S3Object(bucket: "code", key: "a b.zip", version: "7")

    /// A request's, where it isn't what is tested: on a busy machine the client's own tasks come late, by a minute.
    private static let ample = Duration.seconds(600)

    /// What one object's reading gives, of a server that answers so; and how often it was asked.
    private func get(
        _ answers: [String],
        bytesMax: Int = 10,
        total: Duration = ample
    ) async throws -> (result: Result<[UInt8], any Error>, asked: [HTTPRequestHead]) {
        let object = object
        let outcome = try await asking(answers, total: total) { try await $0.get(object, bytesMax: bytesMax) }
        return (outcome.result, outcome.asked)
    }

    private func asking<T: Sendable>(
        _ answers: [String],
        total: Duration = ample,
        _ call: (S3Client) async throws -> T
    ) async throws -> (result: Result<T, any Error>, asked: [HTTPRequestHead], bodies: [[UInt8]]) {
        let server = try await ScriptedServer(answers)
        var configuration = S3Client.httpConfiguration
        // Only the request's own time ends anything here.
        configuration.timeout.connect = .seconds(600)
        configuration.timeout.read = .seconds(600)
        configuration.timeout.write = .seconds(600)
        let http = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
        var times = S3Client.Times()
        times.pause = .milliseconds(5)
        times.total = total
        let key = AccessKey(id: "AKID", secret: "secret", sessionToken: "token")
        let client = S3Client(
            http: http,
            endpoint: ServiceEndpoint(url: server.url, region: "eu-west-1", accessKey: key),
            times: times
        ) { Self.time }
        let result: Result<T, any Error>
        do { result = .success(try await call(client)) } catch { result = .failure(error) }
        try await http.shutdown()
        try await server.close()
        return (result, server.asked.withLock { $0 }, server.bodies.withLock { $0 })
    }

    private func failure(_ answers: [String], bytesMax: Int = 10) async throws -> ServiceFailure? {
        guard case .failure(let error) = try await get(answers, bytesMax: bytesMax).result else { return nil }
        return error as? ServiceFailure
    }

    private func answer(_ status: String, _ body: String) -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    }

    @Test func `a request is signed, with the body's hash, the version and the session's token`() async throws {
        let (result, asked) = try await get([answer("200 OK", "0123456789")])
        #expect(try result.get() == Array("0123456789".utf8))
        let head = try #require(asked.first)
        #expect(head.method == .GET)
        #expect(head.uri == "/code/a%20b.zip?versionId=7")
        #expect(head.headers["x-amz-content-sha256"] == [PayloadHash.empty])
        #expect(head.headers["x-amz-security-token"] == ["token"])
        #expect(head.headers["Host"].count == 1)
        let authorization = try #require(head.headers.first(name: "Authorization"))
        #expect(
            authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKID/20251124/eu-west-1/s3/aws4_request, "
                    + "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="
            )
        )
        #expect(!"\(head)".contains("secret"))
    }

    @Test func `a refusal is told as it is, once`() async throws {
        let body = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
        let (result, asked) = try await get([answer("404 Not Found", body), answer("200 OK", "x")])
        #expect(
            throws: ServiceFailure.refused(status: 404, code: "NoSuchKey", message: "The specified key does not exist.")
        ) {
            try result.get()
        }
        #expect(asked.count == 1)
        #expect(
            try await failure([answer("403 Forbidden", "no XML")])
                == .refused(status: 403, code: "403", message: "Forbidden")
        )
        #expect(
            try await failure([
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
            ])
                == .refused(status: 307, code: "307", message: "Temporary Redirect")
        )
    }

    @Test func `an object that is too large is not read to its end`() async throws {
        #expect(try await failure([answer("200 OK", "0123456789a")]) == .tooLarge(bytesMax: 10))
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n"
        #expect(try await failure([chunked]) == .tooLarge(bytesMax: 10))
        let endless = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"
        let refused = try await failure([endless, endless, endless])
        #expect(refused != nil)
    }

    @Test func `what may pass is tried three times, and a cut off answer is none`() async throws {
        let (result, asked) = try await get([
            answer("503 Slow Down", "<Code>SlowDown</Code>"), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n01",
            answer("200 OK", "01234"),
        ])
        #expect(try result.get() == Array("01234".utf8))
        #expect(asked.count == 3)
        let slow = answer("500 Error", "<Code>InternalError</Code><Message>m</Message>")
        let (last, all) = try await get([slow, slow, slow, answer("200 OK", "x")])
        #expect(throws: ServiceFailure.refused(status: 500, code: "InternalError", message: "m")) { try last.get() }
        #expect(all.count == 3)
        guard case .unreachable = try await failure(["nonsense\r\n\r\n", "", ""]) else {
            Issue.record("nonsense was understood")
            return
        }
    }

    @Test func `an object is put whole, each time it is tried`() async throws {
        let body = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let hash = PayloadHash.hexadecimal(of: body)
        let answers = [answer("503 Slow Down", ""), answer("200 OK", "")]
        let object = object
        let (result, asked, bodies) = try await asking(answers) { try await $0.put(object, body, payloadHash: hash) }
        try result.get()
        #expect(bodies == [body, body])
        for head in asked {
            #expect(head.method == .PUT && head.uri == "/code/a%20b.zip")
            #expect(head.headers["Content-Length"] == ["700000"] && head.headers["x-amz-content-sha256"] == [hash])
        }
        let denied = answer("403 Forbidden", "<Code>AccessDenied</Code><Message>m</Message>")
        let refused = try await asking([denied]) { try await $0.put(object, [1], payloadHash: hash) }
        #expect(throws: ServiceFailure.refused(status: 403, code: "AccessDenied", message: "m")) {
            try refused.result.get()
        }
    }

    @Test func `an object that is not there is deleted too`() async throws {
        let object = object
        let absent = answer("404 Not Found", "<Code>NoSuchKey</Code>")
        for text in ["HTTP/1.1 204 No Content\r\n\r\n", absent] {
            let (result, asked, _) = try await asking([text]) { try await $0.delete(object) }
            try result.get()
            #expect(asked.map(\.method) == [.DELETE])
        }
        let noBucket = answer("404 Not Found", "<Code>NoSuchBucket</Code><Message>m</Message>")
        let (result, _, _) = try await asking([noBucket]) { try await $0.delete(object) }
        #expect(throws: ServiceFailure.refused(status: 404, code: "NoSuchBucket", message: "m")) { try result.get() }
    }

    @Test func `keys are listed page by page`() async throws {
        let page = """
            <?xml version="1.0"?><ListBucketResult xmlns="x"><IsTruncated>true</IsTruncated><Contents><Key>p/a&amp;b</Key>
            </Contents><Contents><Key>p/c</Key></Contents><NextContinuationToken>t+/=</NextContinuationToken></ListBucketResult>
            """
        let (result, asked, _) = try await asking([answer("200 OK", page)]) {
            try await $0.list(bucket: "code", prefix: "p/", after: "u+")
        }
        let listing = try result.get()
        #expect(listing.keys == ["p/a&b", "p/c"] && listing.next == "t+/=")
        #expect(asked.first?.uri == "/code?list-type=2&max-keys=1000&prefix=p%2F&continuation-token=u%2B")
        let last = "<ListBucketResult/><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        let empty = try await asking([answer("200 OK", last)]) { try await $0.list(bucket: "code", prefix: "") }
        #expect(try empty.result.get().keys == [] && empty.result.get().next == nil)
        let endless = page.replacing("t+/=", with: "")
        for text in ["<html>", endless] {
            #expect(S3Listing(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func `tries end with their number, with the time, and with what will not pass`() {
        var times = S3Client.Times()
        times.pause = .seconds(1)
        let away = ServiceFailure.unreachable(cause: "c")
        var retry = ServiceRetry(times)
        #expect(retry.failed(away, left: .seconds(9)) == .wait(.seconds(1)))
        #expect(retry.failed(.refused(status: 500, code: "c", message: "m"), left: .seconds(9)) == .wait(.seconds(4)))
        #expect(retry.failed(away, left: .seconds(9)) == .giveUp)
        retry = ServiceRetry(times)
        #expect(retry.failed(away, left: .seconds(1)) == .giveUp)
        for failure in [ServiceFailure.refused(status: 403, code: "c", message: "m"), .tooLarge(bytesMax: 1)] {
            retry = ServiceRetry(times)
            #expect(retry.failed(failure, left: .seconds(9)) == .giveUp)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n01"])
    func `a server that says nothing is given up in time`(begun: String) async throws {
        let (result, _) = try await get([begun + ScriptedServer.kept], total: .milliseconds(300))
        guard case .failure(let error) = result, case .unreachable? = error as? ServiceFailure else {
            Issue.record("silence gave \(result)")
            return
        }
    }
}
