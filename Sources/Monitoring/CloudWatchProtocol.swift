// SPDX-License-Identifier: Apache-2.0
package import AWSWire
package import LambdaModel

/// What is answered, before it is known by which protocol.
package indirect enum CloudWatchValue: Equatable, Sendable {
    case text(String)
    case number(Double)
    case time(Timestamp)
    case list([CloudWatchValue])
    case structure([Member])
    /// As the Query protocol tells it from a structure: names that the caller chose.
    case map([Member])

    package struct Member: Equatable, Sendable {
        package var name: String
        package var value: CloudWatchValue

        package init(_ name: String, _ value: CloudWatchValue) {
            self.name = name
            self.value = value
        }
    }
}

/// The protocols that CloudWatch's clients have spoken over the years; all three are served.
package enum CloudWatchProtocol: Equatable, Sendable {
    /// `X-Amz-Target`, JSON 1.0: boto3 and the AWS CLI of today.
    case json
    /// Smithy's RPC v2 with CBOR: other SDKs of today.
    case cbor
    /// HTML forms and XML: all that are older.
    case query

    package static let target = "GraniteServiceVersion20100801."
    /// Before `/operation/NAME`.
    package static let path = "/service/GraniteServiceVersion20100801"
    private static let namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"

    package var contentType: String {
        switch self {
        case .json: "application/x-amz-json-1.0"
        case .cbor: "application/cbor"
        case .query: "text/xml"
        }
    }

    // MARK: - Requests

    /// The members of a request, and in the Query protocol its operation.
    package func input(_ body: [UInt8]) throws(CloudWatchError) -> [String: JSONValue] {
        let value: JSONValue
        switch self {
        case .json:
            do { value = body.isEmpty ? .object([:]) : try JSONValue(parsing: body) } catch {
                throw CloudWatchError(.serialization, "The request's body is no JSON: \(error)")
            }
        case .cbor:
            guard let decoded = body.isEmpty ? .object([:]) : CBOR.decode(body) else {
                throw CloudWatchError(.serialization, "The request's body is no CBOR.")
            }
            value = decoded
        case .query: value = try Self.form(body)
        }
        guard let members = value.object else {
            throw CloudWatchError(.serialization, "The request's body is no structure.")
        }
        return members
    }

    /// `A.member.1.B=x` as `{"A": [{"B": "x"}]}`.
    private static func form(_ body: [UInt8]) throws(CloudWatchError) -> JSONValue {
        let pairs = body.split(separator: UInt8(ascii: "&"))
        guard pairs.count <= JSONValue.valuesMax / 10 else {
            throw CloudWatchError(.serialization, "The request has too many parameters.")
        }
        var root = FormNode()
        for pair in pairs {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            func text(_ bytes: ArraySlice<UInt8>) -> String {
                let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
                return String(
                    decoding: PercentEncoding.decodeBytes(Substring(decoding: spaced, as: UTF8.self)),
                    as: UTF8.self
                )
            }
            let path = text(parts[0]).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard path.count <= 16 else { throw CloudWatchError(.serialization, "A parameter is nested too deeply.") }
            root.set(path[...], to: parts.count > 1 ? text(parts[1]) : "")
        }
        return root.value
    }

    private struct FormNode {
        var text: String?
        var members: [String: FormNode] = [:]

        mutating func set(_ path: ArraySlice<String>, to text: String) {
            guard let first = path.first else { return self.text = text }
            members[first, default: FormNode()].set(path.dropFirst(), to: text)
        }

        var value: JSONValue {
            if members.isEmpty { return .string(text ?? "") }
            if members.count == 1, let items = members["member"], !items.members.isEmpty {
                let numbered = items.members.compactMap { key, node in
                    Int(key).map { (number: $0, key: key, node: node) }
                }
                return .array(numbered.sorted { ($0.number, $0.key) < ($1.number, $1.key) }.map(\.node.value))
            }
            return .object(members.mapValues(\.value))
        }
    }

    // MARK: - Answers

    package func bytes(
        of answer: [CloudWatchValue.Member],
        _ operation: CloudWatchOperation,
        requestID: String
    ) -> [UInt8] {
        switch self {
        case .json: return Self.json(.structure(answer)).bytes
        case .cbor: return CBOR.encode(.structure(answer))
        case .query:
            let name = operation.rawValue
            let content = answer.map { Self.xml($0) }.joined()
            return Array(
                ("<\(name)Response xmlns=\"\(Self.namespace)\"><\(name)Result>\(content)</\(name)Result>"
                    + "<ResponseMetadata><RequestId>\(requestID)</RequestId></ResponseMetadata></\(name)Response>").utf8
            )
        }
    }

    package func bytes(of error: CloudWatchError, requestID: String) -> [UInt8] {
        let members: [CloudWatchValue.Member] = [
            .init("__type", .text("com.amazonaws.cloudwatch#\(error.type)")), .init("message", .text(error.message)),
        ]
        switch self {
        case .json: return Self.json(.structure(members)).bytes
        case .cbor: return CBOR.encode(.structure(members))
        case .query:
            return Array(
                ("<ErrorResponse xmlns=\"\(Self.namespace)\"><Error><Type>\(error.status < 500 ? "Sender" : "Receiver")</Type>"
                    + "<Code>\(error.code)</Code><Message>\(Self.escaped(error.message))</Message></Error>"
                    + "<RequestId>\(requestID)</RequestId></ErrorResponse>").utf8
            )
        }
    }

    private static func json(_ value: CloudWatchValue) -> JSONValue {
        switch value {
        case .text(let text): .string(text)
        case .number(let number): .number(Self.digits(number))
        case .time(let time): .number(time.epochSeconds)
        case .list(let values): .array(values.map(json))
        case .structure(let members), .map(let members):
            .object(Dictionary(members.map { ($0.name, json($0.value)) }) { $1 })
        }
    }

    private static func xml(_ member: CloudWatchValue.Member) -> String {
        "<\(member.name)>\(xml(member.value))</\(member.name)>"
    }

    private static func xml(_ value: CloudWatchValue) -> String {
        switch value {
        case .text(let text): escaped(text)
        case .number(let number): digits(number)
        case .time(let time): time.iso8601()
        case .list(let values): values.map { "<member>\(xml($0))</member>" }.joined()
        case .structure(let members): members.map { xml($0) }.joined()
        case .map(let members):
            members.map { "<entry><key>\(escaped($0.name))</key><value>\(xml($0.value))</value></entry>" }.joined()
        }
    }

    private static func digits(_ number: Double) -> String {
        // No value that was measured is either.
        number.isFinite ? String(number) : "0.0"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
