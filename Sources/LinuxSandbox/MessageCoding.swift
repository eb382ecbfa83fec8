// SPDX-License-Identifier: Apache-2.0

/// A message on one of the sandbox's control sockets could not be read: it is refused whole.
package struct MalformedMessage: Error, Equatable, Sendable {
    package init() {}
}

/// Writes the fixed layout of control messages: little-endian integers, and strings and lists behind their 32-bit counts.
package struct MessageWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        var value = number
        for _ in 0..<Number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: value))
            value >>= 8 as Number
        }
    }

    package mutating func write(_ flag: Bool) { write(UInt8(flag ? 1 : 0)) }

    package mutating func write(_ content: [UInt8]) {
        write(UInt32(content.count))
        bytes += content
    }

    package mutating func write(_ text: String) { write(Array(text.utf8)) }

    package mutating func write(_ texts: [String]) {
        write(UInt32(texts.count))
        for text in texts { write(text) }
    }
}

/// Reads what `MessageWriter` wrote; every count is checked against what is left.
package struct MessageReader {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package mutating func number<Number: FixedWidthInteger>(
        _ type: Number.Type = Number.self
    ) throws(MalformedMessage) -> Number {
        let size = Number.bitWidth / 8
        guard bytes.count - position >= size else { throw MalformedMessage() }
        var value: Number = 0
        for index in 0..<size { value |= Number(truncatingIfNeeded: bytes[position + index]) << Number(8 * index) }
        position += size
        return value
    }

    /// One way only to write each message, so that a changed one is never taken for another.
    package mutating func flag() throws(MalformedMessage) -> Bool {
        let value = try number(UInt8.self)
        guard value <= 1 else { throw MalformedMessage() }
        return value == 1
    }

    /// How many of something follow: more than `max` are no message of ours.
    package mutating func count(max: Int) throws(MalformedMessage) -> Int {
        let count = Int(try number(UInt32.self))
        guard count <= max else { throw MalformedMessage() }
        return count
    }

    package mutating func content() throws(MalformedMessage) -> [UInt8] {
        let count = Int(try number(UInt32.self))
        guard bytes.count - position >= count else { throw MalformedMessage() }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    package mutating func text() throws(MalformedMessage) -> String {
        let content = try content()
        // A NUL would end the string early in a system call.
        guard !content.contains(0), let text = String(validating: content, as: UTF8.self) else {
            throw MalformedMessage()
        }
        return text
    }

    package mutating func texts() throws(MalformedMessage) -> [String] {
        let count = Int(try number(UInt32.self))
        // Each text takes four bytes at least.
        guard count <= (bytes.count - position) / 4 else { throw MalformedMessage() }
        var result: [String] = []
        for _ in 0..<count { result.append(try text()) }
        return result
    }

    package func end() throws(MalformedMessage) {
        guard position == bytes.count else { throw MalformedMessage() }
    }
}

extension SyscallError {
    func write(to writer: inout MessageWriter) {
        writer.write(call)
        writer.write(errno)
        writer.write(subject)
    }

    init(from reader: inout MessageReader) throws(MalformedMessage) {
        self.init(call: try reader.text(), errno: try reader.number(), subject: try reader.text())
    }
}
