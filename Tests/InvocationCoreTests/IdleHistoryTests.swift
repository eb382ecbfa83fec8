// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import Testing

@testable import InvocationCore

/// What follows from how a function was called so far.
struct IdleHistoryTests {
    private let key = IdleHistory.Key(
        function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
        version: "$LATEST"
    )
    private let start = MonotonicTime(nanoseconds: 0)

    /// Calls of a second each, one after the other, with such times between them.
    private func history(_ gaps: [Int]) -> IdleHistory {
        var history = IdleHistory()
        var now = start
        for gap in gaps + [0] {
            history.rose(key, at: now)
            now = now + .seconds(1)
            history.fell(key, at: now)
            now = now + .seconds(gap)
        }
        return history
    }

    @Test func `a few calls say nothing`() {
        #expect(history([]).keepAlive(key, level: 1) == nil)
        #expect(history([60, 60, 60]).keepAlive(key, level: 1) == nil)
        #expect(history([60, 60, 60, 60]).keepAlive(key, level: 1) != nil)
    }

    @Test(arguments: [90, 300, 600, 800])
    func `what comes at regular times is waited for`(gap: Int) throws {
        let time = try #require(history(Array(repeating: gap, count: 10)).keepAlive(key, level: 1))
        #expect(time > .seconds(gap) && time < .seconds(gap) * 1.5)
    }

    @Test func `what a start is not worth is not waited for`() {
        #expect(history(Array(repeating: 7_200, count: 10)).keepAlive(key, level: 1) == IdleHistory.keepAliveMin)
        #expect(history(Array(repeating: 200_000, count: 10)).keepAlive(key, level: 1) == IdleHistory.keepAliveMin)
    }

    @Test func `after a burst only the next burst would be waited for`() throws {
        let bursts = Array(repeating: [1, 2, 1, 3, 2, 50_000], count: 10).flatMap(\.self)
        #expect(history(bursts).keepAlive(key, level: 1) == IdleHistory.keepAliveMin)
    }

    @Test func `newer times count more than older ones`() throws {
        let changed = history(Array(repeating: 600, count: 500) + Array(repeating: 5, count: 3_000))
        #expect(changed.keepAlive(key, level: 1) == IdleHistory.keepAliveMin)
    }

    @Test func `each level of demand has times of its own`() throws {
        var history = IdleHistory()
        var now = start
        for _ in 0..<10 {
            for _ in 0..<2 { history.rose(key, at: now) }
            #expect(history.level(key) == 3)
            now = now + .seconds(1)
            history.fell(key, at: now)
            #expect(history.level(key) == 2)
            for _ in 0..<60 {
                now = now + .seconds(1)
                history.fell(key, at: now)
                now = now + .seconds(9)
                history.rose(key, at: now)
            }
            history.fell(key, at: now)
        }
        #expect(history.keepAlive(key, level: 1) == IdleHistory.keepAliveMin)
        let second = try #require(history.keepAlive(key, level: 2))
        #expect(second > .seconds(600) && second < .seconds(900))
        #expect(history.keepAlive(key, level: 3) == nil)
    }

    @Test func `the longer it was idle, the less likely is its use`() {
        let unknown = history([])
        let values = [0, 60, 600, 6_000].map { unknown.usefulness(key, level: 1, age: .seconds($0)) }
        #expect(values == values.sorted(by: >) && values.allSatisfy { $0 > 0 && $0 <= 1 })
    }

    @Test func `what comes every half hour is of use at its end, not before`() {
        let regular = history(Array(repeating: 1_800, count: 20))
        let values = [60, 1_600, 4_000].map { regular.usefulness(key, level: 1, age: .seconds($0)) }
        #expect(values[0] < 0.2 && values[1] > 0.8 && values[2] < 0.2)
    }

    @Test func `functions that were called long ago are forgotten, those in hand are not`() {
        var history = IdleHistory()
        func numbered(_ number: Int) -> IdleHistory.Key {
            IdleHistory.Key(function: key.function, version: String(number))
        }
        for number in 0..<20_000 {
            history.rose(numbered(number), at: start + .seconds(number))
            if number != 7 { history.fell(numbered(number), at: start + .seconds(number)) }
        }
        #expect(history.recordsCount <= 4_096)
        #expect(history.level(numbered(7)) == 2)
    }
}
