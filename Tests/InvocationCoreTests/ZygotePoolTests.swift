// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

/// Zygotes, event by event; numbers are given out from 1.
struct ZygotePoolTests {
    private let start = MonotonicTime(nanoseconds: 0)
    private let runtime = "python3.12"

    private func id(_ number: UInt64) -> ZygoteID { ZygoteID(number) }

    /// With its first zygote forking.
    private func pool(_ settings: ZygotePool<String>.Settings = .init()) -> ZygotePool<String> {
        var pool = ZygotePool<String>(settings: settings)
        #expect(pool.take(runtime, at: start, mayStart: true) == .start(id(1)))
        pool.started(id(1), at: start)
        return pool
    }

    @Test func `one is started for a runtime, by whom may, and while it starts nobody forks`() {
        var pool = ZygotePool<String>()
        #expect(pool.take(runtime, at: start, mayStart: false) == .none)
        #expect(pool.take(runtime, at: start, mayStart: true) == .start(id(1)))
        #expect(pool.take(runtime, at: start, mayStart: true) == .none)
        #expect(pool.take("python3.11", at: start, mayStart: true) == .start(id(2)))
        pool.started(id(1), at: start)
        #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)))
        #expect(pool.take(runtime, at: start, mayStart: false) == .fork(id(1)))
        #expect(pool.children(of: id(1)) == 2)
    }

    @Test func `an old one forks no more, and goes after its last child`() {
        var pool = pool(.init(ageMax: .seconds(60)))
        #expect(pool.take(runtime, at: start + .seconds(59), mayStart: true) == .fork(id(1)))
        #expect(pool.take(runtime, at: start + .seconds(60), mayStart: true) == .start(id(2)))
        #expect(pool.silent.isEmpty && pool.takeFinished() == nil, "a child is on its way")
        pool.started(id(2), at: start + .seconds(60))
        pool.childEnded(id(1))
        #expect(pool.takeFinished() == nil, "it is not said yet what became of it")
        pool.childFailed(id(1), at: start + .seconds(60))
        #expect(pool.silent == [id(1)])
        #expect(pool.takeFinished() == id(1))
        #expect(pool.takeFinished() == nil && pool.living == 1)
    }

    @Test func `one that dies stays for its children, and its runtime is without for longer and longer`() {
        var pool = pool()
        #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)))
        pool.lost(id(1), at: start)
        pool.lost(id(1), at: start)
        #expect(pool.takeFinished() == nil)
        #expect(pool.take(runtime, at: start + .milliseconds(999), mayStart: true) == .none)
        var now = start + .seconds(1)
        for (number, seconds) in [(2, 2), (3, 4), (4, 8)] {
            #expect(pool.take(runtime, at: now, mayStart: true) == .start(id(UInt64(number))))
            pool.startFailed(id(UInt64(number)), at: now)
            #expect(pool.take(runtime, at: now + (.seconds(seconds) - .milliseconds(1)), mayStart: true) == .none)
            now = now + .seconds(seconds)
        }
        #expect(pool.take(runtime, at: now, mayStart: true) == .start(id(5)))
        pool.started(id(5), at: now)
        #expect(pool.take(runtime, at: now, mayStart: true) == .fork(id(5)))
        pool.childCame(id(5))
        pool.lost(id(5), at: now)
        #expect(pool.take(runtime, at: now + .seconds(1), mayStart: true) == .start(id(6)), "a success ends the row")
    }

    @Test func `one whose children fail in a row ends`() {
        var pool = pool()
        for count in 1...3 {
            #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)), "\(count)")
            pool.childFailed(id(1), at: start)
            pool.childEnded(id(1))
            if count == 1 {
                #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)))
                pool.childCame(id(1))
            }
        }
        #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)), "two in a row")
        pool.childFailed(id(1), at: start)
        pool.childEnded(id(1))
        #expect(pool.take(runtime, at: start, mayStart: true) == .none)
        #expect(pool.takeFinished() == nil, "the one that came lives")
        pool.childEnded(id(1))
        #expect(pool.takeFinished() == id(1))
    }

    @Test func `so many at most are on their way`() {
        var pool = pool(.init(comingMax: 2))
        for _ in 0..<2 { #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1))) }
        #expect(pool.take(runtime, at: start, mayStart: true) == .none)
        pool.childCame(id(1))
        #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)))
        #expect(pool.children(of: id(1)) == 3)
    }

    @Test func `one that dies while it is said to have started is ended`() {
        var pool = ZygotePool<String>()
        #expect(pool.take(runtime, at: start, mayStart: true) == .start(id(1)))
        pool.lost(id(1), at: start)
        #expect(pool.takeFinished() == nil)
        pool.started(id(1), at: start)
        #expect(pool.takeFinished() == id(1) && pool.living == 0)
        #expect(pool.take(runtime, at: start, mayStart: true) == .none)
    }

    @Test func `one whose kind is gone forks no more, and one that only starts does not begin to`() {
        var pool = pool()
        #expect(pool.take(runtime, at: start, mayStart: false) == .fork(id(1)))
        #expect(pool.take("python3.13", at: start, mayStart: true) == .start(id(2)))
        #expect(pool.has(runtime, at: start) && pool.has("python3.13", at: start) && !pool.has("python3.11", at: start))
        #expect(!pool.isAtRest(id(1)) && pool.isAtRest(id(2)))
        pool.retire { _ in true }
        #expect(!pool.has(runtime, at: start) && !pool.has("python3.13", at: start))
        pool.started(id(2), at: start)
        #expect(pool.takeFinished() == id(2))
        pool.childCame(id(1))
        #expect(pool.silent == [id(1)] && pool.takeFinished() == nil)
        pool.childEnded(id(1))
        #expect(pool.takeFinished() == id(1))
        #expect(pool.take(runtime, at: start, mayStart: true) == .start(id(3)), "nothing failed")
    }

    @Test func `one that has had many children is replaced`() {
        var pool = pool(.init(childrenMax: 3))
        for _ in 0..<3 {
            #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(1)))
            pool.childCame(id(1))
        }
        #expect(pool.take(runtime, at: start, mayStart: true) == .start(id(2)))
        #expect(pool.silent == [id(1)])
        pool.started(id(2), at: start)
        #expect(pool.take(runtime, at: start, mayStart: true) == .fork(id(2)))
    }

    @Test func `an old one is as if there were none`() {
        let pool = pool(.init(ageMax: .seconds(60)))
        #expect(pool.has(runtime, at: start + .seconds(59)) && !pool.has(runtime, at: start + .seconds(60)))
    }
}
