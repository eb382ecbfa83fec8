// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import StreamCore
import TestSupport
import Testing

struct SequenceNumberTests {
    /// Computed with Python's integers: int("2" + "066f1a0c0" + "3" + "000000000000002a" + "00" + "066f1a0c1" + "00000013" + "2", 16).
    @Test func `a number is written as Kinesis writes them`() {
        let number = SequenceNumber(shardCreated: 0x66F1_A0C0, shard: 0x13, record: 42, time: 0x66F1_A0C1)
        #expect(number.text == Self.expected)
        #expect(SequenceNumber(Self.expected) == number)
    }

    /// Those too: int("2" + "f" * 9 + "f" + "7" + "f" * 15 + "00" + "f" * 9 + "7fffffff" + "2", 16), and with zeros.
    @Test func `the largest and the smallest have as many digits`() {
        let largest = SequenceNumber(shardCreated: .max, shard: Int(Int32.max), record: .max, time: .max)
        #expect(largest.text == "73559785961551514828601391991642868751110021890170683378")
        let smallest = SequenceNumber(shardCreated: 0, shard: 0, record: 0, time: -1)
        #expect(smallest.text == "49039857307708443467467104868809893875799651909875269634")
    }

    private static let expected = "49656111233676908815632700368276485032805448163029680434"

    @Test(arguments: UInt64(0)..<64)
    func `what is written is read, and of one shard larger with each record`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<100 {
            let shard = Int.random(in: 0...Int(Int32.max), using: &random)
            let created = Int64.random(in: 0..<1 << 36, using: &random)
            let record = Int64.random(in: 0..<Int64.max - 1, using: &random)
            let time = Int64.random(in: 0..<1 << 36, using: &random)
            let first = SequenceNumber(shardCreated: created, shard: shard, record: record, time: time)
            // The clock may have been set back.
            let second = SequenceNumber(shardCreated: created, shard: shard, record: record + 1, time: 0)
            #expect(SequenceNumber(first.text) == first, "seed \(seed)")
            #expect(first.text.utf8.count == 56 && first.text < second.text, "seed \(seed)")
        }
    }

    @Test(arguments: [
        "", "0", "1", "-1", "+1", String(repeating: "9", count: 56), String(repeating: "9", count: 129),
        String(repeating: "0", count: 56), "4" + String(repeating: "9", count: 54) + "x",
        "４" + String(repeating: "9", count: 53),
    ])
    func `what is none is not read`(text: String) {
        #expect(SequenceNumber(text) == nil)
    }

    @Test(arguments: UInt64(0)..<64)
    func `digits that somebody makes up are refused, or are those of a number`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            let digits = (0..<56).map { _ in "0123456789".randomElement(using: &random) ?? "0" }
            let text = String(digits)
            if let number = SequenceNumber(text) { #expect(number.text == text, "seed \(seed)") }
        }
    }

    @Test func `a closed shard's last number is larger than those of its records`() {
        let time = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)
        let shard = Shard(number: 7, range: .all, created: 1_700_000_000, opened: time, closed: time)
        let record = shard.sequenceNumber(1 << 62, time)
        #expect(shard.firstSequenceNumber.text < record.text)
        #expect(shard.lastSequenceNumber.map { record.text < $0.text } == true)
    }
}
