// SPDX-License-Identifier: Apache-2.0
import AWSWire
import ControlPlane
import HTTPTypes
import InvocationCore
import LambdaModel
import Testing

@testable import HTTPAPI

struct FunctionURLAddressTests {
    @Test(arguments: [
        ("abc.lambda-url.us-east-1.localhost:4566", "/a", "abc", "/a"),
        ("ABC.LAMBDA-URL.us-east-1.localhost", "/", "abc", "/"),
        ("abc.lambda-url.us-east-1.example.com", "/_martlet/url/other/x", "abc", "/_martlet/url/other/x"),
        ("abc.lambda-url.us-east-1.localhost", "*", "abc", "/"),
        ("localhost:4566", "/_martlet/url/abc", "abc", "/"),
        ("localhost:4566", "/_martlet/url/abc/", "abc", "/"),
        ("localhost:4566", "/_martlet/url/abc/a%2Fb/", "abc", "/a%2Fb/"),
    ])
    func `a URL by its host's name or by its path`(host: String, path: String, id: String, inner: String) throws {
        let address = try #require(FunctionURLAddress(authority: host, path: path))
        #expect(address.id == id && address.path == inner)
    }

    @Test(arguments: [
        ("localhost", "/"), ("abc.lambda-url", "/"), ("abc.lambda-url.us-east-1", "/"),
        ("abc.lambda-url..localhost", "/"),
        (".lambda-url.us-east-1.localhost", "/"), ("a_b.lambda-url.us-east-1.localhost", "/"),
        ("localhost", "/_martlet/url/"), ("localhost", "/_martlet/url//x"), ("localhost", "/_martlet/url/ABC/"),
        ("localhost", "/_martlet/usage"),
        ("localhost", "/_martlet/url/\(String(repeating: "a", count: 64))"),
    ])
    func `what is no URL's`(host: String, path: String) {
        #expect(FunctionURLAddress(authority: host, path: path) == nil)
    }
}

struct FunctionURLEventTests {
    private func event(
        query: String = "",
        headers: [(String, String)] = [],
        body: String = "",
        signer: FunctionURLEvent.Signer? = nil
    ) throws -> JSONValue {
        try event(query: query, headers: headers, bytes: Array(body.utf8), signer: signer)
    }

    private func event(
        query: String = "",
        headers: [(String, String)] = [],
        bytes: [UInt8],
        signer: FunctionURLEvent.Signer? = nil
    ) throws -> JSONValue {
        let event = FunctionURLEvent(
            requestID: "r",
            urlID: "abc",
            domainName: "abc.lambda-url.us-east-1.localhost",
            method: "POST",
            path: "/a%20b",
            query: query,
            headers: [.init("host", "abc.lambda-url.us-east-1.localhost:4566")] + headers.map { .init($0.0, $0.1) },
            body: bytes,
            sourceIP: "192.0.2.1",
            isEncrypted: false,
            signer: signer,
            trace: "Root=1-2-3",
            time: Timestamp(millisecondsSinceEpoch: 1_428_582_896_005)
        )
        return try JSONValue(parsing: event.bytes)
    }

    @Test func `the whole of a plain request`() throws {
        #expect(
            try event(headers: [("User-Agent", "curl/8")])
                == .object([
                    "version": .string("2.0"), "routeKey": .string("$default"), "rawPath": .string("/a%20b"),
                    "rawQueryString": .string(""), "isBase64Encoded": .bool(false),
                    "headers": .object([
                        "host": .string("abc.lambda-url.us-east-1.localhost:4566"), "user-agent": .string("curl/8"),
                        "x-forwarded-for": .string("192.0.2.1"), "x-forwarded-proto": .string("http"),
                        "x-forwarded-port": .string("4566"), "x-amzn-trace-id": .string("Root=1-2-3"),
                    ]),
                    "requestContext": .object([
                        "accountId": .string("anonymous"), "apiId": .string("abc"), "domainPrefix": .string("abc"),
                        "domainName": .string("abc.lambda-url.us-east-1.localhost"), "requestId": .string("r"),
                        "http": .object([
                            "method": .string("POST"), "path": .string("/a%20b"), "protocol": .string("HTTP/1.1"),
                            "sourceIp": .string("192.0.2.1"), "userAgent": .string("curl/8"),
                        ]),
                        "routeKey": .string("$default"), "stage": .string("$default"),
                        "time": .string("09/Apr/2015:12:34:56 +0000"), "timeEpoch": .number("1428582896005"),
                    ]),
                ])
        )
    }

    @Test func `headers in lower case, several joined; cookies apart`() throws {
        let event = try event(headers: [
            ("Accept", "a"), ("ACCEPT", "b"), ("Cookie", "x=1; y=2"), ("cookie", "z=3"),
            ("X-Forwarded-For", "10.0.0.1"),
        ])
        #expect(event["headers"]?["accept"] == .string("a,b") && event["headers"]?["cookie"] == nil)
        #expect(event["headers"]?["x-forwarded-for"] == .string("10.0.0.1, 192.0.2.1"))
        #expect(event["cookies"] == .array([.string("x=1"), .string("y=2"), .string("z=3")]))
    }

    @Test func `parameters are decoded, several joined; the query stays`() throws {
        let query = "a=1&a=2&b=x+y%2Bz&c"
        let event = try event(query: query)
        #expect(event["rawQueryString"] == .string(query))
        #expect(
            event["queryStringParameters"]
                == .object(["a": .string("1,2"), "b": .string("x y+z"), "c": .string("")])
        )
    }

    @Test(arguments: [
        ("text/plain; charset=utf-8", true), ("application/json", true), ("Application/JSON;charset=utf-8", true),
        ("application/vnd.api+json", true), ("image/svg+xml", true), ("application/javascript", true),
        ("application/x-www-form-urlencoded", false), ("application/octet-stream", false), ("image/png", false),
        ("multipart/form-data; boundary=x", false),
    ])
    func `a body is text or base64 by its type`(type: String, isText: Bool) throws {
        let event = try event(headers: [("Content-Type", type)], body: "hé")
        #expect(event["body"] == .string(isText ? "hé" : "aMOp"))
        #expect(event["isBase64Encoded"] == .bool(!isText))
    }

    @Test func `what is no text is base64, whatever it says it is`() throws {
        let json = ("Content-Type", "application/json")
        #expect(try event(headers: [json], bytes: [0xFF])["body"] == .string("/w=="))
        #expect(try event(headers: [json, ("Content-Encoding", "gzip")], body: "{}")["isBase64Encoded"] == .bool(true))
        #expect(try event(body: "{}")["isBase64Encoded"] == .bool(true))
    }

    @Test func `who signed is told, the signature is not`() throws {
        let signer = FunctionURLEvent.Signer(identity: .root(of: "000000000000"), accessKeyID: "AKIA")
        let signed = try event(headers: [("Authorization", "AWS4-HMAC-SHA256 …")], signer: signer)
        #expect(signed["headers"]?["authorization"] == nil)
        #expect(signed["requestContext"]?["accountId"] == .string("000000000000"))
        #expect(
            signed["requestContext"]?["authorizer"]?["iam"]
                == .object([
                    "accessKey": .string("AKIA"), "accountId": .string("000000000000"),
                    "callerId": .string("000000000000"), "cognitoIdentity": .null, "principalOrgId": .null,
                    "userArn": .string("arn:aws:iam::000000000000:root"), "userId": .string("000000000000"),
                ])
        )
        let bearer = try event(headers: [("Authorization", "Bearer x")])
        #expect(bearer["headers"]?["authorization"] == .string("Bearer x"))
    }
}

struct FunctionURLResponseTests {
    private func response(_ payload: String) -> FunctionURLResponse? {
        FunctionURLResponse(payload: Array(payload.utf8))
    }

    @Test(arguments: [
        (#""plain \"text\"""#, #"plain "text""#), ("42", "42"), ("null", "null"), ("[1, 2]", "[1, 2]"),
        ("true", "true"),
        (#"{"a": 1}"#, #"{"a": 1}"#), (#"{"body": "x"}"#, #"{"body": "x"}"#), (#""""#, ""),
    ])
    func `JSON without a status is the body`(payload: String, body: String) {
        let answer = response(payload)
        #expect(answer?.status == 200 && answer?.body == Array(body.utf8))
        #expect(answer?.headers == [.contentType: "application/json"])
    }

    @Test func `an object with a status says all of it`() throws {
        let answer = try #require(
            response(
                #"{"statusCode":201,"headers":{"Content-Type":"text/html","X-N":7,"x-b":true},"#
                    + #""cookies":["a=1; Secure","b=2"],"body":"<p>"}"#
            )
        )
        #expect(answer.status == 201 && answer.body == Array("<p>".utf8))
        #expect(answer.headers[.contentType] == "text/html")
        #expect(answer.headers[values: .setCookie] == ["a=1; Secure", "b=2"])
        #expect(answer.headers[try #require(HTTPField.Name("x-n"))] == "7")
        #expect(answer.headers[try #require(HTTPField.Name("x-b"))] == "true")
    }

    @Test(arguments: [
        (#"{"statusCode":204}"#, 204, ""), (#"{"statusCode":"418","body":null}"#, 418, ""),
        (#"{"statusCode":null,"body":"x"}"#, 200, "x"), (#"{"statusCode":200,"body":{"a":[1]}}"#, 200, #"{"a":[1]}"#),
        (#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#, 200, "hi"),
        (#"{"statusCode":200,"headers":null,"cookies":null,"isBase64Encoded":null,"body":5}"#, 200, "5"),
    ])
    func `statuses and bodies`(payload: String, status: Int, body: String) {
        let answer = response(payload)
        #expect(answer?.status == status && answer?.body == Array(body.utf8))
        #expect(answer?.headers == [.contentType: "application/json"])
    }

    @Test(arguments: [
        "", "no JSON", #"{"statusCode":"x"}"#, #"{"statusCode":99}"#, #"{"statusCode":101}"#, #"{"statusCode":600}"#,
        #"{"statusCode":200.5}"#, #"{"statusCode":200,"headers":[]}"#, #"{"statusCode":200,"headers":{"a":{}}}"#,
        #"{"statusCode":200,"headers":{"a":"x\r\nSet-Cookie: y=1"}}"#, #"{"statusCode":200,"headers":{"a":"x\u0000"}}"#,
        #"{"statusCode":200,"headers":{"a b":"x"}}"#, #"{"statusCode":200,"headers":{"a\r\nb":"x"}}"#,
        #"{"statusCode":200,"headers":{"":"x"}}"#, #"{"statusCode":200,"cookies":"a"}"#,
        #"{"statusCode":200,"cookies":[1]}"#, #"{"statusCode":200,"cookies":["a\nb"]}"#,
        #"{"statusCode":200,"body":"!","isBase64Encoded":true}"#, #"{"statusCode":200,"isBase64Encoded":"yes"}"#,
        #"{"statusCode":200,"body":{},"isBase64Encoded":true}"#,
    ])
    func `what is no answer`(payload: String) {
        #expect(response(payload) == nil)
    }

    @Test func `what belongs to the connection is left out`() {
        let answer = response(
            #"{"statusCode":200,"headers":{"Connection":"close","Transfer-Encoding":"chunked","Content-Length":"9","#
                + #""Upgrade":"h2c","Keep-Alive":"x","TE":"x","Trailer":"x","Date":"x","x-amzn-RequestId":"x"},"body":"b"}"#
        )
        #expect(answer?.headers == [.contentType: "application/json"])
    }

    @Test func `headers are bounded`() {
        let many = (0..<257).map { #""h\#($0)":"x""# }.joined(separator: ",")
        #expect(response(#"{"statusCode":200,"headers":{\#(many)}}"#) == nil)
        let long = String(repeating: "x", count: 65_536)
        #expect(response(#"{"statusCode":200,"headers":{"a":"\#(long)"}}"#) == nil)
        #expect(response(#"{"statusCode":200,"cookies":["\#(long)"]}"#) == nil)
        #expect(response(#"{"statusCode":200,"body":"\#(long)"}"#)?.body.count == 65_536)
    }

    @Test func `a value beyond what is looked into is a body`() {
        let payload = "[" + Array(repeating: "1", count: JSONValue.valuesMax + 1).joined(separator: ",") + "]"
        #expect(response(payload)?.body == Array(payload.utf8))
    }

    @Test func `a stream's form counts without a stream`() {
        let zeros = [UInt8](repeating: 0, count: 8)
        let payload = Array(#"{"statusCode":202,"headers":{"content-type":"text/plain"}}"#.utf8) + zeros + [0, 1]
        let answer = FunctionURLResponse(payload: payload)
        #expect(answer?.status == 202 && answer?.body == [0, 1])
        #expect(FunctionURLResponse(payload: zeros) == nil)
        #expect(FunctionURLResponse(prelude: Array("{}".utf8))?.status == 200)
    }

    @Test func `a prelude is found wherever its bytes are cut`() throws {
        let bytes = Array("{}".utf8) + [0, 0, 0] + Array("x".utf8) + [UInt8](repeating: 0, count: 8) + [1]
        var found: [Int] = []
        for cut in 0...bytes.count {
            let first = FunctionURLResponse.prelude(in: Array(bytes[..<cut]))
            let whole = first ?? FunctionURLResponse.prelude(in: bytes, after: cut)
            let end = try #require(whole)
            found.append(end.end)
            #expect(end.body == end.end + 8)
        }
        #expect(Set(found) == [6])
        let far =
            [UInt8](repeating: 32, count: FunctionURLResponse.preludeBytesMax + 1) + [UInt8](repeating: 0, count: 8)
        #expect(FunctionURLResponse.prelude(in: far) == nil)
    }
}

struct FunctionURLCORSTests {
    private func cors(_ change: (inout FunctionURL.CORS) -> Void) -> FunctionURL.CORS {
        var cors = FunctionURL.CORS()
        change(&cors)
        return cors
    }

    @Test func `who may read the answer`() {
        let some = cors { $0.allowOrigins = ["https://a.example"] }
        #expect(
            some.fields(origin: "https://a.example")
                == [.accessControlAllowOrigin: "https://a.example", .vary: "Origin"]
        )
        #expect(some.fields(origin: "https://b.example").isEmpty && some.fields(origin: nil).isEmpty)
        #expect(cors { $0.allowOrigins = ["*"] }.fields(origin: "x") == [.accessControlAllowOrigin: "*"])
        let withCredentials = cors {
            $0.allowOrigins = ["*"]
            $0.allowCredentials = true
            $0.exposeHeaders = ["x-a", "x-b"]
        }
        #expect(
            withCredentials.fields(origin: "https://c") == [
                .accessControlAllowOrigin: "https://c", .vary: "Origin", .accessControlAllowCredentials: "true",
                .accessControlExposeHeaders: "x-a,x-b",
            ]
        )
        #expect(cors { _ in }.fields(origin: "x").isEmpty)
    }

    @Test func `what a browser is told beforehand`() {
        let rules = cors {
            $0.allowOrigins = ["*"]
            $0.allowMethods = ["GET", "PUT"]
            $0.allowHeaders = ["x-a"]
            $0.exposeHeaders = ["x-b"]
            $0.maxAge = 60
        }
        #expect(
            rules.preflightFields(origin: "https://a") == [
                .accessControlAllowOrigin: "*", .accessControlAllowMethods: "GET,PUT",
                .accessControlAllowHeaders: "x-a", .accessControlMaxAge: "60",
            ]
        )
        #expect(cors { $0.allowOrigins = ["y"] }.preflightFields(origin: "x").isEmpty)
    }

    @Test func `the function's own words are replaced`() {
        var headers: HTTPFields = [
            .accessControlAllowOrigin: "evil", .accessControlAllowMethods: "x", .vary: "Accept", .contentType: "a/b",
        ]
        cors { $0.allowOrigins = ["https://a"] }.replace(in: &headers, origin: "https://a")
        #expect(
            headers
                == [.vary: "Accept, Origin", .contentType: "a/b", .accessControlAllowOrigin: "https://a"]
        )
        cors { $0.allowOrigins = ["https://a"] }.replace(in: &headers, origin: nil)
        #expect(headers[.accessControlAllowOrigin] == nil)
    }
}
