// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

struct AsyncRetryPolicyTests {
    private let policy = AsyncRetryPolicy()
    private let settings = AsyncRetryPolicy.Settings()

    @Test func `a function error is tried again after a minute, and after two`() {
        func decide(_ errors: Int) -> AsyncRetryPolicy.Decision {
            policy.decide(.functionError, errors: errors, delays: 0, age: .seconds(1), settings)
        }
        #expect(decide(1) == .retry(after: .seconds(60)))
        #expect(decide(2) == .retry(after: .seconds(120)))
        #expect(decide(3) == .end(.retriesExhausted))
        let none = AsyncRetryPolicy.Settings(retriesMax: 0)
        #expect(
            policy.decide(.functionError, errors: 1, delays: 0, age: .zero, none) == .end(.retriesExhausted)
        )
    }

    @Test func `throttling waits from a second to five minutes, and uses up no attempt`() {
        let delays = (1...12).map { delays in
            policy.decide(.throttled, errors: 2, delays: delays, age: .seconds(1), settings)
        }
        let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        #expect(delays == seconds.map { .retry(after: .seconds($0)) })
        #expect(
            policy.decide(.machineFailed, errors: 0, delays: 1_000, age: .zero, settings)
                == .retry(after: .seconds(300))
        )
    }

    @Test func `an event fails when the next wait would pass its age`() {
        let short = AsyncRetryPolicy.Settings(ageMax: .seconds(60))
        #expect(policy.decide(.functionError, errors: 1, delays: 0, age: .zero, short) == .end(.eventAgeExceeded))
        #expect(policy.decide(.throttled, errors: 0, delays: 1, age: .seconds(58), short) == .retry(after: .seconds(1)))
        #expect(policy.decide(.throttled, errors: 0, delays: 1, age: .seconds(59), short) == .end(.eventAgeExceeded))
        #expect(policy.isTooOld(age: .seconds(60), short) && !policy.isTooOld(age: .seconds(59), short))
        #expect(policy.decide(.succeeded, errors: 0, delays: 0, age: .seconds(99), short) == .end(.success))
    }
}

struct AsyncBacklogTests {
    private func key(
        _ name: String,
        of account: String = "000000000000",
        in region: String = "us-east-1"
    ) -> FunctionKey {
        FunctionKey(accountID: account, region: region, name: name)
    }

    private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }

    private func add(_ backlog: inout AsyncBacklog, _ ids: ClosedRange<Int64>, of function: FunctionKey, due: Int64 = 0)
    {
        for id in ids { backlog.add(id, of: function, due: time(due), bytes: 1) }
    }

    private func order(_ backlog: inout AsyncBacklog, at now: Int64) -> [Int64] {
        var order: [Int64] = []
        while let (id, _) = backlog.next(at: time(now)) { order.append(id) }
        return order
    }

    @Test func `functions take turns, and of one the first due is first`() {
        var backlog = AsyncBacklog(countMax: 100, attemptsMax: 100, attemptsOfOneMax: 100)
        add(&backlog, 1...3, of: key("a"), due: 10)
        add(&backlog, 4...4, of: key("b"), due: 10)
        add(&backlog, 5...5, of: key("a"), due: 5)
        #expect(order(&backlog, at: 10) == [5, 4, 1, 2, 3])
    }

    @Test func `accounts take turns, however many functions and regions one has`() {
        var backlog = AsyncBacklog(countMax: 100, attemptsMax: 100, attemptsOfOneMax: 100)
        let regions = ["us-east-1", "eu-west-1", "eu-north-1"]
        for id in Int64(1)...6 { add(&backlog, id...id, of: key("f\(id)", in: regions[Int(id) % 3])) }
        add(&backlog, 7...8, of: key("g", of: "111111111111"))
        #expect(order(&backlog, at: 0) == [1, 7, 2, 8, 3, 4, 5, 6])
    }

    @Test func `an account leaves attempts to the others`() {
        var backlog = AsyncBacklog(countMax: 100, attemptsMax: 4, attemptsOfOneMax: 100)
        add(&backlog, 1...20, of: key("a"))
        #expect(order(&backlog, at: 0).count == 4)
        #expect(backlog.nextDue == nil)
        add(&backlog, 21...40, of: key("b", of: "111111111111"))
        #expect(order(&backlog, at: 0) == [21, 22])
        add(&backlog, 41...41, of: key("c", of: "222222222222"))
        #expect(order(&backlog, at: 0) == [41])
    }

    @Test func `an account leaves room to the others, in number and in bytes`() {
        var backlog = AsyncBacklog(countMax: 3, bytesMax: 100, attemptsMax: 9, attemptsOfOneMax: 9)
        let (one, other) = (key("a"), key("b", of: "111111111111"))
        func reserve(_ function: FunctionKey, bytes: Int = 1) -> Bool { backlog.reserve(for: function, bytes: bytes) }
        let first = (0..<4).map { _ in reserve(one) }
        #expect(first == [true, true, true, false])
        let others = (0..<3).map { _ in reserve(other) }
        #expect(others == [true, true, false])
        for _ in 0..<3 { backlog.cancel(for: one, bytes: 1) }
        #expect(backlog.count == 2)
        let large = (0..<2).map { _ in reserve(one, bytes: 99) }
        #expect(large == [true, false])
        backlog.cancel(for: one, bytes: 99)
        // What is reserved counts once.
        let again = reserve(one)
        backlog.add(1, of: one, due: time(0), bytes: 1, isReserved: true)
        #expect(again && backlog.count == 3)
    }

    @Test func `bounds hold one up and not the other`() {
        var backlog = AsyncBacklog(countMax: 4, attemptsMax: 3, attemptsOfOneMax: 1)
        add(&backlog, 1...3, of: key("a"))
        add(&backlog, 4...4, of: key("b"), due: 7)
        #expect(order(&backlog, at: 0) == [1])
        #expect(backlog.nextDue == time(7))
        #expect(order(&backlog, at: 7) == [4])
        backlog.putBack(1, of: key("a"), due: time(20))
        #expect(order(&backlog, at: 7) == [2])
        backlog.remove(2, of: key("a"))
        backlog.remove(4, of: key("b"))
        #expect(backlog.count == 2 && backlog.attempts == 0)
        #expect(order(&backlog, at: 7) == [3])
        backlog.remove(3, of: key("a"))
        #expect(order(&backlog, at: 19).isEmpty && backlog.nextDue == time(20))
        #expect(order(&backlog, at: 20) == [1])
    }

    @Test func `an outcome that can't be written waits, and its attempt isn't made again`() {
        var backlog = AsyncBacklog(countMax: 9, attemptsMax: 1, attemptsOfOneMax: 1)
        add(&backlog, 1...2, of: key("a"))
        #expect(order(&backlog, at: 0) == [1])
        var now: Int64 = 0
        for delay in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] as [Int64] {
            backlog.settleLater(1, at: time(now))
            #expect(backlog.nextDue == time(now + delay))
            #expect(backlog.nextSettlement(at: time(now + delay - 1)) == nil)
            now += delay
            // It holds its place.
            #expect(order(&backlog, at: now).isEmpty && backlog.attempts == 1)
            #expect(backlog.nextSettlement(at: time(now)) == 1)
            #expect(backlog.nextSettlement(at: time(now)) == nil && backlog.nextDue == nil)
        }
        backlog.remove(1, of: key("a"))
        #expect(order(&backlog, at: now) == [2])
    }

    @Test func `a clock that is set back holds up nobody whose attempt found no room`() {
        var backlog = AsyncBacklog(countMax: 9, attemptsMax: 9, attemptsOfOneMax: 1)
        add(&backlog, 1...2, of: key("a"))
        #expect(order(&backlog, at: 100_000) == [1])
        backlog.throttled(1, of: key("a"), in: .function, at: time(100_000))
        backlog.putBack(1, of: key("a"), due: time(101_000))
        #expect(order(&backlog, at: 100_999).isEmpty)
        #expect(order(&backlog, at: 50_000) == [2])
    }

    /// Every event comes to its end once, in time, whatever the outcomes; no function waits behind another one's backlog.
    @Test(arguments: 1...50)
    func `random histories lose nothing`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let attemptsOfOneMax = 1 + random.below(4)
        let attemptsMax = 4 + random.below(8)
        var backlog = AsyncBacklog(countMax: 1_000, attemptsMax: attemptsMax, attemptsOfOneMax: attemptsOfOneMax)
        var waiting: [Int64: (function: FunctionKey, due: Int64)] = [:]
        var running: [(id: Int64, function: FunctionKey)] = []
        var unsettled: [Int64: FunctionKey] = [:]
        var ended: Set<Int64> = []
        var next: Int64 = 1
        var now: Int64 = 0
        for _ in 0..<2_000 {
            switch random.below(5) {
            case 0:
                let function = key("f\(random.below(5))", of: "\(random.below(3))")
                guard backlog.reserve(for: function, bytes: 10) else { continue }
                let due = now + Int64(random.below(30))
                backlog.add(next, of: function, due: time(due), bytes: 10, isReserved: true)
                waiting[next] = (function, due)
                next += 1
            case 1:
                while let (id, function) = backlog.next(at: time(now)) {
                    let expected = waiting.removeValue(forKey: id)
                    #expect(expected?.function == function && expected.map { $0.due <= now } == true, "seed \(seed)")
                    running.append((id, function))
                }
                let inHand = running.map(\.function) + unsettled.values
                let free = waiting.values.filter { entry in
                    let own = inHand.count { $0.accountID == entry.function.accountID }
                    return entry.due <= now && inHand.count { $0 == entry.function } < attemptsOfOneMax
                        && own + 1 <= attemptsMax * 2 - inHand.count
                }
                #expect(free.isEmpty, "seed \(seed)")
            case 2 where !running.isEmpty:
                let (id, function) = running.remove(at: random.below(running.count))
                switch random.below(3) {
                case 0:
                    let due = now + Int64(random.below(60))
                    backlog.putBack(id, of: function, due: time(due))
                    waiting[id] = (function, due)
                case 1:
                    backlog.settleLater(id, at: time(now))
                    unsettled[id] = function
                default:
                    backlog.remove(id, of: function)
                    #expect(ended.insert(id).inserted, "seed \(seed)")
                }
            case 3:
                while let id = backlog.nextSettlement(at: time(now)) {
                    guard let function = unsettled.removeValue(forKey: id) else {
                        Issue.record("event \(id) had no outcome, seed \(seed)")
                        break
                    }
                    running.append((id, function))
                }
            default: now += Int64(random.below(random.oneIn(10) ? 5_000 : 10))
            }
            let inHand = running.count + unsettled.count
            #expect(backlog.count == waiting.count + inHand && backlog.attempts == inHand, "seed \(seed)")
        }
        #expect(ended.count + waiting.count + running.count + unsettled.count == Int(next) - 1, "seed \(seed)")
    }
}
