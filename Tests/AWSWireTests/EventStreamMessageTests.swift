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
}
