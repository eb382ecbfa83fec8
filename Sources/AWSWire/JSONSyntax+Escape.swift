// SPDX-License-Identifier: Apache-2.0

extension JSONSyntax {
    /// Appends what the escape stands for whose backslash is at `offset`, and goes behind it.
    ///
    /// `bytes` is what `failure(in:)` has accepted.
    /// - Throws: `Failure` for a lone surrogate.
    package static func unescape(
        _ bytes: Span<UInt8>,
        _ offset: inout Int,
        into text: inout [UInt8]
    ) throws(Failure) {
        let start = offset
        offset += 2
        switch bytes[offset - 1] {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = hexadecimal(bytes, &offset)
            if (0xD800..<0xDC00).contains(code), bytes[offset] == UInt8(ascii: "\\"),
                bytes[offset + 1] == UInt8(ascii: "u")
            {
                offset += 2
                let low = hexadecimal(bytes, &offset)
                guard (0xDC00..<0xE000).contains(low) else { throw loneSurrogate(start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw loneSurrogate(start) }
            if scalar.isASCII { text.append(UInt8(scalar.value)) } else { text += scalar.utf8 }
        case let character: text.append(character)
        }
    }

    private static func loneSurrogate(_ offset: Int) -> Failure {
        Failure(reason: "Lone surrogate in a character escape sequence", offset: offset)
    }

    private static func hexadecimal(_ bytes: Span<UInt8>, _ offset: inout Int) -> UInt32 {
        var code: UInt32 = 0
        for index in offset..<offset + 4 { code = code << 4 | UInt32(Hexadecimal.value(of: bytes[index]) ?? 0) }
        offset += 4
        return code
    }
}
