// SPDX-License-Identifier: Apache-2.0
import CZlib
import LambdaModel

/// An entry as it is in a journal file: a head of 32 bytes, numbers little-endian, and the entry.
///
/// Head: `MLJ1`, the file's salt (8), the sequence number (8), length (4) and CRC-32 (4) of what follows, CRC-32 of the head so far (4).
struct JournalFrame {
    static let headBytes = 32
    static let magic: [UInt8] = Array("MLJ1".utf8)
    private static let version: UInt8 = 1

    private(set) var bytes: [UInt8]
    private var checksum: UInt32 = 0

    /// All but the head.
    init(_ entry: JournalEntry, ingestedAt: Timestamp) {
        bytes = []
        bytes.reserveCapacity(Self.headBytes + 512 + Int(entry.bytes))
        bytes.append(contentsOf: repeatElement(0, count: Self.headBytes))
        bytes.append(Self.version)
        append(ingestedAt)
        append(entry.group.accountID)
        append(entry.group.region)
        append(entry.group.name)
        append(entry.stream)
        append(entry.events.count)
        for event in entry.events {
            append(event.timestamp)
            append(event.message)
        }
        append(entry.usage == nil ? 0 : 1)
        if let usage = entry.usage { append(usage) }
        checksum = Self.checksum(bytes, Self.headBytes..<bytes.count)
    }

    /// Writes the head.
    mutating func seal(salt: UInt64, sequence: UInt64) {
        let length = UInt32(bytes.count - Self.headBytes)
        bytes.replaceSubrange(0..<4, with: Self.magic)
        set(salt, at: 4)
        set(sequence, at: 12)
        set(length, at: 20)
        set(checksum, at: 24)
        set(Self.checksum(bytes, 0..<28), at: 28)
    }

    static func checksum(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        bytes.withUnsafeBufferPointer { bytes in
            UInt32(crc32(0, UnsafeBufferPointer(rebasing: bytes[range]).baseAddress, uInt(range.count)))
        }
    }

    private mutating func set(_ number: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: number.littleEndian) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }

    // MARK: - The entry

    private mutating func append(_ text: String) {
        append(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ number: Int) { append(Int64(number)) }

    private mutating func append(_ number: Int64) { Varint.append(signed: number, to: &bytes) }

    private mutating func append(_ time: Timestamp) { append(time.millisecondsSinceEpoch) }

    private mutating func append(_ usage: UsageRecord) {
        append(usage.requestID)
        append(usage.function.accountID)
        append(usage.function.region)
        append(usage.function.name)
        append(usage.version)
        append(usage.startedAt)
        append(usage.memoryMiB)
        append(usage.durationMicroseconds)
        append(usage.billedMilliseconds)
        append(usage.initMicroseconds ?? -1)
        append(usage.maxMemoryUsedMiB)
        append(usage.ephemeralStorageMiB)
        append(usage.egressBytes)
        append(usage.ingressBytes)
        append(usage.outcome)
        append(usage.architecture.rawValue)
        append(usage.executedEnvironmentID)
        switch usage.origin {
        case .synchronous: append(-1)
        case .asynchronous: append(-2)
        case .eventSource(let records): append(records)
        }
        append(usage.isProvisioned ? 1 : 0)
    }

    /// The entry of a frame, from behind its head; nil for what is none.
    static func entry(_ bytes: UnsafeBufferPointer<UInt8>) -> (entry: JournalEntry, ingestedAt: Timestamp)? {
        guard bytes.first == version else { return nil }
        var reader = EntryReader(bytes)
        guard let ingestedAt = reader.time(), let accountID = reader.text(), let region = reader.text(),
            let name = reader.text(), let stream = reader.text(), let count = reader.number(),
            (0...Int64(bytes.count)).contains(count)
        else { return nil }
        var events: [LogEvent] = []
        for _ in 0..<count {
            guard let time = reader.time(), let message = reader.text() else { return nil }
            events.append(LogEvent(timestamp: time, message: message))
        }
        var usage: UsageRecord?
        switch reader.number() {
        case 0: break
        case 1:
            usage = reader.usage()
            guard usage != nil else { return nil }
        default: return nil
        }
        guard reader.isAtEnd else { return nil }
        let group = LogGroupKey(accountID: accountID, region: region, name: name)
        return (JournalEntry(group: group, stream: stream, events: events, usage: usage), ingestedAt)
    }
}

/// Takes an entry apart.
private struct EntryReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var numbers = Varint(offset: 1)

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { numbers.offset == bytes.count }

    mutating func number() -> Int64? { numbers.signed(bytes) }

    mutating func time() -> Timestamp? { number().map(Timestamp.init(millisecondsSinceEpoch:)) }

    mutating func text() -> String? {
        guard let count = number(), count >= 0, count <= bytes.count - numbers.offset else { return nil }
        let range = numbers.offset..<numbers.offset + Int(count)
        numbers = Varint(offset: range.upperBound)
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    mutating func usage() -> UsageRecord? {
        guard let requestID = text(), let accountID = text(), let region = text(), let name = text(),
            let version = text(), let startedAt = time(), let memory = number(), let duration = number(),
            let billed = number(), let initialization = number(), let used = number(), let storage = number(),
            let egress = number(), let ingress = number(), let outcome = text(),
            let architecture = text().flatMap(Architecture.init(rawValue:)), let environment = text(),
            let origin = origin(), let provisioned = number()
        else { return nil }
        return UsageRecord(
            requestID: requestID,
            function: FunctionKey(accountID: accountID, region: region, name: name),
            version: version,
            startedAt: startedAt,
            memoryMiB: Int(memory),
            durationMicroseconds: duration,
            billedMilliseconds: billed,
            initMicroseconds: initialization < 0 ? nil : initialization,
            maxMemoryUsedMiB: Int(used),
            ephemeralStorageMiB: Int(storage),
            egressBytes: egress,
            ingressBytes: ingress,
            outcome: outcome,
            architecture: architecture,
            executedEnvironmentID: environment,
            origin: origin,
            isProvisioned: provisioned != 0
        )
    }

    private mutating func origin() -> InvocationOrigin? {
        switch number() {
        case -1: .synchronous
        case -2: .asynchronous
        case .some(let records) where records >= 0: .eventSource(records: Int(records))
        default: nil
        }
    }
}
