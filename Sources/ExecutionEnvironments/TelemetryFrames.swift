// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Reads the framed log of managed runtimes: four bytes of type, four of length, eight of microseconds since the epoch, all
/// big-endian, then the message.
///
/// The type is 0xA55A0002 (JSON) or 0xA55A0003 (text), with the level, 1 for TRACE to 6 for FATAL, above its two lowest bits.
/// The function may write to this pipe as well as the bootstrap: after a frame that is none, the rest is plain lines.
struct TelemetryFrames {
    /// What a frame says of its message.
    struct Frame: Equatable {
        var time: Timestamp
        /// nil where the type has none.
        var level: LogLevel?
    }

    private static let headerBytes = 16
    let eventBytesMax: Int
    /// What has come of a header, or of a frame's next part.
    private var buffer: [UInt8] = []
    /// The frame whose message is being read, and how much of that is to come.
    private var open: (frame: Frame, left: Int)?
    private var plain: LineSplitter
    private var isBroken = false

    init(eventBytesMax: Int) {
        self.eventBytesMax = eventBytesMax
        plain = LineSplitter(eventBytesMax: eventBytesMax)
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, _ emit: (ArraySlice<UInt8>, Frame?) -> Void) {
        guard !isBroken else { return plain.append(bytes) { emit($0, nil) } }
        buffer += bytes
        var start = 0
        while true {
            guard let (frame, left) = open else {
                guard buffer.count - start >= Self.headerBytes else { break }
                guard let next = header(at: start) else {
                    isBroken = true
                    let rest = buffer[start...]
                    buffer = []
                    return plain.append(rest) { emit($0, nil) }
                }
                start += Self.headerBytes
                open = next
                continue
            }
            // A message is passed on in parts of an event's size as they come: whatever length a frame claims, no more is held.
            let part = min(left, eventBytesMax)
            guard buffer.count - start >= part else { break }
            emit(buffer[start..<(start + part)], frame)
            start += part
            open = left > part ? (frame, left - part) : nil
        }
        buffer.removeFirst(start)
    }

    /// nil for bytes that are none.
    private func header(at start: Int) -> (frame: Frame, left: Int)? {
        let type = number(at: start, bytes: 4)
        let length = number(at: start + 4, bytes: 4)
        guard type & ~0b11101 == 0xA55A_0002, length <= 8 << 20 else { return nil }
        let time = Timestamp(millisecondsSinceEpoch: Int64(clamping: number(at: start + 8, bytes: 8) / 1_000))
        return (Frame(time: time, level: Self.level(Int(type >> 2 & 0b111))), Int(length))
    }

    private static func level(_ code: Int) -> LogLevel? {
        let levels = LogLevel.allCases
        return (1...levels.count).contains(code) ? levels[code - 1] : nil
    }

    private func number(at index: Int, bytes: Int) -> UInt64 {
        buffer[index..<index + bytes].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
