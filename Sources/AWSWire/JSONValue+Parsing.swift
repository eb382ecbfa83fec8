// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Arrays and objects inside one another, in what the API is sent: its deepest request has six.
    package static let depthMax = 64
    /// Values in one text, so that a request of many small ones doesn't become a hundred times its size in memory.
    package static let valuesMax = 100_000

    /// - Throws: `JSONSyntax.Failure`; also for a text that is nested too deeply, and for lone surrogates in escapes.
    package init(
        parsing bytes: [UInt8],
        depthMax: Int = depthMax,
        valuesMax: Int = valuesMax
    ) throws(JSONSyntax.Failure) {
        // The builder below then only meets valid texts.
        if let failure = JSONSyntax.failure(in: bytes) { throw failure }
        var builder = JSONBuilder(bytes: bytes, depthMax: depthMax, valuesMax: valuesMax)
        self = try builder.value(depth: 0)
    }
}

/// Builds values from a text that `JSONSyntax` has accepted.
private struct JSONBuilder {
    let bytes: [UInt8]
    let depthMax: Int
    let valuesMax: Int
    var offset = 0
    var count = 0

    init(bytes: [UInt8], depthMax: Int, valuesMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
        self.valuesMax = valuesMax
    }

    mutating func value(depth: Int) throws(JSONSyntax.Failure) -> JSONValue {
        guard depth < depthMax else { throw failure("The document is nested too deeply") }
        count += 1
        guard count <= valuesMax else { throw failure("The document has too many values") }
        skip(while: Self.isSpace)
        defer { skip(while: Self.isSpace) }
        switch bytes[offset] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            offset += 4
            return .bool(true)
        case UInt8(ascii: "f"):
            offset += 5
            return .bool(false)
        case UInt8(ascii: "n"):
            offset += 4
            return .null
        default:
            let start = offset
            skip { !Self.isSpace($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "]") && $0 != UInt8(ascii: "}") }
            return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
        }
    }

    private mutating func array(depth: Int) throws(JSONSyntax.Failure) -> JSONValue {
        var values: [JSONValue] = []
        offset += 1
        skip(while: Self.isSpace)
        while bytes[offset] != UInt8(ascii: "]") {
            if bytes[offset] == UInt8(ascii: ",") { offset += 1 }
            values.append(try value(depth: depth + 1))
        }
        offset += 1
        return .array(values)
    }

    private mutating func object(depth: Int) throws(JSONSyntax.Failure) -> JSONValue {
        var members: [String: JSONValue] = [:]
        offset += 1
        skip(while: Self.isSpace)
        while bytes[offset] != UInt8(ascii: "}") {
            if bytes[offset] == UInt8(ascii: ",") { offset += 1 }
            skip(while: Self.isSpace)
            let name = try string()
            skip { $0 != UInt8(ascii: ":") }
            offset += 1
            members[name] = try value(depth: depth + 1)
        }
        offset += 1
        return .object(members)
    }

    private mutating func string() throws(JSONSyntax.Failure) -> String {
        offset += 1
        let start = offset
        skip { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        if bytes[offset] == UInt8(ascii: "\"") {
            defer { offset += 1 }
            return String(decoding: bytes[start..<offset], as: UTF8.self)
        }
        var text = Array(bytes[start..<offset])
        while bytes[offset] != UInt8(ascii: "\"") {
            if bytes[offset] == UInt8(ascii: "\\") {
                var end = offset
                try JSONSyntax.unescape(bytes.span, &end, into: &text)
                offset = end
            } else {
                text.append(bytes[offset])
                offset += 1
            }
        }
        offset += 1
        return String(decoding: text, as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while offset < bytes.count, condition(bytes[offset]) { offset += 1 }
    }

    private func failure(_ reason: String) -> JSONSyntax.Failure {
        JSONSyntax.Failure(reason: reason, offset: offset)
    }
}
