// SPDX-License-Identifier: Apache-2.0

extension JSONSyntax {
    /// The text of a member of the object in `bytes`, without the space between its tokens.
    ///
    /// Builds no values, so that it takes whatever `failure(in:)` does: any number of values, `depthMax` levels, and lone surrogates in
    /// escapes. Of several members with one name it is the last.
    ///
    /// - Returns: nil where the text is no object, or has no such member.
    /// - Throws: `Failure` where the text is not JSON.
    package static func member(_ name: String, of bytes: [UInt8]) throws(Failure) -> [UInt8]? {
        if let failure = failure(in: bytes) { throw failure }
        guard let start = bytes.firstIndex(where: { !isSpace($0) }), bytes[start] == UInt8(ascii: "{") else {
            return nil
        }
        var found: [UInt8]?
        var (offset, depth) = (start + 1, 1)
        var (expectsName, isWanted) = (true, false)
        while true {
            let token = offset
            offset = bytes[token] == UInt8(ascii: "\"") ? endOfString(from: token, bytes) : token + 1
            switch bytes[token] {
            case let byte where isSpace(byte): continue
            case UInt8(ascii: "\"") where expectsName:
                expectsName = false
                isWanted = isName(bytes[token..<offset], name)
                if isWanted { found = [] }
                continue
            case UInt8(ascii: ":") where depth == 1: continue
            case UInt8(ascii: ",") where depth == 1:
                (expectsName, isWanted) = (true, false)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return found }
            default: break
            }
            if isWanted { found?.append(contentsOf: bytes[token..<offset]) }
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// What follows the string whose first quote is at `start`.
    private static func endOfString(from start: Int, _ bytes: [UInt8]) -> Int {
        var offset = start + 1
        while bytes[offset] != UInt8(ascii: "\"") { offset += bytes[offset] == UInt8(ascii: "\\") ? 2 : 1 }
        return offset + 1
    }

    /// `token` is with its quotes, and may have escapes.
    private static func isName(_ token: ArraySlice<UInt8>, _ name: String) -> Bool {
        guard token.contains(UInt8(ascii: "\\")) else { return token.dropFirst().dropLast().elementsEqual(name.utf8) }
        return (try? JSONValue(parsing: Array(token))) == .string(name)
    }
}
