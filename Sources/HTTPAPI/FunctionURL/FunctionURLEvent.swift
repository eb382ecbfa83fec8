// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel

/// A request to a function URL as the function gets it: API Gateway's payload format 2.0 (AWS Lambda Developer Guide,
/// "Function URL request and response payloads").
///
/// Members that would be null are left out, as AWS does.
struct FunctionURLEvent {
    /// Who signed.
    struct Signer: Equatable {
        var identity: AccessIdentity
        var accessKeyID: String
    }

    var requestID: String
    var urlID: String
    /// `ID.lambda-url.REGION.localhost`.
    var domainName: String
    var method: String
    /// Percent-encoded.
    var path: String
    /// What follows the `?`, as it came.
    var query: String
    /// In the order of the wire, `Host` among them.
    var headers: [SigV4Request.Header]
    var body: [UInt8]
    var sourceIP: String
    var isEncrypted: Bool
    /// nil where nobody had to sign.
    var signer: Signer?
    /// `Root=…`: the trace that the invocation belongs to.
    var trace: String
    var time: Timestamp

    var bytes: [UInt8] {
        var members: [String: JSONValue] = [
            "version": .string("2.0"), "routeKey": .string("$default"), "rawPath": .string(path),
            "rawQueryString": .string(query), "headers": .object(joinedHeaders.mapValues(JSONValue.string)),
            "requestContext": context, "isBase64Encoded": .bool(false),
        ]
        if !cookies.isEmpty { members["cookies"] = .array(cookies.map(JSONValue.string)) }
        if !query.isEmpty { members["queryStringParameters"] = .object(parameters.mapValues(JSONValue.string)) }
        if !body.isEmpty {
            let text = isText ? String(validating: body, as: UTF8.self) : nil
            members["body"] = .string(text ?? Base64.encode(body))
            members["isBase64Encoded"] = .bool(text == nil)
        }
        return JSONValue.object(members).bytes
    }

    private func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// By names in lower case; several of one name are joined by commas.
    private var joinedHeaders: [String: String] {
        var joined: [String: String] = [:]
        for header in headers {
            let name = header.name.lowercased()
            // Cookies have a member of their own; who has a signature in hand could send it again.
            if name == "cookie" || name == "authorization" && signer != nil { continue }
            joined[name] = joined[name].map { "\($0),\(header.value)" } ?? header.value
        }
        joined["x-forwarded-for"] = joined["x-forwarded-for"].map { "\($0), \(sourceIP)" } ?? sourceIP
        joined["x-forwarded-proto"] = isEncrypted ? "https" : "http"
        joined["x-forwarded-port"] = port
        joined["x-amzn-trace-id"] = trace
        return joined
    }

    private var port: String {
        let digits = header("host")?.split(separator: ":").last.map(String.init) ?? ""
        let isPort = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isPort ? digits : isEncrypted ? "443" : "80"
    }

    private var cookies: [String] {
        headers.filter { $0.name.lowercased() == "cookie" }.flatMap { header in
            header.value.split(separator: ";").map { cookie in
                String(cookie.drop { $0 == " " })
            }
        }.filter { !$0.isEmpty }
    }

    /// Several values of one name are joined by commas.
    private var parameters: [String: String] {
        var joined: [String: String] = [:]
        for parameter in QueryParameters(query.replacing("+", with: "%20")).parameters {
            joined[parameter.name] = joined[parameter.name].map { "\($0),\(parameter.value)" } ?? parameter.value
        }
        return joined
    }

    /// Whether the body is passed on as text, if it is UTF-8.
    private var isText: Bool {
        guard header("content-encoding") == nil, let given = header("content-type") else { return false }
        let type = given.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type.hasPrefix("text/")
            || ["application/json", "application/javascript", "application/xml"].contains(type)
            || type.hasSuffix("+json") || type.hasSuffix("+xml")
    }

    private var context: JSONValue {
        var members: [String: JSONValue] = [
            "accountId": .string(signer?.identity.accountID ?? "anonymous"), "apiId": .string(urlID),
            "domainName": .string(domainName), "domainPrefix": .string(urlID),
            "http": .object([
                "method": .string(method), "path": .string(path), "protocol": .string("HTTP/1.1"),
                "sourceIp": .string(sourceIP), "userAgent": .string(header("user-agent") ?? ""),
            ]),
            "requestId": .string(requestID), "routeKey": .string("$default"), "stage": .string("$default"),
            "time": .string(timeText), "timeEpoch": .integer(time.millisecondsSinceEpoch),
        ]
        if let signer {
            let identity = signer.identity
            let id = JSONValue.string(identity.accountID)
            members["authorizer"] = .object([
                "iam": .object([
                    "accessKey": .string(signer.accessKeyID), "accountId": id, "callerId": id,
                    "cognitoIdentity": .null, "principalOrgId": .null, "userArn": .string(identity.arn),
                    "userId": id,
                ])
            ])
        }
        return .object(members)
    }

    /// `25/Nov/2025:21:33:21 +0000`.
    private var timeText: String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let date = time.civilDate
        let clock = time.iso8601().dropFirst(11).prefix(8)
        let day = date.day < 10 ? "0\(date.day)" : "\(date.day)"
        return "\(day)/\(months[date.month - 1])/\(date.year):\(clock) +0000"
    }
}
