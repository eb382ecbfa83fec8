// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import LambdaModel
import NIOCore
import NIOHTTP1

/// One HTTP request while its body arrives, and what it amounts to.
struct RuntimeAPICall {
    /// Bytes that are read and thrown away after a body has become too large, so that the client sees its answer.
    static let discardedBytesMax = 64 * 1_024 * 1_024

    enum Step: Equatable {
        /// What the handler is asked.
        case ask(RuntimeAPIRequest)
        case answer(HTTPAnswer)
    }

    private(set) var route: RuntimeAPIRoute
    /// No further request follows on this connection.
    var closes: Bool
    /// The client waits for "100 Continue" before it sends the body.
    var awaitsContinue: Bool
    private(set) var body: [UInt8] = []
    private(set) var isTooLarge = false
    /// The body ended before its end.
    var isTruncated = false
    /// Where the body goes while it arrives; nil for a body that is gathered.
    let stream: PayloadStream?
    private var streamedBytes = 0
    private(set) var discardedBytes = 0
    private let contentType: String?
    private let errorType: String?
    private let xrayCause: String?
    private let caller: ExtensionHeaders

    init(_ head: HTTPRequestHead) {
        route = RuntimeAPIRoute(head)
        // After an upgrade or CONNECT the parser reads no further request; neither is ever agreed to.
        closes = !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "Upgrade")
        if case .immediate(let answer) = route, answer.closes { closes = true }
        if route.isStreamed { closes = true }
        awaitsContinue =
            head.version != .http1_0 && head.headers.first(name: "Expect")?.lowercased() == "100-continue"
        contentType = head.headers.first(name: "Content-Type")
        stream = route.isStreamed ? PayloadStream(contentType: contentType) : nil
        errorType = head.headers.first(name: "Lambda-Runtime-Function-Error-Type")
        xrayCause = head.headers.first(name: "Lambda-Runtime-Function-XRay-Error-Cause")
        caller = ExtensionHeaders(head.headers)
    }

    /// Stands for bytes that were no request.
    init(malformed answer: HTTPAnswer) {
        route = .immediate(answer)
        closes = true
        awaitsContinue = false
        stream = nil
        contentType = nil
        errorType = nil
        xrayCause = nil
        caller = ExtensionHeaders([:])
    }

    private var keepsBody: Bool {
        switch route {
        case .response, .error, .initError, .restoreError, .registerExtension, .subscribe: !isTooLarge
        case .next, .restoreNext, .extensionNext, .extensionError, .immediate: false
        }
    }

    /// What the handler is asked before the body has come.
    var streamedResponse: RuntimeAPIRequest? {
        guard case .response(let id, _) = route, let stream else { return nil }
        return .streamedResponse(id: id, body: stream)
    }

    /// Takes a part of the body; false when so much was thrown away that the connection has to go.
    mutating func receive(_ bytes: ByteBuffer) -> Bool {
        awaitsContinue = false
        if let stream { return receive(bytes, into: stream) }
        guard keepsBody else {
            discardedBytes += bytes.readableBytes
            return discardedBytes <= Self.discardedBytesMax
        }
        if body.count + bytes.readableBytes > LimitsProfile.responsePayloadBytesMax {
            isTooLarge = true
            discardedBytes = body.count + bytes.readableBytes
            body = []
            return true
        }
        body.append(contentsOf: bytes.readableBytesView)
        return true
    }

    private mutating func receive(_ bytes: ByteBuffer, into stream: PayloadStream) -> Bool {
        streamedBytes += bytes.readableBytes
        if streamedBytes <= LimitsProfile.streamedPayloadBytesMax {
            stream.write(bytes.readableBytesView)
            return true
        }
        stream.close(.tooLarge)
        return streamedBytes <= LimitsProfile.streamedPayloadBytesMax + Self.discardedBytesMax
    }

    /// Tells the stream how its body came to its end.
    func endStream(trailers: HTTPHeaders?) {
        stream?.close(isTruncated ? .truncated : Self.failure(trailers) ?? .complete)
    }

    /// What is to be done now that the request has come to its end.
    consuming func step() -> Step {
        if isTruncated {
            if case .response(let id, _) = route { return .ask(.truncatedResponse(id: id)) }
            return .answer(
                .refused(
                    400,
                    errorType: "TruncatedHTTPRequest",
                    errorMessage: "HTTP request detected as truncated",
                    closes: true
                )
            )
        }
        switch route {
        case .immediate(let answer): return .answer(answer)
        case .next: return .ask(.next)
        case .restoreNext: return .ask(.restoreNext)
        case .response(let id, _) where isTooLarge: return .ask(.responseTooLarge(id: id))
        case .error(let id) where isTooLarge: return .ask(.responseTooLarge(id: id))
        case .initError where isTooLarge, .restoreError where isTooLarge, .registerExtension where isTooLarge,
            .subscribe where isTooLarge:
            return .answer(Self.tooLarge)
        case .response(let id, _): return .ask(.response(id: id, body: body, contentType: contentType))
        case .error(let id):
            let type = FunctionErrorType.understood(errorType)
            return .ask(.error(id: id, type: type, body: body, xrayCause: xrayCause))
        case .initError: return .ask(.initError(type: FunctionErrorType.understood(errorType), body: body))
        case .restoreError: return .ask(.restoreError(type: FunctionErrorType.understood(errorType), body: body))
        case .registerExtension:
            return .ask(.registerExtension(name: caller.name ?? "", caller.registration(body)))
        case .subscribe(let isLogs):
            return .ask(.subscribe(identifier: caller.identifier, isLogs: isLogs, body: body))
        case .extensionNext: return .ask(.extensionNext(identifier: caller.identifier))
        case .extensionError(let isInit):
            return .ask(.extensionError(identifier: caller.identifier, isInit: isInit, type: caller.errorType))
        }
    }

    private static let tooLarge = HTTPAnswer.refused(
        413,
        errorType: "RequestEntityTooLarge",
        errorMessage: "Exceeded maximum allowed payload size (\(LimitsProfile.responsePayloadBytesMax) bytes)."
    )

    /// A stream that failed half way says so in its trailers: the type, and the error's JSON in base64.
    ///
    /// A body that is not base64 is passed on as it is.
    private static func failure(_ trailers: HTTPHeaders?) -> PayloadStream.End? {
        let name = "Lambda-Runtime-Function-Error-"
        guard let trailers, let type = trailers.first(name: name + "Type") else { return nil }
        let text = trailers.first(name: name + "Body") ?? ""
        let body = Data(base64Encoded: text).map(Array.init) ?? Array(text.utf8)
        return .failed(type: FunctionErrorType.understood(type), body: body)
    }
}
