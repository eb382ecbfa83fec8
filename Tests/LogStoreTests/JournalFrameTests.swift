// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import TestSupport
import Testing

@testable import LogStore

func usage(_ requestID: String) -> UsageRecord {
    UsageRecord(
        requestID: requestID,
        function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
        version: "$LATEST",
        startedAt: Timestamp(4_000),
        memoryMiB: 128,
        durationMicroseconds: 1_234,
        billedMilliseconds: 2,
        initMicroseconds: 17,
        maxMemoryUsedMiB: 40,
        ephemeralStorageMiB: 512,
        egressBytes: 3,
        ingressBytes: .max,
        outcome: "success",
        architecture: .arm64,
        executedEnvironmentID: "s"
    )
}

/// Of an entry with this salt and number.
func frame(_ entry: JournalEntry, salt: UInt64 = 7, _ sequence: UInt64) -> [UInt8] {
    var frame = JournalFrame(entry, ingestedAt: Timestamp(5_000))
    frame.seal(salt: salt, sequence: sequence)
    return frame.bytes
}

struct JournalFrameTests {
    private let entries = [
        JournalEntry(group: group, stream: "s", events: [event(1, "a\0ü🐦"), event(-5, "")], usage: usage("r")),
        JournalEntry(group: group, stream: "", events: [], usage: nil),
        JournalEntry(group: group, stream: "t", events: [event(2, "b")], usage: nil),
    ]

    private var bytes: [UInt8] { entries.enumerated().flatMap { frame($1, UInt64($0) + 10) } }

    @Test func `what is written is read`() {
        let scan = JournalScan(bytes)
        #expect(scan.found.map(\.entry) == entries)
        #expect(scan.found.map(\.sequence) == [10, 11, 12])
        #expect(scan.found.allSatisfy { $0.ingestedAt == Timestamp(5_000) })
        #expect(scan.salt == 7 && scan.soundBytes == bytes.count && !scan.isDamaged)
        #expect(JournalScan([]).found.isEmpty)
        for origin in [InvocationOrigin.asynchronous, .eventSource(records: 0), .eventSource(records: 300)] {
            var other = usage("r")
            (other.initMicroseconds, other.origin, other.isProvisioned) = (nil, origin, true)
            let entry = JournalEntry(group: group, stream: "s", events: [], usage: other)
            #expect(JournalScan(frame(entry, 1)).found.map(\.entry) == [entry])
        }
    }

    @Test func `wherever it ends, what is whole is read, and the end is no damage`() {
        let ends = entries.indices.map { index in
            (0...index).reduce(0) { $0 + frame(entries[$1], UInt64($1) + 10).count }
        }
        for count in 0..<bytes.count {
            let scan = JournalScan(Array(bytes[..<count]))
            #expect(scan.found.count == ends.filter { $0 <= count }.count)
            #expect(!scan.isDamaged, "\(count)")
            // As file systems may leave it; an entry may end with zeros itself.
            let padded = JournalScan(bytes[..<count] + [UInt8](repeating: 0, count: 100))
            #expect(padded.found.count >= scan.found.count && !padded.isDamaged)
        }
    }

    @Test func `one bit that is wrong is damage, what is before it is read, and nothing of what follows`() {
        let first = frame(entries[0], 10).count
        let last = bytes.count - frame(entries[2], 12).count
        var random = SplitMix64(seed: 1)
        for index in bytes.indices {
            var wrong = bytes
            wrong[index] ^= 1 << UInt8(random.below(8))
            let scan = JournalScan(wrong)
            #expect(scan.found.count == (index < first ? 0 : index < last ? 1 : 2))
            #expect(scan.isDamaged == (index < last), "\(index)")
        }
    }

    @Test func `what an earlier file or a message has that looks like a frame is none`() {
        let text = entry([event(1, String(repeating: "MLJ1", count: 100))])
        let (own, earlier) = (frame(text, 10), frame(entries[2], salt: 6, 11))
        for end in [own.count - 1, own.count] {
            let scan = JournalScan(frame(entries[0], 9) + own[..<end] + earlier)
            #expect(scan.found.count == (end == own.count ? 2 : 1))
            #expect(!scan.isDamaged)
        }
    }

    @Test func `numbers grow`() {
        let grown = JournalScan(frame(entries[0], 5) + frame(entries[1], 7))
        #expect(grown.found.map(\.sequence) == [5, 7] && !grown.isDamaged)
        let repeated = JournalScan(frame(entries[0], 5) + frame(entries[1], 5))
        #expect(repeated.found.map(\.sequence) == [5] && repeated.isDamaged)
    }

    @Test func `a number that leaves no next one is none`() {
        for number in [UInt64.max, UInt64(Int64.max)] {
            let scan = JournalScan(frame(entries[0], 5) + frame(entries[1], number))
            #expect(scan.found.map(\.sequence) == [5] && scan.isDamaged)
        }
    }

    @Test func `any bytes are read without a trap`() {
        var random = SplitMix64(seed: 2)
        for _ in 0..<2_000 {
            // A whole head, and hostile contents with the right sums.
            var body = Array(bytes[JournalFrame.headBytes..<frame(entries[0], 10).count])
            for _ in 0...random.below(4) { body[random.below(body.count)] = UInt8(truncatingIfNeeded: random.next()) }
            body.removeLast(random.below(8))
            _ = body.withUnsafeBufferPointer { JournalFrame.entry($0) }
            let noise = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            _ = JournalScan(noise)
            _ = JournalScan(JournalFrame.magic + noise)
        }
    }
}
