// SPDX-License-Identifier: Apache-2.0

/// Takes the bytes of an event stream as they come, and gives whole messages.
///
/// Strict: both checksums, all lengths, string headers only, no name twice. Holds at most one message and what was
/// appended behind it. After an error nothing more can be understood.
package struct EventStreamDecoder: Sendable {
    /// Why bytes are no message.
    package struct Malformed: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    /// Of all headers of a message, in bytes.
    static let headerBytesMax = 128 * 1_024
    /// Everything but headers and payload.
    private static let frameBytes = 16
    private static let stringType: UInt8 = 7

    private var buffer: [UInt8] = []
    private var start = 0

    package init() {}

    package mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.removeFirst(start)
        start = 0
        buffer.append(contentsOf: bytes)
    }

    /// The next message, or nil when it has not come wholly.
    package mutating func next() throws(Malformed) -> EventStreamMessage? {
        let bytes = buffer[start...]
        guard bytes.count >= 12 else { return nil }
        let length = Int(Self.number(bytes, at: start))
        let headLength = Int(Self.number(bytes, at: start + 4))
        guard Self.number(bytes, at: start + 8) == CRC32.checksum(bytes.prefix(8)) else {
            throw Malformed(description: "the checksum of a message's lengths is wrong")
        }
        guard headLength <= Self.headerBytesMax, length >= Self.frameBytes + headLength,
            length - Self.frameBytes - headLength <= EventStreamMessage.payloadBytesMax
        else { throw Malformed(description: "a message's lengths are out of bounds") }
        guard bytes.count >= length else { return nil }
        let (headEnd, end) = (start + 12 + headLength, start + length - 4)
        guard Self.number(bytes, at: end) == CRC32.checksum(bytes[start..<end]) else {
            throw Malformed(description: "the checksum of a message is wrong")
        }
        let headers = try Self.headers(bytes[(start + 12)..<headEnd])
        start += length
        return EventStreamMessage(headers: headers, payload: Array(bytes[headEnd..<end]))
    }

    private static func headers(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        var names: Set<String> = []
        var rest = bytes
        while !rest.isEmpty {
            let nameLength = Int(try take(1, of: &rest).first ?? 0)
            guard nameLength > 0 else { throw Malformed(description: "a header has no name") }
            let name = try text(take(nameLength, of: &rest))
            guard try take(1, of: &rest).first == stringType else {
                throw Malformed(description: "a header's value is not a string")
            }
            let valueLength = try take(2, of: &rest).reduce(0) { $0 << 8 | Int($1) }
            let value = try text(take(valueLength, of: &rest))
            guard names.insert(name).inserted else {
                throw Malformed(description: "a header comes twice")
            }
            headers.append((name, value))
        }
        return headers
    }

    private static func take(_ count: Int, of rest: inout ArraySlice<UInt8>) throws(Malformed) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw Malformed(description: "a header goes beyond the headers") }
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(description: "a header is not UTF-8")
        }
        return text
    }

    private static func number(_ bytes: ArraySlice<UInt8>, at index: Int) -> UInt32 {
        bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
