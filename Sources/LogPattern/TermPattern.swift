// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Terms that are looked for anywhere in a message.
struct TermPattern: Equatable, Sendable {
    enum Term: Equatable, Sendable {
        case text([UInt8])
        case regex(LimitedRegex)

        func isFound(in message: UnsafeRawBufferPointer) -> Bool {
            switch self {
            case .text(let text): ByteText.contains(message, text)
            case .regex(let regex): regex.isFound(in: message)
            }
        }
    }

    private(set) var required: [Term] = []
    private(set) var excluded: [Term] = []
    /// Any of them is enough.
    private(set) var alternatives: [Term] = []

    init(_ scanner: inout PatternScanner) throws(LogPatternFailure) {
        while scanner.next != nil {
            if scanner.take("-") {
                excluded.append(try Self.term(&scanner))
            } else if scanner.take("?") {
                alternatives.append(try Self.term(&scanner))
            } else {
                required.append(try Self.term(&scanner))
            }
            scanner.skipSpace()
        }
    }

    private static func term(_ scanner: inout PatternScanner) throws(LogPatternFailure) -> Term {
        if scanner.next != UInt8(ascii: "%") { scanner.countText() }
        switch scanner.next {
        case UInt8(ascii: "\""): return .text(try scanner.quoted())
        case UInt8(ascii: "%"): return .regex(try scanner.regex())
        default:
            let word = scanner.run { !PatternScanner.isSpace($0) }
            guard !word.isEmpty, word.allSatisfy(PatternScanner.isWord) else {
                throw LogPatternFailure("Invalid character(s) in term '\(String(decoding: word, as: UTF8.self))'")
            }
            return .text(word)
        }
    }

    /// Beside other terms alternatives have no effect, as on AWS.
    func matches(_ message: UnsafeRawBufferPointer) -> Bool {
        guard required.isEmpty, excluded.isEmpty else {
            return required.allSatisfy { $0.isFound(in: message) } && !excluded.contains { $0.isFound(in: message) }
        }
        return alternatives.contains { $0.isFound(in: message) }
    }
}

/// Bytes that are looked for.
enum ByteText {
    /// In time linear in both, as memmem(3) is.
    static func contains(_ text: UnsafeRawBufferPointer, _ needle: [UInt8]) -> Bool {
        guard !needle.isEmpty else { return true }
        guard let start = text.baseAddress, text.count >= needle.count else { return false }
        return clinux_contains(start, text.count, needle, needle.count) != 0
    }

    /// Where it is first, at `start` or behind it.
    static func firstIndex(of byte: UInt8, in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let begin = text.baseAddress, start < text.count else { return nil }
        return memchr(begin + start, CInt(byte), text.count - start).map { UnsafeRawPointer($0) - begin }
    }

    /// Where a name in its quotation marks is first, at `start` or behind it.
    ///
    /// Eight places at a time are looked at for its first two bytes. A mark is at no place between its own, so that no byte is compared for
    /// more than one of them.
    static func firstIndex(of name: [UInt8], in text: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let begin = text.baseAddress else { return nil }
        let last = text.count - name.count
        let ones: UInt64 = 0x0101_0101_0101_0101
        let (first, second) = (ones &* UInt64(name[0]), ones &* UInt64(name[1]))
        var index = start
        while index <= last {
            if index + 9 <= text.count {
                let here = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let next = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index + 1, as: UInt64.self))
                let different = (here ^ first) | (next ^ second)
                // The lowest bit that is set is of a byte that is zero.
                let same = (different &- ones) & ~different & (ones &* 0x80)
                index += same.trailingZeroBitCount / 8
                guard same != 0, index <= last else { continue }
            }
            if memcmp(begin + index, name, name.count) == 0 { return index }
            index += 1
        }
        return nil
    }
}
