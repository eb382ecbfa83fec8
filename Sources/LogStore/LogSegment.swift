// SPDX-License-Identifier: Apache-2.0
import CZlib
import Foundation

/// Where an event is among its group's: by time, then by ingestion.
struct EventKey: Comparable, Sendable {
    var timestamp: Int64
    var id: Int64

    static func < (left: EventKey, right: EventKey) -> Bool {
        left.timestamp < right.timestamp || left.timestamp == right.timestamp && left.id < right.id
    }

    /// The first of that time.
    static func start(of timestamp: Int64) -> EventKey { EventKey(timestamp: timestamp, id: 0) }

    /// The next one that may be.
    var successor: EventKey { EventKey(timestamp: timestamp, id: id &+ 1) }
}

/// Events of one group in the order of their keys, packed and compressed together.
struct LogSegment {
    struct Entry {
        var key: EventKey
        var stream: Int64
        var ingestionTime: Int64
        /// Of the message in `messages`.
        var range: Range<Int>
    }

    /// Of a segment that is made: as many, or as many bytes of messages, as come first.
    ///
    /// Appends wait while it takes the place of its rows, some hundredths of a second.
    static let eventsMax = 2_048
    static let bytesMax = 256 << 10

    private(set) var entries: [Entry] = []
    private(set) var messages: [UInt8] = []

    init() {}

    var isFull: Bool { entries.count >= Self.eventsMax || messages.count >= Self.bytesMax }

    var streams: Set<Int64> { Set(entries.map(\.stream)) }

    /// As `JournalEntry` counts.
    var countedBytes: Int64 { Int64(messages.count) + Int64(entries.count) * LogStore.eventOverheadBytes }

    /// Keys only grow.
    mutating func append(_ key: EventKey, stream: Int64, ingestionTime: Int64, message: some Sequence<UInt8>) {
        let start = messages.count
        messages += message
        entries.append(
            Entry(key: key, stream: stream, ingestionTime: ingestionTime, range: start..<messages.count)
        )
    }

    /// nil where nothing is left.
    func without(streams: Set<Int64>) -> LogSegment? {
        var rest = LogSegment()
        for entry in entries where !streams.contains(entry.stream) {
            rest.append(
                entry.key,
                stream: entry.stream,
                ingestionTime: entry.ingestionTime,
                message: messages[entry.range]
            )
        }
        return rest.entries.isEmpty ? nil : rest
    }

    // MARK: - Bytes

    private static let version: UInt8 = 1
    /// zlib's fastest: what it saves less than the default is little, and it is three times as fast.
    private static let level: CInt = 1

    /// Compressed, and the length before that.
    func packed() throws(LogStoreError) -> (payload: Data, plainBytes: Int) {
        var plain: [UInt8] = [Self.version]
        plain.reserveCapacity(messages.count + 12 * entries.count)
        let numbers = Dictionary(uniqueKeysWithValues: streams.sorted().enumerated().map { ($1, $0) })
        Varint.append(UInt64(entries.count), to: &plain)
        Varint.append(UInt64(numbers.count), to: &plain)
        for stream in numbers.keys.sorted() { Varint.append(signed: stream, to: &plain) }
        var last = EventKey(timestamp: 0, id: 0)
        for entry in entries {
            Varint.append(signed: entry.key.timestamp &- last.timestamp, to: &plain)
            Varint.append(signed: entry.key.id &- last.id, to: &plain)
            Varint.append(signed: entry.ingestionTime &- entry.key.timestamp, to: &plain)
            Varint.append(UInt64(numbers[entry.stream] ?? 0), to: &plain)
            Varint.append(UInt64(entry.range.count), to: &plain)
            last = entry.key
        }
        plain += messages
        var length = compressBound(uLong(plain.count))
        var payload = Data(count: Int(length))
        let code = payload.withUnsafeMutableBytes { target in
            compress2(target.bindMemory(to: UInt8.self).baseAddress, &length, plain, uLong(plain.count), Self.level)
        }
        guard code == Z_OK else { throw .failed(message: "zlib error \(code) while a segment was packed") }
        payload.removeLast(payload.count - Int(length))
        return (payload, plain.count)
    }

    /// - Throws: `LogStoreError.failed` for what `packed` did not make.
    init(payload: Data, plainBytes: Int) throws(LogStoreError) {
        let damaged = LogStoreError.failed(message: "a segment of log events is damaged")
        // No more than DEFLATE can make of so much (RFC 1951).
        guard plainBytes > 0, plainBytes / 1_100 <= payload.count else { throw damaged }
        var length = uLongf(plainBytes)
        var code = Z_DATA_ERROR
        var plain = [UInt8](unsafeUninitializedCapacity: plainBytes) { target, count in
            code = payload.withUnsafeBytes { source in
                uncompress(
                    target.baseAddress,
                    &length,
                    source.bindMemory(to: UInt8.self).baseAddress,
                    uLong(payload.count)
                )
            }
            count = code == Z_OK ? Int(length) : 0
        }
        guard code == Z_OK, plain.count == plainBytes, plain[0] == Self.version else { throw damaged }
        var reader = Varint(offset: 1)
        var entries: [Entry] = []
        let isSound = plain.withUnsafeBufferPointer { plain -> Bool in
            guard let count = reader.next(plain), let streams = reader.next(plain),
                count <= UInt64(plainBytes), streams <= count
            else { return false }
            var names: [Int64] = []
            for _ in 0..<streams {
                guard let stream = reader.signed(plain) else { return false }
                names.append(stream)
            }
            entries.reserveCapacity(Int(count))
            var key = EventKey(timestamp: 0, id: 0)
            var end = 0
            for _ in 0..<count {
                guard let time = reader.signed(plain), let id = reader.signed(plain),
                    let delay = reader.signed(plain), let stream = reader.next(plain),
                    let length = reader.next(plain), stream < names.count, length <= UInt64(plainBytes)
                else { return false }
                key = EventKey(timestamp: key.timestamp &+ time, id: key.id &+ id)
                entries.append(
                    Entry(
                        key: key,
                        stream: names[Int(stream)],
                        ingestionTime: key.timestamp &+ delay,
                        range: end..<end + Int(length)
                    )
                )
                end += Int(length)
            }
            return end == plain.count - reader.offset
        }
        guard isSound else { throw damaged }
        plain.removeFirst(reader.offset)
        self.entries = entries
        messages = plain
    }
}

/// Numbers of seven bits a byte, the lowest first, as Protocol Buffers have them.
struct Varint {
    private(set) var offset: Int

    init(offset: Int) { self.offset = offset }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    static func append(signed number: Int64, to bytes: inout [UInt8]) {
        append(UInt64(bitPattern: number << 1 ^ number >> 63), to: &bytes)
    }

    mutating func next(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count, shift < 64 {
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            guard byte >= 0x80 else { return value }
            shift += 7
        }
        return nil
    }

    mutating func signed(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        next(bytes).map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }
}
