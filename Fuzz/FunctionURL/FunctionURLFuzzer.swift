// SPDX-License-Identifier: Apache-2.0
import AWSWire
import HTTPTypes
import InvocationCore
import LambdaModel

@testable import HTTPAPI

/// What a function answers to a URL, and what a client asks of one; the first byte says which.
func fuzz(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    switch input.byte() & 1 {
    case 0: answer(input.remainder())
    default: request(&input)
    }
}

private func answer(_ payload: [UInt8]) {
    let whole = FunctionURLResponse(payload: payload)
    if let whole { check(whole) }
    if let whole, JSONSyntax.failure(in: payload) == nil, whole.headers[.contentType] == nil {
        expect(false, "an answer of JSON has a content type")
    }
    if let head = FunctionURLResponse(prelude: payload) { check(head) }
    // A prelude's end is the same one wherever the bytes are cut.
    let end = FunctionURLResponse.prelude(in: payload)
    for cut in Set([payload.count / 3, payload.count / 2, max(0, payload.count - 3)]) {
        let first = FunctionURLResponse.prelude(in: Array(payload[..<cut]))
        let found = first ?? FunctionURLResponse.prelude(in: payload, after: cut)
        expect(found?.end == end?.end && found?.body == end?.body, "it matters how a stream is cut, at \(cut)")
    }
    if let end {
        expect(end.body == end.end + 8 && end.body <= payload.count, "a prelude ends within the payload")
        expect(payload[end.end..<end.body].allSatisfy { $0 == 0 }, "a prelude ends with eight NULs")
    }
}

private func check(_ response: FunctionURLResponse) {
    expect((200...599).contains(response.status), "a status is one of HTTP's: \(response.status)")
    expect(response.headers.count <= FunctionURLResponse.headersMax + 1, "headers are counted")
    var bytes = 0
    for field in response.headers {
        bytes += field.name.rawName.utf8.count + field.value.utf8.count
        expect(HTTPField.Name(field.name.rawName) != nil, "a header has a name: \(field.name)")
        expect(field.value.utf8.allSatisfy { $0 != 0 && $0 != 10 && $0 != 13 }, "a header is one line: \(field.value)")
        let name = field.name.canonicalName
        expect(
            !["connection", "transfer-encoding", "content-length", "upgrade", "x-amzn-requestid"].contains(name),
            "\(name) is no function's"
        )
    }
    expect(bytes <= FunctionURLResponse.headerBytesMax + 64, "headers have a size")
}

private func request(_ input: inout FuzzInput) {
    let authority = input.text()
    let path = input.text()
    let query = input.text()
    guard let address = FunctionURLAddress(authority: authority, path: path) else { return }
    expect((1...63).contains(address.id.utf8.count), "an id has its bounds")
    expect(
        address.id.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) },
        "an id has letters and digits: \(address.id)"
    )
    expect(address.path.hasPrefix("/"), "a path begins with a slash: \(address.path)")
    var headers: [SigV4Request.Header] = [.init("host", authority)]
    for _ in 0..<input.below(8) { headers.append(.init(input.text(40), input.text())) }
    let isSigned = input.flag()
    let body = input.remainder()
    let event = FunctionURLEvent(
        requestID: "r",
        urlID: address.id,
        domainName: "d",
        method: "POST",
        path: address.path,
        query: query,
        headers: headers,
        body: body,
        sourceIP: "192.0.2.1",
        isEncrypted: false,
        signer: isSigned ? .init(identity: .root(of: "000000000000"), accessKeyID: "AKIA") : nil,
        trace: "Root=1",
        time: Timestamp(millisecondsSinceEpoch: 0)
    ).bytes
    expect(JSONSyntax.failure(in: event) == nil, "an event is JSON")
    guard let value = try? JSONValue(parsing: event) else { return }
    expect(value["rawPath"] == .string(address.path), "a path is passed on as it came")
    let text = value["body"]?.string ?? ""
    let isEncoded = value["isBase64Encoded"]?.bool ?? false
    expect((isEncoded ? Base64.decode(text) : Array(text.utf8)) == body, "a body is passed on, byte for byte")
    for (name, _) in value["headers"]?.object ?? [:] {
        expect(name == name.lowercased(), "names are in lower case: \(name)")
        expect(name != "cookie" && !(isSigned && name == "authorization"), "\(name) is not passed on")
    }
}
