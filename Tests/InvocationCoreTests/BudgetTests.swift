// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import TestSupport
import Testing

@Suite struct BudgetTests {
    private static let id = BudgetID(accountID: "000000000000", region: "us-east-1", name: "b")
    private static let function = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f")
    private static let day: Int64 = 86_400_000

    private static func time(_ milliseconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: milliseconds) }

    private static func use(requests: Int64 = 1, duration: Int64 = 0) -> UsageQuantities {
        var use = UsageQuantities()
        use.requests = requests
        use.x86.duration = duration
        return use
    }

    private static func budget(
        _ unit: Budget.Unit = .requests,
        limit: Int64 = 3_000_000,
        period: Budget.Period = .day
    ) -> Budget {
        Budget(scope: .function(name: "f"), unit: unit, limit: limit, period: period, action: .stop)
    }

    @Test func `months and days begin and end in UTC`() {
        // 2024-02-29T12:00:00Z
        let leap = Self.time(1_709_208_000_000)
        #expect(Budget.Period.month.range(at: leap).lowerBound.iso8601() == "2024-02-01T00:00:00.000Z")
        #expect(Budget.Period.month.range(at: leap).upperBound.iso8601() == "2024-03-01T00:00:00.000Z")
        #expect(Budget.Period.day.range(at: leap).lowerBound.iso8601() == "2024-02-29T00:00:00.000Z")
        #expect(Budget.Period.day.range(at: leap).upperBound.iso8601() == "2024-03-01T00:00:00.000Z")
        #expect(Budget.Period.month.range(at: Self.time(-1)).lowerBound.iso8601() == "1969-12-01T00:00:00.000Z")
    }

    @Test func `every moment is in the period that it is asked for, and periods meet`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<2_000 {
            let time = Self.time(Int64.random(in: 0...253_000_000_000_000, using: &random))
            for period in Budget.Period.allCases {
                let range = period.range(at: time)
                #expect(range.contains(time))
                #expect(period.range(at: range.upperBound).lowerBound == range.upperBound)
                #expect(period.range(at: range.lowerBound) == range)
            }
        }
    }

    @Test func `a limit is reached by exactly as much`() {
        #expect(!Self.budget().isReached(by: Self.use(requests: 2)))
        #expect(Self.budget().isReached(by: Self.use(requests: 3)))
        let seconds = Self.budget(.gigabyteSeconds, limit: 500_000)
        #expect(
            !seconds.isReached(by: Self.use(duration: 511_999)) && seconds.isReached(by: Self.use(duration: 512_000))
        )
        // A fifth of a dollar is a million requests.
        let money = Self.budget(.dollars, limit: 200_000)
        #expect(!money.isReached(by: Self.use(requests: 999_999)) && money.isReached(by: Self.use(requests: 1_000_000)))
        #expect(Self.budget(limit: 0).isReached(by: UsageQuantities()))
    }

    @Test func `news is told once, and only of the period and the functions that count`() {
        var ledger = BudgetLedger()
        let other = FunctionKey(accountID: "000000000000", region: "us-east-1", name: "g")
        func record(_ requests: Int64, of function: FunctionKey = Self.function, at time: Int64) -> Bool {
            ledger.record(Self.use(requests: requests), of: function, at: Self.time(time))
        }
        ledger.put(Self.id, Self.budget(), functions: [Self.function], used: Self.use(), at: Self.time(5))
        let news = [
            record(9, of: other, at: 6), record(9, at: Self.day), record(1, at: 6), record(1, at: 7), record(1, at: 8),
        ]
        #expect(news == [false, false, false, true, false])
        let entry = ledger.entries[Self.id]
        #expect(entry?.used.requests == 4 && entry?.isReached == true)
        #expect(ledger.expired(at: Self.time(9)).isEmpty)
        #expect(ledger.expired(at: Self.time(Self.day)) == [Self.id])
        let next = Self.time(Self.day)
        ledger.put(Self.id, Self.budget(), functions: [Self.function], used: UsageQuantities(), at: next)
        #expect(ledger.entries[Self.id]?.isReached == false)
        #expect(ledger.expired(at: next).isEmpty)
        // A clock that is set back opens the earlier period again.
        #expect(ledger.expired(at: Self.time(Self.day - 1)) == [Self.id])
        ledger.remove(Self.id)
        #expect(ledger == BudgetLedger())
    }

    /// The ledger against a plain list of all that was used: 64 seeds × 400 steps.
    @Test(arguments: UInt64(0)..<64)
    func `what is used is what was recorded in the period`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let functions = (0..<4).map { FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f\($0)") }
        let ids = (0..<3).map { BudgetID(accountID: "000000000000", region: "us-east-1", name: "b\($0)") }
        var ledger = BudgetLedger()
        var all: [(function: FunctionKey, time: Timestamp, requests: Int64)] = []
        var known: [BudgetID: (budget: Budget, functions: Set<FunctionKey>, period: Range<Timestamp>)] = [:]
        func used(_ id: BudgetID) -> Int64 {
            guard let each = known[id] else { return 0 }
            return all.filter { each.functions.contains($0.function) && each.period.contains($0.time) }
                .reduce(0) { $0 + $1.requests }
        }
        var now: Int64 = 0
        for step in 0..<400 {
            now = max(0, now + Int64.random(in: -Self.day / 4...Self.day / 3, using: &random))
            for id in ledger.expired(at: Self.time(now)) {
                guard var each = known[id] else { continue }
                each.period = each.budget.period.range(at: Self.time(now))
                known[id] = each
                ledger.put(
                    id,
                    each.budget,
                    functions: each.functions,
                    used: Self.use(requests: used(id)),
                    at: Self.time(now)
                )
            }
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let id = ids[Int.random(in: 0..<3, using: &random)]
                let budget = Self.budget(limit: Int64.random(in: 0...40, using: &random) * 1_000_000)
                let chosen = Set(functions.filter { _ in Bool.random(using: &random) })
                known[id] = (budget, chosen, budget.period.range(at: Self.time(now)))
                ledger.put(id, budget, functions: chosen, used: Self.use(requests: used(id)), at: Self.time(now))
            case 1:
                let id = ids[Int.random(in: 0..<3, using: &random)]
                known[id] = nil
                ledger.remove(id)
            default:
                let function = functions[Int.random(in: 0..<4, using: &random)]
                let requests = Int64.random(in: 1...3, using: &random)
                let before = ledger.entries.filter { $0.value.isReached }.count
                all.append((function, Self.time(now), requests))
                let isNews = ledger.record(Self.use(requests: requests), of: function, at: Self.time(now))
                #expect(
                    isNews == (ledger.entries.filter { $0.value.isReached }.count > before),
                    "seed \(seed), step \(step)"
                )
            }
            #expect(Set(ledger.entries.keys) == Set(known.keys))
            for (id, entry) in ledger.entries {
                #expect(entry.used.requests == used(id), "seed \(seed), step \(step)")
                #expect(entry.isReached == entry.budget.isReached(by: entry.used), "seed \(seed), step \(step)")
            }
        }
    }

    @Test func `a reservation comes back where it was the budget that took it`() {
        for previous in [nil, 5] {
            let before = BudgetedReservation(executions: previous, stop: nil)
            let stopped = before.stopped(by: "a")
            #expect(stopped.executions == 0 && stopped.stop?.budgets == ["a"])
            #expect(stopped.stopped(by: "a") == stopped && stopped.released(by: "b") == stopped)
            #expect(stopped.released(by: "a") == before)
            let twice = stopped.stopped(by: "b")
            #expect(twice.released(by: "a").executions == 0)
            #expect(twice.released(by: "a").released(by: "b") == before)
        }
        let own = BudgetedReservation(executions: 0, stop: nil)
        #expect(own.stopped(by: "a") == own && own.released(by: "a") == own)
        let since = BudgetedReservation(executions: 7, stop: nil)
        #expect(since.released(by: "a") == since)
    }
}
