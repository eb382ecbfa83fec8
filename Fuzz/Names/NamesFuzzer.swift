// SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

@testable import AWSWire
@testable import ControlPlane
@testable import HTTPAPI
@testable import LambdaModel
@testable import LogStore
@testable import RuntimeAPI

private let now = Timestamp(millisecondsSinceEpoch: 1_757_462_400_000)
private let key = SymmetricKey(data: [UInt8](repeating: 7, count: 32))

/// One text, read as each of the small grammars that a caller writes in.
func fuzz(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    identifiers(text)
    traces(text)
    times(text)
    encodings(text)
    endpoints(text)
    tokens(text)
}

// MARK: - Functions

/// The patterns that the API's own errors show.
private let patterns = [Shapes.functionName, Shapes.namespacedFunctionName].map { shape in
    guard case .string(_, let pattern?) = shape.kind else { preconditionFailure("a function's name has a pattern") }
    return pattern
}

private func identifiers(_ text: String) {
    if let arn = ARN(text) {
        expect(arn.description.utf8.elementsEqual(text.utf8), "an ARN comes back")
        expect(ARN(arn.canonical.description) == arn.canonical, "a canonical ARN is one")
        if let (key, qualifier) = arn.function {
            expect(key.arn(qualifier: qualifier) == arn.canonical.description, "a function has one ARN")
        }
        expect(EventSourceKind(arn: text) == EventSourceKind(arn: arn.canonical.description), "a source has one kind")
    }
    if let layer = LayerVersionIdentifier(text) {
        let key = layer.layer.meant(accountID: "000000000000", region: "us-east-1")
        expect(LayerVersionIdentifier(key.arn(version: layer.number)) == layer, "a layer version comes back")
    }
    for namespaced in [false, true] where text.utf8.count <= 300 {
        let parsed = FunctionIdentifier(text, namespaced: namespaced)
        let matches = patterns[namespaced ? 1 : 0].matches(text)
        expect((parsed != nil) == matches, "the pattern says otherwise: \(text.debugDescription)")
        if let parsed { whole(parsed, text) }
    }
    let parts = text.split(separator: "\n", maxSplits: 1).map(String.init)
    do {
        let read = try FunctionIdentifier(reading: parts.first ?? "", qualifier: parts.count > 1 ? parts[1] : nil)
        let key = try read.key(accountID: "000000000000", region: "us-east-1")
        let again = FunctionIdentifier(key.arn, namespaced: true)
        expect(again?.name == read.name && again?.accountID == key.accountID, "an ARN comes back")
        let named = ARN(key.arn(qualifier: read.qualifier))?.function
        // What only reads may have a dot.
        if ARN.isName(read.name), read.qualifier?.contains(".") != true {
            expect(named?.key == key && named?.qualifier == read.qualifier, "an ARN names what it was made of")
        }
    } catch {
        expect((400..<500).contains(error.wire.status), "a refusal is the caller's")
    }
}

/// What was taken apart makes the text again, up to the words that may be left out.
private func whole(_ parsed: FunctionIdentifier, _ text: String) {
    let name = parsed.name + (parsed.qualifier.map { ":\($0)" } ?? "")
    expect(text.hasSuffix(name) && !parsed.name.contains(":"), "the name is the text's end")
    let head = text.dropLast(name.count)
    expect(parsed.accountID.map { head.contains($0) } ?? true, "the account is in the text")
    expect(parsed.region.map { head.contains($0) } ?? true, "the region is in the text")
}

// MARK: - Traces

private func traces(_ text: String) {
    var random = Constant()
    let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    let header = TraceHeader(continuing: text, function: function, isActive: false, at: now, using: &random)
    expect(isWellFormed(header.description), "nothing but the form goes on: \(header)")
    expect(TraceHeader(header.description) == header, "a trace header comes back")
    if let read = TraceHeader(text) {
        expect(read.description.utf8.elementsEqual(text.utf8), "only what is written is read: \(text.debugDescription)")
    }
    let type = FunctionErrorType.understood(text)
    let isWord = type.utf8.allSatisfy { $0 == 0x2E || (0x61...0x7A).contains($0 | 0x20) && $0 < 0x80 }
    expect(isWord && type.utf8.count <= 256, "an error type is a word: \(type.debugDescription)")
}

/// `Root=1-8-24;Parent=16;Sampled=0;Lineage=1:8:0`, byte for byte.
private func isWellFormed(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map { String($0) ?? "" }
    guard parts.count == 4, parts[0].hasPrefix("Root=1-"), parts[1].hasPrefix("Parent="),
        ["Sampled=0", "Sampled=1"].contains(parts[2]), parts[3].hasPrefix("Lineage=")
    else { return false }
    let root = parts[0].dropFirst(7).utf8
    let lineage = parts[3].dropFirst(8).utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    return root.count == 33 && isHexadecimal(root.prefix(8)) && root.dropFirst(8).first == UInt8(ascii: "-")
        && isHexadecimal(root.dropFirst(9)) && parts[1].utf8.count == 23 && isHexadecimal(parts[1].dropFirst(7).utf8)
        && lineage.count == 3 && lineage[1].count == 8 && isHexadecimal(lineage[1])
        && [lineage[0], lineage[2]].allSatisfy { $0.allSatisfy { (0x30...0x39).contains($0) } && !$0.isEmpty }
}

private func isHexadecimal(_ text: some Sequence<UInt8>) -> Bool {
    text.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) }
}

private struct Constant: RandomNumberGenerator {
    mutating func next() -> UInt64 { 0x1234_5678_9ABC_DEF0 }
}

// MARK: - Times and encodings

private func times(_ text: String) {
    if let time = Timestamp(rfc3339: text) {
        // An offset may lead out of the years that have four digits.
        let hasYear = (0...9_999).contains(time.civilDate.year)
        expect(!hasYear || Timestamp(rfc3339: time.iso8601()) == time, "a time comes back")
    }
    if let time = BasicTime.parse(text) {
        expect(BasicTime.text(time) == text || text.hasSuffix("60Z"), "a basic time comes back: \(text)")
    }
    if let month = try? LambdaAPI.month(text, now: now) {
        expect(month.lowerBound < month.upperBound, "a month has a length")
    }
    _ = LogLevel(spelling: text)
}

private func encodings(_ text: String) {
    let encoded = PercentEncoding.encode(text)
    expect(PercentEncoding.decode(encoded).map { Array($0.utf8) } == Array(text.utf8), "percent-encoding comes back")
    expect(encoded.utf8.allSatisfy { PercentEncoding.isUnreserved($0) || $0 == UInt8(ascii: "%") }, "all is encoded")
    expect(PercentEncoding.decodeBytes(text).count <= text.utf8.count, "decoding makes nothing longer")
    let query = SigV4Canonical.query(text, excluding: nil)
    expect(SigV4Canonical.query(query, excluding: nil) == query, "a canonical query is canonical")
    let parameters = QueryParameters(text).parameters
    expect(parameters.count == text.utf8.split(separator: UInt8(ascii: "&")).count, "as many parameters as there are")
    expect(SigV4Canonical.path(text).utf8.first == UInt8(ascii: "/"), "a canonical path is absolute")
    expect(!SigV4Canonical.path(text).split(separator: "/").contains(".."), "a canonical path goes nowhere up")
}

private func endpoints(_ text: String) {
    let lines = text.split(separator: "\n", maxSplits: 2).map(String.init)
    let method = lines.first ?? "GET"
    let line = (lines.count > 1 ? lines[1] : text).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let endpoint = Endpoint(
        method: method,
        path: line.first.map(String.init) ?? "",
        query: QueryParameters(line.count > 1 ? String(line[1]) : ""),
        target: lines.count > 2 ? lines[2] : nil
    )
    switch endpoint {
    case .lambda(_, let labels): expect(labels.values.allSatisfy { !$0.isEmpty }, "a label has a value")
    case .downloadCode(let name): expect(!name.isEmpty, "an object has a name")
    case .unknown(let message): expect(message.count < 600, "a message has its bounds")
    default: break
    }
    expect((1...LimitsProfile.codeRequestBytesMax).contains(endpoint.bodyBytesMax), "a body has its bounds")
}

private func tokens(_ text: String) {
    let lines = text.split(separator: "\n", maxSplits: 1).map(String.init)
    let verdict = SessionCredentialIssuer(key: key).verify(
        accessKeyID: lines.first ?? "",
        sessionToken: lines.last ?? "",
        now: now
    )
    expect(verdict == .invalid, "a token is made here or invalid")
    let query = QueryParameters(lines.last ?? "")
    let code = CodeLocation(key: key).code(objectID: lines.first ?? "", query: query, now: now)
    expect(code == nil, "a location is made here or none")
    if let place = LogPosition(text) { expect(place.text == text, "a position is what was written") }
}
