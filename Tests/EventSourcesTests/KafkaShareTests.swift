// SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import EventSources

struct KafkaShareTests {
    private static let memoryMiB = 16

    @Test func `who is alone has what the setting says, and leaves as much to others`() {
        let share = KafkaShare(memoryMiB: Self.memoryMiB)
        // Three quarters of it, 768 KiB each.
        #expect(share.takePartitions(1_000, "a") == 16 && !share.hasPartition("a"))
        #expect(share.takePartitions(1_000, "b") == 8)
        // One topic more has one in any case.
        #expect(share.takePartitions(5, "a") == 0 && share.takePartitions(5, least: 1, "a") == 1)
        share.giveBackPartitions(17, "a")
        #expect(share.hasPartition("a") && share.takePartitions(3, "a") == 3)
        #expect(share.room("a") == 4 << 20)
        share.hold(4 << 20, "a")
        #expect(share.room("a") == 0 && share.room("b") == 2 << 20)
        share.hold(-4 << 20, "a")
        #expect(share.room("b") == 4 << 20)
        let topics = (0..<100).count { _ in share.takeTopic("a") }
        let others = (0..<100).count { _ in share.takeTopic("b") }
        #expect(topics == 64 && others == 32)
        for _ in 0..<64 { share.giveBackTopic("a") }
        #expect(share.takeTopic("c"))
    }

    /// Mappings come and go, read and are done with: together they never have more than twice the setting, but for what was there already.
    @Test(arguments: UInt64(0)..<20) func `no order of takers passes the bound`(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let share = KafkaShare(memoryMiB: Self.memoryMiB)
        let accounts = ["a", "b", "c"]
        var mappings: [(mailbox: KafkaMailbox, places: Int, held: Int)] = []
        for _ in 0..<500 {
            switch random.below(4) {
            case 0 where mappings.count < 20:
                let mailbox = try #require(KafkaMailbox(share, account: accounts[random.below(3)]))
                mappings.append((mailbox, mailbox.takePartitions(random.below(40)), 0))
            case 1 where !mappings.isEmpty:
                let gone = mappings.remove(at: random.below(mappings.count))
                gone.mailbox.giveBackPartitions(gone.places)
            case 2 where !mappings.isEmpty:
                let index = random.below(mappings.count)
                let bytes = min(mappings[index].mailbox.room, random.below(3 << 20))
                guard bytes > 0 else { break }
                mappings[index].mailbox.send(bytes)
                mappings[index].held += bytes
                mappings[index].mailbox.hold(mappings[index].held, settled: bytes)
            default:
                guard !mappings.isEmpty else { break }
                let index = random.below(mappings.count)
                mappings[index].held = random.below(mappings[index].held + 1)
                mappings[index].mailbox.hold(mappings[index].held)
            }
            let places = mappings.reduce(0) { $0 + $1.places } * KafkaConfiguration.partitionBytes
            let held = mappings.reduce(0) { $0 + $1.held }
            #expect(places + held <= 2 * Self.memoryMiB << 20, "seed \(seed)")
        }
        mappings = []
        #expect(share.room("a") == 4 << 20, "seed \(seed)")
    }

    @Test func `a librdkafka that is too old is named`() throws {
        try KafkaLibrary.check(0x0108_02ff)
        try KafkaLibrary.check(0x0200_02ff)
        let problem = #expect(throws: KafkaProblem.self) { try KafkaLibrary.check(0x0106_00ff) }
        #expect(problem?.text == "This server's librdkafka is 1.6.0; topics are read with 1.8.2 or newer.")
    }
}
