// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import TestSupport
import Testing

/// File systems for /tmp ahead of need, event by event; numbers are given out from 1.
struct TemporaryPoolTests {
    private typealias Pool = TemporaryPool
    private let start = MonotonicTime(nanoseconds: 0)

    /// Does what the pool asks for until it waits; gives what that was.
    private func settle(_ pool: inout TemporaryPool, at now: MonotonicTime) -> [TemporaryPool.Command] {
        var commands: [TemporaryPool.Command] = []
        while true {
            let command = pool.next(at: now)
            commands.append(command)
            switch command {
            case .prepare: pool.prepared()
            case .discard: continue
            case .wait: return commands
            }
        }
    }

    @Test func `the default size is there before anybody asked`() {
        var pool = Pool(settings: .init(readyMax: 2, refillDelay: .zero), at: start)
        #expect(
            settle(&pool, at: start) == [
                .prepare(number: 1, sizeMiB: 512), .prepare(number: 2, sizeMiB: 512), .wait(until: nil),
            ]
        )
        #expect(pool.ready(sizeMiB: 512) == 2)
        #expect(settle(&pool, at: start + .seconds(1_000_000)) == [.wait(until: nil)])
    }

    @Test func `one at a time`() {
        var pool = Pool(at: start)
        #expect(pool.next(at: start) == .prepare(number: 1, sizeMiB: 512))
        #expect(pool.next(at: start) == .wait(until: nil))
        pool.prepared()
        #expect(pool.next(at: start) == .prepare(number: 2, sizeMiB: 512))
    }

    @Test func `what is taken is replaced when the sandbox stands and a moment has gone, not before`() {
        var pool = Pool(settings: .init(readyMax: 2, refillDelay: .seconds(1)), at: start)
        _ = settle(&pool, at: start)
        #expect(pool.take(sizeMiB: 512, at: start) == .ready(2))
        #expect(pool.take(sizeMiB: 512, at: start) == .ready(1))
        #expect(pool.take(sizeMiB: 512, at: start) == .missing(3))
        for _ in 0..<3 {
            #expect(pool.next(at: start + .seconds(1)) == .wait(until: nil))
            pool.sandboxEnded()
        }
        #expect(pool.next(at: start) == .wait(until: start + .seconds(1)))
        #expect(
            settle(&pool, at: start + .seconds(1)) == [
                .prepare(number: 4, sizeMiB: 512), .prepare(number: 5, sizeMiB: 512), .wait(until: nil),
            ]
        )
    }

    @Test func `one taker after another does not put the replacement off`() {
        var pool = Pool(settings: .init(readyMax: 2, refillDelay: .seconds(3)), at: start)
        _ = settle(&pool, at: start)
        for second in 1...3 {
            _ = pool.take(sizeMiB: 512, at: start + .seconds(second))
            pool.sandboxEnded()
            #expect(pool.next(at: start + .seconds(second)) == .wait(until: start + .seconds(4)))
        }
        #expect(pool.next(at: start + .seconds(4)) == .prepare(number: 4, sizeMiB: 512))
    }

    @Test func `another size is kept from its first use on, and given back when nobody takes it`() {
        var pool = Pool(settings: .init(readyMax: 1, refillDelay: .zero, keepUnused: .seconds(10)), at: start)
        _ = settle(&pool, at: start)
        #expect(pool.take(sizeMiB: 1_024, at: start + .seconds(1)) == .missing(2))
        pool.sandboxEnded()
        let expiry = start + .seconds(11)
        #expect(
            settle(&pool, at: start + .seconds(1)) == [.prepare(number: 3, sizeMiB: 1_024), .wait(until: expiry)]
        )
        #expect(settle(&pool, at: start + .seconds(10)) == [.wait(until: expiry)])
        #expect(settle(&pool, at: expiry) == [.discard(number: 3), .wait(until: nil)])
        #expect(pool.ready(sizeMiB: 512) == 1)
    }

    @Test func `the size that was longest unused gives way to a new one, the default size never`() {
        var pool = Pool(settings: .init(readyMax: 1, sizesMax: 3, refillDelay: .zero), at: start)
        for (second, size) in [600, 700, 800].enumerated() {
            _ = pool.take(sizeMiB: size, at: start + .seconds(second))
            pool.sandboxEnded()
            _ = settle(&pool, at: start + .seconds(second))
        }
        #expect([512, 600, 700, 800].map { pool.ready(sizeMiB: $0) } == [1, 0, 1, 1])
        #expect(pool.readyTotal == 3)
    }

    @Test func `one that was made for a size that gave way is given back`() {
        var pool = Pool(settings: .init(readyMax: 1, sizesMax: 2, refillDelay: .zero), at: start)
        _ = settle(&pool, at: start)
        _ = pool.take(sizeMiB: 600, at: start)
        pool.sandboxEnded()
        #expect(pool.next(at: start) == .prepare(number: 3, sizeMiB: 600))
        _ = pool.take(sizeMiB: 700, at: start + .seconds(1))
        pool.prepared()
        #expect(pool.next(at: start + .seconds(1)) == .discard(number: 3))
    }

    @Test func `with room for the default size alone others are made on the spot`() {
        var pool = Pool(settings: .init(readyMax: 1, sizesMax: 1, refillDelay: .zero), at: start)
        _ = settle(&pool, at: start)
        #expect(pool.take(sizeMiB: 600, at: start) == .missing(2))
        pool.sandboxEnded()
        #expect(settle(&pool, at: start) == [.wait(until: nil)])
    }

    @Test func `after a failure it is tried again later, and a sandbox at once`() {
        var pool = Pool(settings: .init(readyMax: 1, refillDelay: .zero, retryDelay: .seconds(30)), at: start)
        #expect(pool.next(at: start) == .prepare(number: 1, sizeMiB: 512))
        pool.prepareFailed(at: start)
        #expect(pool.next(at: start) == .wait(until: start + .seconds(30)))
        #expect(pool.take(sizeMiB: 512, at: start + .seconds(1)) == .missing(2))
        pool.sandboxEnded()
        #expect(pool.next(at: start + .seconds(29)) == .wait(until: start + .seconds(30)))
        #expect(pool.next(at: start + .seconds(30)) == .prepare(number: 3, sizeMiB: 512))
    }

    /// 64 seeds of 2,000 steps.
    @Test(arguments: UInt64(0)..<64)
    func `in every order of events no number is had twice, and the bounds hold`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let settings = Pool.Settings(
            readyMax: 3,
            sizesMax: 3,
            refillDelay: .seconds(3),
            keepUnused: .seconds(40),
            retryDelay: .seconds(5)
        )
        var pool = Pool(settings: settings, at: start)
        var (used, ready): (Set<UInt64>, Set<UInt64>) = ([], [])
        var (preparing, inHand): (UInt64?, Int) = (nil, 0)
        for step in 0..<2_000 {
            let now = start + .seconds(step)
            switch random.below(6) {
            case 0:
                let taken = pool.take(sizeMiB: 512 + random.below(5), at: now)
                inHand += 1
                if case .ready(let number) = taken {
                    #expect(ready.remove(number) != nil, "seed \(seed), step \(step)")
                }
                #expect(used.insert(taken.number).inserted, "seed \(seed), step \(step)")
            case 1 where inHand > 0:
                pool.sandboxEnded()
                inHand -= 1
            case 2:
                guard let number = preparing else { continue }
                preparing = nil
                if random.oneIn(4) {
                    pool.prepareFailed(at: now)
                    used.insert(number)
                } else {
                    pool.prepared()
                    ready.insert(number)
                }
            default:
                switch pool.next(at: now) {
                case .prepare(let number, _):
                    #expect(preparing == nil && inHand == 0, "seed \(seed), step \(step)")
                    #expect(!used.contains(number) && !ready.contains(number), "seed \(seed), step \(step)")
                    preparing = number
                case .discard(let number):
                    #expect(ready.remove(number) != nil, "seed \(seed), step \(step)")
                    #expect(used.insert(number).inserted, "seed \(seed), step \(step)")
                case .wait(let time): #expect(time.map { $0 > now } ?? true, "seed \(seed), step \(step)")
                }
            }
            #expect(pool.readyTotal <= settings.readyMax * settings.sizesMax, "seed \(seed), step \(step)")
            #expect(pool.readyTotal <= ready.count, "seed \(seed), step \(step)")
        }
    }
}
