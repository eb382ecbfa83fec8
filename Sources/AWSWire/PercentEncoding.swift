// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding as Signature Version 4 wants it: everything but RFC 3986's unreserved characters, upper-case digits.
package enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".utf8)

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    static func append(_ byte: UInt8, to text: inout [UInt8]) {
        if isUnreserved(byte) {
            text.append(byte)
        } else {
            text.append(UInt8(ascii: "%"))
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
    }

    package static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 { append(byte, to: &encoded) }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// The bytes behind `text`; a `%` that two hexadecimal digits don't follow stands for itself, and `+` too.
    package static func decodeBytes(_ text: some StringProtocol) -> [UInt8] {
        let bytes = Array(text.utf8)
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = Hexadecimal.value(of: bytes[index + 1]), let low = Hexadecimal.value(of: bytes[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }

    /// Nil when the bytes are no valid UTF-8.
    package static func decode(_ text: some StringProtocol) -> String? {
        String(validating: decodeBytes(text), as: UTF8.self)
    }
}

/// A query as it stood on the request line, taken apart; names and values decoded, order and repetitions kept.
package struct QueryParameters: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        package var name: String
        package var value: String
    }

    package var parameters: [Parameter]

    /// - Parameter query: what follows the `?`, may be empty. Bytes that are no UTF-8 are replaced by U+FFFD.
    package init(_ query: String) {
        parameters = query.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let separator = pair.firstIndex(of: UInt8(ascii: "="))
            let name = pair[..<(separator ?? pair.endIndex)]
            let value = separator.map { pair[pair.index(after: $0)...] } ?? pair[pair.endIndex...]
            return Parameter(
                name: String(decoding: PercentEncoding.decodeBytes(Substring(name)), as: UTF8.self),
                value: String(decoding: PercentEncoding.decodeBytes(Substring(value)), as: UTF8.self)
            )
        }
    }

    /// The first value of that name.
    package subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }

    package func values(_ name: String) -> [String] {
        parameters.filter { $0.name == name }.map(\.value)
    }
}
