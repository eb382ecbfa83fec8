// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1

/// A complete HTTP/1.1 answer, written in one piece.
struct HTTPAnswer: Equatable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// No further request is read from this connection.
    var closes = false

    static func == (left: HTTPAnswer, right: HTTPAnswer) -> Bool {
        left.status == right.status && left.body == right.body && left.closes == right.closes
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }

    static func empty(_ status: Int, closes: Bool = false) -> HTTPAnswer {
        HTTPAnswer(status: status, closes: closes)
    }

    static let notFound = HTTPAnswer(
        status: 404,
        headers: [("Content-Type", "text/plain; charset=utf-8")],
        body: Array("404 page not found\n".utf8)
    )
    static let pong = HTTPAnswer(status: 200, headers: [("Content-Type", "text/plain")], body: Array("pong".utf8))
    static let accepted = HTTPAnswer(
        status: 202,
        headers: [("Content-Type", "application/json")],
        body: Array("{\"status\":\"OK\"}\n".utf8)
    )
    static let malformed = HTTPAnswer.refused(
        400,
        errorType: "InvalidRequestFormat",
        errorMessage: "Malformed HTTP request",
        closes: true
    )
    static let `continue` = ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")

    static func refused(
        _ status: Int,
        errorType: String,
        errorMessage: String,
        closes: Bool = false
    ) -> HTTPAnswer {
        let json = "{\"errorMessage\":\(quoted(errorMessage)),\"errorType\":\(quoted(errorType))}\n"
        return HTTPAnswer(
            status: status,
            headers: [("Content-Type", "application/json")],
            body: Array(json.utf8),
            closes: closes
        )
    }

    init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], closes: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.closes = closes
    }

    init(_ answer: RuntimeAPIAnswer) {
        switch answer {
        case .invocation(let invocation): self = .event(invocation)
        case .restored: self = HTTPAnswer(status: 200, headers: [("Content-Type", "application/json")])
        case .accepted: self = .accepted
        case .registered(let identifier, let body):
            self = .json(body, header: ("Lambda-Extension-Identifier", identifier))
        case .subscribed(let json):
            self = HTTPAnswer(status: 200, headers: [("Content-Type", "application/json")], body: Array(json.utf8))
        case .extensionEvent(let identifier, let body):
            self = .json(body, header: ("Lambda-Extension-Event-Identifier", identifier))
        case .refused(let status, let type, let message):
            self = .refused(status, errorType: type, errorMessage: message)
        }
    }

    private static func json(_ body: [UInt8], header: (name: String, value: String)) -> HTTPAnswer {
        HTTPAnswer(status: 200, headers: [("Content-Type", "application/json"), header], body: body)
    }

    private static func event(_ invocation: RuntimeInvocation) -> HTTPAnswer {
        var headers: [(name: String, value: String)] = [("Content-Type", "application/json")]
        func add(_ name: String, _ value: String?) {
            if let value, HTTPFieldValue.isSafe(value) { headers.append(("Lambda-Runtime-" + name, value)) }
        }
        add("Aws-Request-Id", invocation.requestID)
        add("Deadline-Ms", String(invocation.deadlineMilliseconds))
        add("Invoked-Function-Arn", invocation.invokedFunctionARN)
        add("Trace-Id", invocation.traceID)
        add("Client-Context", invocation.clientContextJSON.map(HTTPFieldValue.unfolded))
        add("Cognito-Identity", invocation.cognitoIdentityJSON.map(HTTPFieldValue.unfolded))
        return HTTPAnswer(status: 200, headers: headers, body: invocation.payload)
    }

    /// The bytes on the wire.
    func serialized(closing: Bool, allocator: ByteBufferAllocator) -> ByteBuffer {
        var buffer = allocator.buffer(capacity: 512 + body.count)
        buffer.writeString("HTTP/1.1 \(status) \(HTTPResponseStatus(statusCode: status).reasonPhrase)\r\n")
        for (name, value) in headers {
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        if closing { buffer.writeStaticString("Connection: close\r\n") }
        buffer.writeString("Content-Length: \(body.count)\r\n\r\n")
        buffer.writeBytes(body)
        return buffer
    }

    /// A JSON string, quotes included.
    private static func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\u{0}"..<"\u{20}":
                let hex = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}

/// What may stand in a header: these values come from whoever invokes the function.
enum HTTPFieldValue {
    /// Longest value that is passed on, in bytes.
    static let bytesMax = 64 * 1_024

    /// False if it is empty, too long, or has a control character, with which it could end the header and begin
    /// another.
    static func isSafe(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.count <= bytesMax
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == UInt8(ascii: "\t") }
    }

    /// JSON text on one line: outside strings a line end is a blank, and inside none can stand unescaped (RFC 8259, 7).
    static func unfolded(_ json: String) -> String {
        String(decoding: json.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self)
    }
}
