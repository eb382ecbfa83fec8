// SPDX-License-Identifier: Apache-2.0
import Foundation

@testable import AWSWire

/// JSON text and Base64, each compared with Foundation's reading of the same bytes.
func fuzz(_ bytes: [UInt8]) {
    json(bytes)
    base64(bytes)
}

private func json(_ bytes: [UInt8]) {
    let failure = JSONSyntax.failure(in: bytes)
    let value = Result { try JSONValue(parsing: bytes) }
    if let failure {
        expect((0...bytes.count).contains(failure.offset), "a fault is in the text")
        expect((try? value.get()) == nil, "what is no JSON has no value")
    }
    let reference = Result { try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) }
    if hasOneReading(bytes) {
        switch (failure, reference) {
        case (nil, .failure(let error)): expect(isBeyondFoundation(bytes), "accepted, but not by Foundation: \(error)")
        case (let failure?, .success): expect(hasTrailingComma(bytes), "accepted by Foundation only: \(failure)")
        default: break
        }
    }
    members(bytes, try? value.get())
    guard let value = try? value.get() else { return }
    let written = value.bytes
    expect(JSONSyntax.failure(in: written) == nil, "what is written is JSON")
    expect((try? JSONValue(parsing: written)) == value, "a value comes back from its text")
    if hasOneReading(bytes), case .success(let other) = reference { compare(value, other) }
}

/// The text of one member, taken without reading the rest into values, is what reading everything finds.
private func members(_ bytes: [UInt8], _ value: JSONValue?) {
    let absent = "never a name"
    let found = Result { try JSONSyntax.member(absent, of: bytes) }
    guard JSONSyntax.failure(in: bytes) == nil else {
        return expect((try? found.get()) == nil, "what is no JSON has no member")
    }
    // What has more levels or values than a value may is only looked through.
    guard let value else { return }
    guard case .object(let members) = value else {
        return expect((try? found.get()) == nil, "only an object has members")
    }
    if case .failure(let error) = found { expect(false, "an object is looked through: \(error)") }
    if members[absent] == nil { expect((try? found.get()) == nil, "no such member") }
    for (name, member) in members.prefix(16) {
        guard let text = try? JSONSyntax.member(name, of: bytes) else {
            return expect(false, "the member \(name.debugDescription)")
        }
        expect(text.count < bytes.count, "a member is shorter than its object")
        expect((try? JSONValue(parsing: text)) == member, "the value of the member \(name.debugDescription)")
    }
}

/// Foundation guesses UTF-16 and UTF-32 from zeros and marks, which RFC 8259 does not have.
private func hasOneReading(_ bytes: [UInt8]) -> Bool {
    !bytes.contains(0) && !bytes.starts(with: [0xEF, 0xBB, 0xBF]) && !bytes.contains(0xFE) && !bytes.contains(0xFF)
}

/// Foundation lets a comma stand behind the last value.
private func hasTrailingComma(_ bytes: [UInt8]) -> Bool {
    let dense = bytes.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return zip(dense, dense.dropFirst()).contains { pair in
        pair.0 == UInt8(ascii: ",") && (pair.1 == UInt8(ascii: "]") || pair.1 == UInt8(ascii: "}"))
    }
}

/// Foundation stops at 512 levels, at numbers that no Double holds, and at lone surrogates.
private func isBeyondFoundation(_ bytes: [UInt8]) -> Bool {
    var (depth, deepest, digits, longest) = (0, 0, 0, 0)
    for byte in bytes {
        if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { depth += 1 }
        if byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") { depth -= 1 }
        digits = (0x30...0x39).contains(byte) ? digits + 1 : 0
        (deepest, longest) = (max(deepest, depth), max(longest, digits))
    }
    let text = String(decoding: bytes, as: UTF8.self).lowercased()
    let hasExponent = text.contains("e") && text.contains { $0.isNumber }
    return deepest >= 500 || longest > 18 || hasExponent || text.contains("\\ud")
}

private func compare(_ value: JSONValue, _ other: Any) {
    switch value {
    case .null: expect(other is NSNull, "null")
    case .bool(let flag): expect((other as? Bool) == flag, "a Boolean")
    case .number(let text):
        guard let number = other as? NSNumber, let double = Double(text) else { return expect(false, "a number") }
        let limit = max(1, abs(double)) * 1e-9
        expect(abs(number.doubleValue - double) <= limit || text.utf8.count > 15, "the number \(text): \(number)")
    case .string(let text):
        expect((other as? String).map { Array($0.utf8) } == Array(text.utf8), "the string \(text.debugDescription)")
    case .array(let values):
        guard let others = other as? [Any], others.count == values.count else { return expect(false, "an array") }
        for (value, other) in zip(values, others) { compare(value, other) }
    case .object(let members):
        guard let others = other as? [String: Any] else { return expect(false, "an object") }
        expect(others.count == members.count, "as many members")
        for (name, value) in members {
            guard let other = others[name] else { return expect(false, "the member \(name.debugDescription)") }
            compare(value, other)
        }
    }
}

private func base64(_ bytes: [UInt8]) {
    let encoded = Base64.encode(bytes)
    expect(encoded == Data(bytes).base64EncodedString(), "Base64 is Foundation's")
    expect(Base64.decode(encoded) == bytes, "Base64 comes back")
    expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes, "Base64 for URLs comes back")
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    if let decoded = Base64.decode(text) {
        expect(Data(base64Encoded: text).map { Array($0) } == decoded, "Foundation decodes the same")
        expect(Base64.encode(decoded) == text, "only one text stands for the bytes")
    }
    if let decoded = Base64.decodeURL(text) {
        expect(Base64.encodeURL(decoded) == text, "only one text for URLs stands for the bytes")
    }
}
