// SPDX-License-Identifier: Apache-2.0

/// One message of AWS's event stream encoding (`application/vnd.amazon.eventstream`), as responses of streaming operations have it.
///
/// Length of the whole and of the headers, their checksum, headers, payload, checksum of all before; numbers are big-endian,
/// checksums are CRC-32 as in gzip (Smithy, "Amazon Event Stream Specification").
package struct EventStreamMessage: Equatable, Sendable {
    /// Name and value, a string each: no other type of header is needed here.
    package var headers: [(name: String, value: String)]
    package var payload: [UInt8]

    /// Longest payload that clients take, in bytes (botocore and the SDKs agree on 16 MiB).
    package static let payloadBytesMax = 16 << 20

    package static func == (left: EventStreamMessage, right: EventStreamMessage) -> Bool {
        left.payload == right.payload && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }

    package init(headers: [(name: String, value: String)], payload: [UInt8]) {
        precondition(payload.count <= Self.payloadBytesMax, "a payload has its limit")
        self.headers = headers
        self.payload = payload
    }

    /// An event of the name that the service's model gives it.
    package static func event(_ name: String, contentType: String, payload: [UInt8]) -> EventStreamMessage {
        EventStreamMessage(
            headers: [(":message-type", "event"), (":event-type", name), (":content-type", contentType)],
            payload: payload
        )
    }

    /// The bytes on the wire.
    package var bytes: [UInt8] {
        var head: [UInt8] = []
        for (name, value) in headers {
            head.append(UInt8(name.utf8.count))
            head += name.utf8
            head.append(Self.stringType)
            Self.append(UInt16(value.utf8.count), to: &head)
            head += value.utf8
        }
        var message: [UInt8] = []
        message.reserveCapacity(16 + head.count + payload.count)
        Self.append(UInt32(16 + head.count + payload.count), to: &message)
        Self.append(UInt32(head.count), to: &message)
        Self.append(CRC32.checksum(message), to: &message)
        message += head
        message += payload
        Self.append(CRC32.checksum(message), to: &message)
        return message
    }

    private static let stringType: UInt8 = 7

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}

/// CRC-32 with the polynomial of gzip (RFC 1952, 8).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
    }
}
