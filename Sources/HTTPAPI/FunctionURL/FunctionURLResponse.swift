// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPTypes

/// What a function's payload becomes as the answer of its URL.
///
/// Every byte of it is the function's: what can't be an answer of HTTP is no answer at all.
struct FunctionURLResponse: Equatable {
    /// Fields that a function may set, and the bytes of their names and values.
    static let headersMax = 256
    static let headerBytesMax = 65_536
    /// The content type of a stream that begins with a status and headers.
    static let preludeType = "application/vnd.awslambda.http-integration-response"
    /// Between those and the body.
    static let preludeEnd = [UInt8](repeating: 0, count: 8)
    /// What stands before that end, in bytes.
    static let preludeBytesMax = 131_072

    var status: Int
    var headers: HTTPFields
    var body: [UInt8]

    /// The answer of a function that did not stream; nil for what is none.
    ///
    /// An object with a `statusCode` says all of it; any other JSON is the body itself, a string without its quotes. A
    /// payload in the form of a stream counts as one.
    init?(payload: [UInt8]) {
        guard JSONSyntax.failure(in: payload) == nil else {
            guard let (prelude, length) = Self.prelude(in: payload),
                let head = FunctionURLResponse(prelude: Array(payload[..<prelude]))
            else { return nil }
            self = head
            body = Array(payload[length...])
            return
        }
        // What is beyond the limits of a parsed value is a body.
        let value = try? JSONValue(parsing: payload)
        guard let members = value?.object, members["statusCode"] != nil else {
            self.init(
                status: 200,
                headers: [.contentType: "application/json"],
                body: value?.string.map { Array($0.utf8) } ?? payload
            )
            return
        }
        self.init(members: members)
        guard let body = Self.body(members) else { return nil }
        self.body = body
    }

    /// The beginning of a stream: JSON with `statusCode`, `headers` and `cookies`.
    init?(prelude: [UInt8]) {
        guard let members = (try? JSONValue(parsing: prelude))?.object else { return nil }
        self.init(members: members)
    }

    private init(status: Int, headers: HTTPFields, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    private init?(members: [String: JSONValue]) {
        guard let status = Self.status(members["statusCode"]) else { return nil }
        self.status = status
        body = []
        headers = [:]
        var bytes = 0
        var count = 0
        func isWithin(_ name: String, _ value: String) -> Bool {
            count += 1
            bytes += name.utf8.count + value.utf8.count
            return count <= Self.headersMax && bytes <= Self.headerBytesMax
        }
        guard let given = Self.object(members["headers"]), let cookies = Self.texts(members["cookies"]) else {
            return nil
        }
        for (name, value) in given.sorted(by: { $0.key < $1.key }) {
            guard let field = HTTPField.Name(name), let text = Self.text(value), isWithin(name, text),
                HTTPField.isValidValue(text)
            else { return nil }
            if Self.isOfTheConnection(field) { continue }
            headers[field] = text
        }
        for cookie in cookies {
            guard isWithin("set-cookie", cookie), HTTPField.isValidValue(cookie) else { return nil }
            headers.append(HTTPField(name: .setCookie, value: cookie))
        }
        if !headers.contains(.contentType) { headers[.contentType] = "application/json" }
    }

    /// Where the prelude of a payload ends, and where its body begins.
    ///
    /// `searched` bytes are known not to have that end.
    static func prelude(in bytes: [UInt8], after searched: Int = 0) -> (end: Int, body: Int)? {
        var zeros = 0
        let start = max(0, searched - preludeEnd.count + 1)
        let end = min(bytes.count, preludeBytesMax + preludeEnd.count)
        guard start < end else { return nil }
        for index in start..<end {
            zeros = bytes[index] == 0 ? zeros + 1 : 0
            if zeros == preludeEnd.count { return (index + 1 - zeros, index + 1) }
        }
        return nil
    }

    /// Absent or null is 200; a number's digits in quotes count.
    private static func status(_ value: JSONValue?) -> Int? {
        guard let value, value != .null else { return 200 }
        guard let status = value.integer ?? value.string.flatMap({ Int($0) }), (200...599).contains(status) else {
            return nil
        }
        return status
    }

    private static func object(_ value: JSONValue?) -> [String: JSONValue]? {
        guard let value, value != .null else { return [:] }
        return value.object
    }

    private static func texts(_ value: JSONValue?) -> [String]? {
        guard let value, value != .null else { return [] }
        guard let array = value.array else { return nil }
        let texts = array.compactMap(\.string)
        return texts.count == array.count ? texts : nil
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .number, .bool: value.text
        case .null, .array, .object: nil
        }
    }

    private static func body(_ members: [String: JSONValue]) -> [UInt8]? {
        let isEncoded: Bool
        switch members["isBase64Encoded"] {
        case nil, .null: isEncoded = false
        case .bool(let value): isEncoded = value
        default: return nil
        }
        switch members["body"] {
        case nil, .null: return []
        case .string(let text): return isEncoded ? Base64.decode(text) : Array(text.utf8)
        case let value?: return isEncoded ? nil : value.bytes
        }
    }

    /// What is between this server and its client, and no function's to say (RFC 9110, 7.6.1).
    private static func isOfTheConnection(_ name: HTTPField.Name) -> Bool {
        switch name.canonicalName {
        case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
            "trailer", "transfer-encoding", "upgrade", "content-length", "date", "x-amzn-requestid":
            true
        default: false
        }
    }
}
