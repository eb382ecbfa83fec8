// SPDX-License-Identifier: Apache-2.0

/// Turns an input's bytes into choices, from the front; at its end every choice is zero.
struct FuzzInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func flag() -> Bool { byte() & 1 == 1 }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
        (0..<Number.bitWidth / 8).reduce(0 as Number) { value, _ in
            (Number.bitWidth > 8 ? value << 8 : 0) | Number(truncatingIfNeeded: byte())
        }
    }

    mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(number(UInt16.self)) % bound }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// Up to `countMax` bytes, behind a length of one byte.
    mutating func bytes(_ countMax: Int = 255) -> [UInt8] {
        let taken = rest.prefix(min(Int(byte()), countMax))
        rest = rest.dropFirst(taken.count)
        return Array(taken)
    }

    mutating func text(_ countMax: Int = 255) -> String { String(decoding: bytes(countMax), as: UTF8.self) }

    /// All that is left.
    mutating func remainder() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    /// Cuts `bytes` where this input says, into at least one piece.
    mutating func cut(_ bytes: [UInt8], piecesMax: Int = 12) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var left = bytes[...]
        for _ in 0..<(piecesMax - 1) where left.count > 1 {
            let size = 1 + below(left.count)
            pieces.append(Array(left.prefix(size)))
            left = left.dropFirst(size)
        }
        pieces.append(Array(left))
        return pieces
    }
}
