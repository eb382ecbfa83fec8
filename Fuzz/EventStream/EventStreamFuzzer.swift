// SPDX-License-Identifier: Apache-2.0
@testable import AWSWire

/// First byte 1: frames whose checksums are set right, 2: messages to be made and read back; else the bytes as they are.
func fuzz(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    switch input.byte() {
    case 1:
        let cuts = FuzzInput(Array(bytes.suffix(16)))
        decode(repaired(input.remainder()), cuts)
    case 2: roundTrip(&input)
    default: decode(input.remainder(), FuzzInput(Array(bytes.prefix(16))))
    }
}

private func read(_ pieces: [[UInt8]]) -> (messages: [EventStreamMessage], failure: String?) {
    var decoder = EventStreamDecoder()
    var messages: [EventStreamMessage] = []
    for piece in pieces {
        decoder.append(piece)
        do throws(EventStreamDecoder.Malformed) {
            while let message = try decoder.next() { messages.append(message) }
        } catch {
            return (messages, error.description)
        }
    }
    return (messages, nil)
}

private func decode(_ bytes: [UInt8], _ cuts: FuzzInput) {
    var cuts = cuts
    let whole = read([bytes])
    let cut = read(cuts.cut(bytes))
    expect(whole.messages == cut.messages && whole.failure == cut.failure, "it matters how the bytes are cut")
    let written = whole.messages.flatMap(\.bytes)
    expect(bytes.starts(with: written), "what was read is not what is written")
}

private func roundTrip(_ input: inout FuzzInput) {
    var messages: [EventStreamMessage] = []
    for _ in 0..<(1 + input.below(4)) {
        var headers: [(name: String, value: String)] = []
        for number in 0..<input.below(6) {
            // A name has 255 bytes at the most; text that was no UTF-8 has grown.
            let name = "\(number)" + String(input.text(60).unicodeScalars.prefix(60))
            headers.append((name, input.text()))
        }
        messages.append(EventStreamMessage(headers: headers, payload: input.bytes()))
    }
    let bytes = messages.flatMap(\.bytes)
    let result = read(input.cut(bytes))
    expect(result.failure == nil && result.messages == messages, "a message does not come back")
}

/// Walks along the lengths as they are, and puts right checksums behind them.
private func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 0
    while start + 16 <= bytes.count {
        // A length that leads nowhere becomes the rest.
        var length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        if length < 16 || length > bytes.count - start { length = bytes.count - start }
        bytes.replaceSubrange(start..<start + 4, with: bigEndian(UInt32(length)))
        if bytes[start + 4] != 0 { bytes[start + 4] = 0 }
        bytes.replaceSubrange(start + 8..<start + 12, with: bigEndian(CRC32.checksum(bytes[start..<start + 8])))
        let end = start + length - 4
        bytes.replaceSubrange(end..<end + 4, with: bigEndian(CRC32.checksum(bytes[start..<end])))
        start += length
    }
    return bytes
}

private func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
