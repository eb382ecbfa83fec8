// SPDX-License-Identifier: Apache-2.0

/// A condition on a message's fields, which stand between spaces: `[ip, user, ..., status = 4* && status != 404, bytes > 1000]`.
struct FieldPattern: Equatable, Sendable {
    /// One field: any of the conjunctions, or whatever it is where there are none.
    struct Field: Equatable, Sendable {
        var alternatives: [[ScalarTest]] = []

        func matches(_ field: UnsafeRawBufferPointer) -> Bool {
            for index in alternatives.indices where holds(index, field) { return true }
            return alternatives.isEmpty
        }

        private func holds(_ alternative: Int, _ field: UnsafeRawBufferPointer) -> Bool {
            for index in alternatives[alternative].indices where !alternatives[alternative][index].matches(field) {
                return false
            }
            return true
        }
    }

    /// From the first field on; all of them where there is no ellipsis.
    private(set) var head: [Field] = []
    /// Up to the last field, behind an ellipsis; nil without one.
    private(set) var tail: [Field]?

    init(_ scanner: inout PatternScanner) throws(LogPatternFailure) {
        try scanner.expect("[")
        repeat {
            scanner.skipSpace()
            if scanner.take("...") {
                guard tail == nil else { throw scanner.failure("one ellipsis is enough") }
                tail = []
                scanner.skipSpace()
            } else {
                let field = try Self.field(&scanner)
                if tail == nil { head.append(field) } else { tail?.append(field) }
            }
        } while scanner.take(",")
        try scanner.expect("]")
        scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.failure("nothing more expected") }
    }

    private static func field(_ scanner: inout PatternScanner) throws(LogPatternFailure) -> Field {
        let name = Self.name(&scanner)
        var field = Field()
        scanner.skipSpace()
        // A name alone, or none, stands for any field.
        guard let next = scanner.next, !",]".utf8.contains(next) else { return field }
        var conjunction = [try ScalarTest(&scanner, .fields)]
        while true {
            scanner.skipSpace()
            let isAnd = scanner.take("&&")
            guard isAnd || scanner.take("||") else { break }
            scanner.skipSpace()
            guard Self.name(&scanner) == name else { throw scanner.failure("the same field's name expected") }
            if !isAnd {
                field.alternatives.append(conjunction)
                conjunction = []
            }
            conjunction.append(try ScalarTest(&scanner, .fields))
        }
        field.alternatives.append(conjunction)
        return field
    }

    private static func name(_ scanner: inout PatternScanner) -> [UInt8] {
        scanner.run { PatternScanner.isWord($0) || "-$".utf8.contains($0) }
    }

    func matches(_ message: UnsafeRawBufferPointer) -> Bool {
        var fields = MessageFields(message)
        for index in head.indices {
            guard let next = fields.next(), head[index].matches(message[in: next]) else { return false }
        }
        guard let tail else { return fields.next() == nil }
        guard !tail.isEmpty else { return true }
        // The last ones only: a message has as many as it likes.
        return withUnsafeTemporaryAllocation(of: Range<Int>.self, capacity: tail.count) { last in
            var count = 0
            while let next = fields.next() {
                last.initializeElement(at: count % tail.count, to: next)
                count += 1
            }
            guard count >= tail.count else { return false }
            return tail.indices.allSatisfy { tail[$0].matches(message[in: last[(count + $0) % tail.count]]) }
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate subscript(in range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }
}

/// A message's fields, from the left: what is between spaces, in brackets or in quotation marks.
private struct MessageFields {
    private let message: UnsafeRawBufferPointer
    private var offset = 0

    init(_ message: UnsafeRawBufferPointer) { self.message = message }

    mutating func next() -> Range<Int>? {
        while offset < message.count, PatternScanner.isSpace(message[offset]) { offset += 1 }
        guard offset < message.count else { return nil }
        let start = offset
        switch message[start] {
        case UInt8(ascii: "["): if let field = enclosed(by: UInt8(ascii: "]")) { return field }
        case UInt8(ascii: "\""): if let field = enclosed(by: UInt8(ascii: "\"")) { return field }
        default: break
        }
        offset = endOfWord(from: start + 1)
        return start..<offset
    }

    private func endOfWord(from start: Int) -> Int {
        var end = start
        while end < message.count {
            if end + 8 <= message.count {
                let word = UInt64(littleEndian: message.loadUnaligned(fromByteOffset: end, as: UInt64.self))
                // The lowest bit that is set is of a byte below 0x21.
                let low = (word &- 0x2121_2121_2121_2121) & ~word & 0x8080_8080_8080_8080
                end += low.trailingZeroBitCount / 8
                guard low != 0 else { continue }
            }
            if PatternScanner.isSpace(message[end]) { break }
            end += 1
        }
        return end
    }

    /// Where the next mark of each kind is, as last looked for: none twice, or a message of many brackets would take for ever.
    private var found: (bracket: Int?, quotation: Int?) = (nil, nil)

    private mutating func enclosed(by end: UInt8) -> Range<Int>? {
        let start = offset + 1
        let isBracket = end == UInt8(ascii: "]")
        var close = isBracket ? found.bracket : found.quotation
        if close.map({ $0 < start }) ?? true {
            close = ByteText.firstIndex(of: end, in: message, from: start) ?? message.count
        }
        if isBracket { found.bracket = close } else { found.quotation = close }
        guard let close, close < message.count,
            close + 1 == message.count || PatternScanner.isSpace(message[close + 1])
        else { return nil }
        offset = close + 1
        return start..<close
    }
}
