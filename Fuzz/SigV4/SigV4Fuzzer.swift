// SPDX-License-Identifier: Apache-2.0
import Crypto
import LambdaModel

@testable import AWSWire

private let region = "us-east-1"
private let verifier = SigV4Verifier(regions: [region], services: ["lambda", "logs"])
private let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
private let issuer = SessionCredentialIssuer(key: SymmetricKey(data: [UInt8](repeating: 7, count: 32)))
private let function = FunctionKey(accountID: "000000000000", region: region, name: "f")
private let now = Timestamp(millisecondsSinceEpoch: 1_757_462_400_000)

/// A request line, headers and a body as over the wire, or (first byte 1 or 2) the choices for a request that we sign ourselves.
func fuzz(_ bytes: [UInt8]) {
    switch bytes.first {
    case 1: signed(FuzzInput(Array(bytes.dropFirst())), presigned: false)
    case 2: signed(FuzzInput(Array(bytes.dropFirst())), presigned: true)
    default: arbitrary(bytes)
    }
}

private func lookUp(_ id: String, _ token: String?, at time: Timestamp) -> CredentialLookup {
    guard let token else { return Array(id.utf8) == Array("AKIDEXAMPLE".utf8) ? .secret(secret) : .unknown }
    switch issuer.verify(accessKeyID: id, sessionToken: token, now: time) {
    case .valid(let session): return .secret(session.secret)
    case .expired: return .expired
    case .invalid: return .unknown
    }
}

private func accepts(_ request: SigV4Request, body: [UInt8], at time: Timestamp) -> Bool {
    do {
        var pending = try verifier.examine(request, at: time) { lookUp($0, $1, at: time) }
        let early = try pending.verifyHead()
        try pending.verify(body: body)
        expect(early == (pending.payload != .unstated), "the head is checked where the body's hash is known")
        return true
    } catch {
        expect((400..<500).contains(error.wire.status), "a refusal is the caller's: \(error)")
        expect(error.wire.message.utf8.count < 32_768, "a refusal has its bounds")
        return false
    }
}

private func arbitrary(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    let line = lines.popFirst()?.split(separator: " ", maxSplits: 2) ?? []
    let target = line.count > 1 ? line[1] : "/"
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var headers: [SigV4Request.Header] = []
    while let header = lines.popFirst(), !header.isEmpty {
        let pair = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        headers.append(.init(String(pair[0]), pair.count > 1 ? String(pair[1]) : ""))
    }
    let request = SigV4Request(
        method: String(line.first ?? "GET"),
        path: String(parts[0]),
        query: parts.count > 1 ? String(parts[1]) : "",
        headers: headers
    )
    let body = Array(lines.joined(separator: "\n").utf8)
    // As if it had just been sent, so that more than the clock is looked at.
    let date = request.header("x-amz-date") ?? QueryParameters(request.query)["X-Amz-Date"] ?? ""
    _ = accepts(request, body: body, at: BasicTime.parse(date) ?? now)
}

private func signed(_ source: FuzzInput, presigned: Bool) {
    var input = source
    var key = AccessKey(id: "AKIDEXAMPLE", secret: secret)
    if input.flag() { key = issuer.issue(function: function, expires: now.advanced(by: .seconds(600))) }
    var headers = [SigV4Request.Header("Host", input.pick(["localhost:4566", "lambda.us-east-1.amazonaws.com"]))]
    for _ in 0..<input.below(5) {
        headers.append(.init("X-Fuzz-\(input.below(4))", input.text(60)))
    }
    var request = SigV4Request(
        method: input.pick(["GET", "POST", "PUT", "DELETE"]),
        path: "/" + input.text(120),
        query: input.text(120),
        headers: headers
    )
    let body = input.bytes(64)
    // Parameters of a signature beside ours are refused, and rightly.
    if QueryParameters(request.query).parameters.contains(where: { $0.name.hasPrefix("X-Amz") }) { request.query = "" }
    let signer = SigV4Signer(accessKey: key, region: region, service: "lambda")
    if presigned {
        let hash = PayloadHash.hexadecimal(of: body)
        request.query = signer.presign(request, payloadHash: hash, seconds: 1 + input.below(604_800), at: now)
    } else {
        request.headers += signer.sign(request, body: body, at: now)
    }
    expect(accepts(request, body: body, at: now), "what is signed here is accepted: \(request)")
    mutated(request, body, &input)
}

/// One byte of it changed, or a header more: accepted only if what the signature covers is still the same.
private func mutated(_ request: SigV4Request, _ body: [UInt8], _ input: inout FuzzInput) {
    var (other, otherBody) = (request, body)
    switch input.below(7) {
    case 0: other.method = changed(other.method, &input)
    case 1: other.path = changed(other.path, &input)
    case 2: other.query = changed(other.query, &input)
    case 3:
        let index = input.below(other.headers.count)
        other.headers[index].value = changed(other.headers[index].value, &input)
    case 4: other.headers.remove(at: input.below(other.headers.count))
    case 5: other.headers.insert(request.headers[input.below(request.headers.count)], at: 0)
    default: otherBody = otherBody.isEmpty ? [input.byte()] : [UInt8](changed(otherBody, &input))
    }
    guard accepts(other, body: otherBody, at: now) else { return }
    let (before, after) = (covered(request, body), covered(other, otherBody))
    expect(before != nil && before == after, "a changed request is refused: \(request) \(other)")
}

/// All that a signature covers; nil without one.
private func covered(_ request: SigV4Request, _ body: [UInt8]) -> [UInt8]? {
    guard let claim = try? Claim(request) else { return nil }
    let canonical = SigV4Canonical.request(
        request,
        signedHeaders: claim.signedHeaders,
        payloadHash: PayloadHash.hexadecimal(of: body),
        excludedParameter: claim.expiresSeconds == nil ? nil : "X-Amz-Signature"
    )
    return Array("\(claim.accessKeyID)\n\(claim.date)\n\(claim.scope.text)\n\(canonical)".utf8)
}

private func changed(_ text: String, _ input: inout FuzzInput) -> String {
    String(decoding: changed(Array(text.utf8), &input), as: UTF8.self)
}

private func changed(_ bytes: [UInt8], _ input: inout FuzzInput) -> [UInt8] {
    guard !bytes.isEmpty else { return [input.byte()] }
    var bytes = bytes
    let index = input.below(bytes.count)
    switch input.below(3) {
    case 0: bytes[index] ^= 1 << (input.byte() & 7)
    case 1: bytes.remove(at: index)
    default: bytes.insert(input.byte(), at: index)
    }
    return bytes
}
