// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import AWSWire

struct EventStreamMessageTests {
    /// The check value that every description of this CRC gives.
    @Test func `the checksum is gzip's`() {
        #expect(CRC32.checksum("123456789".utf8) == 0xCBF4_3926)
        #expect(CRC32.checksum([]) == 0)
    }

    @Test func `a message has its lengths and checksums`() {
        let message = EventStreamMessage(headers: [("a", "bc")], payload: Array("payload".utf8)).bytes
        // 12 bytes before the headers, 1 + 1 + 1 + 2 + 2 of headers, 7 of payload, 4 of checksum.
        #expect(message.count == 30)
        #expect(Array(message[..<8]) == [0, 0, 0, 30, 0, 0, 0, 7])
        #expect(Array(message[12..<19]) == [1, UInt8(ascii: "a"), 7, 0, 2, UInt8(ascii: "b"), UInt8(ascii: "c")])
        func number(_ index: Int) -> UInt32 { message[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        #expect(number(8) == CRC32.checksum(message[..<8]))
        #expect(number(26) == CRC32.checksum(message[..<26]))
    }

    private static let messages = [
        EventStreamMessage.event("PayloadChunk", contentType: "application/octet-stream", payload: [0, 1, 255]),
        EventStreamMessage(headers: [], payload: []),
        EventStreamMessage.event("InvokeComplete", contentType: "application/json", payload: Array("{}".utf8)),
    ]

    @Test(arguments: [1, 2, 7, 1_000])
    func `what was encoded is decoded, however it comes`(partBytes: Int) throws {
        let bytes = Self.messages.flatMap(\.bytes)
        var decoder = EventStreamDecoder()
        var decoded: [EventStreamMessage] = []
        for start in stride(from: 0, to: bytes.count, by: partBytes) {
            decoder.append(bytes[start..<min(start + partBytes, bytes.count)])
            while let message = try decoder.next() { decoded.append(message) }
        }
        #expect(decoded == Self.messages)
    }

    @Test func `no bit of a message may differ`() {
        let bytes = Self.messages[0].bytes
        for bit in 0..<(8 * bytes.count) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            var decoder = EventStreamDecoder()
            decoder.append(changed)
            #expect(throws: EventStreamDecoder.Malformed.self, "bit \(bit)") { _ = try decoder.next() }
        }
    }

    /// Checksums are right, what is in it is not.
    private static func framed(_ head: [UInt8], length: Int? = nil, headLength: Int? = nil) -> [UInt8] {
        func bytes(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
        var message = bytes(UInt32(length ?? 16 + head.count)) + bytes(UInt32(headLength ?? head.count))
        message += bytes(CRC32.checksum(message))
        message += head
        return message + bytes(CRC32.checksum(message))
    }

    @Test(arguments: [
        framed([], length: 15), framed([], headLength: 1), framed([], length: 1 << 30),
        framed([], length: 1 << 20, headLength: 1 << 19), framed([0]), framed([1]), framed([1, 97]),
        framed([1, 97, 6, 0, 0]), framed([1, 97, 7, 0]), framed([1, 97, 7, 0, 1]), framed([1, 255, 7, 0, 0]),
        framed([1, 97, 7, 0, 0, 1, 97, 7, 0, 0]),
    ])
    func `messages out of bounds are refused`(bytes: [UInt8]) {
        var decoder = EventStreamDecoder()
        decoder.append(bytes)
        #expect(throws: EventStreamDecoder.Malformed.self) { _ = try decoder.next() }
    }
}
