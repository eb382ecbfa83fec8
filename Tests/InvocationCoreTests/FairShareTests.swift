// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

struct FairShareTests {
    private func fill(_ share: inout FairShare, _ account: String) -> Int {
        var count = 0
        while share.take(for: account) { count += 1 }
        return count
    }

    @Test(arguments: [1, 2, 3, 8, 256])
    func `one that is alone gets half, the next one half of the rest`(oneMax: Int) {
        var share = FairShare(oneMax: oneMax)
        let (first, second) = (fill(&share, "a"), fill(&share, "b"))
        #expect(first == oneMax && second == (oneMax + 1) / 2)
        #expect(share.used <= share.total && share.held(by: "c") == 0)
    }

    @Test func `a hundred that are greedy leave something for another`() {
        var share = FairShare(oneMax: 256)
        for account in 0..<100 { _ = fill(&share, "\(account)") }
        // As soon as one of them gives something back.
        share.giveBack(2, for: "0")
        let isTaken = share.take(for: "late")
        #expect(isTaken)
    }

    @Test func `amounts`() {
        var share = FairShare(oneMax: 100)
        #expect(!share.hasRoom(201, for: "a"))
        // Large ones may go beyond the half that small ones get to.
        let taken = [
            share.take(150, for: "a"), share.take(1, for: "a"), share.take(50, for: "b"), share.take(1, for: "c"),
        ]
        #expect(taken == [true, false, true, false])
        share.giveBack(150, for: "a")
        share.giveBack(50, for: "b")
        #expect(share == FairShare(oneMax: 100))
    }

    @Test func `what is there already counts`() {
        var share = FairShare(oneMax: 2)
        share.add(10, for: "a")
        #expect(!share.hasRoom(for: "a") && !share.hasRoom(for: "b"))
        share.giveBack(9, for: "a")
        #expect(share.hasRoom(for: "b"))
    }

    /// However two accounts take and give back, the one that has less is never refused where the other is not.
    @Test(arguments: 1...50)
    func `who has less comes first`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var share = FairShare(oneMax: 1 + random.below(40))
        let accounts = ["a", "b", "c", "d"]
        for _ in 0..<2_000 {
            let account = accounts[random.below(4)]
            let held = share.held(by: account)
            if random.oneIn(2), held > 0 {
                share.giveBack(1 + random.below(held), for: account)
            } else {
                let room = share.hasRoom(for: account)
                let isTaken = share.take(for: account)
                #expect(isTaken == room, "seed \(seed)")
                for other in accounts where share.held(by: other) > share.held(by: account) {
                    #expect(!share.hasRoom(for: other) || share.hasRoom(for: account), "seed \(seed)")
                }
            }
            #expect(share.used <= share.total && share.used == accounts.map(share.held(by:)).reduce(0, +))
        }
    }
}
